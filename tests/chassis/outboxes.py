"""Rows in an outbox, as decisions leave them, for tests of the relay."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg

from libs.chassis.envelope import Outgoing, outbox_row
from libs.contracts import purchasing

FACT = purchasing.OrderSubmitted.type
KEY = UUID(int=1)
_INSERT = (
    "INSERT INTO chassis.outbox (shard, ordering_key, message_id, exchange, routing_key, headers, body)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7)"
)


def a_message(
    number: int = 0,
    *,
    key: UUID = KEY,
    exchange: str = "purchasing.events",
    routing_key: str = FACT,
    body: bytes | None = None,
) -> Outgoing:
    """A fact about an order, or whatever else purchasing says; `number` is its sequence and its body."""
    return Outgoing(
        message_id=uuid4(),
        type=FACT if exchange == "purchasing.events" else routing_key,
        sender="purchasing",
        exchange=exchange,
        routing_key=routing_key,
        ordering_key=key,
        time=datetime(2026, 3, 1, 8, tzinfo=UTC),
        correlation_id="process-1",
        body=b"%d" % number if body is None else body,
        subject=key,
        sequence=number,
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )


def many(count: int) -> tuple[list[Outgoing], set[bytes]]:
    """So many messages, each of a key of its own, and their bodies."""
    messages = [a_message(number, key=UUID(int=number + 1)) for number in range(count)]
    return messages, {message.body for message in messages}


async def commit(database_url: str, messages: Sequence[Outgoing]) -> None:
    """Put messages into the outbox in one transaction."""
    rows = [outbox_row(message) for message in messages]
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.executemany(
                _INSERT,
                [
                    tuple(json.dumps(value) if name == "headers" else value for name, value in row.items())
                    for row in rows
                ],
            )
    finally:
        await connection.close()


async def ask(database_url: str, question: str, *arguments: object) -> list[asyncpg.Record]:
    """What the database answers."""
    connection = await asyncpg.connect(database_url)
    try:
        return list(await connection.fetch(question, *arguments))
    finally:
        await connection.close()


async def left(database_url: str) -> int:
    """How many messages are still in the outbox."""
    ((count,),) = await ask(database_url, "SELECT count(*) FROM chassis.outbox")
    return int(count)
