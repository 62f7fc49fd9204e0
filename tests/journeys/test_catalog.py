"""The catalog in full, over HTTP and by queue: defined, found, retired, and known to those who keep copies."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

from libs.contracts.catalog import (
    Component,
    DefineCatalogItem,
    DefineOffer,
    DefineVendor,
    Offer,
    Pack,
    SetItemActive,
    SetVendorActive,
)
from libs.contracts.values import Kind
from tests.builders_catalog import a_gtin
from tests.journeys.system import APPROVER, Seen, System
from tests.journeys.ways import Way


def a_name() -> str:
    return f"J{uuid4().hex[:8].upper()}"


def an_item(sku: str, **changes: Any) -> DefineCatalogItem:
    content: dict[str, Any] = {"sku": sku, "name": f"Thing {sku}", "kind": Kind.HARDWARE}
    if not changes.keys() & {"offers", "components"}:
        content |= {"vendor_number": "V-001", "unit_price": Decimal("10.00"), "currency": "EUR"}
    return DefineCatalogItem(**content | changes)


async def item(system: System, reference: str, **wanted: Any) -> Seen:
    found: Seen = await system.api.get("purchasing", f"/catalog-items/{reference}", **wanted)
    return found


async def skus(system: System, **wanted: Any) -> list[str]:
    return [each["sku"] for each in await system.api.all("purchasing", "/catalog-items", **wanted)]


async def test_an_item_with_offers_packs_and_days_is_defined_and_scanned(way: Way) -> None:
    sku, gtin, carton = a_name(), a_gtin(uuid4().int % 10**9), a_gtin(uuid4().int % 10**9)
    vendor = f"V-{sku}"
    await way.done(DefineVendor(number=vendor, name="New", currency="EUR", lead_time_days=4), APPROVER)
    offers = (
        Offer(vendor_number="V-001", unit_price=Decimal("10.00"), currency="EUR"),
        Offer(vendor_number=vendor, unit_price=Decimal("9.00"), currency="EUR", lead_time_days=2),
    )
    packs = (Pack(gtin=carton, units=12, name="Carton"),)
    define = an_item(sku, offers=offers, vendor_number=vendor, gtin=gtin, packs=packs)

    first, again = [await way.done(define, APPROVER) for _ in range(2)]
    later = DefineOffer.model_validate_json(
        f'{{"sku": "{sku}", "vendor_number": "{vendor}", "unit_price": "11.00", "currency": "EUR",'
        ' "valid_from": "2031-01-01"}'
    )
    await way.done(later, APPROVER)

    assert (first["change"], again["change"]) == ("created", "unchanged")
    seen = [
        await item(way.system, reference) for reference in (sku, first["item_id"], gtin, carton, f"0{gtin}")
    ]
    assert [each["sku"] for each in seen] == [sku] * 5
    assert (seen[0]["vendor_number"], seen[0]["unit_price"], seen[0]["lead_time_days"]) == (vendor, "9.00", 2)
    assert (await item(way.system, sku, on="2031-01-01"))["unit_price"] == "11.00"
    seen_before = define.model_copy(update={"expected_version": seen[0]["version"] - 1, "name": "Other"})
    assert (await way.give(seen_before, APPROVER)).refusal == ("precondition_failed", "expected_version")
    taken = await way.give(an_item(a_name(), gtin=carton), APPROVER)
    assert taken.refusal == ("gtin_taken", "gtin")


async def test_items_are_found_by_words_vendors_and_gtins(way: Way) -> None:
    name, gtin = a_name(), a_gtin(uuid4().int % 10**9)
    await way.done(DefineVendor(number=f"V-{name}", name="Rare", currency="EUR", strategic=True), APPROVER)
    await way.done(an_item(f"{name}-1", name="Größter Beamer", gtin=gtin), APPROVER)
    await way.done(an_item(f"{name}-2", vendor_number=f"V-{name}", kind=Kind.SERVICE), APPROVER)
    await way.done(
        DefineOffer(sku=f"{name}-1", vendor_number=f"V-{name}", unit_price=Decimal(1), currency="EUR"),
        APPROVER,
    )
    await way.done(SetItemActive(sku=f"{name}-2", active=False), APPROVER)
    one, two = f"{name}-1", f"{name}-2"

    found = {
        "words": await skus(way.system, search=f"GRÖSSTER beam {name}".replace("SS", "ß")),
        "beginning": await skus(way.system, search=name[:6]),
        "gtin": await skus(way.system, search=gtin),
        "vendor": await skus(way.system, vendor=f"V-{name}"),
        "kind": await skus(way.system, vendor=f"V-{name}", kind="service"),
        "retired": await skus(way.system, search=name, active=False),
        "nothing": await skus(way.system, search="!!"),
        "page by page": await skus(way.system, search=name),
    }

    assert found == {
        "words": [one],
        "beginning": [one, two],
        "gtin": [one],
        "vendor": [one, two],
        "kind": [two],
        "retired": [two],
        "nothing": [],
        "page by page": [one, two],
    }
    strategic = await way.system.api.all("purchasing", "/vendors", strategic=True)
    assert f"V-{name}" in [vendor["number"] for vendor in strategic]


async def test_a_bundle_is_made_of_items_that_there_are(way: Way) -> None:
    sku = a_name()
    await way.done(an_item(f"{sku}-1"), APPROVER)
    bundle = an_item(sku, components=(Component(sku=f"{sku}-1", quantity=2),))

    await way.done(bundle, APPROVER)
    nested = await way.give(an_item(f"{sku}-2", components=(Component(sku=sku),)), APPROVER)
    lonely = await way.give(an_item(f"{sku}-3", components=(Component(sku=f"{sku}-9"),)), APPROVER)

    assert (await item(way.system, sku))["components"] == [{"sku": f"{sku}-1", "quantity": 2}]
    assert nested.refusal == ("bundle_nested", "components[0].sku")
    assert lonely.refusal == ("sku_unknown", "components[0].sku")


async def test_what_is_retired_is_known_to_be_so_and_comes_back(way: Way) -> None:
    name = a_name()
    await way.done(DefineVendor(number=f"V-{name}", name="Once", currency="EUR"), APPROVER)
    await way.done(an_item(name, vendor_number=f"V-{name}"), APPROVER)

    for active in (False, True):
        await way.done(SetVendorActive(number=f"V-{name}", active=active), APPROVER)
        await way.done(SetItemActive(sku=name, active=active), APPROVER)

        vendor = await way.system.api.get("purchasing", f"/vendors/V-{name}")
        assert (vendor["active"], (await item(way.system, name))["active"]) == (active, active)

    unknown = await way.give(SetItemActive(sku=f"{name}-X", active=False), APPROVER)
    assert unknown.refusal == ("no_such_catalog_item", "sku")
