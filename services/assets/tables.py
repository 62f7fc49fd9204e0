"""How assets keeps its records: parents before children, the order in which they are locked.

Without foreign keys: a decision holds the parent that it gives a child to; a check would be paid per unit.
"""

from sqlalchemy import CheckConstraint, Index, text

from libs.chassis.storage import Storage, table
from services.assets.asset import Asset, Label
from services.assets.handover import Handover
from services.assets.location import Location
from services.assets.ordered_line import OrderedLine
from services.assets.stock import Balance, InventoryTransaction

STORAGE = Storage(
    table(Location, "locations", Index("locations_by_code", "code", unique=True)),
    table(
        OrderedLine,
        "ordered_lines",
        CheckConstraint("ordered > 0 AND asked >= 0 AND kept >= 0", name="figures_are_counts"),
        Index("ordered_lines_by_order", "order_id"),
        Index("ordered_lines_by_request", "request_id"),
    ),
    table(
        Asset,
        "assets",
        CheckConstraint(
            "(status = 'in_stock') = (storage_space IS NOT NULL AND location IS NOT NULL)",
            name="stock_is_somewhere",
        ),
        CheckConstraint("(status = 'assigned') = (custodian IS NOT NULL)", name="assigned_is_with_somebody"),
        Index("assets_by_line", "order_line_id", "unit_number", unique=True),
        Index("assets_by_issued_tag", "issued_tag", unique=True),
        Index("assets_by_status", "status", "issued_tag"),
        Index("assets_by_serial", "serial", postgresql_where=text("serial IS NOT NULL")),
        Index(
            "assets_by_custodian", "custodian", "issued_tag", postgresql_where=text("custodian IS NOT NULL")
        ),
    ),
    table(Label, "labels", Index("labels_by_asset", "asset_id")),
    table(Handover, "handovers"),
    table(
        InventoryTransaction,
        "inventory_transactions",
        CheckConstraint("change IN (-1, 1)", name="one_asset_moves"),
        Index("inventory_transactions_by_asset", "asset_id"),
    ),
    table(
        Balance,
        "balances",
        CheckConstraint("quantity >= 0", name="quantity_is_never_negative"),
        Index("balances_by_space", "location", "storage_space", "sku", unique=True),
    ),
)
