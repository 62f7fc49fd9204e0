"""How a round of approval waits for its step: its seats, its timers, and what is said when it is over.

What that means for the request or the order it is about is told in `approval_outcome`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from libs.chassis.decision import Cause, Decision, Record, Records, Timer, joined, timer_id
from libs.contracts.approvals import ApprovalAwaited, ApprovalVoided
from libs.contracts.message import Event
from libs.contracts.requests import OrderRefused, SpendingRefused
from libs.contracts.values import Money, derived_id
from services.requests.approval_round import (
    ESCALATION,
    EXPIRY,
    REMINDER,
    ApprovalEscalationDue,
    ApprovalExpiryDue,
    ApprovalReminderDue,
    ApprovalRound,
    ApprovalSeat,
    Purpose,
    RoundStatus,
    StepDue,
    round_id_of,
    steps_as_text,
)
from services.requests.order_to_approve import OrderToApprove
from services.requests.policy import Needed
from services.requests.purchase_request import PurchaseRequest

Subject = PurchaseRequest | OrderToApprove
"""What a round is about: the record under its `request_id`."""


def subject_of(id: UUID, held: Records) -> Subject | None:
    """The request or the order with this id."""
    return held.find(PurchaseRequest, id) or held.find(OrderToApprove, id)


def a_round(about: Subject, purpose: Purpose, asked: Money, steps: Needed, cause: Cause) -> ApprovalRound:
    """The latest round of a request or an order: `about.round` is its number already."""
    assert about.content is not None  # what was never wanted is not approved
    return ApprovalRound(
        id=round_id_of(about.id, about.round),
        request_id=about.id,
        ordinal=about.ordinal,
        number=about.round,
        purpose=purpose,
        revision=about.revision,
        revision_now=about.revision,
        content=about.content,
        total=asked.amount,
        currency=asked.currency,
        policy_number=steps.policy_number,
        rule=steps.rule,
        steps=steps_as_text(steps.steps),
        opened_at=cause.at,
        step_opened_at=cause.at,
    )


def wait(round: ApprovalRound, about: Subject, cause: Cause) -> Decision:
    """Have the round wait for its step: seats for who may take it, timers for if they don't."""
    step = round.now
    seats = [_seat(round, about, approver) for approver in step.approvers]
    awaited = ApprovalAwaited(
        request_id=about.id,
        number=about.number,
        purpose=round.purpose.value,
        round=round.number,
        step=round.step,
        approvers=step.approvers,
        quorum=step.quorum,
        total=round.money,
    )
    return Decision(save=[round, *seats], publish=[awaited], schedule=_timers(round, cause))


def advance(round: ApprovalRound, about: Subject, held: Records, cause: Cause) -> Decision:
    """Go on to the following step, which begins without a yes, a reminder or an escalation."""
    following = replace(
        round,
        step=round.step + 1,
        yes=(),
        voices=(),
        reminders=0,
        escalated=False,
        step_opened_at=cause.at,
    )
    waiting = wait(following, about, cause)
    return replace(waiting, save=[*waiting.save, *_closed_seats(round, held)], cancel=timers_of(round))


def remind_at(round: ApprovalRound, cause: Cause) -> Timer | None:
    """When to say next that the step still waits."""
    return _timer(round, REMINDER, round.now.remind_after_hours, ApprovalReminderDue, cause)


def escalated(round: ApprovalRound, about: Subject) -> tuple[ApprovalRound, Sequence[Record]]:
    """The round with more who may take its step, and their seats."""
    seats = [_seat(round, about, approver) for approver in round.now.escalate_to]
    return replace(round, escalated=True), seats


def close(round: ApprovalRound, status: RoundStatus, held: Records, cause: Cause) -> Decision:
    """The round waits for nobody any more."""
    closed = round.become(status, closed_at=cause.at)
    if round.status is not RoundStatus.OPEN:
        return Decision(save=[closed])
    return Decision(save=[closed, *_closed_seats(round, held)], cancel=timers_of(round))


def close_all(
    rounds: Iterable[ApprovalRound],
    status: RoundStatus,
    reason: str,
    about: Subject,
    held: Records,
    cause: Cause,
) -> Decision:
    """Nobody need decide on these any more: say so, and to purchasing that it must not place the orders."""
    together = Decision()
    for round in rounds:
        closed = close(round, status, held, cause)
        together = joined(together, closed, Decision(publish=_said_over(round, about, reason)))
    return together


def _said_over(round: ApprovalRound, about: Subject, reason: str) -> list[Event]:
    over = ApprovalVoided(
        request_id=about.id,
        number=about.number,
        purpose=round.purpose.value,
        round=round.number,
        reason=reason,
    )
    return [over, *refusals(round, reason)]


def refusals(round: ApprovalRound, reason: str) -> list[Event]:
    """What purchasing is told when what it asked for is not approved; of a request nobody has asked."""
    if round.purpose is Purpose.REQUEST:
        return []
    assert round.order_id is not None
    assert round.order_revision is not None
    told: dict[str, Any] = {
        "order_id": round.order_id,
        "order_revision": round.order_revision,
        "reason": reason,
    }
    if round.purpose is Purpose.ORDER:
        return [OrderRefused(**told)]
    return [SpendingRefused(request_id=round.request_id, **told)]


def timers_of(round: ApprovalRound) -> list[UUID]:
    """The ids of what may be timed for a round."""
    return [timer_id(round.id, name) for name in (REMINDER, ESCALATION, EXPIRY)]


def _seat(round: ApprovalRound, about: Subject, approver: str) -> ApprovalSeat:
    return ApprovalSeat(
        id=derived_id("approval_seat", round.id, round.step, approver),
        request_id=about.id,
        round_id=round.id,
        approver=approver,
        ordinal=about.ordinal,
        round=round.number,
        step=round.step,
    )


def _closed_seats(round: ApprovalRound, held: Records) -> list[ApprovalSeat]:
    return [replace(seat, open=False) for seat in held.all(ApprovalSeat, round_id=round.id, open=True)]


def _timers(round: ApprovalRound, cause: Cause) -> list[Timer]:
    step = round.now
    timers = (
        remind_at(round, cause),
        _timer(round, ESCALATION, step.escalate_after_hours, ApprovalEscalationDue, cause),
        _timer(round, EXPIRY, step.expire_after_hours, ApprovalExpiryDue, cause),
    )
    return [timer for timer in timers if timer is not None]


def _timer(
    round: ApprovalRound, name: str, hours: int | None, due: type[StepDue], cause: Cause
) -> Timer | None:
    if hours is None:
        return None
    message = due(request_id=round.request_id, round_id=round.id, step=round.step)
    return Timer(of=round.id, name=name, due_at=cause.at + timedelta(hours=hours), message=message)
