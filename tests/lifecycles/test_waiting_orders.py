"""Orders that wait, whatever happens to them: every message in every status, and the laws in any order."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.contracts import requests
from libs.contracts.catalog import SetVendorActive
from libs.contracts.message import Message
from libs.contracts.orders import RecallOrder, SubmitOrder
from libs.contracts.purchasing import DefinePurchasingPolicy, OrderSubmitted
from libs.contracts.requests import SpendingApproved
from services.purchasing.commitment import RequestOrders, committed_by
from services.purchasing.purchase_order import (
    TRANSITIONS,
    UNSUBMITTED,
    OrderLine,
    PurchaseOrder,
    Status,
    status_of,
)
from tests.builders_buying import a_return, a_reversal
from tests.builders_desk import (
    STATION,
    Desk,
    a_purchasing_desk,
    a_receipt,
    cancel_order,
    orders,
)
from tests.builders_orders import (
    a_command,
    a_line,
    a_no_to,
    a_yes_to,
    asked,
    cancel_one,
    close_short,
    completion,
    lines_of,
    refusal,
    submission,
    the_order,
    waiting_for_approval,
)

MESSAGES = 15


def in_status(status: Status) -> Desk:
    """A desk whose custom order is in this status."""
    desk = a_purchasing_desk()
    order = waiting_for_approval(desk)
    (line,) = lines_of(desk, order)
    then: dict[Status, tuple[Message, ...]] = {
        Status.DRAFT: (completion(desk, order, 160),),
        Status.AWAITING_APPROVAL: (),
        Status.SUBMITTED: (a_yes_to(asked(desk)[0]),),
        Status.PARTIALLY_RECEIVED: (a_yes_to(asked(desk)[0]), a_receipt((line, 1, 0))),
        Status.RECEIVED: (a_yes_to(asked(desk)[0]), a_receipt((line, 2, 0))),
        Status.CLOSED: (a_yes_to(asked(desk)[0]), a_receipt((line, 1, 0)), close_short(order)),
        Status.CANCELLED: (a_no_to(asked(desk)[0]),),
    }
    desk.hear(*then[status])
    assert the_order(desk).status is status
    return desk


def every_message(desk: Desk) -> list[Message]:
    order = the_order(desk)
    (line,) = lines_of(desk, order)
    question = asked(desk)[-1].model_copy(update={"order_revision": order.revision})
    return [
        completion(desk, order, 170, vendor="V-2"),
        submission(order),
        a_yes_to(question),
        a_no_to(question),
        refusal(),
        a_receipt((line, 1, 1), name="more"),
        cancel_one(order),
        cancel_order(),
        a_command(),
        close_short(order),
        RecallOrder(order_id=order.id),
        a_reversal(a_receipt((line, 1, 0))),
        a_return(order.id, (line.id, 1)),
        a_return(order.id, (line.id, 1), purpose="credit"),
        DefinePurchasingPolicy(uses_invoices=False),
    ]


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("index", range(MESSAGES))
def test_every_message_in_every_status_takes_a_step_of_the_table_or_none(status: Status, index: int) -> None:
    desk = in_status(status)
    message = every_message(desk)[index]

    first = desk.hear(message)
    after = the_order(desk).status
    desk.hear(message)

    # What is received may be closed at once.
    closed = {Status.CLOSED} if Status.RECEIVED in TRANSITIONS[status] else set()
    assert after is status or after in TRANSITIONS[status] | closed
    expected = {
        ("CompleteOrder", True): "accepted",
        ("CompleteOrder", False): "rejected",
        ("SubmitOrder", False): "rejected",
        ("CreateOrder", True): "duplicate",
        ("CreateOrder", False): "duplicate",
    }
    verdict = expected.get((type(message).__name__, status in UNSUBMITTED))
    assert verdict is None or first.verdict == verdict


def what_is_taken_or_sent_back(desk: Desk) -> list[tuple[Message, ...]]:
    """Goods of an order come and go, while invoices are used or not, and not always in the order in which they did."""
    order = the_order(desk)
    (line,) = lines_of(desk, order)
    yes, no_invoices = a_yes_to(asked(desk)[0]), DefinePurchasingPolicy(uses_invoices=False)
    both, one = a_receipt((line, 2, 0)), a_receipt((line, 1, 0), name="one")
    other = a_receipt((line, 1, 0), name="other")
    return [
        (yes, both, a_return(order.id, (line.id, 2))),
        (yes, both, a_return(order.id, (line.id, 2), purpose="credit")),
        (yes, one, a_return(order.id, (line.id, 2), purpose="credit"), other),
        (no_invoices, yes, both, a_reversal(both)),
        (no_invoices, yes, one, other, a_reversal(other)),
        (a_command(), completion(desk, order, 10), submission(order)),
    ]


def test_every_status_and_every_step_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: set[tuple[Status, Status]] = set()
    become = PurchaseOrder.become

    def noted(order: PurchaseOrder, status: Status, **changes: Any) -> PurchaseOrder:
        taken.add((order.status, status))
        return become(order, status, **changes)

    monkeypatch.setattr(PurchaseOrder, "become", noted)
    for status in Status:
        for index in range(MESSAGES):
            desk = in_status(status)
            desk.hear(every_message(desk)[index])
    for index in range(6):
        desk = in_status(Status.AWAITING_APPROVAL)
        desk.hear(*what_is_taken_or_sent_back(desk)[index])

    assert taken == {(was, now) for was in Status for now in TRANSITIONS[was]}


def test_only_steps_in_the_table_are_possible() -> None:
    order = the_order(in_status(Status.DRAFT))

    for before in Status:
        for after in Status:
            record = replace(order, status=before)
            if after in TRANSITIONS[before]:
                assert record.become(after).status is after
            else:
                with pytest.raises(RuntimeError, match="cannot become"):
                    record.become(after)


# Laws


HAPPENINGS = st.lists(
    st.tuples(
        st.sampled_from(["complete", "submit", "yes", "no", "receive", "cancel one", "cancel", "again"]),
        st.integers(0, 2),
        st.integers(0, 7),
    ),
    max_size=14,
)


def happen(desk: Desk, what: str, which: int, number: int, heard: list[Message]) -> None:
    """One thing that can happen to a request's orders."""
    made = orders(desk)
    order = made[which % len(made)]
    questions = asked(desk)
    question = questions[number % len(questions)] if questions else None
    message: Message | None = {
        "complete": completion(desk, order, 40 * number, 30, vendor=f"V-{number % 2 + 1}"),
        "submit": submission(order),
        "yes": question and a_yes_to(question),
        "no": question and a_no_to(question),
        "receive": a_receipt((lines_of(desk, order)[0], number % 3, 1), name=len(heard))
        if order.submitted_at
        else None,
        "cancel one": cancel_one(order),
        "cancel": cancel_order() if number == 7 else None,
        "again": heard[number % len(heard)] if heard else None,
    }[what]
    if message is None or (what == "again" and not isinstance(message, SubmitOrder | SpendingApproved)):
        return
    heard.append(message)
    desk.hear(message)


