"""What requests knows of what others own: copies of catalog items, vendors and locations, kept from their facts."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from uuid import UUID

from libs.chassis.backfill import renewing
from libs.chassis.decision import Cause, Decision, Handler, Handlers, Key, Keys, Record, Records
from libs.contracts import assets
from libs.contracts.assets import LocationChanged
from libs.contracts.catalog import (
    CatalogItemChanged,
    Component,
    ExchangeRateChanged,
    Offer,
    VendorChanged,
    offer_on,
)
from libs.contracts.purchasing import AnnounceAll
from libs.contracts.requests import RenewCopies
from libs.contracts.values import Kind, derived_id, location_id_of


@dataclass(frozen=True, kw_only=True)
class CatalogEntry(Record):
    """One item as purchasing last described it; `sequence` counts the descriptions: the item's version.

    `vendor_number` is the preferred vendor, `unit_price` what they asked when that was said. What holds on a day is
    told by `offers`, and what a bundle is made of by `components`, each as JSON.
    """

    sequence: int
    item_id: UUID
    sku: str
    name: str
    kind: Kind
    vendor_id: UUID | None = None
    vendor_number: str | None = None
    unit_price: Decimal | None = None
    currency: str | None = None
    offers: str = "[]"
    components: str = "[]"
    active: bool

    @property
    def is_bundle(self) -> bool:
        """Whether it is made of other items."""
        return self.components != "[]"

    @property
    def parts(self) -> tuple[Component, ...]:
        """What a bundle is made of."""
        return components_in(self.components)

    def offer(self, vendor_number: str | None, day: date) -> Offer | None:
        """What it costs that day: from this vendor, if one is named who is approved for it, else from the preferred."""
        offers = offers_in(self.offers)
        asked = [number for number in (vendor_number, self.vendor_number) if number is not None]
        found = (offer_on(offers, number, day) for number in asked)
        return next((offer for offer in found if offer is not None), None)


def as_text(values: Iterable[Offer | Component]) -> str:
    """Offers or components as they are stored."""
    return json.dumps([value.model_dump(mode="json", exclude_defaults=True) for value in values])


@lru_cache(maxsize=1024)
def offers_in(text: str) -> tuple[Offer, ...]:
    """Offers as they were stored; many requests ask for the same items."""
    return tuple(Offer.model_validate(offer, strict=False) for offer in json.loads(text))


def components_in(text: str) -> tuple[Component, ...]:
    """Components as they were stored."""
    return tuple(Component.model_validate(component) for component in json.loads(text))


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
        offers=as_text(_offers_in(fact)),
        components=as_text(fact.components),
        active=fact.active,
    )
    return Decision(save=[entry])


def _offers_in(fact: CatalogItemChanged) -> tuple[Offer, ...]:
    """All offers; where only the preferred vendor's price is told it holds on every day."""
    if fact.offers or fact.vendor_number is None or fact.unit_price is None or fact.currency is None:
        return fact.offers
    return (Offer(vendor_number=fact.vendor_number, unit_price=fact.unit_price, currency=fact.currency),)


def parts_of(entry: CatalogEntry) -> Iterable[UUID]:
    """The copies of what a bundle is made of."""
    return [entry_id(part.sku) for part in entry.parts] if entry.is_bundle else []


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
    renewing(
        RenewCopies,
        AnnounceAll(only=(CatalogItemChanged.type, VendorChanged.type, ExchangeRateChanged.type)),
        assets.AnnounceAll(),
    ),
)
