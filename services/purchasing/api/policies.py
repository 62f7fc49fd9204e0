"""How the company buys, over HTTP."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import select

from libs.chassis.http import JsonBody, Obeying, Reading, needs
from libs.chassis.pages import Plain
from libs.contracts.permissions import Action
from libs.contracts.purchasing import DefinePurchasingPolicy
from libs.contracts.values import Money
from services.purchasing.policy import POLICY_ID, PurchasingPolicy
from services.purchasing.tables import STORAGE

router = APIRouter()

_policies = STORAGE.tables[PurchasingPolicy]


class PolicyDefined(BaseModel):
    """Whether the policy has become another."""

    change: Literal["created", "changed", "unchanged"]


class PolicySeen(BaseModel):
    """The policy that holds; what nobody defined is what it begins with."""

    uses_invoices: bool
    submits_by_itself: bool
    approve_orders_from: Money | None
    spending_tolerance: Plain
    separates_duties: bool
    base_currency: str
    company: str | None
    address: str
    terms: str


@router.put("/policy", response_model=PolicyDefined, dependencies=[needs(Action.MANAGE_PURCHASING_POLICY)])
async def define_policy(policy: JsonBody[DefinePurchasingPolicy], obey: Obeying) -> Response:
    """Say how the company buys, all of it at once."""
    return await obey(policy, status=200)


@router.get("/policy", dependencies=[needs(Action.SEE_ORDERS)])
async def show_policy(read: Reading) -> PolicySeen:
    """How the company buys."""
    row = (await read.execute(select(_policies).where(_policies.c.id == POLICY_ID))).one_or_none()
    policy = PurchasingPolicy(id=POLICY_ID) if row is None else PurchasingPolicy(**row._mapping)
    return PolicySeen(
        approve_orders_from=policy.threshold,
        **{name: getattr(policy, name) for name in PolicySeen.model_fields if name != "approve_orders_from"},
    )
