"""What a consumer does with deliveries, without a broker: nothing is acknowledged that was not handled."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast
from uuid import uuid4

import pytest
from aio_pika import IncomingMessage
from aio_pika.exceptions import ChannelInvalidStateError
from faststream.rabbit import RabbitBroker
from faststream.rabbit.message import RabbitMessage
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.chassis import consumer as consuming
from libs.chassis import health
from libs.chassis.acknowledging import Acknowledger
from libs.chassis.batch import Decider
from libs.chassis.consumer import Consumer
from libs.chassis.identity import Grants, Identity
from libs.chassis.outage import Outage, Stuck
from libs.chassis.service import Service
from libs.chassis.settings import Settings
from libs.chassis.suspects import Suspects
from libs.contracts.message import Message
from tests.chassis.said import said
from tests.chassis.shop import SHOP, ItemsSent, PriceChanged


@dataclass(eq=False)
class Channel:
    """Remembers the acknowledgements."""

    acknowledged: list[int] = field(default_factory=list)
    is_closed: bool = False

    async def basic_ack(self, tag: int, multiple: bool) -> None:
        assert multiple
        self.acknowledged.append(tag)


async def nothing() -> None:
    """What else happens during a rejection."""


@dataclass(eq=False)
class Raw:
    """A fact of the depot as the broker's client delivers it."""

    channel: Channel
    delivery_tag: int
    message: Message
    exchange: str = "depot.events"
    more: Mapping[str, Any] = field(default_factory=dict)
    when_rejected: Callable[[], Awaitable[None]] = nothing
    rejected: bool = False
    redelivered: bool = False
    user_id: str = "depot"
    content_type: None = None
    content_encoding: None = None
    correlation_id: None = None
    reply_to: None = None
    type: None = None

    def __post_init__(self) -> None:
        envelope = said(self.message).envelope
        self.body, self.routing_key, self.message_id = envelope.body, envelope.type, envelope.said_id
        ours = {"specversion": "1.0", "id": envelope.said_id, "type": envelope.type, "source": "/depot"}
        self.headers = {f"ce-{name}": value for name, value in ours.items()} | dict(self.more)

    async def reject(self, requeue: bool) -> None:
        assert requeue
        self.rejected = True
        await self.when_rejected()


def a_consumer(
    engine: AsyncEngine,
    service: Service = SHOP,
    queue: str = "shop.inbox",
    *,
    identity: Identity | None = None,
    act_as: Grants | None = None,
) -> Consumer:
    async def probe() -> None:
        """The database answers."""

    return Consumer(
        RabbitBroker("amqp://x", apply_types=False, logger=None),
        queue,
        decider=Decider(service, engine, act_as=act_as or {}),
        suspects=Suspects(engine, deaths_max=3),
        outage=Outage(probe),
        siblings={"depot"},
        settings=Settings.model_validate({"database_url": "postgresql://x", "broker_url": "amqp://x"}),
        identity=identity,
        given_up=queue.endswith(".dead_letters"),
    )


async def deliver(consumer: Consumer, raw: Raw) -> None:
    incoming = cast("IncomingMessage", raw)
    await consumer._collect(RabbitMessage(raw_message=incoming, body=raw.body, headers=raw.headers))


async def handle(consumer: Consumer) -> None:
    await consumer._handle(consumer._take())


async def all_of(engine: AsyncEngine, question: str) -> list[tuple[Any, ...]]:
    async with engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(text(question))]


def price(cents: int = 1) -> PriceChanged:
    return PriceChanged(price_id=uuid4(), cents=cents)


