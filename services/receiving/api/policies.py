"""How strict the dock is, over HTTP."""

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import Row, select

from libs.chassis.http import JsonBody, Obeying, Reading, needs
from libs.chassis.pages import After, Limit, Page, Plain, fields_of, page_of
from libs.contracts.deliveries import DefineReceiptTolerance, DefineReceivingPolicy
from libs.contracts.permissions import Action
from libs.contracts.values import Kind
from services.receiving.strictness import POLICY_ID, ReceiptTolerance, ReceivingPolicy
from services.receiving.tables import STORAGE

router = APIRouter()

_tolerances = STORAGE.tables[ReceiptTolerance]
_policies = STORAGE.tables[ReceivingPolicy]


class ReceiptToleranceDefined(BaseModel):
    """The tolerance is as defined, and what that took."""

    tolerance_id: UUID
    change: Literal["created", "changed", "unchanged"]


class ReceiptToleranceSeen(BaseModel):
    """How many percent more than is wanted may be accepted: of an item, of a vendor, or of all."""

    tolerance_id: UUID
    version: int
    sku: str | None
    vendor_number: str | None
    percent: Plain
    needs_approval: bool


class ReceivingPolicyDefined(BaseModel):
    """Whether the policy has become another."""

    change: Literal["created", "changed", "unchanged"]


class ReceivingPolicySeen(BaseModel):
    """The policy that holds; what nobody defined is what it begins with."""

    full_delivery_only: list[Kind]
    stale_after_days: int


@router.post(
    "/receipt-tolerances",
    status_code=201,
    response_model=ReceiptToleranceDefined,
    dependencies=[needs(Action.MANAGE_RECEIPT_TOLERANCES)],
)
async def define_receipt_tolerance(tolerance: JsonBody[DefineReceiptTolerance], obey: Obeying) -> Response:
    """Define how much more than is wanted may be accepted, or take that back by naming no percentage."""
    return await obey(tolerance)


@router.get("/receipt-tolerances", dependencies=[needs(Action.SEE_DELIVERIES)])
async def list_receipt_tolerances(
    read: Reading, limit: Limit = 100, after: After = None
) -> Page[ReceiptToleranceSeen]:
    """Those that hold, in no order that means anything."""
    query = select(_tolerances).where(_tolerances.c.percent.is_not(None))
    rows, following = await page_of(read, query, _tolerances.c.id, limit, _id(after))
    return Page(items=[_seen(row) for row in rows], next=following)


@router.put(
    "/policy", response_model=ReceivingPolicyDefined, dependencies=[needs(Action.MANAGE_RECEIVING_POLICY)]
)
async def define_receiving_policy(policy: JsonBody[DefineReceivingPolicy], obey: Obeying) -> Response:
    """Say how strict the dock is, all of it at once."""
    return await obey(policy, status=200)


@router.get("/policy", dependencies=[needs(Action.SEE_DELIVERIES)])
async def show_receiving_policy(read: Reading) -> ReceivingPolicySeen:
    """How strict the dock is."""
    row = (await read.execute(select(_policies).where(_policies.c.id == POLICY_ID))).one_or_none()
    policy = ReceivingPolicy(id=POLICY_ID) if row is None else ReceivingPolicy(**row._mapping)
    return ReceivingPolicySeen(
        full_delivery_only=list(policy.full_delivery_only), stale_after_days=policy.stale_after_days
    )


def _id(after: str | None) -> UUID | None:
    try:
        return UUID(after) if after else None
    except ValueError:
        # Nothing comes after what is no id.
        return UUID(int=2**128 - 1)


def _seen(row: Row[Any]) -> ReceiptToleranceSeen:
    return ReceiptToleranceSeen(tolerance_id=row.id, **fields_of(row, "id"))
