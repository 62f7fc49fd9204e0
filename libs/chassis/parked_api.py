"""Messages of ours that the broker would not take: parked by the relay with the reason; see them, send them again."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy import Row, delete, select

from libs.chassis.acting import origin_of
from libs.chassis.audit import note
from libs.chassis.decision import Rejection
from libs.chassis.http import Person, Reading, Writing, needs
from libs.chassis.output import save_outbox
from libs.chassis.pages import Limit, Page
from libs.chassis.schema import SHARDS, outbox_parked
from libs.contracts.permissions import Action

router = APIRouter(
    prefix="/parked-messages", tags=["parked messages"], dependencies=[needs(Action.MANAGE_DEAD_LETTERS)]
)

_parked = outbox_parked.c


class Parked(BaseModel):
    """A message that was committed and could not be published; `body` is what it would have said."""

    message_id: UUID
    type: str
    exchange: str
    routing_key: str
    reason: str
    parked_at: datetime
    body: str


@router.get("")
async def list_parked(read: Reading, limit: Limit = 50, after: UUID | None = None) -> Page[Parked]:
    """Parked messages, the oldest first."""
    query = select(outbox_parked).order_by(_parked.id)
    if after is not None:
        query = query.where(
            _parked.id > select(_parked.id).where(_parked.message_id == after).scalar_subquery()
        )
    rows = (await read.execute(query.limit(limit + 1))).all()
    items = [_shown(row) for row in rows[:limit]]
    return Page(items=items, next=str(items[-1].message_id) if len(rows) > limit else None)


@router.post("/{message_id}/publish", status_code=202)
async def publish_parked(message_id: UUID, write: Writing, actor: Person, request: Request) -> Parked:
    """Give a message back to the relay, for instance once the missing queue is bound; its id stays the same."""
    row = (
        await write.execute(delete(outbox_parked).where(_parked.message_id == message_id).returning(*_parked))
    ).first()
    if row is None:
        raise Rejection(
            "parked_message_unknown", field="message_id", message="No message of this id is parked."
        )
    again: dict[str, Any] = {**row._mapping, "shard": row.ordering_key.int % SHARDS}
    await save_outbox(write, [again])
    await note(
        write,
        actor,
        Action.MANAGE_DEAD_LETTERS,
        "publish_parked",
        origin=origin_of(request),
        about=message_id,
    )
    return _shown(row)


def _shown(row: Row[Any]) -> Parked:
    return Parked(
        message_id=row.message_id,
        type=row.headers.get("ce-type", row.routing_key),
        exchange=row.exchange,
        routing_key=row.routing_key,
        reason=row.reason,
        parked_at=row.parked_at,
        body=row.body.decode(errors="replace"),
    )
