"""A request is stopped at every point of its life, a refused command is given once more, kinds go their own ways."""

from collections.abc import Callable

import pytest

from libs.chassis.decision import Actor, Grant
from libs.contracts import assets, purchasing
from libs.contracts.assets import AssetsTakenBack, LotTakenBack
from libs.contracts.message import Message
from libs.contracts.permissions import Role
from libs.contracts.purchasing import OrderAmended, OrderSubmitted
from libs.contracts.receiving import GoodsReturned, ReceiptReversed
from libs.contracts.requests import (
    CancellationStarted,
    CancelRequest,
    FulfilmentOverdue,
    RequestCancelled,
    RequestFulfilled,
    RequestWithdrawn,
    RetryFulfilment,
    WithdrawRequest,
)
from libs.contracts.values import Destination, DestinationKind, Kind
from services.requests.process import (
    ENDED,
    TABLE,
    DeliveryOverdue,
    FulfilmentProcess,
    OrderNotSubmitted,
    ProcessUnit,
    Stage,
    UnitStatus,
)
from services.requests.purchase_request import Status
from tests.builders_approval import a_question, open_seats
from tests.builders_desk import (
    CABLE,
    MANAGER,
    REQUESTER,
    SERVER,
    STATION,
    Desk,
    a_request,
    a_requests_desk,
    the_request,
)
from tests.builders_workflow import Told, an_approved

BUYER = Actor(MANAGER, frozenset({Role.PROCUREMENT_MANAGER}))
ADMINISTRATOR = Actor("person-9", frozenset({Role.ASSET_ADMINISTRATOR}))


def process(desk: Desk) -> FulfilmentProcess:
    (found,) = desk.all(FulfilmentProcess)
    assert isinstance(found, FulfilmentProcess)
    return found


def a_cancellation(desk: Desk) -> CancelRequest:
    return CancelRequest(request_id=the_request(desk).id, reason="no longer needed")


def said(desk: Desk, kind: type[Message]) -> list[Message]:
    return [message for message in desk.said if isinstance(message, kind)]


# Stages

WAYS: dict[Stage, Callable[[Told], tuple[Message, ...]]] = {
    Stage.ORDERING: lambda told: (),
    Stage.DELIVERING: lambda told: (told.submitted(),),
    Stage.HANDING_OVER: lambda told: (told.submitted(), told.received(), told.stocked()),
    Stage.CANCELLING: lambda told: (
        told.submitted(),
        CancelRequest(request_id=told.request_id, reason="no longer needed"),
    ),
    Stage.STUCK: lambda told: (told.ordering_refused(),),
    Stage.COMPLETED: lambda told: (told.submitted(), told.received(), told.stocked(), told.assigned()),
    Stage.CANCELLED: lambda told: (told.submitted(), told.cancelled()),
}


def a_process_in(stage: Stage) -> tuple[Desk, Told]:
    desk, (told,) = an_approved({STATION: 2})
    for message in WAYS[stage](told):
        desk.hear(message, actor=BUYER)
    assert process(desk).stage is stage
    return desk, told


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("type", list(TABLE), ids=lambda type: type.__name__)
def test_every_message_is_defined_in_every_stage(stage: Stage, type: type[Message]) -> None:
    desk, told = a_process_in(stage)
    asked = (a_cancellation(desk), RetryFulfilment(request_id=told.request_id))

    for message in (*told.everything(), *asked):
        if isinstance(message, type):
            ahead = desk.fork()
            ended = ahead.hear(message, actor=ADMINISTRATOR)
            assert ended.verdict in {"accepted", "duplicate"} or message in asked
            assert process(ahead).stage in TABLE[type][stage]


@pytest.mark.parametrize("stage", Stage)
def test_every_stage_can_be_reached(stage: Stage) -> None:
    a_process_in(stage)


LEADING_BACK = (OrderSubmitted, OrderAmended, ReceiptReversed, GoodsReturned, AssetsTakenBack, LotTakenBack)


