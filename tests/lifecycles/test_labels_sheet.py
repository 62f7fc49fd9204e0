"""Labels printed before arrival: what scanners and people read of them."""

from collections import Counter
from io import BytesIO

import pypdfium2
import pytest
import zxingcpp
from pypdf import PdfReader

from services.receiving.api.labels_sheet import LABELS_PER_SHEET, Label, Sheets, zpl


def labels(count: int, **changes: str) -> list[Label]:
    values = {"name": "Laptop 14", "order_number": "PO-2026-77"} | changes
    return [Label(**{"tag": f"QM-{number:08d}"} | values) for number in range(1, count + 1)]


def printed(*sheets: list[Label]) -> bytes:
    file = Sheets("Labels")
    for sheet in sheets:
        file.add(sheet)
    return file.finished()


def codes_on(content: bytes, page: int = 0) -> Counter[tuple[str, str]]:
    """What a scanner reads of a sheet: in which way, and what."""
    image = pypdfium2.PdfDocument(content)[page].render(scale=3).to_pil()
    return Counter((found.format.name, found.text) for found in zxingcpp.read_barcodes(image))


def test_every_label_of_a_full_sheet_is_read_both_ways() -> None:
    sheet = labels(LABELS_PER_SHEET)

    found = codes_on(printed(sheet))

    tags = [label.tag for label in sheet]
    assert found == Counter([(kind, tag) for tag in tags for kind in ("QRCode", "Code128")])


def test_a_sheet_says_what_each_thing_is_and_of_which_order() -> None:
    (page,) = PdfReader(BytesIO(printed(labels(1, name='Écran Łódź 27"')))).pages

    text = page.extract_text()

    assert [each in text for each in ("QM-00000001", 'Écran Łódź 27"', "PO-2026-77")] == [True] * 3


def test_many_labels_take_several_sheets() -> None:
    all_of_them = labels(LABELS_PER_SHEET + 1)

    file = printed(all_of_them[:LABELS_PER_SHEET], all_of_them[LABELS_PER_SHEET:])

    assert codes_on(file, 1) == Counter([("QRCode", "QM-00000025"), ("Code128", "QM-00000025")])


def test_the_same_labels_make_the_same_bytes() -> None:
    assert printed(labels(2)) == printed(labels(2))


@pytest.mark.parametrize("text", ["W" * 200, "many words " * 18, "\t\n\x1b", "表示装置"])
def test_any_name_and_number_leave_the_codes_readable(text: str) -> None:
    found = codes_on(printed(labels(3, name=text, order_number=text[:64])))

    assert sum(found.values()) == 6


def test_a_label_printer_is_told_the_same() -> None:
    (first, second) = zpl(labels(2)).split("^XZ\n")[:2]

    assert "^BQN,2,6^FH^FDMA,QM-00000001^FS" in first
    assert "^BCN,70,N,N,N^FH^FDQM-00000001^FS" in first
    assert ("Laptop 14" in first, "PO-2026-77" in first) == (True, True)
    assert second.startswith("^XA")


def test_what_a_label_printer_would_take_for_a_command_is_text() -> None:
    told = zpl(labels(1, name="Cable ^XZ~ 1_2"))

    assert "Cable _5EXZ_7E 1_5F2" in told
