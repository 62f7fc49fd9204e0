"""Amending orders over HTTP, and seeing their revisions with what was different in each."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import Row, select

from libs.chassis.decision import Rejection
from libs.chassis.http import JsonBody, Obeying, Reading, needs
from libs.chassis.pages import fields_of
from libs.chassis.preconditions import IfMatch, etag, expected_version
from libs.contracts.orders import Amendment, AmendOrder
from libs.contracts.permissions import Action
from libs.contracts.purchasing import OrderChange
from libs.contracts.values import Money, money
from services.purchasing.amendment import AmendmentStatus, OrderAmendment
from services.purchasing.api.order_commands import OrderAdvanced
from services.purchasing.api.orders import OrderNamedHere
from services.purchasing.purchase_order import PurchaseOrder
from services.purchasing.tables import STORAGE

router = APIRouter()

_orders = STORAGE.tables[PurchaseOrder]
_amendments = STORAGE.tables[OrderAmendment]


class OrderAmendedNow(OrderAdvanced):
    """Where the order stands, and whether its amendment was made or waits; a draft has none."""

    amendment: AmendmentStatus | None = None


class AmendmentSeen(BaseModel):
    """A revision of a submitted order: what was different, by whom and why. One that waits or was refused makes none.

    `number` counts those that were made, `refusal` is why one was not, `awaits` are the ids of the requests, and of the
    order itself, whose approvers have not said yes.
    """

    revision: int
    number: int | None
    status: AmendmentStatus
    amended_by: str
    amended_at: datetime
    settled_at: datetime | None
    reason: str
    refusal: str | None
    changes: list[OrderChange]
    total: Money
    expected_cost: Money
    awaits: list[UUID]


class Revisions(BaseModel):
    """The revision that an order is at, and its amendments since it was submitted."""

    order_id: UUID
    requisition_number: str
    revision: int
    amendments: list[AmendmentSeen]


@router.post(
    "/orders/{reference}/amendments",
    status_code=200,
    response_model=OrderAmendedNow,
    dependencies=[needs(Action.MANAGE_ORDERS)],
)
async def amend_order(
    order_id: OrderNamedHere, amendment: JsonBody[Amendment], obey: Obeying, if_match: IfMatch = None
) -> Response:
    """Change an order. The If-Match is the ETag of its revisions; what costs more than was approved waits."""
    command = AmendOrder(order_id=order_id, expected_revision=expected_version(if_match), **dict(amendment))
    return await obey(command, status=200)


@router.get("/orders/{reference}/amendments", dependencies=[needs(Action.SEE_ORDERS)])
async def show_revisions(order_id: OrderNamedHere, read: Reading, response: Response) -> Revisions:
    """The revisions of an order since it was submitted, with what was different in each."""
    order = (await read.execute(select(_orders).where(_orders.c.id == order_id))).one_or_none()
    if order is None:
        raise Rejection("order_unknown", message=f"There is no order {order_id}.")
    response.headers["ETag"] = etag(order.revision)
    query = select(_amendments).where(_amendments.c.order_id == order_id).order_by(_amendments.c.revision)
    return Revisions(
        order_id=order.id,
        requisition_number=order.requisition_number,
        revision=order.revision,
        amendments=[_amendment_seen(row, order.currency) for row in await read.execute(query)],
    )


def _amendment_seen(row: Row[Any], currency: str) -> AmendmentSeen:
    hidden = ("id", "version", "order_id", "wish", "items", "changes", "total", "expected_cost")
    return AmendmentSeen(
        changes=[OrderChange.model_validate(change, strict=False) for change in row.changes],
        total=money(row.total, currency),
        expected_cost=money(row.expected_cost, currency),
        **fields_of(row, *hidden),
    )
