"""Whatever a scanner reads, the dock says what it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.scanning import ConfirmScanSession, Verdict
from libs.contracts.values import asset_id_of
from services.receiving.receipt import ReceiptUnit
from services.receiving.scan import Reading, parse
from services.receiving.shipment import Shipment
from services.receiving.taken_scan import Means, TakenScan
from tests.builders_dock import LINE, a_delivery, a_unit, tags_of
from tests.builders_scanning import (
    CABLE,
    CABLE_BOX,
    GTIN,
    OTHER_LINE,
    OTHER_ORDER,
    SESSION,
    SSCC,
    a_dock,
    a_scan,
    a_shipment,
    findings,
    received,
    scans_of,
    verdicts,
)


@pytest.mark.parametrize(
    ("code", "reading"),
    [
        ("QM-00000001", Reading(text="QM-00000001")),
        ("]Q1QM-00000001", Reading(text="QM-00000001")),
        ("4006381333931", Reading(text="4006381333931", gtin=GTIN)),
        ("036000291452", Reading(text="036000291452", gtin=CABLE)),
        ("0104006381333931", Reading(gtin=GTIN)),
        ("010400638133393121ABC\x1d10LOT", Reading(gtin=GTIN, serial="ABC", lot="LOT")),
        ("]C1010400638133393121ABC", Reading(gtin=GTIN, serial="ABC")),
        ("]d2\x1d010400638133393121ABC", Reading(gtin=GTIN, serial="ABC")),
        ("(01)04006381333931(21)ABC(10)LOT", Reading(gtin=GTIN, serial="ABC", lot="LOT")),
        ("00" + SSCC, Reading(sscc=SSCC)),
        ("(00)" + SSCC, Reading(sscc=SSCC)),
        ("]C121ABC", Reading(serial="ABC")),
        # They look like GS1 elements, and are not.
        ("2112345", Reading(text="2112345")),
        ("0104006381333932", Reading(text="0104006381333932")),
        ("5CG1234XYZ", Reading(text="5CG1234XYZ")),
        (" 5CG1234XYZ ", Reading(text="5CG1234XYZ")),
        ("(", Reading(text="(")),
        ("]C1", Reading()),
        ("\x1d", Reading()),
    ],
)
def test_a_code_says_by_itself(code: str, reading: Reading) -> None:
    assert parse(code) == reading


@given(st.text(st.sampled_from("\x1d ()]CdQ0123456789ABCM-"), min_size=1, max_size=60))
def test_no_code_whatever_breaks_the_scanner(code: str) -> None:
    parse(code)


def test_every_kind_of_code_is_told_what_it_is() -> None:
    house = a_dock(3)
    house.hear(tags_of(1), a_shipment("S-1", "S-2", packages=(SSCC,)))
    (shipment,) = house.all(Shipment)
    codes = [
        "QM-00000001",
        "S-1",
        f"(01){GTIN}(21)S-2",
        CABLE,
        "00" + SSCC,
        "PO-1",
        shipment.number,
        "not a one",
    ]

    house.hear(scans_of(*map(a_scan, codes)))

    assert [
        (scan.code, scan.means) for scan in sorted(house.all(TakenScan), key=lambda s: codes.index(s.code))
    ] == [
        ("QM-00000001", Means.TAG),
        ("S-1", Means.SERIAL),
        (f"(01){GTIN}(21)S-2", Means.ITEM),
        (CABLE, Means.ITEM),
        ("00" + SSCC, Means.PACKAGE),
        ("PO-1", Means.ORDER),
        (shipment.number, Means.SHIPMENT),
        ("not a one", Means.NOTHING),
    ]
    assert verdicts(house) == {
        "QM-00000001": Verdict.EXPECTED,
        "S-1": Verdict.VERIFIED,
        f"(01){GTIN}(21)S-2": Verdict.VERIFIED,
        CABLE: Verdict.EXPECTED,
        "00" + SSCC: Verdict.EXPECTED,
        "PO-1": Verdict.EXPECTED,
        shipment.number: Verdict.EXPECTED,
        "not a one": Verdict.UNEXPECTED,
    }


def test_what_is_of_another_order_is_told_so() -> None:
    house = a_dock(3)
    house.hear(a_shipment("S-1", order_id=OTHER_ORDER, line=OTHER_LINE, packages=(SSCC,)))

    house.hear(scans_of(a_scan("S-1"), a_scan("00" + SSCC), a_scan("PR-000002")))

    assert set(verdicts(house).values()) == {Verdict.WRONG_ORDER}
    assert {each.order_id for each in findings(house).values()} == {OTHER_ORDER}


def test_what_came_before_was_received_already_by_its_serial_number_and_by_its_tag() -> None:
    house = a_dock(3)
    house.hear(tags_of(1, 2), a_delivery(a_unit("S-1", asset_id=asset_id_of(LINE, 1))))

    house.hear(
        scans_of(a_scan("S-1"), a_scan("QM-00000001"), a_scan("QM-00000002"), a_scan(f"(01){GTIN}(21)S-1", 9))
    )

    assert verdicts(house) == {
        "S-1": Verdict.ALREADY_RECEIVED,
        "QM-00000001": Verdict.ALREADY_RECEIVED,
        "QM-00000002": Verdict.EXPECTED,
        f"(01){GTIN}(21)S-1": Verdict.DUPLICATE,
    }


def test_a_serial_number_that_nobody_announced_is_expected_only_where_one_line_can_be_meant() -> None:
    house = a_dock(1)

    house.hear(scans_of(a_scan("S-9", 1), a_scan("S-8", 2)))

    assert verdicts(house) == {"S-9": Verdict.EXPECTED, "S-8": Verdict.UNEXPECTED}


def test_the_places_of_announced_units_are_not_for_others() -> None:
    house = a_dock(3)
    house.hear(a_shipment("S-1", "S-2"))

    house.hear(scans_of(a_scan(f"(01){GTIN}(21)X-1", 1), a_scan(f"(01){GTIN}(21)X-2", 2)))

    assert list(verdicts(house).values()).count(Verdict.EXPECTED) == 1


def test_cartons_count_what_is_in_them_and_no_more_than_is_open_is_expected() -> None:
    house = a_dock()

    house.hear(
        scans_of(
            a_scan(CABLE_BOX, 1), a_scan(CABLE, 2, quantity=8), a_scan(CABLE, 3, quantity=3), a_scan(CABLE, 4)
        )
    )

    assert {(each.units, each.verdict) for each in findings(house).values()} == {
        (10, Verdict.EXPECTED),
        (8, Verdict.EXPECTED),
        (3, Verdict.UNEXPECTED),
        (1, Verdict.EXPECTED),
    }


def test_a_tag_and_a_serial_number_that_were_read_together_are_of_one_unit() -> None:
    house = a_dock(3)
    house.hear(tags_of(2), a_shipment("S-1"))
    together = a_scan("QM-00000002", 5, serial="S-1")

    house.hear(scans_of(a_scan("S-1", 9), a_scan("QM-00000002", 8), together))
    house.hear(ConfirmScanSession(session_id=SESSION))

    assert sorted(each.verdict for each in findings(house).values()) == [
        Verdict.DUPLICATE,
        Verdict.DUPLICATE,
        Verdict.VERIFIED,
    ]
    assert [ended.verdict for ended in received(house)] == ["accepted"]
    assert {unit.serial: unit.asset_id for unit in house.all(ReceiptUnit)} == {"S-1": asset_id_of(LINE, 2)}


def test_one_serial_number_on_two_items_is_on_two_units() -> None:
    house = a_dock(3)
    house.hear(a_shipment("S-1"))

    house.hear(scans_of(a_scan("S-1", 1), a_scan(f"(01){CABLE}(21)S-1", 2)))

    assert Verdict.DUPLICATE not in verdicts(house).values()
