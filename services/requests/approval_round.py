"""A round of approval: its steps, who may take them now, and what is said and timed while it waits.

What a yes and a no lead to is told in `approval`, how spending on orders is approved in `spending`.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import Cause, Decision, Key, Keys, Many, Record, Records, Timer, timer_id
from libs.contracts.approvals import ApprovalAwaited, ApprovalVoided, NeededStep
from libs.contracts.message import Message
from libs.contracts.requests import SpendingRefused
from libs.contracts.values import Money, derived_id, money
from services.requests.policy import Needed
from services.requests.purchase_request import PurchaseRequest

REMINDER, ESCALATION, EXPIRY = "approval_reminder", "approval_escalation", "approval_expiry"


class Purpose(StrEnum):
    """What is approved: the request, or what one of its orders would cost beyond that."""

    REQUEST = "request"
    SPENDING = "spending"


class RoundStatus(StrEnum):
    """How a round stands. Voided: what it was about has changed; stopped: it is wanted no longer."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    VOIDED = "voided"
    STOPPED = "stopped"


class Verdict(StrEnum):
    """What was said."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, kw_only=True)
class ApprovalRound(Record):
    """The steps that one revision of a request, or one order of it, needs; `content` is the hash of what was seen.

    `steps` is their JSON, as the policy wanted them when it began; `step` counts from 1. `yes` are those who said it
    in this step, `voices` those in whose name. `revision_now` is the latest revision that it still covers; `ordinal`
    is the request's number.
    """

    TRANSITIONS: ClassVar = {
        RoundStatus.OPEN: frozenset(RoundStatus) - {RoundStatus.OPEN},
        RoundStatus.APPROVED: frozenset({RoundStatus.VOIDED}),
        RoundStatus.REJECTED: frozenset(),
        RoundStatus.EXPIRED: frozenset(),
        RoundStatus.VOIDED: frozenset(),
        RoundStatus.STOPPED: frozenset(),
    }

    request_id: UUID
    ordinal: int
    number: int
    purpose: Purpose
    status: RoundStatus = RoundStatus.OPEN
    revision: int
    revision_now: int
    content: UUID
    total: Decimal
    currency: str
    order_id: UUID | None = None
    order_revision: int | None = None
    requisition_number: str | None = None
    vendor: str | None = None
    asked_because: str = ""
    policy_number: int
    rule: str | None
    steps: str
    step: int = 1
    yes: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()
    reminders: int = 0
    escalated: bool = False
    opened_at: datetime
    step_opened_at: datetime
    closed_at: datetime | None = None

    @property
    def money(self) -> Money:
        """What is asked for."""
        return money(self.total, self.currency)

    @property
    def now(self) -> NeededStep:
        """The step that it waits for."""
        return steps_in(self.steps)[self.step - 1]

    @property
    def is_last_step(self) -> bool:
        """Whether none comes after it."""
        return self.step == len(steps_in(self.steps))

    @property
    def approvers(self) -> tuple[str, ...]:
        """The keys of all who may take the step by now; nobody where none was needed."""
        if not steps_in(self.steps):
            return ()
        step = self.now
        return (*step.approvers, *step.escalate_to) if self.escalated else step.approvers


@dataclass(frozen=True, kw_only=True)
class ApprovalSeat(Record):
    """That a round waits for whom this key names: what an approver's inbox is read from. Closed ones stay.

    `ordinal` is the request's number and `round` the round's, in which order an inbox is read.
    """

    request_id: UUID
    round_id: UUID
    approver: str
    ordinal: int
    round: int
    step: int
    open: bool = True


@dataclass(frozen=True, kw_only=True)
class Approval(Record):
    """One yes or no, as it was said, never changed afterwards; `message_id` is what it was said with.

    `approver` is the key by which they could decide. Who decided for somebody else did so by `path`: the delegator,
    to whom they delegated, and so on. `through` is the system it was said with. `content` is the hash of what they saw.
    """

    APPEND_ONLY: ClassVar[bool] = True

    request_id: UUID
    round_id: UUID
    round: int
    step: int
    verdict: Verdict
    decided_by: str
    acting_for: str | None = None
    path: tuple[str, ...] = ()
    approver: str
    through: str | None = None
    reason: str
    revision: int
    content: UUID
    at: datetime
    message_id: UUID


class StepDue(Message):
    """It is time to look whether an approval step was taken. Said by the service to itself."""

    subject: ClassVar[str] = "request_id"
    request_id: UUID
    round_id: UUID
    step: int


class ApprovalReminderDue(StepDue):
    """If it was not, whoever may take it is reminded."""

    type: ClassVar[str] = "requests.approval_reminder_due.v1"


class ApprovalEscalationDue(StepDue):
    """If it was not, others are asked as well."""

    type: ClassVar[str] = "requests.approval_escalation_due.v1"


class ApprovalExpiryDue(StepDue):
    """If it was not, it is too late."""

    type: ClassVar[str] = "requests.approval_expiry_due.v1"


def round_id_of(request_id: UUID, number: int) -> UUID:
    """The id of a request's round, counted from 1."""
    return derived_id("approval_round", request_id, number)