def test_the_table_says_where_each_message_may_lead_and_only_orders_and_the_dock_lead_back_from_the_end() -> (
    None
):
    for type, steps in TABLE.items():
        assert set(steps) == set(Stage)
        assert all(stage in steps[stage] or steps[stage] for stage in Stage)
        assert type in LEADING_BACK or not any(
            further in {Stage.ORDERING, Stage.DELIVERING, Stage.STUCK}
            for stage in ENDED
            for further in steps[stage]
        )


# Stopping


def test_before_its_approval_a_cancelled_request_is_withdrawn() -> None:
    desk = a_requests_desk()
    desk.hear(a_request({SERVER: 1}))

    desk.hear(a_cancellation(desk), actor=BUYER)

    assert the_request(desk).status is Status.WITHDRAWN
    assert said(desk, RequestWithdrawn)
    assert not said(desk, purchasing.CancelOrder)


@pytest.mark.parametrize("already", [(), ("submitted",), ("submitted", "received_one")])
def test_after_its_approval_what_is_open_of_a_request_is_cancelled(already: tuple[str, ...]) -> None:
    desk, (told,) = an_approved({STATION: 2})
    steps = {"submitted": told.submitted(), "received_one": told.received(1)}
    desk.hear(*(steps[step] for step in already))

    ended = desk.hear(a_cancellation(desk), actor=BUYER)

    assert ended.verdict == "accepted"
    assert process(desk).stage is Stage.CANCELLING
    assert said(desk, purchasing.CancelOrder) == [
        purchasing.CancelOrder(request_id=told.request_id, reason="no longer needed")
    ]
    assert said(desk, CancellationStarted)

    received = "received_one" in already
    desk.hear(told.cancelled(1 if received else 2), told.cancelling_accepted())

    assert the_request(desk).status is (Status.RECEIVED if received else Status.CANCELLED)
    desk.hear(told.stocked(1), told.assigned(1)) if received else None
    assert process(desk).stage is (Stage.COMPLETED if received else Stage.CANCELLED)


def test_a_request_that_was_cancelled_before_purchasing_heard_of_it_is_cancelled() -> None:
    desk, (told,) = an_approved({STATION: 2})
    desk.hear(a_cancellation(desk), actor=BUYER)
    too_late = told.ordering_refused().model_copy(update={"code": "order_cancelled"})

    desk.hear(told.cancelling_accepted(orders=False), too_late)

    assert (the_request(desk).status, process(desk).stage) == (Status.CANCELLED, Stage.CANCELLED)
    assert said(desk, RequestCancelled)


@pytest.mark.parametrize("first", ["refusal", "cancellation"])
def test_what_purchasing_refused_to_order_is_cancelled_without_further_ado(first: str) -> None:
    desk, (told,) = an_approved({STATION: 2})
    answers = [told.ordering_refused(), told.cancelling_accepted(orders=False)]
    if first == "refusal":
        desk.hear(answers.pop(0))

    desk.hear(a_cancellation(desk), actor=BUYER)
    desk.hear(*reversed(answers))

    assert (the_request(desk).status, process(desk).stage) == (Status.CANCELLED, Stage.CANCELLED)


def test_what_has_arrived_cannot_be_cancelled() -> None:
    desk, _ = a_process_in(Stage.HANDING_OVER)

    assert desk.hear(a_cancellation(desk), actor=BUYER).code == "request_not_cancellable"


def test_what_could_not_be_given_stays_in_stock_when_the_request_is_cancelled() -> None:
    desk, told = a_process_in(Stage.HANDING_OVER)
    desk.hear(told.assigning_refused())

    desk.hear(a_cancellation(desk), actor=BUYER)

    assert (the_request(desk).status, process(desk).stage) == (Status.FULFILLED, Stage.COMPLETED)
    assert {unit.status for unit in desk.all(ProcessUnit)} == {UnitStatus.IN_STOCK}


def test_a_second_cancellation_is_a_duplicate() -> None:
    desk, _ = a_process_in(Stage.CANCELLING)

    assert desk.hear(a_cancellation(desk), actor=BUYER).verdict == "duplicate"
    assert len(said(desk, purchasing.CancelOrder)) == 1


