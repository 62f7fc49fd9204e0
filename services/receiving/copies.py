"""Asking for what the dock keeps copies of: locations from assets, open orders and GTINs from purchasing."""

from libs.chassis.backfill import renewed, renewing
from libs.chassis.decision import Handlers
from libs.contracts import assets, purchasing
from libs.contracts.catalog import CatalogItemChanged
from libs.contracts.receiving import RenewCopies

HANDLERS: Handlers = (
    renewing(
        RenewCopies,
        assets.AnnounceAll(),
        purchasing.AnnounceAll(only=(purchasing.OrderAnnounced.type, CatalogItemChanged.type)),
    ),
    renewed(assets.CommandAnswered),
    renewed(purchasing.CommandAnswered),
)
