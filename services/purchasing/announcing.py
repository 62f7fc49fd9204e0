"""Saying to others again what they keep copies of: vendors, the catalog, exchange rates, and every open order."""

from collections.abc import Iterable

from libs.chassis.backfill import Announced, announcing
from libs.chassis.decision import Handlers
from libs.contracts.catalog import CatalogItemChanged, ExchangeRateChanged, VendorChanged
from libs.contracts.purchasing import AnnounceAll, AnnouncedLine, OrderAnnounced
from libs.contracts.values import Money
from services.purchasing import exchange_rate
from services.purchasing.catalog import CatalogItem, Vendor
from services.purchasing.definition import said_of_item, said_of_vendor
from services.purchasing.exchange_rate import ExchangeRate
from services.purchasing.purchase_order import OrderLine, PurchaseOrder, Status, in_order

OPEN = (Status.SUBMITTED, Status.PARTIALLY_RECEIVED)
ORDERS_PER_PAGE = 50
"""An order has up to a hundred lines."""


def said_of_order(order: PurchaseOrder, lines: Iterable[OrderLine]) -> OrderAnnounced:
    """An open order as it stands, with all its lines."""
    if order.vendor_id is None or order.vendor_number is None or order.vendor_name is None:
        raise RuntimeError(f"order {order.requisition_number} was submitted to nobody")
    return OrderAnnounced(
        order_id=order.id,
        requisition_number=order.requisition_number,
        order_revision=order.revision,
        request_id=order.request_id,
        status=order.status,
        vendor_id=order.vendor_id,
        vendor_number=order.vendor_number,
        vendor_name=order.vendor_name,
        deliver_to=order.deliver_to,
        total=Money(amount=order.total, currency=order.currency),
        lines=tuple(map(_line, in_order(lines))),
    )


def _line(line: OrderLine) -> AnnouncedLine:
    return AnnouncedLine(
        order_line_id=line.id,
        request_id=line.request_id,
        request_line_id=line.request_line_id,
        sku=line.sku,
        name=line.name,
        kind=line.kind,
        quantity=line.ordered,
        unit_price=line.agreed_price,
        asset_creation=line.asset_creation,
        warranty_months=line.warranty_months,
        destination=line.bought_for,
        starts_on=line.starts_on,
        ends_on=line.ends_on,
        units_made=line.ordered,
        asked=line.asked,
        kept=line.kept,
    )


HANDLERS: Handlers = (
    announcing(
        AnnounceAll,
        Announced(Vendor, said_of_vendor, says=VendorChanged),
        Announced(CatalogItem, said_of_item, dated=True, says=CatalogItemChanged),
        Announced(ExchangeRate, exchange_rate.said, says=ExchangeRateChanged),
        Announced(
            PurchaseOrder,
            said_of_order,
            statuses=OPEN,
            children=(OrderLine, "order_id"),
            page_size=ORDERS_PER_PAGE,
            says=OrderAnnounced,
        ),
    ),
)
