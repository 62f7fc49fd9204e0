"""Partitions of the inboxes: made days ahead, dropped when nobody can repeat a message any more.

Ours live 30 days, a day each; strangers' two generations of 30 days. Imports are forgotten 90 days after their end. Of
several workers one does it.
"""

from datetime import date, timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from libs.chassis.inbox import GENERATION_DAYS, KEPT_DAYS, generation_of

_log = structlog.get_logger()

LOCK = 1_364_003
"""Key of the advisory lock that says somebody is at it."""

_TRY_LOCK = text("SELECT pg_try_advisory_lock(:lock, 0)")
_UNLOCK = text("SELECT pg_advisory_unlock(:lock, 0)")
_MAKE = text("SELECT chassis.make_partitions()")
_NOW = text("SELECT chassis.app_now()")
# A table that lost its parent is what a worker leaves that dies between detaching and dropping.
_FOUND = text(r"""
    SELECT c.relname, i.inhrelid IS NOT NULL, coalesce(i.inhdetachpending, false)
    FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
    WHERE c.relnamespace = 'chassis'::regnamespace AND c.relkind = 'r'
    AND c.relname ~ '^(stranger_)?inbox_[0-9]{8}$'
    ORDER BY c.relname
""")


# Uploads that nobody went on with are over; what became of the others is known for a while.
_FORGET_IMPORTS = (
    "UPDATE chassis.imports SET state = 'cut_off', ended_at = changed_at"
    " WHERE state = 'receiving' AND changed_at < chassis.app_now() - interval '1 day'",
    "DELETE FROM chassis.import_chunks AS c USING chassis.imports AS i"
    " WHERE i.id = c.import_id AND i.ended_at IS NOT NULL",
    "DELETE FROM chassis.import_verdicts AS v USING chassis.imports AS i"
    " WHERE i.id = v.import_id AND i.ended_at < chassis.app_now() - interval '90 days'",
    "DELETE FROM chassis.imports WHERE ended_at < chassis.app_now() - interval '90 days'",
)


async def make_partitions(connection: AsyncConnection) -> None:
    """Make what is missing, a week ahead: so long may all workers be away before a message finds no place."""
    await connection.execute(_MAKE)


async def keep_house(engine: AsyncEngine) -> bool:
    """Make the coming partitions and drop the old ones; False if another worker is at it."""
    async with engine.connect() as connection:
        # Detaching beside running transactions is impossible inside one.
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        if not (await connection.execute(_TRY_LOCK, {"lock": LOCK})).scalar_one():
            return False
        try:
            await make_partitions(connection)
            await _drop_old(connection)
            for forget in _FORGET_IMPORTS:
                await connection.execute(text(forget))
        except BaseException:
            # The lock must not go back into the pool with its session.
            await connection.invalidate()
            raise
        await connection.execute(_UNLOCK, {"lock": LOCK})
    return True


async def _drop_old(connection: AsyncConnection) -> None:
    now = (await connection.execute(_NOW)).scalar_one()
    for name, attached, pending in (await connection.execute(_FOUND)).all():
        parent, _, day = name.rpartition("_")
        if not _is_old(parent, date.fromisoformat(day), generation_of(now), now.date()):
            continue
        if attached:
            how = "FINALIZE" if pending else "CONCURRENTLY"
            await connection.execute(
                text(f"ALTER TABLE chassis.{parent} DETACH PARTITION chassis.{name} {how}")
            )
        await connection.execute(text(f"DROP TABLE chassis.{name}"))
        _log.info("inbox_partition_dropped", partition=name)


def _is_old(parent: str, first: date, generation: date, today: date) -> bool:
    if parent == "inbox":
        return first < today - timedelta(days=KEPT_DAYS)
    return first < generation - timedelta(days=GENERATION_DAYS)
