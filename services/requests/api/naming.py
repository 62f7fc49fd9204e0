"""How addresses name a request, and whose requests somebody sees."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from sqlalchemy import ColumnElement, Row, Select, select, union

from libs.chassis.decision import Actor, Rejection
from libs.contracts.permissions import Action
from libs.contracts.values import DestinationKind, Kind
from services.requests.process import ProcessLine
from services.requests.purchase_request import PurchaseRequest
from services.requests.tables import STORAGE

_requests = STORAGE.tables[PurchaseRequest]


async def _request_named(reference: str, request: Request) -> UUID:
    """By its id or number; the connection is back before anything else."""
    try:
        return UUID(reference)
    except ValueError:
        pass
    query = select(_requests.c.id).where(_requests.c.number == reference)
    if "\x00" not in reference:
        async with request.app.state.engine.connect() as connection:
            id = (await connection.execute(query)).scalar_one_or_none()
        if isinstance(id, UUID):
            return id
    raise Rejection("request_unknown", message=f"There is no request {reference}.")


RequestNamed = Annotated[UUID, Depends(_request_named)]
"""The id of the request that an address names by its id or number."""


def first_seen(actor: Actor, wanted: list[ColumnElement[bool]], *, newest: bool, limit: int) -> Select[Any]:
    """The first requests in their order that are wanted: one's own, unless all may be seen.

    One's own are looked for by each of the names one can have in a request, in the order of an index each.
    """
    order = _requests.c.ordinal.desc() if newest else _requests.c.ordinal
    if actor.may(Action.SEE_ALL_REQUESTS):
        return select(_requests).where(*wanted).order_by(order).limit(limit)
    own = (_requests.c.requester, _requests.c.on_behalf_of, _requests.c.submitted_by, _requests.c.source)
    firsts = [
        select(_requests.c.ordinal).where(column == actor.id, *wanted).order_by(order).limit(limit).subquery()
        for column in own
    ]
    mine = union(*(select(each.c.ordinal) for each in firsts)).subquery()
    query = select(_requests).join(mine, mine.c.ordinal == _requests.c.ordinal)
    return query.order_by(order).limit(limit)


def line_of(row: Row[Any]) -> ProcessLine:
    """A process line as decisions know it, for what follows from its counters."""
    kept = dict(row._mapping)
    return ProcessLine(
        **kept | {"kind": Kind(row.kind), "destination_kind": DestinationKind(row.destination_kind)}
    )
