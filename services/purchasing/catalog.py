"""What can be bought and from whom: vendors, catalog items with their offers and packs, bundles.

An item is a definition, never an asset. How it is defined is told in `definition`; here is what others ask of it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from libs.chassis.decision import Record, Records, Rejection
from libs.contracts.catalog import Component, Offer, Pack, offer_on
from libs.contracts.values import AssetCreation, Kind, derived_id


@dataclass(frozen=True, kw_only=True)
class Vendor(Record):
    """Somebody we buy from, known by their number. Whoever is not active is not ordered from."""

    number: str
    name: str
    currency: str
    contact_name: str | None = None
    contact_email: str | None = None
    contact_phone: str | None = None
    payment_terms: str | None = None
    lead_time_days: int
    strategic: bool = False
    active: bool


@dataclass(frozen=True, kw_only=True)
class CatalogItem(Record):
    """Something that can be bought: who is approved to sell it at which price, and what its assets start with.

    The version counts its definitions; whoever uses a price records it with the version it came from. `vendor_id` and
    `vendor_number` are of the preferred vendor. A bundle has components instead of offers and a vendor. `offers` stand
    in the order of vendors and first days; `words` is what a search looks through.
    """

    sku: str
    name: str
    kind: Kind
    unit: str = "EA"
    vendor_id: UUID | None
    vendor_number: str | None
    offers: tuple[Offer, ...] = ()
    components: tuple[Component, ...] = ()
    manufacturer: str | None
    model: str | None
    gtin: str | None
    packs: tuple[Pack, ...] = ()
    warranty_months: int
    metric: str | None = None
    term_months: int | None = None
    asset_creation: AssetCreation
    active: bool
    words: str = ""

    @property
    def is_bundle(self) -> bool:
        """Whether it is made of other items; it never becomes one, or ceases to be one."""
        return bool(self.components)

    @property
    def gtins(self) -> tuple[str, ...]:
        """Its own and its packs' GTINs, in the one way in which a GTIN is compared."""
        given = (self.gtin, *(pack.gtin for pack in self.packs))
        return tuple(dict.fromkeys(whole_gtin(gtin) for gtin in given if gtin))

    def offer_of(self, vendor_number: str, day: date) -> Offer | None:
        """The price of a vendor that counts on a day; None from one who is not approved then."""
        return offer_on(self.offers, vendor_number, day)

    def preferred_on(self, day: date) -> Offer | None:
        """The price of the preferred vendor that counts on a day."""
        return self.offer_of(self.vendor_number, day) if self.vendor_number else None


@dataclass(frozen=True, kw_only=True)
class GtinClaim(Record):
    """Whose GTIN this is, so that what is scanned is one item. Retiring an item does not give its GTINs up."""

    gtin: str
    item_id: UUID | None
    sku: str | None


def vendor_id_of(number: str) -> UUID:
    """The vendor with this number."""
    return derived_id("vendor", number)


def item_id_of(sku: str) -> UUID:
    """The catalog item with this SKU."""
    return derived_id("catalog_item", sku)


def whole_gtin(gtin: str) -> str:
    """A GTIN as scanners say it in full: shorter ones are the same number behind zeros."""
    return gtin.zfill(14)


def claim_id_of(gtin: str) -> UUID:
    """Where a GTIN leads to its item."""
    return derived_id("gtin", whole_gtin(gtin))


def active_vendor(held: Records, number: str, *, of: str) -> Vendor:
    """The vendor with this number, from whom we buy; `of` is the field that names them."""
    vendor = held.find(Vendor, vendor_id_of(number))
    if vendor is None or not vendor.active:
        raise Rejection("vendor_unknown", field=of, message=f"There is no active vendor {number}.")
    return vendor


def expanded(item: CatalogItem, quantity: int) -> Sequence[tuple[str, int]]:
    """What is ordered for so many of an item: its components by SKU, if it is a bundle, else itself."""
    if not item.is_bundle:
        return ((item.sku, quantity),)
    return tuple((each.sku, quantity * each.quantity) for each in item.components)


def words_in(texts: Iterable[str | None]) -> list[str]:
    """The words by which something is found: letters and digits that stand together, however they are written."""
    found = (word for text in texts if text for word in re.findall(r"[^\W_]+", text.lower()))
    return list(dict.fromkeys(found))


def vendor_word(vendor_number: str) -> str:
    """The word by which a search finds the items that a vendor is approved for; nobody can type it."""
    return f":{vendor_number}"


def words_of(item: CatalogItem) -> str:
    """What a search for an item looks through: SKU, name, maker, GTINs, and who is approved for it."""
    typed = (item.sku, item.name, item.manufacturer, item.model, item.gtin, *item.gtins)
    packs = (pack.gtin for pack in item.packs)
    vendors = (vendor_word(offer.vendor_number) for offer in item.offers)
    return " ".join([*words_in((*typed, *packs)), *dict.fromkeys(vendors)])
