"""The shop as real processes on real servers: its place on the broker, its database, its processes."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from sqlalchemy import NullPool
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from yarl import URL

from deploy.local import ports
from deploy.local.process import Process, start
from libs.chassis.migrations import migrate
from libs.chassis.rights import Integration
from libs.chassis.settings import sqlalchemy_url
from libs.chassis.topology import definitions
from tests.chassis.declared import a_service
from tests.chassis.shop import SHOP, BoxCounted, BoxOpened
from tests.conftest import ROOT, eventually, unique_name
from tests.fault_proxy import FaultProxy
from tests.tokens import the_issuer

DEPOT = a_service("depot", {"inbox": []})
LISTENER = a_service("listener", {"inbox": [BoxOpened, BoxCounted]})
SCANNER = Integration("scanner")
PASSWORDS = dict.fromkeys(("shop", "depot", "listener", "scanner"), "secret")
ENTRY = "from tests.chassis.shop import SHOP; from libs.chassis.run import run; run(SHOP)"


@asynccontextmanager
async def a_vhost(broker_url: str, management_url: str) -> AsyncIterator[URL]:
    """A virtual host set up for the shop; its URL, without a user."""
    name = unique_name()
    async with httpx2.AsyncClient(base_url=management_url, timeout=30) as management:
        (await management.put(f"/api/vhosts/{name}")).raise_for_status()
        wanted = definitions((SHOP, DEPOT, LISTENER), name, PASSWORDS, (SCANNER,))
        (await management.post("/api/definitions", json=wanted)).raise_for_status()
        yield URL(broker_url).with_path(f"/{name}")
        (await management.delete(f"/api/vhosts/{name}")).raise_for_status()


@asynccontextmanager
async def a_shop_database(database_url: str) -> AsyncIterator[AsyncEngine]:
    """The shop's database, up to date; each look at it has a connection of its own."""
    await migrate(SHOP, database_url)
    engine = create_async_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(SHOP.storage.metadata.create_all)
    yield engine
    await engine.dispose()


def as_user(vhost: URL, user: str) -> URL:
    """The virtual host as one of its users sees it."""
    return vhost.with_user(user).with_password(PASSWORDS[user])


def urls(database_url: str, vhost: URL) -> dict[str, str]:
    """Where a process of the shop finds its servers."""
    return {
        "QUARTERMASTER_DATABASE_URL": database_url,
        "QUARTERMASTER_BROKER_URL": str(as_user(vhost, "shop")),
    }


@dataclass
class Started:
    """A process of the shop, and how to ask it."""

    process: Process
    client: httpx2.AsyncClient

    async def ready(self) -> tuple[int, Mapping[str, str]]:
        """Its answer about readiness; 0 while it does not listen."""
        assert self.process.running, self.process.last_words()
        try:
            response = await self.client.get("/health/ready")
        except httpx2.TransportError:
            return 0, {}
        return response.status_code, response.json()["checks"]

    async def until_ready(self, status: int = 200, *, within: float = 30) -> Mapping[str, str]:
        _, checks = await eventually(self.ready, lambda seen: seen[0] == status, within=within)
        return checks

    async def ended(self) -> int:
        assert await self.process.wait(20), self.process.last_words()
        return self.process.exit_status or 0

    async def stopped(self) -> int:
        """Asked to stop; its exit status."""
        self.process.send(signal.SIGTERM)
        return await self.ended()

    async def killed_itself(self) -> None:
        """Wait until it has died at its crash point."""
        assert await self.process.wait(20), self.process.last_words()
        assert self.process.exit_status == -signal.SIGKILL, self.process.last_words()


@asynccontextmanager
async def started(folder: Path, environment: Mapping[str, str], role: str = "all") -> AsyncIterator[Started]:
    """A process of the shop in this role, gone afterwards."""
    (port,) = ports.free_ports(1)
    settings = {
        "QUARTERMASTER_HTTP_PORT": str(port),
        **the_issuer().settings(),
        **environment,
    }
    process = start(
        "shop",
        [sys.executable, "-c", ENTRY, "--role", role],
        log=folder / "shop.log",
        environment=settings,
        folder=ROOT,
    )
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5) as client:
        try:
            yield Started(process, client)
        finally:
            await asyncio.shield(process.kill())


@asynccontextmanager
async def behind_proxies(
    database_url: str, vhost: URL
) -> AsyncIterator[tuple[FaultProxy, FaultProxy, dict[str, str]]]:
    """Wires to the database and to the broker that can be cut, and the settings that lead through them."""
    server = URL(database_url)
    async with (
        FaultProxy(server.host or "", server.port or 5432).listening() as database,
        FaultProxy(vhost.host or "", vhost.port or 5672).listening() as broker,
    ):
        through = urls(
            str(server.with_host("127.0.0.1").with_port(database.port)),
            vhost.with_host("127.0.0.1").with_port(broker.port),
        )
        yield database, broker, dict(through)
