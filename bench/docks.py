"""`python -m bench.docks`: how fast the dock is, from receipts on its queue to assets in stock.

First one order of 10,000 serialised units, received in parts; then many orders, taken by 1, 2 and 4 workers that share
the queue, with what they waited for each other. Everything is bounded and stops by itself.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any
from uuid import uuid4

import aiormq
import asyncpg
from aiormq.abc import AbstractChannel, DeliveredMessage
from rich.table import Table

from bench.__main__ import HOME, INTERRUPTED, console, running, write
from bench.driver import LOCATION, STORAGE_SPACE
from bench.systems import Quartermaster
from deploy.demo.api import Refused
from deploy.demo.loading import TooLate
from deploy.local.process import ProgramFailed
from deploy.local.servers import NoServer, Servers, start_servers, stop_servers

SKU = "BENCH-PEN"
# What 10,000 of them cost is approved at once.
PRICES = {SKU: "0.05"}
UNITS_PER_PART = 1_000
SILENCE_SECONDS_MAX = 60.0
LOOK_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class Taken:
    """Units from their receipts' publication until the last was in stock, and what the dock's database saw meanwhile.

    `lock_waits` is how often somebody was seen to wait for a lock, by `looks` that are 50 ms apart.
    """

    workers: int
    orders: int
    units: int
    seconds: float
    counted_seconds: float
    looks: int
    lock_waits: int
    deadlocks: int
    rejected: int

    @property
    def units_per_second(self) -> float:
        """From the queue to assets in stock."""
        return self.units / self.seconds


class Yard:
    """One integration that orders, delivers, and listens until everything is in stock."""

    def __init__(self, channel: AbstractChannel) -> None:
        self._channel = channel
        self._changed = asyncio.Event()
        self.orders: dict[str, dict[str, Any]] = {}
        self.units: Counter[str] = Counter()
        self.taken_at = 0.0
        self.rejections: list[str] = []

    async def hear(self, message: DeliveredMessage) -> None:
        """A fact of any service."""
        fact = json.loads(message.body)
        match message.routing_key:
            case "purchasing.order_submitted.v1":
                self.orders[fact["order_id"]] = fact
            case "receiving.goods_received.v1":
                self.units["taken"] += sum(line["accepted"] for line in fact["lines"])
                self.taken_at = perf_counter()
            case "assets.template_assets_created.v1":
                self.units["templates"] += len(fact["assets"])
            case "assets.assets_received.v1":
                self.units["in stock"] += len(fact["assets"])
        self._changed.set()

    async def hear_answer(self, message: DeliveredMessage) -> None:
        """How a command ended: none should be refused."""
        answer = json.loads(message.body)
        if answer["outcome"] == "rejected":
            self.rejections.append(f"{answer['command_type']}: {answer['code']} {answer['message']}")
            self._changed.set()

    async def until(self, what: str, units: int) -> None:
        """So many units are there."""
        while self.units[what] < units:
            if self.rejections:
                raise TooLate(f"{len(self.rejections)} commands were refused: {self.rejections[0]}")
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), SILENCE_SECONDS_MAX)
            except TimeoutError:
                raise TooLate(f"{self.units[what]} of {units} units are {what}; then silence") from None

    async def order(self, orders: int, units_each: int, *, run: str) -> None:
        """So many orders of so many units for stock; back when every unit has its template."""
        for number in range(orders):
            request = {
                "external_reference": f"{run}-{number}",
                "requester": f"person-{run}-{number}",
                "deliver_to": LOCATION,
                "currency": "EUR",
                "lines": [{"sku": SKU, "quantity": units_each, "destination": {"kind": "stock"}}],
            }
            await self._say("requests", "submit_request", f"{run}-{number}", request)
        await self.until("templates", orders * units_each)

    async def deliver(self, *, run: str) -> None:
        """Everything that was ordered comes, order by order, in parts of at most 1,000 units."""
        receipts = list(self._receipts(run))
        await asyncio.gather(*(self._say("receiving", "record_receipt", *receipt) for receipt in receipts))

    def _receipts(self, run: str) -> Iterable[tuple[str, dict[str, Any]]]:
        for number, order in enumerate(self.orders.values()):
            (line,) = order["lines"]
            serials = [f"{run}-{number}-{unit}" for unit in range(1, line["quantity"] + 1)]
            parts = [serials[at : at + UNITS_PER_PART] for at in range(0, len(serials), UNITS_PER_PART)]
            for part, some in enumerate(parts, 1):
                name = f"{run}-receipt-{number}"
                units = {
                    "order_line_id": line["order_line_id"],
                    "location": LOCATION,
                    "storage_space": STORAGE_SPACE,
                    "units": [{"serial": serial} for serial in some],
                }
                receipt: dict[str, Any] = {"order_id": order["order_id"], "lines": [units]}
                if len(parts) > 1:
                    receipt["part_of"] = {"delivery": name, "part": part, "parts": len(parts)}
                yield f"{name}-{part}", receipt

    async def _say(self, service: str, command: str, message_id: str, data: Mapping[str, Any]) -> None:
        """Publish and wait for the broker's confirmation."""
        kind = f"{service}.{command}.v1"
        event = {"specversion": "1.0", "id": message_id, "type": kind, "source": "/bench"}
        properties = aiormq.spec.Basic.Properties(
            content_type="application/json",
            headers={f"ce-{name}": value for name, value in event.items()},
            delivery_mode=2,
            message_id=message_id,
            message_type=kind,
            user_id="erp",
        )
        await self._channel.basic_publish(
            json.dumps(data).encode(),
            exchange=f"{service}.commands",
            routing_key=kind,
            properties=properties,
        )


