"""Saying everything again to whoever asks: what they keep copies of, page by page, open orders with their lines."""

from collections import Counter

from libs.chassis.decision import Announcement
from libs.contracts.catalog import CatalogItemChanged, ExchangeRateChanged, VendorChanged
from libs.contracts.message import Message
from libs.contracts.purchasing import AnnounceAll, OrderAnnounced
from libs.contracts.values import derived_id
from services.purchasing.announcing import ORDERS_PER_PAGE
from services.purchasing.purchase_order import OrderLine, PurchaseOrder, Status
from tests.builders_desk import (
    CABLE,
    LAPTOP,
    PRICES,
    STATION,
    VENDORS,
    Desk,
    a_purchasing_desk,
    a_receipt,
    cancel_order,
    create_order,
    orders,
)


def told(desk: Desk, asked: Message, asker: str = "receiving") -> list[Announcement]:
    """All that follows from asking."""
    ended = desk.hear(asked, sender=asker)
    said = [*ended.decision.announce]
    while ended.decision.publish:
        ended = desk.hear(*ended.decision.publish, sender="purchasing")
        said += ended.decision.announce
    return said


def test_an_open_order_is_said_with_its_lines_and_figures_by_now() -> None:
    desk = a_purchasing_desk()
    desk.hear(create_order({LAPTOP: 2, CABLE: 5}))
    (order,) = orders(desk)
    laptop, cable = sorted(desk.all(OrderLine), key=lambda line: line.position)
    desk.hear(a_receipt((cable, 3, 1)))

    (said,) = told(desk, AnnounceAll(only=(OrderAnnounced.type,)))

    (order,) = orders(desk)
    assert isinstance(said.fact, OrderAnnounced)
    assert (said.sequence, said.to) == (order.version, "receiving")
    assert (said.fact.order_id, said.fact.status) == (order.id, "partially_received")
    assert [(line.order_line_id, line.quantity, line.units_made, line.kept) for line in said.fact.lines] == [
        (laptop.id, 2, 2, 0),
        (cable.id, 5, 5, 3),
    ]


def test_drafts_and_orders_of_which_nothing_is_owed_are_not_said() -> None:
    desk = a_purchasing_desk()
    desk.hear(create_order({LAPTOP: 1}))
    desk.hear(cancel_order())
    (order,) = orders(desk)

    assert order.status is Status.CANCELLED
    assert told(desk, AnnounceAll(only=(OrderAnnounced.type,))) == []


def test_whoever_names_nothing_is_told_everything() -> None:
    desk = a_purchasing_desk()
    desk.hear(create_order({LAPTOP: 1}))

    said = Counter(type(each.fact) for each in told(desk, AnnounceAll()))

    assert said == {
        CatalogItemChanged: len(PRICES),
        VendorChanged: len(set(VENDORS.values())),
        OrderAnnounced: 1,
    }


def test_only_what_the_asker_keeps_copies_of_is_said() -> None:
    desk = a_purchasing_desk()
    desk.hear(create_order({LAPTOP: 1}))

    said = told(desk, AnnounceAll(only=(VendorChanged.type, ExchangeRateChanged.type)))

    assert {type(each.fact) for each in said} == {VendorChanged}
    assert told(desk, AnnounceAll(only=("purchasing.nothing.v1",))) == []


def test_orders_are_said_page_by_page_until_all_were() -> None:
    desk = a_purchasing_desk()
    count = 2 * ORDERS_PER_PAGE + 1
    for number in range(count):
        desk.hear(create_order({STATION: 1}, request_id=derived_id("test-request", number)))

    said = told(desk, AnnounceAll(only=(OrderAnnounced.type,)))

    assert [each.fact.subject_id() for each in said] == [each.id for each in desk.all(PurchaseOrder)]
    assert len(said) == count
