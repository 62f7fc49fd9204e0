"""Files that people open in a spreadsheet hold no formulas, and import again as what they were."""

from io import BytesIO

import pytest

from libs.chassis.decision import Rejection
from libs.chassis.import_api import csv_line
from libs.chassis.import_files import RowInvalid, command_of, rows_of
from libs.chassis.imports import contents_of
from services.purchasing.api.files import VENDORS


@pytest.mark.parametrize(
    "cell", ["=1+1", "+49 30 1234", "-SKU", "@home", "'=1", "'quoted'", "O'Neill", "plain"]
)
def test_a_cell_is_no_formula_and_comes_back_as_it_was(cell: str) -> None:
    file = (csv_line(["name"]) + csv_line([cell])).encode()

    written = file.decode().splitlines()[1].strip('"')
    assert written[0] not in "=+-@"
    assert list(rows_of(BytesIO(file), "csv")) == [(1, {"name": cell})]
    assert contents_of(file, columns=["name"]) == [((1,), {"name": cell})]


def test_a_row_with_more_cells_than_columns_is_no_row() -> None:
    ((_, row),) = contents_of(b"number,name\nV-1,One,Two\n", columns=["number"])

    with pytest.raises(RowInvalid, match="more cells"):
        command_of(VENDORS, "csv", row)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (b"name\nOne\n", "The file lacks the columns number."),
        (b"number,number\nV-1,V-1\n", "Two columns have the same name."),
        (b"number\n\xff\n", "This is not CSV in UTF-8 after line"),
        (b'number\n"V-1', "This is not CSV in UTF-8 after line"),
        (b"number\n" + b"V-1\n" * 10_001, "The file has more than 10000 rows."),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_whole(file: bytes, message: str) -> None:
    with pytest.raises(Rejection, match=message):
        contents_of(file, columns=["number"])