def round_keys(request_id: UUID) -> Keys:
    """All rounds of a request and the seats that wait: what whoever changes or stops a request has to hold."""
    return (
        Many(ApprovalRound, by="request_id", value=request_id),
        Many(ApprovalSeat, by="request_id", value=request_id, where={"open": True}),
    )


def with_rounds(request_id: UUID) -> Keys:
    """The request and its rounds."""
    return (Key(PurchaseRequest, request_id), *round_keys(request_id))


def steps_as_text(steps: Iterable[NeededStep]) -> str:
    """Steps as they are stored."""
    return json.dumps([step.model_dump(mode="json", exclude_defaults=True) for step in steps])


@lru_cache(maxsize=1024)
def steps_in(text: str) -> tuple[NeededStep, ...]:
    """Steps as they were stored; most rounds have the same ones."""
    return tuple(NeededStep.model_validate(step, strict=False) for step in json.loads(text))


def open_rounds(request_id: UUID, held: Records) -> list[ApprovalRound]:
    """The rounds of a request that wait, in the order in which they were opened."""
    rounds = held.all(ApprovalRound, request_id=request_id, status=RoundStatus.OPEN)
    return sorted(rounds, key=lambda round: round.number)


# What happens to a round, without what that means for its request


def a_round(
    request: PurchaseRequest, purpose: Purpose, asked: Money, steps: Needed, cause: Cause
) -> ApprovalRound:
    """The request's latest round: `request.round` is its number already."""
    assert request.content is not None  # what was never wanted is not approved
    return ApprovalRound(
        id=round_id_of(request.id, request.round),
        request_id=request.id,
        ordinal=request.ordinal,
        number=request.round,
        purpose=purpose,
        revision=request.revision,
        revision_now=request.revision,
        content=request.content,
        total=asked.amount,
        currency=asked.currency,
        policy_number=steps.policy_number,
        rule=steps.rule,
        steps=steps_as_text(steps.steps),
        opened_at=cause.at,
        step_opened_at=cause.at,
    )


def wait(round: ApprovalRound, request: PurchaseRequest, cause: Cause) -> Decision:
    """Have the round wait for its step: seats for who may take it, timers for if they don't."""
    step = round.now
    seats = [_seat(round, request, approver) for approver in step.approvers]
    awaited = ApprovalAwaited(
        request_id=request.id,
        number=request.number,
        purpose=round.purpose.value,
        round=round.number,
        step=round.step,
        approvers=step.approvers,
        quorum=step.quorum,
        total=round.money,
    )
    return Decision(save=[round, *seats], publish=[awaited], schedule=_timers(round, cause))


def advance(round: ApprovalRound, request: PurchaseRequest, held: Records, cause: Cause) -> Decision:
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
    waiting = wait(following, request, cause)
    return replace(waiting, save=[*waiting.save, *_closed_seats(round, held)], cancel=timers_of(round))


def remind_at(round: ApprovalRound, cause: Cause) -> Timer | None:
    """When to say next that the step still waits."""
    return _timer(round, REMINDER, round.now.remind_after_hours, ApprovalReminderDue, cause)


def escalated(round: ApprovalRound, request: PurchaseRequest) -> tuple[ApprovalRound, Sequence[Record]]:
    """The round with more who may take its step, and their seats."""
    seats = [_seat(round, request, approver) for approver in round.now.escalate_to]
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
    request: PurchaseRequest,
    held: Records,
    cause: Cause,
) -> Decision:
    """Nobody need decide on these any more: say so, and to purchasing that it must not place the orders."""
    together = Decision()
    for round in rounds:
        closed = close(round, status, held, cause)
        together = joined(together, closed, Decision(publish=_said_over(round, request, reason)))
    return together


def _said_over(round: ApprovalRound, request: PurchaseRequest, reason: str) -> list[Message]:
    over = ApprovalVoided(
        request_id=request.id,
        number=request.number,
        purpose=round.purpose.value,
        round=round.number,
        reason=reason,
    )
    return [over] if round.order_id is None else [over, refusal(round, reason)]


def refusal(round: ApprovalRound, reason: str) -> SpendingRefused:
    """What purchasing is told when an order's spending is not approved."""
    assert round.order_id is not None
    assert round.order_revision is not None
    return SpendingRefused(
        request_id=round.request_id,
        order_id=round.order_id,
        order_revision=round.order_revision,
        reason=reason,
    )


def joined(*decisions: Decision) -> Decision:
    """Several decisions as one; the answer is the last one's that has one."""
    return Decision(
        save=[record for each in decisions for record in each.save],
        publish=[message for each in decisions for message in each.publish],
        schedule=[timer for each in decisions for timer in each.schedule],
        cancel=[timer for each in decisions for timer in each.cancel],
        answer=next((each.answer for each in reversed(decisions) if each.answer), {}),
    )


def timers_of(round: ApprovalRound) -> list[UUID]:
    """The ids of what may be timed for a round."""
    return [timer_id(round.id, name) for name in (REMINDER, ESCALATION, EXPIRY)]


def _seat(round: ApprovalRound, request: PurchaseRequest, approver: str) -> ApprovalSeat:
    return ApprovalSeat(
        id=derived_id("approval_seat", round.id, round.step, approver),
        request_id=request.id,
        round_id=round.id,
        approver=approver,
        ordinal=request.ordinal,
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
