"""What is under way from the outbox to the broker: rows in memory, the first of each key at the broker."""

import asyncio
import contextlib
import math
import random
from collections import deque
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

import structlog
from aiormq.exceptions import ChannelClosed, DeliveryError, PublishError

from libs.chassis import metrics
from libs.chassis.crash import crash_point
from libs.chassis.outbox import Outbox, Row
from libs.chassis.publishing import BrokerAway, Publisher
from libs.chassis.settings import Settings

_log = structlog.get_logger()

LINGER_SECONDS = 0.005
"""How long confirms are collected before their rows are deleted in one go."""
PER_KEY_MAX = 50
"""So many rows of one key are in memory at once; a record with thousands must not crowd out the others."""
BLOCKED_KEYS_MAX = 5000
"""With so many failing keys it is not the messages: nothing more is taken until some have been retried."""
BYTES_MAX = 16 * 1024 * 1024
RETRY_SECONDS_MAX = 30.0

_PUBLISHED, _UNDELIVERABLE, _FAILED, _PARKED = (
    metrics.RELAY_MESSAGES.labels(outcome) for outcome in ("published", "undeliverable", "failed", "parked")
)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a relay allows itself: unconfirmed messages, pauses, waits, tries."""

    window: int = 500
    poll_seconds: float = 0.05
    publish_timeout_seconds: float = 10
    attempts_max: int = 20
    heartbeat_seconds: int = 10

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """As the operator set them."""
        return cls(
            window=settings.relay_window,
            poll_seconds=settings.relay_poll_ms / 1000,
            publish_timeout_seconds=settings.publish_timeout_seconds,
            attempts_max=settings.relay_attempts_max,
            heartbeat_seconds=settings.broker_heartbeat_seconds,
        )


class Bell:
    """Wakes the relay: rung because something was committed, stirred because something has ended."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.rung = False

    def ring(self) -> None:
        """There is something new in the outbox."""
        self.rung = True
        self._event.set()

    def stir(self) -> None:
        """There is something to do."""
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """Until somebody rings or stirs, at most so long."""
        if not self._event.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._event.wait()
        self._event.clear()


