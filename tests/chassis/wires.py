"""Talking to the shop over the broker, as its siblings and strangers do: what is said is confirmed, or said again."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Self
from uuid import uuid4

import aio_pika
from aio_pika import DeliveryMode
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError
from yarl import URL

from libs.chassis.ids import timed_id
from libs.contracts.message import Message
from tests.chassis.running import as_user
from tests.conftest import eventually

LOST = (AMQPError, ChannelInvalidStateError, OSError, TimeoutError)


@dataclass(frozen=True)
class Saying:
    """A message on its way: by whom, to which exchange, under which key; `headers` and `body` as they are sent."""

    by: str
    exchange: str
    key: str
    id: str
    body: bytes
    headers: Mapping[str, Any] = field(default_factory=dict)
    signed: bool = True
    reply_to: str | None = None

    def but(self, **changes: Any) -> Self:
        """The same message, otherwise."""
        return replace(self, **changes)

    def headed(self, **attributes: str) -> Self:
        """The same message with other CloudEvents attributes."""
        return replace(
            self, headers={**self.headers, **{f"ce-{name}": value for name, value in attributes.items()}}
        )


def saying(by: str, exchange: str, message: Message, *, sequence: int | None = None) -> Saying:
    """A message under a new id; strangers want to be answered."""
    id = str(timed_id(datetime.now(UTC), uuid4()))
    said = {"specversion": "1.0", "id": id, "type": message.type, "source": f"/{by}"}
    if sequence is not None:
        said["sequence"] = str(sequence)
    return Saying(
        by=by,
        exchange=exchange,
        key=message.type,
        id=id,
        body=message.model_dump_json().encode(),
        headers={f"ce-{name}": value for name, value in said.items()},
        reply_to="desk" if by == "scanner" else None,
    )


async def say(vhost: URL, sayings: Iterable[Saying], *, within: float = 60) -> None:
    """Publish until the broker has confirmed each; one user's messages leave in their order."""
    by_user = defaultdict[str, list[Saying]](list)
    for each in sayings:
        by_user[each.by].append(each)
    await asyncio.gather(*(_say_as(as_user(vhost, user), said, within) for user, said in by_user.items()))


async def _say_as(url: URL, sayings: Sequence[Saying], within: float) -> None:
    unconfirmed = list(sayings)

    async def confirmed() -> bool:
        try:
            async with asyncio.timeout(5), await aio_pika.connect(url) as connection:
                channel = await connection.channel(on_return_raises=True)
                ended = await asyncio.gather(
                    *(_publish(channel, each, url.user) for each in unconfirmed), return_exceptions=True
                )
        except LOST:
            return False
        for error in ended:
            if isinstance(error, BaseException) and not isinstance(error, LOST):
                raise error
        unconfirmed[:] = [each for each, error in zip(unconfirmed, ended, strict=True) if error]
        return not unconfirmed

    await eventually(confirmed, within=within)


async def _publish(channel: aio_pika.abc.AbstractChannel, saying: Saying, user: str | None) -> None:
    exchange = await channel.get_exchange(saying.exchange, ensure=False)
    message = aio_pika.Message(
        saying.body,
        content_type="application/json",
        headers=dict(saying.headers),
        delivery_mode=DeliveryMode.PERSISTENT,
        message_id=saying.id,
        reply_to=saying.reply_to,
        user_id=user if saying.signed else None,
    )
    await exchange.publish(message, routing_key=saying.key)


async def take(vhost: URL, user: str, queue: str) -> list[AbstractIncomingMessage]:
    """All that lies ready in a queue."""
    async with await aio_pika.connect(as_user(vhost, user)) as connection:
        found = await (await connection.channel()).get_queue(queue, ensure=False)
        taken = []
        while (message := await found.get(fail=False, no_ack=True)) is not None:
            taken.append(message)
        return taken


async def depths(vhost: URL, user: str, queues: Iterable[str]) -> dict[str, int]:
    """How many messages lie ready in each of a user's queues."""
    async with await aio_pika.connect(as_user(vhost, user)) as connection:
        channel = await connection.channel()
        found = {queue: await channel.declare_queue(queue, passive=True) for queue in queues}
        return {name: queue.declaration_result.message_count or 0 for name, queue in found.items()}
