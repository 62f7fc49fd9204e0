"""Shipments over HTTP: register what is on its way, and see what has come of it."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from sqlalchemy import Row, select

from libs.chassis.decision import Rejection
from libs.chassis.http import JsonBody, Obeying, Reading, needs
from libs.chassis.pages import After, Limit, Page, fields_of, matching, named, page_of
from libs.contracts.permissions import Action
from libs.contracts.shipments import (
    RegisterShipment,
    ShipmentStatus,
)
from services.receiving.shipment import Shipment
from services.receiving.tables import STORAGE

router = APIRouter()

_shipments = STORAGE.tables[Shipment]


class ShipmentTold(BaseModel):
    """A shipment is known."""

    shipment_id: UUID
    number: str = Field(examples=["SHP-000001"])
    order_id: UUID
    status: ShipmentStatus


class ShippedLineSeen(BaseModel):
    """How many units of an order line are in a shipment, how many came with it, and the manifest."""

    order_line_id: UUID
    quantity: int
    received: int
    serials: list[str]


class ShipmentSeen(ShipmentTold):
    """Something that is or was on its way. `shipment_number` is the vendor's."""

    shipment_number: str
    vendor_name: str
    invoice_number: str | None
    carrier: str | None
    tracking_number: str | None
    dispatched_on: date | None
    expected_on: date | None
    location: str
    storage_space: str | None
    registered_by: str
    registered_at: datetime
    lines: list[ShippedLineSeen]


@router.post(
    "/shipments", status_code=201, response_model=ShipmentTold, dependencies=[needs(Action.MANAGE_SHIPMENTS)]
)
async def register_shipment(shipment: JsonBody[RegisterShipment], obey: Obeying) -> Response:
    """Tell what of an order is on its way."""
    return await obey(shipment)


@router.get("/shipments", dependencies=[needs(Action.SEE_DELIVERIES)])
async def list_shipments(
    read: Reading, order_id: UUID | None = None, limit: Limit = 100, after: After = None
) -> Page[ShipmentSeen]:
    """Shipments in the order in which they were registered, of one order if one is named."""
    query = matching(select(_shipments), {_shipments.c.order_id: order_id})
    rows, following = await page_of(read, query, _shipments.c.number, limit, after)
    return Page(items=[_shipment_seen(row) for row in rows], next=following)


@router.get("/shipments/{reference}", dependencies=[needs(Action.SEE_DELIVERIES)])
async def show_shipment(reference: str, read: Reading) -> ShipmentSeen:
    """One shipment by its id or our number."""
    query = select(_shipments).where(named(reference, _shipments.c.id, _shipments.c.number))
    row = (await read.execute(query)).one_or_none()
    if row is None:
        raise Rejection("shipment_unknown", message=f"No shipment is called {reference}.")
    return _shipment_seen(row)


def _shipment_seen(row: Row[Any]) -> ShipmentSeen:
    lines = [
        ShippedLineSeen(**line, received=received)
        for line, received in zip(row.lines, row.received, strict=True)
    ]
    return ShipmentSeen(
        shipment_id=row.id, lines=lines, **fields_of(row, "id", "version", "lines", "received")
    )
