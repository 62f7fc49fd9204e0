"""A round of approval: what it is about, its steps, who may take them now, and what was said.

How it waits is told in `approval_waiting`, what its end leads to in `approval_outcome`.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import Key, Keys, Many, Record, Records
from libs.contracts.approvals import NeededStep
from libs.contracts.message import Message
from libs.contracts.values import Money, derived_id, money
from services.requests.order_to_approve import OrderToApprove
from services.requests.purchase_request import PurchaseRequest

REMINDER, ESCALATION, EXPIRY = "approval_reminder", "approval_escalation", "approval_expiry"


class Purpose(StrEnum):
    """What is approved: a request, what one of its orders would cost beyond that, or an order as such."""

    REQUEST = "request"
    SPENDING = "spending"
    ORDER = "order"


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
    """The steps that one revision of a request, or of an order, needs; `content` is the hash of what was seen.

    `request_id` is what it is about: a request, or for the purpose `order` the order. `steps` is their JSON, as the
    policy wanted them when it began; `step` counts from 1. `yes` are those who said it in this step, `voices` those in
    whose name; `parties` made an order cost more and do not decide. `revision_now` is the latest revision that it still
    covers; `ordinal` is the place of what it is about among all that waits.
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
    parties: tuple[str, ...] = ()
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

    `ordinal` is the place of what the round is about and `round` its number, in which order an inbox is read.
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
    """The id of a round of a request or an order, counted from 1."""
    return derived_id("approval_round", request_id, number)


def round_keys(request_id: UUID) -> Keys:
    """All rounds of a request or an order and the seats that wait: what whoever changes or stops it has to hold."""
    return (
        Many(ApprovalRound, by="request_id", value=request_id),
        Many(ApprovalSeat, by="request_id", value=request_id, where={"open": True}),
    )


def with_rounds(request_id: UUID) -> Keys:
    """The request and its rounds."""
    return (Key(PurchaseRequest, request_id), *round_keys(request_id))


def with_subject(id: UUID) -> Keys:
    """The request or the order with this id, and its rounds."""
    return (
        Key(PurchaseRequest, id, may_be_new=True),
        Key(OrderToApprove, id, may_be_new=True),
        *round_keys(id),
    )


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
