"""What the purchasing service says and obeys about what can be bought: vendors, catalog items, exchange rates."""

from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field, model_validator

from libs.contracts.message import Command, Event, Value
from libs.contracts.permissions import Action
from libs.contracts.values import (
    AssetCreation,
    Code,
    Currency,
    ExchangeRate,
    Gtin,
    Kind,
    Quantity,
    Text,
    UnitPrice,
)

OFFERS_MAX = 50
PACKS_MAX = 20
COMPONENTS_MAX = 50

LeadTimeDays = Annotated[int, Field(ge=0, le=3650)]
WarrantyMonths = Annotated[int, Field(ge=0, le=240)]
TermMonths = Annotated[int, Field(ge=1, le=240)]
Version = Annotated[int, Field(ge=1, lt=2**63)]


# Vendors


class DefineVendor(Command):
    """Create a vendor, or change the one with this number. How to reach them stays in purchasing.

    `expected_version` is the version its sender has seen; a vendor that has changed since is left alone.
    """

    type: ClassVar[str] = "purchasing.define_vendor.v1"
    action: ClassVar[Action | None] = Action.MANAGE_VENDORS
    number: Code
    name: Text
    currency: Currency
    contact_name: Text | None = None
    contact_email: Text | None = None
    contact_phone: Text | None = None
    payment_terms: Text | None = None
    lead_time_days: LeadTimeDays = 0
    strategic: bool = False
    active: bool = True
    expected_version: Version | None = None


class SetVendorActive(Command):
    """Buy from a vendor again, or no longer. What is ordered already stays ordered."""

    type: ClassVar[str] = "purchasing.set_vendor_active.v1"
    action: ClassVar[Action | None] = Action.MANAGE_VENDORS
    number: Code
    active: bool


class VendorChanged(Event):
    """A vendor was created or changed; this is all of it that others need."""

    type: ClassVar[str] = "purchasing.vendor_changed.v1"
    subject: ClassVar[str] = "vendor_id"
    carries: ClassVar = "state"
    vendor_id: UUID
    number: str
    name: str
    currency: str
    payment_terms: str | None = None
    lead_time_days: int = 0
    strategic: bool = False
    active: bool


# Catalog items


class Offer(Value):
    """A vendor who is approved for an item, at this agreed unit price, from and to these days, both included.

    Without a first day it holds since ever, without a last one until it is replaced. Of several offers of a vendor that
    hold on a day the one that began last counts.
    """

    vendor_number: Code
    unit_price: UnitPrice
    currency: Currency
    lead_time_days: LeadTimeDays | None = None
    valid_from: date | None = None
    valid_to: date | None = None

    @model_validator(mode="after")
    def ends_after_it_begins(self) -> "Offer":
        """Its last day is not before its first."""
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to is before valid_from")
        return self

    def holds_on(self, day: date) -> bool:
        """Whether it is in force that day."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )


class Pack(Value):
    """A way in which it is packed: a carton's GTIN counts so many units."""

    gtin: Gtin
    units: Quantity = 1
    name: Text | None = None


class Component(Value):
    """What a bundle is made of, and how many of it."""

    sku: Code
    quantity: Annotated[int, Field(ge=1, le=1_000)] = 1


class DefineCatalogItem(Command):
    """Create a catalog item, or change the one with this SKU.

    `vendor_number`, `unit_price` and `currency` name one approved vendor with their agreed price, for the days given;
    the item's other offers stay. They are the preferred one unless `preferred` is false. `offers` instead names all of
    them: what it lacks is approved no longer; then `vendor_number` alone can name the preferred one.
    A bundle is made of `components`, each at most once, none of them a bundle, and costs what they cost.
    `expected_version` is the version its sender has seen; an item that has changed since is left alone.
    """

    type: ClassVar[str] = "purchasing.define_catalog_item.v1"
    action: ClassVar[Action | None] = Action.MANAGE_CATALOG
    sku: Code
    name: Text
    kind: Kind
    unit: Code = "EA"
    vendor_number: Code | None = None
    unit_price: UnitPrice | None = None
    currency: Currency | None = None
    lead_time_days: LeadTimeDays | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    preferred: bool = True
    offers: Annotated[tuple[Offer, ...], Field(max_length=OFFERS_MAX)] | None = None
    components: Annotated[tuple[Component, ...], Field(max_length=COMPONENTS_MAX)] = ()
    manufacturer: Text | None = None
    model: Text | None = None
    gtin: Gtin | None = None
    packs: Annotated[tuple[Pack, ...], Field(max_length=PACKS_MAX)] = ()
    warranty_months: WarrantyMonths = 0
    metric: Text | None = None
    term_months: TermMonths | None = None
    asset_creation: AssetCreation = AssetCreation.ON_SUBMISSION
    active: bool = True
    expected_version: Version | None = None

    @model_validator(mode="after")
    def is_bought_from_somebody(self) -> "DefineCatalogItem":
        """A price belongs to a vendor and a currency; a bundle has neither of its own."""
        if self.components:
            if self.offers or self.vendor_number or self.unit_price is not None:
                raise ValueError("a bundle has no vendor and no price of its own")
            if len({each.sku for each in self.components}) < len(self.components):
                raise ValueError("a bundle contains each item at most once")
            return self
        if self.offers is not None:
            if self.unit_price is not None or not self.offers:
                raise ValueError("name at least one offer, and prices only there")
            return self
        if self.vendor_number is None or self.unit_price is None or self.currency is None:
            raise ValueError("name vendor_number, unit_price and currency, or offers, or components")
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to is before valid_from")
        return self

    @property
    def own_offer(self) -> Offer | None:
        """The one offer that is named outside `offers`."""
        if self.vendor_number is None or self.unit_price is None or self.currency is None:
            return None
        return Offer(
            vendor_number=self.vendor_number,
            unit_price=self.unit_price,
            currency=self.currency,
            lead_time_days=self.lead_time_days,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
        )


