"""Drafts that are split and put together; every unit stays for the request line it was ordered for."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from libs.contracts.message import Message
from libs.contracts.orders import CancelOneOrder, CombineOrders, DraftOrder, RecallOrder
from libs.contracts.purchasing import OrderCancelled, OrderSubmitted, SpendingQuestionDropped
from libs.contracts.values import derived_id
from services.purchasing.commitment import RequestOrders
from services.purchasing.purchase_order import PurchaseOrder, Status
from tests.builders_buying import a_draft, a_line_to_draft, a_split, an_amendment
from tests.builders_desk import Desk, a_purchasing_desk, cancel_order, orders
from tests.builders_orders import REQUEST, a_command, a_line, completion, lines_of, refusal, submission


@pytest.fixture
def desk() -> Desk:
    return a_purchasing_desk()


def drafted(desk: Desk, *lines: Any, **changes: Any) -> PurchaseOrder:
    """A draft by hand."""
    desk.hear(a_draft(*lines, **changes))
    return orders(desk)[-1]


def now(desk: Desk, order: PurchaseOrder) -> PurchaseOrder:
    (found,) = desk.all(PurchaseOrder, id=order.id)
    assert isinstance(found, PurchaseOrder)
    return found


def a_combination(*these: PurchaseOrder) -> CombineOrders:
    return CombineOrders(order_ids=tuple(order.id for order in these))


def test_units_of_a_draft_go_to_a_draft_of_their_own_and_stay_what_they_were_ordered_for(desk: Desk) -> None:
    desk.hear(a_command(a_line(1, quantity=5), a_line(2), approved=1_000))
    (order,) = orders(desk)
    first, second = lines_of(desk, order)
    desk.hear(completion(desk, order, 10, 20))

    ended = desk.hear(a_split(now(desk, order), (first, 2), (second, None), vendor="V-2"))

    left, other = orders(desk)
    assert ended.decision.answer["split_off"] == {
        "order_id": str(other.id),
        "requisition_number": "PR-000002",
        "status": "draft",
        "revision": 1,
    }
    (stays,) = lines_of(desk, left)
    part, moved = lines_of(desk, other)
    assert (stays.ordered, part.ordered, moved.id) == (3, 2, second.id)
    assert {line.request_line_id for line in (stays, part)} == {first.request_line_id}
    assert (left.vendor_number, other.vendor_number, left.total, other.total) == (
        "V-1", "V-2", Decimal(30), Decimal(60),
    )  # fmt: skip
    assert [each.request_id for each in (left, other)] == [REQUEST, REQUEST]
    desk.hear(submission(left), submission(other))
    (commanded,) = desk.all(RequestOrders)
    assert commanded.committed == 90


@pytest.mark.parametrize(
    ("moved", "code"),
    [
        ([(0, 3)], "order_not_amendable"),
        ([(0, None)], "order_not_amendable"),
        ([(0, 1), (0, 1)], "order_line_named_twice"),
        ([(1, 1)], "order_line_not_known"),
    ],
)
def test_a_split_leaves_something_and_takes_no_more_than_there_is(
    desk: Desk, moved: list[tuple[int, int | None]], code: str
) -> None:
    order = drafted(desk)
    (line,) = lines_of(desk, order)
    lines = (line, replace(line, id=derived_id("no line")))

    assert desk.hear(a_split(order, *((lines[at], count) for at, count in moved))).code == code


def two_requests(desk: Desk) -> tuple[PurchaseOrder, PurchaseOrder]:
    """Drafts of two requests."""
    other = derived_id("test-request", 2)
    desk.hear(a_command(a_line(1), approved=200))
    desk.hear(
        a_command(a_line(2), approved=300).model_copy(update={"request_id": other, "request_number": "REQ-2"})
    )
    first, second = orders(desk)
    return first, second


def test_drafts_of_several_requests_become_one_order_that_is_spent_for_each(desk: Desk) -> None:
    first, second = two_requests(desk)

    desk.hear(a_combination(first, second))
    combined, gone = orders(desk)
    desk.hear(completion(desk, combined, 100, 150), submission(combined))

    assert (combined.request_id, combined.requests) == (None, (first.request_id, second.request_id))
    assert (gone.status, lines_of(desk, gone)) == (Status.CANCELLED, [])
    (away,) = (said for said in desk.said if isinstance(said, OrderCancelled))
    assert (away.order_id, away.lines, away.reason) == (gone.id, (), "combined into PR-000001")
    assert now(desk, combined).status is Status.SUBMITTED
    kept = {each.id: (each.committed, each.elsewhere) for each in desk.all(RequestOrders)}
    assert kept == {first.request_id: (200, (first.id,)), second.request_id: (300, (first.id,))}
    (said,) = (said for said in desk.said if isinstance(said, OrderSubmitted))
    assert [line.request_id for line in said.lines] == [first.request_id, second.request_id]


def test_a_combined_order_that_is_split_again_belongs_to_its_requests_as_before(desk: Desk) -> None:
    first, second = two_requests(desk)
    desk.hear(a_combination(first, second))
    lines = lines_of(desk, first)

    desk.hear(a_split(now(desk, first), (lines[1], None)))

    left, other = now(desk, first), orders(desk)[-1]
    assert [(each.request_id, each.request_number) for each in (left, other)] == [
        (first.request_id, "REQ-000001"),
        (second.request_id, "REQ-2"),
    ]
    assert [each.elsewhere for each in desk.all(RequestOrders)] == [(), ()]


def awaiting(desk: Desk) -> PurchaseOrder:
    """An order of two requests that costs more than was approved for either."""
    first, second = two_requests(desk)
    desk.hear(a_combination(first, second))
    desk.hear(completion(desk, first, 900, 900), submission(first))
    assert now(desk, first).awaits == (first.request_id, second.request_id)
    return now(desk, first)


def dropped(desk: Desk) -> list[tuple[Any, Any, int]]:
    """Which questions need no answer."""
    said = [said for said in desk.said if isinstance(said, SpendingQuestionDropped)]
    return [(each.order_id, each.request_id, each.order_revision) for each in said]


def test_who_was_asked_about_lines_that_go_elsewhere_need_not_decide(desk: Desk) -> None:
    order = awaiting(desk)
    lines = lines_of(desk, order)

    desk.hear(a_split(order, (lines[1], None)))

    assert dropped(desk) == [(order.id, lines[1].request_id, order.revision)]


def test_who_was_asked_about_an_order_that_was_combined_into_another_need_not_decide(desk: Desk) -> None:
    order = awaiting(desk)

    desk.hear(a_combination(drafted(desk), order))

    assert dropped(desk) == [(order.id, request, order.revision) for request in order.requests]


def test_a_request_knows_its_draft_after_a_line_for_nobody_was_added(desk: Desk) -> None:
    desk.hear(a_command(a_line(1), approved=200))
    (order,) = orders(desk)

    desk.hear(an_amendment(order, add=(a_line_to_draft(),)))
    desk.hear(completion(desk, order, 900), submission(order), refusal())

    (commanded,) = desk.all(RequestOrders)
    assert (now(desk, order).request_id, commanded.elsewhere) == (None, (order.id,))
    assert isinstance(desk.said[-1], RecallOrder)


def test_a_line_stays_where_its_cancellation_looks_for_it(desk: Desk) -> None:
    first, second = two_requests(desk)
    desk.hear(a_combination(first, second))
    lines = lines_of(desk, first)
    desk.hear(cancel_order(second.request_id))
    (cancellation,) = (said for said in desk.said if isinstance(said, CancelOneOrder))

    early = [
        a_split(now(desk, first), (lines[1], None)),
        a_combination(drafted(desk), first),
    ]

    assert [desk.hear(each).code for each in early] == ["order_not_amendable", "order_not_amendable"]
    desk.hear(cancellation)
    assert desk.hear(early[1]).code is None


@pytest.mark.parametrize(
    ("other", "code"),
    [
        (a_draft(deliver_to="SITE-2"), "orders_not_combinable"),
        (a_draft(currency="USD"), "orders_not_combinable"),
        (a_draft(vendor="V-2"), "orders_not_combinable"),
        (a_draft(*(a_line_to_draft() for _ in range(100))), "too_many_lines"),
        (a_draft(vendor=None), None),
    ],
)
def test_only_drafts_that_go_together_are_combined(desk: Desk, other: DraftOrder, code: str | None) -> None:
    order = drafted(desk)
    desk.hear(other)

    assert desk.hear(a_combination(order, orders(desk)[-1])).code == code


def test_what_was_placed_is_neither_split_nor_combined(desk: Desk) -> None:
    order, other = drafted(desk, a_line_to_draft(), a_line_to_draft()), drafted(desk)
    desk.hear(submission(order))
    (line, _) = lines_of(desk, order)
    attempts: list[Message] = [
        a_split(order, (line, 1)),
        a_combination(order, other),
        a_combination(other, other),
    ]

    assert [desk.hear(each).code for each in attempts] == [
        "order_not_draft", "order_not_draft", "orders_not_combinable",
    ]  # fmt: skip
