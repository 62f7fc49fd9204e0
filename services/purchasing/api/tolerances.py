"""Tolerances over HTTP: define them, and see which hold."""

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import Row, or_, select

from libs.chassis.http import JsonBody, Obeying, Reading, needs
from libs.chassis.pages import After, Limit, Page, Plain, fields_of, matching, page_of
from libs.contracts.invoices import DefineTolerance, Difference
from libs.contracts.permissions import Action
from services.purchasing.tables import STORAGE
from services.purchasing.tolerance import Tolerance

router = APIRouter()

_tolerances = STORAGE.tables[Tolerance]


class ToleranceDefined(BaseModel):
    """The tolerance is as defined, and what that took."""

    tolerance_id: UUID
    change: Literal["created", "changed", "unchanged"]


class ToleranceSeen(BaseModel):
    """From how much on a difference needs a person: for an item, for a vendor, or for all."""

    tolerance_id: UUID
    version: int
    difference: Difference
    sku: str | None
    vendor_number: str | None
    percent: Plain | None
    amount: Plain | None


@router.post(
    "/tolerances",
    status_code=201,
    response_model=ToleranceDefined,
    dependencies=[needs(Action.MANAGE_TOLERANCES)],
)
async def define_tolerance(tolerance: JsonBody[DefineTolerance], obey: Obeying) -> Response:
    """Define how much of a difference is tolerated, or take that back by naming neither bound."""
    return await obey(tolerance)


@router.get("/tolerances", dependencies=[needs(Action.SEE_INVOICES)])
async def list_tolerances(
    read: Reading, difference: Difference | None = None, limit: Limit = 100, after: After = None
) -> Page[ToleranceSeen]:
    """Those that hold, in no order that means anything."""
    query = matching(select(_tolerances), {_tolerances.c.difference: difference})
    query = query.where(or_(_tolerances.c.percent.is_not(None), _tolerances.c.amount.is_not(None)))
    rows, following = await page_of(read, query, _tolerances.c.id, limit, _id(after))
    return Page(items=[_seen(row) for row in rows], next=following)


def _id(after: str | None) -> UUID | None:
    try:
        return UUID(after) if after else None
    except ValueError:
        # Nothing comes after what is no id.
        return UUID(int=2**128 - 1)


def _seen(row: Row[Any]) -> ToleranceSeen:
    return ToleranceSeen(tolerance_id=row.id, **fields_of(row, "id"))
