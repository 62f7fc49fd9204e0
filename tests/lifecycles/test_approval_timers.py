"""What happens while nobody decides: who is reminded, who is asked as well, and when it is too late."""

from datetime import timedelta
from typing import Any

import pytest

from libs.chassis.decision import Timer, timer_id
from libs.contracts.approvals import (
    ApprovalEscalated,
    ApprovalReminded,
    RequestExpired,
)
from libs.contracts.values import derived_id
from services.requests.approval import REMINDERS_MAX
from services.requests.approval_round import (
    ESCALATION,
    EXPIRY,
    REMINDER,
    ApprovalEscalationDue,
    ApprovalExpiryDue,
    ApprovalReminderDue,
    RoundStatus,
)
from services.requests.purchase_request import PurchaseRequest, Status
from tests.builders_approval import (
    ASSETS,
    BUYER,
    KEEPER,
    PROCUREMENT,
    a_desk_with_rule,
    a_patient_step,
    a_step,
    a_waiting_desk,
    an_expired_desk,
    due,
    open_seats,
    rounds,
    says,
    the_round,
)
from tests.builders_desk import (
    COLLEAGUE,
    SERVER,
    Desk,
    a_request,
    a_requests_desk,
    the_request,
)
from tests.builders_dock import NOON
from tests.builders_workflow import a_desk_with

BUYERS, KEEPERS = f"role:{PROCUREMENT}", f"role:{ASSETS}"


@pytest.fixture
def desk() -> Desk:
    """One request waits for its only approval."""
    desk = a_requests_desk()
    desk.hear(a_request({SERVER: 1}, on_behalf_of=COLLEAGUE))
    return desk


# Silence


def timers(decision: Any) -> dict[str, timedelta]:
    """What is timed, and after how long."""
    return {timer.name: timer.due_at - NOON for timer in decision.schedule}


def test_every_step_sets_the_timers_anew() -> None:
    desk = a_desk_with_rule(a_patient_step(), a_step(remind_after_hours=2))

    first = desk.hear(a_request())
    second = says(desk, BUYER)

    hours = {REMINDER: 1, ESCALATION: 5, EXPIRY: 9}
    assert timers(first.decision) == {name: timedelta(hours=after) for name, after in hours.items()}
    assert timers(second.decision) == {REMINDER: timedelta(hours=2)}
    assert {timer_id(the_round(desk).id, name) for name in hours} == set(second.decision.cancel)


def test_who_keeps_silent_is_reminded_every_day_three_times(desk: Desk) -> None:
    request, round = the_request(desk), the_round(desk)
    timer = due(desk, ApprovalReminderDue)
    at = NOON

    for reminders in range(1, REMINDERS_MAX + 1):
        at += timedelta(hours=24)
        ended = desk.hear(timer, at=at)
        again = [Timer(round.id, REMINDER, at + timedelta(hours=24), timer)]
        assert ended.decision.schedule == (again if reminders < REMINDERS_MAX else [])
        assert desk.said[-1] == ApprovalReminded(
            request_id=request.id,
            number=request.number,
            purpose="request",
            round=1,
            step=1,
            approvers=(BUYERS,),
            reminder=reminders,
        )
    assert desk.hear(timer).decision.publish == ()


def test_once_escalated_others_may_decide_as_well() -> None:
    desk = a_waiting_desk(a_patient_step())
    before = says(desk, KEEPER)

    desk.hear(due(desk, ApprovalEscalationDue))

    assert before.code == "not_an_approver"
    assert open_seats(desk) == [KEEPERS, BUYERS]
    assert isinstance(desk.said[-1], ApprovalEscalated)
    assert desk.said[-1].approvers == (KEEPERS,)
    assert desk.hear(due(desk, ApprovalEscalationDue)).decision.save == ()
    assert says(desk, KEEPER).verdict == "accepted"
    assert (the_request(desk).status, open_seats(desk)) == (Status.APPROVED, [])


def test_what_nobody_decides_on_in_time_expires() -> None:
    desk = an_expired_desk()

    request = the_request(desk)
    assert request.status is Status.EXPIRED
    assert (the_round(desk).status, open_seats(desk)) == (RoundStatus.EXPIRED, [])
    assert desk.said[-1] == RequestExpired(
        request_id=request.id, number=request.number, reason="nobody decided on step 1 within 9 hours"
    )


@pytest.mark.parametrize("kind", [ApprovalReminderDue, ApprovalEscalationDue, ApprovalExpiryDue])
def test_a_timer_of_a_step_that_was_taken_does_nothing(kind: Any) -> None:
    desk = a_waiting_desk(a_patient_step(), a_patient_step())
    timer = due(desk, kind)
    says(desk, BUYER)
    before = desk.fork()

    desk.hear(timer)

    assert (desk.records, desk.said) == (before.records, before.said)


@pytest.mark.parametrize("kind", [ApprovalReminderDue, ApprovalEscalationDue, ApprovalExpiryDue])
@pytest.mark.parametrize("status", [status for status in Status if status is not Status.SUBMITTED])
def test_a_timer_is_possible_in_every_status(kind: Any, status: Status) -> None:
    desk = an_expired_desk() if status is Status.EXPIRED else a_desk_with(status)
    last = rounds(desk)[-1:]
    before = desk.fork()

    for round in last:
        desk.hear(kind(request_id=round.request_id, round_id=round.id, step=round.step))

    if status is Status.AWAITING_APPROVAL:
        assert desk.records != before.records
    else:
        assert desk.records == before.records


def test_a_request_that_is_gone_is_not_reminded_of() -> None:
    desk = a_requests_desk()
    gone = derived_id("test-request", "gone")

    ended = desk.hear(ApprovalReminderDue(request_id=gone, round_id=gone, step=1))

    assert ended.decision.publish == ()
    assert desk.all(PurchaseRequest) == []
