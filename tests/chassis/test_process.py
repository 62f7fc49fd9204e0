"""A process comes up when its servers do, says what it lacks, works, and goes down losing nothing."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aio_pika
import httpx2
import pytest_asyncio
from aio_pika import DeliveryMode, Message
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from yarl import URL

from deploy.local import ports
from deploy.local.process import Process, start
from deploy.local.servers import Servers
from libs.chassis.ids import timed_id
from libs.chassis.migrations import migrate
from libs.chassis.settings import sqlalchemy_url
from libs.chassis.topology import definitions
from tests.chassis.declared import a_service
from tests.chassis.shop import SHOP, BoxCounted, BoxOpened, ItemsSent, OpenBox
from tests.conftest import ROOT, eventually, unique_name
from tests.fault_proxy import FaultProxy

DEPOT = a_service("depot", {"inbox": []})
LISTENER = a_service("listener", {"inbox": [BoxOpened, BoxCounted]})
PASSWORDS = {service.name: "secret" for service in (SHOP, DEPOT, LISTENER)}
ENTRY = "from tests.chassis.shop import SHOP; from libs.chassis.run import run; run(SHOP)"
NOWHERE = {
    "QUARTERMASTER_DATABASE_URL": "postgresql://shop:secret@127.0.0.1:1/shop",
    "QUARTERMASTER_BROKER_URL": "amqp://shop:secret@127.0.0.1:1/shop",
}


@pytest_asyncio.fixture
async def vhost(servers: Servers) -> AsyncIterator[URL]:
    """A virtual host set up for the shop; its URL, without a user."""
    name = unique_name()
    async with httpx2.AsyncClient(base_url=servers.rabbitmq_management_url, timeout=30) as management:
        (await management.put(f"/api/vhosts/{name}")).raise_for_status()
        wanted = definitions((SHOP, DEPOT, LISTENER), name, PASSWORDS, ())
        (await management.post("/api/definitions", json=wanted)).raise_for_status()
        yield URL(servers.rabbitmq_url).with_path(f"/{name}")
        (await management.delete(f"/api/vhosts/{name}")).raise_for_status()


@pytest_asyncio.fixture
async def migrated(database_url: str) -> AsyncIterator[AsyncEngine]:
    """The shop's database, up to date."""
    await migrate(SHOP, database_url)
    engine = create_async_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.run_sync(SHOP.storage.metadata.create_all)
    yield engine
    await engine.dispose()


def as_user(vhost: URL, user: str) -> URL:
    return vhost.with_user(user).with_password(PASSWORDS[user])


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


