"""Purchasing over HTTP: define vendors, catalog items and exchange rates, singly or from a file, and see them."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel
from sqlalchemy import Row, select

from libs.chassis.decision import Rejection
from libs.chassis.http import JsonBody, Obeying, Reading, needs
from libs.chassis.imports import Content, CsvFile, RowsRead, contents_of, import_rows
from libs.chassis.pages import After, Limit, Page, Wanted, fields_of, matching, named, page_of
from libs.contracts.catalog import DefineCatalogItem, DefineExchangeRate, DefineVendor
from libs.contracts.permissions import Action
from libs.contracts.values import AssetCreation, ExchangeRate, Kind
from services.purchasing import exchange_rate
from services.purchasing.catalog import CatalogItem, Vendor
from services.purchasing.tables import STORAGE

router = APIRouter()

_vendors = STORAGE.tables[Vendor]
_items = STORAGE.tables[CatalogItem]
_rates = STORAGE.tables[exchange_rate.ExchangeRate]

Change = Literal["created", "changed", "unchanged"]


class VendorDefined(BaseModel):
    """The vendor is as defined, and what that took."""

    vendor_id: UUID
    number: str
    change: Change


class ItemDefined(BaseModel):
    """The catalog item is as defined, and what that took."""

    item_id: UUID
    sku: str
    change: Change


class VendorSeen(BaseModel):
    """Somebody we buy from."""

    vendor_id: UUID
    version: int
    number: str
    name: str
    currency: str
    lead_time_days: int
    active: bool


class ItemSeen(BaseModel):
    """Something that can be bought, from whom, at which price."""

    item_id: UUID
    version: int
    sku: str
    name: str
    kind: Kind
    vendor_id: UUID
    vendor_number: str
    unit_price: Decimal
    currency: str
    manufacturer: str | None
    model: str | None
    gtin: str | None
    warranty_months: int
    asset_creation: AssetCreation
    active: bool


class RateDefined(BaseModel):
    """The exchange rate is as defined, and what that took."""

    rate_id: UUID
    change: Change


class RateSeen(BaseModel):
    """From a day on, one unit of the currency is worth so many of the base currency."""

    rate_id: UUID
    currency: str
    base: str
    rate: ExchangeRate
    valid_from: date


@router.post(
    "/vendors", status_code=201, response_model=VendorDefined, dependencies=[needs(Action.MANAGE_VENDORS)]
)
async def define_vendor(vendor: JsonBody[DefineVendor], obey: Obeying) -> Response:
    """Create a vendor, or change the one with this number."""
    return await obey(vendor)


@router.get("/vendors", dependencies=[needs(Action.SEE_CATALOG)])
async def list_vendors(read: Reading, limit: Limit = 100, after: After = None) -> Page[VendorSeen]:
    """Vendors by number."""
    rows, following = await page_of(read, select(_vendors), _vendors.c.number, limit, after)
    return Page(items=[_vendor_seen(row) for row in rows], next=following)


@router.get("/vendors/{reference:path}", dependencies=[needs(Action.SEE_CATALOG)])
async def show_vendor(reference: str, read: Reading) -> VendorSeen:
    """One vendor by id or number."""
    query = select(_vendors).where(named(reference, _vendors.c.id, _vendors.c.number))
    for row in await read.execute(query):
        return _vendor_seen(row)
    raise Rejection("no_such_vendor", message=f"There is no vendor {reference}.")


@router.post(
    "/catalog-items", status_code=201, response_model=ItemDefined, dependencies=[needs(Action.MANAGE_CATALOG)]
)
async def define_catalog_item(item: JsonBody[DefineCatalogItem], obey: Obeying) -> Response:
    """Create a catalog item, or change the one with this SKU."""
    return await obey(item)


@router.get("/catalog-items", dependencies=[needs(Action.SEE_CATALOG)])
async def list_catalog_items(
    read: Reading,
    kind: Kind | None = None,
    active: bool | None = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[ItemSeen]:
    """Catalog items by SKU."""
    query = matching(select(_items), {_items.c.kind: kind, _items.c.active: active})
    rows, following = await page_of(read, query, _items.c.sku, limit, after)
    return Page(items=[_item_seen(row) for row in rows], next=following)


@router.get("/catalog-items/{reference:path}", dependencies=[needs(Action.SEE_CATALOG)])
async def show_catalog_item(reference: str, read: Reading) -> ItemSeen:
    """One catalog item by id or SKU."""
    query = select(_items).where(named(reference, _items.c.id, _items.c.sku))
    for row in await read.execute(query):
        return _item_seen(row)
    raise Rejection("no_such_catalog_item", message=f"The catalog has no item {reference}.")


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


@router.post(
    "/exchange-rates",
    status_code=201,
    response_model=RateDefined,
    dependencies=[needs(Action.MANAGE_CATALOG)],
)
async def define_exchange_rate(rate: JsonBody[DefineExchangeRate], obey: Obeying) -> Response:
    """Set what a currency is worth in another from a day on, or correct it."""
    return await obey(rate)


@router.get("/exchange-rates", dependencies=[needs(Action.SEE_CATALOG)])
async def list_exchange_rates(
    read: Reading,
    currency: Wanted = None,
    base: Wanted = None,
    limit: Limit = 100,
    after: Annotated[UUID | None, Query(description="`next` of the page before.")] = None,
) -> Page[RateSeen]:
    """Exchange rates that were ever set."""
    query = matching(select(_rates), {_rates.c.currency: currency, _rates.c.base: base})
    rows, following = await page_of(read, query, _rates.c.id, limit, after)
    rates = [RateSeen(rate_id=row.id, **fields_of(row, "id", "version")) for row in rows]
    return Page(items=rates, next=following)


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


def _vendor_seen(row: Row[Any]) -> VendorSeen:
    return VendorSeen(vendor_id=row.id, **fields_of(row, "id"))


def _item_seen(row: Row[Any]) -> ItemSeen:
    return ItemSeen(item_id=row.id, **fields_of(row, "id"))
