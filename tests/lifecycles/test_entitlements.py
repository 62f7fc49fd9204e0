"""Software: entitlements from the order on, given to people, never more than there are."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.chassis.decision import Timer
from libs.contracts.assets import (
    AllocateEntitlement,
    EntitlementAllocated,
    EntitlementChanged,
    EntitlementCreated,
)
from libs.contracts.message import Message
from libs.contracts.purchasing import OrderedLine as Ordered
from libs.contracts.values import Destination, DestinationKind, Kind, derived_id
from services.assets import arrival, asset, entitlement, location
from services.assets.entitlement import (
    OVER,
    TRANSITIONS,
    Allocation,
    Entitlement,
    EntitlementEnds,
    EntitlementStarts,
    EntitlementStatus,
    entitlement_id_of,
)
from services.assets.ordered_line import OrderedLine
from tests.builders_dock import (
    LINE,
    NOON,
    ORDER,
    REQUEST,
    House,
    a_cancellation,
    an_order,
    an_ordered_line,
)

ENTITLEMENT = entitlement_id_of(LINE)
PERSON = Destination(kind=DestinationKind.PERSON, name="person-1")
STOCK = Destination(kind=DestinationKind.STOCK)


def a_house(**changes: Any) -> House:
    """Assets, after ten seats of an editor were ordered."""
    house = House(asset.HANDLERS, arrival.HANDLERS, entitlement.HANDLERS, location.HANDLERS)
    house.hear(an_order(software(**changes)))
    return house


def software(quantity: int = 10, **changes: Any) -> Ordered:
    values: dict[str, Any] = {"kind": Kind.SOFTWARE, "sku": "EDITOR", "name": "Editor", "warranty_months": 0}
    return an_ordered_line(quantity, **values | changes)


def an_allocation(quantity: int = 10, **changes: Any) -> AllocateEntitlement:
    values: dict[str, Any] = {
        "entitlement_id": ENTITLEMENT,
        "holder": PERSON,
        "quantity": quantity,
        "request_id": REQUEST,
    }
    return AllocateEntitlement(**values | changes)


def the_entitlement(house: House) -> Entitlement:
    (found,) = house.all(Entitlement)
    assert isinstance(found, Entitlement)
    return found


def test_software_that_was_ordered_may_be_used_at_once() -> None:
    house = a_house()

    assert house.all(Entitlement) == [
        Entitlement(
            id=ENTITLEMENT,
            version=1,
            order_line_id=LINE,
            order_id=ORDER,
            requisition_number="PR-000001",
            request_id=REQUEST,
            request_line_id=software().request_line_id,
            is_for_stock=False,
            sku="EDITOR",
            name="Editor",
            vendor_id=derived_id("vendor", 1),
            vendor_name="Vendor 01",
            cost=Decimal("999.90"),
            currency="EUR",
            status=EntitlementStatus.ACTIVE,
            starts_on=None,
            ends_on=None,
            ordered=10,
        )
    ]
    assert house.said == [
        EntitlementCreated(
            entitlement_id=ENTITLEMENT,
            order_line_id=LINE,
            order_id=ORDER,
            request_id=REQUEST,
            request_line_id=software().request_line_id,
            quantity=10,
        )
    ]
    assert (house.all(OrderedLine)[0].open, house.all(asset.Asset)) == (0, [])


def test_an_order_heard_twice_makes_one_entitlement() -> None:
    house = a_house()

    house.hear(an_order(software()))

    assert (len(house.all(Entitlement)), len(house.said)) == (1, 1)


def test_software_with_a_start_and_an_end_waits_for_one_and_ends_after_the_other() -> None:
    house = House(asset.HANDLERS, arrival.HANDLERS, entitlement.HANDLERS)
    days: dict[str, Any] = {"starts_on": date(2026, 5, 1), "ends_on": date(2026, 12, 31)}

    ended = house.hear(an_order(software(**days)))
    statuses = [the_entitlement(house).status]
    starts, ends = EntitlementStarts(entitlement_id=ENTITLEMENT), EntitlementEnds(entitlement_id=ENTITLEMENT)
    for timer in (starts, starts, ends, ends, starts):
        house.hear(timer)
        statuses.append(the_entitlement(house).status)

    assert ended.decision.schedule == [
        Timer(of=ENTITLEMENT, name="start", due_at=datetime(2026, 5, 1, tzinfo=UTC), message=starts),
        Timer(of=ENTITLEMENT, name="end", due_at=datetime(2027, 1, 1, tzinfo=UTC), message=ends),
    ]
    assert statuses == [
        EntitlementStatus.PENDING,
        EntitlementStatus.ACTIVE,
        EntitlementStatus.ACTIVE,
        EntitlementStatus.EXPIRED,
        EntitlementStatus.EXPIRED,
        EntitlementStatus.EXPIRED,
    ]
    assert [said.status for said in house.said if isinstance(said, EntitlementChanged)] == [
        "active",
        "expired",
    ]


def test_software_until_the_last_day_there_is_never_ends() -> None:
    house = House(asset.HANDLERS, arrival.HANDLERS, entitlement.HANDLERS)

    ended = house.hear(an_order(software(ends_on=date.max)))

    assert ended.decision.schedule == []
    assert the_entitlement(house).ends_on == date.max


def test_software_whose_start_has_come_is_active() -> None:
    assert the_entitlement(a_house(starts_on=NOON.date())).status is EntitlementStatus.ACTIVE


def test_somebody_is_given_what_is_free() -> None:
    house = a_house()

    ended = house.hear(an_allocation(4))

    allocation_id = derived_id("allocation", ENTITLEMENT, REQUEST)
    assert house.said[-1] == EntitlementAllocated(
        allocation_id=allocation_id,
        entitlement_id=ENTITLEMENT,
        request_id=REQUEST,
        request_line_id=software().request_line_id,
        holder=PERSON,
        quantity=4,
    )
    assert ended.decision.answer == {"allocation_id": str(allocation_id), "entitlement_id": str(ENTITLEMENT)}
    assert (the_entitlement(house).allocated, the_entitlement(house).free) == (4, 6)


def test_the_same_allocation_again_gets_the_first_answer_even_when_all_is_over() -> None:
    house = a_house()
    first = house.hear(an_allocation())
    house.hear(EntitlementEnds(entitlement_id=ENTITLEMENT))

    again = house.hear(an_allocation())

    assert (again.verdict, again.decision.answer) == ("duplicate", first.decision.answer)
    assert len(house.all(Allocation)) == 1


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"quantity": 11}, ("entitlement_exceeded", "quantity")),
        ({"entitlement_id": UUID(int=9)}, ("entitlement_unknown", "entitlement_id")),
        ({"request_id": UUID(int=9)}, ("entitlement_for_other_request", "request_id")),
        ({"request_id": None}, ("entitlement_for_other_request", "request_id")),
        (
            {"holder": Destination(kind=DestinationKind.LOCATION, name="NOWHERE")},
            ("location_unknown", "holder.name"),
        ),
    ],
)
def test_what_cannot_be_allocated_is_refused(changes: dict[str, Any], refusal: tuple[str, str]) -> None:
    ended = a_house().hear(an_allocation(**changes))

    assert ended.rejection is not None
    assert (ended.code, ended.rejection.field) == refusal


def test_a_request_is_given_of_an_entitlement_once() -> None:
    house = a_house()
    house.hear(an_allocation(4))

    assert house.hear(an_allocation(5)).code == "allocation_differs"


def test_what_was_ordered_for_stock_is_given_to_whoever_needs_it() -> None:
    house = a_house(destination=STOCK)

    first = house.hear(an_allocation(3, request_id=None))
    second = house.hear(an_allocation(3, request_id=None))

    assert (first.verdict, second.verdict) == ("accepted", "accepted")
    assert the_entitlement(house).allocated == 6


def test_nothing_is_given_to_stock() -> None:
    with pytest.raises(ValueError, match="stock"):
        an_allocation(holder=STOCK)


def test_a_cancelled_order_takes_its_entitlement_away() -> None:
    house = a_house()

    house.hear(a_cancellation(10), a_cancellation(10))

    assert the_entitlement(house).status is EntitlementStatus.CANCELLED
    assert house.said[1:] == [
        EntitlementChanged(
            entitlement_id=ENTITLEMENT,
            order_line_id=LINE,
            order_id=ORDER,
            request_id=REQUEST,
            request_line_id=software().request_line_id,
            quantity=0,
            allocated=0,
            status="cancelled",
        )
    ]
    assert house.hear(an_allocation(1)).code == "entitlement_not_active"


def test_a_cancellation_leaves_what_somebody_was_given() -> None:
    house = a_house()
    house.hear(an_allocation(4))

    house.hear(a_cancellation(10))

    left = the_entitlement(house)
    assert (left.status, left.quantity, left.allocated, left.free) == (EntitlementStatus.ACTIVE, 4, 4, 0)
    (line,) = house.all(OrderedLine)
    assert (line.kept, line.cancelled, line.open) == (4, 6, 0)


def test_a_cancellation_of_what_is_all_in_use_is_answered_with_what_stays() -> None:
    house = a_house()
    house.hear(an_allocation(10))

    house.hear(a_cancellation(10), a_cancellation(10))

    told = [said for said in house.said if isinstance(said, EntitlementChanged)]
    assert [(said.quantity, said.allocated, said.status) for said in told] == [(10, 10, "active")]


def test_a_cancellation_of_what_was_never_submitted_is_nothing_to_assets() -> None:
    house = House(asset.HANDLERS, arrival.HANDLERS, entitlement.HANDLERS)

    assert house.hear(a_cancellation(1).model_copy(update={"was_submitted": False})).verdict == "accepted"


@pytest.mark.parametrize(("before", "after"), list(product(EntitlementStatus, EntitlementStatus)))
def test_an_entitlement_goes_only_the_listed_ways(
    before: EntitlementStatus, after: EntitlementStatus
) -> None:
    found = replace(the_entitlement(a_house()), status=before)

    if after in TRANSITIONS[before]:
        assert found.become(after).status is after
    else:
        with pytest.raises(RuntimeError, match="cannot become"):
            found.become(after)


MESSAGES: tuple[Message, ...] = (
    an_order(software()),
    a_cancellation(3),
    a_cancellation(10),
    EntitlementStarts(entitlement_id=ENTITLEMENT),
    EntitlementEnds(entitlement_id=ENTITLEMENT),
    an_allocation(2),
)


@pytest.mark.parametrize("status", EntitlementStatus)
@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_every_message_in_every_status_takes_a_listed_way_or_none(
    status: EntitlementStatus, message: Message
) -> None:
    house = a_house()
    house.records[Entitlement][ENTITLEMENT] = replace(the_entitlement(house), status=status)

    ended = house.hear(message)
    after = the_entitlement(house).status

    assert after is status or after in TRANSITIONS[status]
    refused = isinstance(message, AllocateEntitlement) and status in OVER
    assert (ended.verdict == "rejected") == refused


def check(house: House) -> None:
    """Law 4 for software: what was given adds up, and is never more than was ordered."""
    for found in house.all(Entitlement):
        assert found.allocated == sum(each.quantity for each in house.all(Allocation)) <= found.ordered
        assert found.quantity == max(found.allocated, found.ordered - found.asked)
        assert (found.quantity == 0) <= (found.status in OVER)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.one_of(st.integers(1, 8).map(a_cancellation), st.integers(1, 6)), max_size=8),
    st.data(),
)
def test_never_more_is_given_than_there_is_whatever_the_order(
    happened: list[Any], data: st.DataObject
) -> None:
    house = House(asset.HANDLERS, arrival.HANDLERS, entitlement.HANDLERS, location.HANDLERS)
    told: list[Message] = [
        an_allocation(each, request_id=None) if isinstance(each, int) else each for each in happened
    ]
    told.append(an_order(software(8, destination=STOCK)))
    # The timer is set by the order, so it never comes before it.
    ends = EntitlementEnds(entitlement_id=ENTITLEMENT)

    for message in [*data.draw(st.permutations(told)), ends]:
        house.hear(message)
        check(house)

    assert house.waiting == []
    assert the_entitlement(house).status in OVER
