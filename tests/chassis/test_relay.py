"""What is in the outbox reaches the broker: all of it, in order by key, however others fare."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID

import aio_pika
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.servers import Servers
from libs.chassis import outbox, topology
from libs.chassis.departures import Bell, Departures, Limits
from libs.chassis.metrics import RELAY_MESSAGES
from libs.chassis.outbox import Outbox, Row
from libs.chassis.publishing import Publisher
from libs.chassis.relay import Relay
from libs.chassis.rights import Integration
from libs.chassis.schema import SHARDS
from tests.chassis.declared import PURCHASING, SERVICES, a_service
from tests.chassis.outboxes import FACT, KEY, a_message, ask, commit, left, many
from tests.chassis.room import Room, a_room
from tests.conftest import eventually

HEARD = "receiving.inbox"
"""The queue where facts about orders arrive."""
FEW_TRIES = Limits(attempts_max=2, publish_timeout_seconds=5, poll_seconds=0.01)


@pytest_asyncio.fixture(scope="module")
async def room(servers: Servers) -> AsyncIterator[Room]:
    async with a_room(servers) as room:
        yield room


@pytest_asyncio.fixture
async def empty_room(room: Room) -> Room:
    """The room without what earlier tests left in it."""
    async with room.channel("admin") as channel:
        for queue in topology.topology(SERVICES).queues:
            if queue != "audit":
                await (await channel.get_queue(queue, ensure=False)).purge()
    return room


@asynccontextmanager
async def relaying(
    room: Room, database_url: str, limits: Limits = FEW_TRIES, service: Any = PURCHASING
) -> AsyncIterator[Relay]:
    relay = Relay(service, database_url=database_url, broker_url=room.urls["purchasing"], limits=limits)
    running = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        await relay.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def counted(outcome: str) -> float:
    return float(RELAY_MESSAGES.labels(outcome)._value.get())


async def test_what_was_committed_arrives_as_it_was_written(
    empty_room: Room, engine: AsyncEngine, database_url: str
) -> None:
    message = a_message(7, body=b'{"a": 1}')

    async with relaying(empty_room, database_url) as relay:
        await commit(database_url, [message])
        relay.wake()
        (heard,) = await empty_room.take("receiving", HEARD)
        await eventually(lambda: left(database_url), lambda count: count == 0)

    assert (heard.body, heard.exchange, heard.routing_key) == (b'{"a": 1}', "purchasing.events", FACT)
    assert heard.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert (heard.user_id, heard.type, heard.message_id) == ("purchasing", FACT, str(message.message_id))
    assert (heard.content_type, heard.correlation_id) == ("application/json", "process-1")
    assert heard.headers == {
        "ce-specversion": "1.0",
        "ce-id": str(message.message_id),
        "ce-type": FACT,
        "ce-source": "/quartermaster/purchasing",
        "ce-time": "2026-03-01T08:00:00Z",
        "ce-dataschema": f"/schemas/{FACT}",
        "ce-correlationid": "process-1",
        "ce-subject": str(KEY),
        "ce-sequence": "7",
        "ce-traceparent": message.traceparent,
        "traceparent": message.traceparent,
    }


async def test_messages_of_one_key_leave_in_order_and_none_is_lost(
    empty_room: Room, engine: AsyncEngine, database_url: str
) -> None:
    keys = [UUID(int=number) for number in range(1, 21)]
    numbers = dict.fromkeys(keys, 0)
    said = []
    for key in random.Random(4).choices(keys, k=2000):
        numbers[key] += 1
        said.append(a_message(numbers[key], key=key))
    for start in range(0, 2000, 100):
        await commit(database_url, said[start : start + 100])

    async with relaying(empty_room, database_url):
        heard = await empty_room.take("receiving", HEARD, 2000)
        await eventually(lambda: left(database_url), lambda count: count == 0)

    by_key: dict[Any, list[int]] = {}
    for message in heard:
        by_key.setdefault(message.headers["ce-subject"], []).append(int(message.body))
    assert by_key == {str(key): list(range(1, numbers[key] + 1)) for key in keys}


async def test_a_record_with_thousands_of_messages_does_not_hold_up_the_others(
    empty_room: Room, engine: AsyncEngine, database_url: str
) -> None:
    await commit(database_url, [a_message(number) for number in range(2000)])
    await commit(database_url, [a_message(-1, key=UUID(int=2))])

    async with relaying(empty_room, database_url):
        heard = await empty_room.take("receiving", HEARD, 300)

    assert b"-1" in [message.body for message in heard]


async def test_a_body_of_many_frames_arrives_whole(
    empty_room: Room, engine: AsyncEngine, database_url: str
) -> None:
    bodies = [bytes([number]) * (256 * 1024 - number) for number in range(40)]
    await commit(
        database_url, [a_message(body=body, key=UUID(int=number)) for number, body in enumerate(bodies)]
    )

    async with relaying(empty_room, database_url):
        heard = await empty_room.take("receiving", HEARD, 40)

    assert sorted(message.body for message in heard) == sorted(bodies)


async def test_a_message_nobody_would_hear_stops_its_key_until_it_is_parked(
    empty_room: Room, engine: AsyncEngine, database_url: str
) -> None:
    unheard = a_message(1, exchange="purchasing.inbox", routing_key="purchasing.nobody_hears.v1")
    before = counted("parked")
    await commit(database_url, [unheard, a_message(2), a_message(3, key=UUID(int=17))])

    async with relaying(empty_room, database_url):
        heard = await empty_room.take("receiving", HEARD, 2)
        await eventually(lambda: left(database_url), lambda count: count == 0)

    parked = await ask(database_url, "SELECT message_id, reason FROM chassis.outbox_parked")
    assert [message.body for message in heard] == [b"3", b"2"]
    assert [tuple(row) for row in parked] == [
        (unheard.message_id, "no queue is bound to purchasing.inbox with purchasing.nobody_hears.v1")
    ]
    assert counted("parked") - before == 1


async def test_failed_attempts_are_remembered_by_whoever_tries_next(
    empty_room: Room, engine: AsyncEngine, database_url: str
) -> None:
    await commit(
        database_url, [a_message(exchange="purchasing.inbox", routing_key="purchasing.nobody_hears.v1")]
    )

    async with relaying(empty_room, database_url, Limits(attempts_max=50)):
        await eventually(
            lambda: ask(database_url, "SELECT attempts FROM chassis.outbox"), lambda rows: rows[0][0] == 2
        )
    async with relaying(empty_room, database_url, Limits(attempts_max=3)):
        await eventually(lambda: left(database_url), lambda count: count == 0)

    assert len(await ask(database_url, "SELECT 1 FROM chassis.outbox_parked")) == 1


async def test_an_answer_nobody_waits_for_is_counted_and_dropped(
    empty_room: Room, engine: AsyncEngine, database_url: str
) -> None:
    before = counted("undeliverable")
    await commit(
        database_url,
        [a_message(1, exchange="purchasing.replies", routing_key="gone.token"), a_message(2)],
    )

    async with relaying(empty_room, database_url):
        (heard,) = await empty_room.take("receiving", HEARD)
        await eventually(lambda: left(database_url), lambda count: count == 0)

    assert heard.body == b"2"
    assert counted("undeliverable") - before == 1
    assert await ask(database_url, "SELECT 1 FROM chassis.outbox_parked") == []


HARMFUL: list[Callable[[], Any]] = [
    lambda: a_message(exchange="nowhere.events", key=UUID(int=999)),
    lambda: a_message(exchange="assets.events", key=UUID(int=999)),
    lambda: a_message(routing_key="assets.not_ours.v1", key=UUID(int=999)),
    lambda: a_message(routing_key="x" * 300, key=UUID(int=999)),
]


@pytest.mark.parametrize(
    "harmful", HARMFUL, ids=["no such exchange", "foreign", "foreign type", "unwritable"]
)
async def test_a_message_the_broker_will_not_have_harms_no_other(
    empty_room: Room, engine: AsyncEngine, database_url: str, harmful: Callable[[], Any]
) -> None:
    others, bodies = many(200)
    await commit(database_url, [*others[:100], harmful(), *others[100:]])

    async with relaying(empty_room, database_url):
        await empty_room.hear_all("receiving", HEARD, bodies)
        await eventually(lambda: left(database_url), lambda count: count == 0)

    assert len(await ask(database_url, "SELECT 1 FROM chassis.outbox_parked")) == 1


async def test_a_full_queue_makes_its_messages_wait_and_costs_them_no_attempt(
    servers: Servers, engine: AsyncEngine, database_url: str
) -> None:
    def a_small_inbox(vhost: str, passwords: Any) -> Any:
        defined = topology.definitions(SERVICES, vhost, passwords)
        for policy in defined["policies"]:
            if policy["name"] == "receiving.ours":
                settings: Any = policy["definition"]
                settings["max-length"] = 3
        return defined

    await commit(database_url, [a_message(number) for number in range(1, 21)])
    async with a_room(servers, a_small_inbox) as small, relaying(small, database_url):
        await eventually(lambda: left(database_url), lambda count: count < 20)
        heard = await small.take("receiving", HEARD, 20)
        await eventually(lambda: left(database_url), lambda count: count == 0)

    # What a full queue refused may still have reached the audit: only there it is said twice.
    assert [int(message.body) for message in heard] == list(range(1, 21))
    assert await ask(database_url, "SELECT 1 FROM chassis.outbox_parked") == []


async def test_relays_share_the_shards_and_inherit_from_those_who_leave(
    empty_room: Room, engine: AsyncEngine, database_url: str
) -> None:
    owners = (
        "SELECT array_agg(held) AS held FROM (SELECT count(*) AS held FROM pg_locks"
        f" WHERE locktype = 'advisory' AND classid = {outbox.SHARD_LOCK} AND database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database()) GROUP BY pid) AS each"
    )

    async def shares() -> list[int]:
        return sorted((await ask(database_url, owners))[0]["held"] or [])

    async with relaying(empty_room, database_url):
        await eventually(shares, lambda held: held == [SHARDS])
        async with relaying(empty_room, database_url), relaying(empty_room, database_url):
            await eventually(shares, lambda held: held == [4, 6, 6])
            messages, bodies = many(500)
            await commit(database_url, messages)
            heard = await empty_room.take("receiving", HEARD, 500)
        await eventually(shares, lambda held: held == [SHARDS])

    assert {message.body for message in heard} == bodies


async def test_a_shard_whose_confirmed_rows_still_lie_there_is_kept(
    engine: AsyncEngine, database_url: str
) -> None:
    await commit(database_url, [a_message()])
    async with Outbox.opened(database_url, "relay") as opened:
        await opened.rebalance(())
        broker = ConfirmingLater()
        departures = Departures(Limits(), cast("Publisher", broker), opened, Bell())

        await departures.step(load=True)
        await departures.step(load=True)
        broker.confirm()
        confirmed = departures.shards, await left(database_url)
        await departures.step(load=True)

        assert confirmed == ({KEY.int % SHARDS}, 1)
        assert (departures.shards, await left(database_url)) == (set(), 0)


class ConfirmingLater:
    """A broker that confirms when told."""

    async def send(self, rows: Sequence[Row], settled: Callable[[Row, None], None]) -> None:
        self.rows, self.settled = rows, settled

    def confirm(self) -> None:
        for row in self.rows:
            self.settled(row, None)


async def test_a_relay_that_is_frozen_loses_its_shards(
    engine: AsyncEngine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(outbox._SESSION, "idle_session_timeout", "500ms")
    async with Outbox.opened(database_url, "frozen") as frozen:
        await frozen.rebalance(())
        monkeypatch.setitem(outbox._SESSION, "idle_session_timeout", "30s")
        async with Outbox.opened(database_url, "awake") as awake:

            async def shards() -> int:
                await awake.rebalance(())
                return len(awake.owned)

            assert len(frozen.owned) == SHARDS
            assert await eventually(shards, lambda count: count == SHARDS) == SHARDS


async def test_nothing_is_said_before_the_broker_is_set_up_for_this_release(
    servers: Servers, engine: AsyncEngine, database_url: str
) -> None:
    newer = a_service("purchasing", {"inbox": [*(each.on for each in PURCHASING.queues["inbox"][:2])]})
    await commit(database_url, [a_message(1)])

    async with a_room(servers) as room, relaying(room, database_url, service=newer) as relay:
        await eventually(_state(relay), lambda state: state == "topology missing")
        assert relay.why_unhealthy is not None
        assert topology.marker(newer) in relay.why_unhealthy
        assert await left(database_url) == 1

        # As an administrator would, but only the part that is new.
        async with room.channel("admin") as channel:
            await channel.declare_exchange(topology.marker(newer), "topic", durable=True)
        await eventually(lambda: left(database_url), lambda count: count == 0)

        assert relay.healthy


def _state(relay: Relay) -> Callable[[], Any]:
    async def look() -> str:
        return relay.state

    return look


async def test_a_stopped_relay_leaves_nothing_half_done(
    empty_room: Room, engine: AsyncEngine, database_url: str
) -> None:
    await commit(database_url, many(2000)[0])

    async with relaying(empty_room, database_url) as relay:
        await eventually(lambda: left(database_url), lambda count: count < 2000)
        await relay.stop()
    remaining = await left(database_url)
    async with empty_room.channel("admin") as channel:
        arrived = (await channel.declare_queue(HEARD, passive=True)).declaration_result.message_count

    assert (relay.state, arrived) == ("stopped", 2000 - remaining)


async def test_losing_the_database_session_is_survived(
    empty_room: Room, engine: AsyncEngine, database_url: str
) -> None:
    async with relaying(empty_room, database_url) as relay:
        await eventually(_state(relay), lambda state: state == "relaying")
        await ask(
            database_url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE 'purchasing relay%' AND datname = current_database()",
        )
        messages, bodies = many(100)
        await commit(database_url, messages)
        heard = await empty_room.hear_all("receiving", HEARD, bodies)
        await eventually(lambda: left(database_url), lambda count: count == 0)

    assert set(heard) == bodies


async def test_an_integration_with_a_queue_is_answered(
    servers: Servers, engine: AsyncEngine, database_url: str
) -> None:
    def with_a_second_one(vhost: str, passwords: Any) -> Any:
        return topology.definitions(SERVICES, vhost, passwords, [Integration("erp"), Integration("wms")])

    await commit(database_url, [a_message(1, exchange="purchasing.replies", routing_key="wms.call-1")])
    async with a_room(servers, with_a_second_one) as room, relaying(room, database_url):
        (answer,) = await room.take("admin", "wms.answers")

    assert (answer.body, answer.routing_key) == (b"1", "wms.call-1")
