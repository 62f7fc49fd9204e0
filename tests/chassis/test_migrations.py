"""Databases are brought to what the code expects, by however many processes at once, and by nothing else."""

import asyncio
import importlib
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, NullPool, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from libs.chassis import schema
from libs.chassis.inbox import generation_of
from libs.chassis.migrations import SERVICES, RevisionChanged, behind, histories, migrate
from libs.chassis.migrations.__main__ import draft
from libs.chassis.service import Service
from libs.chassis.settings import sqlalchemy_url
from tests.chassis.shop import SHOP
from tests.conftest import eventually

ANATOMY = text("""
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
           a.attidentity, pg_get_expr(d.adbin, d.adrelid)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace IN ('public'::regnamespace, 'chassis'::regnamespace)
      AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname NOT LIKE '%\\_revision'
    UNION ALL
    SELECT r.relname, c.conname, c.contype::text, true, '', pg_get_constraintdef(c.oid)
    FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid
    WHERE c.connamespace IN ('public'::regnamespace, 'chassis'::regnamespace)
      AND NOT r.relispartition AND r.relname NOT LIKE '%\\_revision' AND c.contype <> 'n'
    UNION ALL
    SELECT c.relname, i.relname, '', x.indisunique, '', pg_get_indexdef(i.oid)
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
    WHERE c.relnamespace IN ('public'::regnamespace, 'chassis'::regnamespace)
      AND NOT c.relispartition AND c.relname NOT LIKE '%\\_revision'
    ORDER BY 1, 2, 3""")


@pytest_asyncio.fixture
async def empty(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture
async def shops_revisions(database_url: str, tmp_path: Path) -> Path:
    """The shop's first revision, drafted from its tables."""
    await draft(SHOP, database_url, "first tables", revisions=tmp_path)
    return tmp_path


def real_services() -> list[Service]:
    found = sorted(SERVICES.glob("*/__main__.py"))
    return [importlib.import_module(f"services.{each.parent.name}.__main__").SERVICE for each in found]


async def anatomy(connection: AsyncConnection) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await connection.execute(ANATOMY)]


def differences(connection: Connection, service: Service, revisions: Path | None) -> list[object]:
    found: list[object] = []
    for history in histories(service, revisions):
        options = history.options(connection)
        del options["connection"]
        found += compare_metadata(MigrationContext.configure(connection, opts=options), history.metadata)
    return found


async def expected_anatomy(engine: AsyncEngine, service: Service) -> list[tuple[object, ...]]:
    """What the code says the tables are, made in a transaction that is taken back."""
    async with engine.connect() as connection:
        await connection.execute(text("DROP SCHEMA chassis CASCADE"))
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA chassis"))
        await connection.execute(text("CREATE SCHEMA public"))
        await connection.run_sync(schema.METADATA.create_all)
        await connection.run_sync(service.storage.metadata.create_all)
        expected = await anatomy(connection)
        await connection.rollback()
    return expected


async def test_migrations_make_exactly_what_the_code_declares(
    empty: AsyncEngine, database_url: str, shops_revisions: Path
) -> None:
    await migrate(SHOP, database_url, revisions=shops_revisions)

    async with empty.connect() as connection:
        assert await connection.run_sync(differences, SHOP, shops_revisions) == []
        made = await anatomy(connection)
    assert made == await expected_anatomy(empty, SHOP)


async def test_every_service_has_migrated_all_it_declares(empty: AsyncEngine, database_url: str) -> None:
    for service in real_services():
        async with empty.begin() as connection:
            await connection.execute(text("DROP SCHEMA IF EXISTS chassis CASCADE"))
            await connection.execute(text("DROP SCHEMA public CASCADE"))
            await connection.execute(text("CREATE SCHEMA public"))

        await migrate(service, database_url)

        async with empty.connect() as connection:
            assert await connection.run_sync(differences, service, None) == []
            made = await anatomy(connection)
        assert made == await expected_anatomy(empty, service)


