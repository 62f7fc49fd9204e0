"""How assets keeps its records: parents before children, the order in which they are locked.

Without foreign keys: a decision holds the parent that it gives a child to; a check would be paid per unit.
"""

from typing import Any

from sqlalchemy import CheckConstraint, Index, Select, and_, func, or_, select, text

from libs.chassis.storage import Storage, table
from libs.contracts.values import AssetCreation, Kind
from services.assets.asset import Asset, Label, Status
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

_lines = STORAGE.tables[OrderedLine]
_assets = STORAGE.tables[Asset]
_transactions = STORAGE.tables[InventoryTransaction]
_balances = STORAGE.tables[Balance]


def balances_against_ledger() -> Select[Any]:
    """Law 4: the balances that are not the sum of their transactions."""
    held = (_transactions.c.location, _transactions.c.storage_space, _transactions.c.sku)
    ledger = select(*held, func.sum(_transactions.c.change).label("recomputed")).group_by(*held).subquery()
    same = and_(
        ledger.c.location == _balances.c.location,
        ledger.c.storage_space == _balances.c.storage_space,
        ledger.c.sku == _balances.c.sku,
    )
    quantity = func.coalesce(_balances.c.quantity, 0)
    recomputed = func.coalesce(ledger.c.recomputed, 0)
    names = (
        func.coalesce(getattr(_balances.c, name), getattr(ledger.c, name)).label(name)
        for name in ("location", "storage_space", "sku")
    )
    return (
        select(*names, quantity.label("quantity"), recomputed.label("recomputed"))
        .select_from(_balances.join(ledger, same, full=True))
        .where(quantity != recomputed)
    )


def lines_against_assets() -> Select[Any]:
    """Law 3: the order lines with other than as many templates as are open, received assets as are kept."""
    counted = (
        select(
            _assets.c.order_line_id,
            func.count().filter(_assets.c.status == Status.ON_ORDER.value).label("templates"),
            func.count().filter(_assets.c.receipt_id.is_not(None)).label("received"),
        )
        .group_by(_assets.c.order_line_id)
        .subquery()
    )
    still_open = func.greatest(0, _lines.c.ordered - _lines.c.kept - _lines.c.asked)
    templates, received = func.coalesce(counted.c.templates, 0), func.coalesce(counted.c.received, 0)
    has_assets = and_(
        _lines.c.kind == Kind.HARDWARE.value, _lines.c.asset_creation != AssetCreation.NEVER.value
    )
    has_templates = _lines.c.asset_creation == AssetCreation.ON_SUBMISSION.value
    return (
        select(
            _lines.c.id.label("order_line_id"),
            still_open.label("open"),
            templates.label("templates"),
            _lines.c.kept,
            received.label("received"),
        )
        .select_from(_lines.outerjoin(counted, counted.c.order_line_id == _lines.c.id))
        .where(has_assets, or_(received != _lines.c.kept, and_(has_templates, templates != still_open)))
    )
