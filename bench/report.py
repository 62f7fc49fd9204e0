"""What was measured, as people and scripts read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from rich.table import Table

from bench.measuring import Measured
from bench.memory import Growth


@dataclass(frozen=True, kw_only=True)
class Round:
    """One turn of one system: at saturation, and at half of that rate."""

    number: int
    system: str
    full: Measured
    half: Measured

    @property
    def clean(self) -> bool:
        """Every request came to its end and nothing was refused."""
        outcomes = (self.full.outcome, self.half.outcome)
        return not any(each.unfinished or each.rejected for each in outcomes)


def rates(rounds: Sequence[Round]) -> tuple[float, float]:
    """Flows per second of ours and of the baseline, the mean of their rounds."""

    def of(system: str) -> float:
        return mean(each.full.outcome.flows_per_second for each in rounds if each.system == system)

    return of("ours"), of("baseline")


def last_line(rounds: Sequence[Round]) -> str:
    """For scripts; never worded otherwise."""
    ours, baseline = rates(rounds)
    return f"flows/s: ours {ours:.1f}, baseline {baseline:.1f}, ratio {ours / baseline:.2f}"


def rounds_table(rounds: Sequence[Round]) -> Table:
    """A row per system and round."""
    table = Table("round", "system", box=None, pad_edge=False)
    for title in ("flows/s", "CPU ms/flow", "at flows/s", "p50 ms", "p99 ms", "lost", "refused"):
        table.add_column(title, justify="right", no_wrap=True)
    for each in rounds:
        full, half = each.full.outcome, each.half.outcome
        table.add_row(
            str(each.number),
            each.system,
            f"{full.flows_per_second:.1f}",
            f"{each.full.cpu_ms_per_flow:.2f}",
            f"{half.flows_per_second:.1f}",
            _milliseconds(half.p50_ms),
            _milliseconds(half.p99_ms),
            str(full.unfinished + half.unfinished),
            str(full.rejected + half.rejected),
        )
    return table


def growth_table(growths: Sequence[Growth]) -> Table:
    """A row per process."""
    table = Table("process", box=None, pad_edge=False)
    for title in ("MiB at first", "MiB at last", "MiB/10,000 flows, settled", "verdict"):
        table.add_column(title, justify="right")
    for each in growths:
        table.add_row(
            each.process,
            f"{each.first_mib:.1f}",
            f"{each.last_mib:.1f}",
            f"{each.slope:+.2f}",
            "flat" if each.flat else "GROWS",
        )
    return table


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"
