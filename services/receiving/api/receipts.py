"""Taking deliveries over HTTP, and seeing what was taken."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from sqlalchemy import Row, or_, select

from libs.chassis.decision import Rejection
from libs.chassis.http import JsonBody, Obeying, Reading, needs
from libs.chassis.pages import After, Limit, Page, fields_of, matching, named, page_of
from libs.contracts.deliveries import Unexpected
from libs.contracts.permissions import Action
from libs.contracts.receiving import Condition, RecordReceipt
from services.receiving.expectation import ExpectedLine
from services.receiving.receipt import Receipt, ReceiptLine, ReceiptUnit
from services.receiving.tables import STORAGE

router = APIRouter()

_lines = STORAGE.tables[ExpectedLine]
_receipts = STORAGE.tables[Receipt]
_receipt_lines = STORAGE.tables[ReceiptLine]
_receipt_units = STORAGE.tables[ReceiptUnit]


class BeyondExpected(BaseModel):
    """What of a delivery could not be accepted, and waits as an unexpected delivery."""

    unexpected_id: UUID
    number: str = Field(examples=["UNX-000001"])
    why: Unexpected
    order_line_id: UUID
    quantity: int


class ReceiptTaken(BaseModel):
    """A delivery was recorded. Of one of which nothing could be accepted there is no receipt."""

    receipt_id: UUID | None = None
    receipt_number: str | None = Field(default=None, examples=["RCV-000001"])
    order_id: UUID
    unexpected: list[BeyondExpected] = []
    beyond_shipped: int = Field(default=0, description="So many more than the shipment that it came with.")
    beyond_invoiced: int = Field(default=0, description="So many more than the invoice that it came with.")
    waits: bool = Field(default=False, description="Takes effect with the last part of the delivery.")


class ReceiptSeen(BaseModel):
    """A delivery that was taken; or a receipt that `reverses` another one, whose counts it has below zero."""

    receipt_id: UUID
    receipt_number: str
    order_id: UUID
    request_id: UUID | None
    shipment_id: UUID | None
    invoice_id: UUID | None
    received_by: str
    received_at: datetime
    received_on: date
    delivery_note: str | None
    accepted: int
    rejected: int
    reverses: UUID | None
    reason: str | None


class UnitTaken(BaseModel):
    """One accepted unit."""

    asset_id: UUID
    unit_number: int
    serial: str
    tag: str | None
    condition: Condition
    location: str
    storage_space: str


class LineTaken(BaseModel):
    """What was accepted and rejected of one order line; a quantity has one place, units have their own."""

    receipt_line_id: UUID
    order_line_id: UUID
    sku: str
    accepted: int
    rejected: int
    rejection_reason: str | None
    location: str | None
    storage_space: str | None
    units: list[UnitTaken]


class ReceiptInDetail(ReceiptSeen):
    """A delivery that was taken, unit by unit."""

    lines: list[LineTaken]


@router.post(
    "/receipts", status_code=201, response_model=ReceiptTaken, dependencies=[needs(Action.TAKE_DELIVERY)]
)
async def record_receipt(receipt: JsonBody[RecordReceipt], obey: Obeying) -> Response:
    """Take a delivery for an order. All of it is recorded, or nothing; what is too much as an unexpected delivery."""
    return await obey(receipt)


@router.get("/receipts", dependencies=[needs(Action.SEE_DELIVERIES)])
async def list_receipts(
    read: Reading,
    order_id: UUID | None = None,
    request_id: UUID | None = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[ReceiptSeen]:
    """Deliveries taken, in the order of their numbers."""
    query = matching(select(_receipts), {_receipts.c.order_id: order_id})
    if request_id is not None:
        # Lines say whom they are for where their order serves several requests.
        among_others = select(_lines.c.order_id).where(_lines.c.request_id == request_id)
        query = query.where(or_(_receipts.c.request_id == request_id, _receipts.c.order_id.in_(among_others)))
    rows, following = await page_of(read, query, _receipts.c.number, limit, after)
    return Page(items=[_receipt_seen(row) for row in rows], next=following)


@router.get("/receipts/{reference}", dependencies=[needs(Action.SEE_DELIVERIES)])
async def show_receipt(reference: str, read: Reading) -> ReceiptInDetail:
    """One delivery by its id or number, with what was accepted and rejected."""
    query = select(_receipts).where(named(reference, _receipts.c.id, _receipts.c.number))
    receipt = (await read.execute(query)).one_or_none()
    if receipt is None:
        raise Rejection("receipt_unknown", message=f"No receipt is called {reference}.")
    lines = await read.execute(select(_receipt_lines).where(_receipt_lines.c.receipt_id == receipt.id))
    lines_seen = {
        line.id: LineTaken(
            receipt_line_id=line.id,
            order_line_id=line.order_line_id,
            sku=line.sku,
            accepted=line.accepted,
            rejected=line.rejected,
            rejection_reason=line.rejection_reason,
            location=line.location,
            storage_space=line.storage_space,
            units=[],
        )
        for line in lines
    }
    units = select(_receipt_units).where(_receipt_units.c.receipt_line_id.in_(lines_seen))
    for unit in await read.execute(units.order_by(_receipt_units.c.unit_number)):
        lines_seen[unit.receipt_line_id].units.append(UnitTaken.model_validate(dict(unit._mapping)))
    return ReceiptInDetail(**_receipt_seen(receipt).model_dump(), lines=list(lines_seen.values()))


def _receipt_seen(row: Row[Any]) -> ReceiptSeen:
    return ReceiptSeen(
        receipt_id=row.id, receipt_number=row.number, **fields_of(row, "id", "version", "number", "said")
    )
