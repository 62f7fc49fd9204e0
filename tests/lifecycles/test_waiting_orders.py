"""Orders that wait, whatever happens to them: every message in every status, and the laws in any order."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.contracts import requests
from libs.contracts.message import Message
from libs.contracts.orders import SubmitOrder
from libs.contracts.purchasing import OrderSubmitted
from libs.contracts.requests import SpendingApproved
from services.purchasing.purchase_order import (
    TRANSITIONS,
    UNSUBMITTED,
    OrderLine,
    PurchaseOrder,
    Status,
    status_of,
)
from services.purchasing.spending import RequestOrders, committed_by
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
    completion,
    lines_of,
    refusal,
    submission,
    the_order,
    waiting_for_approval,
)


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
    ]


@pytest.mark.parametrize("status", [each for each in Status if each is not Status.CLOSED])
@pytest.mark.parametrize("index", range(9))
def test_every_message_in_every_status_takes_a_step_of_the_table_or_none(status: Status, index: int) -> None:
    desk = in_status(status)
    message = every_message(desk)[index]

    first = desk.hear(message)
    after = the_order(desk).status
    desk.hear(message)

    assert after is status or after in TRANSITIONS[status]
    expected = {
        ("CompleteOrder", True): "accepted",
        ("CompleteOrder", False): "rejected",
        ("SubmitOrder", False): "rejected",
        ("CreateOrder", True): "duplicate",
        ("CreateOrder", False): "duplicate",
    }
    verdict = expected.get((type(message).__name__, status in UNSUBMITTED))
    assert verdict is None or first.verdict == verdict


def test_every_status_and_every_step_is_reached() -> None:
    taken = set()
    for status in set(Status) - {Status.CLOSED}:
        for index in range(9):
            desk = in_status(status)
            desk.hear(every_message(desk)[index])
            taken.add((status, the_order(desk).status))

    elsewhere = {
        (Status.DRAFT, Status.SUBMITTED),
        (Status.SUBMITTED, Status.RECEIVED),
        (Status.RECEIVED, Status.CANCELLED),
    }
    steps = {(was, now) for was in Status for now in TRANSITIONS[was]}
    assert {(was, now) for was, now in taken if was is not now} - elsewhere == steps - elsewhere


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
