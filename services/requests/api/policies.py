"""The approval policy over HTTP: what is in force, what was, and what it would ask of a request."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.chassis.decision import Rejection
from libs.chassis.http import JsonBody, Obeying, Reading, needs
from libs.chassis.pages import Limit, Page
from libs.chassis.preconditions import IfMatch, etag, expected_version
from libs.contracts.approvals import Assessment, DefineApprovalPolicy, Policy, PolicyRule
from libs.contracts.message import Value
from libs.contracts.permissions import Action
from libs.contracts.values import Code, Kind, Money, PersonId, Text, money
from services.requests.directory import CostCentre
from services.requests.exchange_rate import KnownRate
from services.requests.policy import (
    POLICY_ID,
    SHIPPED,
    ApprovalPolicy,
    ApprovalPolicyVersion,
    Asked,
    assess,
    check,
    policy_in,
)
from services.requests.purchase_request import PurchaseRequest, RequestLine
from services.requests.tables import STORAGE

router = APIRouter()

_policies = STORAGE.tables[ApprovalPolicy]
_versions = STORAGE.tables[ApprovalPolicyVersion]
_rates = STORAGE.tables[KnownRate]
_cost_centres = STORAGE.tables[CostCentre]
_requests = STORAGE.tables[PurchaseRequest]
_lines = STORAGE.tables[RequestLine]


class PolicySeen(BaseModel):
    """A policy; number 0 is the one that is shipped, which nobody has changed."""

    number: int
    currency: str
    rules: list[PolicyRule]
    changed_by: str | None = None
    changed_at: datetime | None = None


class PolicyDefined(BaseModel):
    """The number of the policy that is in force now."""

    number: int


class RequestToAssess(Value):
    """What of a request a policy looks at."""

    total: Money
    kinds: Annotated[tuple[Annotated[Kind, Field(strict=False)], ...], Field(min_length=1, max_length=4)]
    vendors: Annotated[tuple[Code, ...], Field(max_length=100)] = ()
    cost_centre: Code | None = None
    source: Text | None = None
    requester: PersonId | None = None
    on_behalf_of: PersonId | None = None


class DryRun(Value):
    """A request that exists, by its id, or one that does not yet; by the policy in force, or by a draft of one."""

    request_id: UUID | None = None
    request: RequestToAssess | None = None
    policy: Policy | None = None


@router.get("/approval-policies/current", dependencies=[needs(Action.SEE_POLICIES)])
async def show_policy(read: Reading, response: Response) -> PolicySeen:
    """The policy in force; its ETag is what changing it takes."""
    seen = await _in_force(read)
    response.headers["ETag"] = etag(seen.number)
    return seen


@router.get("/approval-policies/versions", dependencies=[needs(Action.SEE_POLICIES)])
async def list_policies(
    read: Reading,
    limit: Limit = 100,
    after: Annotated[int | None, Query(ge=0, le=2**62)] = None,
) -> Page[PolicySeen]:
    """All policies that were ever put into force, the first one first."""
    query = select(_versions).where(_versions.c.number > (after or 0)).order_by(_versions.c.number)
    rows = (await read.execute(query.limit(limit + 1))).all()
    following = str(rows[limit - 1].number) if len(rows) > limit else None
    return Page(items=[_seen(row) for row in rows[:limit]], next=following)


@router.get("/approval-policies/versions/{number}", dependencies=[needs(Action.SEE_POLICIES)])
async def show_policy_version(number: Annotated[int, Path(ge=0, le=2**62)], read: Reading) -> PolicySeen:
    """A policy by its number; a round of approval names the one it was begun by."""
    if number == 0:
        return _shipped()
    row = (await read.execute(select(_versions).where(_versions.c.number == number))).one_or_none()
    if row is None:
        raise Rejection("policy_unknown", message=f"There was never a policy {number}.")
    return _seen(row)


@router.put(
    "/approval-policies/current", response_model=PolicyDefined, dependencies=[needs(Action.MANAGE_POLICIES)]
)
async def define_policy(policy: JsonBody[Policy], obey: Obeying, if_match: IfMatch = None) -> Response:
    """Put another policy into force, if the one that was seen still is."""
    command = DefineApprovalPolicy(
        currency=policy.currency, rules=policy.rules, expected_number=expected_version(if_match)
    )
    return await obey(command, status=200)


@router.post("/approval-dry-runs", dependencies=[needs(Action.SEE_POLICIES)])
async def assess_request(dry_run: JsonBody[DryRun], read: Reading) -> Assessment:
    """Which steps would this request need, and why? Nothing is changed."""
    if (dry_run.request_id is None) == (dry_run.request is None):
        raise Rejection(
            "invalid_content", field="request", message="Name a request by request_id or describe one."
        )
    now = (await read.execute(text("SELECT chassis.app_now()"))).scalar_one()
    number: int | None = None
    policy = dry_run.policy
    if policy is None:
        seen = await _in_force(read)
        number, policy = seen.number, Policy(currency=seen.currency, rules=tuple(seen.rules))
    else:
        check(policy)
    asked = await _asked(read, dry_run)
    rates = await read.execute(select(_rates).where(_rates.c.currency == asked.total.currency))
    return assess(number, policy, asked, [KnownRate(**row._mapping) for row in rates], now.date())


async def _in_force(read: AsyncConnection) -> PolicySeen:
    row = (await read.execute(select(_policies).where(_policies.c.id == POLICY_ID))).one_or_none()
    return _seen(row) if row is not None else _shipped()


def _shipped() -> PolicySeen:
    return PolicySeen(number=0, currency=SHIPPED.currency, rules=list(SHIPPED.rules))


def _seen(row: Row[Any]) -> PolicySeen:
    policy = policy_in(row.content)
    return PolicySeen(
        number=row.number,
        currency=policy.currency,
        rules=list(policy.rules),
        changed_by=row.changed_by,
        changed_at=row.changed_at,
    )


async def _asked(read: AsyncConnection, dry_run: DryRun) -> Asked:
    """What the policy looks at: of the request that exists, or of the one that is described."""
    described = dry_run.request
    if described is not None:
        people = {described.requester, described.on_behalf_of} - {None}
        return Asked(
            total=described.total,
            kinds=frozenset(described.kinds),
            vendors=frozenset(described.vendors),
            source=described.source or "",
            cost_centre=described.cost_centre,
            owner=await _owner(read, described.cost_centre),
            parties=frozenset(person for person in people if person is not None),
        )
    row = (await read.execute(select(_requests).where(_requests.c.id == dry_run.request_id))).one_or_none()
    if row is None:
        raise Rejection("request_unknown", field="request_id", message="There is no such request.")
    live = select(_lines).where(_lines.c.request_id == row.id, _lines.c.withdrawn.is_(False))
    lines = (await read.execute(live)).all()
    request = PurchaseRequest(**row._mapping)
    return Asked(
        total=money(row.total, row.currency),
        kinds=frozenset(Kind(line.kind) for line in lines),
        vendors=frozenset(line.vendor for line in lines if line.vendor is not None),
        source=row.source,
        cost_centre=row.cost_centre,
        owner=await _owner(read, row.cost_centre),
        parties=request.people,
    )


async def _owner(read: AsyncConnection, cost_centre: str | None) -> str | None:
    query = select(_cost_centres.c.owned_by).where(
        _cost_centres.c.code == cost_centre, _cost_centres.c.active
    )
    return (await read.execute(query)).scalar_one_or_none()
