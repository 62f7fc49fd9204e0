"""Approval over HTTP: an approver's inbox, yes and no, singly and several at once, and who said what."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.chassis.decision import Rejection
from libs.chassis.http import JsonBody, Obeyed, Obeying, Person, Reading, needs
from libs.chassis.pages import Limit, Page, Wanted, fields_of
from libs.contracts.approvals import DecideApproval, NeededStep
from libs.contracts.codes import CODES
from libs.contracts.message import Value
from libs.contracts.permissions import Action
from libs.contracts.values import LongText, Money, PersonId, Text, money
from services.requests.api.inbox import (
    SHOWN,
    InboxPage,
    authority,
    can_be_decided_by,
    may_see,
)
from services.requests.api.naming import RequestNamed
from services.requests.approval_round import (
    Approval,
    ApprovalRound,
    Purpose,
    RoundStatus,
    Verdict,
    steps_in,
)
from services.requests.order_to_approve import OrderApprovalStatus
from services.requests.purchase_request import PurchaseRequest, Status
from services.requests.tables import STORAGE

router = APIRouter()

_requests = STORAGE.tables[PurchaseRequest]
_rounds = STORAGE.tables[ApprovalRound]
_approvals = STORAGE.tables[Approval]

DECISIONS_MAX = 1_000


class NewDecision(Value):
    """A yes or a no; `acting_for` is the person in whose name it is said, if they have delegated their approvals.

    Naming the step (or the role it waits for) keeps a repeat from deciding a later one; naming the revision, one that
    was not seen. Where spending on several orders is being approved, `round` says which is meant.
    """

    verdict: Literal["approve", "reject"]
    reason: LongText = ""
    acting_for: PersonId | None = None
    role: Text | None = None
    round: Annotated[int, Field(ge=1)] | None = None
    step: Annotated[int, Field(ge=1)] | None = None
    revision: Annotated[int, Field(ge=1)] | None = None


class OneOfSeveralDecisions(NewDecision):
    """A yes or a no to one of several requests and orders; an order is named by its id in `request_id`."""

    request_id: UUID


class SeveralDecisions(Value):
    """What is decided at once; each ends for itself."""

    decisions: Annotated[tuple[OneOfSeveralDecisions, ...], Field(min_length=1, max_length=DECISIONS_MAX)]


class ApprovalDecidedSeen(BaseModel):
    """The decision stands, and where it has brought the request or the order and the round of approval."""

    request_id: UUID
    number: str
    status: Status | OrderApprovalStatus
    round: int
    step: int
    round_status: RoundStatus


class DecisionEnded(BaseModel):
    """How one of several decisions ended: `status` is what it would have been answered alone."""

    request_id: UUID
    status: int
    decided: ApprovalDecidedSeen | None = None
    code: str | None = None
    field: str | None = None
    message: str | None = None


class DecisionsEnded(BaseModel):
    """How each of several decisions ended, in their order."""

    accepted: int
    refused: int
    items: list[DecisionEnded]


class ApprovalAwaitedSeen(BaseModel):
    """A round of approval that waits: for its request, for one of the request's orders (purpose `spending`), or for an
    order as such (purpose `order`): then `request_id` is the order's id, and the requester whoever submitted it."""

    request_id: UUID
    number: str
    purpose: Purpose
    round: int
    step: int
    steps: int
    approvers: list[str]
    quorum: int
    yes: list[str]
    requester: str
    on_behalf_of: str | None
    submitted_by: str
    cost_centre: str | None
    justification: str
    revision: int
    total: Money
    order_id: UUID | None
    requisition_number: str | None
    vendor: str | None
    asked_because: str
    rule: str | None
    policy_number: int
    reminders: int
    escalated: bool
    opened_at: datetime
    waiting_since: datetime


class ApprovalSeen(BaseModel):
    """One yes or no, as it was said; `approver` is as whom. `content` is the hash of the revision that was seen."""

    round: int
    step: int
    verdict: Verdict
    decided_by: str
    acting_for: str | None
    path: list[str]
    approver: str
    through: str | None
    reason: str
    revision: int
    content: UUID
    at: datetime
    message_id: UUID


class RoundSeen(BaseModel):
    """A round of approval: what it was about, by which rule of which policy, how it stands, and who said what."""

    round: int
    purpose: Purpose
    status: RoundStatus
    revision: int
    revision_now: int
    content: UUID
    total: Money
    order_id: UUID | None
    order_revision: int | None
    requisition_number: str | None
    vendor: str | None
    asked_because: str
    policy_number: int
    rule: str | None
    steps: list[NeededStep]
    step: int
    reminders: int
    escalated: bool
    opened_at: datetime
    closed_at: datetime | None
    approvals: list[ApprovalSeen]


class ApprovalsSeen(BaseModel):
    """All rounds of a request, the first one first."""

    request_id: UUID
    number: str
    status: Status
    rounds: list[RoundSeen]


@router.post(
    "/requests/{reference}/decisions",
    status_code=201,
    response_model=ApprovalDecidedSeen,
    dependencies=[needs(Action.DECIDE_APPROVALS)],
)
async def decide_on_request(
    request_id: RequestNamed, decision: JsonBody[NewDecision], obey: Obeying
) -> Response:
    """Say yes or no to a request, or to spending on one of its orders."""
    return await obey(DecideApproval(request_id=request_id, decided_by=obey.person, **dict(decision)))


@router.post("/approvals/decisions", dependencies=[needs(Action.DECIDE_APPROVALS)])
async def decide_on_several(several: JsonBody[SeveralDecisions], obey: Obeying) -> DecisionsEnded:
    """Say yes or no to up to 1,000 requests in one call; each ends for itself, as if it had been said alone."""
    commands = [DecideApproval(decided_by=obey.person, **dict(decision)) for decision in several.decisions]
    items = [
        _ended(command.request_id, obeyed)
        for command, obeyed in zip(commands, await obey.many(commands), strict=True)
    ]
    accepted = sum(item.decided is not None for item in items)
    return DecisionsEnded(accepted=accepted, refused=len(items) - accepted, items=items)


