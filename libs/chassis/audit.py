"""Who did what, when, as whom and from where: written in the transaction that does it, and never changed.

One row for each command of a person or of another system, however it ended, and for each refusal at the door. What
our own services tell each other leaves none: it follows from something that did.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from libs.chassis import schema
from libs.chassis.decision import Actor
from libs.chassis.inbox import CONSUMER_HTTP, Arrival
from libs.chassis.rows import insert_rows, insert_statement
from libs.contracts.message import MESSAGES, Command
from libs.contracts.permissions import Action

_COLUMNS = (
    "at",
    "actor",
    "through",
    "action",
    "type",
    "about",
    "outcome",
    "code",
    "origin",
    "message_id",
    "correlation_id",
)
_INSERT = insert_statement(schema.audit, _COLUMNS)
_NOW = text("SELECT chassis.app_now()")

Entry = tuple[Any, ...]

log = structlog.get_logger()


def entry(arrival: Arrival, at: datetime, outcome: str, code: object = None) -> Entry | None:
    """How a command ended; None for one that a service of ours gave, or that is no command."""
    envelope = arrival.envelope
    if envelope.from_us:
        return None
    kind = MESSAGES.get(envelope.type)
    if kind is None or not issubclass(kind, Command):
        return None
    about = arrival.message.subject_id() if arrival.message is not None else None
    return (
        at,
        envelope.actor.id,
        envelope.actor.through,
        kind.action,
        envelope.type,
        about,
        outcome,
        code,
        envelope.origin,
        # What the sender knows it by: over HTTP that is the id in the response's header.
        str(envelope.message_key) if arrival.consumer == CONSUMER_HTTP else envelope.said_id,
        envelope.correlation_id,
    )


async def save(connection: AsyncConnection, entries: Sequence[Entry]) -> None:
    """Write all entries of a batch at once."""
    await insert_rows(connection, _INSERT, _COLUMNS, entries)


async def note(
    connection: AsyncConnection,
    actor: Actor,
    action: Action | None,
    what: str,
    *,
    origin: str,
    about: UUID | None = None,
    outcome: str = "accepted",
    code: str | None = None,
) -> None:
    """Something that was done, or refused, without a command: to dead letters, to parked messages, at the door."""
    at = (await connection.execute(_NOW)).scalar_one()
    row = (at, actor.id, actor.through, action, what, about, outcome, code, origin, None, None)
    await save(connection, [row])


async def note_refusal(
    engine: AsyncEngine, actor: Actor, action: Action | None, what: str, *, origin: str, about: UUID | None
) -> None:
    """Somebody known was not let in. The refusal stands even where it cannot be written down."""
    try:
        async with engine.begin() as connection:
            await note(
                connection,
                actor,
                action,
                what,
                origin=origin,
                about=about,
                outcome="rejected",
                code="not_entitled",
            )
    except Exception as error:
        log.error("refusal_not_audited", actor=actor.id, action=action, reason=str(error)[:200])
