"""Receipts that are taken back, and goods that go back to their vendor, over HTTP."""

from collections import defaultdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field
from sqlalchemy import Row, select

from libs.chassis.decision import Rejection
from libs.chassis.http import JsonBody, Obeying, Reading, needs
from libs.chassis.pages import After, Limit, Page, fields_of, matching, named, page_of
from libs.contracts.message import Value
from libs.contracts.permissions import Action
from libs.contracts.receiving import ReturnGoods, ReverseReceipt
from libs.contracts.values import Code, Text
from services.receiving.returning import Return, ReturnLine
from services.receiving.tables import STORAGE
from services.receiving.taking_back import TakenBackUnit

router = APIRouter()

_returns = STORAGE.tables[Return]
_lines = STORAGE.tables[ReturnLine]
_units = STORAGE.tables[TakenBackUnit]

Reference = Annotated[
    UUID | Code, Path(description="The receipt's id or number.", union_mode="left_to_right")
]


class WhyReversed(Value):
    """Why a receipt is taken back."""

    reason: Text


class ReceiptTakenBack(BaseModel):
    """A receipt was taken back by another one."""

    receipt_id: UUID
    receipt_number: str = Field(examples=["RCV-000002"])
    order_id: UUID
    reverses: UUID


class ReturnMade(BaseModel):
    """Goods went back to their vendor."""

    return_id: UUID
    return_number: str = Field(examples=["RTV-000001"])
    order_id: UUID


class ReturnSeen(ReturnMade):
    """Goods that went back. `credited` of them are wanted no more and were no surplus."""

    purpose: Literal["replacement", "credit"]
    reason: str
    rma: str | None
    returned_by: str
    returned_at: datetime
    quantity: int
    credited: int


class UnitReturned(BaseModel):
    """One unit that went back, with the serial number that it has."""

    asset_id: UUID
    unit_number: int
    serial: str


class LineReturned(BaseModel):
    """How many of an order line went back; a quantity tells with which receipt line it had come."""

    order_line_id: UUID
    sku: str
    quantity: int
    credited: int
    receipt_line_id: UUID | None
    location: str | None
    storage_space: str | None
    units: list[UnitReturned]


class ReturnInDetail(ReturnSeen):
    """Goods that went back, unit by unit."""

    lines: list[LineReturned]


@router.post(
    "/receipts/{reference}/reversal",
    status_code=201,
    response_model=ReceiptTakenBack,
    dependencies=[needs(Action.REVERSE_RECEIPTS)],
)
async def reverse_receipt(reference: Reference, why: JsonBody[WhyReversed], obey: Obeying) -> Response:
    """Take back all of a receipt that was a mistake. Refused if any of it was acknowledged, issued or sent back."""
    if isinstance(reference, UUID):
        return await obey(ReverseReceipt(receipt_id=reference, reason=why.reason))
    return await obey(ReverseReceipt(receipt_number=reference, reason=why.reason))


@router.post(
    "/returns", status_code=201, response_model=ReturnMade, dependencies=[needs(Action.RETURN_GOODS)]
)
async def return_goods(goods: JsonBody[ReturnGoods], obey: Obeying) -> Response:
    """Send goods of an order back to their vendor, for replacement or for credit."""
    return await obey(goods)


@router.get("/returns", dependencies=[needs(Action.SEE_DELIVERIES)])
async def list_returns(
    read: Reading, order_id: UUID | None = None, limit: Limit = 100, after: After = None
) -> Page[ReturnSeen]:
    """Goods that went back, in the order of their numbers."""
    query = matching(select(_returns), {_returns.c.order_id: order_id})
    rows, following = await page_of(read, query, _returns.c.number, limit, after)
    return Page(items=[_return_seen(row) for row in rows], next=following)


@router.get("/returns/{reference}", dependencies=[needs(Action.SEE_DELIVERIES)])
async def show_return(reference: str, read: Reading) -> ReturnInDetail:
    """What went back at once, by its id or number."""
    query = select(_returns).where(named(reference, _returns.c.id, _returns.c.number))
    seen = (await read.execute(query)).one_or_none()
    if seen is None:
        raise Rejection("return_unknown", message=f"No return is called {reference}.")
    units: dict[UUID, list[UnitReturned]] = defaultdict(list)
    for unit in await read.execute(
        select(_units).where(_units.c.take_back_id == seen.id).order_by(_units.c.unit_number)
    ):
        units[unit.order_line_id].append(UnitReturned.model_validate(dict(unit._mapping)))
    lines = await read.execute(
        select(_lines).where(_lines.c.return_id == seen.id).order_by(_lines.c.sku, _lines.c.id)
    )
    hidden = ("id", "version", "return_id", "receipt_id")
    # Units stand once, though their line may stand there several times.
    in_detail = [
        LineReturned(units=units.pop(line.order_line_id, []), **fields_of(line, *hidden)) for line in lines
    ]
    return ReturnInDetail(**_return_seen(seen).model_dump(), lines=in_detail)


def _return_seen(row: Row[Any]) -> ReturnSeen:
    return ReturnSeen(return_id=row.id, return_number=row.number, **fields_of(row, "id", "version", "number"))
