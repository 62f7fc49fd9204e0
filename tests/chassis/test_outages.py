"""A server is restarted, killed or frozen while messages flow: the worker waits, and nothing is lost or doubled."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from yarl import URL

from deploy.local.postgres import PrivatePostgres
from deploy.local.rabbitmq import PrivateRabbitMQ
from tests.chassis.ledger import OF_SHOP, Ledger
from tests.chassis.running import a_shop_database, a_vhost, started, urls
from tests.chassis.wires import say
from tests.conftest import eventually
from tests.deploy.machine import running


async def written_down(server: PrivateRabbitMQ, queues: tuple[str, ...]) -> None:
    """RabbitMQ writes the names of new quorum queues down half a second later; one killed before is lost."""

    async def names() -> bytes:
        return b"".join(each.read_bytes() for each in server.home.glob("data-*/*/quorum/*/names.dets"))

    await eventually(names, lambda known: all(queue.encode() in known for queue in queues))


async def test_a_worker_outlives_its_database(vhost: URL, tmp_path: Path) -> None:
    ledger = Ledger()
    async with (
        running(PrivatePostgres(tmp_path)) as postgres,
        a_shop_database(postgres.url) as engine,
        started(tmp_path, urls(postgres.url, vhost), "worker") as shop,
    ):
        await shop.until_ready()

        await say(vhost, ledger.page())
        await postgres.stop()
        await say(vhost, ledger.page())
        await shop.until_ready(503)
        await postgres.start()
        await say(vhost, ledger.page())
        await postgres.kill()
        await postgres.start()

        await ledger.settled(engine)
        await shop.until_ready()
        assert await shop.stopped() == 0
        await ledger.proved(engine, vhost)


@pytest.mark.parametrize("how", ["stopped", "killed"])
async def test_a_worker_outlives_its_broker(
    migrated: AsyncEngine, database_url: str, tmp_path: Path, how: str
) -> None:
    ledger = Ledger()
    async with (
        running(PrivateRabbitMQ(tmp_path)) as rabbitmq,
        a_vhost(rabbitmq.url, rabbitmq.management_url) as vhost,
        started(tmp_path, urls(database_url, vhost), "worker") as shop,
    ):
        await written_down(rabbitmq, (*OF_SHOP, "listener.inbox", "scanner.answers"))
        await shop.until_ready()

        await say(vhost, ledger.page())
        telling = asyncio.create_task(say(vhost, ledger.page()))
        await (rabbitmq.stop() if how == "stopped" else rabbitmq.kill())
        await shop.until_ready(503)
        await rabbitmq.start()
        await telling

        await ledger.settled(migrated)
        await shop.until_ready()
        assert await shop.stopped() == 0
        await ledger.proved(migrated, vhost)


async def test_a_worker_outlives_a_freeze_of_its_broker(
    migrated: AsyncEngine, database_url: str, tmp_path: Path
) -> None:
    ledger = Ledger()
    async with (
        running(PrivateRabbitMQ(tmp_path)) as rabbitmq,
        a_vhost(rabbitmq.url, rabbitmq.management_url) as vhost,
        started(tmp_path, urls(database_url, vhost), "worker") as shop,
    ):
        await shop.until_ready()

        await say(vhost, ledger.page())
        os.kill(rabbitmq.pid, signal.SIGSTOP)
        try:
            await shop.until_ready(503, within=15)
        finally:
            os.kill(rabbitmq.pid, signal.SIGCONT)
        await say(vhost, ledger.page())

        await ledger.settled(migrated)
        await shop.until_ready()
        assert await shop.stopped() == 0
        await ledger.proved(migrated, vhost)
