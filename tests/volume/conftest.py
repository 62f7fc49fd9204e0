"""One database with very many requests for all questions: VOLUME of them, kept with KEEP=1."""

import os
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
import pytest_asyncio
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from deploy.local.servers import Servers
from libs.chassis.migrations import migrate
from libs.chassis.settings import sqlalchemy_url
from services.requests.__main__ import SERVICE
from services.requests.delegation import BOOK_ID
from tests.volume.filling import fill
from tests.volume.judging import Figures

REQUESTS = int(os.environ.get("VOLUME") or 1_000_000)
console = Console(highlight=False, soft_wrap=True)


@pytest_asyncio.fixture(scope="session")
async def filled_url(servers: Servers) -> AsyncIterator[str]:
    """The filled database; with KEEP=1 one that an earlier run has left is used as it is, and left again."""
    name, keep = f"volume_{REQUESTS}", bool(os.environ.get("KEEP"))
    url = f"{servers.postgres_url.rpartition('/')[0]}/{name}"
    admin = await asyncpg.connect(servers.postgres_url)
    try:
        there = await admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", name)
        if not (there and keep):
            await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            await admin.execute(f'CREATE DATABASE "{name}"')
            await migrate(SERVICE, url)
            await _fill(url)
        yield url
        if keep:
            console.print(f"kept, as long as the server runs: {url}", markup=False)
        else:
            await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await admin.close()


async def _fill(url: str) -> None:
    columns = (TextColumn("requests"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("requests", total=REQUESTS)
        await fill(url, REQUESTS, BOOK_ID, lambda made: progress.update(task, completed=made))


@pytest_asyncio.fixture(scope="session")
async def engine(filled_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(sqlalchemy_url(filled_url), pool_size=2)
    yield engine
    await engine.dispose()


@pytest.fixture(scope="session")
def figures() -> Iterator[Figures]:
    """What was found, shown at the end."""
    figures = Figures()
    yield figures
    console.print(f"\n\nblocks of 8 KiB, {REQUESTS:,} requests", markup=False)
    for kind, path, asked, middle, most, allowed, by in [
        ("kind", "path", "asked", "median", "most", "allowed", "most by"),
        *figures.rows(),
    ]:
        line = f"{kind:<13} {path:<29} {asked:>5} {middle:>7} {most:>7} {allowed:>7}  {by}"
        console.print(line, markup=False)
