"""Orders that need an approval of their own, and orders that serve several requests: each question for itself."""

from decimal import Decimal
from typing import Any

import pytest

from libs.chassis.decision import Actor
from libs.contracts.catalog import DefineExchangeRate
from libs.contracts.message import Message
from libs.contracts.orders import CombineOrders, RecallOrder
from libs.contracts.purchasing import (
    CancelOrder,
    DefinePurchasingPolicy,
    OrderCancelled,
    OrderDrafted,
    OrderSubmitted,
    SpendingQuestionDropped,
)
from libs.contracts.requests import ApproveOrder, ApproveSpending, OrderApproved, OrderRefused
from libs.contracts.values import Kind, Money, derived_id
from services.purchasing.commitment import RequestOrders
from services.purchasing.purchase_order import PurchaseOrder, Status
from tests.builders_buying import a_draft, a_line_to_draft, an_amendment
from tests.builders_desk import STATION, Desk, a_purchasing_desk, cancel_order, orders
from tests.builders_orders import (
    REQUEST,
    a_command,
    a_line,
    a_no_to,
    a_yes_to,
    asked,
    cancel_one,
    completion,
    euros,
    lines_of,
    refusal,
    submission,
)

OTHER = derived_id("test-request", 2)


@pytest.fixture
def desk() -> Desk:
    return a_purchasing_desk()


def a_policy(
    approve_from: str | None = "1000", currency: str = "EUR", **changes: Any
) -> DefinePurchasingPolicy:
    """From so much on orders need an approval of their own."""
    threshold = Money(amount=Decimal(approve_from), currency=currency) if approve_from else None
    return DefinePurchasingPolicy(approve_orders_from=threshold, **changes)


def a_large_order(desk: Desk, price: str = "500", **changes: Any) -> PurchaseOrder:
    """Two chairs that somebody wants to place."""
    desk.hear(a_draft(a_line_to_draft(unit_price=Decimal(price)), **changes))
    order = orders(desk)[-1]
    desk.hear(submission(order), actor=Actor("person-17"))
    return now(desk, order)


def now(desk: Desk, order: PurchaseOrder) -> PurchaseOrder:
    (found,) = desk.all(PurchaseOrder, id=order.id)
    assert isinstance(found, PurchaseOrder)
    return found


def yes(order: PurchaseOrder, **changes: Any) -> OrderApproved:
    values: dict[str, Any] = {
        "order_id": order.id,
        "order_revision": order.revision,
        "total": euros(order.total),
    }
    return OrderApproved(**values | changes)


def no(order: PurchaseOrder, **changes: Any) -> OrderRefused:
    values: dict[str, Any] = {"order_id": order.id, "order_revision": order.revision, "reason": "too dear"}
    return OrderRefused(**values | changes)


# The size of orders


def test_by_default_no_order_needs_an_approval_of_its_own(desk: Desk) -> None:
    assert a_large_order(desk, "9999999").status is Status.SUBMITTED


@pytest.mark.parametrize(
    ("price", "freight", "waits"), [("500", "0", True), ("499.99", "0", False), ("499.99", "0.02", True)]
)
def test_from_so_much_on_net_with_freight_an_order_waits(
    desk: Desk, price: str, freight: str, waits: bool
) -> None:
    desk.hear(a_policy())

    order = a_large_order(desk, price, freight=Decimal(freight))

    assert order.status is (Status.AWAITING_APPROVAL if waits else Status.SUBMITTED)


def test_requests_is_asked_with_all_that_its_policy_looks_at(desk: Desk) -> None:
    desk.hear(a_policy())

    order = a_large_order(desk)

    assert desk.said[-1] == ApproveOrder(
        order_id=order.id,
        requisition_number=order.requisition_number,
        order_revision=1,
        total=euros("1000.00"),
        vendor_number="V-1",
        kinds=(Kind.HARDWARE,),
        asked_by="person-17",
        parties=tuple(sorted({order.drafted_by, "person-17"})),
    )
    assert order.awaits == (order.id,)


def test_another_currency_is_compared_by_the_rate_of_the_day_told_either_way(desk: Desk) -> None:
    rate = {"valid_from": "2026-01-01"}
    told = {"currency": "USD", "base": "EUR", "rate": "0.5"}, {"currency": "EUR", "base": "CHF", "rate": "4"}
    desk.hear(a_policy(), *(DefineExchangeRate.model_validate(each | rate, strict=False) for each in told))

    placed = [
        a_large_order(desk, price, currency=currency) for price, currency in (("900", "USD"), ("1900", "CHF"))
    ]
    waiting = [
        a_large_order(desk, price, currency=currency)
        for price, currency in (("1000", "USD"), ("2000", "CHF"))
    ]

    assert [(order.status, order.rate) for order in placed] == [
        (Status.SUBMITTED, Decimal("0.5")),
        (Status.SUBMITTED, Decimal("0.25")),
    ]
    assert [order.status for order in waiting] == [Status.AWAITING_APPROVAL] * 2


