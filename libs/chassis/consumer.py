"""From queue to decision: messages are collected while the transaction before runs, then decided as one batch.

FastStream delivers; acknowledgement is ours: after the commit, and never for what was not handled.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from time import perf_counter
from typing import Any

import structlog
from aio_pika import IncomingMessage
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError
from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue
from faststream.rabbit.message import RabbitMessage

from libs.chassis import metrics
from libs.chassis.acknowledging import Acknowledger
from libs.chassis.batch import BUSY, Decider, Outcome
from libs.chassis.crash import crash_point
from libs.chassis.cut_off import cut_off_is_an_error
from libs.chassis.envelope import Envelope, Undecodable, decoded, opened
from libs.chassis.inbox import Arrival
from libs.chassis.outage import Away, Outage
from libs.chassis.settings import Settings
from libs.chassis.suspects import Suspects
from libs.chassis.tracing import trace_id_of
from libs.contracts.values import derived_id

_log = structlog.get_logger()
_BUSY_PAUSE_SECONDS = 0.005


@dataclass(slots=True)
class _Delivery:
    """A message and the place to acknowledge it; `weight` counts what it is about, in units."""

    arrival: Arrival
    raw: IncomingMessage
    weight: int


class Consumer:
    """One queue of a service. `name` is what the inbox knows this consumer by.

    What comes from the queue of messages that the broker has `given_up` ends among our own dead letters.
    """

    def __init__(
        self,
        broker: RabbitBroker,
        queue: str,
        *,
        name: str,
        decider: Decider,
        suspects: Suspects,
        outage: Outage,
        siblings: Collection[str],
        settings: Settings,
        given_up: bool = False,
    ) -> None:
        self.queue, self.name, self._given_up = queue, name, given_up
        self._decider, self._suspects, self._outage = decider, suspects, outage
        self._siblings, self._settings = siblings, settings
        self._pending: deque[_Delivery] = deque()
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._acknowledger = Acknowledger()
        self._subscriber = broker.subscriber(
            RabbitQueue(queue, declare=False),
            channel=Channel(prefetch_count=settings.prefetch),
            ack_policy=AckPolicy.MANUAL,
            parser=_as_delivered,
            decoder=_undecoded,
            no_reply=True,
        )
        self._subscriber(self._collect)
        # Messages that come before FastStream says it is running are dropped un-acknowledged, for as long as the
        # channel lives.
        self._subscriber.running = True

    @property
    def active(self) -> bool:
        """Whether the broker has us as a consumer of the queue."""
        return self._subscriber._consumer_tag is not None

    async def _collect(self, message: RabbitMessage) -> None:
        raw = message.raw_message
        crash_point("received")
        arrival, weight = self._arrival(raw)
        crash_point("checked")
        self._acknowledger.delivered(raw)
        self._pending.append(_Delivery(arrival, raw, weight))
        self._arrived.set()
        self._idle.clear()

    def _arrival(self, raw: IncomingMessage) -> tuple[Arrival, int]:
        """Check and decode; what cannot be decoded goes on as a fault, to end as a dead letter."""
        exchange, routing_key = (
            _came_by(raw) if self._given_up else (raw.exchange or "", raw.routing_key or "")
        )
        try:
            envelope = opened(
                raw.body,
                raw.headers,
                raw,
                exchange=exchange,
                routing_key=routing_key,
                redelivered=bool(raw.redelivered),
                service=self._decider.service.name,
                siblings=self._siblings,
            )
        except Undecodable as fault:
            return Arrival(self.name, _envelope_of_undecodable(raw), fault=fault), 1
        arrival = Arrival(self.name, envelope)
        try:
            arrival.message = decoded(envelope)
        except Undecodable as fault:
            arrival.fault = fault
            return arrival, 1
        if self._given_up:
            arrival.fault = Undecodable("poison", "the broker has delivered it in vain too often")
        handler = self._decider.handler_for(arrival)
        return arrival, handler.weight(arrival.message) if handler else 1

    # Handling

    async def run(self) -> None:
        """Handle what arrives until cancelled."""
        while True:
            await self._arrived.wait()
            if len(self._pending) < self._settings.batch_size_max:
                await asyncio.sleep(self._settings.linger_ms / 1000)
            await self._handle(self._take())
            if not self._pending:
                self._arrived.clear()
                self._idle.set()

    def _take(self) -> list[_Delivery]:
        """The next batch within its limits; a message under suspicion comes alone."""
        limits, batch = self._settings, list[_Delivery]()
        size = weight = 0
        while self._pending and len(batch) < limits.batch_size_max:
            following = self._pending[0]
            size += len(following.raw.body)
            weight += following.weight
            full = size > limits.batch_bytes_max or weight > limits.batch_units_max
            if batch and (
                full or following.arrival.envelope.redelivered != batch[0].arrival.envelope.redelivered
            ):
                break
            batch.append(self._pending.popleft())
        return batch

    async def _handle(self, batch: Sequence[_Delivery]) -> None:
        if not batch[0].arrival.envelope.redelivered:
            await self._handle_together(batch)
            return
        await self._suspects.handle(batch, _arrival_of, self._handle_together)

    async def _handle_together(self, batch: Sequence[_Delivery]) -> None:
        await self._settle(batch, await self._decided(batch))

    async def _decided(self, batch: Sequence[_Delivery]) -> list[Outcome] | None:
        """The outcomes, however long an outage lasts; None when the messages were given back to the broker."""
        begun = perf_counter()
        while True:
            try:
                started = perf_counter()
                outcomes = await self._decider.handle([delivery.arrival for delivery in batch])
                metrics.BATCH_SECONDS.labels(self.name).observe(perf_counter() - started)
                return outcomes
            except Away as away:
                _log.warning("messages_held", queue=self.queue, count=len(batch), error=str(away)[:300])
                over = await self._outage.over(within=self._settings.outage_release_seconds)
                metrics.CONSUMER_HELD_SECONDS.labels(self.queue).inc(perf_counter() - begun)
                if not over:
                    await self._give_back(batch)
                    return None

    async def _settle(self, batch: Sequence[_Delivery], outcomes: Sequence[Outcome] | None) -> None:
        if outcomes is None:
            return
        done, busy = list[IncomingMessage](), list[_Delivery]()
        for delivery, outcome in zip(batch, outcomes, strict=True):
            if outcome is BUSY:
                delivery.arrival.tries += 1
                busy.append(delivery)
            else:
                done.append(delivery.raw)
        await self._acknowledger.done(done)
        crash_point("after acknowledge")
        self._tell(batch, outcomes)
        if busy:
            self._pending.extendleft(reversed(busy))
            await asyncio.sleep(_BUSY_PAUSE_SECONDS)

    def _tell(self, batch: Sequence[_Delivery], outcomes: Sequence[Outcome]) -> None:
        """One line for the batch, one for each message that was refused or died."""
        metrics.BATCH_MESSAGES.labels(self.name).observe(len(batch))
        for delivery, outcome in zip(batch, outcomes, strict=True):
            envelope = delivery.arrival.envelope
            metrics.MESSAGES_HANDLED.labels(envelope.type, outcome.verdict).inc()
            if outcome.verdict in ("rejected", "dead"):
                answer = outcome.answer or {}
                _log.warning(
                    f"message_{outcome.verdict}",
                    message_id=envelope.said_id,
                    type=envelope.type,
                    correlation_id=envelope.correlation_id,
                    trace_id=trace_id_of(envelope.traceparent),
                    code=answer.get("code") or getattr(delivery.arrival.fault, "reason", None),
                )
        _log.info("batch_handled", queue=self.queue, count=len(batch))

    # Stopping and giving back

    async def stop_taking(self) -> None:
        """Take no further messages: first of all when a process stops, so that none is counted as a failed delivery."""
        queue, tag = self._subscriber._queue_obj, self._subscriber._consumer_tag
        if queue is not None and tag is not None:
            self._subscriber._consumer_tag = None
            with contextlib.suppress(AMQPError, ChannelInvalidStateError, TimeoutError, OSError):
                async with asyncio.timeout(5):
                    with cut_off_is_an_error():
                        await queue.cancel(tag)

    async def drained(self) -> None:
        """Wait until everything taken is handled."""
        await self._idle.wait()

    async def _give_back(self, batch: Sequence[_Delivery]) -> None:
        """An outage takes too long: let go of everything taken, and take again when the database answers."""
        await self.stop_taking()
        _log.warning("messages_given_back", queue=self.queue, count=len(batch) + len(self._pending))
        for delivery in (*batch, *self._pending):
            with contextlib.suppress(AMQPError, ChannelInvalidStateError, OSError), cut_off_is_an_error():
                await delivery.raw.reject(requeue=True)
        self._pending.clear()
        self._acknowledger = Acknowledger()
        await self._outage.over()
        await self._subscriber.start()


def _arrival_of(delivery: _Delivery) -> Arrival:
    return delivery.arrival


async def _as_delivered(raw: IncomingMessage) -> RabbitMessage:
    """FastStream's message without its guesses: everything is in the delivered one."""
    return RabbitMessage(raw_message=raw, body=raw.body, headers=raw.headers)