HEARD = (
    ("purchasing.events", "purchasing.order_submitted.v1"),
    ("receiving.events", "receiving.goods_received.v1"),
    ("assets.events", "assets.template_assets_created.v1"),
    ("assets.events", "assets.assets_received.v1"),
)


@asynccontextmanager
async def the_yard(system: Quartermaster) -> AsyncIterator[Yard]:
    """An integration's connections to a running system."""
    publishing = await aiormq.connect(system.publishing_url)
    listening = await aiormq.connect(system.listening_url)
    try:
        yard = Yard(await publishing.channel(publisher_confirms=True))
        ear = await listening.channel()
        queue = (await ear.queue_declare(exclusive=True, auto_delete=True)).queue or ""
        for exchange, fact in HEARD:
            await ear.queue_bind(queue, exchange, fact)
        await ear.basic_consume(queue, yard.hear, no_ack=True)
        await ear.basic_consume("erp.answers", yard.hear_answer, no_ack=True)
        yield yard
    finally:
        await publishing.close()
        await listening.close()


@dataclass
class Watch:
    """Looks at the dock's database now and then: who waits for a lock, and has there been a deadlock."""

    connection: asyncpg.Connection
    looks: int = 0
    lock_waits: int = 0

    async def look(self) -> None:
        """Until it is cancelled."""
        waiting = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        while True:
            self.lock_waits += await self.connection.fetchval(waiting)
            self.looks += 1
            await asyncio.sleep(LOOK_SECONDS)

    async def deadlocks(self) -> int:
        """Since the database was made."""
        counted = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        return int(await self.connection.fetchval(counted))


async def measure(servers: Servers, home: Path, *, workers: int, orders: int, units_each: int) -> Taken:
    """From empty databases: order, deliver, and wait until all of it is in stock."""

    def system_of(servers: Servers, home: Path) -> Quartermaster:
        return Quartermaster(servers, home, receiving_workers=workers, prices=PRICES)

    async with running(system_of, servers, home) as system:
        assert isinstance(system, Quartermaster)
        run, units = uuid4().hex[:8], orders * units_each
        connection = await asyncpg.connect(system.environments["receiving"]["QUARTERMASTER_DATABASE_URL"])
        watch = Watch(connection)
        try:
            async with the_yard(system) as yard:
                await yard.order(orders, units_each, run=run)
                looking = asyncio.create_task(watch.look())
                began = perf_counter()
                await yard.deliver(run=run)
                await yard.until("in stock", units)
                seconds = perf_counter() - began
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)
                taken_seconds, deadlocks = yard.taken_at - began, await watch.deadlocks()
        finally:
            await connection.close()
    return Taken(
        workers=workers,
        orders=orders,
        units=units,
        seconds=seconds,
        counted_seconds=taken_seconds,
        looks=watch.looks,
        lock_waits=watch.lock_waits,
        deadlocks=deadlocks,
        rejected=len(yard.rejections),
    )


def table_of(taken: Iterable[Taken]) -> Table:
    """What was measured, for people."""
    columns = ("workers", "orders", "units", "dock s", "stock s", "units/s", "waits/looks", "deadlocks")
    table = Table(*columns)
    for each in taken:
        table.add_row(
            str(each.workers),
            str(each.orders),
            f"{each.units:,}",
            f"{each.counted_seconds:.1f}",
            f"{each.seconds:.1f}",
            f"{each.units_per_second:,.0f}",
            f"{each.lock_waits}/{each.looks}",
            str(each.deadlocks),
        )
    return table


def last_line(taken: Sequence[Taken]) -> str:
    """For scripts; never worded otherwise."""
    one, *many = taken
    rates = ", ".join(f"{each.workers} workers {each.units_per_second:.0f}" for each in many)
    deadlocks = sum(each.deadlocks for each in taken)
    return f"one order: {one.units} units in {one.seconds:.1f} s; units/s: {rates}; deadlocks {deadlocks}"


def options_from(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.docks", description=__doc__)
    parser.add_argument("--units", type=int, default=10_000, help="of the one order")
    parser.add_argument(
        "--orders", type=int, default=400, help="of 25 units each, for every number of workers"
    )
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--home", type=Path, default=HOME, help="where data, logs and secrets are kept")
    return parser.parse_args(arguments)


async def main(options: argparse.Namespace) -> int:
    """SIGTERM stops us as Ctrl-C does."""
    ours = asyncio.current_task()
    assert ours is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ours.cancel)
    servers = await start_servers(options.home, durable=True)
    runs = [(1, 1, options.units), *((workers, options.orders, 25) for workers in options.workers)]
    taken: list[Taken] = []
    try:
        for workers, orders, units_each in runs:
            console.print(f"{orders} orders of {units_each} units, {workers} receiving workers …")
            taken.append(
                await measure(servers, options.home, workers=workers, orders=orders, units_each=units_each)
            )
    finally:
        await stop_servers(options.home)
    write("docks", {"taken": [asdict(each) for each in taken]})
    console.print(table_of(taken))
    console.print(last_line(taken))
    return 1 if any(each.deadlocks for each in taken) else 0


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main(options_from(sys.argv[1:]))))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(INTERRUPTED)
    except (NoServer, ProgramFailed, Refused, TooLate) as failure:
        console.print(f"\n{failure}\n", markup=False)
        sys.exit(1)
