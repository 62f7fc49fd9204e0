"""Vendors over HTTP: define, retire, list and show them."""

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import Row, select

from libs.chassis.decision import Rejection
from libs.chassis.http import JsonBody, Obeying, Reading, needs
from libs.chassis.pages import After, Limit, Page, fields_of, matching, named, page_of
from libs.chassis.preconditions import IfMatch, as_seen, etag
from libs.contracts.catalog import DefineVendor, SetVendorActive
from libs.contracts.permissions import Action
from services.purchasing.catalog import Vendor
from services.purchasing.tables import STORAGE

router = APIRouter()

_vendors = STORAGE.tables[Vendor]

Change = Literal["created", "changed", "unchanged"]


class VendorDefined(BaseModel):
    """The vendor is as said, and what that took."""

    vendor_id: UUID
    number: str
    change: Change


class VendorSeen(BaseModel):
    """Somebody we buy from."""

    vendor_id: UUID
    version: int
    number: str
    name: str
    currency: str
    contact_name: str | None
    contact_email: str | None
    contact_phone: str | None
    payment_terms: str | None
    lead_time_days: int
    strategic: bool
    active: bool


@router.post(
    "/vendors", status_code=201, response_model=VendorDefined, dependencies=[needs(Action.MANAGE_VENDORS)]
)
async def define_vendor(vendor: JsonBody[DefineVendor], obey: Obeying, if_match: IfMatch = None) -> Response:
    """Create a vendor, or change the one with this number; with If-Match only as it was seen."""
    return await obey(as_seen(vendor, if_match))


@router.post(
    "/vendor-activations",
    status_code=200,
    response_model=VendorDefined,
    dependencies=[needs(Action.MANAGE_VENDORS)],
)
async def set_vendor_active(activation: JsonBody[SetVendorActive], obey: Obeying) -> Response:
    """Buy from a vendor again, or no longer. What is ordered already stays ordered."""
    return await obey(activation, status=200)


@router.get("/vendors", dependencies=[needs(Action.SEE_CATALOG)])
async def list_vendors(
    read: Reading,
    active: bool | None = None,
    strategic: bool | None = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[VendorSeen]:
    """Vendors by number."""
    query = matching(select(_vendors), {_vendors.c.active: active, _vendors.c.strategic: strategic})
    rows, following = await page_of(read, query, _vendors.c.number, limit, after)
    return Page(items=[_seen(row) for row in rows], next=following)


@router.get("/vendors/{reference:path}", dependencies=[needs(Action.SEE_CATALOG)])
async def show_vendor(reference: str, read: Reading, response: Response) -> VendorSeen:
    """One vendor by id or number."""
    query = select(_vendors).where(named(reference, _vendors.c.id, _vendors.c.number))
    for row in await read.execute(query):
        response.headers["ETag"] = etag(row.version)
        return _seen(row)
    raise Rejection("no_such_vendor", message=f"There is no vendor {reference}.")


def _seen(row: Row[Any]) -> VendorSeen:
    return VendorSeen(vendor_id=row.id, **fields_of(row, "id"))
