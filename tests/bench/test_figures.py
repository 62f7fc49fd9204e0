"""How measurements are judged and told."""

import pytest

from bench.driver import Outcome
from bench.measuring import Measured
from bench.memory import growths
from bench.report import Round, last_line


def a_round(system: str, flows_per_second: float, **outcome: int) -> Round:
    seen = {"submitted": 10, "unfinished": 0, "rejected": 0} | outcome
    measured = Measured(
        outcome=Outcome(
            flows=10, seconds=1.0, flows_per_second=flows_per_second, p50_ms=None, p99_ms=None, **seen
        ),
        cpu_ms_per_flow=1.0,
    )
    return Round(number=1, system=system, full=measured, half=measured)


def test_the_last_line_gives_the_means_of_the_rounds_and_their_ratio() -> None:
    rounds = [
        a_round("ours", 100.0),
        a_round("baseline", 20.0),
        a_round("ours", 140.0),
        a_round("baseline", 40.0),
    ]

    assert last_line(rounds) == "flows/s: ours 120.0, baseline 30.0, ratio 4.00"


@pytest.mark.parametrize(
    ("outcome", "clean"), [({}, True), ({"unfinished": 1}, False), ({"rejected": 1}, False)]
)
def test_a_round_in_which_something_was_lost_or_refused_does_not_count(
    outcome: dict[str, int], clean: bool
) -> None:
    assert a_round("ours", 100.0, **outcome).clean is clean


def test_memory_that_fills_up_and_then_stays_is_flat() -> None:
    (growth,) = growths(
        {"requests": [(flows, min(100.0, 60 + flows / 100)) for flows in range(0, 20_000, 100)]}
    )

    assert growth.flat
    assert (growth.first_mib, growth.last_mib) == (60.0, 100.0)


def test_memory_that_rises_with_every_flow_is_not_flat() -> None:
    (growth,) = growths({"requests": [(flows, 60 + flows / 2_000) for flows in range(0, 20_000, 100)]})

    assert not growth.flat
    assert growth.slope == pytest.approx(5.0)
