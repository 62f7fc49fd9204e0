"""What is shown while the journey runs: how much is at which stage, how fast, how long."""

from __future__ import annotations

import asyncio
from collections import Counter
from time import monotonic

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from deploy.demo.api import Api

LOOK_SECONDS = 0.5
LINE_SECONDS = 2.0
BAR_WIDTH = 60
SUMMARIES = (
    ("purchasing", "/orders/summary", "orders"),
    ("assets", "/summary", "assets"),
)
AT_THE_DOCK = ("receipts", "units_accepted", "units_open")
WHOSE = "counted below: of the requests those of this run, of all else whatever has happened since it began"

Counts = dict[str, Counter[str]]


class Board:
    """Follows the `wanted` requests whose references begin with `run`; all else is counted since `begin`."""

    def __init__(self, api: Api, console: Console, *, run: str, wanted: int) -> None:
        self._api, self._console, self._run, self._wanted = api, console, run, wanted
        self._before: Counts = {}
        self._now: Counts = {}
        self._last_number: str | None = None
        self._began = monotonic()
        self._finished_at: float | None = None

    async def begin(self) -> None:
        """What is there already does not count, also what an interrupted run has left under way."""
        earlier = await self._api.all("requests", "/requests")
        self._last_number = earlier[-1]["number"] if earlier else None
        self._before = self._now = await self._counts()
        self._began = monotonic()

    @property
    def fulfilled(self) -> int:
        """Requests of this run that came to their end."""
        return self._now["requests"]["fulfilled"]

    @property
    def seconds(self) -> float:
        """From `begin` until the last request was fulfilled, or until now."""
        return (self._finished_at or monotonic()) - self._began

    @property
    def rate(self) -> float:
        """Requests fulfilled per second."""
        return self.fulfilled / max(self.seconds, 0.001)

    async def show(self) -> None:
        """Look and show until all wanted requests are fulfilled."""
        self._console.print(f"· {WHOSE}", markup=False, soft_wrap=True)
        if not self._console.is_terminal:
            await self._print_lines()
            return
        with Live(self._picture(), console=self._console, auto_refresh=False) as live:
            while not await self._look():
                live.update(self._picture(), refresh=True)
                await asyncio.sleep(LOOK_SECONDS)
            live.update(self._picture(), refresh=True)

    async def _print_lines(self) -> None:
        printed = 0.0
        while not await self._look():
            if monotonic() - printed >= LINE_SECONDS:
                printed = monotonic()
                self._console.print(self._line(), highlight=False)
            await asyncio.sleep(LOOK_SECONDS)
        self._console.print(self._line(), highlight=False)

    async def _look(self) -> bool:
        self._now = await self._counts()
        done = self.fulfilled >= self._wanted
        if done:
            self._finished_at = monotonic()
        return done

    async def _counts(self) -> Counts:
        requests, dock, *summaries = await asyncio.gather(
            self._api.all("requests", "/requests", beyond=self._last_number),
            self._api.get("receiving", "/summary"),
            *(self._api.get(service, path) for service, path, _ in SUMMARIES),
        )
        ours = (each for each in requests if (each["external_reference"] or "").startswith(self._run))
        counts = {
            "requests": Counter(each["status"] for each in ours),
            "receiving": Counter({name: dock[name] for name in AT_THE_DOCK}),
        }
        for (service, _, field), summary in zip(SUMMARIES, summaries, strict=True):
            counts[service] = Counter(summary[field])
        return counts

    def _since(self, service: str) -> list[tuple[str, int]]:
        before, now = self._before[service], self._now[service]
        return [(stage.replace("_", " "), max(0, now[stage] - before[stage])) for stage in now]

    def _line(self) -> str:
        parts = (
            f"{service}: "
            + (", ".join(f"{count} {stage}" for stage, count in self._since(service) if count) or "-")
            for service in ("requests", "purchasing", "receiving", "assets")
        )
        return f"{self.seconds:5.1f} s  " + " | ".join(parts)

    def _picture(self) -> Group:
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(style="bold", min_width=11)
        table.add_column()
        for service in ("requests", "purchasing", "receiving", "assets"):
            stages = Text("   ").join(
                Text.assemble(
                    (f"{count:>5} ", "bold cyan" if count else "dim"), (stage, "" if count else "dim")
                )
                for stage, count in self._since(service)
                if count or stage in ("fulfilled", "received", "assigned", "receipts")
            )
            table.add_row(service, stages)
        foot = Text(
            f"{self.fulfilled} of {self._wanted} fulfilled, {self.rate:.1f} a second, {self.seconds:.1f} s"
        )
        # A bar alone does not end its line.
        bar = Padding(ProgressBar(self._wanted, self.fulfilled, width=BAR_WIDTH))
        return Group("", table, "", bar, foot)
