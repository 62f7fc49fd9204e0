"""What requests knows of what others own: copies of catalog items, vendors and locations, kept from their facts."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from libs.chassis.backfill import renewing
from libs.chassis.decision import Cause, Decision, Handler, Handlers, Key, Keys, Record, Records
from libs.contracts import assets
from libs.contracts.assets import LocationChanged
from libs.contracts.catalog import CatalogItemChanged, VendorChanged
from libs.contracts.purchasing import AnnounceAll
from libs.contracts.requests import RenewCopies
from libs.contracts.values import Kind, derived_id, location_id_of


@dataclass(frozen=True, kw_only=True)
class CatalogEntry(Record):
    """One item as purchasing last described it; `sequence` counts the descriptions: the item's version."""

    sequence: int
    item_id: UUID
    sku: str
    name: str
    kind: Kind
    vendor_id: UUID
    vendor_number: str | None = None
    unit_price: Decimal
    currency: str
    active: bool


@dataclass(frozen=True, kw_only=True)
class KnownVendor(Record):
    """A vendor as purchasing last described it."""

    sequence: int
    number: str
    name: str
    active: bool


@dataclass(frozen=True, kw_only=True)
class KnownLocation(Record):
    """A location as assets last described it; its id is the location's."""

    sequence: int
    code: str
    name: str
    active: bool


def entry_id(sku: str) -> UUID:
    """The id of the copy of the item with this SKU."""
    return derived_id("catalog_entry", sku)


def known_vendor_id(number: str) -> UUID:
    """The id of the copy of the vendor with this number."""
    return derived_id("known_vendor", number)


def entry_of(fact: CatalogItemChanged) -> Keys:
    """The copy that a change describes; the first one makes it."""
    return (Key(CatalogEntry, entry_id(fact.sku), may_be_new=True),)


def copy(fact: CatalogItemChanged, held: Records, cause: Cause) -> Decision:
    """Keep what is said now; requests priced before keep the price and version they were priced with."""
    known = held.find(CatalogEntry, entry_id(fact.sku))
    if fact.vendor_id is None or fact.unit_price is None or fact.currency is None:
        raise RuntimeError(f"{fact.sku} is said without a vendor and price")
    entry = CatalogEntry(
        id=entry_id(fact.sku),
        version=known.version if known else 0,
        sequence=cause.sequence or 0,
        item_id=fact.item_id,
        sku=fact.sku,
        name=fact.name,
        kind=fact.kind,
        vendor_id=fact.vendor_id,
        vendor_number=fact.vendor_number,
        unit_price=fact.unit_price,
        currency=fact.currency,
        active=fact.active,
    )
    return Decision(save=[entry])


def _vendor_of(fact: VendorChanged) -> Keys:
    return (Key(KnownVendor, known_vendor_id(fact.number), may_be_new=True),)


def copy_vendor(fact: VendorChanged, held: Records, cause: Cause) -> Decision:
    """Keep what is said of a vendor now."""
    id = known_vendor_id(fact.number)
    known = held.find(KnownVendor, id)
    vendor = KnownVendor(
        id=id,
        version=known.version if known else 0,
        sequence=cause.sequence or 0,
        number=fact.number,
        name=fact.name,
        active=fact.active,
    )
    return Decision(save=[vendor])


def _location_of(fact: LocationChanged) -> Keys:
    return (Key(KnownLocation, location_id_of(fact.code), may_be_new=True),)


def copy_location(fact: LocationChanged, held: Records, cause: Cause) -> Decision:
    """Keep what is said of a location now."""
    id = location_id_of(fact.code)
    known = held.find(KnownLocation, id)
    location = KnownLocation(
        id=id,
        version=known.version if known else 0,
        sequence=cause.sequence or 0,
        code=fact.code,
        name=fact.name,
        active=fact.active,
    )
    return Decision(save=[location])


HANDLERS: Handlers = (
    Handler(on=CatalogItemChanged, holds=entry_of, decide=copy),
    Handler(on=VendorChanged, holds=_vendor_of, decide=copy_vendor),
    Handler(on=LocationChanged, holds=_location_of, decide=copy_location),
    renewing(RenewCopies, AnnounceAll, assets.AnnounceAll),
)