def test_a_rate_is_missed_only_where_it_is_needed(desk: Desk) -> None:
    without = a_large_order(desk, currency="USD")
    desk.hear(a_policy())
    desk.hear(a_draft(currency="USD"))

    refused = desk.hear(submission(orders(desk)[-1]))

    assert (without.status, without.rate, without.base_currency) == (Status.SUBMITTED, None, "EUR")
    assert refused.code == "exchange_rate_unknown"


def test_what_nobody_can_compare_stays_a_draft_when_it_is_ordered_for_a_request(desk: Desk) -> None:
    desk.hear(a_policy(currency="USD"))

    desk.hear(a_command(a_line(sku=STATION), approved=1_000))

    assert [order.status for order in orders(desk)] == [Status.DRAFT]


def test_a_yes_places_it_and_a_no_cancels_it(desk: Desk) -> None:
    desk.hear(a_policy())
    first, second = a_large_order(desk), a_large_order(desk)

    desk.hear(yes(first), no(second))

    assert [now(desk, each).status for each in (first, second)] == [Status.SUBMITTED, Status.CANCELLED]
    assert (now(desk, first).submitted_by, type(desk.said[-1])) == ("person-17", OrderCancelled)


@pytest.mark.parametrize("answer", [yes, no])
@pytest.mark.parametrize("late", ["changed", "recalled", "older", "placed", "cancelled"])
def test_an_answer_to_what_the_order_no_longer_is_changes_nothing(desk: Desk, answer: Any, late: str) -> None:
    desk.hear(a_policy())
    order = a_large_order(desk)
    (line,) = lines_of(desk, order)
    overtaking: dict[str, Message] = {
        "changed": an_amendment(order, (line, {"quantity": 3})),
        "recalled": RecallOrder(order_id=order.id),
        "placed": yes(order),
        "cancelled": cancel_one(order),
    }
    if late in overtaking:
        desk.hear(overtaking[late])
    before = desk.fork()

    desk.hear(answer(order, order_revision=0 if late == "older" else 1))

    assert (desk.records, desk.said) == (before.records, before.said)


def test_a_large_order_that_is_not_large_any_more_needs_no_answer(desk: Desk) -> None:
    desk.hear(a_policy())
    order = a_large_order(desk)
    desk.hear(a_policy("5000"))

    desk.hear(submission(order))

    assert now(desk, order).status is Status.SUBMITTED
    (dropped,) = (said for said in desk.said if isinstance(said, SpendingQuestionDropped))
    assert (dropped.request_id, dropped.order_revision) == (None, 1)


def test_an_order_that_requests_would_not_look_at_is_a_draft_again(desk: Desk) -> None:
    desk.hear(a_policy())
    order = a_large_order(desk)

    desk.hear(refusal(command=ApproveOrder.type).model_copy(update={"about": order.id}))

    assert desk.said[-1] == RecallOrder(order_id=order.id)
    desk.hear(desk.said[-1])
    assert (now(desk, order).status, now(desk, order).revision) == (Status.DRAFT, 2)
    assert desk.hear(RecallOrder(order_id=order.id)).verdict == "duplicate"


def test_catalog_orders_are_placed_by_people_where_the_policy_says_so(desk: Desk) -> None:
    desk.hear(a_policy(None, submits_by_itself=False))

    desk.hear(a_command(a_line(sku=STATION), approved=1_000))

    (order,) = orders(desk)
    assert (order.status, desk.hear(submission(order)).decision.answer["status"]) == (
        Status.DRAFT,
        "submitted",
    )


def test_a_little_more_than_was_approved_may_be_spent_where_the_policy_says_so(desk: Desk) -> None:
    desk.hear(a_policy(None, spending_tolerance=Decimal(10)))

    desk.hear(a_command(a_line(1, sku=STATION), approved="271.82"))
    desk.hear(a_command(a_line(2, sku=STATION), approved="271.81").model_copy(update={"request_id": OTHER}))

    assert [order.status for order in orders(desk)] == [Status.SUBMITTED, Status.AWAITING_APPROVAL]


def test_what_fits_is_placed_before_it_is_asked_for_what_does_not(desk: Desk) -> None:
    desk.hear(a_command(a_line(1, sku=STATION), a_line(2, sku="CABLE-1M"), approved=10))

    first, second = orders(desk)
    assert (first.status, second.status) == (Status.AWAITING_APPROVAL, Status.SUBMITTED)
    assert [question.total for question in asked(desk)] == [euros("300.10")]
    desk.hear(a_yes_to(asked(desk)[0]))
    assert now(desk, first).status is Status.SUBMITTED