class Departures:
    """Lives as long as one pair of connections; what it holds when they fail is looked up and sent again."""

    def __init__(self, limits: Limits, publisher: Publisher, outbox: Outbox, bell: Bell) -> None:
        self._limits, self._publisher, self._outbox, self._bell = limits, publisher, outbox, bell
        self._chains: dict[UUID, deque[Row]] = {}
        self._loaded: set[int] = set()
        self._ready: list[Row] = []
        self._sent_at: dict[int, float] = {}
        self._confirmed: dict[int, int] = {}
        self._failed: list[tuple[Row, BaseException]] = []
        self._tries: dict[UUID, int] = {}
        self._blocked: dict[UUID, float] = {}
        self._more = True
        self._looked_at = -math.inf
        self._average_bytes = BYTES_MAX // 64
        self.heard_at = -math.inf

    @property
    def idle(self) -> bool:
        """Nothing in memory that is not finished."""
        return not self._loaded and not self._confirmed

    @property
    def shards(self) -> set[int]:
        """Shards of which something is under way or not yet deleted: another relay would say it again."""
        return {chain[0].shard for chain in self._chains.values()} | set(self._confirmed.values())

    async def step(self, *, load: bool) -> None:
        """Deal with what failed, send what may leave, book what has left, look for more; then wait."""
        if self._failed:
            await self._deal_with_failures()
        if self._ready:
            await self._send()
        if self._should_look(load):
            await self._look(load)
        if self._ready or self._failed:
            return
        if self._sent_at:
            oldest = next(iter(self._sent_at.values()))
            if monotonic() - oldest > self._limits.publish_timeout_seconds:
                raise BrokerAway("the broker confirms nothing any more")
        await self._bell.wait(LINGER_SECONDS if self._confirmed else self._limits.poll_seconds)

    # Leaving

    async def _send(self) -> None:
        rows, self._ready = self._ready, []
        crash_point("before publish")
        now = monotonic()
        self._sent_at.update((row.id, now) for row in rows)
        await self._publisher.send(rows, self._settled)
        crash_point("published not confirmed")

    def _settled(self, row: Row, error: BaseException | None) -> None:
        """One message has ended one way or another; called by the connection's reader."""
        self._sent_at.pop(row.id, None)
        if error is None:
            self.heard_at = monotonic()
            self._finish(row)
        else:
            self._failed.append((row, error))
        enough = len(self._confirmed) >= self._limits.window // 4
        if enough or self._failed or self._ready or not self._sent_at:
            self._bell.stir()

    def _finish(self, row: Row) -> None:
        """The row may be deleted; the next of its key may leave."""
        self._confirmed[row.id] = row.shard
        self._next(row)

    def _next(self, row: Row) -> None:
        self._tries.pop(row.ordering_key, None)
        chain = self._chains[row.ordering_key]
        chain.popleft()
        if chain:
            self._ready.append(chain[0])
        else:
            del self._chains[row.ordering_key]

    # Looking

    def _should_look(self, load: bool) -> bool:
        since = monotonic() - self._looked_at
        if self._confirmed:
            enough = len(self._confirmed) >= self._limits.window // 4
            if enough or not self._sent_at or since >= LINGER_SECONDS:
                return True
        room = len(self._loaded) <= self._limits.window // 2
        return load and room and (self._bell.rung or self._more or since >= self._limits.poll_seconds)

    async def _look(self, load: bool) -> None:
        """Delete what was confirmed and take what comes next, in one statement."""
        self._bell.rung = False
        self._looked_at = now = monotonic()
        for key in [key for key, until in self._blocked.items() if until <= now]:
            del self._blocked[key]
        if self._confirmed:
            crash_point("confirmed not deleted")
        confirmed, self._confirmed = list(self._confirmed), {}
        limit = min(self._limits.window - len(self._loaded), max(8, BYTES_MAX // self._average_bytes))
        if not load or len(self._blocked) >= BLOCKED_KEYS_MAX:
            limit = 0
        full = [key for key, chain in self._chains.items() if len(chain) >= PER_KEY_MAX // 2]
        rows = await self._outbox.exchange(
            confirmed, besides=self._loaded, not_of=[*full, *self._blocked], limit=max(limit, 0)
        )
        self._loaded.difference_update(confirmed)
        _PUBLISHED.inc(len(confirmed))
        self._more = 0 < limit <= len(rows)
        if rows:
            self._average_bytes = sum(len(row.body) for row in rows) // len(rows) + 500
        for row in rows:
            self._take(row)

    def _take(self, row: Row) -> None:
        chain = self._chains.get(row.ordering_key)
        if chain is None:
            self._chains[row.ordering_key] = deque((row,))
            self._ready.append(row)
        elif len(chain) < PER_KEY_MAX:
            chain.append(row)
        else:
            return
        self._loaded.add(row.id)

    # Failing

    async def _deal_with_failures(self) -> None:
        """Each failed row waits with its key, is dropped, or is parked."""
        failed, self._failed = self._failed, []
        unclear = []
        for row, error in failed:
            if isinstance(error, ChannelClosed):
                unclear.append(row)
            elif isinstance(error, PublishError | DeliveryError | ValueError):
                await self._fail(row, error)
            else:
                raise BrokerAway(f"{type(error).__name__}: {error}")
        if unclear:
            await self._publisher.renew()
        for row in unclear:
            # One of them closed the channel for all. Sent alone, it can only be the message itself.
            ended = await self._publisher.alone(row)
            if ended is None:
                self.heard_at = monotonic()
                self._finish(row)
            else:
                await self._fail(row, ended)

    async def _fail(self, row: Row, error: BaseException) -> None:
        if isinstance(error, PublishError) and row.exchange.endswith(".replies"):
            # Whoever asked is not there any more, and nobody else wants the answer.
            _UNDELIVERABLE.inc()
            self._finish(row)
            return
        key = row.ordering_key
        tries = self._tries[key] = max(self._tries.get(key, 0), row.attempts) + 1
        # A queue that refuses is full or lacks a leader: that passes, and is not the message's fault.
        passing = isinstance(error, DeliveryError) and not isinstance(error, PublishError)
        hopeless = isinstance(error, ValueError) or (not passing and tries >= self._limits.attempts_max)
        reason = _reason(row, error)
        _log.warning(
            "message_parked" if hopeless else "message_not_published",
            message_id=str(row.message_id),
            type=row.headers.get("ce-type"),
            reason=reason,
            tries=tries,
        )
        if hopeless:
            await self._outbox.park(row.id, reason)
            _PARKED.inc()
            self._loaded.discard(row.id)
            self._next(row)
            return
        if not passing:
            await self._outbox.count_attempt(row.id)
        _FAILED.inc()
        for waiting in self._chains.pop(key):
            self._loaded.discard(waiting.id)
        pause = min(0.1 * 2.0 ** min(tries, 20), RETRY_SECONDS_MAX)
        self._blocked[key] = monotonic() + pause * random.uniform(0.5, 1)  # noqa: S311 - jitter


def _reason(row: Row, error: BaseException) -> str:
    where = f"{row.exchange} with {row.routing_key}"
    if isinstance(error, PublishError):
        return f"no queue is bound to {where}"
    if isinstance(error, DeliveryError):
        return f"a queue bound to {where} refused it"
    return f"{where}: {type(error).__name__} {error}"[:500]
