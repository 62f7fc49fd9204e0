"""How far a shipment has come: forward only, but for a receipt that is taken back; overdue and stale once."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from libs.contracts.deliveries import DefineReceivingPolicy
from libs.contracts.message import Message
from libs.contracts.receiving import TakenBackLine
from libs.contracts.shipments import (
    LineInShipment,
    RegisterShipment,
    ShipmentMoved,
    ShipmentOverdue,
    ShipmentReceived,
    ShipmentStale,
    ShipmentStatus,
    ShippedLine,
    TrackShipment,
)
from services.receiving import expectation, place, receipt, shipment, strictness, tracking
from services.receiving.punctuality import ShipmentOverdueDue, ShipmentStaleDue
from services.receiving.shipment import Shipment, TrackingNumber, taken_back, tracking_id
from tests.builders_dock import LINE, NOON, ORDER, Ended, House, a_delivery, a_place, a_unit, an_order, units

TODAY = NOON.date()
TOMORROW = TODAY + timedelta(days=1)


def a_dock(**shipped: Any) -> House:
    """Three laptops are expected, and two of them are announced."""
    house = House(
        expectation.HANDLERS, receipt.HANDLERS, shipment.HANDLERS, tracking.HANDLERS, place.HANDLERS
    )
    house.hear(a_place(), an_order(), a_shipment(**shipped))
    return house


def a_shipment(**changes: Any) -> RegisterShipment:
    values: dict[str, Any] = {
        "order_id": ORDER,
        "shipment_number": "DN-77",
        "lines": (ShippedLine(order_line_id=LINE, quantity=2),),
    }
    return RegisterShipment(**values | changes)


def the_shipment(house: House) -> Shipment:
    (found,) = house.all(Shipment)
    assert isinstance(found, Shipment)
    return found


def track(house: House, **news: Any) -> Ended:
    return house.hear(TrackShipment(shipment_id=the_shipment(house).id, **news))


def said(house: House, kind: type[Message]) -> list[Any]:
    return [each for each in house.said if isinstance(each, kind)]


def at(day: date) -> dict[str, Any]:
    return {"at": datetime(day.year, day.month, day.day, tzinfo=UTC)}


def test_what_was_dispatched_is_in_transit_from_the_start() -> None:
    house = a_dock(dispatched_on=TODAY)

    assert the_shipment(house).status is ShipmentStatus.IN_TRANSIT
    (moved,) = said(house, ShipmentMoved)
    assert (moved.status, moved.dispatched_on) == (ShipmentStatus.IN_TRANSIT, TODAY)
    assert moved.lines == (LineInShipment(order_line_id=LINE, quantity=2, received=0),)


def test_it_goes_from_announced_to_received_step_by_step() -> None:
    house = a_dock()

    track(house, status=ShipmentStatus.IN_TRANSIT)
    track(house, status=ShipmentStatus.ARRIVED, on=TODAY - timedelta(days=1))
    house.hear(a_delivery(*units("S-1", "S-2"), shipment_id=the_shipment(house).id))

    assert [each.status.value for each in said(house, ShipmentMoved)] == [
        "announced",
        "in_transit",
        "arrived",
        "received",
    ]
    found = the_shipment(house)
    assert (found.dispatched_on, found.arrived_on) == (TODAY, TODAY - timedelta(days=1))
    assert len(said(house, ShipmentReceived)) == 1


def test_it_is_tracked_by_our_number() -> None:
    house = a_dock()

    ended = house.hear(TrackShipment(number=the_shipment(house).number, status=ShipmentStatus.ARRIVED))

    assert (ended.verdict, ended.decision.answer["status"]) == ("accepted", "arrived")


@pytest.mark.parametrize("name", [{"number": "SHP-999999"}, {"shipment_id": UUID(int=5)}])
def test_an_unknown_one_waits_and_is_refused_in_the_end(name: dict[str, Any]) -> None:
    house = a_dock()
    news = TrackShipment(**name, status=ShipmentStatus.ARRIVED)

    assert house.hear(news).verdict == "waiting"
    assert house.give_up(news).code == "shipment_unknown"


@pytest.mark.parametrize("news", [{"status": ShipmentStatus.IN_TRANSIT}, {"expected_on": TOMORROW}])
def test_what_has_arrived_is_neither_in_transit_nor_expected(news: dict[str, Any]) -> None:
    house = a_dock()
    track(house, status=ShipmentStatus.ARRIVED)

    assert track(house, **news).code == "shipment_not_movable"


def test_what_was_received_has_not_only_arrived() -> None:
    house = a_dock()
    house.hear(a_delivery(*units("S-1", "S-2"), shipment_id=the_shipment(house).id))

    assert track(house, status=ShipmentStatus.ARRIVED).code == "shipment_not_movable"


def test_where_the_dock_is_tomorrow_may_have_begun_but_not_the_day_after() -> None:
    house = a_dock()

    assert (
        track(house, status=ShipmentStatus.ARRIVED, on=TOMORROW + timedelta(days=1)).code == "date_in_future"
    )
    assert track(house, status=ShipmentStatus.ARRIVED, on=TOMORROW).verdict == "accepted"


def test_news_that_say_nothing_of_the_day_leave_it() -> None:
    house = a_dock(dispatched_on=TODAY - timedelta(days=3))

    track(house, status=ShipmentStatus.IN_TRANSIT, expected_on=TOMORROW)

    assert (the_shipment(house).dispatched_on, the_shipment(house).expected_on) == (
        TODAY - timedelta(days=3),
        TOMORROW,
    )


def test_another_carrier_has_another_number_and_the_first_one_still_leads_to_it() -> None:
    house = a_dock(carrier="Parcels", tracking_number="1Z-1")

    track(house, carrier="Freight", tracking_number="F-9")
    track(house, carrier="Parcels", tracking_number="1Z-1")

    found = the_shipment(house)
    assert (found.carrier, found.tracking_number) == ("Parcels", "1Z-1")
    assert {each.id for each in house.all(TrackingNumber, shipment_id=found.id)} == {
        tracking_id("Parcels", "1Z-1"),
        tracking_id("Freight", "F-9"),
    }


def test_a_carrier_s_number_is_one_shipment_s() -> None:
    house = a_dock(carrier="Parcels", tracking_number="1Z-1")
    other = house.hear(a_shipment(shipment_number="DN-78"))
    id = UUID(str(other.decision.answer["shipment_id"]))

    ended = house.hear(TrackShipment(shipment_id=id, carrier="Parcels", tracking_number="1Z-1"))

    assert ended.code == "shipment_number_reused"


def test_what_was_registered_is_a_duplicate_whatever_was_heard_since() -> None:
    house = a_dock(expected_on=TODAY)
    track(house, status=ShipmentStatus.IN_TRANSIT, expected_on=TOMORROW)

    assert house.hear(a_shipment(expected_on=TODAY)).verdict == "duplicate"


def test_a_receipt_that_is_taken_back_leaves_it_at_the_dock() -> None:
    house = a_dock()
    house.hear(a_delivery(*units("S-1", "S-2"), shipment_id=the_shipment(house).id))

    less, messages = taken_back(
        the_shipment(house), [TakenBackLine(order_line_id=LINE, request_line_id=None, accepted=1)]
    )

    assert (less.status, less.received) == (ShipmentStatus.ARRIVED, (1,))
    moved, look = messages
    assert isinstance(moved, ShipmentMoved)
    assert moved.lines[0].received == 1
    assert look == ShipmentStaleDue(shipment_id=less.id)


def test_one_that_had_arrived_in_part_stays_so_when_that_is_taken_back() -> None:
    house = a_dock()
    house.hear(a_delivery(a_unit("S-1"), shipment_id=the_shipment(house).id))

    less, messages = taken_back(
        the_shipment(house), [TakenBackLine(order_line_id=LINE, request_line_id=None, accepted=1)]
    )

    assert (less.status, less.received, len(messages)) == (ShipmentStatus.ARRIVED, (0,), 1)


def test_it_is_overdue_when_the_day_is_over_and_that_is_said_once() -> None:
    house = House(expectation.HANDLERS, shipment.HANDLERS, tracking.HANDLERS, place.HANDLERS)
    house.hear(a_place(), an_order())
    timers = house.hear(a_shipment(expected_on=TODAY)).decision.schedule
    (due,) = [each for each in timers if isinstance(each.message, ShipmentOverdueDue)]

    house.hear(due.message, due.message)

    assert due.due_at == datetime(TOMORROW.year, TOMORROW.month, TOMORROW.day, tzinfo=UTC)
    assert [each.expected_on for each in said(house, ShipmentOverdue)] == [TODAY]


def test_another_expected_day_is_another_one_to_be_late_for() -> None:
    house = a_dock(expected_on=TODAY)
    id = the_shipment(house).id
    first = ShipmentOverdueDue(shipment_id=id, expected_on=TODAY)
    track(house, expected_on=TOMORROW)

    house.hear(first, ShipmentOverdueDue(shipment_id=id, expected_on=TOMORROW), first)

    assert [each.expected_on for each in said(house, ShipmentOverdue)] == [TOMORROW]


def test_what_has_arrived_is_not_overdue() -> None:
    house = a_dock(expected_on=TODAY)
    track(house, status=ShipmentStatus.ARRIVED)

    house.hear(ShipmentOverdueDue(shipment_id=the_shipment(house).id, expected_on=TODAY))

    assert said(house, ShipmentOverdue) == []


def test_what_nothing_is_heard_of_is_stale_after_14_days_and_that_is_said_once() -> None:
    house = a_dock()
    look = ShipmentStaleDue(shipment_id=the_shipment(house).id)
    house.hear(look, **at(TODAY + timedelta(days=13)))
    assert said(house, ShipmentStale) == []

    house.hear(look, look, **at(TODAY + timedelta(days=14)))

    (stale,) = said(house, ShipmentStale)
    assert (stale.since, stale.status) == (TODAY, ShipmentStatus.ANNOUNCED)


def test_a_stricter_company_hears_of_it_sooner() -> None:
    house = House(
        expectation.HANDLERS, shipment.HANDLERS, tracking.HANDLERS, place.HANDLERS, strictness.HANDLERS
    )
    house.hear(a_place(), an_order(), DefineReceivingPolicy(stale_after_days=3))

    timers = house.hear(a_shipment()).decision.schedule
    house.hear(timers[0].message, at=timers[0].due_at)

    assert timers[0].due_at.date() == TODAY + timedelta(days=3)
    assert len(said(house, ShipmentStale)) == 1


def test_news_put_off_when_it_is_stale() -> None:
    house = a_dock()
    id = the_shipment(house).id
    heard_on = TODAY + timedelta(days=5)
    house.hear(TrackShipment(shipment_id=id, status=ShipmentStatus.ARRIVED), **at(heard_on))

    ended = house.hear(ShipmentStaleDue(shipment_id=id), **at(TODAY + timedelta(days=14)))

    (again,) = ended.decision.schedule
    assert again.due_at.date() == heard_on + timedelta(days=14)
    house.hear(again.message, at=again.due_at)
    assert [each.status for each in said(house, ShipmentStale)] == [ShipmentStatus.ARRIVED]


def test_what_was_received_is_not_stale() -> None:
    house = a_dock()
    house.hear(a_delivery(*units("S-1", "S-2"), shipment_id=the_shipment(house).id))

    house.hear(ShipmentStaleDue(shipment_id=the_shipment(house).id), **at(TODAY + timedelta(days=30)))

    assert said(house, ShipmentStale) == []


def test_timers_of_a_shipment_that_is_gone_do_nothing() -> None:
    house = a_dock()

    house.hear(
        ShipmentStaleDue(shipment_id=UUID(int=5)),
        ShipmentOverdueDue(shipment_id=UUID(int=5), expected_on=TODAY),
    )

    assert said(house, ShipmentStale) + said(house, ShipmentOverdue) == []


@pytest.mark.parametrize(
    "news", [{}, {"on": TODAY, "expected_on": TODAY}, {"tracking_number": "1Z"}, {"carrier": "Parcels"}]
)
def test_news_say_something_that_makes_sense(news: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"say a status|says nothing|a carrier's"):
        TrackShipment(number="SHP-000001", **news)
