"""Saying to others again what they keep copies of: vendors, the catalog, exchange rates, and every open order."""

from libs.chassis.backfill import Announced, announcing
from libs.chassis.decision import Handlers
from libs.contracts.catalog import CatalogItemChanged, ExchangeRateChanged, VendorChanged
from libs.contracts.purchasing import AnnounceAll, OrderAnnounced
from services.purchasing import exchange_rate
from services.purchasing.catalog import CatalogItem, Vendor
from services.purchasing.definition import said_of_item, said_of_vendor
from services.purchasing.exchange_rate import ExchangeRate
from services.purchasing.order_facts import said_announced
from services.purchasing.purchase_order import OrderLine, PurchaseOrder, Status

OPEN = (Status.SUBMITTED, Status.PARTIALLY_RECEIVED)
ORDERS_PER_PAGE = 50
"""An order has up to a hundred lines."""


HANDLERS: Handlers = (
    announcing(
        AnnounceAll,
        Announced(Vendor, said_of_vendor, says=VendorChanged),
        Announced(CatalogItem, said_of_item, dated=True, says=CatalogItemChanged),
        Announced(ExchangeRate, exchange_rate.said, says=ExchangeRateChanged),
        Announced(
            PurchaseOrder,
            said_announced,
            statuses=OPEN,
            children=(OrderLine, "order_id"),
            page_size=ORDERS_PER_PAGE,
            says=OrderAnnounced,
        ),
    ),
)
