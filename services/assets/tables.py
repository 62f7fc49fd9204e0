"""How assets keeps its records: parents before children, the order in which they are locked.

Without foreign keys: a decision holds the parent that it gives a child to; a check would be paid per unit.
"""

from typing import Any

from sqlalchemy import CheckConstraint, Index, Select, and_, func, or_, select, text

from libs.chassis.storage import Storage, table
from libs.contracts.values import AssetCreation, Kind
from services.assets.arrival import TakeBack, TakenGoods
from services.assets.asset import TEMPLATES, Asset
from services.assets.entitlement import Allocation, Entitlement
from services.assets.handover import Handover
from services.assets.issuing import StockIssue
from services.assets.label import Label
from services.assets.location import Location
from services.assets.lot import Lot, LotReceipt, LotStock
from services.assets.on_the_way import KnownShipment
from services.assets.ordered_line import FollowedOrder, OrderedLine, TakenAmendment
from services.assets.stock import Balance, InventoryTransaction

STORAGE = Storage(
    table(Location, "locations", Index("locations_by_code", "code", unique=True)),
    table(FollowedOrder, "followed_orders"),
    table(TakenAmendment, "taken_amendments"),
    table(KnownShipment, "known_shipments"),
    table(TakenGoods, "taken_goods"),
    table(TakeBack, "take_backs"),
    table(
        OrderedLine,
        "ordered_lines",
        CheckConstraint(
            "ordered > 0 AND asked >= 0 AND credited >= 0 AND kept >= 0", name="figures_are_counts"
        ),
        CheckConstraint("units_made >= ordered", name="units_are_numbered"),
        Index("ordered_lines_by_order", "order_id"),
        Index("ordered_lines_by_request", "request_id"),
    ),
    table(
        Entitlement,
        "entitlements",
        CheckConstraint("ordered > 0 AND asked >= 0 AND allocated >= 0", name="entitlements_count"),
        Index("entitlements_by_request", "request_id"),
    ),
    table(Allocation, "allocations", Index("allocations_by_entitlement", "entitlement_id")),
    table(
        Lot,
        "lots",
        CheckConstraint("on_order >= 0 AND issued >= 0 AND issued <= received", name="lots_count"),
        Index("lots_by_request", "request_id"),
        Index("lots_by_sku", "sku"),
    ),
    table(
        LotStock,
        "lot_stocks",
        CheckConstraint("quantity >= 0", name="lot_stock_is_never_negative"),
        Index("lot_stocks_by_lot", "lot_id"),
    ),
    table(
        LotReceipt,
        "lot_receipts",
        CheckConstraint(
            "taken_back >= 0 AND taken_back <= received AND issued >= 0", name="lot_receipts_count"
        ),
        Index("lot_receipts_by_lot", "lot_id"),
    ),
    table(StockIssue, "stock_issues", Index("stock_issues_by_lot", "lot_id")),
    table(
        Asset,
        "assets",
        CheckConstraint("(status = 'in_stock') = (storage_space IS NOT NULL)", name="stock_is_in_a_space"),
        CheckConstraint("storage_space IS NULL OR location IS NOT NULL", name="stock_is_somewhere"),
        CheckConstraint(
            "(status = 'assigned') = (custodian IS NOT NULL OR financial_owner IS NOT NULL"
            " OR (location IS NOT NULL AND storage_space IS NULL))",
            name="assigned_is_with_somebody",
        ),
        Index("assets_by_line", "order_line_id", "unit_number", unique=True),
        Index("assets_by_issued_tag", "issued_tag", unique=True),
        Index("assets_by_status", "status", "issued_tag"),
        Index("assets_by_serial", "serial", postgresql_where=text("serial IS NOT NULL")),
        Index("assets_by_handover", "handover_id", postgresql_where=text("handover_id IS NOT NULL")),
        Index(
            "assets_by_custodian", "custodian", "issued_tag", postgresql_where=text("custodian IS NOT NULL")
        ),
    ),
    table(Label, "labels", Index("labels_by_asset", "asset_id")),
    table(Handover, "handovers"),
    table(
        InventoryTransaction,
        "inventory_transactions",
        CheckConstraint("change <> 0 AND (asset_id IS NULL OR change IN (-1, 1))", name="something_moves"),
        CheckConstraint("(asset_id IS NULL) <> (lot_id IS NULL)", name="an_asset_or_a_lot_moves"),
        Index("inventory_transactions_by_asset", "asset_id"),
        Index("inventory_transactions_by_lot", "lot_id", postgresql_where=text("lot_id IS NOT NULL")),
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
_lots = STORAGE.tables[Lot]
_lot_stocks = STORAGE.tables[LotStock]


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
            func.count().filter(_assets.c.status.in_(TEMPLATES)).label("templates"),
            func.count().filter(_assets.c.receipt_id.is_not(None)).label("received"),
        )
        .group_by(_assets.c.order_line_id)
        .subquery()
    )
    still_open = func.greatest(0, _lines.c.ordered - _lines.c.kept - _lines.c.asked - _lines.c.credited)
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


def lots_against_ledger() -> Select[Any]:
    """Laws 3 and 4: the lots whose figures are not what their order lines, storage spaces and transactions say."""
    in_spaces = (
        select(func.coalesce(func.sum(_lot_stocks.c.quantity), 0))
        .where(_lot_stocks.c.lot_id == _lots.c.id)
        .scalar_subquery()
    )
    moved = (
        select(func.coalesce(func.sum(_transactions.c.change), 0))
        .where(_transactions.c.lot_id == _lots.c.id)
        .scalar_subquery()
    )
    in_stock = _lots.c.received - _lots.c.issued
    still_open = func.greatest(0, _lines.c.ordered - _lines.c.kept - _lines.c.asked - _lines.c.credited)
    return (
        select(
            _lots.c.id.label("lot_id"),
            _lots.c.on_order,
            still_open.label("open"),
            _lots.c.received,
            _lines.c.kept,
            in_stock.label("in_stock"),
            in_spaces.label("in_spaces"),
            moved.label("moved"),
        )
        .join(_lines, _lines.c.id == _lots.c.order_line_id)
        .where(
            or_(
                _lots.c.on_order != still_open,
                _lots.c.received != _lines.c.kept,
                in_stock != in_spaces,
                in_stock != moved,
            )
        )
    )
