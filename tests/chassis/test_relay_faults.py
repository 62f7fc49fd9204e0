"""Whatever dies, freezes or is cut off under the relay: nothing committed is lost."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from yarl import URL

from deploy.local.rabbitmq import PrivateRabbitMQ
from deploy.local.servers import Servers
from libs.chassis import topology
from libs.chassis.departures import Limits
from libs.chassis.relay import Relay
from tests.chassis.declared import PURCHASING, SERVICES
from tests.chassis.outboxes import commit, left, many
from tests.chassis.room import Room, a_room
from tests.conftest import ROOT, eventually
from tests.fault_proxy import FaultProxy

HEARD = "receiving.inbox"
IMPATIENT = Limits(publish_timeout_seconds=1, heartbeat_seconds=2)


@asynccontextmanager
async def relaying(database_url: str, broker_url: str) -> AsyncIterator[Relay]:
    relay = Relay(PURCHASING, database_url=database_url, broker_url=broker_url, limits=IMPATIENT)
    running = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def health(relay: Relay) -> str | None:
    return relay.why_unhealthy


@pytest.mark.parametrize("point", ["before publish", "published not confirmed", "confirmed not deleted"])
async def test_a_relay_killed_half_way_is_followed_by_one_that_says_the_rest(
    servers: Servers, engine: AsyncEngine, database_url: str, point: str
) -> None:
    messages, bodies = many(600)
    await commit(database_url, messages)
    async with a_room(servers) as room:
        command = [sys.executable, "-m", "tests.chassis.relay_process", database_url, room.urls["purchasing"]]

        killed = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, env={**os.environ, "QUARTERMASTER_CRASH_AT": f"{point}:3"}
        )
        status = await killed.wait()
        remaining = await left(database_url)
        async with relaying(database_url, room.urls["purchasing"]):
            heard = await room.hear_all("receiving", HEARD, bodies)
            await eventually(lambda: left(database_url), lambda count: count == 0)

    assert status == -signal.SIGKILL
    assert 0 < remaining <= 600
    assert set(heard) == bodies


async def test_a_broker_that_is_killed_loses_nothing_that_was_committed(
    tmp_path: Path, engine: AsyncEngine, database_url: str
) -> None:
    messages, bodies = many(3000)
    broker = PrivateRabbitMQ(tmp_path)
    await broker.start()
    try:
        passwords = {service.name: "word" for service in SERVICES}
        async with httpx2.AsyncClient(base_url=broker.management_url, timeout=30) as management:
            loaded = await management.post(
                "/api/definitions", json=topology.definitions(SERVICES, "/", passwords)
            )
            assert loaded.is_success, loaded.text
            url = URL(broker.url).with_user("purchasing").with_password("word")
            room = Room("/", {"admin": broker.url}, management)
            async with relaying(database_url, str(url)) as relay:
                await commit(database_url, messages)
                relay.wake()
                await eventually(lambda: left(database_url), lambda count: count < 3000)

                await broker.kill()
                await eventually(lambda: health(relay), lambda why: bool(why and "broker away" in why))
                await broker.start()

                heard = await room.hear_all("admin", HEARD, bodies)
                await eventually(lambda: left(database_url), lambda count: count == 0)
                assert await eventually(lambda: health(relay), lambda why: why is None) is None
    finally:
        await broker.kill()

    assert set(heard) == bodies


async def test_a_frozen_broker_is_noticed_and_recovers_by_itself(
    servers: Servers, engine: AsyncEngine, database_url: str
) -> None:
    messages, bodies = many(100)
    async with a_room(servers) as room:
        url = URL(room.urls["purchasing"])
        async with FaultProxy("127.0.0.1", url.port or 0).listening() as wire:
            through_it = str(url.with_port(wire.port))
            async with relaying(database_url, through_it) as relay:
                await eventually(lambda: health(relay), lambda why: why is None)

                wire.freeze()
                noticed = await eventually(lambda: health(relay), bool, within=15)
                await commit(database_url, messages)
                wire.resume()

                heard = await room.hear_all("receiving", HEARD, bodies)
                await eventually(lambda: left(database_url), lambda count: count == 0)
                await eventually(lambda: health(relay), lambda why: why is None)

    assert noticed is not None
    assert set(heard) == bodies


async def test_a_cut_wire_costs_repeats_at_most(
    servers: Servers, engine: AsyncEngine, database_url: str
) -> None:
    messages, bodies = many(3000)
    await commit(database_url, messages)
    async with a_room(servers) as room:
        url = URL(room.urls["purchasing"])
        async with (
            FaultProxy("127.0.0.1", url.port or 0).listening() as wire,
            relaying(database_url, str(url.with_port(wire.port))),
        ):
            for most in (2500, 1500, 500):
                await eventually(lambda: left(database_url), most.__gt__)
                wire.cut()
            heard = await room.hear_all("receiving", HEARD, bodies)
            await eventually(lambda: left(database_url), lambda count: count == 0)

    assert set(heard) == bodies
