"""Defining vendors and catalog items, and retiring them. Saying again what is known changes and announces nothing."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from libs.chassis.decision import (
    Cause,
    Decision,
    Handler,
    Handlers,
    Key,
    Keys,
    NamedBy,
    Record,
    Records,
    Rejection,
)
from libs.contracts.catalog import (
    OFFERS_MAX,
    CatalogItemChanged,
    DefineCatalogItem,
    DefineOffer,
    DefineVendor,
    Offer,
    SetItemActive,
    SetVendorActive,
    VendorChanged,
)
from libs.contracts.purchasing import CUSTOM_SKU_PREFIX
from services.purchasing.catalog import (
    CatalogItem,
    GtinClaim,
    Vendor,
    active_vendor,
    claim_id_of,
    item_id_of,
    vendor_id_of,
    whole_gtin,
    words_of,
)


def _check_seen(name: str, known: Record | None, expected: int | None) -> None:
    """Nobody changes what they have not seen, if they say what they have."""
    now = known.version if known else 0
    if expected not in (None, now):
        message = f"{name} has changed since: it is at version {now} now."
        raise Rejection("precondition_failed", field="expected_version", message=message)


# Vendors


def vendor_of(command: DefineVendor | SetVendorActive) -> Keys:
    """The vendor with the number, if there is one."""
    return (Key(Vendor, vendor_id_of(command.number), may_be_new=True),)


def define_vendor(command: DefineVendor, held: Records, cause: Cause) -> Decision:
    """Create or change a vendor; what is not named is taken off."""
    known = held.find(Vendor, vendor_id_of(command.number))
    _check_seen(command.number, known, command.expected_version)
    vendor = Vendor(
        id=vendor_id_of(command.number),
        version=known.version if known else 0,
        number=command.number,
        name=command.name,
        currency=command.currency,
        contact_name=command.contact_name,
        contact_email=command.contact_email,
        contact_phone=command.contact_phone,
        payment_terms=command.payment_terms,
        lead_time_days=command.lead_time_days,
        strategic=command.strategic,
        active=command.active,
    )
    return _vendor_now(known, vendor)


def set_vendor_active(command: SetVendorActive, held: Records, cause: Cause) -> Decision:
    """Buy from a vendor again, or no longer."""
    known = held.find(Vendor, vendor_id_of(command.number))
    if known is None:
        message = f"There is no vendor {command.number}."
        raise Rejection("no_such_vendor", field="number", message=message)
    return _vendor_now(known, replace(known, active=command.active))


def _vendor_now(known: Vendor | None, vendor: Vendor) -> Decision:
    answer = {"vendor_id": str(vendor.id), "number": vendor.number, "change": _change(known, vendor)}
    if vendor == known:
        return Decision(answer=answer)
    return Decision(save=[vendor], publish=[said_of_vendor(vendor)], answer=answer)


def said_of_vendor(vendor: Vendor) -> VendorChanged:
    """All of a vendor but how to reach them."""
    return VendorChanged(
        vendor_id=vendor.id,
        number=vendor.number,
        name=vendor.name,
        currency=vendor.currency,
        payment_terms=vendor.payment_terms,
        lead_time_days=vendor.lead_time_days,
        strategic=vendor.strategic,
        active=vendor.active,
    )


# Catalog items


def item_and_claims(command: DefineCatalogItem) -> Keys:
    """The item with the SKU, if there is one, and the GTINs that it has or is to have."""
    item_id = item_id_of(command.sku)
    return (
        Key(CatalogItem, item_id, may_be_new=True),
        *(Key(GtinClaim, claim_id_of(gtin), may_be_new=True) for _, gtin in _gtins_named(command)),
        NamedBy(GtinClaim, by=CatalogItem, id=item_id, ids=lambda item: map(claim_id_of, item.gtins)),
    )


def vendors_and_components(command: DefineCatalogItem) -> Keys:
    """Whom it is to be bought from, or what it is made of."""
    numbers = dict.fromkeys(each.vendor_number for _, each in _offers_named(command))
    return (
        *(Key(Vendor, vendor_id_of(number), may_be_new=True) for number in numbers),
        *(Key(CatalogItem, item_id_of(each.sku), may_be_new=True) for each in command.components),
    )


def define_item(command: DefineCatalogItem, held: Records, cause: Cause) -> Decision:
    """Create or change a catalog item; what is not named is taken off, but for offers.

    One offer, of a vendor and from a day on, is added to the others or replaces the one of that vendor and day;
    `offers` are all of them. An item always has a preferred vendor, a bundle none.
    """
    if command.sku.startswith(CUSTOM_SKU_PREFIX):
        message = f"SKUs that begin with {CUSTOM_SKU_PREFIX} are given to what is not in the catalog."
        raise Rejection("invalid_content", field="sku", message=message)
    known = held.find(CatalogItem, item_id_of(command.sku))
    _check_seen(command.sku, known, command.expected_version)
    if known is not None and known.is_bundle is not bool(command.components):
        message = f"{command.sku} is {'a' if known.is_bundle else 'no'} bundle, and stays so."
        raise Rejection("bundle_fixed", field="components", message=message)
    _check_components(command, known, held)
    offers = _offers(command, known, held)
    vendor_number = _preferred(command, known, offers, held)
    item = CatalogItem(
        id=item_id_of(command.sku),
        version=known.version if known else 0,
        sku=command.sku,
        name=command.name,
        kind=command.kind,
        unit=command.unit,
        vendor_id=vendor_id_of(vendor_number) if vendor_number else None,
        vendor_number=vendor_number,
        offers=offers,
        components=command.components,
        manufacturer=command.manufacturer,
        model=command.model,
        gtin=command.gtin,
        packs=command.packs,
        warranty_months=command.warranty_months,
        metric=command.metric,
        term_months=command.term_months,
        asset_creation=command.asset_creation,
        active=command.active,
    )
    item = replace(item, words=words_of(item))
    claims = _claims(command, known, item, held)
    return _item_now(known, item, cause, claims)


def _check_components(command: DefineCatalogItem, known: CatalogItem | None, held: Records) -> None:
    """A bundle is made of items that can be bought, none of them a bundle; what it was made of before may stay."""
    before = {each.sku for each in known.components} if known else set()
    for index, component in enumerate(command.components):
        of = f"components[{index}].sku"
        item = held.find(CatalogItem, item_id_of(component.sku))
        if item is None or component.sku == command.sku:
            message = f"The catalog has no item {component.sku}."
            raise Rejection("sku_unknown", field=of, message=message)
        if item.is_bundle:
            raise Rejection("bundle_nested", field=of, message=f"{component.sku} is a bundle itself.")
        if not item.active and component.sku not in before:
            raise Rejection("sku_unknown", field=of, message=f"{component.sku} is retired.")


def _offers_named(command: DefineCatalogItem) -> Sequence[tuple[str, Offer]]:
    """The offers of a definition, each with the field that says its vendor."""
    if command.offers is not None:
        return [(f"offers[{index}].vendor_number", offer) for index, offer in enumerate(command.offers)]
    own = command.own_offer
    return [("vendor_number", own)] if own else []


def _offers(command: DefineCatalogItem, known: CatalogItem | None, held: Records) -> tuple[Offer, ...]:
    """The item's offers by now. Vendors of new ones are active; what was agreed before stays as it is."""
    before = known.offers if known else ()
    named: set[tuple[str, date]] = set()
    for of, offer in _offers_named(command):
        if offer not in before:
            active_vendor(held, offer.vendor_number, of=of)
        if _offered(offer) in named:
            message = f"{offer.vendor_number} has two offers from the same day on."
            raise Rejection("offer_repeated", field=of, message=message)
        named.add(_offered(offer))
    stay = before if command.offers is None else ()
    return _with(stay, [offer for _, offer in _offers_named(command)])


