"""A database with very many records for all questions to a service: VOLUME of them, kept with KEEP=1.

A module of questions says with `FILLED` which service it asks and how its database is filled.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import asyncpg
import httpx2
import pytest
import pytest_asyncio
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from deploy.local.servers import Servers
from libs.chassis.api import whole_app
from libs.chassis.batch import Decider
from libs.chassis.migrations import migrate
from libs.chassis.service import Service
from libs.chassis.settings import sqlalchemy_url
from tests.tokens import bearer, the_issuer
from tests.volume.judging import Figures, complaints
from tests.volume.plans import Watch
from tests.volume.questions import Question

RECORDS = int(os.environ.get("VOLUME") or 1_000_000)
console = Console(highlight=False, soft_wrap=True)


AskAndJudge = Callable[[Question], Awaitable[None]]


class Fill(Protocol):
    """Makes so many records in the database at this address, and tells how many there are by now."""

    def __call__(self, url: str, records: int, progress: Callable[[int], None]) -> Awaitable[None]: ...


@dataclass(frozen=True)
class Filled:
    """A service whose database is filled, and of what there are so many."""

    service: Service
    records: str
    fill: Fill


@pytest.fixture(scope="module")
def filled(request: pytest.FixtureRequest) -> Filled:
    found: Filled = request.module.FILLED
    return found


@pytest_asyncio.fixture(scope="module")
async def filled_url(servers: Servers, filled: Filled) -> AsyncIterator[str]:
    """The filled database; with KEEP=1 one that an earlier run has left is used as it is, and left again."""
    name, keep = f"volume_{filled.records}_{RECORDS}", bool(os.environ.get("KEEP"))
    url = f"{servers.postgres_url.rpartition('/')[0]}/{name}"
    admin = await asyncpg.connect(servers.postgres_url)
    try:
        there = await admin.fetchval("SELECT true FROM pg_database WHERE datname = $1", name)
        if not (there and keep):
            await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            await admin.execute(f'CREATE DATABASE "{name}"')
            await migrate(filled.service, url)
            await _fill(url, filled)
        yield url
        if keep:
            console.print(f"kept, as long as the server runs: {url}", markup=False)
        else:
            await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await admin.close()


async def _fill(url: str, filled: Filled) -> None:
    columns = (TextColumn(filled.records), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(filled.records, total=RECORDS)
        await filled.fill(url, RECORDS, lambda made: progress.update(task, completed=made))


@pytest_asyncio.fixture(scope="module")
async def engine(filled_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(sqlalchemy_url(filled_url), pool_size=2)
    yield engine
    await engine.dispose()


@pytest_asyncio.fixture(scope="module")
async def client(engine: AsyncEngine, filled: Filled) -> AsyncIterator[httpx2.AsyncClient]:
    """The service as everybody reaches it."""
    service = filled.service
    app = whole_app(
        service,
        engine=engine,
        decider=Decider(service, engine),
        identity=the_issuer().identity(),
        request_seconds_max=300,
    )
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(
        transport=transport, base_url=f"http://{service.name}/api/v1", timeout=300
    ) as client:
        yield client


@pytest_asyncio.fixture(scope="module")
async def rows(engine: AsyncEngine) -> Mapping[str, float]:
    """How many rows each table has, as far as the planner knows."""
    async with engine.connect() as connection:
        found = await connection.execute(text("SELECT relname, reltuples FROM pg_class WHERE relkind = 'r'"))
        return {row.relname: row.reltuples for row in found}


@pytest.fixture(scope="module")
def figures(filled: Filled) -> Iterator[Figures]:
    """What was found, shown at the end."""
    figures = Figures()
    yield figures
    console.print(f"\n\nblocks of 8 KiB, {RECORDS:,} {filled.records}", markup=False)
    for kind, path, asked, middle, most, allowed, by in [
        ("kind", "path", "asked", "median", "most", "allowed", "most by"),
        *figures.rows(),
    ]:
        line = f"{kind:<13} {path:<29} {asked:>5} {middle:>7} {most:>7} {allowed:>7}  {by}"
        console.print(line, markup=False)


@pytest.fixture
def ask_and_judge(
    client: httpx2.AsyncClient, engine: AsyncEngine, rows: Mapping[str, float], figures: Figures
) -> AskAndJudge:
    """Asks, and has it judged how the database went about the answer."""

    async def ask(question: Question) -> None:
        with Watch(engine).watching() as statements:
            answer = await client.get(
                question.path, params=dict(question.wanted), headers=bearer(*question.who)
            )

        assert answer.status_code in (200, 404), answer.text
        assert statements
        figures.note(str(question), question.kind, question.path, statements)
        assert complaints(str(question), question.kind, statements, rows, RECORDS) == []

    return ask
