"""Who must say yes, and what a yes, a no and silence lead to."""

from datetime import timedelta
from decimal import Decimal

import pytest

from libs.chassis.decision import Timer, timer_id
from libs.contracts.permissions import Role
from libs.contracts.purchasing import CreateOrder
from libs.contracts.requests import ApprovalAwaited, ApprovalReminded, RequestApproved, RequestRejected
from libs.contracts.values import derived_id
from services.requests.approval import (
    REMIND_AFTER,
    REMINDER,
    REMINDERS_MAX,
    Approval,
    ApprovalReminderDue,
    Verdict,
    steps_for,
)
from services.requests.process import FulfilmentProcess
from services.requests.purchase_request import PurchaseRequest, Status
from tests.builders_desk import (
    COLLEAGUE,
    MANAGER,
    REQUESTER,
    SERVER,
    STATION,
    Desk,
    a_no,
    a_request,
    a_requests_desk,
    a_yes,
    the_request,
)
from tests.builders_dock import NOON
from tests.builders_workflow import a_desk_with

PROCUREMENT, ASSETS = Role.PROCUREMENT_MANAGER, Role.ASSET_MANAGER


@pytest.fixture
def desk() -> Desk:
    """One request waits for its only approval."""
    desk = a_requests_desk()
    desk.hear(a_request({SERVER: 1}, on_behalf_of=COLLEAGUE))
    return desk


@pytest.mark.parametrize(
    ("total", "steps"),
    [
        ("0", ()),
        ("999.99", ()),
        ("1000.00", (PROCUREMENT,)),
        ("24999.99", (PROCUREMENT,)),
        ("25000.00", (PROCUREMENT, ASSETS)),
        ("99999999.00", (PROCUREMENT, ASSETS)),
    ],
)
def test_the_shipped_policy_goes_by_the_total(total: str, steps: tuple[Role, ...]) -> None:
    assert steps_for(Decimal(total)) == steps


def test_a_small_request_is_approved_at_once_and_ordered() -> None:
    desk = a_requests_desk()

    ended = desk.hear(a_request({STATION: 2}))

    request = the_request(desk)
    assert request.status is Status.APPROVED
    assert [type(message) for message in desk.said[1:]] == [RequestApproved, CreateOrder]
    assert desk.said[1] == RequestApproved(
        request_id=request.id, number=request.number, approved_by=(), total=request.money
    )
    assert not ended.decision.cancel
    assert desk.all(FulfilmentProcess) != []


def test_a_larger_request_waits_for_a_procurement_manager(desk: Desk) -> None:
    request = the_request(desk)

    assert (request.status, request.awaiting_role) == (Status.AWAITING_APPROVAL, PROCUREMENT)
    assert desk.said[1:] == [
        ApprovalAwaited(request_id=request.id, number=request.number, role=PROCUREMENT, total=request.money)
    ]
    assert desk.all(FulfilmentProcess) == []


def test_a_yes_approves_it_and_is_kept_as_it_was_said(desk: Desk) -> None:
    ended = desk.hear(a_yes(the_request(desk), reason="we need it"))

    request = the_request(desk)
    assert ended.decision.answer == {
        "request_id": str(request.id),
        "number": request.number,
        "status": "approved",
    }
    assert (request.status, request.awaiting_role) == (Status.APPROVED, None)
    (taken,) = desk.all(Approval)
    assert (taken.step, taken.role, taken.verdict, taken.decided_by, taken.reason, taken.at) == (
        0,
        PROCUREMENT,
        Verdict.APPROVE,
        MANAGER,
        "we need it",
        NOON,
    )
    assert timer_id(request.id, REMINDER) in ended.decision.cancel


def test_the_largest_requests_need_two_yeses_one_after_the_other() -> None:
    desk = a_requests_desk()
    desk.hear(a_request({SERVER: 3}))

    first = desk.hear(a_yes(the_request(desk), MANAGER))
    between = the_request(desk)
    desk.hear(a_yes(between, COLLEAGUE))

    assert first.decision.answer["status"] == "awaiting_approval"
    assert (between.status, between.awaiting_role) == (Status.AWAITING_APPROVAL, ASSETS)
    request = the_request(desk)
    assert request.status is Status.APPROVED
    assert (
        RequestApproved(
            request_id=request.id,
            number=request.number,
            approved_by=(MANAGER, COLLEAGUE),
            total=request.money,
        )
        in desk.said
    )
    assert [(taken.step, taken.role) for taken in sorted(desk.all(Approval), key=lambda each: each.step)] == [
        (0, PROCUREMENT),
        (1, ASSETS),
    ]


