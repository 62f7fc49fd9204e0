"""The two systems that are compared: each gets its own databases and virtual host on the same two servers."""

import asyncio
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any, Literal
from uuid import uuid4

import aiormq
from faststream.rabbit.subscriber import RabbitSubscriber

from bench.baseline import schema
from bench.baseline.plumbing import broker as baseline_broker
from bench.driver import LOCATION, STORAGE_SPACE, Plan
from deploy.demo.api import Api
from deploy.demo.loading import load
from deploy.local import process
from deploy.local.definitions import SERVICES, USERS
from deploy.local.process import Process, ProgramFailed
from deploy.local.provision import provision, unprovision
from deploy.local.servers import ROOT, Servers
from deploy.local.supervisor import Supervisor

PRICES = {"BENCH-LAPTOP": "640.00", "BENCH-SCREEN": "189.90", "BENCH-DOCK": "119.50"}
VENDORS = "number,name,currency\nBENCH,Bench vendor,EUR\n"
CATALOG_HEADER = "sku,name,kind,vendor_number,unit_price,currency\n"
LOCATIONS = f"code,name,storage_space\n{LOCATION},Bench,{STORAGE_SPACE}\n"
READY_SECONDS_MAX = 60


class System(ABC):
    """Something that carries requests to assets: four processes and what they need."""

    title: str
    cloudevents: bool

    def __init__(self, servers: Servers, home: Path) -> None:
        self.servers, self.home = servers, home
        self.deployment = f"bench_{self.title}"
        self.environments: Mapping[str, Mapping[str, str]] = {}

    def plan(self, mode: Literal["saturate", "pace"], **wishes: Any) -> Plan:
        """A plan for a driver of this system; what it submits is unlike anything submitted before."""
        return Plan(
            publishing_url=self.publishing_url,
            listening_url=self.listening_url,
            cloudevents=self.cloudevents,
            mode=mode,
            run=uuid4().hex[:8],
            **wishes,
        )

    @property
    def publishing_url(self) -> str:
        """The broker as the integration sees it."""
        return self.environments["erp"]["QUARTERMASTER_BROKER_URL"]

    @property
    def listening_url(self) -> str:
        """The broker as its administrator: an ear of our own may be declared there."""
        return f"{self.servers.rabbitmq_url.rpartition('/')[0]}/{self.deployment}"

    @property
    @abstractmethod
    def processes(self) -> Mapping[str, Process]:
        """What runs, by service."""

    @abstractmethod
    async def start(self) -> None:
        """From empty databases and queues to four ready processes that know the catalog."""

    @abstractmethod
    async def stop(self) -> None:
        """End the processes and remove databases and queues."""


class Quartermaster(System):
    """The four services as `make demo` runs them."""

    title = "ours"
    cloudevents = True
    _supervisor: Supervisor | None = None

    def __init__(
        self,
        servers: Servers,
        home: Path,
        *,
        receiving_workers: int = 1,
        prices: Mapping[str, str] = PRICES,
    ) -> None:
        super().__init__(servers, home)
        self.receiving_workers, self.prices = receiving_workers, prices

    @property
    def processes(self) -> Mapping[str, Process]:
        return self._supervisor.processes if self._supervisor else {}

    async def start(self) -> None:
        catalog = CATALOG_HEADER + "".join(
            f"{sku},{sku},hardware,BENCH,{price},EUR\n" for sku, price in self.prices.items()
        )
        await unprovision(self.servers, self.deployment)
        self.environments = await provision(self.servers, name=self.deployment)
        self._supervisor = Supervisor(
            self.environments, home=self.home / "ours", receiving_workers=self.receiving_workers
        )
        await self._supervisor.start()
        token = self._supervisor.token("person-bench", "asset_administrator")
        async with Api(self._supervisor.urls, token=token) as api:
            await load(api, {"vendors": VENDORS, "catalog": catalog, "locations": LOCATIONS})

    async def stop(self) -> None:
        if self._supervisor:
            await self._supervisor.stop()
        await unprovision(self.servers, self.deployment)


class Baseline(System):
    """The four applications of `bench.baseline`."""

    title = "baseline"
    cloudevents = False

    def __init__(self, servers: Servers, home: Path) -> None:
        super().__init__(servers, home)
        self._processes: dict[str, Process] = {}

    @property
    def processes(self) -> Mapping[str, Process]:
        return self._processes

    async def start(self) -> None:
        await unprovision(self.servers, self.deployment)
        self.environments = await provision(
            self.servers, name=self.deployment, define=_users_who_may_do_everything
        )
        databases = {
            service: "postgresql+asyncpg" + self.environments[service]["QUARTERMASTER_DATABASE_URL"][10:]
            for service in SERVICES
        }
        await schema.create(databases, PRICES)
        for service in SERVICES:
            self._processes[service] = process.start(
                f"baseline {service}",
                [sys.executable, "-m", "bench.baseline", service],
                log=self.home / "baseline" / "logs" / f"{service}.log",
                environment=os.environ
                | {
                    "BASELINE_RABBITMQ_URL": self.environments[service]["QUARTERMASTER_BROKER_URL"],
                    "BASELINE_DATABASE_URL": databases[service],
                },
                folder=ROOT,
            )
        await self._ready()

    async def stop(self) -> None:
        await asyncio.gather(*(each.stop() for each in self._processes.values()))
        self._processes.clear()
        await unprovision(self.servers, self.deployment)

    async def _ready(self) -> None:
        """Every queue of the applications has its consumer."""
        missing = {
            subscriber.queue.name
            for subscriber in baseline_broker.subscribers
            if isinstance(subscriber, RabbitSubscriber)
        }
        deadline = monotonic() + READY_SECONDS_MAX
        connection = await aiormq.connect(self.listening_url)
        try:
            while missing:
                for each in self._processes.values():
                    if not each.running or monotonic() > deadline:
                        raise ProgramFailed(f"{each.name} did not start:\n{each.last_words()}")
                await asyncio.sleep(0.1)
                missing -= {name for name in missing if await _is_consumed(connection, name)}
        finally:
            await connection.close()


async def _is_consumed(connection: aiormq.abc.AbstractConnection, queue: str) -> bool:
    channel = await connection.channel()
    try:
        declared = await channel.queue_declare(queue, passive=True)
    except aiormq.exceptions.ChannelNotFoundEntity:
        return False
    await channel.close()
    return bool(declared.consumer_count)


def _users_who_may_do_everything(vhost: str, passwords: Mapping[str, str]) -> Mapping[str, Any]:
    """The baseline's applications declare their own exchanges and queues, as is usual."""
    everything = {"vhost": vhost, "configure": ".*", "write": ".*", "read": ".*"}
    return {
        "users": [{"name": user, "password": passwords[user], "tags": []} for user in USERS],
        "permissions": [{"user": user, **everything} for user in USERS],
    }
