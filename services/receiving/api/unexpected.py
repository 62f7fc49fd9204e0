"""Unexpected deliveries over HTTP: note them, see them, attach or return them."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import Row, select

from libs.chassis.decision import Rejection
from libs.chassis.http import JsonBody, Obeying, Reading, needs
from libs.chassis.pages import After, Limit, Page, fields_of, matching, named, page_of
from libs.contracts.deliveries import (
    AttachUnexpectedDelivery,
    RecordUnexpectedDelivery,
    ReturnUnexpectedDelivery,
    Unexpected,
)
from libs.contracts.permissions import Action
from libs.contracts.receiving import UnitToReceive
from libs.contracts.values import Text
from services.receiving.tables import STORAGE
from services.receiving.unexpected import UnexpectedDelivery, UnexpectedStatus

router = APIRouter()

_deliveries = STORAGE.tables[UnexpectedDelivery]


class UnexpectedRecorded(BaseModel):
    """Goods that nobody expected were noted."""

    unexpected_id: UUID
    number: str = Field(examples=["UNX-000001"])
    why: Unexpected
    order_line_id: UUID | None
    quantity: int


class UnexpectedAttached(BaseModel):
    """An unexpected delivery was taken as this receipt."""

    unexpected_id: UUID
    receipt_id: UUID
    receipt_number: str


class UnexpectedReturned(BaseModel):
    """An unexpected delivery went back."""

    unexpected_id: UUID


class ToAttach(BaseModel):
    """The order line that it is for after all."""

    order_line_id: UUID


class ToReturn(BaseModel):
    """Why it goes back, and under which number the vendor takes it."""

    reason: Text
    rma: Text | None = None


class UnexpectedSeen(BaseModel):
    """Goods that nobody expected, and what became of them."""

    unexpected_id: UUID
    number: str
    status: UnexpectedStatus
    why: Unexpected
    order_id: UUID | None
    order_line_id: UUID | None
    shipment_id: UUID | None
    sku: str | None
    description: str
    vendor_name: str | None
    delivery_note: str | None
    quantity: int
    location: str | None
    storage_space: str | None
    received_on: date
    recorded_by: str
    recorded_at: datetime
    settled_by: str | None
    settled_at: datetime | None
    receipt_id: UUID | None
    reason: str | None
    rma: str | None


class UnexpectedInDetail(UnexpectedSeen):
    """Goods that nobody expected, unit by unit if they are hardware."""

    units: list[UnitToReceive]


@router.post(
    "/unexpected-deliveries",
    status_code=201,
    response_model=UnexpectedRecorded,
    dependencies=[needs(Action.TAKE_DELIVERY)],
)
async def record_unexpected(delivery: JsonBody[RecordUnexpectedDelivery], obey: Obeying) -> Response:
    """Note goods that came without an order that is known."""
    return await obey(delivery)


@router.get("/unexpected-deliveries", dependencies=[needs(Action.SEE_DELIVERIES)])
async def list_unexpected(
    read: Reading,
    order_id: UUID | None = None,
    status: UnexpectedStatus | None = None,
    why: Annotated[Unexpected | None, Query(description="Why it was not expected.")] = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[UnexpectedSeen]:
    """Unexpected deliveries in the order of their numbers."""
    wanted = {_deliveries.c.order_id: order_id, _deliveries.c.status: status, _deliveries.c.why: why}
    query = matching(select(_deliveries), wanted)
    rows, following = await page_of(read, query, _deliveries.c.number, limit, after)
    return Page(items=[UnexpectedSeen(**_seen(row)) for row in rows], next=following)


@router.get("/unexpected-deliveries/{reference}", dependencies=[needs(Action.SEE_DELIVERIES)])
async def show_unexpected(reference: str, read: Reading) -> UnexpectedInDetail:
    """One unexpected delivery by its id or number."""
    query = select(_deliveries).where(named(reference, _deliveries.c.id, _deliveries.c.number))
    row = (await read.execute(query)).one_or_none()
    if row is None:
        message = f"No unexpected delivery is called {reference}."
        raise Rejection("unexpected_delivery_unknown", message=message)
    units = [UnitToReceive.model_validate(unit, strict=False) for unit in row.units]
    return UnexpectedInDetail(**_seen(row), units=units)


@router.post(
    "/unexpected-deliveries/{unexpected_id}/attachment",
    response_model=UnexpectedAttached,
    dependencies=[needs(Action.SETTLE_UNEXPECTED)],
)
async def attach_unexpected(unexpected_id: UUID, attachment: JsonBody[ToAttach], obey: Obeying) -> Response:
    """Take it for an order line after all, as a receipt."""
    command = AttachUnexpectedDelivery(unexpected_id=unexpected_id, order_line_id=attachment.order_line_id)
    return await obey(command, status=200)


@router.post(
    "/unexpected-deliveries/{unexpected_id}/return",
    response_model=UnexpectedReturned,
    dependencies=[needs(Action.SETTLE_UNEXPECTED)],
)
async def return_unexpected(unexpected_id: UUID, returned: JsonBody[ToReturn], obey: Obeying) -> Response:
    """Send it back."""
    command = ReturnUnexpectedDelivery(unexpected_id=unexpected_id, reason=returned.reason, rma=returned.rma)
    return await obey(command, status=200)


def _seen(row: Row[Any]) -> dict[str, Any]:
    return {"unexpected_id": row.id, **fields_of(row, "id", "version", "units")}
