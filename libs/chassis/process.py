"""What a process consists of, how it comes up, and in which order it goes down.

A database or broker that is away is waited for, with readiness red: restarting would not bring it back.
"""

import asyncio
import contextlib
import os
import pkgutil
import random
import socket
from collections.abc import Awaitable, Coroutine, Iterator
from importlib import import_module
from typing import Any

import structlog
import uvicorn
from aio_pika.abc import AbstractConnection
from faststream.rabbit import RabbitBroker
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from yarl import URL

from libs import contracts
from libs.chassis import health
from libs.chassis.amqp_decoding import read_strangers_messages
from libs.chassis.api import whole_app
from libs.chassis.batch import Decider
from libs.chassis.consumer import Consumer
from libs.chassis.cut_off import CONNECTION_LOST, cut_off_is_an_error
from libs.chassis.departures import Limits
from libs.chassis.housekeeping import keep_house
from libs.chassis.http import create_app
from libs.chassis.identity import Identity
from libs.chassis.importing import Importer
from libs.chassis.loops import Loop
from libs.chassis.migrations import behind, how_to_migrate
from libs.chassis.outage import Outage
from libs.chassis.relay import Relay
from libs.chassis.renewal import ask_if_new
from libs.chassis.rights import queues_of
from libs.chassis.service import Service
from libs.chassis.settings import Settings
from libs.chassis.suspects import Suspects
from libs.chassis.timers import FIRED_AT_ONCE, fire_due
from libs.chassis.waiting import Sweep
from libs.contracts.message import MESSAGES

NOT_MIGRATED = 3
ENDED_BY_ITSELF = 1
PAUSE_SECONDS = 1
CLOSE_SECONDS = 5

log = structlog.get_logger()


class NotMigrated(Exception):
    """The database is behind the code; the message says what to type."""


