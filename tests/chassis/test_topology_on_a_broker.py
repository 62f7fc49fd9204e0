"""On a real broker every user can do what it must and nothing else, and nothing said is lost on the way."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import aio_pika
import aiormq
import pytest
import pytest_asyncio
from aiormq.abc import AbstractChannel as AbstractUnderlay
from aiormq.exceptions import ChannelAccessRefused, ChannelClosed
from yarl import URL

from deploy.local.servers import Servers
from libs.chassis import topology
from libs.contracts import approvals, assets, catalog, purchasing, requests
from tests.chassis.declared import SERVICES
from tests.chassis.room import Room, a_room
from tests.conftest import eventually

CREATE, CANCEL, SUBMIT = purchasing.CreateOrder.type, purchasing.CancelOrder.type, requests.SubmitRequest.type
APPROVED = requests.RequestApproved.type


@pytest_asyncio.fixture(scope="module")
async def room(servers: Servers) -> AsyncIterator[Room]:
    """A virtual host with small limits, set up from its definitions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(topology, "INGRESS_BYTES_MAX", 20_000)
        patch.setattr(topology, "ANSWERS_BYTES_MAX", 20_000)
        async with a_room(servers) as room:
            yield room


async def test_a_broker_that_loaded_the_definitions_lacks_nothing(room: Room) -> None:
    assert topology.differences(topology.topology(SERVICES), await room.exported()) == []


async def test_each_queue_is_governed_by_its_policy(room: Room) -> None:
    wanted = {
        queue: name
        for name, policy in topology.topology(SERVICES).policies.items()
        for queue in policy.queues
    }

    assert await eventually(room.governed, lambda governed: None not in governed.values()) == wanted


SAID = [
    ("requests", "requests.events", APPROVED, "routed"),
    ("requests", "requests.events", "purchasing.order_submitted.v1", "refused"),
    ("requests", "requests.events", "anything", "refused"),
    ("requests", "requests.inbox", approvals.ApprovalReminded.type, "routed"),
    ("requests", "requests.bulk", SUBMIT, "routed"),
    ("requests", "purchasing.inbox", CREATE, "routed"),
    ("requests", "purchasing.inbox", CANCEL, "routed"),
    ("requests", "purchasing.inbox", catalog.DefineVendor.type, "refused"),
    ("requests", "purchasing.events", purchasing.OrderSubmitted.type, "refused"),
    ("requests", "purchasing.commands", CANCEL, "refused"),
    ("requests", "receiving.inbox", "receiving.record_receipt.v1", "refused"),
    ("requests", "requests.commands", SUBMIT, "refused"),
    ("requests", "requests.dead_letters", SUBMIT, "refused"),
    ("requests", "", "requests.inbox", "refused"),
    ("requests", "amq.topic", APPROVED, "refused"),
    ("requests", "requests.replies", "erp.1", "routed"),
    ("requests", "requests.replies", "nobody.1", "unroutable"),
    ("purchasing", "purchasing.replies", "requests.-", "routed"),
    ("purchasing", "requests.bulk", catalog.CatalogItemChanged.type, "routed"),
    ("purchasing", "requests.bulk", purchasing.OrderSubmitted.type, "refused"),
    ("assets", "requests.bulk", assets.LocationChanged.type, "refused"),
    ("receiving", "purchasing.inbox", CREATE, "refused"),
    ("purchasing", "erp.bulk", catalog.CatalogItemChanged.type, "routed"),
    ("purchasing", "erp.bulk", purchasing.OrderSubmitted.type, "refused"),
    ("requests", "erp.bulk", APPROVED, "refused"),
    ("erp", "erp.bulk", catalog.CatalogItemChanged.type, "refused"),
    ("erp", "purchasing.commands", purchasing.AnnounceAll.type, "routed"),
    ("erp", "assets.commands", assets.AnnounceAll.type, "refused"),
    ("erp", "requests.commands", SUBMIT, "routed"),
    ("erp", "assets.commands", assets.AssignAssets.type, "routed"),
    ("erp", "requests.commands", requests.ApproveSpending.type, "refused"),
    ("erp", "purchasing.commands", CREATE, "refused"),
    ("erp", "purchasing.inbox", CANCEL, "refused"),
    ("erp", "requests.events", APPROVED, "refused"),
    ("erp", "requests.replies", "erp.1", "refused"),
    ("erp", "", "requests.inbox", "refused"),
]


@pytest.mark.parametrize(("user", "exchange", "key", "expected"), SAID)
async def test_who_may_say_what_where(room: Room, user: str, exchange: str, key: str, expected: str) -> None:
    assert await room.publish(user, exchange, key) == expected


async def test_nobody_can_sign_with_another_name(room: Room) -> None:
    assert await room.publish("erp", "requests.commands", SUBMIT, user_id="wms") == "forged"
    assert await room.publish("requests", "requests.events", APPROVED, user_id="purchasing") == "forged"


async def test_nobody_comes_in_without_the_right_password(room: Room) -> None:
    url = URL(room.urls["erp"])

    for stranger in (url.with_password("wrong"), url.with_password(""), url.with_user("nobody")):
        with pytest.raises(aiormq.exceptions.AMQPConnectionError):
            await aio_pika.connect(stranger)


