"""Purchasing over HTTP: define vendors and catalog items, singly or from a file; see and cancel orders."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from sqlalchemy import Row, func, select

from libs.chassis.decision import Rejection
from libs.chassis.http import JsonBody, Obeying, Reading
from libs.chassis.imports import Content, CsvFile, RowsRead, contents_of, import_rows
from libs.chassis.pages import After, Limit, Page, fields_of, matching, named, page_of
from libs.contracts.message import Value
from libs.contracts.purchasing import CancelOrder, DefineCatalogItem, DefineVendor
from libs.contracts.values import AssetCreation, Kind, LongText, Money, money
from services.purchasing.catalog import CatalogItem, Vendor
from services.purchasing.purchase_order import OrderLine, PurchaseOrder, Status
from services.purchasing.tables import STORAGE, orders_against_lines

router = APIRouter()

_vendors = STORAGE.tables[Vendor]
_items = STORAGE.tables[CatalogItem]
_orders = STORAGE.tables[PurchaseOrder]
_lines = STORAGE.tables[OrderLine]

Change = Literal["created", "changed", "unchanged"]


class Reason(Value):
    """Why something is taken back."""

    reason: Annotated[LongText, Field(min_length=1)]


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


class OrderNamed(BaseModel):
    """An order by its id and its number."""

    order_id: UUID
    requisition_number: str


class OrdersCancelled(BaseModel):
    """The orders of which everything open was cancelled; none if it came before them, or when all had arrived."""

    request_id: UUID
    orders: list[OrderNamed]


class OrderSeen(OrderNamed):
    """An order in a list."""

    status: Status
    status_since: datetime
    request_id: UUID
    request_number: str
    requester: str
    vendor_id: UUID
    vendor_name: str
    deliver_to: str
    total: Money
    submitted_at: datetime


class LineSeen(BaseModel):
    """One line and its figures: `open` is still owed to us, `over` is more than was wanted."""

    order_line_id: UUID
    request_line_id: UUID
    position: int
    sku: str
    name: str
    kind: Kind
    asset_creation: AssetCreation
    warranty_months: int
    catalog_version: int
    unit_price: Decimal
    line_total: Money
    ordered: int
    accepted: int
    rejected: int
    kept: int
    cancelled: int
    open: int
    over: int


class OrderInDetail(OrderSeen):
    """An order with its lines."""

    lines: list[LineSeen]


class Summary(BaseModel):
    """Orders in figures, and the size of the catalog."""

    orders: dict[Status, int]
    vendors: int
    catalog_items: int


class OrderDifference(BaseModel):
    """An order whose status or total is not what its lines say."""

    order_id: UUID
    status: Status
    derived_status: Status
    total: Decimal
    derived_total: Decimal


class OrderVerification(BaseModel):
    """The orders against their lines; no differences is how it must be."""

    orders: int
    lines: int
    differences: list[OrderDifference]


@router.post("/vendors", status_code=201, response_model=VendorDefined)
async def define_vendor(vendor: JsonBody[DefineVendor], obey: Obeying) -> Response:
    """Create a vendor, or change the one with this number."""
    return await obey(vendor)


@router.get("/vendors")
async def list_vendors(read: Reading, limit: Limit = 100, after: After = None) -> Page[VendorSeen]:
    """Vendors by number."""
    rows, following = await page_of(read, select(_vendors), _vendors.c.number, limit, after)
    return Page(items=[_vendor_seen(row) for row in rows], next=following)


@router.get("/vendors/{reference:path}")
async def show_vendor(reference: str, read: Reading) -> VendorSeen:
    """One vendor by id or number."""
    query = select(_vendors).where(named(reference, _vendors.c.id, _vendors.c.number))
    for row in await read.execute(query):
        return _vendor_seen(row)
    raise Rejection("no_such_vendor", message=f"There is no vendor {reference}.")


@router.post("/catalog-items", status_code=201, response_model=ItemDefined)
async def define_catalog_item(item: JsonBody[DefineCatalogItem], obey: Obeying) -> Response:
    """Create a catalog item, or change the one with this SKU."""
    return await obey(item)


@router.get("/catalog-items")
async def list_catalog_items(
    read: Reading,
    kind: Kind | None = None,
    active: bool | None = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[ItemSeen]:
    """Catalog items by SKU."""
    query = matching(_items_with_vendors(), {_items.c.kind: kind, _items.c.active: active})
    rows, following = await page_of(read, query, _items.c.sku, limit, after)
    return Page(items=[_item_seen(row) for row in rows], next=following)


@router.get("/catalog-items/{reference:path}")
async def show_catalog_item(reference: str, read: Reading) -> ItemSeen:
    """One catalog item by id or SKU."""
    query = _items_with_vendors().where(named(reference, _items.c.id, _items.c.sku))
    for row in await read.execute(query):
        return _item_seen(row)
    raise Rejection("no_such_catalog_item", message=f"The catalog has no item {reference}.")


@router.post("/imports/vendors")
async def import_vendors(file: CsvFile, obey: Obeying) -> RowsRead:
    """Define vendors from a CSV file with the columns number, name, currency.

    Further columns: lead_time_days, active. All rows are checked before the first is carried out; a file
    may be sent again.
    """
    rows = contents_of(file, columns=("number", "name", "currency"))
    return await import_rows(obey, DefineVendor, _typed(rows))


@router.post("/imports/catalog")
async def import_catalog(file: CsvFile, obey: Obeying) -> RowsRead:
    """Define catalog items from a CSV file: sku, name, kind, vendor_number, unit_price, currency.

    Further columns: manufacturer, model, gtin, warranty_months, asset_creation, active. All rows are checked
    before the first is carried out; a file may be sent again.
    """
    rows = contents_of(file, columns=("sku", "name", "kind", "vendor_number", "unit_price", "currency"))
    return await import_rows(obey, DefineCatalogItem, _typed(rows))


@router.get("/orders")
async def list_orders(
    read: Reading,
    request_id: UUID | None = None,
    status: Status | None = None,
    vendor_id: UUID | None = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[OrderSeen]:
    """Orders by requisition number."""
    wanted = {
        _orders.c.request_id: request_id,
        _orders.c.status: status,
        _orders.c.vendor_id: vendor_id,
    }
    query = matching(select(_orders), wanted)
    rows, following = await page_of(read, query, _orders.c.requisition_number, limit, after)
    return Page(items=[_order_seen(row) for row in rows], next=following)


@router.get("/orders/summary")
async def summarise(read: Reading) -> Summary:
    """How many orders are in which status, and how many vendors and items there are."""
    rows = await read.execute(select(_orders.c.status, func.count()).group_by(_orders.c.status))
    counted = {Status(status): count for status, count in rows}
    vendors, items = (await read.execute(select(_count(_vendors), _count(_items)))).one()
    return Summary(
        orders={status: counted.get(status, 0) for status in Status}, vendors=vendors, catalog_items=items
    )


@router.get("/orders/verification")
async def verify_orders(read: Reading) -> OrderVerification:
    """Derive every order's status and total from its lines again."""
    differences = [OrderDifference(**row._mapping) for row in await read.execute(orders_against_lines())]
    orders, lines = (await read.execute(select(_count(_orders), _count(_lines)))).one()
    return OrderVerification(orders=orders, lines=lines, differences=differences)