async def test_several_processes_may_migrate_at_once_and_again(
    empty: AsyncEngine, database_url: str, shops_revisions: Path
) -> None:
    assert await behind(SHOP, empty, revisions=shops_revisions) == ["service: nothing, the code needs 0001"]

    await asyncio.gather(*(migrate(SHOP, database_url, revisions=shops_revisions) for _ in range(3)))
    await migrate(SHOP, database_url, revisions=shops_revisions)

    assert await behind(SHOP, empty, revisions=shops_revisions) == []


async def test_a_database_nobody_migrated_lacks_everything(empty: AsyncEngine) -> None:
    assert await behind(SHOP, empty) == ["chassis: nothing, the code needs 0002"]


async def test_an_append_only_table_refuses_changes(
    empty: AsyncEngine, database_url: str, shops_revisions: Path
) -> None:
    await migrate(SHOP, database_url, revisions=shops_revisions)

    for change in ("UPDATE entries SET line = 1", "DELETE FROM entries", "TRUNCATE entries"):
        async with empty.connect() as connection:
            with pytest.raises(IntegrityError, match="entries is append-only"):
                await connection.execute(text(change))


async def test_number_sequences_exist(empty: AsyncEngine, database_url: str, shops_revisions: Path) -> None:
    await migrate(SHOP, database_url, revisions=shops_revisions)

    async with empty.connect() as connection:
        assert (await connection.execute(text("SELECT nextval('box_number')"))).scalar() == 1


async def test_a_migration_that_finds_a_table_busy_comes_again(
    empty: AsyncEngine, database_url: str, shops_revisions: Path
) -> None:
    await migrate(SHOP, database_url, revisions=shops_revisions)
    (shops_revisions / "0002_colour.py").write_text(
        "from alembic import op\n"
        "revision, down_revision = '0002', '0001'\n"
        "def upgrade(): op.execute('ALTER TABLE boxes ADD COLUMN colour text')\n"
    )

    async def migrators_waiting() -> int:
        async with empty.connect() as connection:
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'boxes'::regclass"
            return int((await connection.execute(text(waiting))).scalar_one())

    async with empty.connect() as reader:
        await reader.execute(text("LOCK TABLE boxes IN ACCESS SHARE MODE"))
        migrating = asyncio.create_task(migrate(SHOP, database_url, revisions=shops_revisions))
        await eventually(migrators_waiting)
        await eventually(migrators_waiting, lambda waiting: waiting == 0)
        assert not migrating.done()
    await migrating

    assert await behind(SHOP, empty, revisions=shops_revisions) == []


async def test_there_is_an_inbox_partition_for_every_day_a_message_may_be_from(
    empty: AsyncEngine, database_url: str
) -> None:
    await migrate(SHOP, database_url)

    async with empty.connect() as connection:
        today = (await connection.execute(text("SELECT (now() AT TIME ZONE 'UTC')::date"))).scalar_one()
        days = [today + timedelta(days=day) for day in range(-30, 8)]
        assert await partitions(connection, "inbox") == days
        middle = generation_of(datetime(today.year, today.month, today.day, tzinfo=UTC))
        generations = [middle + timedelta(days=30 * step) for step in (-1, 0, 1)]
        assert await partitions(connection, "stranger_inbox") == generations


async def partitions(connection: AsyncConnection, of: str) -> list[date]:
    names = await connection.execute(
        text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = CAST(:of AS regclass)"),
        {"of": f"chassis.{of}"},
    )
    return sorted(datetime.strptime(name[-8:], "%Y%m%d").date() for name in names.scalars())  # noqa: DTZ007


async def test_a_database_made_by_an_earlier_draft_of_a_revision_is_left_alone(
    database_url: str, shops_revisions: Path
) -> None:
    await migrate(SHOP, database_url, revisions=shops_revisions)
    (first,) = shops_revisions.glob("0001_*.py")
    first.write_text(first.read_text() + "# said otherwise\n")

    with pytest.raises(RevisionChanged, match=r"shop: .* revision 0001.*make clean"):
        await migrate(SHOP, database_url, revisions=shops_revisions)
