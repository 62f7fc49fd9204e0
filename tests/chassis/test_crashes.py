"""A process is killed at every named point while messages of every kind flow: each takes effect exactly once."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from yarl import URL

from libs.chassis.outbox import SHARD_LOCK
from libs.chassis.schema import SHARDS
from tests.chassis.ledger import Ledger, effects
from tests.chassis.running import started, urls
from tests.chassis.wires import say
from tests.conftest import ROOT, eventually

WORKER_DIES_AT: Mapping[str, int] = {
    "received": 20,
    "checked": 20,
    "in the transaction": 4,
    "before commit": 4,
    "after commit": 4,
    "after acknowledge": 4,
    "timer fired": 1,
    "before publish": 3,
    "published not confirmed": 3,
    "confirmed not deleted": 3,
}
"""Every crash point, and at which pass: in the midst of what the ledger's page brings about."""
RELAY_DIES_AT = {
    point: WORKER_DIES_AT[point]
    for point in ("before publish", "published not confirmed", "confirmed not deleted")
}
SMALL_BATCHES = {"QUARTERMASTER_BATCH_SIZE_MAX": "8"}


def test_no_crash_point_is_forgotten() -> None:
    sources = (ROOT / "libs").rglob("*.py")

    points = [
        point for source in sources for point in re.findall(r'crash_point\("([^"]+)"\)', source.read_text())
    ]

    assert sorted(points) == sorted(WORKER_DIES_AT)


@pytest.mark.parametrize("point", WORKER_DIES_AT)
async def test_a_worker_killed_half_way_is_followed_by_one_that_does_the_rest(
    migrated: AsyncEngine, database_url: str, vhost: URL, tmp_path: Path, point: str
) -> None:
    ledger, settings = Ledger(), {**urls(database_url, vhost), **SMALL_BATCHES}
    deadly = {"QUARTERMASTER_CRASH_AT": f"{point}:{WORKER_DIES_AT[point]}"}
    page = ledger.page()

    await say(vhost, page[:10])
    async with started(tmp_path, settings | deadly, "worker") as first:
        await say(vhost, page[10:])
        await first.killed_itself()
    half_way = await effects(migrated)
    async with started(tmp_path, settings, "worker") as second:
        await ledger.settled(migrated)
        status = await second.stopped()

    assert half_way is not None
    assert ledger.missed(half_way) != {}
    assert status == 0
    await ledger.proved(migrated, vhost)


@pytest.mark.parametrize("point", RELAY_DIES_AT)
async def test_a_relay_killed_half_way_is_stood_in_for_by_the_worker_beside_it(
    migrated: AsyncEngine, database_url: str, vhost: URL, tmp_path: Path, point: str
) -> None:
    ledger, settings = Ledger(), urls(database_url, vhost)
    deadly = {"QUARTERMASTER_CRASH_AT": f"{point}:{RELAY_DIES_AT[point]}"}

    async with (
        started(tmp_path / "worker", settings | SMALL_BATCHES, "worker") as worker,
        started(tmp_path / "relay", settings | deadly, "relay") as relay,
    ):
        await eventually(lambda: shards_by_owner(migrated), lambda owned: owned == [SHARDS // 2] * 2)
        await say(vhost, ledger.page())
        await relay.killed_itself()
        await ledger.settled(migrated)
        status = await worker.stopped()

    assert status == 0
    await ledger.proved(migrated, vhost)


async def shards_by_owner(engine: AsyncEngine) -> list[int]:
    """How many shards of the outbox each relay owns."""
    async with engine.connect() as connection:
        owned = await connection.execute(
            text(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = :lock AND granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) GROUP BY pid"
            ),
            {"lock": SHARD_LOCK},
        )
        return list(owned.scalars())
