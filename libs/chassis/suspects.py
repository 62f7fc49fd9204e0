"""Messages that may have killed a process: redelivered ones are counted before they are handled, and after."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.chassis.inbox import Arrival
from libs.contracts.values import derived_id

_BEGIN = text(
    "INSERT INTO chassis.suspects AS t (id, begun, last_at) SELECT v.id, 1, clock_timestamp()"
    " FROM unnest(CAST(:ids AS uuid[])) AS v(id) ORDER BY v.id"
    " ON CONFLICT (id) DO UPDATE SET begun = t.begun + 1, last_at = excluded.last_at RETURNING id, begun"
)
_END = text(
    "DELETE FROM chassis.suspects WHERE id = ANY(:ids) OR last_at < clock_timestamp() - interval '1 day'"
)


def _ids(arrivals: Sequence[Arrival]) -> list[UUID]:
    return [
        derived_id("suspect", arrival.consumer, arrival.envelope.sender, arrival.envelope.message_key)
        for arrival in arrivals
    ]


async def begin(engine: AsyncEngine, arrivals: Sequence[Arrival]) -> list[int]:
    """Count that handling these redelivered messages begins; how often it began and never ended, this one included."""
    ids = _ids(arrivals)
    async with engine.begin() as connection:
        rows = await connection.execute(_BEGIN, {"ids": sorted(set(ids))})
        begun = {row[0]: row[1] for row in rows}
    return [begun[id] for id in ids]


async def end(engine: AsyncEngine, arrivals: Sequence[Arrival]) -> None:
    """The process survived handling these."""
    async with engine.begin() as connection:
        await connection.execute(_END, {"ids": _ids(arrivals)})
