"""Files that people open in a spreadsheet hold no formulas, and import again as what they were."""

from io import BytesIO

import pytest

from libs.chassis.import_api import csv_line
from libs.chassis.import_files import rows_of
from libs.chassis.imports import contents_of


@pytest.mark.parametrize(
    "cell", ["=1+1", "+49 30 1234", "-SKU", "@home", "'=1", "'quoted'", "O'Neill", "plain"]
)
def test_a_cell_is_no_formula_and_comes_back_as_it_was(cell: str) -> None:
    file = (csv_line(["name"]) + csv_line([cell])).encode()

    written = file.decode().splitlines()[1].strip('"')
    assert written[0] not in "=+-@"
    assert list(rows_of(BytesIO(file), "csv")) == [(1, {"name": cell})]
    assert contents_of(file, columns=["name"]) == [((1,), {"name": cell})]
