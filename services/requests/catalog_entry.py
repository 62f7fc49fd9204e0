"""What requests knows of the catalog: its own copy of each item, kept from purchasing's facts."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from libs.chassis.backfill import renewing
from libs.chassis.decision import Cause, Decision, Handler, Handlers, Key, Keys, Record, Records
from libs.contracts.purchasing import AnnounceAll, CatalogItemChanged
from libs.contracts.requests import RenewCopies
from libs.contracts.values import Kind, derived_id


@dataclass(frozen=True, kw_only=True)
class CatalogEntry(Record):
    """One item as purchasing last described it; `sequence` counts the descriptions: the item's version."""

    sequence: int
    item_id: UUID
    sku: str
    name: str
    kind: Kind
    vendor_id: UUID
    unit_price: Decimal
    currency: str
    active: bool


def entry_id(sku: str) -> UUID:
    """The id of the copy of the item with this SKU."""
    return derived_id("catalog_entry", sku)


def entry_of(fact: CatalogItemChanged) -> Keys:
    """The copy that a change describes; the first one makes it."""
    return (Key(CatalogEntry, entry_id(fact.sku), may_be_new=True),)


def copy(fact: CatalogItemChanged, held: Records, cause: Cause) -> Decision:
    """Keep what is said now; requests priced before keep the price and version they were priced with."""
    known = held.find(CatalogEntry, entry_id(fact.sku))
    entry = CatalogEntry(
        id=entry_id(fact.sku),
        version=known.version if known else 0,
        sequence=cause.sequence or 0,
        item_id=fact.item_id,
        sku=fact.sku,
        name=fact.name,
        kind=fact.kind,
        vendor_id=fact.vendor_id,
        unit_price=fact.unit_price,
        currency=fact.currency,
        active=fact.active,
    )
    return Decision(save=[entry])


HANDLERS: Handlers = (
    Handler(on=CatalogItemChanged, holds=entry_of, decide=copy),
    renewing(RenewCopies, AnnounceAll),
)