class Process:
    """One process of a service in one role."""

    def __init__(self, service: Service, role: str, settings: Settings) -> None:
        read_strangers_messages()
        self.service, self.settings = service, settings
        self.name = f"{service.name}-{role}"
        self.takes_messages, self.has_api = role in ("all", "worker"), role in ("all", "api")
        self.engine = engine_for(settings, self.name, connections=settings.database_pool_size)
        # Questions about health must not queue behind the work.
        self.watching = engine_for(settings, f"{self.name}-health", connections=2)
        self.identity = identity_of(settings)
        self.outage = Outage(self._ask_database)
        self.suspects = Suspects(self.engine, deaths_max=settings.poison_deaths_max)
        self.relay = Relay(
            service,
            database_url=settings.database_url,
            broker_url=settings.broker_url,
            limits=Limits.of(settings),
        )
        self.decider = Decider(
            service,
            self.engine,
            act_as=settings.act_as,
            wake_relay=self.relay.wake,
            wake_waiting=lambda: self.waiting.wake(),
        )
        self.waiting = Loop("waiting", Sweep(self.engine, self.decider, self.suspects).step, seconds=1)
        self.timers = Loop("timers", self._fire_timers, seconds=0.25)
        importer = Importer(service.imports, self.engine, self.decider)
        self.importing = Loop("importing", importer.step, seconds=0.5)
        self.housekeeping = Loop("housekeeping", self._keep_house, seconds=3600)
        backlog = health.Backlog(self.watching, waiting_alert_seconds=settings.waiting_alert_seconds)
        self.backlog = Loop("backlog", backlog.measure, seconds=5)
        self.broker: RabbitBroker | None = None
        self.consumers: list[Consumer] = []
        self.relaying = self.stopping = False

    async def live(self, stopping: asyncio.Event) -> int:
        """Work until `stopping` is set; the exit status."""
        try:
            server, serving = self._serve_http()
        except OSError as error:
            log.error("cannot_listen", port=self.settings.http_port, reason=str(error))
            return ENDED_BY_ITSELF
        working = asyncio.create_task(self._work())
        stop = asyncio.create_task(stopping.wait())
        await asyncio.wait({serving, working, stop}, return_when=asyncio.FIRST_COMPLETED)
        status = 0 if stopping.is_set() else _status_of(working)
        log.info("stopping")
        self.stopping = True
        if stopping.is_set():
            await _within(self.settings.drain_seconds_max, self._drain())
        working.cancel()
        await asyncio.wait({working})
        server.should_exit = True
        await asyncio.wait({serving}, timeout=self.settings.http_request_seconds_max)
        await _within(CLOSE_SECONDS, self._close())
        log.info("stopped")
        return status

    async def _work(self) -> None:
        """Everything but HTTP; ends only when something is wrong with the process itself."""
        await self._await_database()
        if self.takes_messages and await ask_if_new(self.service, self.engine):
            log.info("asking_for_copies")
        async with asyncio.TaskGroup() as group:

            def go(work: Coroutine[Any, Any, None]) -> None:
                group.create_task(work)

            self.relaying = True
            go(self.relay.run())
            go(self.backlog.run())
            if self.takes_messages:
                await self._await_broker()
                go(self.waiting.run())
                go(self.timers.run())
                go(self.housekeeping.run())
                if self.service.imports:
                    go(self.importing.run())
                for consumer in self.consumers:
                    go(consumer.run())
            log.info("working")

    async def _drain(self) -> None:
        """Take nothing more, finish what was taken, say what follows from it."""
        await asyncio.gather(*(consumer.stop_taking() for consumer in self.consumers))
        await asyncio.gather(*(consumer.drained() for consumer in self.consumers))
        if self.relaying:
            await self.relay.stop()

    async def _close(self) -> None:
        if self.broker is not None:
            await self.broker.stop()
        await self.engine.dispose()
        await self.watching.dispose()

    async def _ask_database(self) -> None:
        async with self.watching.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def _await_database(self) -> None:
        await self.outage.over()
        lacks = await behind(self.service, self.watching)
        if lacks:
            raise NotMigrated(f"{'; '.join(lacks)}; {how_to_migrate(self.service)}")

    async def _await_broker(self) -> None:
        while True:
            broker, consumers = self._consumers()
            try:
                async with asyncio.timeout(30):
                    with cut_off_is_an_error():
                        await broker.start()
            except CONNECTION_LOST as error:
                log.warning("broker_away", reason=type(error).__name__)
                with contextlib.suppress(*CONNECTION_LOST):
                    await broker.stop()
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                self.broker, self.consumers = broker, consumers
                return

    def _consumers(self) -> tuple[RabbitBroker, list[Consumer]]:
        """A connection and a consumer for each queue."""
        heartbeat = {"heartbeat": str(self.settings.broker_heartbeat_seconds), "name": self._unique_name()}
        broker = RabbitBroker(
            str(URL(self.settings.broker_url).update_query(heartbeat)),
            # Not all at the same moment when a broker comes back.
            reconnect_interval=PAUSE_SECONDS * random.uniform(0.5, 2),  # noqa: S311
            # Decoded once, by ourselves; looking through annotations would cost as much again.
            apply_types=False,
            logger=None,
        )
        lanes = {f"{self.service.name}.{lane}" for lane in self.service.lanes}
        consumers = [
            Consumer(
                broker,
                queue,
                decider=self.decider,
                suspects=self.suspects,
                outage=self.outage,
                siblings=siblings_of(self.service),
                settings=self.settings,
                identity=self.identity,
                given_up=queue.endswith(".dead_letters"),
                gives_way=self._others_are_busy if queue in lanes else None,
            )
            for queue in queues_of(self.service)
            if not self.settings.queues or queue.rpartition(".")[2] in self.settings.queues.split()
        ]
        return broker, consumers

    def _others_are_busy(self) -> bool:
        """Whether anything but a lane has something to do."""
        lanes = {f"{self.service.name}.{lane}" for lane in self.service.lanes}
        return any(consumer.is_busy for consumer in self.consumers if consumer.queue not in lanes)

    def _unique_name(self) -> str:
        return f"{self.name}-{socket.gethostname()}-{os.getpid()}"

    async def _fire_timers(self) -> bool:
        fired = await fire_due(self.engine, self.service.name)
        if fired:
            self.relay.wake()
        return fired == FIRED_AT_ONCE

    async def _keep_house(self) -> bool:
        await keep_house(self.engine)
        return False

    def _serve_http(self) -> tuple[uvicorn.Server, asyncio.Task[None]]:
        make = whole_app if self.has_api else create_app
        app = make(
            self.service,
            engine=self.engine,
            decider=self.decider,
            identity=self.identity,
            act_as=self.settings.act_as,
            body_bytes_max=self.settings.http_body_bytes_max,
            upload_bytes_max=self.settings.http_upload_bytes_max,
            request_seconds_max=self.settings.http_request_seconds_max,
            with_routes=self.has_api,
        )
        app.include_router(health.routes(health.Health(self._checks())))
        listening = socket.create_server((self.settings.http_host, self.settings.http_port), backlog=1024)
        log.info("listening", port=listening.getsockname()[1])
        server = _Server(
            uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, server_header=False)
        )
        return server, asyncio.create_task(server.serve([listening]))

    def _checks(self) -> dict[str, health.Check]:
        settings, watching = self.settings, self.watching
        checks = {
            "process": self._is_staying,
            "database": health.database_answers(watching),
            "migrations": health.schema_is_current(self.service, watching),
            "relay": self._relay_relays,
            "outbox": health.outbox_is_young(watching, settings.outbox_age_alert_seconds),
        }
        if settings.environment == "production":
            checks["clock"] = health.clock_is_true(watching)
        if self.takes_messages:
            checks["broker"] = health.broker_answers(self._connection, queues_of(self.service))
            checks["consumers"] = health.consumers_are_active(lambda: self.consumers)
        return checks

    async def _is_staying(self) -> str | None:
        return "stopping" if self.stopping else None

    async def _relay_relays(self) -> str | None:
        return self.relay.why_unhealthy

    def _connection(self) -> AbstractConnection | None:
        return self.broker._connection if self.broker is not None else None


