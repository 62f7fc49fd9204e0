"""The inboxes always have a place for the coming week, and forget what nobody can repeat any more."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from libs.chassis.housekeeping import LOCK, keep_house
from libs.chassis.inbox import generation_of
from libs.chassis.migrations import migrate
from libs.chassis.settings import sqlalchemy_url
from tests.chassis.declared import PURCHASING
from tests.conftest import eventually

INSERT = "INSERT INTO chassis.inbox (message_id, consumer, sender, bucket, body_hash, outcome, received_at)"
ONE_TODAY = "VALUES (gen_random_uuid(), 'inbox', 'assets', current_date, '', 'done', now())"


@pytest_asyncio.fixture
async def migrated(database_url: str) -> AsyncIterator[AsyncEngine]:
    await migrate(PURCHASING, database_url)
    engine = create_async_engine(sqlalchemy_url(database_url))
    yield engine
    await engine.dispose()


async def do(engine: AsyncEngine, statement: str) -> list[tuple[object, ...]]:
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        result = await connection.execute(text(statement))
        return [tuple(row) for row in result] if result.returns_rows else []


async def partitions(engine: AsyncEngine, parent: str) -> list[date]:
    """First days of the tables that are or were partitions."""
    rows = await do(
        engine,
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r'"
        f" AND n.nspname = 'chassis' AND c.relname ~ '^{parent}_[0-9]+$' ORDER BY 1",
    )
    return [date.fromisoformat(str(name).rpartition("_")[2]) for (name,) in rows]


async def move_clock(engine: AsyncEngine, days: int) -> None:
    await do(engine, "DELETE FROM chassis.clock")
    await do(engine, f"INSERT INTO chassis.clock (ahead) VALUES (interval '{days} days')")


async def test_thirty_days_are_kept_and_a_week_is_ahead(migrated: AsyncEngine) -> None:
    await keep_house(migrated)
    today = datetime.now(UTC).date()

    assert await partitions(migrated, "inbox") == [today + timedelta(days) for days in range(-30, 8)]
    this = generation_of(datetime.now(UTC))
    assert await partitions(migrated, "stranger_inbox") == [
        this + timedelta(30 * step) for step in (-1, 0, 1)
    ]


async def test_what_is_old_goes_and_what_may_be_repeated_stays(migrated: AsyncEngine) -> None:
    await do(
        migrated,
        f"{INSERT} SELECT gen_random_uuid(), 'inbox', 'requests', day::date, '', 'done', now()"
        " FROM generate_series(current_date - 5, current_date, '1 day') AS day",
    )

    await move_clock(migrated, 28)
    assert await keep_house(migrated)
    assert await keep_house(migrated)

    later = datetime.now(UTC) + timedelta(28)
    assert await do(migrated, "SELECT current_date - min(bucket), count(*) FROM chassis.inbox") == [(2, 3)]
    assert await partitions(migrated, "inbox") == [later.date() + timedelta(days) for days in range(-30, 8)]
    assert await partitions(migrated, "stranger_inbox") == [
        generation_of(later) + timedelta(30 * step) for step in (-1, 0, 1)
    ]


async def test_messages_are_handled_while_partitions_go(migrated: AsyncEngine) -> None:
    await move_clock(migrated, 3)
    async with migrated.connect() as busy:
        await busy.execute(text(f"{INSERT} {ONE_TODAY}"))
        house = asyncio.create_task(keep_house(migrated))

        async def waiting() -> list[tuple[object, ...]]:
            return await do(
                migrated,
                "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'ALTER TABLE%' AND wait_event_type = 'Lock'"
                " AND datname = current_database()",
            )

        await eventually(waiting)
        await do(migrated, f"{INSERT} {ONE_TODAY}")
        await busy.commit()
        assert await house

    assert await do(migrated, "SELECT count(*) FROM chassis.inbox") == [(2,)]


async def test_a_worker_that_died_half_way_is_followed_by_one_that_finishes(migrated: AsyncEngine) -> None:
    oldest, second, *_ = await partitions(migrated, "inbox")
    await do(migrated, f"ALTER TABLE chassis.inbox DETACH PARTITION chassis.inbox_{oldest:%Y%m%d}")
    async with migrated.connect() as blocking:
        await blocking.execute(text("SELECT 1 FROM chassis.inbox LIMIT 1"))
        async with migrated.connect() as dying:
            await dying.execution_options(isolation_level="AUTOCOMMIT")
            (pid,) = (await dying.execute(text("SELECT pg_backend_pid()"))).one()
            concurrently = f"DETACH PARTITION chassis.inbox_{second:%Y%m%d} CONCURRENTLY"
            detaching = asyncio.create_task(dying.execute(text(f"ALTER TABLE chassis.inbox {concurrently}")))

            async def pending() -> list[tuple[object, ...]]:
                return await do(migrated, "SELECT 1 FROM pg_inherits WHERE inhdetachpending")

            await eventually(pending)
            await do(migrated, f"SELECT pg_cancel_backend({pid})")
            await asyncio.gather(detaching, return_exceptions=True)
            await dying.invalidate()

    await move_clock(migrated, 2)
    await keep_house(migrated)

    assert (await partitions(migrated, "inbox"))[0] == second + timedelta(1)


async def test_only_one_worker_keeps_house(migrated: AsyncEngine) -> None:
    async with migrated.connect() as another:
        await another.execute(text(f"SELECT pg_advisory_lock({LOCK}, 0)"))

        assert not await keep_house(migrated)

        await another.execute(text(f"SELECT pg_advisory_unlock({LOCK}, 0)"))
    assert await keep_house(migrated)