async def _undecoded(message: RabbitMessage) -> Any:
    return message


def _came_by(raw: IncomingMessage) -> tuple[str, str]:
    """The exchange and routing key with which a message was sent that the broker moved to the dead letters."""
    deaths: Any = raw.headers.get("x-death")
    if isinstance(deaths, list) and deaths:
        keys = deaths[-1].get("routing-keys") or [raw.routing_key]
        return str(deaths[-1].get("exchange") or ""), str(keys[0] or "")
    return raw.exchange or "", raw.routing_key or ""


def _envelope_of_undecodable(raw: IncomingMessage) -> Envelope:
    """What can be said of a message without believing it. Its id is not used up: it may come again, mended."""
    sender, body_hash = raw.user_id or "unknown", sha256(raw.body).digest()
    key = derived_id("undecodable", sender, raw.message_id, body_hash.hex())
    return Envelope(
        id=key,
        said_id=_printable(raw.message_id) or str(key),
        message_key=key,
        stranger=True,
        type=_printable(raw.routing_key) or "unknown",
        sender=_printable(sender) or "unknown",
        source="",
        subject=None,
        time=None,
        sequence=None,
        correlation_id=_printable(raw.correlation_id) or str(key),
        causation_id=None,
        traceparent=None,
        tracestate=None,
        reply_to=None,
        exchange=raw.exchange or "",
        redelivered=bool(raw.redelivered),
        body=raw.body,
        body_hash=body_hash,
    )


def _printable(text: object) -> str:
    return "".join(character for character in str(text or "")[:200] if character.isprintable())
