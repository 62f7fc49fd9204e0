"""`python -m bench`: flows per second at saturation and latency at half of it, ours and the baseline in turn.

`--memory` weighs our four processes over many flows instead. Everything is bounded and stops by itself.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bench import driver
from bench.measuring import DriverFailed, measure
from bench.memory import weigh
from bench.report import Round, growth_table, last_line, rounds_table
from bench.systems import Baseline, Quartermaster, System
from deploy.demo.api import Refused
from deploy.demo.loading import TooLate
from deploy.local.process import ProgramFailed
from deploy.local.servers import ROOT, NoServer, Servers, start_servers, stop_servers

HOME = ROOT / ".local"
RESULTS = ROOT / "bench" / "results"
IN_FLIGHT = 600
WARM_UP_SECONDS = 4.0
PACED_SECONDS = 8.0
PACED_WARM_UP_SECONDS = 2.0
MEMORY_FLOWS = 20_000
MEMORY_SECONDS_MAX = 1_500
LINE_SECONDS = 5.0
INTERRUPTED = 130

Heard = Callable[[driver.Progress], None]
console = Console(highlight=False, soft_wrap=True)


async def compare(servers: Servers, home: Path, options: argparse.Namespace) -> int:
    """Ours and the baseline in turn, several times over: the machine drifts, and only neighbours compare."""
    rounds: list[Round] = []
    for number in range(1, options.rounds + 1):
        for kind in (Quartermaster, Baseline):
            async with running(kind, servers, home) as system:
                rounds.append(await one_round(system, number, options))
    write("bench", {"rounds": [asdict(each) for each in rounds]})
    console.print()
    console.print(rounds_table(rounds))
    clean = all(each.clean for each in rounds)
    if not clean:
        console.print("some requests were not fulfilled or commands were rejected: the figures are not valid")
    console.print(last_line(rounds))
    return 0 if clean else 1


async def one_round(system: System, number: int, options: argparse.Namespace) -> Round:
    """Saturation, then half the rate that was found."""
    with progress(f"round {number}, {system.title}: saturation", options.seconds) as heard:
        full = await measure(
            system,
            system.plan(
                "saturate",
                seconds=options.seconds,
                flows=options.flows,
                warm_up_seconds=WARM_UP_SECONDS,
                warm_up_flows=IN_FLIGHT,
                in_flight=IN_FLIGHT,
            ),
            heard,
        )
    with progress(f"round {number}, {system.title}: half of it", PACED_SECONDS) as heard:
        half = await measure(
            system,
            system.plan(
                "pace",
                seconds=PACED_SECONDS,
                warm_up_seconds=PACED_WARM_UP_SECONDS,
                rate=full.outcome.flows_per_second / 2,
            ),
            heard,
        )
    return Round(number=number, system=system.title, full=full, half=half)


async def watch_memory(servers: Servers, home: Path, options: argparse.Namespace) -> int:
    """Our processes over many flows: does any of them grow for ever?"""
    flows = options.flows if options.flows < driver.FLOWS_UNLIMITED else MEMORY_FLOWS
    async with running(Quartermaster, servers, home) as system:
        plan = system.plan(
            "saturate",
            seconds=MEMORY_SECONDS_MAX,
            flows=flows,
            warm_up_seconds=WARM_UP_SECONDS,
            in_flight=IN_FLIGHT,
        )
        with progress(f"memory over {flows} flows", flows, of_flows=True) as heard:
            measured, growths = await weigh(system, plan, heard)
    figures = [asdict(each) | {"flat": each.flat} for each in growths]
    write("memory", {"measured": asdict(measured), "processes": figures})
    enough = measured.outcome.flows >= flows
    flat = all(each.flat for each in growths)
    console.print()
    console.print(growth_table(growths))
    if not enough:
        console.print(f"only {measured.outcome.flows} flows in {MEMORY_SECONDS_MAX} s: too few to judge")
    console.print(f"memory over {measured.outcome.flows} flows: {'flat' if flat else 'NOT flat'}")
    return 0 if flat and enough and not measured.outcome.unfinished else 1


@asynccontextmanager
async def running(
    kind: Callable[[Servers, Path], System], servers: Servers, home: Path
) -> AsyncIterator[System]:
    """A system, alone, from empty databases; nothing of it stays."""
    system = kind(servers, home / "bench")
    try:
        await system.start()
        yield system
    finally:
        await system.stop()


@contextmanager
def progress(title: str, total: float, *, of_flows: bool = False) -> Iterator[Heard]:
    """A bar, or a line now and then where there is no terminal."""
    if not console.is_terminal:
        yield partial(_print_line, title, {"printed": monotonic()})
        return
    columns = TextColumn("{task.description:<34}"), BarColumn(), TextColumn("{task.fields[flows]} flows")
    with Progress(*columns, TimeElapsedColumn(), console=console, refresh_per_second=2) as bar:
        task = bar.add_task(title, total=total, flows=0)

        def heard(now: driver.Progress) -> None:
            done = now.measured if of_flows else now.measured_seconds
            bar.update(task, completed=min(done, total), flows=now.fulfilled)

        yield heard
        bar.update(task, completed=total)


def _print_line(title: str, state: dict[str, float], now: driver.Progress) -> None:
    if monotonic() - state["printed"] >= LINE_SECONDS:
        state["printed"] = monotonic()
        console.print(f"{title}: {now.fulfilled} flows after {now.seconds:.0f} s")


def write(name: str, figures: dict[str, Any]) -> None:
    """The figures as JSON, beside what was printed."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"at": datetime.now(UTC).isoformat(), **figures}, indent=1) + "\n")
    console.print(f"figures: {path.relative_to(ROOT)}")


def options_from(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=12.0, help="measured at saturation, per round")
    parser.add_argument(
        "--flows", type=int, default=driver.FLOWS_UNLIMITED, help="end a measurement after so many"
    )
    parser.add_argument("--rounds", type=int, default=2, help="how often ours and the baseline take turns")
    parser.add_argument("--memory", action="store_true", help="weigh our processes over 20,000 flows instead")
    parser.add_argument("--home", type=Path, default=HOME, help="where data, logs and secrets are kept")
    return parser.parse_args(arguments)


async def main(options: argparse.Namespace) -> int:
    """SIGTERM stops us as Ctrl-C does."""
    ours = asyncio.current_task()
    assert ours is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ours.cancel)
    servers = await start_servers(options.home, durable=True)
    try:
        return await (watch_memory if options.memory else compare)(servers, options.home, options)
    finally:
        await stop_servers(options.home)


if __name__ == "__main__":
    try:
        sys.exit(asyncio.run(main(options_from(sys.argv[1:]))))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(INTERRUPTED)
    except (NoServer, ProgramFailed, DriverFailed, Refused, TooLate) as failure:
        console.print(f"\n{failure}\n", markup=False)
        sys.exit(1)
