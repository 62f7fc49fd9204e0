"""Importing vendors, catalog items and offers from files, and exporting them to files that can be imported again."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar, cast

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic_core import to_jsonable_python
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.chassis.decision import Record
from libs.chassis.http import Obeying, Reading, needs
from libs.chassis.import_api import csv_line, import_routes
from libs.chassis.import_files import ImportKind
from libs.chassis.imports import CsvFile, RowsRead, contents_of, import_rows
from libs.contracts.permissions import Action
from services.purchasing.api.files import (
    CATALOG,
    ITEM_COLUMNS,
    OFFERS,
    VENDOR_COLUMNS,
    VENDORS,
    item_cells,
    item_object,
    vendor_cells,
    vendor_object,
)
from services.purchasing.catalog import CatalogItem, Vendor
from services.purchasing.tables import STORAGE

R = TypeVar("R", bound=Record)
Format = Literal["csv", "json"]
KINDS: Mapping[ImportKind, Action] = {
    VENDORS: Action.MANAGE_VENDORS,
    CATALOG: Action.MANAGE_CATALOG,
    OFFERS: Action.MANAGE_CATALOG,
}
ROWS_AT_ONCE = 200

router = APIRouter()
router.include_router(import_routes(KINDS))


@router.post("/imports/vendors", dependencies=[needs(Action.MANAGE_VENDORS)])
async def import_vendors(file: CsvFile, obey: Obeying) -> RowsRead:
    """Define vendors from a small CSV file with the columns number, name, currency, and be told how each row ended.

    Further columns: contact_name, contact_email, contact_phone, payment_terms, lead_time_days, strategic, active. All
    rows are checked before the first is carried out; a file may be sent again.
    """
    return await import_rows(obey, VENDORS, contents_of(file, columns=VENDORS.columns))


@router.post("/imports/catalog", dependencies=[needs(Action.MANAGE_CATALOG)])
async def import_catalog(file: CsvFile, obey: Obeying) -> RowsRead:
    """Define catalog items from a small CSV file: sku, name, kind, vendor_number, unit_price, currency.

    A row is an item with one offer, or a bundle. Further columns: unit, lead_time_days, valid_from, valid_to,
    preferred, components, manufacturer, model, gtin, packs, warranty_months, metric, term_months, asset_creation,
    active. All rows are checked before the first is carried out; a file may be sent again.
    """
    return await import_rows(obey, CATALOG, contents_of(file, columns=CATALOG.columns))


@router.get("/exports/vendors", dependencies=[needs(Action.SEE_CATALOG)], response_class=StreamingResponse)
async def export_vendors(read: Reading, format: Format = "csv") -> StreamingResponse:
    """All vendors in a file that can be imported as it is."""
    return _file(read, "vendors", Vendor, "number", format, VENDOR_COLUMNS, vendor_cells, vendor_object)


@router.get("/exports/catalog", dependencies=[needs(Action.SEE_CATALOG)], response_class=StreamingResponse)
async def export_catalog(read: Reading, format: Format = "csv") -> StreamingResponse:
    """The whole catalog in a file that can be imported as it is: bundles last, after what they are made of."""
    return _file(read, "catalog", CatalogItem, "sku", format, ITEM_COLUMNS, item_cells, item_object)


def _file(
    read: AsyncConnection,
    name: str,
    of: type[R],
    key: str,
    format: Format,
    columns: Sequence[str],
    cells: Callable[[R], list[list[str]]],
    content: Callable[[R], Mapping[str, Any]],
) -> StreamingResponse:
    parts = _csv(read, of, key, columns, cells) if format == "csv" else _json(read, of, key, content)
    media_type = "text/csv" if format == "csv" else "application/json"
    headers = {"Content-Disposition": f'attachment; filename="{name}.{format}"'}
    return StreamingResponse(parts, media_type=media_type, headers=headers)


async def _csv(
    read: AsyncConnection,
    of: type[R],
    key: str,
    columns: Sequence[str],
    cells: Callable[[R], list[list[str]]],
) -> AsyncIterator[str]:
    yield csv_line(columns)
    async for records in _records(read, of, key):
        yield "".join(csv_line(row) for record in records for row in cells(record))


async def _json(
    read: AsyncConnection, of: type[R], key: str, content: Callable[[R], Mapping[str, Any]]
) -> AsyncIterator[str]:
    between = "["
    async for records in _records(read, of, key):
        lines = [json.dumps(to_jsonable_python(content(record), exclude_none=True)) for record in records]
        yield between + "\n" + ",\n".join(lines)
        between = ","
    yield "]\n" if between == "," else "[]\n"


async def _records(read: AsyncConnection, of: type[R], key: str) -> AsyncIterator[list[R]]:
    table, rows = STORAGE.tables[of], STORAGE.rows[of]
    order = (
        [table.c[key]] if of is Vendor else [func.jsonb_array_length(table.c.components) > 0, table.c[key]]
    )
    found = await read.stream(select(table).order_by(*order).execution_options(yield_per=ROWS_AT_ONCE))
    async for part in found.partitions(ROWS_AT_ONCE):
        yield [cast(R, rows.decode(row)) for row in part]
