"""Whether a process lives, whether it can do its work and why not, and what it has counted.

Readiness asks for real answers: a connection that looks open proves nothing while the broker is frozen.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic
from typing import Protocol

import structlog
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity
from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.chassis import metrics
from libs.chassis.cut_off import CONNECTION_LOST, cut_off_is_an_error
from libs.chassis.migrations import behind, how_to_migrate
from libs.chassis.service import Service

CHECK_SECONDS_MAX = 2.0
REMEMBERED_SECONDS = 0.5

Check = Callable[[], Awaitable[str | None]]
"""Looks at one thing; answers what is wrong with it, or None."""

log = structlog.get_logger()


class Consumes(Protocol):
    """A consumer, as far as health looks at it."""

    queue: str

    @property
    def active(self) -> bool: ...
    @property
    def stuck(self) -> str | None: ...


class Health:
    """All checks of a process, made together; many askers at once share one answer."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._lock = asyncio.Lock()
        self._found: Mapping[str, str | None] = {}
        self._found_at = float("-inf")

    async def look(self) -> Mapping[str, str | None]:
        """What is wrong with each thing; None where nothing is."""
        async with self._lock:
            if monotonic() - self._found_at > REMEMBERED_SECONDS:
                found = await asyncio.gather(*(_within_time(check) for check in self._checks.values()))
                self._found = dict(zip(self._checks, found, strict=True))
                self._found_at = monotonic()
            return self._found


async def _within_time(check: Check) -> str | None:
    try:
        async with asyncio.timeout(CHECK_SECONDS_MAX):
            with cut_off_is_an_error():
                return await check()
    except TimeoutError:
        return f"no answer within {CHECK_SECONDS_MAX:g} s"
    except (*CONNECTION_LOST, SQLAlchemyError) as error:
        # The kind only: messages of drivers name hosts and users.
        return f"cannot be reached ({type(error).__name__})"


def routes(health: Health) -> APIRouter:
    """/health/live, /health/ready and /metrics, for every role."""
    router = APIRouter(include_in_schema=False)

    @router.get("/health/live")
    async def live() -> dict[str, str]:
        """Answers as long as the event loop turns; whoever waits for this in vain may kill the process."""
        return {"status": "ok"}

    @router.get("/health/ready")
    async def ready() -> JSONResponse:
        """503 as long as anything is wrong, and what it is."""
        found = await health.look()
        is_ready = not any(found.values())
        content = {
            "status": "ok" if is_ready else "not ready",
            "checks": {name: wrong or "ok" for name, wrong in found.items()},
        }
        return JSONResponse(content, 200 if is_ready else 503)

    @router.get("/metrics")
    async def metrics_page() -> Response:
        """Prometheus' text format."""
        return Response(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)

    return router


def database_answers(engine: AsyncEngine) -> Check:
    """The database answers a query."""

    async def check() -> str | None:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        return None

    return check


def schema_is_current(service: Service, engine: AsyncEngine) -> Check:
    """The migrations have been run; once that is so it stays so."""
    current = False

    async def check() -> str | None:
        nonlocal current
        lacks = [] if current else await behind(service, engine)
        current = not lacks
        return f"{'; '.join(lacks)}; {how_to_migrate(service)}" if lacks else None

    return check


def outbox_is_young(engine: AsyncEngine, seconds_max: float) -> Check:
    """What we say leaves: the oldest message in the outbox is not older than so many seconds."""

    async def check() -> str | None:
        async with engine.connect() as connection:
            seconds = (await connection.execute(_OUTBOX_AGE)).scalar()
        if seconds is None or seconds <= seconds_max:
            return None
        return f"the oldest message has waited for {seconds:.0f} s, {seconds_max:g} s are allowed"

    return check


def clock_is_true(engine: AsyncEngine) -> Check:
    """Nobody moved the clock; only tests may."""

    async def check() -> str | None:
        async with engine.connect() as connection:
            ahead = (await connection.execute(text("SELECT ahead FROM chassis.clock"))).scalar()
        return f"chassis.clock moves the time by {ahead}" if ahead else None

    return check


def broker_answers(connection: Callable[[], AbstractConnection | None], queues: Sequence[str]) -> Check:
    """The broker answers questions about our own queues, over the connection that is in use."""

    async def check() -> str | None:
        current = connection()
        transport = current.transport if current is not None and current.connected.is_set() else None
        if transport is None:
            return "not connected"
        # A bare channel: one that mends itself would come back after a refusal.
        channel = await transport.connection.channel(publisher_confirms=False)
        try:
            for queue in queues:
                try:
                    await channel.queue_declare(queue, passive=True)
                except ChannelNotFoundEntity:
                    return f"there is no queue {queue}: the broker has not been set up"
        finally:
            await channel.close()
        return None

    return check


def consumers_are_active(consumers: Callable[[], Sequence[Consumes]]) -> Check:
    """Every queue of ours has us as a consumer, and none of them is stuck."""

    async def check() -> str | None:
        idle = [consumer.queue for consumer in consumers() if not consumer.active]
        if not consumers():
            return "not consuming yet"
        wrong = [f"not consuming {', '.join(idle)}"] if idle else []
        wrong += [
            f"{consumer.queue} is stuck: {consumer.stuck}" for consumer in consumers() if consumer.stuck
        ]
        return "; ".join(wrong) or None

    return check


class Backlog:
    """Measures what lies around: unpublished, waiting, parked, dead. Says when a message waits too long."""

    def __init__(self, engine: AsyncEngine, *, waiting_alert_seconds: float) -> None:
        self._engine, self._waiting_alert_seconds = engine, waiting_alert_seconds
        self._alerted = False

    async def measure(self) -> bool:
        """Bring the metrics up to date; False: once is enough for now."""
        async with self._engine.connect() as connection:
            found = (await connection.execute(_BACKLOG)).one()
        waiting_seconds = float(found.waiting_seconds or 0)
        metrics.OUTBOX_ROWS.set(found.outbox)
        metrics.OUTBOX_OLDEST_SECONDS.set(float(found.outbox_seconds or 0))
        metrics.OUTBOX_PARKED_ROWS.set(found.parked)
        metrics.WAITING_ROWS.set(found.waiting)
        metrics.WAITING_OLDEST_SECONDS.set(waiting_seconds)
        metrics.DEAD_LETTERS_ROWS.set(found.dead)
        too_long = waiting_seconds > self._waiting_alert_seconds
        if too_long and not self._alerted:
            log.warning("message_waits_too_long", count=found.waiting, seconds=int(waiting_seconds))
        self._alerted = too_long
        return False


_OUTBOX_AGE = text(
    "SELECT extract(epoch FROM clock_timestamp() - created_at) FROM chassis.outbox ORDER BY id LIMIT 1"
)


_BACKLOG = text("""
    SELECT (SELECT count(*) FROM (SELECT FROM chassis.outbox LIMIT 100000) AS few) AS outbox,
           (SELECT extract(epoch FROM clock_timestamp() - created_at) FROM chassis.outbox ORDER BY id LIMIT 1)
               AS outbox_seconds,
           (SELECT count(*) FROM (SELECT FROM chassis.outbox_parked LIMIT 100000) AS few) AS parked,
           (SELECT count(*) FROM (SELECT FROM chassis.waiting LIMIT 100000) AS few) AS waiting,
           (SELECT extract(epoch FROM chassis.app_now() - min(since)) FROM chassis.waiting)
               AS waiting_seconds,
           (SELECT count(*) FROM
               (SELECT FROM chassis.dead_letters WHERE status = 'open' LIMIT 100000) AS few) AS dead""")
