"""Messages that may have killed a process: those that come again are counted before they are handled, and after.

They come again from the broker, redelivered, or from the waiting ones, where they were before the process was.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import UUID

import structlog
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.chassis.envelope import Undecodable
from libs.chassis.inbox import Arrival
from libs.contracts.values import derived_id

T = TypeVar("T")
_log = structlog.get_logger()

_LOOK = text("SELECT id, begun FROM chassis.suspects WHERE id = ANY(:ids)")
_BEGIN = text(
    "INSERT INTO chassis.suspects AS t (id, begun, last_at) SELECT v.id, 1, clock_timestamp()"
    " FROM unnest(CAST(:ids AS uuid[])) AS v(id) ORDER BY v.id"
    " ON CONFLICT (id) DO UPDATE SET begun = t.begun + 1, last_at = excluded.last_at RETURNING id, begun"
)
_END = text(
    "DELETE FROM chassis.suspects WHERE id = ANY(:ids) OR last_at < clock_timestamp() - interval '1 day'"
)


class Suspects:
    """One for all consumers of a process. After `deaths_max` deaths a message is poison."""

    def __init__(self, engine: AsyncEngine, *, deaths_max: int) -> None:
        self._engine, self._deaths_max = engine, deaths_max
        self._alone = asyncio.Lock()
        self._survived = set[UUID]()

    async def handle(
        self,
        items: Sequence[T],
        arrival_of: Callable[[T], Arrival],
        handle: Callable[[Sequence[T]], Awaitable[None]],
    ) -> None:
        """Handle what came again: together the first time, then each alone, at last as poison.

        A message is counted when its own turn comes, and only one at a time in the process: who merely stood beside
        a message that kills must not be taken for it.
        """
        arrivals = [arrival_of(item) for item in items]
        begun = await self._counted(_LOOK, arrivals)
        together = [item for item, times in zip(items, begun, strict=True) if times == 0]
        if together:
            counted = [arrival_of(item) for item in together]
            await self._counted(_BEGIN, counted)
            await self._survive(counted, handle(together))
        for item, arrival, before in zip(items, arrivals, begun, strict=True):
            if before == 0:
                continue
            async with self._alone:
                (times,) = await self._counted(_BEGIN, [arrival])
                if times >= self._deaths_max:
                    arrival.fault = Undecodable("poison", "handling it has ended the process again and again")
                await self._survive([arrival], handle([item]))

    async def _counted(self, statement: TextClause, arrivals: Sequence[Arrival]) -> list[int]:
        """How often handling these began and never ended."""
        ids = _ids(arrivals)
        try:
            async with self._engine.begin() as connection:
                if self._survived:
                    await connection.execute(_END, {"ids": sorted(self._survived)})
                rows = await connection.execute(statement, {"ids": sorted(set(ids))})
                begun: dict[UUID, int] = {row[0]: row[1] for row in rows}
        except Exception as error:
            # Counting must not stand in the way of handling; an outage shows there soon enough.
            _log.warning("suspects_not_counted", error=str(error)[:200])
            return [0] * len(ids)
        self._survived.clear()
        return [begun.get(id, 0) for id in ids]

    async def _survive(self, arrivals: Sequence[Arrival], handled: Awaitable[None]) -> None:
        """Handle these; whether that succeeds or fails, they did not kill."""
        try:
            await handled
        finally:
            ids = _ids(arrivals)
            try:
                async with self._engine.begin() as connection:
                    await connection.execute(_END, {"ids": ids})
            except Exception:
                # The database is away: told when it answers again, lest an outage looks like deaths.
                self._survived.update(ids)


def _ids(arrivals: Sequence[Arrival]) -> list[UUID]:
    return [
        derived_id("suspect", arrival.consumer, arrival.envelope.sender, arrival.envelope.message_key)
        for arrival in arrivals
    ]
