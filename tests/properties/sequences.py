"""Sequences of what may happen, read from bytes: three for each step, what and to whom or how.

All zeros is the simplest: messages arrive in the order in which they were said.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import Phase, given, note, settings
from hypothesis import strategies as st

from libs.contracts.values import Kind
from services.purchasing.purchase_order import OrderLine, PurchaseOrder
from services.purchasing.purchase_order import Status as OrderStatus
from services.receiving.expectation import ExpectedLine
from services.requests.approval_round import ApprovalRound, RoundStatus
from services.requests.process import FulfilmentProcess, Stage
from tests.properties import drafting, laws, opening, people, takeback, trade
from tests.properties.company import Company
from tests.properties.people import Act

STEP = 3
TURNS_MAX = 60
TIMEOUT_SECONDS = 400
"""Half a minute on a machine that has nothing else to do."""
RETRIES_MAX = 2

EVERYTHING: Mapping[Act, int] = {
    people.deliver_next: 6,
    people.deliver_any: 8,
    people.deliver_many: 8,
    people.deliver_twice: 3,
    people.repeat: 2,
    people.fire: 2,
    people.submit: 6,
    people.edit: 2,
    people.withdraw: 1,
    people.cancel: 2,
    people.decide: 8,
    trade.complete: 3,
    trade.place: 3,
    trade.cancel_one: 1,
    trade.cancel_orders: 1,
    trade.change_price: 3,
    trade.change_vendor: 1,
    trade.deliver: 7,
    trade.confirm: 2,
    trade.assign: 2,
    trade.issue: 2,
    trade.allocate: 2,
    people.retry: 2,
}


def more(**weights: int) -> Mapping[Act, int]:
    """Everything, some of it more often."""
    return {act: weights.get(getattr(act, "__name__", ""), weight) for act, weight in EVERYTHING.items()}


APPROVALS = more(decide=16, edit=8, withdraw=3, fire=8, change_price=4, deliver=3)
SPENDING = more(decide=14, complete=12, place=10, change_price=8, cancel_one=3, edit=0, withdraw=0, deliver=3)
CANCELLATIONS = more(cancel=7, cancel_one=5, cancel_orders=3, deliver=12, decide=10, retry=3, withdraw=2)
HANDOVERS = more(
    deliver_many=16, deliver=16, assign=10, issue=10, allocate=8, confirm=5, retry=5, edit=0, withdraw=0
)

CHANGES: Mapping[Act, int] = {
    **more(decide=12, complete=5, place=9, deliver=9, change_vendor=0, edit=1, cancel_one=1),
    drafting.draft: 2,
    drafting.amend: 14,
    drafting.amend_draft: 2,
    drafting.split: 5,
    drafting.combine: 6,
    drafting.cancel_line: 3,
    drafting.close: 2,
}
"""Orders are split, combined and amended while all of that goes on."""

TAKING_BACK: Mapping[Act, int] = {
    **more(deliver_many=14, deliver=14, assign=5, issue=5, cancel=3, cancel_one=2, edit=0, withdraw=0),
    takeback.reverse: 7,
    takeback.give_back: 7,
    takeback.acknowledge: 5,
}
"""Goods come, are taken back or sent back, and come again, while some of them are given away."""


def table(weights: Mapping[Act, int]) -> list[Act]:
    """What each value of a step's first byte stands for."""
    return [act for act, weight in weights.items() for _ in range(weight)]


def begun(script: bytes, acts: list[Act]) -> Company:
    """The company in which it happens."""
    strict = bool(script[0] & 1)
    if drafting.amend in acts:
        return opening.opened_to_change(strict, script[0])
    return opening.opened(strict)


def play(script: bytes, acts: list[Act], company: Company | None = None) -> Company:
    """One sequence, from the first request until everybody has done their part; all laws are checked."""
    mood = script[0]
    company = company or begun(script, acts)
    people.submit(company, script[1], script[2])
    for at in range(STEP, len(script) - STEP + 1, STEP):
        act = acts[script[at] % len(acts)]
        if company.story is not None:
            company.story.append(f"{act.__name__} {script[at + 1]} {script[at + 2]}")
        act(company, script[at + 1], script[at + 2])
        laws.check_spending(company)
    company.drain()
    laws.check(company)
    finish(company, mood)
    laws.check(company)
    laws.check_over(company)
    return company


def finish(company: Company, mood: int) -> None:
    """Everybody does their part until nothing is left to do, with a yes or a no as they are in the mood."""
    if company.story is not None:
        company.story.append("everybody does their part")
    trade.everything_is_sold_again(company)
    retries: dict[Any, int] = {}
    for _ in range(TURNS_MAX):
        company.drain()
        done = (
            _decided(company, mood),
            _placed(company, mood),
            _delivered(company),
            _unstuck(company, retries),
        )
        if not any(done):
            break
    else:
        raise AssertionError("it never ends")
    while company.timers:
        company.fire(next(iter(company.timers)))
        company.drain()


def _decided(company: Company, mood: int) -> bool:
    waiting = company.requests.every(ApprovalRound, status=RoundStatus.OPEN)
    for round in waiting[:1]:
        people.settle_round(company, round, "reject" if mood & 6 == 6 and round.number > 1 else "approve")
    return bool(waiting)


def _placed(company: Company, mood: int) -> bool:
    drafts = company.purchasing.every(PurchaseOrder, status=OrderStatus.DRAFT)
    for order in drafts:
        vendor = order.vendor_number or opening.VENDORS[0]
        trade.complete_order(company, order, opening.PRICES[mood // 8 % 4], vendor, 1)
        trade.place_order(company, order)
    return bool(drafts)


def _delivered(company: Company) -> bool:
    goods = [line for line in company.receiving.every(ExpectedLine) if line.open]
    for line in goods:
        trade.take_all(company, line)
    submitted = {
        order.id for order in company.purchasing.every(PurchaseOrder) if order.submitted_at is not None
    }
    services = [
        line
        for line in company.purchasing.every(OrderLine, kind=Kind.SERVICE)
        if line.open and line.order_id in submitted
    ]
    for service in services:
        trade.confirm_all(company, service)
    return bool(goods or services)


def _unstuck(company: Company, retries: dict[Any, int]) -> bool:
    stuck = company.requests.every(FulfilmentProcess, stage=Stage.STUCK)
    for process in stuck:
        retries[process.id] = retries.get(process.id, 0) + 1
        if retries[process.id] <= RETRIES_MAX:
            people.retry_process(company, process.id)
        else:
            people.cancel_request(company, process.id)
            assert retries[process.id] < RETRIES_MAX + 5, "nobody can end it"
    return bool(stuck)


def told(script: bytes, acts: list[Act]) -> str:
    """What happens in a sequence, for people to read."""
    company = begun(script, acts)
    company.story = []
    try:
        play(script, acts, company)
    except Exception as error:
        company.story.append(f"{type(error).__name__}: {error}")
    story = re.sub(r"<\w+\.\w+: '(\w+)'>", r"\1", "\n".join(company.story))
    return re.sub(r"UUID\('([0-9a-f-]+)'\)", lambda id: f"…{id[1][-4:]}", story)


def scripts(steps: int) -> st.SearchStrategy[bytes]:
    """So many steps at most."""
    return st.binary(min_size=STEP * steps // 2, max_size=STEP * steps)


def ends_well(weights: Mapping[Act, int], *, examples: int, steps: int = 36) -> Callable[[], None]:
    """A test that plays so many sequences of these acts."""
    acts = table(weights)

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

    test: Callable[[], None] = pytest.mark.timeout(TIMEOUT_SECONDS)(sequences)
    return test