def check(desk: Desk) -> None:
    """Laws 1 and 6, and nothing is placed beyond what was approved; what the dock took though it was cancelled may
    come on top."""
    (commanded,) = desk.all(RequestOrders)
    turned_up = sum(
        (line.unit_price or 0) * min(line.kept, line.asked)
        for order in orders(desk)
        for line in lines_of(desk, order)
    )
    assert committed_by(desk.all(PurchaseOrder), desk.all(OrderLine)) - turned_up <= commanded.approved
    allowed = {answer.total.amount for answer in asked(desk)} | {Decimal(500)}
    assert commanded.approved in allowed
    for order in orders(desk):
        lines = lines_of(desk, order)
        assert order.total == sum(line.line_total for line in lines)
        assert order.status in UNSUBMITTED or order.status is status_of(lines)
        for line in lines:
            assert line.kept + line.cancelled + line.open - line.over == line.ordered
        submitted = [
            message
            for message in desk.said
            if isinstance(message, OrderSubmitted) and message.order_id == order.id
        ]
        assert len(submitted) == (order.submitted_at is not None)
        named = {line.named_vendor for line in lines} - {None, order.vendor_number}
        assert (
            not named or order.submitted_at is None or any(each.order_id == order.id for each in asked(desk))
        )


@settings(max_examples=300, deadline=None)
@given(HAPPENINGS)
def test_whatever_happens_in_whatever_order_no_more_is_spent_than_was_approved(
    happened: list[tuple[str, int, int]],
) -> None:
    desk = a_purchasing_desk()
    heard: list[Message] = []
    desk.hear(
        a_command(
            a_line(1, sku=STATION, quantity=1),
            a_line(2, quantity=2),
            a_line(3, quantity=1),
            a_line(4, vendor_number="V-2"),
            approved=500,
        )
    )

    for what, which, number in happened:
        happen(desk, what, which, number, heard)
        check(desk)

    assert not any(isinstance(message, requests.SpendingApproved) for message in desk.said)


def test_an_order_is_a_draft_again_if_its_vendor_was_retired_before_the_last_yes() -> None:
    desk = a_purchasing_desk()
    waiting_for_approval(desk)
    desk.hear(SetVendorActive(number="V-1", active=False))

    desk.hear(a_yes_to(asked(desk)[0]))

    assert (the_order(desk).status, the_order(desk).awaits) == (Status.DRAFT, ())