def test_a_second_cancellation_stops_what_people_were_asked_about_since_the_first() -> None:
    desk, _ = a_process_in(Stage.CANCELLING)
    desk.hear(a_question(the_request(desk), "1200.00"))

    ended = desk.hear(a_cancellation(desk), actor=BUYER)

    assert (ended.verdict, open_seats(desk)) == ("duplicate", [])


def test_only_their_own_requests_can_be_cancelled_by_those_who_may_not_change_all() -> None:
    desk, _ = a_process_in(Stage.DELIVERING)
    portal = Actor("portal", frozenset({Role.INTEGRATION}))

    assert desk.hear(a_cancellation(desk), actor=portal).code == "request_unknown"


@pytest.mark.parametrize("command", [WithdrawRequest, CancelRequest])
def test_taking_back_a_request_that_is_still_on_its_way_wins(command: type[Message]) -> None:
    desk = a_requests_desk()
    anybody = Grant(frozenset({"*"}), frozenset({Role.REQUESTER}))
    erp = Actor("erp", frozenset({Role.INTEGRATION}), grants=(anybody,))
    taken_back = command.model_validate({"external_reference": "E-1", "reason": "a mistake"})

    first = desk.hear(taken_back.said_by("erp"), sender="erp", actor=erp)
    second = desk.hear(a_request(external_reference="E-1"), sender="erp", actor=erp)

    assert first.decision.answer["number"] == second.decision.answer["number"] == "REQ-000001"
    assert the_request(desk).status is Status.WITHDRAWN
    assert the_request(desk).requester == REQUESTER
    assert not said(desk, purchasing.CreateOrder)
    again = desk.hear(a_request(external_reference="E-1"), sender="erp", actor=erp)
    assert again.verdict == "duplicate"
    other = desk.hear(a_request({STATION: 7}, external_reference="E-1"), sender="erp", actor=erp)
    assert other.code == "external_reference_reused"


# Going on


def test_a_refused_order_is_given_once_more() -> None:
    desk, told = a_process_in(Stage.STUCK)

    ended = desk.hear(RetryFulfilment(request_id=told.request_id), actor=ADMINISTRATOR)

    assert ended.decision.answer["commands"] == 1
    assert process(desk).stage is Stage.ORDERING
    first, second = said(desk, purchasing.CreateOrder)
    assert first == second


def test_refused_handovers_are_given_once_more() -> None:
    desk, told = a_process_in(Stage.HANDING_OVER)
    desk.hear(told.assigned(1), told.assigning_refused())

    desk.hear(RetryFulfilment(request_id=told.request_id), actor=ADMINISTRATOR)

    assert process(desk).stage is Stage.HANDING_OVER
    assert said(desk, assets.AssignAssets)[-1] == assets.AssignAssets(
        person=REQUESTER, request_id=told.request_id, asset_ids=(told.assets[1],), leave_out_taken_back=True
    )


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.STUCK])
def test_only_what_is_stuck_is_retried(stage: Stage) -> None:
    desk, told = a_process_in(stage)

    ended = desk.hear(RetryFulfilment(request_id=told.request_id), actor=ADMINISTRATOR)

    assert ended.code == "fulfilment_not_stuck"


@pytest.mark.parametrize(("timer", "missing"), [(OrderNotSubmitted, "order"), (DeliveryOverdue, "delivery")])
def test_a_missed_deadline_is_said_to_whoever_listens(timer: type[Message], missing: str) -> None:
    desk, (told,) = an_approved()

    desk.hear(timer.model_validate({"request_id": told.request_id}))

    (overdue,) = said(desk, FulfilmentOverdue)
    assert isinstance(overdue, FulfilmentOverdue)
    assert overdue.missing == missing


# Kinds and destinations


