"""The relay's side of the outbox: shards owned by session locks, rows taken and deleted in one statement."""

import json
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import randrange
from typing import Any, Self
from uuid import UUID

import asyncpg

from libs.chassis.schema import SHARDS

SHARD_LOCK = 1_364_001
"""First key of the advisory locks; the second is the shard."""
LIVE_LOCK = 1_364_002
"""Every relay holds this one, shared: whoever counts the holders knows how many relays live."""

# A relay whose process is frozen, or whose machine is gone, must lose its shards.
_SESSION = {
    "idle_session_timeout": "30s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "3",
    "tcp_keepalives_count": "3",
    "statement_timeout": "30s",
    # What an unwritten commit of ours would lose is a deletion, and then a message is said twice.
    "synchronous_commit": "off",
    # The table is almost empty when it is analysed and may be large when it matters.
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "jit": "off",
}

_COLUMNS = "id, shard, ordering_key, message_id, exchange, routing_key, headers, body, attempts"
_TAKE = (
    f"SELECT {_COLUMNS} FROM chassis.outbox WHERE shard = ANY($1::smallint[])"
    " AND id <> ALL($2::bigint[]) AND ordering_key <> ALL($3::uuid[]) ORDER BY id LIMIT $4"
)
_EXCHANGE = f"WITH gone AS (DELETE FROM chassis.outbox WHERE id = ANY($5::bigint[])) {_TAKE}"
_DELETE = "DELETE FROM chassis.outbox WHERE id = ANY($1::bigint[])"
_PARK = """
    WITH gone AS (DELETE FROM chassis.outbox WHERE id = $1 RETURNING *)
    INSERT INTO chassis.outbox_parked
        (id, ordering_key, message_id, exchange, routing_key, headers, body, reason)
    SELECT id, ordering_key, message_id, exchange, routing_key, headers, body, $2 FROM gone
"""
_COUNT_ATTEMPT = "UPDATE chassis.outbox SET attempts = attempts + 1 WHERE id = $1"
_LIVE = """
    SELECT count(DISTINCT pid) FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND classid = $1 AND objid = 0 AND objsubid = 2
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@dataclass(slots=True)
class Row:
    """One message to be said."""

    id: int
    shard: int
    ordering_key: UUID
    message_id: UUID
    exchange: str
    routing_key: str
    headers: dict[str, str]
    body: bytes
    attempts: int


class Outbox:
    """One session with the database. Losing it loses the shards, and then nothing can be deleted either."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection
        self.owned: set[int] = set()
        self._leaving: set[int] = set()

    @classmethod
    @asynccontextmanager
    async def opened(cls, database_url: str, name: str) -> AsyncIterator[Self]:
        """Connect directly (no pooler: session locks) and be counted among the living."""
        url = "postgresql://" + database_url.partition("://")[2]
        settings = {**_SESSION, "application_name": name[:63]}
        connection = await asyncpg.connect(url, timeout=10, command_timeout=30, server_settings=settings)
        try:
            await connection.execute("SELECT pg_advisory_lock_shared($1, 0)", LIVE_LOCK)
            yield cls(connection)
        finally:
            try:
                await connection.close(timeout=2)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection.terminate()

    async def rebalance(self, busy: Collection[int]) -> None:
        """Hold no more than a fair share of the shards; grab free ones.

        Nothing more is taken from a surplus one, and it is given up as soon as it is not `busy`.
        """
        living = await self._connection.fetchval(_LIVE, LIVE_LOCK)
        fair = -(-SHARDS // max(living, 1))
        self._leaving = set(sorted(self.owned)[fair:])
        for shard in self._leaving - set(busy):
            self.owned.discard(shard)
            await self._connection.execute("SELECT pg_advisory_unlock($1, $2)", SHARD_LOCK, shard)
        # From anywhere, so that relays that start together do not all knock at the same doors.
        first = randrange(SHARDS)  # noqa: S311
        for shard in ((first + each) % SHARDS for each in range(SHARDS)):
            if len(self.owned) >= fair:
                return
            if shard not in self.owned and await self._connection.fetchval(
                "SELECT pg_try_advisory_lock($1, $2)", SHARD_LOCK, shard
            ):
                self.owned.add(shard)

    async def exchange(
        self, delete: Sequence[int], *, besides: Collection[int], not_of: Sequence[UUID], limit: int
    ) -> list[Row]:
        """Delete rows, and get up to `limit` others of our shards: oldest first, none of these keys."""
        if limit == 0 or not self.owned:
            if delete:
                await self._connection.execute(_DELETE, delete)
            return []
        arguments: list[Any] = [sorted(self.owned - self._leaving), list(besides), not_of, limit]
        if delete:
            found = await self._connection.fetch(_EXCHANGE, *arguments, delete)
        else:
            found = await self._connection.fetch(_TAKE, *arguments)
        return [
            Row(row[0], row[1], row[2], row[3], row[4], row[5], json.loads(row[6]), row[7], row[8])
            for row in found
        ]

    async def park(self, id: int, reason: str) -> None:
        """Put a row aside for a person."""
        await self._connection.execute(_PARK, id, reason)

    async def count_attempt(self, id: int) -> None:
        """Remember a failed attempt, whoever tries next."""
        await self._connection.execute(_COUNT_ATTEMPT, id)
