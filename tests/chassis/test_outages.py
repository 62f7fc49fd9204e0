"""A server is restarted, killed or frozen while messages flow: the worker waits, and nothing is lost or doubled."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from deploy.local.postgres import PrivatePostgres
from deploy.local.rabbitmq import PrivateRabbitMQ
from tests.chassis.ledger import OF_SHOP, Ledger
from tests.chassis.running import a_shop_database, a_vhost, started, urls
from tests.chassis.wires import say
from tests.conftest import eventually
from tests.deploy.machine import running


@pytest_asyncio.fixture
async def postgres(tmp_path: Path) -> AsyncIterator[PrivatePostgres]:
    async with running(PrivatePostgres(tmp_path, durable=False)) as server:
        yield server


@pytest_asyncio.fixture
async def rabbitmq(tmp_path: Path) -> AsyncIterator[PrivateRabbitMQ]:
    async with running(PrivateRabbitMQ(tmp_path)) as server:
        yield server


async def written_down(server: PrivateRabbitMQ, queues: tuple[str, ...]) -> None:
    """RabbitMQ writes the names of new quorum queues down half a second later; one killed before is lost."""

    async def names() -> bytes:
        return b"".join(each.read_bytes() for each in server.home.glob("data-*/*/quorum/*/names.dets"))

    await eventually(names, lambda known: all(queue.encode() in known for queue in queues))


async def test_a_worker_outlives_its_servers(
    postgres: PrivatePostgres, rabbitmq: PrivateRabbitMQ, tmp_path: Path
) -> None:
    ledger = Ledger()
    async with (
        a_shop_database(postgres.url) as engine,
        a_vhost(rabbitmq.url, rabbitmq.management_url) as vhost,
        started(tmp_path, urls(postgres.url, vhost), "worker") as shop,
    ):
        await written_down(rabbitmq, (*OF_SHOP, "listener.inbox", "scanner.answers"))
        await shop.until_ready()

        await say(vhost, ledger.page())
        await postgres.stop()
        await say(vhost, ledger.page())
        await shop.until_ready(503)
        await postgres.start()
        await say(vhost, ledger.page())
        await postgres.kill()
        await postgres.start()

        for end in (rabbitmq.stop, rabbitmq.kill):
            await say(vhost, ledger.page())
            telling = asyncio.create_task(say(vhost, ledger.page()))
            await end()
            await shop.until_ready(503)
            await rabbitmq.start()
            await telling
            await shop.until_ready()

        await say(vhost, ledger.page())
        os.kill(rabbitmq.pid, signal.SIGSTOP)
        try:
            await shop.until_ready(503, within=15)
        finally:
            os.kill(rabbitmq.pid, signal.SIGCONT)
        await say(vhost, ledger.page())

        await ledger.settled(engine)
        await shop.until_ready()
        assert await shop.stopped() == 0
        await ledger.proved(engine, vhost)
