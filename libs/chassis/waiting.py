"""Messages that came before the record they need: found by a sweep once it exists, and decided as if they came now."""

import math
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from time import monotonic
from typing import Any

from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from libs.chassis.batch import PATIENT_FROM_TRY, Decider
from libs.chassis.dead_letters import REPLAYED
from libs.chassis.envelope import Undecodable, decoded
from libs.chassis.inbox import Arrival
from libs.chassis.suspects import Suspects

SWEEP_SIZE = 200
ALL_SECONDS = 10
"""How often all that waits is looked through."""
ALL_LOCK = 1_364_005
"""Key of the advisory lock of whoever does that."""

LOCK = 1_364_004
"""Key of the advisory lock of whoever decides waiting messages that may have killed a process."""

_NOW = text("SELECT chassis.app_now()")
_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(:lock, 0)")
_COLUMNS = "w.id, w.consumer, w.envelope, w.body, w.kind, w.since"
# From kind to kind by the index; DISTINCT would read every row that waits.
KINDS = text(
    "WITH RECURSIVE found AS ((SELECT kind FROM chassis.waiting WHERE kind > '' ORDER BY kind LIMIT 1) UNION ALL"
    " SELECT (SELECT w.kind FROM chassis.waiting AS w WHERE w.kind > found.kind ORDER BY w.kind LIMIT 1) FROM found"
    " WHERE found.kind IS NOT NULL) SELECT kind FROM found WHERE kind IS NOT NULL"
)
_DUE = text(
    f"SELECT {_COLUMNS} FROM chassis.waiting AS w WHERE w.due_at <= chassis.app_now() ORDER BY w.due_at LIMIT :most"
)
_REPLAYED = text(f"SELECT {_COLUMNS} FROM chassis.waiting AS w WHERE w.kind = :kind LIMIT :most")
_FOR_THESE = text(
    f"SELECT {_COLUMNS} FROM chassis.waiting AS w WHERE w.kind = :kind AND w.key = ANY(:made)"
    " ORDER BY w.since LIMIT :most"
)


class Sweep:
    """Finds waiting messages whose record exists or whose time is over, and has them decided.

    Looked for are the records that this process made; and now and then all, because a transaction that makes a
    record cannot see a message whose waiting row is being committed at the same moment by another one. Two workers
    sweeping at once do no harm: the waiting row is deleted by the transaction that decides, and whoever finds it
    gone drops the message.
    """

    def __init__(self, engine: AsyncEngine, decider: Decider, suspects: Suspects) -> None:
        self._engine, self._decider, self._suspects = engine, decider, suspects
        self._born: datetime | None = None
        self._all_at = -math.inf

    async def step(self) -> bool:
        """Decide up to a batch per kind of record; True if there was any progress."""
        waited_for = self._decider.waited_for
        # First forgotten, then looked up: what starts to wait in between is not overlooked.
        waited_for.clear()
        made, self._decider.made = self._decider.made, {}
        async with self._engine.connect() as connection:
            if self._born is None:
                self._born = (await connection.execute(_NOW)).scalar_one()
            kinds = {row[0] for row in await connection.execute(KINDS)}
            waited_for.update(kinds)
            ready = [
                await self._find(connection, _FOR_THESE, kind=kind, made=sorted(made[kind])) for kind in made
            ]
            if REPLAYED in kinds:
                ready.append(await self._find(connection, _REPLAYED, kind=REPLAYED))
            if monotonic() >= self._all_at:
                ready += [found for kind in kinds if (found := await self._all_of(connection, kind))]
            due = await self._find(connection, _DUE)
        if any(len(rows) == SWEEP_SIZE for rows in ready):
            self._all_at = -math.inf
        progress = False
        for rows in ready:
            progress |= await self._decide(rows, waited_out=False)
        return await self._decide(due, waited_out=True) or progress

    async def _all_of(self, connection: AsyncConnection, kind: str) -> Sequence[Row[Any]]:
        """Whatever of this kind need not wait any longer; looked for by one process at a time."""
        self._all_at = monotonic() + ALL_SECONDS
        storage = self._decider.service.storage
        if kind not in storage.named:
            return ()
        if not (await connection.execute(_TRY_LOCK, {"lock": ALL_LOCK})).scalar_one():
            return ()
        return await self._find(connection, _exists(storage.tables[storage.named[kind]].fullname), kind=kind)

    async def _find(
        self, connection: AsyncConnection, statement: TextClause, **parameters: object
    ) -> Sequence[Row[Any]]:
        return (await connection.execute(statement, {"most": SWEEP_SIZE, **parameters})).all()

    async def _decide(self, rows: Sequence[Row[Any]], *, waited_out: bool) -> bool:
        """What was there before this process may be what killed the one before it: it is handled with care."""
        new = [_restored(row, waited_out=waited_out) for row in rows if row.since >= self._born]
        old = [_restored(row, waited_out=waited_out) for row in rows if row.since < self._born]
        progress = await self._handle(new)
        return await self._carefully(old) or progress if old else progress

    async def _carefully(self, arrivals: Sequence[Arrival]) -> bool:
        """One process at a time: that another one counts the same message must not look like a death."""
        progress = False

        async def handle(some: Sequence[Arrival]) -> None:
            nonlocal progress
            progress |= await self._handle(some)

        async with self._engine.connect() as connection:
            if (await connection.execute(_TRY_LOCK, {"lock": LOCK})).scalar_one():
                await self._suspects.handle(arrivals, lambda arrival: arrival, handle)
        return progress

    async def _handle(self, arrivals: Sequence[Arrival]) -> bool:
        """Consumer by consumer, because each has handlers of its own."""
        progress = False
        for consumer in sorted({arrival.consumer for arrival in arrivals}):
            outcomes = await self._decider.handle([each for each in arrivals if each.consumer == consumer])
            progress |= any(outcome.verdict not in ("busy", "waiting") for outcome in outcomes)
        return progress


@cache
def _exists(table: str) -> TextClause:
    return text(
        f"SELECT {_COLUMNS} FROM chassis.waiting AS w WHERE w.kind = :kind"
        f" AND EXISTS (SELECT FROM {table} AS t WHERE t.id = w.key) ORDER BY w.since LIMIT :most"
    )


def _restored(row: Row[Any], *, waited_out: bool) -> Arrival:
    arrival = Arrival.restored(row.consumer, row.envelope, row.body, id=row.id, waited_out=waited_out)
    if row.kind == REPLAYED:
        # It found its records busy before, or a person wants it done: this time it waits for them.
        arrival.tries = PATIENT_FROM_TRY
    try:
        arrival.message = decoded(arrival.envelope)
    except Undecodable as fault:
        arrival.fault = fault
    except KeyError:
        arrival.fault = Undecodable("unknown_type", f"{arrival.envelope.type} is not a message we know")
    return arrival
