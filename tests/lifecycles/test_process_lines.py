"""How many units of a request line come and how many do not, over all order lines that have a share of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.values import Kind, derived_id
from services.requests.process import status_of
from services.requests.process_line import UNNAMED, ProcessLine, Share
from services.requests.purchase_request import TRANSITIONS, Status, line_id_of

ONE, OTHER = "order line 1", "order line 2"
Change = Callable[[Share], Share]


def a_line(wanted: int = 10, position: int = 1, **changes: Any) -> ProcessLine:
    request_id = derived_id("test-request", 1)
    line = ProcessLine(id=line_id_of(request_id, position), request_id=request_id, wanted=wanted)
    return replace(line, **changes)


def tell(line: ProcessLine, *changes: Change, of: str = ONE) -> ProcessLine:
    for change in changes:
        line = line.with_share(of, change(line.share(of)))
    return line


def ordered(quantity: int) -> Change:
    return lambda share: share.on_order(quantity, tracked=True)


def amended(quantity: int, amendment: int = 1) -> Change:
    return lambda share: share.amended_to(quantity, amendment)


def cancelled(asked: int) -> Change:
    return lambda share: share.to_be_cancelled(asked)


def received(quantity: int) -> Change:
    return lambda share: share.received_more(quantity)


@pytest.mark.parametrize(
    ("one", "other", "figures"),
    [
        ((ordered(6),), (), (6, 0, 0)),
        ((ordered(6),), (ordered(4),), (10, 0, 0)),
        ((ordered(6), cancelled(6)), (), (6, 6, 0)),
        ((ordered(6), cancelled(6)), (ordered(4),), (10, 6, 0)),
        ((ordered(6), cancelled(6)), (ordered(4), cancelled(4)), (10, 10, 0)),
        ((ordered(6), cancelled(6), received(2)), (ordered(4),), (10, 4, 2)),
        ((ordered(6), cancelled(6), received(2)), (ordered(4), received(2)), (10, 4, 4)),
        ((ordered(6),), (cancelled(4),), (6, 4, 0)),
        ((ordered(6), amended(4)), (ordered(4),), (8, 2, 0)),
        ((ordered(6), amended(4), amended(5, 2)), (ordered(4),), (9, 1, 0)),
        ((ordered(6), amended(5, 2), amended(4)), (ordered(4),), (9, 1, 0)),
        ((ordered(6), amended(4)), (ordered(4), amended(6)), (10, 0, 0)),
        ((ordered(6), amended(9)), (ordered(4),), (13, 0, 0)),
        ((ordered(6), amended(9)), (cancelled(4),), (9, 1, 0)),
        ((ordered(6), amended(4), received(6)), (ordered(4),), (8, 0, 6)),
        ((amended(4), ordered(6)), (ordered(4),), (8, 2, 0)),
        ((ordered(6), cancelled(6), amended(8)), (ordered(4),), (12, 4, 0)),
    ],
    ids=[
        "part of it is ordered",
        "split over two orders",
        "one order is cancelled before the other is placed",
        "one order is cancelled",
        "both are",
        "the dock had taken some",
        "and some of the other",
        "a draft is cancelled",
        "less of one order",
        "and some of that again",
        "told the other way round",
        "less of one and more of the other",
        "more than was wanted",
        "more of one in the place of the other, which is cancelled",
        "the dock had taken what an amendment took off",
        "an amendment is told before its order",
        "more of what was cancelled",
    ],
)
def test_units_of_all_orders_count_together(
    one: tuple[Change, ...], other: tuple[Change, ...], figures: tuple[int, int, int]
) -> None:
    line = tell(tell(a_line(), *one), *other, of=OTHER)

    assert (line.ordered, line.cancelled, line.received) == figures


def test_a_line_is_ordered_once_all_of_it_that_is_wanted_is_on_orders() -> None:
    half = tell(a_line(), ordered(6))

    assert [half.is_ordered, tell(half, cancelled(6)).is_ordered] == [False, False]
    assert [tell(half, change, of=OTHER).is_ordered for change in (ordered(4), cancelled(4))] == [True, True]
    assert tell(half, amended(10)).is_ordered


def test_what_was_assigned_before_its_arrival_is_told_may_be_of_the_order_that_was_cancelled() -> None:
    line = tell(tell(a_line(), ordered(6), cancelled(6)), ordered(4), of=OTHER)

    assert replace(line, assigned=4).cancelled == 2
    assert not replace(line, assigned=4).is_received
    assert tell(replace(line, assigned=4), received(4), of=OTHER).cancelled == 6


def test_of_software_only_what_is_used_cannot_be_cancelled() -> None:
    line = tell(
        a_line(5, kind=Kind.SOFTWARE), ordered(5), lambda share: replace(share, stocked=5), cancelled(5)
    )

    assert (line.received, line.cancelled) == (5, 5)
    assert tell(line, lambda share: replace(share, in_use=2)).cancelled == 3


def test_what_somebody_left_of_software_is_done_with_but_other_orders_are_not() -> None:
    given = tell(
        a_line(5, kind=Kind.SOFTWARE, assigned=2),
        ordered(3),
        lambda share: replace(share, stocked=3, given=2),
    )

    assert not given.is_done
    both = tell(given, ordered(2), lambda share: replace(share, stocked=2), of=OTHER)
    assert not both.is_done
    assert tell(replace(both, assigned=4), lambda share: replace(share, given=2), of=OTHER).is_done


def test_what_becomes_no_asset_is_done_on_receipt_and_the_rest_when_it_is_given() -> None:
    line = tell(a_line(3), lambda share: share.on_order(1, tracked=False), received(1))
    both = tell(line, ordered(2), received(2), of=OTHER)

    assert (line.is_handed_over, both.is_handed_over) == (False, True)
    assert not both.is_done
    assert replace(both, assigned=2).is_done


def test_what_was_kept_before_shares_had_names_belongs_to_the_only_order_there_was() -> None:
    line = a_line(5, shares={UNNAMED: {"first": 5, "now": 5, "asked": 1, "received": 2}})

    told = tell(line, received(2))

    assert (line.ordered, line.cancelled, line.received) == (5, 1, 2)
    assert (told.ordered, told.cancelled, told.received) == (5, 1, 4)
    assert list(told.shares) == [ONE]


# Whatever is told, in whatever order

counts = st.integers(0, 4)


@given(st.lists(st.tuples(st.integers(1, 4), counts, counts, counts, counts), min_size=1, max_size=4))
def test_counters_that_grow_never_take_a_status_back(grown: list[tuple[int, int, int, int, int]]) -> None:
    lines = [a_line(wanted, position) for position, (wanted, *_) in enumerate(grown, 1)]
    status = status_of(lines)

    for position, (_, first, asked, here, assigned) in enumerate(grown):
        for change in (ordered(first), cancelled(asked), received(here), None):
            line = lines[position]
            lines[position] = tell(line, change) if change else replace(line, assigned=assigned)
            now = status_of(lines)
            assert now is status or status is Status.FULFILLED or now in TRANSITIONS[status]
            status = now


@given(st.data())
def test_the_figures_of_a_spread_line_do_not_depend_on_the_order_in_which_they_are_told(
    data: st.DataObject,
) -> None:
    parts = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3), "units of each order line")
    told: list[tuple[str, Change]] = []
    missing = 0
    for number, first in enumerate(parts):
        now = data.draw(st.integers(1, 8), "amended to")
        asked = data.draw(st.integers(0, now), "cancelled")
        here = data.draw(st.integers(0, now), "received")
        of = f"order line {number}"
        told += [(of, ordered(first)), (of, cancelled(asked)), (of, received(here))]
        told += [(of, amended(first + 1, 1)), (of, amended(now, 2))]
        missing += first - max(here, now - asked)
    line = a_line(sum(parts))

    for of, change in data.draw(st.permutations(told)):
        line = tell(line, change, of=of)
        assert 0 <= line.cancelled <= line.wanted

    assert line.cancelled == max(0, min(missing, line.wanted - line.received))
