"""Sequences of what may happen to purchasing alone; after each step its records are compared with the books."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, cast
from uuid import UUID

import pytest
from hypothesis import Phase, given, note, settings

from libs.contracts.message import Event
from services.purchasing.commitment import RequestOrders
from services.purchasing.purchase_order import UNSUBMITTED, OrderLine, PurchaseOrder, Status
from tests.properties import billing, buying, dock, drafting, people
from tests.properties.alone import Alone, opened
from tests.properties.booked import BookedLine, in_cents
from tests.properties.sequences import STEP, TIMEOUT_SECONDS, scripts

BuyingAct = Callable[[Alone, int, int], None]

THE_WORLD: dict[BuyingAct, int] = {
    people.deliver_next: 5,
    people.deliver_any: 6,
    people.deliver_many: 4,
    people.deliver_twice: 3,
    people.repeat: 2,
}
BUYING: dict[BuyingAct, int] = THE_WORLD | {
    buying.order: 6,
    buying.approve: 5,
    buying.complete: 4,
    buying.place: 8,
    buying.cancel_one: 1,
    buying.cancel_orders: 1,
    buying.change_price: 1,
    buying.confirm: 3,
    drafting.draft: 4,
    drafting.amend: 9,
    drafting.amend_draft: 3,
    drafting.split: 3,
    drafting.combine: 3,
    drafting.cancel_line: 2,
    drafting.close: 1,
    dock.receive: 8,
    dock.reverse: 2,
    dock.give_back: 2,
    dock.use: 1,
}
BILLING: dict[BuyingAct, int] = BUYING | {
    drafting.split: 1,
    drafting.combine: 1,
    drafting.amend: 5,
    billing.bill: 14,
    billing.credit: 5,
    billing.accept: 3,
    billing.dispute: 3,
}


def play(script: bytes, acts: list[BuyingAct], company: Alone | None = None) -> Alone:
    """One sequence; the books agree after each step, and when nothing is on its way any more."""
    company = company or opened(script[0])
    buying.order(company, script[1], script[2])
    for at in range(STEP, len(script) - STEP + 1, STEP):
        act = acts[script[at] % len(acts)]
        if company.story is not None:
            company.story.append(f"{act.__name__} {script[at + 1]} {script[at + 2]}")
        act(company, script[at + 1], script[at + 2])
        check(company)
    company.drain()
    check(company)
    check_at_rest(company)
    return company


def check(company: Alone) -> None:
    """Laws 1 and 6: every line and order has the figures of the books, and the status that follows from them."""
    lines: dict[UUID, list[OrderLine]] = {}
    for line in company.purchasing.every(OrderLine):
        lines.setdefault(line.order_id, []).append(line)
        _check_line(line, company.books.lines[line.id])
    for order in company.purchasing.every(PurchaseOrder):
        _check_order(company, order, lines.get(order.id, []))
    for commanded in company.purchasing.every(RequestOrders):
        assert in_cents(commanded.committed) == company.books.committed[commanded.id]


def _check_order(company: Alone, order: PurchaseOrder, lines: list[OrderLine]) -> None:
    same, booked = company.books.orders[order.id], [company.books.lines[line.id] for line in lines]
    assert in_cents(order.total) == sum(line.total for line in booked)
    if lines and not same.dead:
        assert in_cents(order.expected_cost) == company.books.expected_cost(order.id)
    assert in_cents(order.invoiced_net) == same.billed_net
    assert in_cents(order.invoiced_gross) == same.billed_gross
    assert len(order.invoices) == len(same.bills)
    assert order.amendments == same.amendments
    if order.submitted_at is None:
        assert order.status in {*UNSUBMITTED, Status.CANCELLED}
        return
    status = _status_of(booked)
    if status is not Status.RECEIVED:
        same.closed = False
    allowed = {Status.CLOSED} if same.closed else {status}
    assert order.status in allowed, f"{order.requisition_number} is {order.status}, not {allowed}"


def _check_line(line: OrderLine, booked: BookedLine) -> None:
    names = ("ordered", "asked", "accepted", "rejected", "returned", "confirmed", "kept")
    for name in (*names, "cancelled", "open", "over"):
        ours, theirs = getattr(booked, name), getattr(line, name)
        assert ours == theirs, f"{line.sku}: {name} is {theirs}, by the books {ours}"
    assert min(line.cancelled, line.open, line.over) >= 0
    assert in_cents(line.line_total) == booked.total
    assert line.units_made == booked.made


def _status_of(lines: list[BookedLine]) -> Status:
    if any(line.open for line in lines):
        arrived = any(line.accepted - line.returned + line.confirmed > 0 for line in lines)
        return Status.PARTIALLY_RECEIVED if arrived else Status.SUBMITTED
    return Status.RECEIVED if any(line.kept for line in lines) else Status.CANCELLED


def check_at_rest(company: Alone) -> None:
    """Nothing waits in vain, no figure is below zero, and whatever differs is shown."""
    waiting = [parcel.message for parcel in company.purchasing.early if isinstance(parcel.message, Event)]
    assert not waiting, f"purchasing waits in vain: {waiting}"
    for line in company.purchasing.every(OrderLine):
        assert min(line.accepted, line.kept, line.returned, line.rejected) >= 0
    _check_wanted(company)
    for order in company.purchasing.every(PurchaseOrder):
        if order.submitted_at is None:
            continue
        assert (order.status is Status.RECEIVED) <= (not company.books.is_done(order.id)), (
            f"{order.requisition_number} is done, but not closed"
        )
        _check_differences(company, order)


def _check_wanted(company: Alone) -> None:
    """Laws 1 and 3: however orders are split, combined and amended, a unit that a request wants is ordered once."""
    ordered: Counter[UUID] = Counter()
    for line in company.purchasing.every(OrderLine):
        if line.request_line_id is not None:
            ordered[line.request_line_id] += line.ordered
    assert ordered == company.books.wanted


def _check_differences(company: Alone, order: PurchaseOrder) -> None:
    same, lines = company.books.orders[order.id], company.books.of(order.id)
    assert order.differs <= bool(same.bills)
    if not same.bills or any(line.open for line in lines):
        return
    freight = same.freight if any(line.living for line in lines) else 0
    net = sum(line.net for line in lines) + freight
    if same.billed_net != net and not any(bill.credit for bill in same.bills):
        assert order.differs, f"{order.requisition_number}: {same.billed_net} billed of {net}, not shown"


def told(script: bytes, acts: list[BuyingAct]) -> str:
    """What happens in a sequence, for people to read."""
    company = opened(script[0])
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
