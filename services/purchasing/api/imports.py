"""Importing vendors and catalog items from a file."""

from collections.abc import Mapping, Sequence

from fastapi import APIRouter

from libs.chassis.http import Obeying, needs
from libs.chassis.imports import Content, CsvFile, RowsRead, contents_of, import_rows
from libs.contracts.catalog import DefineCatalogItem, DefineVendor
from libs.contracts.permissions import Action

router = APIRouter()


@router.post("/imports/vendors", dependencies=[needs(Action.MANAGE_VENDORS)])
async def import_vendors(file: CsvFile, obey: Obeying) -> RowsRead:
    """Define vendors from a CSV file with the columns number, name, currency.

    Further columns: lead_time_days, active. All rows are checked before the first is carried out; a file
    may be sent again.
    """
    rows = contents_of(file, columns=("number", "name", "currency"))
    return await import_rows(obey, DefineVendor, _typed(rows))


@router.post("/imports/catalog", dependencies=[needs(Action.MANAGE_CATALOG)])
async def import_catalog(file: CsvFile, obey: Obeying) -> RowsRead:
    """Define catalog items from a CSV file: sku, name, kind, vendor_number, unit_price, currency.

    Further columns: manufacturer, model, gtin, warranty_months, asset_creation, active. All rows are checked
    before the first is carried out; a file may be sent again.
    """
    rows = contents_of(file, columns=("sku", "name", "kind", "vendor_number", "unit_price", "currency"))
    return await import_rows(obey, DefineCatalogItem, _typed(rows))


_NUMBERS = ("lead_time_days", "warranty_months")
_SWITCHES: Mapping[str, bool] = {
    "true": True,
    "yes": True,
    "1": True,
    "false": False,
    "no": False,
    "0": False,
}


def _typed(rows: Sequence[Content]) -> list[Content]:
    """Rows whose numbers and switches are no longer text; the contract refuses what is neither."""
    return [(numbers, {name: _cell(name, cell) for name, cell in row.items()}) for numbers, row in rows]


def _cell(name: str, cell: str) -> object:
    if name in _NUMBERS and cell.isascii() and cell.isdigit() and len(cell) < 10:
        return int(cell)
    if name == "active":
        return _SWITCHES.get(cell.lower(), cell)
    return cell