def _with(offers: Sequence[Offer], more: Sequence[Offer]) -> tuple[Offer, ...]:
    """These offers with others added, or in the place of those of the same vendor and day."""
    now = {_offered(offer): offer for offer in (*offers, *more)}
    if len(now) > OFFERS_MAX:
        message = f"The item would have {len(now)} offers; {OFFERS_MAX} are the most."
        raise Rejection("too_many_offers", field="vendor_number", message=message)
    return tuple(now[key] for key in sorted(now))


def _offered(offer: Offer) -> tuple[str, date]:
    return offer.vendor_number, offer.valid_from or date.min


def _preferred(
    command: DefineCatalogItem, known: CatalogItem | None, offers: Sequence[Offer], held: Records
) -> str | None:
    """The vendor that is named, if they are to be preferred; else who was; else the first one of those named."""
    if command.components:
        return None
    approved = {offer.vendor_number for offer in offers}
    if command.vendor_number and command.vendor_number not in approved:
        message = f"{command.vendor_number} is preferred and has no offer."
        raise Rejection("offer_missing", field="vendor_number", message=message)
    before = known.vendor_number if known and known.vendor_number in approved else None
    named = command.vendor_number if command.preferred else None
    vendor_number = named or before or _offers_named(command)[0][1].vendor_number
    if vendor_number != before:
        active_vendor(held, vendor_number, of="vendor_number")
    return vendor_number


def _gtins_named(command: DefineCatalogItem) -> Sequence[tuple[str, str]]:
    """The GTINs of a definition, each with its field."""
    own = [("gtin", command.gtin)] if command.gtin else []
    return [*own, *((f"packs[{index}].gtin", pack.gtin) for index, pack in enumerate(command.packs))]