@asynccontextmanager
async def started(folder: Path, environment: Mapping[str, str], role: str = "all") -> AsyncIterator[Started]:
    (port,) = ports.free_ports(1)
    settings = {
        "QUARTERMASTER_HTTP_PORT": str(port),
        "QUARTERMASTER_ENVIRONMENT": "development",
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
            await process.kill()


async def say(url: URL, exchange: str, message: Any) -> None:
    """Publish as a sibling does."""
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel(on_return_raises=True)
        message_id = str(timed_id(datetime.now(UTC), uuid4()))
        said = {"specversion": "1.0", "id": message_id, "type": message.type, "source": "/x", "sequence": "1"}
        await (await channel.get_exchange(exchange, ensure=False)).publish(
            Message(
                message.model_dump_json().encode(),
                content_type="application/json",
                headers={f"ce-{name}": value for name, value in said.items()},
                delivery_mode=DeliveryMode.PERSISTENT,
                message_id=message_id,
                user_id=url.user,
            ),
            routing_key=message.type,
        )


async def heard(url: URL, queue: str) -> list[str]:
    """Types of messages waiting in a queue; takes them."""
    connection = await aio_pika.connect(url)
    async with connection:
        found = await (await connection.channel()).get_queue(queue, ensure=False)
        types = []
        while (message := await found.get(fail=False, no_ack=True)) is not None:
            types.append(message.routing_key or "")
        return types


async def test_a_process_says_what_to_type_when_nobody_migrated(
    database_url: str, vhost: URL, tmp_path: Path
) -> None:
    urls = {
        "QUARTERMASTER_DATABASE_URL": database_url,
        "QUARTERMASTER_BROKER_URL": str(as_user(vhost, "shop")),
    }

    async with started(tmp_path, urls) as shop:
        status = await shop.ended()
        said = shop.process.last_words()

    assert status == 3
    assert "run python -m services.shop --role migrate" in said


async def test_migrating_is_a_role_that_ends(database_url: str, tmp_path: Path) -> None:
    async with started(tmp_path, {**NOWHERE, "QUARTERMASTER_DATABASE_URL": database_url}, "migrate") as shop:
        assert await shop.ended() == 0


async def test_wrong_settings_stop_the_start(tmp_path: Path) -> None:
    async with started(tmp_path, {**NOWHERE, "QUARTERMASTER_LINGER": "1"}) as shop:
        status = await shop.ended()
        said = shop.process.last_words()

    assert (status, said) == (2, "QUARTERMASTER_LINGER is not a setting (see .env.example)")


async def test_servers_that_are_away_are_waited_for(tmp_path: Path) -> None:
    async with started(tmp_path, NOWHERE) as shop:
        checks = await shop.until_ready(503)
        alive = await shop.client.get("/health/live")
        shop.process.send(signal.SIGTERM)
        status = await shop.ended()

    assert alive.status_code == 200
    assert checks["database"] == "cannot be reached (ConnectionRefusedError)"
    assert checks["broker"] == "not connected"
    assert status == 0


async def test_what_is_heard_is_decided_said_and_the_process_drains(
    migrated: AsyncEngine, database_url: str, vhost: URL, tmp_path: Path
) -> None:
    urls = {
        "QUARTERMASTER_DATABASE_URL": database_url,
        "QUARTERMASTER_BROKER_URL": str(as_user(vhost, "shop")),
    }
    box = uuid4()
    said: list[str] = []

    async def says() -> list[str]:
        said.extend(await heard(as_user(vhost, "listener"), "listener.inbox"))
        return sorted(said)

    async with started(tmp_path, urls) as shop:
        await shop.until_ready()
        # Early, and about a box that is opened only afterwards.
        await say(as_user(vhost, "depot"), "depot.events", ItemsSent(box_id=box, count=3))
        await shop_waits_for(migrated, box)
        await say(as_user(vhost, "shop"), "shop.inbox", OpenBox(box_id=box, label="A"))
        await eventually(says, lambda types: types == [BoxCounted.type, BoxOpened.type])
        page = (await shop.client.get("/metrics")).text
        shop.process.send(signal.SIGTERM)
        status = await shop.ended()

    assert status == 0
    assert 'quartermaster_messages_handled_total{type="shop.open_box.v1",verdict="accepted"} 1.0' in page
    async with migrated.connect() as connection:
        assert (await connection.execute(text("SELECT count FROM boxes"))).scalars().all() == [3]
        assert (await connection.execute(text("SELECT count(*) FROM chassis.outbox"))).scalar() == 0


async def shop_waits_for(engine: AsyncEngine, box: UUID) -> None:
    async def waiting() -> list[UUID]:
        async with engine.connect() as connection:
            return list((await connection.execute(text("SELECT key FROM chassis.waiting"))).scalars())

    await eventually(waiting, lambda keys: keys == [box])


async def test_a_frozen_broker_makes_the_process_unready_until_it_thaws(
    migrated: AsyncEngine, database_url: str, vhost: URL, tmp_path: Path
) -> None:
    async with FaultProxy(vhost.host or "", vhost.port or 5672).listening() as wire:
        urls = {
            "QUARTERMASTER_DATABASE_URL": database_url,
            "QUARTERMASTER_BROKER_URL": str(
                as_user(vhost, "shop").with_host("127.0.0.1").with_port(wire.port)
            ),
        }
        async with started(tmp_path, urls) as shop:
            await shop.until_ready()

            wire.freeze()
            checks = await shop.until_ready(503, within=15)
            wire.resume()

            assert checks["broker"] == "no answer within 2 s"
            await shop.until_ready(within=60)


async def test_roles_without_messages_publish_and_are_ready(
    migrated: AsyncEngine, database_url: str, vhost: URL, tmp_path: Path
) -> None:
    urls = {
        "QUARTERMASTER_DATABASE_URL": database_url,
        "QUARTERMASTER_BROKER_URL": str(as_user(vhost, "shop")),
    }

    async with started(tmp_path, urls, "relay") as relay, asyncio.timeout(30):
        checks = await relay.until_ready()
        document = await relay.client.get("/api/v1/openapi.json")

    assert set(checks) == {"process", "database", "migrations", "relay", "outbox"}
    assert document.status_code == 404