@router.get("/orders/{reference}")
async def show_order(reference: str, read: Reading) -> OrderInDetail:
    """One order by its id or requisition number, with its lines and their figures."""
    query = select(_orders).where(named(reference, _orders.c.id, _orders.c.requisition_number))
    order = (await read.execute(query)).one_or_none()
    if order is None:
        raise Rejection("order_unknown", message=f"There is no order {reference}.")
    lines = select(_lines).where(_lines.c.order_id == order.id).order_by(_lines.c.position)
    return OrderInDetail(
        **dict(_order_seen(order)),
        lines=[_line_seen(row, order.currency) for row in await read.execute(lines)],
    )


@router.post("/orders/{request_id}/cancel", status_code=200, response_model=OrdersCancelled)
async def cancel_orders(request_id: UUID, why: JsonBody[Reason], obey: Obeying) -> Response:
    """Cancel what is open of all orders of a request, also of those that are still to be made."""
    return await obey(CancelOrder(request_id=request_id, reason=why.reason), status=200)


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


def _items_with_vendors() -> Any:
    vendor_number = _vendors.c.number.label("vendor_number")
    return select(_items, vendor_number).join(_vendors, _vendors.c.id == _items.c.vendor_id)


def _vendor_seen(row: Row[Any]) -> VendorSeen:
    return VendorSeen(vendor_id=row.id, **fields_of(row, "id"))


def _item_seen(row: Row[Any]) -> ItemSeen:
    return ItemSeen(item_id=row.id, **fields_of(row, "id"))


def _order_seen(row: Row[Any]) -> OrderSeen:
    return OrderSeen(
        order_id=row.id,
        total=money(row.total, row.currency),
        **fields_of(row, "id", "version", "total", "currency"),
    )


def _line_seen(row: Row[Any], currency: str) -> LineSeen:
    line = OrderLine(**row._mapping)
    hidden = ("id", "version", "order_id", "request_id", "item_id", "asked", "line_total")
    return LineSeen(
        order_line_id=line.id,
        line_total=money(line.line_total, currency),
        kept=line.kept,
        cancelled=line.cancelled,
        open=line.open,
        over=line.over,
        **fields_of(row, *hidden),
    )


def _count(table: Any) -> Any:
    return select(func.count()).select_from(table).scalar_subquery()
