"""Software over HTTP: see what may be used by how many, and let somebody use it."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel
from sqlalchemy import Row, select

from libs.chassis.decision import Rejection
from libs.chassis.http import JsonBody, Obeying, Reading, needs
from libs.chassis.pages import Limit, Page, Wanted, fields_of, matching, page_of
from libs.contracts.assets import AllocateEntitlement, Holder
from libs.contracts.message import Value
from libs.contracts.permissions import Action
from libs.contracts.values import Destination, DestinationKind, Money, Quantity, money
from services.assets.entitlement import Allocation, Entitlement, EntitlementStatus
from services.assets.tables import STORAGE

router = APIRouter()

_entitlements = STORAGE.tables[Entitlement]
_allocations = STORAGE.tables[Allocation]


class NewAllocation(Value):
    """Who is to use so many, and for which request, if it is for one."""

    holder: Holder
    quantity: Quantity
    request_id: UUID | None = None


class Allocated(BaseModel):
    """Somebody may use it."""

    allocation_id: UUID
    entitlement_id: UUID


class EntitlementSeen(BaseModel):
    """Software that may be used by so many, of which so many are given to somebody."""

    entitlement_id: UUID
    status: EntitlementStatus
    sku: str
    name: str
    vendor_id: UUID
    vendor_name: str
    cost: Money
    metric: str | None
    starts_on: date | None
    ends_on: date | None
    order_id: UUID
    requisition_number: str
    order_line_id: UUID
    request_id: UUID | None
    request_line_id: UUID | None
    is_for_stock: bool
    ordered: int
    quantity: int
    allocated: int
    free: int


class AllocationSeen(BaseModel):
    """Somebody may use so many."""

    allocation_id: UUID
    holder: Destination
    quantity: int
    request_id: UUID | None
    allocated_by: str
    allocated_at: datetime


class EntitlementInDetail(EntitlementSeen):
    """An entitlement with whom it was given to."""

    allocations: list[AllocationSeen]


@router.get("/entitlements", dependencies=[needs(Action.SEE_ASSETS)])
async def list_entitlements(
    read: Reading,
    request_id: UUID | None = None,
    status: EntitlementStatus | None = None,
    sku: Wanted = None,
    limit: Limit = 100,
    after: Annotated[UUID | None, Query(description="`next` of the page before.")] = None,
) -> Page[EntitlementSeen]:
    """Software that was ordered."""
    wanted = {
        _entitlements.c.request_id: request_id,
        _entitlements.c.status: status,
        _entitlements.c.sku: sku,
    }
    query = matching(select(_entitlements), wanted)
    rows, following = await page_of(read, query, _entitlements.c.id, limit, after)
    return Page(items=[_entitlement_seen(row) for row in rows], next=following)


@router.get("/entitlements/{entitlement_id}", dependencies=[needs(Action.SEE_ASSETS)])
async def show_entitlement(entitlement_id: UUID, read: Reading) -> EntitlementInDetail:
    """One entitlement, and who uses it."""
    row = (
        await read.execute(select(_entitlements).where(_entitlements.c.id == entitlement_id))
    ).one_or_none()
    if row is None:
        raise Rejection("entitlement_unknown", message=f"There is no entitlement {entitlement_id}.")
    given = select(_allocations).where(_allocations.c.entitlement_id == entitlement_id)
    allocations = await read.execute(given.order_by(_allocations.c.allocated_at, _allocations.c.id))
    return EntitlementInDetail(
        **dict(_entitlement_seen(row)), allocations=[_allocation_seen(each) for each in allocations]
    )


@router.post(
    "/entitlements/{entitlement_id}/allocations",
    status_code=201,
    response_model=Allocated,
    dependencies=[needs(Action.ASSIGN_ASSETS)],
)
async def allocate_entitlement(
    entitlement_id: UUID, wanted: JsonBody[NewAllocation], obey: Obeying
) -> Response:
    """Let somebody use so many of what is free."""
    return await obey(AllocateEntitlement(entitlement_id=entitlement_id, **dict(wanted)))


def _entitlement_seen(row: Row[Any]) -> EntitlementSeen:
    entitlement = Entitlement(**row._mapping)
    return EntitlementSeen(
        entitlement_id=row.id,
        cost=money(row.cost, row.currency),
        quantity=entitlement.quantity,
        free=entitlement.free,
        **fields_of(row, "id", "version", "cost", "currency", "asked"),
    )


def _allocation_seen(row: Row[Any]) -> AllocationSeen:
    return AllocationSeen(
        allocation_id=row.id,
        holder=Destination(kind=DestinationKind(row.holder_kind), name=row.holder),
        **fields_of(row, "id", "version", "entitlement_id", "holder_kind", "holder"),
    )