def _claims(
    command: DefineCatalogItem, known: CatalogItem | None, item: CatalogItem, held: Records
) -> Sequence[GtinClaim]:
    """What must change so that the item, and nobody else, has its GTINs."""
    changed: list[GtinClaim] = []
    seen: set[str] = set()
    for of, gtin in _gtins_named(command):
        if whole_gtin(gtin) in seen:
            message = f"{gtin} stands for the item and a pack of it, or for two packs."
            raise Rejection("gtin_repeated", field=of, message=message)
        seen.add(whole_gtin(gtin))
        claim = held.find(GtinClaim, claim_id_of(gtin))
        if claim is not None and claim.item_id not in (None, item.id):
            raise Rejection("gtin_taken", field=of, message=f"{gtin} is the GTIN of {claim.sku}.")
        if claim is None or claim.item_id is None:
            version = claim.version if claim else 0
            changed.append(
                GtinClaim(
                    id=claim_id_of(gtin),
                    version=version,
                    gtin=whole_gtin(gtin),
                    item_id=item.id,
                    sku=item.sku,
                )
            )
    for gtin in known.gtins if known else ():
        if gtin not in seen:
            given_up = held[GtinClaim, claim_id_of(gtin)]
            changed.append(replace(given_up, item_id=None, sku=None))
    return changed


def item_of(command: SetItemActive | DefineOffer) -> Keys:
    """The item with the SKU, if there is one."""
    return (Key(CatalogItem, item_id_of(command.sku), may_be_new=True),)


def define_offer(command: DefineOffer, held: Records, cause: Cause) -> Decision:
    """Approve a vendor for an item, or change what was agreed with them for the days from this one on."""
    known = _known_item(command, held)
    if known.is_bundle:
        message = f"{known.sku} is a bundle: what it is made of has prices."
        raise Rejection("bundle_fixed", field="sku", message=message)
    if command.offer not in known.offers or (
        command.preferred and command.vendor_number != known.vendor_number
    ):
        active_vendor(held, command.vendor_number, of="vendor_number")
    item = replace(known, offers=_with(known.offers, [command.offer]))
    if command.preferred:
        item = replace(
            item, vendor_id=vendor_id_of(command.vendor_number), vendor_number=command.vendor_number
        )
    return _item_now(known, replace(item, words=words_of(item)), cause)


def vendor_of_offer(command: DefineOffer) -> Keys:
    """The vendor, if there is one with the number."""
    return (Key(Vendor, vendor_id_of(command.vendor_number), may_be_new=True),)


def _known_item(command: SetItemActive | DefineOffer, held: Records) -> CatalogItem:
    known = held.find(CatalogItem, item_id_of(command.sku))
    if known is None:
        message = f"The catalog has no item {command.sku}."
        raise Rejection("no_such_catalog_item", field="sku", message=message)
    return known


def set_item_active(command: SetItemActive, held: Records, cause: Cause) -> Decision:
    """Let an item be bought again, or retire it. It keeps its GTINs."""
    known = _known_item(command, held)
    return _item_now(known, replace(known, active=command.active), cause)


def _item_now(
    known: CatalogItem | None, item: CatalogItem, cause: Cause, claims: Sequence[GtinClaim] = ()
) -> Decision:
    answer = {"item_id": str(item.id), "sku": item.sku, "change": _change(known, item)}
    if item == known:
        return Decision(answer=answer)
    return Decision(save=[item, *claims], publish=[said_of_item(item, cause.at.date())], answer=answer)


def said_of_item(item: CatalogItem, day: date) -> CatalogItemChanged:
    """All of an item, with the price that counts on this day."""
    offer = item.preferred_on(day)
    return CatalogItemChanged(
        item_id=item.id,
        sku=item.sku,
        name=item.name,
        kind=item.kind,
        unit=item.unit,
        vendor_id=item.vendor_id,
        vendor_number=item.vendor_number,
        unit_price=offer.unit_price if offer else None,
        currency=offer.currency if offer else None,
        offers=item.offers,
        components=item.components,
        manufacturer=item.manufacturer,
        model=item.model,
        gtin=item.gtin,
        packs=item.packs,
        warranty_months=item.warranty_months,
        metric=item.metric,
        term_months=item.term_months,
        asset_creation=item.asset_creation,
        active=item.active,
    )


def _change(known: Record | None, now: Record) -> str:
    if known is None:
        return "created"
    return "unchanged" if known == now else "changed"


HANDLERS: Handlers = (
    Handler(on=DefineVendor, holds=vendor_of, decide=define_vendor),
    Handler(on=SetVendorActive, holds=vendor_of, decide=set_vendor_active),
    Handler(on=DefineCatalogItem, holds=item_and_claims, reads=vendors_and_components, decide=define_item),
    Handler(on=DefineOffer, holds=item_of, reads=vendor_of_offer, decide=define_offer),
    Handler(on=SetItemActive, holds=item_of, decide=set_item_active),
)
