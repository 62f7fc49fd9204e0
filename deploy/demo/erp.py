"""The external system: commands out as structured CloudEvents, answers in from its own queue."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count
from typing import Any, Self
from urllib.parse import urlsplit

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

from deploy.demo.api import Refused
from deploy.demo.loading import TooLate
from libs.contracts.message import Command

ANSWER_SECONDS_MAX = 60
CONFIRM_SECONDS_MAX = 10
UNANSWERED_MAX = 200

Answer = Mapping[str, Any]
"""A `command_answered` fact: its outcome, and numbers and ids in `result`."""


class Erp:
    """Logged in to the broker at `url` as its own user; its answers arrive in `<user>.answers`.

    Earlier runs may have left answers there, so each run needs a name of its own.
    """

    def __init__(self, url: str, run: str = "demo") -> None:
        self._url = url
        self._user = urlsplit(url).username or ""
        self._run, self._tokens = run, count(1)
        self._awaited: dict[str, asyncio.Future[Answer]] = {}
        self._turnstile = asyncio.Semaphore(UNANSWERED_MAX)

    async def __aenter__(self) -> Self:
        self._connection: AbstractConnection = await aio_pika.connect(self._url)
        self._channel: AbstractChannel = await self._connection.channel(on_return_raises=True)
        answers = await (await self._connection.channel()).get_queue(f"{self._user}.answers", ensure=False)
        await answers.consume(self._hear)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()

    async def ask(self, command: Command, message_id: str) -> Answer:
        """Give a command and wait for its answer."""
        return await self.ask_event(
            {
                "specversion": "1.0",
                "id": message_id,
                "source": f"/{self._user}",
                "type": command.type,
                "time": datetime.now(UTC).isoformat(),
                "datacontenttype": "application/json",
                "data": command.model_dump(mode="json", exclude_none=True),
            }
        )

    async def ask_event(self, event: Mapping[str, Any], authorization: str | None = None) -> Answer:
        """Publish a command as it is, see it confirmed, and wait for its answer; `authorization` is the header that
        says for which person it is given, with their token."""
        async with self._turnstile:
            token = f"{self._run}-{next(self._tokens)}"
            answered = self._awaited[token] = asyncio.get_running_loop().create_future()
            try:
                await self._publish(event, token, authorization)
                async with asyncio.timeout(ANSWER_SECONDS_MAX):
                    answer: Answer = await answered
                    return answer
            except TimeoutError:
                raise TooLate(
                    f"{event['type']} {event['id']} was not answered within {ANSWER_SECONDS_MAX} s"
                ) from None
            finally:
                del self._awaited[token]

    async def _publish(self, event: Mapping[str, Any], token: str, authorization: str | None) -> None:
        message = aio_pika.Message(
            json.dumps(event).encode(),
            content_type="application/cloudevents+json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            # Returned messages are told apart by it, so it must differ even when a command is repeated.
            message_id=token,
            type=event["type"],
            headers={} if authorization is None else {"authorization": authorization},
            user_id=self._user,
            reply_to=token,
        )
        service = event["type"].partition(".")[0]
        exchange = await self._channel.get_exchange(f"{service}.commands", ensure=False)
        async with asyncio.timeout(CONFIRM_SECONDS_MAX):
            await exchange.publish(message, routing_key=event["type"])

    async def _hear(self, message: AbstractIncomingMessage) -> None:
        """An answer's routing key is our user and the token we gave; those of earlier runs are nobody's."""
        token = (message.routing_key or "").partition(".")[2]
        awaited = self._awaited.get(token)
        if awaited is not None and not awaited.done():
            awaited.set_result(json.loads(message.body))
        await message.ack()


def checked(answer: Answer, outcome: str = "accepted") -> Mapping[str, Any]:
    """The answer's numbers and ids, if it ended as it should."""
    if answer["outcome"] != outcome:
        raise Refused(f"answered {answer['outcome']} instead of {outcome}: {json.dumps(answer)}")
    result: Mapping[str, Any] = answer["result"]
    return result
