"""One measurement: the driver as a process of its own, its progress heard, the work of the system weighed."""

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import psutil

from bench.driver import Outcome, Plan, Progress
from bench.systems import System
from deploy.local.process import Process
from deploy.local.servers import ROOT


class DriverFailed(RuntimeError):
    """The driver could not measure; the message is what it said."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What the driver saw, and what the four processes used of the processors for each flow."""

    outcome: Outcome
    cpu_ms_per_flow: float


async def measure(system: System, plan: Plan, heard: Callable[[Progress], None]) -> Measured:
    """Drive a running system by the plan."""
    used = cpu_seconds(system.processes)
    driver = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.driver",
        json.dumps(asdict(plan)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert driver.stdout is not None
    assert driver.stderr is not None
    outcome: Outcome | None = None
    try:
        async for line in driver.stdout:
            said = json.loads(line)
            if "flows_per_second" in said:
                outcome = Outcome(**said)
            else:
                heard(Progress(**said))
        complaint = (await driver.stderr.read()).decode(errors="replace")
        await driver.wait()
    finally:
        if driver.returncode is None:
            driver.kill()
            await driver.wait()
    if outcome is None:
        raise DriverFailed(f"{system.title}: {complaint.strip() or 'the driver ended without a word'}")
    fulfilled = outcome.submitted - outcome.unfinished
    return Measured(
        outcome=outcome,
        cpu_ms_per_flow=1000 * (cpu_seconds(system.processes) - used) / max(1, fulfilled),
    )


def cpu_seconds(processes: Mapping[str, Process]) -> float:
    """What the processes have used of the processors so far."""
    times = [psutil.Process(each.pid).cpu_times() for each in processes.values()]
    return float(sum(each.user + each.system for each in times))
