"""Vendors, and the catalog of what can be bought from them. An item is a definition, never an asset."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from libs.chassis.backfill import Announced, announcing
from libs.chassis.decision import (
    Cause,
    Decision,
    Handler,
    Handlers,
    Key,
    Keys,
    Record,
    Records,
    Rejection,
)
from libs.contracts.catalog import CatalogItemChanged, DefineCatalogItem, DefineVendor, VendorChanged
from libs.contracts.purchasing import CUSTOM_SKU_PREFIX, AnnounceAll
from libs.contracts.values import AssetCreation, Kind, derived_id
from services.purchasing import exchange_rate
from services.purchasing.exchange_rate import ExchangeRate


@dataclass(frozen=True, kw_only=True)
class Vendor(Record):
    """Somebody we buy from, known by their number."""

    number: str
    name: str
    currency: str
    lead_time_days: int
    active: bool


@dataclass(frozen=True, kw_only=True)
class CatalogItem(Record):
    """Something that can be bought: its preferred vendor, their agreed price, what its assets start with.

    The version counts its definitions; whoever uses a price records it with the version it came from.
    """

    sku: str
    name: str
    kind: Kind
    vendor_id: UUID
    vendor_number: str
    unit_price: Decimal
    currency: str
    manufacturer: str | None
    model: str | None
    gtin: str | None
    warranty_months: int
    asset_creation: AssetCreation
    active: bool


def vendor_id_of(number: str) -> UUID:
    """The vendor with this number."""
    return derived_id("vendor", number)


def item_id_of(sku: str) -> UUID:
    """The catalog item with this SKU."""
    return derived_id("catalog_item", sku)


def vendor_of(command: DefineVendor) -> Keys:
    """The vendor with the number, if there is one."""
    return (Key(Vendor, vendor_id_of(command.number), may_be_new=True),)


def define_vendor(command: DefineVendor, held: Records, cause: Cause) -> Decision:
    """Create or change a vendor. Saying again what is known already changes nothing and announces nothing."""
    known = held.find(Vendor, vendor_id_of(command.number))
    vendor = Vendor(
        id=vendor_id_of(command.number),
        version=known.version if known else 0,
        number=command.number,
        name=command.name,
        currency=command.currency,
        lead_time_days=command.lead_time_days,
        active=command.active,
    )
    answer = {"vendor_id": str(vendor.id), "number": vendor.number, "change": _change(known, vendor)}
    if vendor == known:
        return Decision(answer=answer)
    return Decision(save=[vendor], publish=[_said_of_vendor(vendor)], answer=answer)


def item_of(command: DefineCatalogItem) -> Keys:
    """The item with the SKU, if there is one."""
    return (Key(CatalogItem, item_id_of(command.sku), may_be_new=True),)


def preferred_vendor_of(command: DefineCatalogItem) -> Keys:
    """The vendor it is to be bought from."""
    if command.vendor_number is None:
        return ()
    return (Key(Vendor, vendor_id_of(command.vendor_number), may_be_new=True),)


def active_vendor(held: Records, number: str, *, of: str) -> Vendor:
    """The vendor with this number, from whom we buy; `of` is the field that names them."""
    vendor = held.find(Vendor, vendor_id_of(number))
    if vendor is None or not vendor.active:
        raise Rejection("vendor_unknown", field=of, message=f"There is no active vendor {number}.")
    return vendor


def define_item(command: DefineCatalogItem, held: Records, cause: Cause) -> Decision:
    """Create or change a catalog item, bought from an active vendor. Saying it again changes nothing."""
    if command.sku.startswith(CUSTOM_SKU_PREFIX):
        message = f"SKUs that begin with {CUSTOM_SKU_PREFIX} are given to what is not in the catalog."
        raise Rejection("invalid_content", field="sku", message=message)
    offer = command.own_offer
    if offer is None:
        message = "Name the preferred vendor with their price."
        raise Rejection("invalid_content", field="vendor_number", message=message)
    vendor = active_vendor(held, offer.vendor_number, of="vendor_number")
    known = held.find(CatalogItem, item_id_of(command.sku))
    item = CatalogItem(
        id=item_id_of(command.sku),
        version=known.version if known else 0,
        sku=command.sku,
        name=command.name,
        kind=command.kind,
        vendor_id=vendor.id,
        vendor_number=vendor.number,
        unit_price=offer.unit_price,
        currency=offer.currency,
        manufacturer=command.manufacturer,
        model=command.model,
        gtin=command.gtin,
        warranty_months=command.warranty_months,
        asset_creation=command.asset_creation,
        active=command.active,
    )
    answer = {"item_id": str(item.id), "sku": item.sku, "change": _change(known, item)}
    if item == known:
        return Decision(answer=answer)
    return Decision(save=[item], publish=[_said(item)], answer=answer)


def _said_of_vendor(vendor: Vendor) -> VendorChanged:
    return VendorChanged(
        vendor_id=vendor.id,
        number=vendor.number,
        name=vendor.name,
        currency=vendor.currency,
        active=vendor.active,
    )


def _said(item: CatalogItem) -> CatalogItemChanged:
    return CatalogItemChanged(
        item_id=item.id,
        sku=item.sku,
        name=item.name,
        kind=item.kind,
        vendor_id=item.vendor_id,
        vendor_number=item.vendor_number,
        unit_price=item.unit_price,
        currency=item.currency,
        manufacturer=item.manufacturer,
        model=item.model,
        gtin=item.gtin,
        warranty_months=item.warranty_months,
        active=item.active,
    )


def _change(known: Record | None, now: Record) -> str:
    if known is None:
        return "created"
    return "unchanged" if known == now else "changed"


HANDLERS: Handlers = (
    Handler(on=DefineVendor, holds=vendor_of, decide=define_vendor),
    Handler(on=DefineCatalogItem, holds=item_of, reads=preferred_vendor_of, decide=define_item),
    announcing(
        AnnounceAll,
        Announced(CatalogItem, _said),
        Announced(Vendor, _said_of_vendor),
        Announced(ExchangeRate, exchange_rate.said),
    ),
)
