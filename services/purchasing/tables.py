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
    text,
)

from libs.chassis.storage import Storage, table
from libs.contracts.values import MINOR_UNITS
from services.purchasing.amendment import OrderAmendment
from services.purchasing.catalog import CatalogItem, GtinClaim, Vendor
from services.purchasing.commitment import RequestOrders
from services.purchasing.exchange_rate import ExchangeRate
from services.purchasing.invoice import Invoice
from services.purchasing.policy import PurchasingPolicy
from services.purchasing.purchase_order import UNSUBMITTED, OrderLine, OrderName, PurchaseOrder, Status
from services.purchasing.rate_book import RateBook
from services.purchasing.rematching import InvoiceWalk
from services.purchasing.settlement import InvoiceDecision
from services.purchasing.tolerance import Tolerance

AMOUNT = Numeric(19, 4)

STORAGE = Storage(
    table(Vendor, "vendors", UniqueConstraint("number", name="vendors_number")),
    table(
        CatalogItem,
        "catalog_items",
        UniqueConstraint("sku", name="catalog_items_sku"),
        Index("catalog_items_by_kind", "kind", "sku"),
        Index("catalog_items_retired", "sku", postgresql_where=text("NOT active")),
        # Its words as they are: the database's own idea of a word would tear SKUs and vendor numbers apart.
        Index(
            "catalog_items_by_words",
            text("array_to_tsvector(string_to_array(words, ' '))"),
            postgresql_using="gin",
        ),
    ),
    table(GtinClaim, "gtin_claims", UniqueConstraint("gtin", name="gtin_taken")),
    table(
        ExchangeRate,
        "exchange_rates",
        Column("rate", Numeric(19, 10), nullable=False),
        CheckConstraint("rate > 0", name="exchange_rates_positive"),
        Index("exchange_rates_by_currency", "currency", "base", "valid_from"),
    ),
    table(
        Tolerance,
        "tolerances",
        Column("percent", Numeric(7, 4), nullable=True),
        Column("amount", Numeric(19, 4), nullable=True),
    ),
    table(
        PurchasingPolicy,
        "purchasing_policies",
        Column("approve_orders_from", AMOUNT, nullable=True),
    ),
    table(RateBook, "rate_books"),
    table(InvoiceWalk, "invoice_walks"),
    table(OrderName, "order_names"),
    table(
        RequestOrders,
        "request_orders",
        Column("approved", AMOUNT, nullable=False),
        Column("committed", AMOUNT, nullable=False),
    ),
    table(
        PurchaseOrder,
        "purchase_orders",
        *(
            Column(name, AMOUNT, nullable=False)
            for name in (
                *("freight", "total", "tax", "expected_cost"),
                *("invoiced_net", "invoiced_beside_lines", "invoiced_freight", "invoiced_gross"),
            )
        ),
        Column("asked_total", AMOUNT, nullable=True),
        Column("rate", Numeric(19, 10), nullable=True),
        UniqueConstraint("ordinal", name="purchase_orders_ordinal"),
        CheckConstraint(
            "(submitted_at IS NULL OR vendor_id IS NOT NULL)", name="purchase_orders_go_to_somebody"
        ),
        # Every one of these is written with each change of a status: none without a question that needs it.
        Index("purchase_orders_by_request", "request_id"),
        Index("purchase_orders_by_status", "status", "ordinal"),
        Index("purchase_orders_by_vendor", "vendor_id", "ordinal"),
        Index("purchase_orders_differing", "ordinal", postgresql_where=text("differs")),
        Index("purchase_orders_by_words", text("to_tsvector('simple', words)"), postgresql_using="gin"),
        Index(
            "purchase_orders_open",
            "id",
            postgresql_where=text("status IN ('submitted', 'partially_received')"),
        ),
    ),
    table(
        OrderLine,
        "order_lines",
        Column("line_total", AMOUNT, nullable=False),
        Column("tax", AMOUNT, nullable=False),
        CheckConstraint("ordered > 0 AND units_made >= ordered", name="order_lines_counts"),
        Index("order_lines_by_order", "order_id", "position"),
        Index("order_lines_by_request", "request_id"),
    ),
    table(
        OrderAmendment,
        "order_amendments",
        Column("total", AMOUNT, nullable=False),
        Column("expected_cost", AMOUNT, nullable=False),
        Index("order_amendments_by_order", "order_id", "revision", unique=True),
    ),
    table(
        Invoice,
        "invoices",
        *(Column(name, AMOUNT, nullable=False) for name in ("net", "tax", "gross", "freight")),
        UniqueConstraint("ordinal", name="invoices_ordinal"),
        UniqueConstraint("vendor_number", "number", name="invoices_number"),
        Index("invoices_by_number", "number", "ordinal"),
        Index("invoices_by_status", "status", "ordinal"),
        Index("invoices_by_vendor", "vendor_number", "ordinal"),
        Index("invoices_differing", "ordinal", postgresql_where=text("differs")),
        Index("invoices_recorded", "id", postgresql_where=text("status = 'recorded'")),
        Index("invoices_by_words", text("to_tsvector('simple', words)"), postgresql_using="gin"),
    ),
    table(InvoiceDecision, "invoice_decisions", Index("invoice_decisions_by_invoice", "invoice_id")),
)

_orders = STORAGE.tables[PurchaseOrder]
_lines = STORAGE.tables[OrderLine]


def orders_against_lines() -> Select[Any]:
    """The orders whose status or amounts are not what their lines say (laws 1 and 6, written a second time)."""
    arrived = func.greatest(0, _lines.c.accepted - _lines.c.returned) + _lines.c.confirmed
    kept = arrived + _lines.c.entitled
    cancelled = func.least(_lines.c.asked + _lines.c.credited, func.greatest(0, _lines.c.ordered - kept))
    living = _lines.c.ordered - cancelled
    is_open = func.bool_or(living - kept > 0)
    derived_status = case(
        (_orders.c.status.in_(sorted(UNSUBMITTED)), _orders.c.status),
        (and_(is_open, func.bool_or(arrived > 0)), Status.PARTIALLY_RECEIVED),
        (is_open, Status.SUBMITTED),
        (and_(func.bool_or(kept > 0), _orders.c.status == Status.CLOSED), Status.CLOSED),
        (func.bool_or(kept > 0), Status.RECEIVED),
        else_=Status.CANCELLED,
    )
    derived_total = func.sum(_lines.c.line_total)
    digits = case(MINOR_UNITS, value=_orders.c.currency, else_=2)
    net = func.round(_lines.c.unit_price * living, digits)
    tax = func.round(net * _lines.c.tax_percent / 100, digits)
    derived_cost = func.coalesce(func.sum(net + tax), 0) + _orders.c.freight
    differs = or_(
        _orders.c.status != derived_status,
        _orders.c.total != derived_total,
        and_(
            _orders.c.submitted_at.is_not(None),
            func.bool_or(living > 0),
            _orders.c.expected_cost != derived_cost,
        ),
    )
    return (
        select(
            _orders.c.id.label("order_id"),
            _orders.c.status,
            derived_status.label("derived_status"),
            _orders.c.total,
            derived_total.label("derived_total"),
            _orders.c.expected_cost,
            derived_cost.label("derived_expected_cost"),
        )
        .join(_lines, _lines.c.order_id == _orders.c.id)
        .group_by(_orders.c.id)
        .having(differs)
    )