class _Server(uvicorn.Server):
    """Signals are the process' business, not the web server's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def _within(seconds: float, work: Awaitable[None]) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(work, seconds)


def _status_of(working: asyncio.Task[None]) -> int:
    """Why the work ended although nobody asked it to, in the log and as an exit status."""
    error = working.exception() if working.done() else None
    if isinstance(error, NotMigrated):
        log.error("not_migrated", reason=str(error))
        return NOT_MIGRATED
    log.error("ended_by_itself", exc_info=error)
    return ENDED_BY_ITSELF


def identity_of(settings: Settings) -> Identity | None:
    """What knows people and systems by their tokens, if an issuer is set."""
    if not settings.oidc_issuer:
        return None
    return Identity(
        settings.oidc_issuer, audience=settings.oidc_audience, roles_claim=settings.oidc_roles_claim
    )


def engine_for(settings: Settings, name: str, *, connections: int) -> AsyncEngine:
    """A pool of database connections under this name; a server that keeps silent counts as away."""
    server_settings = {
        "application_name": name,
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "60s",
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
    }
    return create_async_engine(
        settings.sqlalchemy_url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=10,
        # What people wrote must not get into log lines by way of an error's text.
        hide_parameters=True,
        connect_args={"timeout": 5, "command_timeout": 60, "server_settings": server_settings},
    )


def siblings_of(service: Service) -> frozenset[str]:
    """The other services: whoever owns a word in libs.contracts."""
    for module in pkgutil.iter_modules(contracts.__path__, f"{contracts.__name__}."):
        import_module(module.name)
    return frozenset({message.owner() for message in MESSAGES.values()} - {service.name})
