"""What tests on real servers share: one pair of servers for the run, a database of its own for each test."""

import asyncio
import itertools
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import asyncpg
import pytest_asyncio
from hypothesis import HealthCheck, settings

from deploy.local.servers import Servers, shared_servers

# A busy machine is no reason to fail. The same examples in each run: what fails now, fails again. Other ones are tried
# with HYPOTHESIS_PROFILE=hunt.
settings.register_profile("hunt", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("steady", parent=settings.get_profile("hunt"), derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

# A run in the background ignores Ctrl-C, and so would everything it starts, also where a test is about Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parents[1]
T = TypeVar("T")
_numbers = itertools.count()


@pytest_asyncio.fixture(scope="session")
async def servers() -> AsyncIterator[Servers]:
    """PostgreSQL (fsync off) and RabbitMQ, shared by all workers of the run; stopped by the last one."""
    async with shared_servers(ROOT / ".local" / "test") as shared:
        yield shared


def unique_name() -> str:
    """A name that no other worker or run uses, for a database or a virtual host."""
    return f"test_{os.getpid()}_{next(_numbers)}"


@pytest_asyncio.fixture
async def database_url(servers: Servers) -> AsyncIterator[str]:
    """An empty database."""
    name = unique_name()
    admin = await asyncpg.connect(servers.postgres_url)
    try:
        await admin.execute(f'CREATE DATABASE "{name}"')
        yield f"{servers.postgres_url.rpartition('/')[0]}/{name}"
        await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await admin.close()


async def eventually(
    look: Callable[[], Awaitable[T]], until: Callable[[T], bool] = bool, *, within: float = 30
) -> T:
    """What `look` finds once it satisfies `until`; fails with what it saw last."""
    seen: T | None = None
    try:
        async with asyncio.timeout(within):
            while True:
                seen = await look()
                if until(seen):
                    return seen
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {within} s; last seen: {seen!r}") from None
