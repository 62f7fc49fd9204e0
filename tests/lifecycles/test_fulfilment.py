"""The workflow from an approved request to its last unit in somebody's hands, told in any order."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts import assets
from libs.contracts.message import Message
from libs.contracts.purchasing import CreateOrder, LineToOrder
from libs.contracts.receiving import GoodsReturned, ReceiptReversed
from libs.contracts.requests import FulfilmentStuck, RequestCancelled, RequestFulfilled, RequestProgressed
from libs.contracts.values import AssetCreation, Destination, DestinationKind, Kind, derived_id
from services.requests import fulfilment, handover, hardware, taken_back
from services.requests.process import (
    DeliveryOverdue,
    FulfilmentProcess,
    OrderNotSubmitted,
    ProcessStep,
    ProcessUnit,
    Stage,
    UnitStatus,
    status_of,
)
from services.requests.process_line import ProcessLine
from services.requests.purchase_request import TRANSITIONS, Status
from tests.builders_desk import (
    CABLE,
    COLLEAGUE,
    REQUESTER,
    STATION,
    Desk,
    every_order_of_arrival,
    the_request,
)
from tests.builders_workflow import Told, a_desk_with, an_approved, summaries

APPROVED_AND_LATER = [
    Status.APPROVED,
    Status.PARTIALLY_ORDERED,
    Status.ORDERED,
    Status.PARTIALLY_RECEIVED,
    Status.RECEIVED,
    Status.FULFILLED,
    Status.CANCELLED,
]
NOBODY = {"about": None, "request_id": None, "request_ids": ()}
MESSAGES = Told(derived_id("test-request", "any"), quantity=2).everything()


def lines(desk: Desk) -> list[ProcessLine]:
    return desk.all(ProcessLine)


def stages(messages: Iterable[Message]) -> list[str]:
    named = {RequestFulfilled: "fulfilled", RequestCancelled: "cancelled"}
    return [
        message.status if isinstance(message, RequestProgressed) else named[type(message)]
        for message in messages
        if isinstance(message, RequestProgressed | RequestFulfilled | RequestCancelled)
    ]


def assignments(desk: Desk) -> list[assets.AssignAssets]:
    return [message for message in desk.said if isinstance(message, assets.AssignAssets)]


# One whole life


def test_a_request_becomes_an_assigned_asset() -> None:
    desk, (told,) = an_approved({STATION: 2}, on_behalf_of=COLLEAGUE)

    desk.hear(told.submitted(), told.ordering_accepted(), told.tagged(), told.received())
    desk.hear(told.stocked(), told.assigned(), told.order_received())

    assert the_request(desk).status is Status.FULFILLED
    assert stages(desk.said) == ["ordered", "received", "fulfilled"]
    assert assignments(desk) == [told.assignment_to(COLLEAGUE)]
    assert summaries(desk) == [
        "REQ-000001 approved at once by policy; purchasing was told to order 2 units",
        "PR-000001 submitted to Vendor V-2: 2 units",
        "purchasing.create_order.v1 accepted: PR-000001",
        "template assets created: QM-00000001, QM-00000002",
        "RCV-000001: 2 units accepted by dock",
        "in stock: QM-00000001, QM-00000002; assets was told to give 2 units to person-3",
        "2 units assigned to person-1",
        "PR-000001 completely received",
    ]
    assert lines(desk) == [
        ProcessLine(
            id=told.line_id,
            version=5,
            request_id=told.request_id,
            wanted=2,
            destination_name=COLLEAGUE,
            claimed=2,
            assigned=2,
            shares={str(told.order_line_id): {"first": 2, "now": 2, "received": 2, "stocked": 2}},
        )
    ]


def test_purchasing_is_told_to_order_exactly_what_was_approved() -> None:
    desk, (told,) = an_approved({STATION: 2})
    request = the_request(desk)

    (order,) = [message for message in desk.said if isinstance(message, CreateOrder)]

    assert order == CreateOrder(
        request_id=request.id,
        request_number=request.number,
        requester=REQUESTER,
        deliver_to="SITE-1",
        approved_total=request.money,
        lines=(
            LineToOrder(
                request_line_id=told.line_id,
                sku=STATION,
                quantity=2,
                approved_unit_price=Decimal("149.50"),
                destination=Destination(kind=DestinationKind.PERSON, name=REQUESTER),
            ),
        ),
    )


# Every message in every status


@pytest.mark.parametrize(
    "status", [status for status in Status if status not in (Status.SUBMITTED, Status.EXPIRED)]
)
@pytest.mark.parametrize("index", range(len(MESSAGES)), ids=[type(message).__name__ for message in MESSAGES])
def test_nothing_that_is_told_is_refused_in_any_status(status: Status, index: int) -> None:
    desk = a_desk_with(status)
    before = the_request(desk)
    message = Told(before.id, quantity=2).everything()[index]
    steps = len(desk.all(ProcessStep))

    ended = desk.hear(message)

    after = the_request(desk)
    assert after.status is before.status or after.status in TRANSITIONS[before.status]
    if status not in APPROVED_AND_LATER:
        assert ended.verdict == ("accepted" if type(message) in TIMERS else "waiting")
        assert after == before
    elif type(message) not in TIMERS:
        assert ended.verdict == "accepted"
        assert len(desk.all(ProcessStep)) == steps + 1


TIMERS = {OrderNotSubmitted, DeliveryOverdue}
WORKFLOW = (fulfilment.HANDLERS, handover.HANDLERS, hardware.HANDLERS, taken_back.HANDLERS)


def test_the_messages_tried_are_all_that_the_workflow_listens_to() -> None:
    listens = {handler.on for rows in WORKFLOW for handler in rows} | TIMERS

    assert {type(message) for message in MESSAGES} == listens


def nobodys(message: Message) -> Message:
    """The message, told of an order that no request wants."""
    none: dict[str, object] = {name: none for name, none in NOBODY.items() if hasattr(message, name)}
    if isinstance(message, ReceiptReversed | GoodsReturned):
        none["lines"] = tuple(line.model_copy(update=NOBODY) for line in message.lines)
    return message.model_copy(update=none)


def test_what_is_no_request_s_business_is_passed_over() -> None:
    desk, (told,) = an_approved()
    before = desk.fork()
    foreign = [nobodys(message) for message in told.everything() if type(message) not in TIMERS]

    for message in foreign:
        assert desk.hear(message).verdict == "accepted"

    assert (desk.records, desk.said) == (before.records, before.said)


# Every order of arrival


def the_state(desk: Desk) -> tuple[list[ProcessLine], list[ProcessUnit]]:
    """What must not depend on the order in which things were told."""
    return (
        [replace(line, version=0) for line in desk.all(ProcessLine)],
        [replace(unit, version=0) for unit in desk.all(ProcessUnit)],
    )


def whatever_can_be_told() -> Iterator[tuple[Desk, list[Message]]]:
    """Approved requests, and what is told of their orders: hardware, software, and orders that are amended."""
    for kind in (Kind.HARDWARE, Kind.SOFTWARE):
        desk, both = an_approved({STATION: 1, CABLE: 1}, kind)
        told: list[Message] = []
        for line in both:
            told += [line.submitted(), line.cancelled()]
            if kind is Kind.HARDWARE:
                told += [line.received(), line.stocked(), line.assigned()]
            else:
                told += [line.entitled(), line.allocated()]
        yield desk, told
    desk, (less,) = an_approved({STATION: 2})
    yield desk, [less.submitted(), less.amended(1), less.amended(2, 2), less.received(1), less.stocked(1)]
    half = Told(less.request_id, 1, 1)
    yield desk, [half.submitted(), half.amended(2), half.amended(1, 2), half.received(), half.stocked()]
    desk, (one,) = an_approved()
    yield desk, [one.submitted(), one.cancelled(), one.amended(2, asked=1), one.received(), one.stocked()]
    desk, (again,) = an_approved({STATION: 1})
    handover_id = again.assigned().handover_id
    told = [again.submitted(), again.received(), again.stocked(), again.assigned(), again.reversed()]
    told += [again.taken_back(handover_id=handover_id), again.assigned(name=2)]
    yield desk, [*told, again.stocked(after=again.taken_back().take_back_id)]
    desk, (back,) = an_approved({STATION: 2})
    half = Told(back.request_id, 1, 1)
    for order in (back, half):
        yield desk, [order.submitted(), back.received(1), back.received(), back.reversed(1), back.reversed()]
        yield desk, [order.submitted(), back.received(), back.returned(), back.stocked(1)]
        yield desk, [order.submitted(), back.received(), back.returned(2, "credit"), back.stocked(1)]
        yield desk, [order.submitted(), back.received(), back.returned(1, "credit"), back.cancelled(1)]


def test_any_order_of_arrival_ends_in_the_same_numbers_over_every_step_of_the_table() -> None:
    taken: set[tuple[Status, Status]] = set()
    for desk, told in whatever_can_be_told():
        states = {frozenset[int](): the_state(desk)}

        for before, _, after, heard in every_order_of_arrival(desk, tuple(told)):
            assert states.setdefault(heard, the_state(after)) == the_state(after)
            was, now = the_request(before).status, the_request(after).status
            assert now is (Status.FULFILLED if was is Status.FULFILLED else status_of(lines(after)))
            if now is not was:
                taken.add((was, now))

    assert taken == {(was, now) for was in APPROVED_AND_LATER for now in TRANSITIONS[was]}, (
        "the table lists a step that nothing leads to, or not all"
    )


@given(st.data())
def test_a_request_for_several_units_survives_any_interleaving(data: st.DataObject) -> None:
    kept = data.draw(st.integers(0, 3), "units that arrive")
    desk, (told,) = an_approved({STATION: 3})
    messages: list[Message] = [told.submitted(), told.tagged()]
    messages += [told.received(1) for _ in range(kept)]
    messages += [said(unit) for unit in range(1, kept + 1) for said in (told.stocked, told.assigned)]
    if kept < 3:
        messages.append(told.cancelled(data.draw(st.integers(3 - kept, 3), "cancelled")))

    desk.hear(*data.draw(st.permutations(messages)))

    (line,) = lines(desk)
    assert (line.received, line.assigned, line.claimed, line.cancelled) == (kept, kept, kept, 3 - kept)
    assert the_request(desk).status is (Status.FULFILLED if kept else Status.CANCELLED)
    assert sum(len(command.asset_ids) for command in assignments(desk)) <= kept


# What goes wrong


def test_a_refused_order_leaves_the_process_stuck_until_somebody_looks() -> None:
    desk, (told,) = an_approved({STATION: 2})

    desk.hear(told.ordering_refused())

    request = the_request(desk)
    assert request.status is Status.APPROVED
    assert desk.said[-1] == FulfilmentStuck(
        request_id=request.id,
        number=request.number,
        command_type=CreateOrder.type,
        code="approved_amount_exceeded",
        message="It costs more than was approved.",
    )
    (process,) = desk.all(FulfilmentProcess)
    assert (process.stage, process.refusals) == (Stage.STUCK, 1)
    assert summaries(desk)[-1] == (
        "purchasing.create_order.v1 refused (approved_amount_exceeded): It costs more than was approved."
    )


def test_a_repeated_refusal_counts_and_changes_nothing_else() -> None:
    desk, (told,) = an_approved()
    repeat = told.ordering_refused().model_copy(update={"outcome": "duplicate", "original": "rejected"})

    desk.hear(told.ordering_refused(), repeat)

    assert [type(said) for said in desk.said].count(FulfilmentStuck) == 1


def test_a_refused_assignment_leaves_the_request_to_a_person_who_can_still_hand_over() -> None:
    desk, (told,) = an_approved()
    desk.hear(told.submitted(), told.received(), told.stocked())

    desk.hear(told.assigning_refused())
    refused = the_request(desk)
    desk.hear(told.assigned())

    assert refused.status is Status.RECEIVED
    assert desk.all(FulfilmentProcess)[0].refusals == 1
    assert the_request(desk).status is Status.FULFILLED


def test_goods_that_the_dock_took_before_it_heard_of_a_cancellation_bring_the_request_back() -> None:
    desk, (told,) = an_approved({STATION: 2})
    desk.hear(told.submitted(), told.cancelled())

    desk.hear(told.received(1), told.stocked(1), told.assigned(1))

    assert stages(desk.said) == ["ordered", "cancelled", "received", "fulfilled"]
    assert the_request(desk).reason == "no longer made"


def test_a_unit_known_to_be_handed_over_was_not_cancelled_even_if_its_receipt_is_still_to_be_heard_of() -> (
    None
):
    desk, (told,) = an_approved({STATION: 2})

    desk.hear(told.stocked(1), told.assigned(1), told.cancelled())

    assert the_request(desk).status is Status.FULFILLED
    assert [line.cancelled for line in lines(desk)] == [1]


def test_of_two_cancellations_of_an_order_the_larger_counts_whichever_comes_last() -> None:
    desk, (told,) = an_approved({STATION: 3})

    desk.hear(told.cancelled(2), told.cancelled(1))

    assert [line.cancelled for line in lines(desk)] == [2]


def test_once_fulfilled_it_stays_fulfilled_though_a_cancelled_unit_turns_up_and_is_handed_over_too() -> None:
    desk, (told,) = an_approved({STATION: 2})
    desk.hear(told.submitted(), told.received(1), told.cancelled(1), told.stocked(1), told.assigned(1))

    desk.hear(told.received(1), told.stocked(2), told.assigned(2))

    assert stages(desk.said) == ["ordered", "partially_received", "received", "fulfilled"]
    assert [command.asset_ids for command in assignments(desk)] == [(told.assets[0],), (told.assets[1],)]


def test_more_than_was_wanted_stays_in_stock() -> None:
    desk, (told,) = an_approved({STATION: 2})
    surplus = Told(told.request_id, 1, 3)

    desk.hear(surplus.submitted(), surplus.received(), surplus.stocked())

    assert [command.asset_ids for command in assignments(desk)] == [tuple(surplus.assets[:2])]
    assert desk.all(ProcessUnit, id=surplus.assets[2])[0].status is UnitStatus.IN_STOCK


def test_surplus_handed_over_by_a_person_is_counted() -> None:
    desk, (told,) = an_approved({STATION: 1})
    surplus = Told(told.request_id, 1, 2)
    desk.hear(surplus.submitted(), surplus.received(), surplus.stocked(), surplus.assigned(1))

    desk.hear(surplus.assigned(2), surplus.assigned(2))

    (line,) = lines(desk)
    assert (line.assigned, line.claimed) == (2, 2)


def test_a_line_that_makes_no_assets_is_done_when_it_is_received() -> None:
    desk, (told,) = an_approved()

    desk.hear(told.received(), told.submitted(AssetCreation.NEVER))

    assert stages(desk.said) == ["received", "fulfilled"]


def test_rejected_units_are_still_to_come() -> None:
    desk, (told,) = an_approved({STATION: 2})

    desk.hear(told.submitted(), told.received(1, rejected=1))

    assert the_request(desk).status is Status.PARTIALLY_RECEIVED
    assert summaries(desk)[-1] == "RCV-000001: 1 unit accepted, 1 rejected by dock"


def test_many_units_are_handed_over_as_they_arrive_in_one_command_a_fact() -> None:
    desk, (told,) = an_approved({CABLE: 1000})
    halves = [tuple(range(1, 501)), tuple(range(501, 1001))]

    for half in halves:
        desk.hear(told.received(500), told.stocked(*half), told.assigned(*half))

    assert [len(command.asset_ids) for command in assignments(desk)] == [500, 500]
    assert the_request(desk).status is Status.FULFILLED
    assert max(map(len, summaries(desk))) < 200
