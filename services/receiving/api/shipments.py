"""Shipments over HTTP: register what is on its way, track it, find it, and see what has come of it."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.chassis.decision import Rejection
from libs.chassis.finding import PageWanted
from libs.chassis.http import JsonBody, Obeying, Reading, needs
from libs.chassis.pages import After, Limit, Page, Wanted, named, page_of
from libs.contracts.permissions import Action
from libs.contracts.shipments import (
    RegisterShipment,
    ShipmentStatus,
    Tracking,
    TrackShipment,
)
from services.receiving.api.shipment_finding import ON_THEIR_WAY, Wish, find
from services.receiving.manifest import AnnouncedSerial
from services.receiving.shipment import Shipment
from services.receiving.tables import STORAGE

router = APIRouter()

_shipments = STORAGE.tables[Shipment]
_serials = STORAGE.tables[AnnouncedSerial]
_TODAY = text("SELECT CAST(chassis.app_now() AT TIME ZONE 'UTC' AS date)")


class ShipmentTold(BaseModel):
    """A shipment is known."""

    shipment_id: UUID
    number: str = Field(examples=["SHP-000001"])
    order_id: UUID
    status: ShipmentStatus


class ShippedLineSeen(BaseModel):
    """How many units of an order line are in a shipment, how many came with it, and of how many a serial is known."""

    order_line_id: UUID
    quantity: int
    received: int
    announced: int


class ShipmentSeen(ShipmentTold):
    """Something that is or was on its way. `shipment_number` is the vendor's."""

    shipment_number: str
    vendor_name: str
    invoice_number: str | None
    carrier: str | None
    tracking_number: str | None
    dispatched_on: date | None
    expected_on: date | None
    arrived_on: date | None
    overdue: bool
    location: str
    storage_space: str | None
    registered_by: str
    registered_at: datetime
    lines: list[ShippedLineSeen]


class ShipmentInDetail(ShipmentSeen):
    """A shipment with the numbers of its packages."""

    packages: list[str]


class SerialSeen(BaseModel):
    """A serial number that a shipment announces, and of what."""

    serial: str
    sku: str
    order_line_id: UUID


def _wish(
    status: ShipmentStatus | None = None,
    order_id: UUID | None = None,
    overdue: Annotated[bool, Query(description="Only what should have arrived by now.")] = False,
    search: Annotated[
        Wanted, Query(description="Words of its numbers: ours, vendor's, carrier's, packages', order's.")
    ] = None,
) -> Wish:
    return Wish(status=status, order_id=order_id, overdue=overdue, search=search)


@router.post(
    "/shipments", status_code=201, response_model=ShipmentTold, dependencies=[needs(Action.MANAGE_SHIPMENTS)]
)
async def register_shipment(shipment: JsonBody[RegisterShipment], obey: Obeying) -> Response:
    """Tell what of an order is on its way."""
    return await obey(shipment)


@router.get("/shipments", dependencies=[needs(Action.SEE_DELIVERIES)])
async def list_shipments(
    read: Reading,
    wish: Annotated[Wish, Depends(_wish)],
    newest: bool = False,
    limit: Limit = 100,
    after: After = None,
) -> Page[ShipmentSeen]:
    """Shipments in the order in which they were registered, or the newest first.

    A page may hold less than was asked for and still have a `next`.
    """
    today = await _today(read)
    rows, following = await find(read, wish, PageWanted(limit, _ordinal(after), newest), today)
    items = [ShipmentSeen(**_shipment_seen(row, today)) for row in rows]
    return Page(items=items, next=str(following) if following else None)


@router.get("/shipments/{reference}", dependencies=[needs(Action.SEE_DELIVERIES)])
async def show_shipment(reference: str, read: Reading) -> ShipmentInDetail:
    """One shipment by its id or our number."""
    row = await _shipment_named(reference, read)
    return ShipmentInDetail(**_shipment_seen(row, await _today(read)), packages=row.packages)


@router.get("/shipments/{reference}/serials", dependencies=[needs(Action.SEE_DELIVERIES)])
async def list_announced_serials(
    reference: str, read: Reading, limit: Limit = 100, after: After = None
) -> Page[SerialSeen]:
    """The serial numbers that a shipment announces, in their order."""
    row = await _shipment_named(reference, read)
    # Serial numbers have no blanks in them.
    place = (_serials.c.serial.collate("C") + " " + _serials.c.sku).label("place")
    query = select(place, _serials).where(_serials.c.shipment_id == row.id)
    rows, following = await page_of(read, query, place, limit, after)
    return Page(items=[SerialSeen.model_validate(dict(each._mapping)) for each in rows], next=following)


@router.post(
    "/shipments/{reference}/tracking",
    status_code=200,
    response_model=ShipmentTold,
    dependencies=[needs(Action.MANAGE_SHIPMENTS)],
)
async def track_shipment(reference: str, news: JsonBody[Tracking], obey: Obeying) -> Response:
    """Say how far a shipment has come, or on which other day it is expected; named by its id or our number."""
    name: dict[str, Any]
    try:
        name = {"shipment_id": UUID(reference)}
    except ValueError:
        name = {"number": reference}
    try:
        command = TrackShipment.model_validate(news.model_dump() | name)
    except ValidationError:
        raise Rejection("shipment_unknown", message=f"No shipment is called {reference}.") from None
    return await obey(command, status=200)


async def _shipment_named(reference: str, read: AsyncConnection) -> Row[Any]:
    query = select(_shipments).where(named(reference, _shipments.c.id, _shipments.c.number))
    row = (await read.execute(query)).one_or_none()
    if row is None:
        raise Rejection("shipment_unknown", message=f"No shipment is called {reference}.")
    return row


async def _today(read: AsyncConnection) -> date:
    today: date = (await read.execute(_TODAY)).scalar_one()
    return today


def _ordinal(after: str | None) -> int | None:
    if after is None:
        return None
    # What no page ever named has nothing after it.
    return int(after) if after.isascii() and after.isdigit() and len(after) < 19 else 2**63 - 1


def _shipment_seen(row: Row[Any], today: date) -> dict[str, Any]:
    lines = [
        ShippedLineSeen(**line, received=received, announced=announced)
        for line, received, announced in zip(row.lines, row.received, row.announced, strict=True)
    ]
    overdue = row.status in ON_THEIR_WAY and row.expected_on is not None and row.expected_on < today
    shown = {name for name in ShipmentSeen.model_fields if name not in ("shipment_id", "lines", "overdue")}
    return {name: row._mapping[name] for name in shown} | {
        "shipment_id": row.id,
        "lines": lines,
        "overdue": overdue,
    }