class DefineOffer(Command):
    """Approve a vendor for an item that the catalog has, at this price from and to these days, or change that offer.

    Its other offers stay. The vendor becomes the preferred one if `preferred` is true.
    """

    type: ClassVar[str] = "purchasing.define_offer.v1"
    action: ClassVar[Action | None] = Action.MANAGE_CATALOG
    sku: Code
    vendor_number: Code
    unit_price: UnitPrice
    currency: Currency
    lead_time_days: LeadTimeDays | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    preferred: bool = False

    @model_validator(mode="after")
    def ends_after_it_begins(self) -> "DefineOffer":
        """Its last day is not before its first."""
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to is before valid_from")
        return self

    @property
    def offer(self) -> Offer:
        """What is agreed."""
        return Offer(
            vendor_number=self.vendor_number,
            unit_price=self.unit_price,
            currency=self.currency,
            lead_time_days=self.lead_time_days,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
        )


class SetItemActive(Command):
    """Let a catalog item be bought again, or retire it. What is ordered already stays ordered."""

    type: ClassVar[str] = "purchasing.set_item_active.v1"
    action: ClassVar[Action | None] = Action.MANAGE_CATALOG
    sku: Code
    active: bool


class CatalogItemChanged(Event):
    """A catalog item was created or changed; this is all of it.

    `vendor_number` is the preferred vendor; `unit_price` and `currency` are of the offer of theirs that was in force
    when this was said, if one was. Which price holds on another day is told by `offers`. A bundle has none of these.
    """

    type: ClassVar[str] = "purchasing.catalog_item_changed.v1"
    subject: ClassVar[str] = "item_id"
    carries: ClassVar = "state"
    item_id: UUID
    sku: str
    name: str
    kind: Kind
    unit: str = "EA"
    vendor_id: UUID | None = None
    vendor_number: str | None = None
    unit_price: UnitPrice | None = None
    currency: str | None = None
    offers: tuple[Offer, ...] = ()
    components: tuple[Component, ...] = ()
    manufacturer: str | None = None
    model: str | None = None
    gtin: str | None = None
    packs: tuple[Pack, ...] = ()
    warranty_months: int = 0
    metric: str | None = None
    term_months: int | None = None
    asset_creation: AssetCreation = AssetCreation.ON_SUBMISSION
    active: bool


def offer_on(offers: tuple[Offer, ...], vendor_number: str, day: date) -> Offer | None:
    """The offer of a vendor that counts on a day: of those that hold, the one that began last."""
    holding = [offer for offer in offers if offer.vendor_number == vendor_number and offer.holds_on(day)]
    return max(holding, key=lambda offer: offer.valid_from or date.min, default=None)


# Exchange rates


class DefineExchangeRate(Command):
    """From this day on, one unit of the currency is worth so many of the base currency."""

    type: ClassVar[str] = "purchasing.define_exchange_rate.v1"
    action: ClassVar[Action | None] = Action.MANAGE_CATALOG
    currency: Currency
    base: Currency
    rate: ExchangeRate
    valid_from: date

    @model_validator(mode="after")
    def is_between_two_currencies(self) -> "DefineExchangeRate":
        """A currency has no rate against itself."""
        if self.currency == self.base:
            raise ValueError("a rate is between two currencies")
        return self


class ExchangeRateChanged(Event):
    """A rate was set: from `valid_from` on, one unit of the currency is worth so many of the base currency."""

    type: ClassVar[str] = "purchasing.exchange_rate_changed.v1"
    subject: ClassVar[str] = "rate_id"
    carries: ClassVar = "state"
    rate_id: UUID
    currency: str
    base: str
    rate: ExchangeRate
    valid_from: date
