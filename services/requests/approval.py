"""Who must say yes to a request, in which order, and what a yes or a no leads to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import (
    Cause,
    Decision,
    Handler,
    Handlers,
    Key,
    Keys,
    Many,
    Record,
    Records,
    Rejection,
    Timer,
    timer_id,
)
from libs.contracts.message import Message
from libs.contracts.permissions import Role
from libs.contracts.requests import (
    ApprovalAwaited,
    ApprovalReminded,
    DecideApproval,
    RequestApproved,
    RequestRejected,
    Wish,
)
from libs.contracts.values import derived_id
from services.requests import fulfilment
from services.requests.purchase_request import PurchaseRequest, RequestLine, Status, live


@dataclass(frozen=True)
class Rule:
    """Requests whose total is less than `below` need a yes of these roles, one after the other."""

    below: Decimal | None
    steps: tuple[Role, ...]


SHIPPED_POLICY: tuple[Rule, ...] = (
    Rule(below=Decimal(1_000), steps=()),
    Rule(below=Decimal(25_000), steps=(Role.PROCUREMENT_MANAGER,)),
    Rule(below=None, steps=(Role.PROCUREMENT_MANAGER, Role.ASSET_MANAGER)),
)
"""The first rule that fits applies; a rule without steps approves at once. The amounts are of the request's
own currency, whichever it is: there are no exchange rates."""

REMIND_AFTER = timedelta(hours=24)
REMINDERS_MAX = 3
REMINDER = "approval_reminder"


class Verdict(StrEnum):
    """What was said."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, kw_only=True)
class Approval(Record):
    """One yes or no, as it was said, never changed afterwards; `message_id` is what it was said with."""

    APPEND_ONLY: ClassVar[bool] = True

    request_id: UUID
    step: int
    role: Role
    verdict: Verdict
    decided_by: str
    reason: str
    at: datetime
    message_id: UUID


class ApprovalReminderDue(Message):
    """It is time to see whether this approval step was taken. Said by the service to itself."""

    type: ClassVar[str] = "requests.approval_reminder_due.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    step: int


def steps_for(total: Decimal, policy: Sequence[Rule] = SHIPPED_POLICY) -> tuple[Role, ...]:
    """The approval steps that a request of this total needs."""
    return next(rule.steps for rule in policy if rule.below is None or total < rule.below)


def policy_keys(_: Wish) -> Keys:
    """What decides which steps a wish needs, apart from itself."""
    return ()


def round_keys(_: UUID) -> Keys:
    """The rounds of approval of a request."""
    return ()


def begin(request: PurchaseRequest, lines: Sequence[RequestLine], held: Records, cause: Cause) -> Decision:
    """Approve a new request at once, or wait for the policy's first step."""
    return proceed(request, lines, approved_by=(), cause=cause)


def after_edit(
    before: PurchaseRequest,
    lines_before: Sequence[RequestLine],
    request: PurchaseRequest,
    lines: Sequence[RequestLine],
    held: Records,
    cause: Cause,
) -> Decision:
    """A riskier revision begins anew, any other keeps the yeses it has."""
    if not riskier(before, live(lines_before), request, lines):
        return Decision(save=[request])
    return proceed(replace(request, approval_step=0), lines, approved_by=(), cause=cause)


def riskier(
    before: PurchaseRequest,
    lines_before: Sequence[RequestLine],
    request: PurchaseRequest,
    lines: Sequence[RequestLine],
) -> bool:
    """Whether it costs more, or buys from a vendor or of a kind that was not there before."""
    if request.currency != before.currency or request.total > before.total:
        return True
    known = {(line.vendor, line.kind) for line in lines_before}
    return any((line.vendor, line.kind) not in known for line in lines)


def stop(request: PurchaseRequest, held: Records, cause: Cause) -> Decision:
    """Nobody need decide any more."""
    return Decision(save=[replace(request, awaiting_role=None)], cancel=[timer_id(request.id, REMINDER)])


def proceed(
    request: PurchaseRequest, lines: Sequence[RequestLine], *, approved_by: tuple[str, ...], cause: Cause
) -> Decision:
    """Wait for the policy's next step; after the last one the spending is approved and fulfilment starts."""
    steps = steps_for(request.total)
    if request.approval_step < len(steps):
        role = steps[request.approval_step]
        waiting = replace(request, awaiting_role=role, reminders=0)
        if waiting.status is Status.SUBMITTED:
            waiting = waiting.become(Status.AWAITING_APPROVAL, status_since=cause.at)
        awaited = ApprovalAwaited(
            request_id=request.id, number=request.number, role=role, total=request.money
        )
        return Decision(
            save=[waiting], publish=[awaited], schedule=[_reminder(waiting, cause)], answer=_answer(waiting)
        )
    approved = request.become(
        Status.APPROVED, status_since=cause.at, awaiting_role=None, approved_total=request.total
    )
    said = RequestApproved(
        request_id=request.id, number=request.number, approved_by=approved_by, total=request.money
    )
    started = fulfilment.start(approved, lines, approved_by=approved_by, cause=cause)
    return Decision(
        save=[approved, *started.save],
        publish=[said, *started.publish],
        schedule=started.schedule,
        cancel=[timer_id(request.id, REMINDER)] if steps else (),
        answer=_answer(approved),
    )


