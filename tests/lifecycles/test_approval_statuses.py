"""Every message that concerns approval, in every status that a round can have."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from libs.chassis.decision import Actor
from libs.contracts.message import Message
from libs.contracts.permissions import Role
from libs.contracts.requests import RequestedLine, WithdrawRequest
from services.requests.approval_round import (
    ApprovalEscalationDue,
    ApprovalExpiryDue,
    ApprovalReminderDue,
    ApprovalRound,
    RoundStatus,
)
from services.requests.purchase_request import Status
from tests.builders_approval import (
    ASSETS,
    BUYER,
    a_desk_with_policy,
    a_question,
    a_rule,
    a_step,
    an_edit,
    by_role,
    open_seats,
    rounds,
    says,
)
from tests.builders_desk import REQUESTER, STATION, Desk, a_request, a_yes, the_request
from tests.builders_dock import Ended

OWNER = Actor(REQUESTER, frozenset({Role.REQUESTER}))


def a_desk_with_round(status: RoundStatus, *, spending: bool = False) -> Desk:
    """The first round of a request, or the one about an order of it, has this status."""
    step = a_step(
        remind_after_hours=1, escalate_after_hours=2, expire_after_hours=3, escalate_to=(by_role(ASSETS),)
    )
    least = Decimal(200) if spending else Decimal(1)
    desk = a_desk_with_policy(a_rule(step, total_at_least=least), a_rule(name="cheap"))
    desk.hear(a_request({STATION: 1}))
    if spending:
        desk.hear(a_question(the_request(desk), "300.00"))
    (round,) = rounds(desk)
    if status is RoundStatus.APPROVED:
        says(desk, BUYER)
    elif status is RoundStatus.REJECTED:
        says(desk, BUYER, "reject")
    elif status is RoundStatus.EXPIRED:
        desk.hear(ApprovalExpiryDue(request_id=round.request_id, round_id=round.id, step=1))
    elif status is RoundStatus.VOIDED and spending:
        desk.hear(a_question(the_request(desk), "301.00", order_revision=2))
    elif status is RoundStatus.VOIDED:
        desk.hear(an_edit(the_request(desk), [RequestedLine(sku=STATION, quantity=2)]), actor=OWNER)
    elif status is RoundStatus.STOPPED:
        desk.hear(WithdrawRequest(request_id=the_request(desk).id), actor=OWNER)
    assert rounds(desk)[0].status is status
    return desk


def decided(desk: Desk, **said: Any) -> Ended:
    """A buyer decides on the first round."""
    command = a_yes(the_request(desk), BUYER, round=1, **said)
    return desk.hear(command, actor=Actor(BUYER, frozenset({Role.PROCUREMENT_MANAGER})))


def timed(kind: Any) -> Callable[[Desk], Ended]:
    """A timer of the first round fires."""

    def fire(desk: Desk) -> Ended:
        (round, *_) = rounds(desk)
        timer: Message = kind(request_id=round.request_id, round_id=round.id, step=1)
        return desk.hear(timer)

    return fire


MESSAGES: dict[str, tuple[Callable[[Desk], Ended], RoundStatus | None]] = {
    "yes": (decided, RoundStatus.APPROVED),
    "no": (lambda desk: decided(desk, verdict="reject", reason="no"), RoundStatus.REJECTED),
    "reminder": (timed(ApprovalReminderDue), None),
    "escalation": (timed(ApprovalEscalationDue), None),
    "expiry": (timed(ApprovalExpiryDue), RoundStatus.EXPIRED),
}


@pytest.mark.parametrize("spending", [False, True], ids=["request", "spending"])
@pytest.mark.parametrize("status", RoundStatus)
@pytest.mark.parametrize(("hear", "becomes"), MESSAGES.values(), ids=MESSAGES)
def test_only_an_open_round_changes(
    hear: Callable[[Desk], Ended], becomes: RoundStatus | None, status: RoundStatus, spending: bool
) -> None:
    if spending and status is RoundStatus.STOPPED:
        status = RoundStatus.VOIDED
    desk = a_desk_with_round(status, spending=spending)
    before = desk.fork()

    ended = hear(desk)

    round: ApprovalRound = rounds(desk)[0]
    if status is RoundStatus.OPEN:
        assert ended.verdict == "accepted"
        assert desk.records != before.records
        assert round.status is (becomes or RoundStatus.OPEN)
        assert (open_seats(desk) == []) == (becomes is not None)
    else:
        assert ended.code in (None, "request_not_awaiting_approval")
        assert (desk.records, desk.said) == (before.records, before.said)


@pytest.mark.parametrize("status", RoundStatus)
@pytest.mark.parametrize("quantity", [1, 2])
def test_a_request_is_changed_and_taken_back_only_before_its_round_has_ended(
    status: RoundStatus, quantity: int
) -> None:
    desk = a_desk_with_round(status)
    waits = the_request(desk).status is Status.AWAITING_APPROVAL
    lines = [RequestedLine(sku=STATION, quantity=quantity)]

    edit = desk.hear(an_edit(the_request(desk), lines, justification="because"), actor=OWNER)
    still = the_request(desk).status is Status.AWAITING_APPROVAL
    taken_back = desk.hear(WithdrawRequest(request_id=the_request(desk).id), actor=OWNER)

    assert (edit.verdict == "accepted", still) == (waits, waits)
    assert waits == (status in (RoundStatus.OPEN, RoundStatus.VOIDED))
    if status is RoundStatus.STOPPED:
        assert taken_back.verdict == "duplicate"
    else:
        assert (taken_back.verdict == "accepted") == waits
    assert open_seats(desk) == []


@pytest.mark.parametrize("status", [status for status in RoundStatus if status is not RoundStatus.STOPPED])
def test_an_order_is_asked_about_again_whatever_became_of_the_first_question(status: RoundStatus) -> None:
    desk = a_desk_with_round(status, spending=True)

    same = desk.hear(a_question(the_request(desk), "300.00"))
    later = desk.hear(a_question(the_request(desk), "302.00", order_revision=3))

    assert (same.verdict, later.verdict) == ("duplicate", "accepted")
    assert [round.status for round in rounds(desk)].count(RoundStatus.OPEN) == 1
