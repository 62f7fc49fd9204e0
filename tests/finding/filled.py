"""A database with some records of a service, its API, and all pages of a list."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx2
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from deploy.local.servers import Servers
from libs.chassis.api import whole_app
from libs.chassis.batch import Decider
from libs.chassis.migrations import migrate
from libs.chassis.service import Service
from libs.chassis.settings import sqlalchemy_url
from tests.conftest import unique_name
from tests.tokens import bearer, the_issuer
from tests.volume.conftest import Fill
from tests.volume.questions import Asking

LIMIT = 60


@asynccontextmanager
async def filled_engine(
    servers: Servers, service: Service, fill: Fill, records: int
) -> AsyncIterator[AsyncEngine]:
    """Of a database of its own, which goes afterwards."""
    name = unique_name()
    url = f"{servers.postgres_url.rpartition('/')[0]}/{name}"
    admin = await asyncpg.connect(servers.postgres_url)
    await admin.execute(f'CREATE DATABASE "{name}"')
    await migrate(service, url)
    await fill(url, records, lambda _: None)
    engine = create_async_engine(sqlalchemy_url(url))
    yield engine
    await engine.dispose()
    await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()


@asynccontextmanager
async def api_of(service: Service, engine: AsyncEngine) -> AsyncIterator[httpx2.AsyncClient]:
    """The service as everybody reaches it."""
    app = whole_app(
        service, engine=engine, decider=Decider(service, engine), identity=the_issuer().identity()
    )
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url=f"http://{service.name}/api/v1") as client:
        yield client


async def all_pages(
    client: httpx2.AsyncClient, who: Asking, path: str, **wanted: Any
) -> list[dict[str, Any]]:
    """The items of every page until there is none."""
    found: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        params = {"limit": LIMIT, **wanted, **after}
        answer = await client.get(path, params=params, headers=bearer(*who))
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["items"]
        assert len(page["items"]) <= LIMIT
        if page["next"] is None:
            return found
        assert after != {"after": page["next"]}
        after = {"after": page["next"]}


async def rows_of(engine: AsyncEngine, sql: str, **values: Any) -> list[Any]:
    """What the database says to a question of ours."""
    async with engine.connect() as connection:
        return list(await connection.execute(text(sql), values))
