"""The shop's database, ready to work on."""

from collections.abc import AsyncIterator

import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from libs.chassis.migrations import migrate
from libs.chassis.settings import sqlalchemy_url
from tests.chassis.shop import SHOP


@pytest_asyncio.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    await migrate(SHOP, database_url)
    engine = create_async_engine(sqlalchemy_url(database_url))
    async with engine.begin() as connection:
        await connection.run_sync(SHOP.storage.metadata.create_all)
    yield engine
    await engine.dispose()
