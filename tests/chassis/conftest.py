"""The shop's database and its place on the broker, ready to work on."""

from collections.abc import AsyncIterator

import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from yarl import URL

from deploy.local.servers import Servers
from libs.chassis.migrations import migrate
from libs.chassis.settings import sqlalchemy_url
from tests.chassis.running import a_shop_database, a_vhost
from tests.chassis.shop import SHOP


@pytest_asyncio.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    await migrate(SHOP, database_url)
    engine = create_async_engine(sqlalchemy_url(database_url))
    async with engine.begin() as connection:
        await connection.run_sync(SHOP.storage.metadata.create_all)
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture
async def migrated(database_url: str) -> AsyncIterator[AsyncEngine]:
    async with a_shop_database(database_url) as engine:
        yield engine


@pytest_asyncio.fixture
async def vhost(servers: Servers) -> AsyncIterator[URL]:
    async with a_vhost(servers.rabbitmq_url, servers.rabbitmq_management_url) as url:
        yield url
