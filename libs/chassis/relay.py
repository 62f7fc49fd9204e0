"""The relay: brings what was committed to the outbox to the broker, and deletes it once the broker has it.

Each shard of the outbox has one owner at a time. Messages of one ordering key leave one after another, each
after the confirm of the one before; different keys leave together. A message that fails stops its key, not
its shard. Whatever dies in between, a row that was not confirmed is said again: who hears us has an inbox.
"""

import asyncio
import contextlib
import math
import os
import random
import socket
from time import monotonic
from typing import Literal

import asyncpg
import structlog

from libs.chassis import metrics
from libs.chassis.departures import Bell, Departures, Limits
from libs.chassis.outbox import Outbox
from libs.chassis.publishing import BrokerAway, Publisher
from libs.chassis.service import Service
from libs.chassis.topology import marker

_log = structlog.get_logger()

State = Literal[
    "starting", "relaying", "topology missing", "broker away", "database away", "failing", "stopped"
]

REBALANCE_SECONDS = 1.0
SIGN_OF_LIFE_SECONDS = 3.0
"""An idle relay asks the broker so often whether it still answers; a frozen one keeps its connections."""
PAUSE_SECONDS_MAX = 5.0


class TopologyMissing(Exception):
    """The broker lacks what this service declares: what it says might find no listener."""


class Relay:
    """Runs until stopped or cancelled, through any outage; `wake` it after a commit that wrote to the outbox.

    The database URL must lead to PostgreSQL itself: session locks do not survive a transaction-mode pooler.
    """

    def __init__(
        self, service: Service, *, database_url: str, broker_url: str, limits: Limits | None = None
    ) -> None:
        self._service, self._database_url, self._broker_url = service, database_url, broker_url
        self._limits = limits or Limits()
        self._bell = Bell()
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._state: State = "starting"
        self._detail = ""
        self._heard_at = -math.inf

    def wake(self) -> None:
        """Something was committed."""
        self._bell.ring()

    @property
    def state(self) -> State:
        """What it is doing, for readiness and people; `relaying` is the good one."""
        return self._state

    @property
    def healthy(self) -> bool:
        """Whether it relays and the broker has answered lately; an idle relay asks every few seconds."""
        return self.why_unhealthy is None

    @property
    def why_unhealthy(self) -> str | None:
        """A sentence for readiness, or None when all is well."""
        if self._state != "relaying":
            return f"{self._state}: {self._detail}" if self._detail else self._state
        silent = monotonic() - self._heard_at
        if silent > SIGN_OF_LIFE_SECONDS + self._limits.publish_timeout_seconds:
            return f"the broker has been silent for {silent:.0f} s"
        return None

    async def run(self) -> None:
        """Relay; an outage is waited out with growing pauses, a bug is logged and tried again."""
        pause = 0.0
        try:
            while not self._stopping.is_set():
                begun = monotonic()
                try:
                    await self._relay()
                except Exception as error:
                    self._tell(error)
                lasted = monotonic() - begun
                pause = 0.2 if lasted > 2 * PAUSE_SECONDS_MAX else min(max(pause, 0.1) * 2, PAUSE_SECONDS_MAX)
                with contextlib.suppress(TimeoutError):
                    # Jitter, so that relays that lost the same broker do not all come back at once.
                    async with asyncio.timeout(pause * random.uniform(0.5, 1)):  # noqa: S311
                        await self._stopping.wait()
        finally:
            self._state = "stopped"
            self._ended.set()

    async def stop(self, *, within: float = 5) -> None:
        """Let what is under way be confirmed, then end `run`; what is left stays in the outbox."""
        self._stopping.set()
        self._bell.stir()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._ended.wait()

    async def _relay(self) -> None:
        """One connection to each side, until one of them fails."""
        name = f"{self._service.name} relay {socket.gethostname()} {os.getpid()}"
        publisher = Publisher(
            self._broker_url,
            name=name,
            heartbeat_seconds=self._limits.heartbeat_seconds,
            timeout_seconds=self._limits.publish_timeout_seconds,
        )
        try:
            await publisher.open()
            await self._check(publisher)
            async with Outbox.opened(self._database_url, name) as outbox:
                self._state, self._detail = "relaying", ""
                await self._keep_relaying(publisher, outbox)
        finally:
            metrics.RELAY_SHARDS.set(0)
            await publisher.close()

    async def _keep_relaying(self, publisher: Publisher, outbox: Outbox) -> None:
        departures = Departures(self._limits, publisher, outbox, self._bell)
        rebalanced_at = -math.inf
        while not (self._stopping.is_set() and departures.idle):
            now = monotonic()
            if now - rebalanced_at >= REBALANCE_SECONDS:
                rebalanced_at = now
                await outbox.rebalance(departures.shards)
                metrics.RELAY_SHARDS.set(len(outbox.owned))
            self._heard_at = max(self._heard_at, departures.heard_at)
            if departures.idle and now - self._heard_at >= SIGN_OF_LIFE_SECONDS:
                await self._check(publisher)
            await departures.step(load=not self._stopping.is_set())

    async def _check(self, publisher: Publisher) -> None:
        """Refuse to say anything where somebody may not hear it."""
        expected = marker(self._service)
        if not await publisher.exists(expected):
            raise TopologyMissing(f"the exchange {expected} is missing: set the broker up for this release")
        self._heard_at = monotonic()

    def _tell(self, error: Exception) -> None:
        self._detail = f"{type(error).__name__}: {error}"[:300]
        if isinstance(error, TopologyMissing):
            self._state = "topology missing"
        elif isinstance(error, BrokerAway):
            self._state = "broker away"
        elif isinstance(error, OSError | asyncpg.PostgresError | asyncpg.InterfaceError):
            self._state = "database away"
        else:
            self._state = "failing"
        failing = self._state == "failing"
        _log.warning(
            "relay_waits", state=self._state, error=self._detail, exc_info=error if failing else None
        )
