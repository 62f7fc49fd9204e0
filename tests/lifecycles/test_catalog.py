"""Vendors and catalog items, and the copy of them that requests keeps."""

from decimal import Decimal

import pytest

from libs.chassis.decision import Announcement
from libs.contracts.catalog import CatalogItemChanged, Offer, VendorChanged
from libs.contracts.requests import RenewCopies
from libs.contracts.values import AssetCreation, Kind, derived_id
from services.purchasing.catalog import CatalogItem, Vendor, item_id_of, vendor_id_of
from services.requests.copies import CatalogEntry, entry_id
from tests.builders_desk import LAPTOP, Desk, a_purchasing_desk, a_requests_desk, a_vendor, an_entry, an_item
from tests.builders_dock import Ended


@pytest.fixture
def desk() -> Desk:
    return a_purchasing_desk()


def test_a_vendor_is_created_once_and_then_changed(desk: Desk) -> None:
    created = desk.hear(a_vendor("V-9", lead_time_days=3))
    changed = desk.hear(a_vendor("V-9", name="Renamed", active=False))

    assert [end.decision.answer["change"] for end in (created, changed)] == ["created", "changed"]
    assert desk.all(Vendor, number="V-9") == [
        Vendor(
            id=vendor_id_of("V-9"),
            version=2,
            number="V-9",
            name="Renamed",
            currency="EUR",
            lead_time_days=0,
            active=False,
        )
    ]
    assert desk.said[-1] == VendorChanged(
        vendor_id=vendor_id_of("V-9"), number="V-9", name="Renamed", currency="EUR", active=False
    )


def test_a_catalog_item_is_announced_as_it_is_defined(desk: Desk) -> None:
    desk.hear(
        an_item(
            "BEAMER",
            unit_price=Decimal("0.000001"),
            asset_creation=AssetCreation.ON_RECEIPT,
            gtin="40063812",
            manufacturer="M",
            model="B-1",
            warranty_months=24,
        )
    )

    (item,) = desk.all(CatalogItem, sku="BEAMER")
    assert item.asset_creation is AssetCreation.ON_RECEIPT
    assert desk.said[-1] == CatalogItemChanged(
        item_id=item_id_of("BEAMER"),
        sku="BEAMER",
        name="Beamer",
        kind=Kind.HARDWARE,
        vendor_id=vendor_id_of("V-1"),
        vendor_number="V-1",
        unit_price=Decimal("0.000001"),
        currency="EUR",
        offers=(Offer(vendor_number="V-1", unit_price=Decimal("0.000001"), currency="EUR"),),
        manufacturer="M",
        model="B-1",
        gtin="40063812",
        warranty_months=24,
        asset_creation=AssetCreation.ON_RECEIPT,
        active=True,
    )


@pytest.mark.parametrize(
    "again", [a_vendor("V-1"), an_item(LAPTOP), an_item(LAPTOP, unit_price=Decimal("999.900"))]
)
def test_defining_what_is_known_already_changes_and_announces_nothing(desk: Desk, again: object) -> None:
    before = desk.fork()

    ended = desk.hear(again)  # type: ignore[arg-type]

    assert ended.decision.answer["change"] == "unchanged"
    assert (desk.records, desk.said) == (before.records, before.said)


@pytest.mark.parametrize("vendor", ["V-0", "V-2"])
def test_an_item_needs_an_active_vendor(desk: Desk, vendor: str) -> None:
    desk.hear(a_vendor("V-2", active=False))

    ended = desk.hear(an_item("BEAMER", vendor_number=vendor))

    assert ended.code == "vendor_unknown"
    assert ended.rejection is not None
    assert ended.rejection.field == "vendor_number"


def test_the_whole_catalog_is_said_again_when_requests_renews_its_copies(desk: Desk) -> None:
    asked = a_requests_desk().hear(RenewCopies())

    to_us = [said for said in asked.decision.publish if said.owner() == "purchasing"]
    first = desk.hear(*to_us, sender="requests")
    told = [*first.decision.announce, *_said_further(desk, first)]

    kept = [*desk.all(Vendor), *desk.all(CatalogItem)]
    assert [(said.fact.subject_id(), said.sequence, said.to) for said in told] == [
        (record.id, record.version, "requests") for record in kept
    ]
    assert told[0].fact == [said for said in desk.said if said.subject_id() == kept[0].id].pop()


def _said_further(desk: Desk, page: Ended) -> list[Announcement]:
    """What the commands to itself bring that follow from a page."""
    told: list[Announcement] = []
    while page.decision.publish:
        page = desk.hear(*page.decision.publish, sender="purchasing")
        told += page.decision.announce
    return told


def test_requests_keeps_the_latest_of_what_is_said_about_an_item() -> None:
    desk = a_requests_desk()

    desk.hear(an_entry(LAPTOP, unit_price=Decimal("1099.00"), active=False), sequence=5)

    assert desk.all(CatalogEntry, sku=LAPTOP) == [
        CatalogEntry(
            id=entry_id(LAPTOP),
            version=2,
            sequence=5,
            item_id=derived_id("catalog_item", LAPTOP),
            sku=LAPTOP,
            name="Laptop-14",
            kind=Kind.HARDWARE,
            vendor_id=derived_id("vendor", "V-1"),
            vendor_number="V-1",
            unit_price=Decimal("1099.00"),
            currency="EUR",
            offers='[{"vendor_number": "V-1", "unit_price": "1099.00", "currency": "EUR"}]',
            active=False,
        )
    ]
