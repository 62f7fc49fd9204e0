"""Sequences of what may happen to purchasing alone; after each step its records are compared with the books."""

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest
from hypothesis import Phase, given, note, settings

from libs.contracts.message import Event
from services.purchasing.purchase_order import UNSUBMITTED, OrderLine, PurchaseOrder, Status
from tests.properties import buying, people
from tests.properties.alone import Alone, opened
from tests.properties.books import BookedLine, in_cents
from tests.properties.sequences import STEP, TIMEOUT_SECONDS, scripts

BuyingAct = Callable[[Alone, int, int], None]

BUYING: Mapping[BuyingAct, int] = {
    people.deliver_next: 5,
    people.deliver_any: 6,
    people.deliver_many: 4,
    people.deliver_twice: 3,
    people.repeat: 2,
    buying.order: 7,
    buying.approve: 5,
    buying.complete: 5,
    buying.place: 5,
    buying.cancel_one: 2,
    buying.cancel_orders: 1,
    buying.change_price: 1,
    buying.confirm: 3,
    buying.receive: 8,
}


def play(script: bytes, acts: list[BuyingAct], company: Alone | None = None) -> Alone:
    """One sequence; the books agree after each step, and nothing waits in vain in the end."""
    company = company or opened()
    buying.order(company, script[1], script[2])
    for at in range(STEP, len(script) - STEP + 1, STEP):
        act = acts[script[at] % len(acts)]
        if company.story is not None:
            company.story.append(f"{act.__name__} {script[at + 1]} {script[at + 2]}")
        act(company, script[at + 1], script[at + 2])
        check(company)
    company.drain()
    check(company)
    waiting = [parcel.message for parcel in company.purchasing.early if isinstance(parcel.message, Event)]
    assert not waiting, f"purchasing waits in vain: {waiting}"
    return company


def check(company: Alone) -> None:
    """Laws 1 and 6: every line and order has the figures of the books, and the status that follows from them."""
    for order in company.purchasing.every(PurchaseOrder):
        lines = company.purchasing.every(OrderLine, order_id=order.id)
        booked = [company.books.lines[line.id] for line in lines]
        for line, same in zip(lines, booked, strict=True):
            _check_line(line, same)
        assert in_cents(order.total) == sum(same.total for same in booked)
        if order.submitted_at is None:
            assert order.status in {*UNSUBMITTED, Status.CANCELLED}
        else:
            assert order.status is _status_of(booked), f"{order.requisition_number} is {order.status}"


def _check_line(line: OrderLine, booked: BookedLine) -> None:
    names = ("ordered", "asked", "accepted", "rejected", "confirmed", "kept", "cancelled", "open", "over")
    figures = {name: getattr(line, name) for name in names}
    assert figures == {name: getattr(booked, name) for name in names}, line.sku
    assert min(figures.values()) >= 0
    assert line.open + line.cancelled + line.kept == line.ordered + line.over
    assert in_cents(line.line_total) == booked.total


def _status_of(lines: list[BookedLine]) -> Status:
    if sum(line.open for line in lines):
        arrived = sum(line.accepted + line.confirmed for line in lines)
        return Status.PARTIALLY_RECEIVED if arrived else Status.SUBMITTED
    return Status.RECEIVED if sum(line.kept for line in lines) else Status.CANCELLED


def told(script: bytes, acts: list[BuyingAct]) -> str:
    """What happens in a sequence, for people to read."""
    company = opened()
    company.story = []
    try:
        play(script, acts, company)
    except Exception as error:
        company.story.append(f"{type(error).__name__}: {error}")
    story = re.sub(r"<\w+\.\w+: '(\w+)'>", r"\1", "\n".join(company.story))
    return re.sub(r"UUID\('([0-9a-f-]+)'\)", lambda id: f"…{id[1][-4:]}", story)


def agrees(weights: Mapping[BuyingAct, int], *, examples: int, steps: int = 30) -> Callable[[], None]:
    """A test that plays so many sequences of these acts."""
    acts = [act for act, weight in weights.items() for _ in range(weight)]

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
    )
    @given(scripts(steps))
    def sequences(script: bytes) -> None:
        try:
            play(script, acts)
        except Exception:
            note(told(script, acts))
            raise

    test: Any = pytest.mark.timeout(TIMEOUT_SECONDS)(sequences)
    return cast(Callable[[], None], test)
