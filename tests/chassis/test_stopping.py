"""A worker that is told to stop in the midst of its work finishes what it has taken, and takes no more."""

import asyncio
from pathlib import Path

import aio_pika
from sqlalchemy.ext.asyncio import AsyncEngine
from yarl import URL

from tests.chassis.ledger import Ledger, effects
from tests.chassis.running import as_user, started, urls
from tests.chassis.wires import say
from tests.conftest import eventually

SLOWLY = {"QUARTERMASTER_BATCH_SIZE_MAX": "10", "QUARTERMASTER_PREFETCH": "100"}


async def test_a_worker_stopped_under_load_hands_nothing_back(
    migrated: AsyncEngine, database_url: str, vhost: URL, tmp_path: Path
) -> None:
    ledger, settings = Ledger(), urls(database_url, vhost)
    await say(vhost, ledger.page(boxes=150))

    async def begun() -> int:
        seen = await effects(migrated)
        return len(seen.entries) if seen else 0

    async with started(tmp_path, settings | SLOWLY, "worker") as first:
        await eventually(begun, lambda count: count > 20)
        async with asyncio.timeout(10):
            status = await first.stopped()
    left = await redelivered(vhost, "shop.inbox") + await redelivered(vhost, "shop.ingress")
    async with started(tmp_path, settings, "worker") as second:
        await ledger.settled(migrated)
        await second.stopped()

    assert status == 0
    assert len(left) > 200
    # What the broker had on the way at the cancel comes back marked, though it never came: a batch a queue, at most
    # two. What the worker had in hand would be a hundred.
    assert sum(left) <= 40
    await ledger.proved(migrated, vhost)


async def redelivered(vhost: URL, queue: str) -> list[bool]:
    """Of each message in the queue whether it was delivered before; they are put back."""
    async with await aio_pika.connect(as_user(vhost, "shop")) as connection:
        found = await (await connection.channel()).get_queue(queue, ensure=False)
        taken = []
        while (message := await found.get(fail=False)) is not None:
            taken.append(message)
        for message in taken:
            await message.reject(requeue=True)
        return [bool(message.redelivered) for message in taken]
