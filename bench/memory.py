"""Whether memory stays flat: the resident size of every process over many flows, and how steeply it rises."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import psutil

from bench.driver import Plan, Progress
from bench.measuring import Measured, measure
from bench.systems import System

MIB = 1024 * 1024
SAMPLE_SECONDS = 1.0
# Caches fill and allocators settle during the first part; what rises after it would rise for ever.
SETTLING_PART = 0.4
FLAT_MIB_PER_10000_FLOWS = 3.0

Sample = tuple[int, float]
"""Flows so far, MiB resident."""


@dataclass(frozen=True, kw_only=True)
class Growth:
    """How one process grew. `slope`: MiB per 10,000 flows after settling, by least squares."""

    process: str
    first_mib: float
    last_mib: float
    slope: float

    @property
    def flat(self) -> bool:
        return self.slope < FLAT_MIB_PER_10000_FLOWS


async def weigh(
    system: System, plan: Plan, heard: Callable[[Progress], None]
) -> tuple[Measured, list[Growth]]:
    """Drive the system by the plan and weigh its processes meanwhile."""
    flows = 0

    def counted(progress: Progress) -> None:
        nonlocal flows
        flows = progress.fulfilled
        heard(progress)

    samples: dict[str, list[Sample]] = {name: [] for name in system.processes}

    async def sample() -> None:
        while True:
            for name, each in system.processes.items():
                samples[name].append((flows, psutil.Process(each.pid).memory_info().rss / MIB))
            await asyncio.sleep(SAMPLE_SECONDS)

    sampling = asyncio.create_task(sample())
    try:
        measured = await measure(system, plan, counted)
    finally:
        sampling.cancel()
    return measured, growths(samples)


def growths(samples: Mapping[str, Sequence[Sample]]) -> list[Growth]:
    """Each process's growth from its samples, without those of the settling part."""
    return [_growth(name, of_process) for name, of_process in samples.items()]


def _growth(name: str, samples: Sequence[Sample]) -> Growth:
    settled = [each for each in samples if each[0] >= SETTLING_PART * samples[-1][0]]
    return Growth(
        process=name, first_mib=samples[0][1], last_mib=samples[-1][1], slope=10_000 * slope(settled)
    )


def slope(points: Sequence[Sample]) -> float:
    """Of the straight line that fits best; 0 where there is no line."""
    count = len(points)
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
