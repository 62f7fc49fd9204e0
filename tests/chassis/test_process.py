"""A process comes up when its servers do, says what it lacks, works, and goes down losing nothing."""

import asyncio
from pathlib import Path
from uuid import UUID, uuid4

import httpx2
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from yarl import URL

from deploy.local.servers import Servers
from libs.chassis.topology import definitions
from tests.chassis.running import DEPOT, LISTENER, PASSWORDS, SCANNER, behind_proxies, started, urls
from tests.chassis.shop import SHOP, BoxCounted, BoxOpened, ItemsSent, OpenBox
from tests.chassis.wires import say, saying, take
from tests.conftest import eventually
from tests.fault_proxy import FaultProxy

NOWHERE = {
    "QUARTERMASTER_DATABASE_URL": "postgresql://shop:secret@127.0.0.1:1/shop",
    "QUARTERMASTER_BROKER_URL": "amqp://shop:secret@127.0.0.1:1/shop",
}


async def test_a_process_says_what_to_type_when_nobody_migrated(
    database_url: str, vhost: URL, tmp_path: Path
) -> None:
    async with started(tmp_path, urls(database_url, vhost)) as shop:
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
        status = await shop.stopped()

    assert alive.status_code == 200
    assert checks["database"] == "cannot be reached (ConnectionRefusedError)"
    assert checks["broker"] == "not connected"
    assert status == 0


async def test_what_is_heard_is_decided_said_and_the_process_drains(
    migrated: AsyncEngine, database_url: str, vhost: URL, tmp_path: Path
) -> None:
    box = uuid4()
    said: list[str] = []

    async def says() -> list[str]:
        said.extend(message.routing_key or "" for message in await take(vhost, "listener", "listener.inbox"))
        return sorted(said)

    async with started(tmp_path, urls(database_url, vhost)) as shop:
        await shop.until_ready()
        # Early, and about a box that is opened only afterwards.
        await say(vhost, [saying("depot", "depot.events", ItemsSent(box_id=box, count=3))])
        await shop_waits_for(migrated, box)
        await say(vhost, [saying("shop", "shop.inbox", OpenBox(box_id=box, label="A"))])
        await eventually(says, lambda types: types == [BoxCounted.type, BoxOpened.type])
        page = (await shop.client.get("/metrics")).text
        status = await shop.stopped()

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
        through_it = vhost.with_host("127.0.0.1").with_port(wire.port)
        async with started(tmp_path, urls(database_url, through_it)) as shop:
            await shop.until_ready()

            wire.freeze()
            checks = await shop.until_ready(503, within=15)
            wire.resume()

            assert checks["broker"] == "no answer within 2 s"
            await shop.until_ready(within=60)


async def test_a_deleted_queue_makes_the_process_unready_until_it_is_declared_again(
    migrated: AsyncEngine, database_url: str, vhost: URL, servers: Servers, tmp_path: Path
) -> None:
    box, name = uuid4(), vhost.path.strip("/")
    wanted = definitions((SHOP, DEPOT, LISTENER), name, PASSWORDS, (SCANNER,))

    async def boxes() -> list[UUID]:
        async with migrated.connect() as connection:
            return list((await connection.execute(text("SELECT id FROM boxes"))).scalars())

    async with (
        httpx2.AsyncClient(base_url=servers.rabbitmq_management_url, timeout=30) as management,
        started(tmp_path, urls(database_url, vhost)) as shop,
    ):
        await shop.until_ready()

        (await management.delete(f"/api/queues/{name}/shop.ingress")).raise_for_status()
        checks = await shop.until_ready(503)
        (await management.post("/api/definitions", json=wanted)).raise_for_status()
        await shop.until_ready(within=60)
        await say(vhost, [saying("scanner", "shop.commands", OpenBox(box_id=box, label="A"))])

        assert checks["broker"] == "there is no queue shop.ingress: the broker has not been set up"
        assert checks["consumers"] == "not consuming shop.ingress"
        assert await eventually(boxes) == [box]


async def test_giving_back_outlives_the_loss_of_both_servers(
    migrated: AsyncEngine, database_url: str, vhost: URL, tmp_path: Path
) -> None:
    box = uuid4()

    async def logged(word: str) -> bool:
        return word in (tmp_path / "shop.log").read_text()

    async def boxes() -> list[UUID]:
        async with migrated.connect() as connection:
            return list((await connection.execute(text("SELECT id FROM boxes"))).scalars())

    async with behind_proxies(database_url, vhost) as (to_database, to_broker, environment):
        environment["QUARTERMASTER_OUTAGE_RELEASE_SECONDS"] = "1"
        async with started(tmp_path, environment) as shop:
            await shop.until_ready()

            to_database.refuse()
            await say(vhost, [saying("shop", "shop.inbox", OpenBox(box_id=box, label="A"))])
            await eventually(lambda: logged("messages_given_back"))
            to_broker.refuse()
            await eventually(shop.ready, lambda seen: seen[1].get("broker") == "not connected")
            to_database.resume()
            await eventually(shop.ready, lambda seen: seen[1].get("database") == "ok")
            to_broker.resume()
            await shop.until_ready(within=60)

            assert await eventually(boxes) == [box]


async def test_roles_without_messages_publish_and_are_ready(
    migrated: AsyncEngine, database_url: str, vhost: URL, tmp_path: Path
) -> None:
    async with started(tmp_path, urls(database_url, vhost), "relay") as relay, asyncio.timeout(30):
        checks = await relay.until_ready()
        document = await relay.client.get("/api/v1/openapi.json")

    assert set(checks) == {"process", "database", "migrations", "relay", "outbox"}
    assert document.status_code == 404
