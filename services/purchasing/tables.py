"""Where purchasing keeps its records: one table per record type, in the order in which they are locked."""

from sqlalchemy import CheckConstraint, Column, Index, Numeric, UniqueConstraint

from libs.chassis.storage import Storage, table
from services.purchasing.catalog import CatalogItem, Vendor
from services.purchasing.purchase_order import OrderLine, PurchaseOrder
from services.purchasing.request_orders import RequestOrders

STORAGE = Storage(
    table(Vendor, "vendors", UniqueConstraint("number", name="vendors_number")),
    table(CatalogItem, "catalog_items", UniqueConstraint("sku", name="catalog_items_sku")),
    table(RequestOrders, "request_orders"),
    table(
        PurchaseOrder,
        "purchase_orders",
        Column("total", Numeric(19, 4), nullable=False),
        UniqueConstraint("ordinal", name="purchase_orders_ordinal"),
        UniqueConstraint("requisition_number", name="purchase_orders_requisition_number"),
        UniqueConstraint("request_id", "vendor_id", name="purchase_orders_per_vendor"),
        Index("purchase_orders_by_status", "status", "ordinal"),
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
