"""How addresses name a request, and what of its lines is shown."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy import ColumnElement, Row, false, select

from libs.chassis.decision import Rejection
from libs.contracts.values import DestinationKind, Kind
from services.requests.process_line import ProcessLine
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


RequestNamed = Annotated[UUID, Depends(_request_named)]
"""The id of the request that an address names by its id or number."""


def line_of(row: Row[Any]) -> ProcessLine:
    """A process line as decisions know it, for what follows from its counters."""
    kept = dict(row._mapping)
    return ProcessLine(
        **kept | {"kind": Kind(row.kind), "destination_kind": DestinationKind(row.destination_kind)}
    )