@pytest.mark.parametrize("yeses", [0, 1])
def test_one_no_stops_it_at_any_step(yeses: int) -> None:
    desk = a_requests_desk()
    desk.hear(a_request({SERVER: 3}))
    for _ in range(yeses):
        desk.hear(a_yes(the_request(desk)))

    ended = desk.hear(a_no(the_request(desk), COLLEAGUE, "  too dear "))

    request = the_request(desk)
    assert (request.status, request.awaiting_role) == (Status.REJECTED, None)
    assert desk.said[-1] == RequestRejected(
        request_id=request.id, number=request.number, rejected_by=COLLEAGUE, reason="too dear"
    )
    assert desk.all(FulfilmentProcess) == []
    assert ended.decision.cancel == [timer_id(request.id, REMINDER)]


def test_a_yes_said_twice_for_one_role_does_not_take_the_next_step() -> None:
    desk = a_requests_desk()
    desk.hear(a_request({SERVER: 3}))
    yes = a_yes(the_request(desk), role=PROCUREMENT.value)
    desk.hear(yes)

    again = desk.hear(yes)

    assert (again.code, the_request(desk).awaiting_role) == ("request_not_awaiting_approval", ASSETS)


@pytest.mark.parametrize("person", [REQUESTER, COLLEAGUE])
def test_nobody_decides_on_their_own_request(desk: Desk, person: str) -> None:
    for decision in (a_yes(the_request(desk), person), a_no(the_request(desk), person)):
        assert desk.hear(decision).code == "own_request"


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_no_needs_a_reason(desk: Desk, reason: str) -> None:
    assert desk.hear(a_no(the_request(desk), reason=reason)).code == "reason_missing"


def test_an_unknown_request_cannot_be_decided_on(desk: Desk) -> None:
    unknown = a_yes(the_request(desk), request_id=derived_id("test-request", "unknown"))

    assert desk.hear(unknown).code == "request_unknown"


@pytest.mark.parametrize(
    "status", [status for status in Status if status not in (Status.SUBMITTED, Status.EXPIRED)]
)
@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_only_what_waits_can_be_decided_on(status: Status, verdict: str) -> None:
    desk = a_desk_with(status)
    before = desk.fork()

    ended = desk.hear(a_yes(the_request(desk), verdict=verdict, reason="because"))

    if status is Status.AWAITING_APPROVAL:
        assert ended.verdict == "accepted"
    else:
        assert ended.code == "request_not_awaiting_approval"
        assert desk.records == before.records


def test_who_keeps_silent_is_reminded_every_day_three_times(desk: Desk) -> None:
    request = the_request(desk)
    due = ApprovalReminderDue(request_id=request.id, step=0)
    at = NOON

    for reminders in range(1, REMINDERS_MAX + 1):
        at += REMIND_AFTER
        ended = desk.hear(due, at=at)
        again = [Timer(request.id, REMINDER, at + timedelta(hours=24), due)]
        assert ended.decision.schedule == (again if reminders < REMINDERS_MAX else ())

    said = ApprovalReminded(request_id=request.id, number=request.number, role=PROCUREMENT)
    assert desk.said[-REMINDERS_MAX:] == [said] * REMINDERS_MAX


def test_the_first_reminder_is_due_a_day_after_the_request() -> None:
    ended = a_requests_desk().hear(a_request({SERVER: 1}))

    (timer,) = ended.decision.schedule
    assert (timer.name, timer.due_at) == (REMINDER, NOON + timedelta(hours=24))


def test_a_reminder_of_a_step_that_was_taken_says_nothing() -> None:
    desk = a_requests_desk()
    desk.hear(a_request({SERVER: 3}))
    request = the_request(desk)
    desk.hear(a_yes(request))
    before = desk.fork()

    desk.hear(ApprovalReminderDue(request_id=request.id, step=0))

    assert (desk.records, desk.said) == (before.records, before.said)


@pytest.mark.parametrize(
    "status", [status for status in Status if status not in (Status.SUBMITTED, Status.EXPIRED)]
)
def test_a_reminder_is_possible_in_every_status_and_changes_none(status: Status) -> None:
    desk = a_desk_with(status)

    desk.hear(ApprovalReminderDue(request_id=the_request(desk).id, step=0))

    assert the_request(desk).status is status
    waits = [isinstance(said, ApprovalReminded) for said in desk.said].count(True)
    assert waits == (1 if status is Status.AWAITING_APPROVAL else 0)


def test_a_request_that_is_gone_is_not_reminded_of() -> None:
    desk = a_requests_desk()

    ended = desk.hear(ApprovalReminderDue(request_id=derived_id("test-request", "gone"), step=0))

    assert ended.decision.publish == ()
    assert desk.all(PurchaseRequest) == []
