"""From queue to decision: messages are collected while the transaction before runs, then decided as one batch.

FastStream delivers; acknowledgement is ours: after the commit, and never for what was not handled.
"""

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from time import monotonic, perf_counter
from typing import Any

import structlog
from aio_pika import IncomingMessage
from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue
from faststream.rabbit.message import RabbitMessage

from libs.chassis import metrics
from libs.chassis.acknowledging import Acknowledger
from libs.chassis.batch import BUSY, Decider, Outcome
from libs.chassis.crash import crash_point
from libs.chassis.cut_off import CONNECTION_LOST, cut_off_is_an_error
from libs.chassis.decision import Rejection
from libs.chassis.delivered import authorization, came_by, envelope_of_undecodable, speaks_for_somebody
from libs.chassis.envelope import Undecodable, decoded, opened
from libs.chassis.identity import Identity, represented
from libs.chassis.inbox import Arrival
from libs.chassis.outage import Away, Outage, Stuck
from libs.chassis.rights import special_queues
from libs.chassis.service import Service
from libs.chassis.settings import Settings
from libs.chassis.suspects import Suspects
from libs.chassis.tracing import trace_id_of

_log = structlog.get_logger()
_BUSY_PAUSE_SECONDS = 0.005
_PAUSE_SECONDS_MIN, _PAUSE_SECONDS_MAX = 0.1, 5.0
LANE_BATCH_SIZE_MAX = 25
GIVE_WAY_TIMES, _GIVE_WAY_SECONDS = 20, 0.005
"""How often and how long a lane waits while others in its process have work, before it takes its share all the same."""
STUCK_SECONDS = 3.0
"""What passes sooner needs nobody to look."""


@dataclass(slots=True)
class _Delivery:
    """A message and the place to acknowledge it; `weight` counts what it is about, in units.

    Until it is known whom a system `speaks_for` the message must not be decided.
    """

    arrival: Arrival
    raw: IncomingMessage
    weight: int = 1
    speaks_for: bool = False


