"""Importing vendors, catalog items and offers from files, and exporting them to files that can be imported again."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar, cast

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from pydantic_core import to_jsonable_python
from sqlalchemy import ColumnElement, Select, func, select

from libs.chassis.decision import Record
from libs.chassis.http import Obeying, needs
from libs.chassis.import_api import csv_line, import_routes
from libs.chassis.import_files import ImportKind
from libs.chassis.imports import CsvFile, RowsRead, contents_of, import_rows
from libs.chassis.pages import as_file, in_parts
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

_vendors, _items = STORAGE.tables[Vendor], STORAGE.tables[CatalogItem]

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
async def export_vendors(request: Request, format: Format = "csv") -> StreamingResponse:
    """All vendors in a file that can be imported as it is."""
    records = _records(request, Vendor, [select(_vendors)], _vendors.c.number)
    return await _file("vendors", format, records, VENDOR_COLUMNS, vendor_cells, vendor_object)


@router.get("/exports/catalog", dependencies=[needs(Action.SEE_CATALOG)], response_class=StreamingResponse)
async def export_catalog(request: Request, format: Format = "csv") -> StreamingResponse:
    """The whole catalog in a file that can be imported as it is: bundles last, after what they are made of."""
    items, is_bundle = select(_items), func.jsonb_array_length(_items.c.components) > 0
    records = _records(request, CatalogItem, [items.where(~is_bundle), items.where(is_bundle)], _items.c.sku)
    return await _file("catalog", format, records, ITEM_COLUMNS, item_cells, item_object)


async def _file(
    name: str,
    format: Format,
    records: AsyncIterator[list[R]],
    columns: Sequence[str],
    cells: Callable[[R], list[list[str]]],
    content: Callable[[R], Mapping[str, Any]],
) -> StreamingResponse:
    if format == "csv":
        return await as_file(
            _csv(records, columns, cells), name=f"{name}.csv", media_type="text/csv; charset=utf-8"
        )
    return await as_file(_json(records, content), name=f"{name}.json", media_type="application/json")


async def _csv(
    records: AsyncIterator[list[R]], columns: Sequence[str], cells: Callable[[R], list[list[str]]]
) -> AsyncIterator[str]:
    header = csv_line(columns)
    async for part in records:
        yield header + "".join(csv_line(row) for record in part for row in cells(record))
        header = ""
    yield header


async def _json(
    records: AsyncIterator[list[R]], content: Callable[[R], Mapping[str, Any]]
) -> AsyncIterator[str]:
    between = "["
    async for part in records:
        lines = [json.dumps(to_jsonable_python(content(record), exclude_none=True)) for record in part]
        yield between + "\n" + ",\n".join(lines)
        between = ","
    yield "]\n" if between == "," else "[]\n"


async def _records(
    request: Request, of: type[R], queries: Sequence[Select[Any]], key: ColumnElement[str]
) -> AsyncIterator[list[R]]:
    rows = STORAGE.rows[of]
    for query in queries:
        async for part in in_parts(request.app.state.engine, query, key):
            yield [cast(R, rows.decode(row)) for row in part]
