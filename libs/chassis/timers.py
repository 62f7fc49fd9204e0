"""Timers: rows that become messages to ourselves when they are due, through the outbox like everything we say."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.chassis.crash import crash_point
from libs.chassis.envelope import Outgoing, outbox_row
from libs.chassis.ids import timed_id
from libs.chassis.output import save_outbox

FIRED_AT_ONCE = 200

# Whoever deletes a timer fires it: two workers share the due ones, and a timer set again has a new row.
_TAKE_DUE = text(
    "DELETE FROM chassis.timers WHERE id IN (SELECT id FROM chassis.timers WHERE due_at <= chassis.app_now()"
    " ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED)"
    " RETURNING id, due_at, ordering_key, type, correlation_id, traceparent, body,"
    " greatest(due_at, chassis.app_now() - interval '1 day') AS said_at"
)


async def fire_due(engine: AsyncEngine, service: str) -> int:
    """Say the message of each due timer into our own inbox; returns how many there were.

    The message's id is made of the timer's id and its due time. One that is found much later gets a time of today:
    of messages from long ago nobody can tell any more whether they were handled.
    """
    async with engine.begin() as connection:
        due = (await connection.execute(_TAKE_DUE, {"most": FIRED_AT_ONCE})).all()
        rows = [
            outbox_row(
                Outgoing(
                    message_id=timed_id(timer.said_at, timer.id, timer.due_at),
                    type=timer.type,
                    sender=service,
                    exchange=f"{service}.inbox",
                    routing_key=timer.type,
                    ordering_key=UUID(str(timer.ordering_key)),
                    time=timer.due_at,
                    correlation_id=timer.correlation_id,
                    traceparent=timer.traceparent,
                    body=timer.body,
                )
            )
            for timer in due
        ]
        await save_outbox(connection, rows)
        if due:
            crash_point("timer fired")
    return len(due)
