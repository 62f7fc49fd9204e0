"""How addresses name a request, and what of its lines is shown."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from pydantic import BaseModel
from sqlalchemy import ColumnElement, Row, false, select

from libs.chassis.decision import Rejection
from libs.contracts.values import DestinationKind, Kind
from services.requests.process_line import NO_ORDER, UNNAMED, ProcessLine
from services.requests.purchase_request import PurchaseRequest, ordinal_of
from services.requests.tables import STORAGE

_requests = STORAGE.tables[PurchaseRequest]


def is_named(reference: str) -> ColumnElement[bool]:
    """What an address names by its id or by its number, which is its ordinal in other words."""
    try:
        return _requests.c.id == UUID(reference)
    except ValueError:
        ordinal = ordinal_of(reference)
        return _requests.c.ordinal == ordinal if ordinal is not None else false()


async def _request_named(reference: str, request: Request) -> UUID:
    """By its id or number; the connection is back before anything else."""
    try:
        return UUID(reference)
    except ValueError:
        pass
    async with request.app.state.engine.connect() as connection:
        id = (
            await connection.execute(select(_requests.c.id).where(is_named(reference)))
        ).scalar_one_or_none()
    if isinstance(id, UUID):
        return id
    raise Rejection("request_unknown", message=f"There is no request {reference}.")


class ShareSeen(BaseModel):
    """What of a line is on one order line: what was ordered at first, is since its amendments, and was received.

    `lacks` is how many units less come than were ordered at first: cancelled, or taken off by an amendment; fewer than
    none if an amendment added some.
    """

    order_line_id: UUID
    ordered_first: int | None
    ordered: int
    lacks: int
    received: int


RequestNamed = Annotated[UUID, Depends(_request_named)]
"""The id of the request that an address names by its id or number."""


def line_of(row: Row[Any]) -> ProcessLine:
    """A process line as decisions know it, for what follows from its counters."""
    kept = dict(row._mapping)
    return ProcessLine(
        **kept | {"kind": Kind(row.kind), "destination_kind": DestinationKind(row.destination_kind)}
    )


def shares_of(line: ProcessLine) -> list[ShareSeen]:
    """What of a line is on which order line."""
    return [
        ShareSeen(
            order_line_id=UUID(order_line),
            ordered_first=share.first,
            ordered=share.now,
            lacks=share.lacks(software=line.is_software),
            received=share.arrived,
        )
        for order_line, share in zip(line.shares, line.known, strict=True)
        if order_line not in (UNNAMED, NO_ORDER)
    ]