def request_of(message: DecideApproval | ApprovalReminderDue) -> Keys:
    """The request that is decided on."""
    return (Key(PurchaseRequest, message.request_id),)


def lines_and_approvals_of(command: DecideApproval) -> Keys:
    """What was asked for, and who has said yes so far."""
    return (
        Many(RequestLine, by="request_id", value=command.request_id),
        Many(Approval, by="request_id", value=command.request_id),
    )


def decide(command: DecideApproval, held: Records, cause: Cause) -> Decision:
    """Take the step that the request waits for. One no stops it; the last yes approves it.

    Nobody decides on their own request, nor on one made for them.
    """
    request = held.find(PurchaseRequest, command.request_id)
    if request is None:
        raise Rejection("request_unknown", field="request_id", message="There is no such request.")
    role = request.awaiting_role
    if request.status is not Status.AWAITING_APPROVAL or role is None:
        raise Rejection(
            "request_not_awaiting_approval",
            field="request_id",
            message=f"{request.number} is {request.status}; it does not wait for approval.",
        )
    if command.role is not None and command.role != role:
        raise Rejection(
            "request_not_awaiting_approval",
            field="role",
            message=f"{request.number} waits for the {role}, not for the {command.role}.",
        )
    if command.decided_by in (request.requester, request.on_behalf_of):
        raise Rejection(
            "own_request", field="decided_by", message="Somebody else must decide on this request."
        )
    verdict, reason = Verdict(command.verdict), command.reason.strip()
    if verdict is Verdict.REJECT and not reason:
        raise Rejection("reason_missing", field="reason", message="Say why the request is turned down.")

    taken = Approval(
        id=derived_id("approval", request.id, request.revision, request.approval_step),
        request_id=request.id,
        step=request.approval_step,
        role=role,
        verdict=verdict,
        decided_by=command.decided_by,
        reason=reason,
        at=cause.at,
        message_id=cause.message_id,
    )
    if verdict is Verdict.REJECT:
        return _reject(request, taken, cause)
    earlier = sorted(held.all(Approval, request_id=request.id), key=lambda approval: approval.step)
    lines = live(held.all(RequestLine, request_id=request.id))
    following = proceed(
        replace(request, approval_step=request.approval_step + 1),
        lines,
        approved_by=(*(approval.decided_by for approval in earlier), command.decided_by),
        cause=cause,
    )
    return replace(following, save=[*following.save, taken])


def _reject(request: PurchaseRequest, taken: Approval, cause: Cause) -> Decision:
    rejected = request.become(Status.REJECTED, status_since=cause.at, awaiting_role=None)
    said = RequestRejected(
        request_id=request.id, number=request.number, rejected_by=taken.decided_by, reason=taken.reason
    )
    return Decision(
        save=[rejected, taken],
        publish=[said],
        cancel=[timer_id(request.id, REMINDER)],
        answer=_answer(rejected),
    )


def _answer(request: PurchaseRequest) -> Mapping[str, object]:
    return {"request_id": str(request.id), "number": request.number, "status": request.status.value}


def remind(timer: ApprovalReminderDue, held: Records, cause: Cause) -> Decision:
    """A day has passed: if the same step still waits, say so again, three times at most."""
    request = held.find(PurchaseRequest, timer.request_id)
    if (
        request is None
        or request.status is not Status.AWAITING_APPROVAL
        or request.awaiting_role is None
        or request.approval_step != timer.step
    ):
        return Decision()
    reminded = replace(request, reminders=request.reminders + 1)
    said = ApprovalReminded(request_id=request.id, number=request.number, role=request.awaiting_role)
    return Decision(
        save=[reminded],
        publish=[said],
        schedule=[_reminder(reminded, cause)] if reminded.reminders < REMINDERS_MAX else (),
    )


def _reminder(request: PurchaseRequest, cause: Cause) -> Timer:
    due = ApprovalReminderDue(request_id=request.id, step=request.approval_step)
    return Timer(of=request.id, name=REMINDER, due_at=cause.at + REMIND_AFTER, message=due)


HANDLERS: Handlers = (
    Handler(on=DecideApproval, holds=request_of, reads=lines_and_approvals_of, decide=decide),
    Handler(on=ApprovalReminderDue, holds=request_of, decide=remind),
)
