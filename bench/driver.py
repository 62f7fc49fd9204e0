"""The load: one process that submits requests as an integration does and takes deliveries as a dock does.

    python -m bench.driver PLAN      a Plan as JSON; prints Progress as JSON lines and an Outcome as the last

Both systems hear the same bodies on exchanges of the same names and say the same facts; Quartermaster's
commands have a CloudEvents envelope. Only facts are counted, as any other system could count them.
"""

import asyncio
import json
import sys
from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from statistics import quantiles
from time import perf_counter
from typing import Any, Literal

import aiormq
import uvloop
from aiormq.abc import AbstractChannel, DeliveredMessage

LOCATION, STORAGE_SPACE = "BENCH", "BENCH-01"
# What people ask for: one thing, two of a thing, two things. All below the amount that is approved at once.
BASKETS: tuple[tuple[tuple[str, int], ...], ...] = (
    (("BENCH-LAPTOP", 1),),
    (("BENCH-SCREEN", 2),),
    (("BENCH-LAPTOP", 1), ("BENCH-DOCK", 1)),
)
FLOWS_UNLIMITED = 1_000_000
REPORT_SECONDS = 0.5
SILENCE_SECONDS_MAX = 30


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to do. `saturate` keeps `in_flight` requests under way; `pace` submits `rate` a second regardless.

    Measured are the flows that end after `warm_up_seconds` and after the first `warm_up_flows`, for `seconds` or
    until there are `flows`. `run` makes references and serial numbers unlike those of any other run.
    """

    publishing_url: str
    listening_url: str
    cloudevents: bool
    mode: Literal["saturate", "pace"]
    run: str
    seconds: float
    warm_up_seconds: float
    warm_up_flows: int = 0
    flows: int = FLOWS_UNLIMITED
    in_flight: int = 0
    rate: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far it is: flows at their end and seconds since the begin, and how many of both were measured."""

    fulfilled: int
    seconds: float
    measured: int
    measured_seconds: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What was measured; `unfinished` requests were confirmed and had not ended when all fell silent.

    `rejected` counts the commands that were refused: none should be.
    """

    flows: int
    seconds: float
    flows_per_second: float
    p50_ms: float | None
    p99_ms: float | None
    submitted: int
    unfinished: int
    rejected: int


class Load:
    """One run of a plan."""

    def __init__(self, plan: Plan, channel: AbstractChannel) -> None:
        self.plan = plan
        self.submitted = self.fulfilled = self.measured = self.rejected = 0
        self.began = self.heard_at = perf_counter()
        self.measured_from = self.measured_to = 0.0
        self.enough = asyncio.Event()
        self._channel = channel
        self._failure: BaseException | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._confirmed_at: dict[str, float] = {}
        self._requesters: dict[str, str] = {}
        self._latencies: list[float] = []

    async def run(self) -> Outcome:
        """Load until enough was measured, then wait until all that was begun has ended."""
        reporting = asyncio.create_task(self._report())
        try:
            if self.plan.mode == "saturate":
                for _ in range(self.plan.in_flight):
                    self._begin(self._submit())
            else:
                self._begin(self._pace())
            while not (self.enough.is_set() and self.fulfilled >= self.submitted):
                if self._failure or perf_counter() - self.heard_at > SILENCE_SECONDS_MAX:
                    break
                await asyncio.sleep(0.02)
        finally:
            reporting.cancel()
        if self._failure is not None:
            raise self._failure
        if not self.measured:
            raise SystemExit(
                f"{self.fulfilled} of {self.submitted} requests were fulfilled, none of them after"
                f" warming up; then {SILENCE_SECONDS_MAX} s of silence"
            )
        seconds = (self.measured_to or self.heard_at) - self.measured_from
        percentiles = quantiles(self._latencies, n=100) if len(self._latencies) > 1 else None
        return Outcome(
            flows=self.measured,
            seconds=seconds,
            flows_per_second=self.measured / seconds,
            p50_ms=1000 * percentiles[49] if percentiles else None,
            p99_ms=1000 * percentiles[98] if percentiles else None,
            submitted=self.submitted,
            unfinished=self.submitted - self.fulfilled,
            rejected=self.rejected,
        )

    async def hear(self, message: DeliveredMessage) -> None:
        """A fact: an order went out, so its goods arrive; a request ended, so another begins."""
        self.heard_at = perf_counter()
        fact = json.loads(message.body)
        match message.routing_key:
            case "purchasing.order_submitted.v1":
                self._begin(self._take_delivery(fact))
            case "requests.request_submitted.v1":
                self._requesters[fact["request_id"]] = fact["requester"]
            case "requests.request_fulfilled.v1":
                self._end(fact["request_id"])

    async def hear_answer(self, message: DeliveredMessage) -> None:
        """How a command ended; an integration reads that of every one."""
        self.rejected += json.loads(message.body)["outcome"] == "rejected"

    def _end(self, request_id: str) -> None:
        self.fulfilled += 1
        confirmed_at = self._confirmed_at.pop(self._requesters.pop(request_id, ""), None)
        if not self.measured_from:
            warm = self.fulfilled >= self.plan.warm_up_flows
            if warm and self.heard_at - self.began >= self.plan.warm_up_seconds:
                self.measured_from = self.heard_at
        elif not self.measured_to:
            self.measured += 1
            if confirmed_at is not None:
                self._latencies.append(self.heard_at - confirmed_at)
            if self.measured >= self.plan.flows or self.heard_at - self.measured_from >= self.plan.seconds:
                self.measured_to = self.heard_at
                self.enough.set()
        if self.plan.mode == "saturate" and not self.enough.is_set():
            self._begin(self._submit())

    async def _pace(self) -> None:
        began = perf_counter()
        while not self.enough.is_set():
            self._begin(self._submit())
            await asyncio.sleep(max(0.0, began + self.submitted / self.plan.rate - perf_counter()))

    async def _submit(self) -> None:
        number = self.submitted
        self.submitted += 1
        requester = f"person-{self.plan.run}-{number}"
        request = {
            "external_reference": f"{self.plan.run}-{number}",
            "requester": requester,
            "deliver_to": LOCATION,
            "currency": "EUR",
            "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in BASKETS[number % len(BASKETS)]],
        }
        await self._say("requests", "submit_request", f"{self.plan.run}-{number}", request)
        if self.plan.mode == "pace":
            self._confirmed_at[requester] = perf_counter()

    async def _take_delivery(self, order: dict[str, Any]) -> None:
        """Everything ordered arrives at once, each unit with a serial number of its own."""
        lines = [
            {
                "order_line_id": line["order_line_id"],
                "units": [
                    {
                        "serial": f"{line['order_line_id']}-{unit}",
                        "location": LOCATION,
                        "storage_space": STORAGE_SPACE,
                    }
                    for unit in range(1, line["quantity"] + 1)
                ],
            }
            for line in order["lines"]
        ]
        receipt = {"order_id": order["order_id"], "lines": lines}
        await self._say("receiving", "record_receipt", f"receipt-{order['order_id']}", receipt)

    async def _say(self, service: str, command: str, message_id: str, data: dict[str, Any]) -> None:
        """Publish and wait for the broker's confirmation."""
        kind = f"{service}.{command}.v1"
        event = {"specversion": "1.0", "id": message_id, "type": kind, "source": "/bench"}
        properties = aiormq.spec.Basic.Properties(
            content_type="application/json",
            headers={f"ce-{name}": value for name, value in event.items()} if self.plan.cloudevents else {},
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

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failure = task.exception()

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(REPORT_SECONDS)
            now = perf_counter()
            progress = Progress(
                fulfilled=self.fulfilled,
                seconds=now - self.began,
                measured=self.measured,
                measured_seconds=now - self.measured_from if self.measured_from else 0.0,
            )
            print(json.dumps(asdict(progress)), flush=True)


async def main(plan: Plan) -> None:
    publishing = await aiormq.connect(plan.publishing_url)
    listening = await aiormq.connect(plan.listening_url)
    try:
        load = Load(plan, await publishing.channel(publisher_confirms=True))
        ear = await listening.channel()
        queue = (await ear.queue_declare(exclusive=True, auto_delete=True)).queue or ""
        await ear.queue_bind(queue, "purchasing.events", "purchasing.order_submitted.v1")
        await ear.queue_bind(queue, "requests.events", "requests.request_fulfilled.v1")
        if plan.mode == "pace":
            await ear.queue_bind(queue, "requests.events", "requests.request_submitted.v1")
        await ear.basic_consume(queue, load.hear, no_ack=True)
        if plan.cloudevents:
            await ear.basic_consume("erp.answers", load.hear_answer, no_ack=True)
        print(json.dumps(asdict(await load.run())), flush=True)
    finally:
        await publishing.close()
        await listening.close()


if __name__ == "__main__":
    uvloop.run(main(Plan(**json.loads(sys.argv[1]))))