async def test_what_arrives_while_messages_are_given_back_is_given_back_too(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer, channel = a_consumer(engine), Channel()
    monkeypatch.setattr(consumer._subscriber, "start", nothing)
    late = Raw(channel, 3, price())

    async def arrives() -> None:
        await deliver(consumer, late)

    held, waiting = Raw(channel, 1, price()), Raw(channel, 2, price(), when_rejected=arrives)
    await deliver(consumer, held)
    batch = consumer._take()
    await deliver(consumer, waiting)

    await consumer._give_back(batch)
    await deliver(consumer, Raw(channel, 4, price()))
    await handle(consumer)

    assert [raw.rejected for raw in (held, waiting, late)] == [True, True, True]
    assert channel.acknowledged == [4]


async def test_a_message_nobody_has_seen_is_not_acknowledged_with_the_next(engine: AsyncEngine) -> None:
    consumer, channel = a_consumer(engine), Channel()

    await deliver(consumer, Raw(channel, 1, price()))
    await deliver(consumer, Raw(channel, 3, price()))
    await handle(consumer)

    assert channel.acknowledged == [1]


async def test_only_tags_the_broker_still_knows_are_acknowledged() -> None:
    acknowledger, channel = Acknowledger(), Channel()
    raws = [cast("IncomingMessage", Raw(channel, tag, price())) for tag in (1, 2, 3)]
    for raw in raws:
        acknowledger.delivered(raw)

    acknowledger.given_back(raws[2])
    await acknowledger.done(raws[:2])

    assert channel.acknowledged == [2]


async def test_what_breaks_the_look_at_a_message_makes_a_dead_letter_of_it(engine: AsyncEngine) -> None:
    inbox = tuple(
        replace(handler, weight=lambda changed: 1 // changed.cents) if handler.on is PriceChanged else handler
        for handler in SHOP.queues["inbox"]
    )
    consumer, channel = a_consumer(engine, replace(SHOP, queues={"inbox": inbox})), Channel()

    await deliver(consumer, Raw(channel, 1, price(cents=0)))
    await deliver(consumer, Raw(channel, 2, price()))
    await handle(consumer)

    assert channel.acknowledged == [2]
    assert await all_of(engine, "SELECT cents FROM prices") == [(1,)]
    assert await all_of(engine, "SELECT reason, type FROM chassis.dead_letters") == [
        ("bug", PriceChanged.type)
    ]


async def test_what_the_broker_gave_up_is_buried_under_the_consumer_it_was_for(engine: AsyncEngine) -> None:
    handlers = SHOP.queues["inbox"]
    queues = {
        "inbox": tuple(each for each in handlers if each.on is not ItemsSent),
        "fulfilment": tuple(each for each in handlers if each.on is ItemsSent),
    }
    consumer = a_consumer(engine, replace(SHOP, queues=queues), "shop.dead_letters")
    death = {"queue": "shop.fulfilment", "exchange": "depot.events", "routing-keys": [ItemsSent.type]}
    sent = ItemsSent(box_id=uuid4(), count=1)

    await deliver(consumer, Raw(Channel(), 1, sent, "shop.dead_letters", {"x-death": [death]}))
    await deliver(consumer, Raw(Channel(), 1, price(), "shop.dead_letters", {"x-death": ["forged"]}))
    await handle(consumer)

    letters = await all_of(engine, "SELECT reason, consumer FROM chassis.dead_letters ORDER BY reason")
    assert letters == [("given_up", "inbox"), ("poison", "fulfilment")]


async def test_a_consumer_takes_again_however_long_the_broker_is_away(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer = a_consumer(engine)
    errors = [ChannelInvalidStateError(), ConnectionError(), TimeoutError()]

    async def start() -> None:
        if errors:
            raise errors.pop()

    monkeypatch.setattr(consumer._subscriber, "start", start)
    monkeypatch.setattr("random.uniform", lambda *_: 0)

    await consumer._give_back([])

    assert errors == []


async def test_a_stuck_consumer_pauses_longer_each_time_and_says_so(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer, channel = a_consumer(engine), Channel()
    check = health.consumers_are_active(lambda: [consumer])
    decide, pauses, seen = consumer._decider.handle, list[float](), list[str | None]()

    async def stuck(_: object) -> None:
        raise Stuck("no partition of relation dead_letters")

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        seen.append(await check())
        if len(pauses) == 9:
            monkeypatch.setattr(consumer._decider, "handle", decide)

    monkeypatch.setattr(consumer._decider, "handle", stuck)
    monkeypatch.setattr("asyncio.sleep", sleep)
    monkeypatch.setattr("random.uniform", lambda _, most: most)
    monkeypatch.setattr(consuming, "STUCK_SECONDS", 0.0)

    await deliver(consumer, Raw(channel, 1, price()))
    await handle(consumer)

    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 5]
    why = "not consuming shop.inbox; shop.inbox is stuck: no partition of relation dead_letters"
    assert seen == [why] * 9
    assert (consumer.stuck, channel.acknowledged) == (None, [1])
