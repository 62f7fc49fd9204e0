"""Messages that came before the record they need: found by a sweep once it exists, and decided as if they came now."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Row, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from libs.chassis.batch import Decider
from libs.chassis.dead_letters import REPLAYED
from libs.chassis.envelope import Undecodable, decoded
from libs.chassis.inbox import Arrival
from libs.chassis.suspects import Suspects

SWEEP_SIZE = 200

LOCK = 1_364_004
"""Key of the advisory lock of whoever decides waiting messages that may have killed a process."""

_NOW = text("SELECT chassis.app_now()")
_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(:lock, 0)")
_COLUMNS = "w.id, w.consumer, w.envelope, w.body, w.kind, w.since"
_KINDS = text("SELECT DISTINCT kind FROM chassis.waiting WHERE kind <> ''")
_DUE = text(
    f"SELECT {_COLUMNS} FROM chassis.waiting AS w WHERE w.due_at <= chassis.app_now() ORDER BY w.due_at LIMIT :most"
)
_REPLAYED = text(
    f"SELECT {_COLUMNS} FROM chassis.waiting AS w WHERE w.kind = :kind ORDER BY w.since LIMIT :most"
)


class Sweep:
    """Finds waiting messages whose record exists or whose time is over, and has them decided.

    A sweep rather than a hand-over by the transaction that makes the record: that one cannot see a message whose
    waiting row is being committed at the same moment. Two workers sweeping at once do no harm: the waiting row is
    deleted by the transaction that decides, and whoever finds it gone drops the message.
    """

    def __init__(self, engine: AsyncEngine, decider: Decider, suspects: Suspects) -> None:
        self._engine, self._decider, self._suspects = engine, decider, suspects
        self._born: datetime | None = None

    async def step(self) -> bool:
        """Decide up to a batch per kind of record; True if there was any progress."""
        waited_for = self._decider.waited_for
        # First forgotten, then looked up: what starts to wait in between is not overlooked.
        waited_for.clear()
        async with self._engine.connect() as connection:
            if self._born is None:
                self._born = (await connection.execute(_NOW)).scalar_one()
            kinds = [row[0] for row in await connection.execute(_KINDS)]
            waited_for.update(kinds)
            ready = [await self._ready(connection, kind) for kind in kinds]
            due = (await connection.execute(_DUE, {"most": SWEEP_SIZE})).all()
        progress = False
        for rows in ready:
            progress |= await self._decide(rows, waited_out=False)
        return await self._decide(due, waited_out=True) or progress

    async def _ready(self, connection: AsyncConnection, kind: str) -> Sequence[Row[Any]]:
        storage = self._decider.service.storage
        if kind == REPLAYED:
            statement = _REPLAYED
        elif kind in storage.named:
            statement = _exists(storage.tables[storage.named[kind]].fullname)
        else:
            return ()
        return (await connection.execute(statement, {"kind": kind, "most": SWEEP_SIZE})).all()

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
    try:
        arrival.message = decoded(arrival.envelope)
    except Undecodable as fault:
        arrival.fault = fault
    except KeyError:
        arrival.fault = Undecodable("unknown_type", f"{arrival.envelope.type} is not a message we know")
    return arrival
