"""What a request costs: by the offers in force on the day it comes in, and of bundles item by item."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from libs.chassis.decision import Actor
from libs.contracts.catalog import Component, Offer, VendorChanged
from libs.contracts.purchasing import CreateOrder
from libs.contracts.requests import CustomItem, EditRequest, RequestedLine
from libs.contracts.values import Kind, derived_id
from services.requests.copies import CatalogEntry
from services.requests.purchase_request import RequestLine, RequestRevision, Status, live
from tests.builders_approval import a_desk_with_rule, a_step, an_edit
from tests.builders_desk import (
    CABLE,
    LAPTOP,
    REQUESTER,
    STATION,
    Desk,
    a_request,
    a_requests_desk,
    an_entry,
    the_request,
)

KIT = "KIT-1"
MARCH, JUNE = datetime(2026, 3, 31, 23, 59, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
OFFERS = (
    Offer(vendor_number="V-1", unit_price=Decimal(100), currency="EUR", valid_to=date(2026, 3, 31)),
    Offer(vendor_number="V-1", unit_price=Decimal(90), currency="EUR", valid_from=date(2026, 6, 1)),
    Offer(vendor_number="V-2", unit_price=Decimal(120), currency="EUR", valid_to=date(2026, 5, 31)),
)


def a_vendor_known(number: str) -> VendorChanged:
    return VendorChanged(
        vendor_id=derived_id("vendor", number), number=number, name=number, currency="EUR", active=True
    )


def a_bundle(*parts: Component, **changes: Any) -> Any:
    nothing = {"vendor_id": None, "vendor_number": None, "unit_price": None, "currency": None}
    return an_entry(KIT, **nothing | {"components": parts} | changes)


def a_kit_desk(desk: Desk | None = None) -> Desk:
    """A kit is a station and two cables."""
    desk = desk or a_requests_desk()
    desk.hear(a_bundle(Component(sku=STATION), Component(sku=CABLE, quantity=2)))
    return desk


def a_dated_desk() -> Desk:
    """A laptop is offered at other prices from June on, by one vendor; the others are not approved then."""
    desk = a_requests_desk(an_entry(LAPTOP, offers=OFFERS))
    desk.hear(*map(a_vendor_known, ("V-1", "V-2", "V-9")))
    return desk


def lines(desk: Desk) -> list[RequestLine]:
    return live(desk.all(RequestLine))


# Offers


@pytest.mark.parametrize(
    ("day", "vendor", "price", "from_whom"),
    [
        (MARCH, None, "100", "V-1"),
        (JUNE, None, "90", "V-1"),
        (MARCH, "V-1", "100", "V-1"),
        (MARCH, "V-2", "120", "V-2"),
        (JUNE, "V-2", "90", "V-2"),
        (MARCH, "V-9", "100", "V-9"),
    ],
    ids=[
        "the preferred vendor's offer of the day",
        "the one that has replaced it",
        "the preferred vendor is named",
        "another approved vendor is named",
        "their offer has ended",
        "they are not approved for it",
    ],
)
def test_an_item_costs_what_the_vendor_asks_on_the_day_the_request_comes_in(
    day: datetime, vendor: str | None, price: str, from_whom: str
) -> None:
    desk = a_dated_desk()

    desk.hear(a_request(lines=(RequestedLine(sku=LAPTOP, quantity=2, vendor=vendor),)), at=day)

    (line,) = lines(desk)
    assert (line.unit_price, line.line_total) == (Decimal(price), Decimal(price) * 2)
    assert (line.vendor, line.vendor_named) == (from_whom, vendor is not None)


def test_an_item_that_nobody_offers_on_the_day_cannot_be_requested() -> None:
    desk = a_dated_desk()

    ended = desk.hear(a_request({LAPTOP: 1}), at=datetime(2026, 4, 15, tzinfo=UTC))

    assert ended.rejection is not None
    assert (ended.code, ended.rejection.field) == ("item_not_buyable", "lines[0].sku")


def test_a_changed_request_is_priced_on_the_day_it_is_changed() -> None:
    desk = a_desk_with_rule(a_step())
    desk.hear(an_entry(LAPTOP, offers=OFFERS))
    desk.hear(a_request({LAPTOP: 1}), at=MARCH)

    desk.hear(
        an_edit(the_request(desk), [RequestedLine(sku=LAPTOP, quantity=2)]),
        actor=Actor(REQUESTER),
        at=JUNE,
    )

    assert [line.line_total for line in lines(desk)] == [Decimal(180)]


# Bundles


def test_a_bundle_becomes_a_line_for_each_of_its_items() -> None:
    desk = a_kit_desk()

    desk.hear(a_request({KIT: 3, STATION: 1}))

    assert [
        (line.position, line.sku, line.quantity, line.line_total, line.bundle, line.bundle_quantity)
        for line in lines(desk)
    ] == [
        (1, STATION, 3, Decimal("448.50"), KIT, 3),
        (2, CABLE, 6, Decimal("3.30"), KIT, 3),
        (3, STATION, 1, Decimal("149.50"), None, None),
    ]
    (order,) = [said for said in desk.said if isinstance(said, CreateOrder)]
    assert [(line.sku, line.quantity) for line in order.lines] == [(STATION, 3), (CABLE, 6), (STATION, 1)]


def test_a_bundle_is_found_by_its_own_name() -> None:
    desk = a_kit_desk()

    desk.hear(a_request({KIT: 1}))

    assert KIT in the_request(desk).words


def test_a_bundle_with_a_retired_item_cannot_be_requested() -> None:
    desk = a_kit_desk()
    desk.hear(an_entry(CABLE, active=False))

    ended = desk.hear(a_request({KIT: 1}))

    assert ended.rejection is not None
    assert (ended.code, ended.rejection.message) == (
        "sku_unknown",
        f"The catalog has no active item {CABLE}, of which {KIT} is made.",
    )


@pytest.mark.parametrize(
    ("parts", "quantity", "code"),
    [
        ((Component(sku=KIT),), 1, "item_not_buyable"),
        ((Component(sku=CABLE, quantity=1_000),), 11, "invalid_content"),
        ((Component(sku="NOT-KNOWN"),), 1, "sku_unknown"),
    ],
    ids=["of a bundle", "of too many", "of something unknown"],
)
def test_a_bundle_that_cannot_be_ordered_is_refused(
    parts: tuple[Component, ...], quantity: int, code: str
) -> None:
    desk = a_requests_desk(a_bundle(*parts))

    assert desk.hear(a_request({KIT: quantity})).code == code


def test_bundles_make_no_more_lines_than_can_be_ordered() -> None:
    desk = a_kit_desk()
    many = tuple(RequestedLine(sku=KIT, quantity=1) for _ in range(51))

    assert desk.hear(a_request(lines=many)).code == "too_many_lines"


def test_what_was_sent_is_kept_with_its_bundles_when_it_is_changed() -> None:
    desk = a_kit_desk(a_desk_with_rule(a_step()))
    chair = RequestedLine(
        item=CustomItem(name="Chair", kind=Kind.HARDWARE, unit_price=Decimal(90)), quantity=2
    )
    wished = (
        RequestedLine(sku=KIT, quantity=1),
        RequestedLine(sku=KIT, quantity=2),
        chair,
        RequestedLine(sku=CABLE, quantity=1),
    )
    desk.hear(a_request(lines=wished))
    assert the_request(desk).status is Status.AWAITING_APPROVAL

    desk.hear(an_edit(the_request(desk), [chair]), actor=Actor(REQUESTER))

    first, second = sorted(desk.all(RequestRevision), key=lambda each: each.number)
    sent = EditRequest.model_validate({**first.wish, "request_id": the_request(desk).id}, strict=False).lines
    assert [(line.sku, line.quantity) for line in sent] == [(KIT, 1), (KIT, 2), (None, 2), (CABLE, 1)]
    assert (first.number, second.number, len(lines(desk))) == (1, 2, 1)


def test_what_a_fact_lacks_of_offers_is_the_preferred_price_for_ever() -> None:
    desk = a_requests_desk(an_entry(LAPTOP), a_bundle(Component(sku=LAPTOP)))

    laptop, kit = (desk.all(CatalogEntry, sku=sku)[0] for sku in (LAPTOP, KIT))

    assert laptop.offer(None, date(1990, 1, 1)) == laptop.offer("V-1", date(2090, 1, 1))
    assert (kit.is_bundle, laptop.is_bundle, kit.offer("V-1", date(2026, 1, 1))) == (True, False, None)