def _ended(request_id: UUID, obeyed: Obeyed) -> DecisionEnded:
    if obeyed.accepted:
        result = ApprovalDecidedSeen.model_validate(obeyed.answer["result"])
        return DecisionEnded(request_id=request_id, status=201, decided=result)
    code = str(obeyed.answer.get("code", "conflict" if obeyed.verdict == "busy" else "internal_error"))
    return DecisionEnded(
        request_id=request_id,
        status=CODES[code][0],
        code=code,
        field=obeyed.answer.get("field"),
        message=obeyed.answer.get("message") or CODES[code][1],
    )


@router.get("/approvals", dependencies=[needs(Action.DECIDE_APPROVALS, Action.SEE_ALL_REQUESTS)])
async def list_awaited_approvals(
    read: Reading,
    actor: Person,
    acting_for: PersonId | None = None,
    all: bool = False,
    approver: Wanted = None,
    requester: Wanted = None,
    purpose: Purpose | None = None,
    limit: Limit = 100,
    after: Annotated[str | None, Query(pattern=r"^[0-9]{1,18}\.[0-9]{1,18}$")] = None,
) -> Page[ApprovalAwaitedSeen]:
    """What waits for the decision of who acts, as it came: in their own right, or in the name of somebody who
    has delegated to them (`acting_for`). `all` shows what waits for anybody; `approver` is one key to look for.

    A page can hold less than was asked for and still have a `next`: 1,000 rounds of each key are looked at for it.
    """
    if all and not actor.may(Action.SEE_ALL_REQUESTS):
        raise Rejection("not_entitled", field="all", message="Only what waits for you can be shown.")
    wanted = [] if requester is None else [SHOWN["requester"] == requester]
    place = tuple(map(int, after.split("."))) if after is not None else None
    if all and approver is None:
        waiting = await InboxPage(wanted, place, limit).of_all(
            read, Purpose if purpose is None else [purpose]
        )
    else:
        if purpose is not None:
            wanted.append(_rounds.c.purpose == purpose)
        keys = frozenset({approver or ""})
        if not all:
            people, own = await authority(read, actor, acting_for)
            wanted += can_be_decided_by(people)
            keys = own if approver is None else own & keys
        waiting = await InboxPage(wanted, place, limit).of_keys(read, keys)
    rows, following = waiting
    next = f"{following[0]}.{following[1]}" if following is not None else None
    return Page(items=[_awaited_seen(row) for row in rows], next=next)


@router.get(
    "/requests/{reference}/approvals",
    dependencies=[needs(Action.SEE_OWN_REQUESTS, Action.SEE_ALL_REQUESTS)],
)
async def show_approvals(request_id: RequestNamed, read: Reading, actor: Person) -> ApprovalsSeen:
    """Who was asked to approve a request, by which policy and rule, and who said what in whose name."""
    request = (await read.execute(select(_requests).where(_requests.c.id == request_id))).one_or_none()
    if request is None or not await may_see(read, actor, request):
        raise Rejection("request_unknown", message="There is no such request.")
    return ApprovalsSeen(
        request_id=request.id,
        number=request.number,
        status=request.status,
        rounds=await rounds_about(request.id, read),
    )


async def rounds_about(id: UUID, read: AsyncConnection) -> list[RoundSeen]:
    """All rounds of a request or an order, the first one first."""
    rounds = select(_rounds).where(_rounds.c.request_id == id).order_by(_rounds.c.number)
    said = select(_approvals).where(_approvals.c.request_id == id)
    approvals = (
        await read.execute(said.order_by(_approvals.c.round, _approvals.c.step, _approvals.c.at))
    ).all()
    return [_round_seen(row, approvals) for row in (await read.execute(rounds)).all()]


def _awaited_seen(row: Row[Any]) -> ApprovalAwaitedSeen:
    steps = steps_in(row.steps)
    step = steps[row.step - 1]
    return ApprovalAwaitedSeen(
        **{name: getattr(row, f"about_{name}") for name in SHOWN},
        request_id=row.request_id,
        purpose=row.purpose,
        round=row.round,
        step=row.step,
        steps=len(steps),
        approvers=[*step.approvers, *(step.escalate_to if row.escalated else ())],
        quorum=step.quorum,
        yes=row.yes,
        # A request may cost less by now than when the round began; an order costs what was asked for.
        total=money(row.request_total if row.purpose == Purpose.REQUEST else row.total, row.currency),
        order_id=row.order_id,
        requisition_number=row.requisition_number,
        vendor=row.vendor,
        asked_because=row.asked_because,
        rule=row.rule,
        policy_number=row.policy_number,
        reminders=row.reminders,
        escalated=row.escalated,
        opened_at=row.opened_at,
        waiting_since=row.step_opened_at,
    )


def _round_seen(row: Row[Any], approvals: Iterable[Row[Any]]) -> RoundSeen:
    hidden = {
        "id",
        "version",
        "request_id",
        "ordinal",
        "number",
        "total",
        "currency",
        "steps",
        "yes",
        "voices",
    }
    shown = {name: value for name, value in row._mapping.items() if name not in hidden | {"step_opened_at"}}
    return RoundSeen(
        round=row.number,
        total=money(row.total, row.currency),
        steps=list(steps_in(row.steps)),
        approvals=[
            ApprovalSeen(**fields_of(each, "id", "version", "request_id", "round_id"))
            for each in approvals
            if each.round_id == row.id
        ],
        **shown,
    )
