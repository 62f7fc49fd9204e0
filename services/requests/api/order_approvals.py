"""Approval of orders as such over HTTP: yes and no, and who said what."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import select

from libs.chassis.decision import Rejection
from libs.chassis.http import JsonBody, Obeying, Person, Reading, needs
from libs.contracts.approvals import DecideApproval
from libs.contracts.permissions import Action
from libs.contracts.values import Kind, Money, money
from services.requests.api.approvals import ApprovalDecidedSeen, NewDecision, RoundSeen, rounds_about
from services.requests.api.inbox import may_decide_on
from services.requests.order_to_approve import OrderApprovalStatus, OrderToApprove
from services.requests.tables import STORAGE

router = APIRouter()

_orders = STORAGE.tables[OrderToApprove]
_SHOWN = ("status", "status_since", "vendor", "kinds", "asked_by", "request_ids")


class OrderApprovalsSeen(BaseModel):
    """An order that needs an approval of its own, as it was asked about last, and all rounds about it."""

    order_id: UUID
    requisition_number: str
    status: OrderApprovalStatus
    status_since: datetime
    order_revision: int
    total: Money
    vendor: str
    kinds: list[Kind]
    asked_by: str
    request_ids: list[UUID]
    rounds: list[RoundSeen]


@router.post(
    "/orders/{order_id}/decisions",
    status_code=201,
    response_model=ApprovalDecidedSeen,
    dependencies=[needs(Action.DECIDE_APPROVALS)],
)
async def decide_on_order(order_id: UUID, decision: JsonBody[NewDecision], obey: Obeying) -> Response:
    """Say yes or no to an order that needs an approval of its own."""
    return await obey(DecideApproval(request_id=order_id, decided_by=obey.person, **dict(decision)))


@router.get(
    "/orders/{order_id}/approvals",
    dependencies=[needs(Action.DECIDE_APPROVALS, Action.SEE_ALL_REQUESTS)],
)
async def show_order_approvals(order_id: UUID, read: Reading, actor: Person) -> OrderApprovalsSeen:
    """Who was asked to approve an order as such, by which policy and rule, and who said what in whose name."""
    order = (await read.execute(select(_orders).where(_orders.c.id == order_id))).one_or_none()
    if order is None or not (actor.id == order.asked_by or await may_decide_on(read, actor, order_id)):
        raise Rejection("order_unknown", message="No approval of such an order was asked for.")
    return OrderApprovalsSeen(
        order_id=order.id,
        requisition_number=order.number,
        order_revision=order.revision,
        total=money(order.total, order.currency),
        rounds=await rounds_about(order.id, read),
        **{name: order._mapping[name] for name in _SHOWN},
    )
