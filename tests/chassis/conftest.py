"""The shop's database, ready to work on."""

from collections.abc import AsyncIterator

import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from libs.chassis import schema
from libs.chassis.settings import sqlalchemy_url
from tests.chassis.shop import SHOP


@pytest_asyncio.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(sqlalchemy_url(database_url))
    async with engine.begin() as connection:
        await connection.execute(text("CREATE SCHEMA chassis"))
        await connection.run_sync(schema.METADATA.create_all)
        await connection.run_sync(SHOP.storage.metadata.create_all)
        await connection.execute(text("CREATE SEQUENCE box_number"))
        for name in ("inbox", "stranger_inbox"):
            await connection.execute(
                text(f"CREATE TABLE chassis.{name}_all PARTITION OF chassis.{name} DEFAULT")
            )
        await connection.execute(
            text(
                "CREATE FUNCTION chassis.app_now() RETURNS timestamptz LANGUAGE sql STABLE AS"
                " $$SELECT clock_timestamp() + coalesce((SELECT ahead FROM chassis.clock LIMIT 1), interval '0')$$"
            )
        )
    yield engine
    await engine.dispose()