READABLE = {
    "requests": {
        "requests.ingress",
        "requests.inbox",
        "requests.bulk",
        "requests.dead_letters",
        "requests.fulfilment",
    },
    "purchasing": {"purchasing.ingress", "purchasing.inbox", "purchasing.bulk", "purchasing.dead_letters"},
    "erp": {"erp.answers", "erp.bulk"},
}


@pytest.mark.parametrize("user", READABLE)
async def test_each_user_reads_its_own_queues_and_no_others(room: Room, user: str) -> None:
    readable = set()
    for queue in topology.topology(SERVICES).queues:
        async with room.channel(user) as channel:
            await channel.set_qos(prefetch_count=1)
            try:
                reader = await channel.get_queue(queue, ensure=False)
                await reader.consume(_leave, timeout=10)
                readable.add(queue)
            except ChannelAccessRefused:
                continue

    assert readable == READABLE[user]


async def _leave(_: aio_pika.abc.AbstractIncomingMessage) -> None:
    """Not settled: it goes back when the channel closes."""


@pytest.mark.parametrize("user", ["requests", "erp"])
async def test_no_user_can_change_the_topology(room: Room, user: str) -> None:
    own = "requests.inbox" if user == "requests" else "erp.answers"
    attempts: Mapping[str, Callable[[AbstractUnderlay], Awaitable[object]]] = {
        "declare a queue": lambda channel: channel.queue_declare("mine", durable=True),
        "declare an exchange": lambda channel: channel.exchange_declare("mine", exchange_type="topic"),
        "delete a queue": lambda channel: channel.queue_delete(own),
        "delete an exchange": lambda channel: channel.exchange_delete("requests.events"),
        "bind to a fact": lambda channel: channel.queue_bind(own, "purchasing.events", "#"),
        "bind a sibling": lambda channel: channel.queue_bind("purchasing.inbox", "requests.inbox", "#"),
        "bind its own": lambda channel: channel.queue_bind(own, "requests.bulk", "#"),
        "unbind": lambda channel: channel.queue_unbind(own, "requests.inbox", SUBMIT),
        "bind exchanges": lambda channel: channel.exchange_bind(
            destination="requests.events", source="requests.bulk", routing_key="#"
        ),
    }
    allowed = []
    for name, attempt in attempts.items():
        async with room.channel(user) as channel:
            try:
                await attempt(await channel.get_underlay_channel())
                allowed.append(name)
            except ChannelAccessRefused:
                continue

    assert allowed == []


async def test_a_refused_message_goes_to_the_dead_letters_of_its_service(room: Room) -> None:
    said = await room.publish("requests", "assets.inbox", assets.AssignAssets.type, body=b"poison")
    async with room.channel("assets") as channel:
        reader = await channel.get_queue("assets.inbox", ensure=False)
        async with asyncio.timeout(20), reader.iterator() as messages:
            async for message in messages:
                await message.reject(requeue=False)
                break

    (letter,) = await room.take("assets", "assets.dead_letters")

    assert said == "routed"
    assert (letter.body, letter.routing_key) == (b"poison", assets.AssignAssets.type)
    assert letter.headers["x-first-death-queue"] == "assets.inbox"


async def test_a_flood_of_strangers_pushes_back_on_the_strangers_only(room: Room) -> None:
    outcomes = [
        await room.publish("erp", "receiving.commands", "receiving.record_receipt.v1", body=b"x" * 4000)
        for _ in range(20)
    ]

    assert outcomes[0] == "routed"
    assert outcomes[-1] == "rejected"
    assert await room.publish("purchasing", "purchasing.events", purchasing.OrderSubmitted.type) == "routed"


async def test_a_reader_that_stays_away_loses_old_answers_and_holds_up_nobody(room: Room) -> None:
    for number in range(30):
        answer = await room.publish("assets", "assets.replies", "erp.1", body=b"%d" % number + b" " * 4000)
        assert answer == "routed"

    (message,) = await room.take("erp", "erp.answers")

    assert int(message.body) > 0


async def test_the_audit_keeps_a_copy_of_what_each_side_said(room: Room) -> None:
    said = {
        ("receiving.events", "receiving.goods_received.v1"),
        ("assets.inbox", assets.AssignAssets.type),
        ("receiving.replies", "erp.seen"),
    }
    for user, exchange, key in (
        ("receiving", "receiving.events", "receiving.goods_received.v1"),
        ("erp", "purchasing.commands", CANCEL),
        ("requests", "assets.inbox", assets.AssignAssets.type),
        ("receiving", "receiving.replies", "erp.seen"),
    ):
        assert await room.publish(user, exchange, key) == "routed"

    async with room.channel("admin") as channel:
        await channel.set_qos(prefetch_count=100)
        stream = await channel.get_queue("audit", ensure=False)
        async with asyncio.timeout(20), stream.iterator(arguments={"x-stream-offset": "first"}) as messages:
            async for message in messages:
                said.discard((message.exchange or "", message.routing_key or ""))
                await message.ack()
                if not said:
                    break

    assert said == set()


async def test_a_missing_marker_is_told_apart_from_one_that_is_there(room: Room) -> None:
    there = topology.marker(SERVICES[0])

    assert await room.publish("requests", there, "-") == "unroutable"
    with pytest.raises(ChannelClosed, match="NOT_FOUND"):
        await room.publish("requests", "requests.topology.000000000000", "-")
