"""A private RabbitMQ: apart from every other on the machine, and whole again after anything."""

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import aio_pika
import psutil
import pytest

from deploy.local import process
from deploy.local.rabbitmq import PrivateRabbitMQ
from tests.deploy.machine import eventually, listening_addresses, running, running_with


@pytest.fixture
def standard_ports_taken() -> Iterator[None]:
    """As on a machine where other servers run; a port that is taken already serves as well."""
    with ExitStack() as stack:
        for port in (4369, 5432, 5672, 15672, 25672):
            listener = stack.enter_context(socket.socket())
            try:
                listener.bind(("0.0.0.0", port))
                listener.listen()
            except OSError:
                continue
        yield


async def publish(server: PrivateRabbitMQ, text: str) -> None:
    async with await aio_pika.connect(server.url) as connection, connection.channel() as channel:
        queue = await channel.declare_queue("kept", durable=True, arguments={"x-queue-type": "quorum"})
        message = aio_pika.Message(text.encode(), delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, queue.name)
    # RabbitMQ writes the names of new quorum queues down half a second later; one killed before is lost.
    (names,) = server.home.glob("data-*/*/quorum/*/names.dets")
    await eventually(lambda: b"kept" in names.read_bytes())


async def take(server: PrivateRabbitMQ) -> str:
    async with await aio_pika.connect(server.url) as connection, connection.channel() as channel:
        queue = await channel.get_queue("kept")
        async with queue.iterator(timeout=60) as messages:
            message = await anext(messages)
            await message.ack()
            return message.body.decode()


async def test_confirmed_messages_and_every_port_outlast_a_kill(
    tmp_path: Path, standard_ports_taken: None
) -> None:
    async with running(PrivateRabbitMQ(tmp_path)) as server:
        before = server.url, server.management_url
        await publish(server, "here")

        await server.kill()
        await server.start()

        assert (await take(server), (server.url, server.management_url)) == ("here", before)


async def test_everything_listens_on_loopback_and_nothing_is_left_when_it_stops(tmp_path: Path) -> None:
    async with running(PrivateRabbitMQ(tmp_path)) as server:
        node = psutil.Process(server.pid)
        listening = {address for address, _ in listening_addresses([node])}
        files = {each.path for each in node.open_files()}

        await server.stop()

    assert listening == {"127.0.0.1"}
    assert [each for each in files if not each.startswith((str(tmp_path), "/dev", str(Path.cwd())))] == []
    assert running_with(str(tmp_path)) == []


async def test_a_port_that_was_taken_meanwhile_is_given_up(tmp_path: Path) -> None:
    async with running(PrivateRabbitMQ(tmp_path)) as server:
        taken = server.port
        await server.kill()

        with socket.socket() as another:
            another.bind(("127.0.0.1", taken))
            another.listen()
            await server.start()

        assert server.port != taken


async def test_it_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    starter = process.start(
        "starter", [sys.executable, "-c", STARTER, tmp_path], log=tmp_path / "log", folder=Path.cwd()
    )
    await eventually((tmp_path / "started").exists, within=60)

    await starter.kill()

    await eventually(lambda: not running_with(str(tmp_path)), within=30)


STARTER = """
import asyncio, sys
from pathlib import Path
from deploy.local.rabbitmq import PrivateRabbitMQ

async def main(home):
    await PrivateRabbitMQ(home).start()
    (home / "started").touch()
    await asyncio.Event().wait()

asyncio.run(main(Path(sys.argv[1])))
"""