def test_a_consumable_is_issued_as_it_arrives() -> None:
    desk, (told,) = an_approved({STATION: 5}, Kind.CONSUMABLE)

    desk.hear(told.submitted(), told.received(3), told.lot(3, 1), told.received(2), told.lot(2, 2))
    issues = said(desk, assets.IssueStock)
    desk.hear(told.issued(3, 1), told.issued(2, 2))

    assert [issue.quantity for issue in issues if isinstance(issue, assets.IssueStock)] == [3, 2]
    assert (the_request(desk).status, process(desk).stage) == (Status.FULFILLED, Stage.COMPLETED)


def test_software_is_allocated_without_any_receipt() -> None:
    desk, (told,) = an_approved({STATION: 5}, Kind.SOFTWARE)

    desk.hear(told.submitted(), told.entitled())
    (allocation,) = said(desk, assets.AllocateEntitlement)
    desk.hear(told.allocated())

    assert isinstance(allocation, assets.AllocateEntitlement)
    assert (allocation.quantity, allocation.holder.name) == (5, REQUESTER)
    assert said(desk, RequestFulfilled)


@pytest.mark.parametrize("also", [{}, {CABLE: 1}])
def test_a_request_is_cancelled_although_its_software_was_there(also: dict[str, int]) -> None:
    desk, told = an_approved({STATION: 2} | also, Kind.SOFTWARE)
    desk.hear(*(one.submitted() for one in told), told[0].entitled())
    before = the_request(desk).status

    desk.hear(*(one.cancelled() for one in told))

    assert before is (Status.PARTIALLY_RECEIVED if also else Status.RECEIVED)
    assert (the_request(desk).status, process(desk).stage) == (Status.CANCELLED, Stage.CANCELLED)


@pytest.mark.parametrize("first", ["allocated", "entitled"])
def test_a_request_whose_software_somebody_allocated_in_part_does_not_wait_for_the_rest(first: str) -> None:
    desk, (told,) = an_approved({STATION: 3}, Kind.SOFTWARE)
    facts = [told.allocated(1), told.entitled()]
    desk.hear(told.submitted())

    desk.hear(*(facts if first == "allocated" else reversed(facts)))

    assert (the_request(desk).status, process(desk).stage) == (Status.FULFILLED, Stage.COMPLETED)


def test_software_for_stock_is_done_once_it_is_active() -> None:
    desk, (told,) = an_approved({STATION: 2}, Kind.SOFTWARE, Destination(kind=DestinationKind.STOCK))

    desk.hear(told.submitted(), told.entitled("pending"))
    before = the_request(desk).status
    desk.hear(told.entitlement())

    assert (before, the_request(desk).status) == (Status.ORDERED, Status.FULFILLED)
    assert not said(desk, assets.AllocateEntitlement)


def test_a_service_is_done_when_it_is_confirmed() -> None:
    desk, (told,) = an_approved({STATION: 2}, Kind.SERVICE)

    desk.hear(told.submitted(), told.confirmed(1), told.confirmed(1))

    assert the_request(desk).status is Status.FULFILLED


def test_what_is_for_stock_is_done_when_it_is_received() -> None:
    desk, (told,) = an_approved({STATION: 2}, destination=Destination(kind=DestinationKind.STOCK))

    desk.hear(told.submitted(), told.received(), told.stocked())

    assert the_request(desk).status is Status.FULFILLED
    assert not said(desk, assets.AssignAssets)


def test_what_is_for_a_location_is_assigned_to_it() -> None:
    site = Destination(kind=DestinationKind.LOCATION, name="SITE-1")
    desk, (told,) = an_approved({STATION: 2}, destination=site)

    desk.hear(told.submitted(), told.received(), told.stocked())

    (assignment,) = said(desk, assets.AssignAssets)
    assert assignment == assets.AssignAssets(
        to=site, request_id=told.request_id, asset_ids=tuple(told.assets), leave_out_taken_back=True
    )


def test_what_is_issued_before_we_heard_of_its_arrival_is_counted_once() -> None:
    desk, (told,) = an_approved({STATION: 3}, Kind.CONSUMABLE)

    desk.hear(told.issued(3, 1), told.lot(3, 1), told.received(3), told.submitted())

    assert the_request(desk).status is Status.FULFILLED
    assert not said(desk, assets.IssueStock)
