"""Where purchasing keeps its records: one table per record type, in the order in which they are locked."""

from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Numeric,
    Select,
    UniqueConstraint,
    and_,
    case,
    func,
    or_,
    select,
)

from libs.chassis.storage import Storage, table
from services.purchasing.catalog import CatalogItem, Vendor
from services.purchasing.purchase_order import OrderLine, PurchaseOrder, Status
from services.purchasing.request_orders import RequestOrders

STORAGE = Storage(
    table(Vendor, "vendors", UniqueConstraint("number", name="vendors_number")),
    table(CatalogItem, "catalog_items", UniqueConstraint("sku", name="catalog_items_sku")),
    table(RequestOrders, "request_orders"),
    table(
        PurchaseOrder,
        "purchase_orders",
        Column("total", Numeric(19, 4), nullable=False),
        UniqueConstraint("requisition_number", name="purchase_orders_requisition_number"),
        UniqueConstraint("request_id", "vendor_id", name="purchase_orders_per_vendor"),
        Index("purchase_orders_by_status", "status", "requisition_number"),
    ),
    table(
        OrderLine,
        "order_lines",
        Column("line_total", Numeric(19, 4), nullable=False),
        CheckConstraint("ordered > 0 AND accepted >= 0 AND rejected >= 0", name="order_lines_counts"),
        Index("order_lines_by_order", "order_id", "position"),
        Index("order_lines_by_request", "request_id"),
    ),
)

_orders = STORAGE.tables[PurchaseOrder]
_lines = STORAGE.tables[OrderLine]


def orders_against_lines() -> Select[Any]:
    """The orders whose status or total is not what their lines say (law 1, written a second time)."""
    kept = _lines.c.accepted
    cancelled = func.least(_lines.c.asked, func.greatest(0, _lines.c.ordered - kept))
    is_open = func.bool_or(_lines.c.ordered - cancelled - kept > 0)
    some_kept = func.bool_or(kept > 0)
    derived_status = case(
        (and_(is_open, some_kept), Status.PARTIALLY_RECEIVED),
        (is_open, Status.SUBMITTED),
        (some_kept, Status.RECEIVED),
        else_=Status.CANCELLED,
    )
    derived_total = func.sum(_lines.c.line_total)
    return (
        select(
            _orders.c.id.label("order_id"),
            _orders.c.status,
            derived_status.label("derived_status"),
            _orders.c.total,
            derived_total.label("derived_total"),
        )
        .join(_lines, _lines.c.order_id == _orders.c.id)
        .group_by(_orders.c.id)
        .having(or_(_orders.c.status != derived_status, _orders.c.total != derived_total))
    )
