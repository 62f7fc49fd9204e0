"""What the tests look at on the machine itself."""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from time import monotonic
from typing import TypeVar

import psutil

from deploy.local.postgres import PrivatePostgres
from deploy.local.rabbitmq import PrivateRabbitMQ

T = TypeVar("T")


Server = TypeVar("Server", PrivatePostgres, PrivateRabbitMQ)


@asynccontextmanager
async def running(server: Server) -> AsyncIterator[Server]:
    """Started, and gone afterwards however the test ends."""
    try:
        await server.start()
        yield server
    finally:
        await server.kill()
        await server.stop()


async def eventually(look: Callable[[], T], *, within: float = 20) -> T:
    """What `look` gives once it gives something; fails showing the last thing it gave."""
    deadline = monotonic() + within
    while not (seen := look()):
        assert monotonic() < deadline, f"still {seen!r} after {within:g} s"
        await asyncio.sleep(0.05)
    return seen


def listening_addresses(family: Iterable[psutil.Process]) -> set[tuple[str, int]]:
    found = set()
    for each in family:
        # Servers have helpers that come and go.
        with contextlib.suppress(psutil.NoSuchProcess):
            found |= {
                (connection.laddr.ip, connection.laddr.port)
                for connection in each.net_connections(kind="tcp")
                if connection.status == psutil.CONN_LISTEN
            }
    return found


def still_alive(family: Iterable[psutil.Process]) -> list[psutil.Process]:
    found = []
    for each in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            if each.is_running() and each.status() != psutil.STATUS_ZOMBIE:
                found.append(each)
    return found


def running_with(text: str) -> list[str]:
    """Command lines of living processes that mention `text`, such as a folder."""
    found = []
    for each in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(each.info["cmdline"] or ())
        if text in line and each.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(line)
    return found


def shared_memory() -> set[str]:
    """System V segments, which outlive a careless PostgreSQL."""
    listed = subprocess.run(["ipcs", "-m"], capture_output=True, text=True, check=True).stdout
    return {line.split()[1] for line in listed.splitlines() if line.startswith("0x")}