# Orders of several requests


def a_shared_order(desk: Desk, first: str = "100", second: str = "150") -> PurchaseOrder:
    """Two chairs for each of two requests, of which 200 and 300 were approved, on one order that is placed."""
    desk.hear(a_command(a_line(1), approved=200))
    desk.hear(a_command(a_line(2), approved=300).model_copy(update={"request_id": OTHER}))
    one, two = orders(desk)
    desk.hear(CombineOrders(order_ids=(one.id, two.id)))
    desk.hear(completion(desk, one, first, second), submission(one))
    return now(desk, one)


def committed(desk: Desk) -> dict[Any, Decimal]:
    return {each.id: each.committed for each in desk.all(RequestOrders)}


def test_a_shared_order_waits_until_all_who_were_asked_have_said_yes(desk: Desk) -> None:
    desk.hear(a_policy("600"))
    order = a_shared_order(desk, "101", "201")
    questions = {question.request_id: question for question in asked(desk)}

    desk.hear(a_yes_to(questions[REQUEST]), yes(order))
    waiting = now(desk, order)
    desk.hear(a_yes_to(questions[OTHER]))

    assert {id: question.total for id, question in questions.items()} == {
        REQUEST: euros(202),
        OTHER: euros(402),
    }
    assert (waiting.status, waiting.awaits) == (Status.AWAITING_APPROVAL, (OTHER,))
    assert now(desk, order).status is Status.SUBMITTED
    assert committed(desk) == {REQUEST: 202, OTHER: 402}


def test_only_those_are_asked_for_whom_it_costs_too_much(desk: Desk) -> None:
    a_shared_order(desk, "100", "151")

    assert [question.request_id for question in asked(desk)] == [OTHER]


def test_a_no_to_one_request_leaves_a_draft_for_the_others(desk: Desk) -> None:
    order = a_shared_order(desk, "101", "150")

    desk.hear(a_no_to(asked(desk)[0]))

    mine, others = lines_of(desk, order)
    assert (now(desk, order).status, mine.living, others.living) == (Status.DRAFT, 0, 2)
    assert now(desk, order).total == 300
    assert [type(said) for said in desk.said[-2:]] == [OrderCancelled, OrderDrafted]
    assert desk.hear(submission(order)).decision.answer["status"] == "submitted"
    (said,) = (said for said in desk.said if isinstance(said, OrderSubmitted))
    assert [line.request_id for line in said.lines] == [OTHER]


def test_a_request_that_is_cancelled_takes_its_lines_off_the_orders_it_shares(desk: Desk) -> None:
    order = a_shared_order(desk)

    desk.hear(cancel_order())
    told = desk.said[-1]
    desk.hear(told)
    again = desk.hear(told)

    mine, others = lines_of(desk, order)
    assert (mine.cancelled, others.cancelled, again.code) == (2, 0, "order_not_open")
    assert (now(desk, order).status, committed(desk)) == (
        Status.SUBMITTED,
        {REQUEST: Decimal(0), OTHER: Decimal(300)},
    )
    cancelled = desk.said[-1]
    assert isinstance(cancelled, OrderCancelled)
    assert [line.request_id for line in cancelled.lines] == [REQUEST]


def test_what_a_cancelled_request_had_on_a_shared_draft_is_not_placed(desk: Desk) -> None:
    desk.hear(a_command(a_line(1), approved=200))
    desk.hear(a_command(a_line(2), approved=300).model_copy(update={"request_id": OTHER}))
    one, two = orders(desk)
    desk.hear(CombineOrders(order_ids=(one.id, two.id)))
    desk.hear(completion(desk, one, 100, 150), CancelOrder(request_id=OTHER, reason="moved"))

    desk.hear(submission(one))

    mine, others = lines_of(desk, one)
    assert (now(desk, one).status, mine.living, others.living) == (Status.SUBMITTED, 2, 0)
    assert committed(desk) == {REQUEST: 200, OTHER: 0}


def test_freight_is_spent_for_each_request_in_proportion(desk: Desk) -> None:
    desk.hear(a_command(a_line(1), approved=210))
    desk.hear(a_command(a_line(2), approved=310).model_copy(update={"request_id": OTHER}))
    one, two = orders(desk)
    desk.hear(CombineOrders(order_ids=(one.id, two.id)))
    desk.hear(an_amendment(now(desk, one), freight=Decimal("10.01")), completion(desk, one, 100, 150))

    desk.hear(submission(one))
    before = committed(desk)
    desk.hear(cancel_one(one))

    assert before == {REQUEST: Decimal("204.00"), OTHER: Decimal("306.01")}
    assert committed(desk) == {REQUEST: 0, OTHER: 0}
    assert not any(isinstance(said, ApproveSpending) for said in desk.said)