class Consumer:
    """One queue of a service.

    What comes from the queue of messages that the broker has `given_up` ends among our own dead letters. One that
    `gives_way` takes small batches, and lets others go first for a while.
    """

    def __init__(
        self,
        broker: RabbitBroker,
        queue: str,
        *,
        decider: Decider,
        suspects: Suspects,
        outage: Outage,
        siblings: Collection[str],
        settings: Settings,
        identity: Identity | None = None,
        given_up: bool = False,
        gives_way: Callable[[], bool] | None = None,
    ) -> None:
        self._gives_way = gives_way
        if gives_way is not None:
            size = min(settings.batch_size_max, LANE_BATCH_SIZE_MAX)
            settings = settings.model_copy(update={"batch_size_max": size, "prefetch": 2 * size})
        self.queue, self.name, self._given_up = queue, name_of(decider.service, queue), given_up
        self._decider, self._suspects, self._outage = decider, suspects, outage
        self._siblings, self._settings, self._identity = siblings, settings, identity
        self._ours = {*siblings, decider.service.name}
        self._pending: deque[_Delivery] = deque()
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._acknowledger = Acknowledger()
        self._stuck: tuple[float, str] | None = None
        self._leaving = False
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
        """Whether the broker has us as a consumer of the queue; it ends that when the queue is deleted.

        The broker's client takes it up again by itself once the queue is declared anew.
        """
        queue: Any = self._subscriber._queue_obj
        opened = queue.channel._channel if queue is not None else None
        if opened is None or opened.channel.is_closed:
            return False
        return self._subscriber._consumer_tag in opened.channel.consumers

    @property
    def is_busy(self) -> bool:
        """Whether it has taken what is not handled yet."""
        return not self._idle.is_set()

    @property
    def stuck(self) -> str | None:
        """Why nothing has gone on for some seconds although the database answers."""
        if self._stuck is None or monotonic() - self._stuck[0] < STUCK_SECONDS:
            return None
        return self._stuck[1]

    async def _collect(self, message: RabbitMessage) -> None:
        raw = message.raw_message
        # First of all: what the acknowledger does not know of would be acknowledged with what comes after it.
        self._acknowledger.delivered(raw)
        crash_point("received")
        delivery = self._checked(raw)
        crash_point("checked")
        self._pending.append(delivery)
        self._arrived.set()
        self._idle.clear()

    def _checked(self, raw: IncomingMessage) -> _Delivery:
        """Check and decode; what cannot be decoded goes on as a fault, to end as a dead letter."""
        name, exchange, routing_key = self.name, raw.exchange or "", raw.routing_key or ""
        try:
            if self._given_up:
                queue, exchange, routing_key = came_by(raw)
                name = name_of(self._decider.service, queue)
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
        except Exception as error:
            return _Delivery(
                Arrival(name, envelope_of_undecodable(raw, self._ours), fault=_fault(error)), raw
            )
        arrival = Arrival(name, envelope)
        delivery = _Delivery(arrival, raw, speaks_for=speaks_for_somebody(envelope, raw))
        try:
            arrival.message = decoded(envelope)
            handler = self._decider.handler_for(arrival)
            delivery.weight = handler.weight(arrival.message) if handler else 1
        except Exception as error:
            arrival.fault = _fault(error)
            return delivery
        if self._given_up:
            arrival.fault = Undecodable("poison", "the broker has delivered it in vain too often")
        return delivery

    # Handling

    async def run(self) -> None:
        """Handle what arrives until cancelled."""
        while True:
            await self._arrived.wait()
            if len(self._pending) < self._settings.batch_size_max:
                await asyncio.sleep(self._settings.linger_ms / 1000)
            await self._give_way()
            await self._handle(self._take())
            if not self._pending:
                self._arrived.clear()
                self._idle.set()

    async def _give_way(self) -> None:
        """Let others go first, but not for ever."""
        for _ in range(GIVE_WAY_TIMES):
            if self._gives_way is None or not self._gives_way():
                return
            await asyncio.sleep(_GIVE_WAY_SECONDS)

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
        speaking = [delivery for delivery in batch if delivery.speaks_for]
        if speaking:
            await asyncio.gather(*map(self._identify, speaking))
        if not batch[0].arrival.envelope.redelivered:
            await self._handle_together(batch)
            return
        await self._suspects.handle(batch, _arrival_of, self._handle_together)

    async def _identify(self, delivery: _Delivery) -> None:
        """See for whom a system acts; the token that says so goes no further than this."""
        arrival, delivery.speaks_for = delivery.arrival, False
        token, envelope = authorization(delivery.raw), arrival.envelope
        # Should it end as a dead letter, it is not replayed as something that the system does in its own name.
        arrival.envelope = replace(envelope, actas=envelope.actas or "")
        try:
            actor = await represented(envelope, token, self._identity, self._decider.act_as)
            arrival.envelope = replace(envelope, actor=actor)
        except Rejection as refusal:
            arrival.refusal = refusal
        except Exception as error:
            arrival.fault = _fault(error)

    async def _handle_together(self, batch: Sequence[_Delivery]) -> None:
        await self._settle(batch, await self._decided(batch))

    async def _decided(self, batch: Sequence[_Delivery]) -> list[Outcome] | None:
        """The outcomes, however long an outage lasts; None when the messages were given back to the broker."""
        pause = _PAUSE_SECONDS_MIN
        while True:
            started = perf_counter()
            try:
                outcomes = await self._decider.handle([delivery.arrival for delivery in batch])
            except Away as away:
                self._hold(batch, away)
            else:
                self._stuck = None
                metrics.BATCH_SECONDS.labels(self.name).observe(perf_counter() - started)
                return outcomes
            over = await self._outage.over(within=self._settings.outage_release_seconds)
            if over:
                # It answers, and may refuse all the same: not in a tight circle.
                await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  # jitter
                pause = min(pause * 2, _PAUSE_SECONDS_MAX)
            metrics.CONSUMER_HELD_SECONDS.labels(self.queue).inc(perf_counter() - started)
            if not over:
                await self._give_back(batch)
                return None

    def _hold(self, batch: Sequence[_Delivery], away: Away) -> None:
        error = str(away)[:300]
        _log.warning("messages_held", queue=self.queue, count=len(batch), error=error)
        if isinstance(away, Stuck):
            self._stuck = (self._stuck[0] if self._stuck else monotonic(), error)
        else:
            self._stuck = None

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
        self._leaving = True
        await self._cancel()

    async def _cancel(self) -> None:
        queue, tag = self._subscriber._queue_obj, self._subscriber._consumer_tag
        if queue is not None and tag is not None:
            self._subscriber._consumer_tag = None
            with contextlib.suppress(*CONNECTION_LOST):
                async with asyncio.timeout(5):
                    with cut_off_is_an_error():
                        await queue.cancel(tag)

    async def drained(self) -> None:
        """Wait until everything taken is handled."""
        await self._idle.wait()

    async def _give_back(self, batch: Sequence[_Delivery]) -> None:
        """An outage takes too long: let go of everything taken, and take again when the database answers."""
        await self._cancel()
        _log.warning("messages_given_back", queue=self.queue, count=len(batch) + len(self._pending))
        for delivery in batch:
            await self._reject(delivery.raw)
        # More may arrive meanwhile.
        while self._pending:
            await self._reject(self._pending.popleft().raw)
        await self._outage.over()
        await self._take_again()

    async def _reject(self, raw: IncomingMessage) -> None:
        with contextlib.suppress(*CONNECTION_LOST), cut_off_is_an_error():
            await raw.reject(requeue=True)
            self._acknowledger.given_back(raw)

    async def _take_again(self) -> None:
        """Whatever the broker does meanwhile."""
        while not self._leaving:
            try:
                with cut_off_is_an_error():
                    await self._subscriber.start()
                return
            except CONNECTION_LOST as error:
                _log.warning("broker_away", queue=self.queue, reason=type(error).__name__)
            await asyncio.sleep(random.uniform(0.5, 1))  # noqa: S311  # jitter


def name_of(service: Service, queue: str) -> str:
    """What the inbox knows the consumer of a queue by; what comes through the three doors is one inbox."""
    purpose = queue.partition(".")[2]
    return purpose if purpose in special_queues(service) else "inbox"


def _arrival_of(delivery: _Delivery) -> Arrival:
    return delivery.arrival


async def _as_delivered(raw: IncomingMessage) -> RabbitMessage:
    """FastStream's message without its guesses: everything is in the delivered one."""
    return RabbitMessage(raw_message=raw, body=raw.body, headers=raw.headers)


async def _undecoded(message: RabbitMessage) -> Any:
    return message


def _fault(error: Exception) -> Undecodable:
    """Why a message ends as a dead letter; what nobody foresaw is our own mistake."""
    if isinstance(error, Undecodable):
        return error
    _log.error("message_not_understood", exc_info=error)
    return Undecodable("bug", f"{type(error).__name__}: {error}"[:300])
