"""Purchasing on a real database, without a broker: orders are made by what its siblings say, the rest is HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import httpx2
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from deploy.local.servers import Servers
from libs.chassis.api import whole_app
from libs.chassis.batch import Decider
from libs.chassis.migrations import migrate
from libs.chassis.settings import sqlalchemy_url
from libs.contracts.message import Message
from services.purchasing.__main__ import SERVICE
from tests.chassis.said import said
from tests.conftest import unique_name
from tests.tokens import the_issuer

Tell = Callable[..., Awaitable[list[str]]]


@pytest_asyncio.fixture
async def engine(servers: Servers) -> AsyncIterator[AsyncEngine]:
    """An empty database of purchasing."""
    name = unique_name()
    url = f"{servers.postgres_url.rpartition('/')[0]}/{name}"
    admin = await asyncpg.connect(servers.postgres_url)
    await admin.execute(f'CREATE DATABASE "{name}"')
    await migrate(SERVICE, url)
    engine = create_async_engine(sqlalchemy_url(url))
    yield engine
    await engine.dispose()
    await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()


@pytest_asyncio.fixture
async def client(engine: AsyncEngine) -> AsyncIterator[httpx2.AsyncClient]:
    """Its API."""
    app = whole_app(
        SERVICE, engine=engine, decider=Decider(SERVICE, engine), identity=the_issuer().identity()
    )
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://purchasing/api/v1") as client:
        yield client


@pytest_asyncio.fixture
async def tell(engine: AsyncEngine) -> Tell:
    """Say something to it by queue, in one batch; how each message ended."""
    decider = Decider(SERVICE, engine)

    async def told(*messages: Message, by: str | None = None) -> list[str]:
        return [each.verdict for each in await decider.handle([said(each, by=by) for each in messages])]

    return told
