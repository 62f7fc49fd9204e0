"""Importing shipments from files: what a vendor's or a carrier's spreadsheet says is on its way.

In CSV a row is a shipment: `LAPTOP-14:2; DOCK-1:4` are its items, `LAPTOP-14:S-1 S-2; DOCK-1:D-1` its serial numbers.
Serial numbers with a semicolon in them are told as JSON: `{"LAPTOP-14": ["S;1"]}`.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import APIRouter

from libs.chassis.http import Obeying, needs
from libs.chassis.import_api import import_routes
from libs.chassis.import_files import Cells, ImportKind, RowInvalid
from libs.chassis.imports import CsvFile, RowsRead, contents_of, import_rows
from libs.contracts.permissions import Action
from libs.contracts.shipments import RegisterShipment


def _content(cells: Cells) -> Mapping[str, Any]:
    """What a row says of a shipment; the contract refuses what is not true of one."""
    said: dict[str, Any] = {
        name: cell for name, cell in cells.items() if name not in ("items", "serials", "packages")
    }
    lines = {sku: {"sku": sku, "quantity": quantity} for sku, quantity in _items(cells.get("items", ""))}
    for sku, serials in _serials(cells.get("serials", "")):
        if sku not in lines:
            raise RowInvalid("serials", f"{sku[:64]} is not among the items.")
        lines[sku]["serials"] = serials
    return said | {
        "lines": list(lines.values()),
        "packages": cells.get("packages", "").replace(";", " ").split(),
    }


def _items(cell: str) -> Iterator[tuple[str, int]]:
    seen = set()
    for sku, written in _parts("items", cell):
        if sku in seen:
            raise RowInvalid("items", f"{sku[:64]} stands there twice.")
        if not (written.isascii() and written.isdigit() and len(written) < 10):
            raise RowInvalid("items", f"Say how many of {sku[:64]}: SKU:quantity; SKU:quantity.")
        seen.add(sku)
        yield sku, int(written)


def _serials(cell: str) -> Iterator[tuple[str, list[str]]]:
    if not cell.startswith("{"):
        for sku, written in _parts("serials", cell):
            yield sku, written.split()
        return
    try:
        said = json.loads(cell)
    except (ValueError, RecursionError):
        raise RowInvalid("serials", "The list begins like JSON and is none.") from None
    for sku, serials in said.items():
        if not isinstance(serials, list):
            raise RowInvalid("serials", f"The serial numbers of {sku[:64]} are a list.")
        yield sku, serials


def _parts(name: str, cell: str) -> Iterator[tuple[str, str]]:
    for part in cell.split(";"):
        if part.strip():
            sku, colon, rest = part.partition(":")
            if not colon:
                raise RowInvalid(name, f"{part.strip()[:64]} says nothing behind a colon.")
            yield sku.strip(), rest.strip()


SHIPMENTS = ImportKind(
    name="shipments", command=RegisterShipment, columns=("shipment_number", "items"), content=_content
)
KINDS: Mapping[ImportKind, Action] = {SHIPMENTS: Action.MANAGE_SHIPMENTS}

router = APIRouter()
router.include_router(import_routes(KINDS))


@router.post("/imports/shipments", dependencies=[needs(Action.MANAGE_SHIPMENTS)])
async def import_shipments(file: CsvFile, obey: Obeying) -> RowsRead:
    """Register shipments from a small CSV file with the columns shipment_number, items, and be told how each row ended.

    A row names its order by requisition_number, purchase_order_number or order_id. Further columns: serials, packages
    (with blanks between), invoice_number, carrier, tracking_number, dispatched_on, expected_on, location,
    storage_space. All rows are checked before the first is carried out; a file may be sent again.
    """
    return await import_rows(obey, SHIPMENTS, contents_of(file, columns=SHIPMENTS.columns))
