"""How orders end: closed by themselves or by somebody, and opened again by what is taken or sent back."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.invoices import MatchInvoices
from libs.contracts.message import Message
from libs.contracts.orders import CancelOneOrder
from libs.contracts.purchasing import (
    DefinePurchasingPolicy,
    OrderCancelled,
    OrderClosed,
    OrderReceived,
    OrderReopened,
    SurplusFound,
)
from libs.contracts.values import derived_id
from services.purchasing.commitment import RequestOrders
from services.purchasing.purchase_order import OrderLine, PurchaseOrder, Status, status_of
from tests.builders_buying import a_return, a_reversal
from tests.builders_desk import (
    CABLE,
    LAPTOP,
    SERVER,
    Desk,
    a_purchasing_desk,
    a_receipt,
    create_order,
    orders,
)
from tests.builders_orders import cancel_one, close_short, lines_of

WITHOUT_INVOICES = DefinePurchasingPolicy(uses_invoices=False)


def an_order_of(*quantities: int) -> tuple[Desk, list[OrderLine]]:
    """A desk with one order of lines with these quantities, and its lines."""
    desk = a_purchasing_desk()
    desk.hear(create_order(dict(zip((CABLE, LAPTOP, SERVER), quantities, strict=False))))
    return desk, lines_of(desk, the_one(desk))


def the_one(desk: Desk) -> PurchaseOrder:
    return orders(desk)[0]


def figures(desk: Desk) -> list[tuple[int, int, int, int]]:
    """What is kept, cancelled, open and over of each line."""
    return [(line.kept, line.cancelled, line.open, line.over) for line in lines_of(desk, the_one(desk))]


# Closing


def test_an_order_closes_by_itself_once_it_is_received_where_no_invoices_are_used() -> None:
    desk, (line,) = an_order_of(2)
    desk.hear(WITHOUT_INVOICES)

    desk.hear(a_receipt((line, 2, 0)))

    order = the_one(desk)
    assert (order.status, order.closed_at) == (Status.CLOSED, order.status_since)
    assert [type(said) for said in desk.said[-2:]] == [OrderReceived, OrderClosed]
    assert desk.said[-1] == OrderClosed(order_id=order.id, requisition_number="PR-000001", short=False)


def test_with_invoices_a_received_order_stays_until_it_is_invoiced() -> None:
    desk, (line,) = an_order_of(2)

    desk.hear(a_receipt((line, 2, 0)))

    assert the_one(desk).status is Status.RECEIVED


def test_closing_short_cancels_what_is_open_and_closes() -> None:
    desk, (cable, _) = an_order_of(5, 1)
    desk.hear(a_receipt((cable, 2, 0)))

    ended = desk.hear(close_short(the_one(desk)))
    again = desk.hear(close_short(the_one(desk)))

    order = the_one(desk)
    assert (order.status, figures(desk)) == (Status.CLOSED, [(2, 3, 0, 0), (0, 1, 0, 0)])
    assert [type(said) for said in desk.said[-3:]] == [OrderCancelled, OrderReceived, OrderClosed]
    assert desk.said[-1] == OrderClosed(
        order_id=order.id, requisition_number="PR-000001", short=True, reason="the rest comes elsewhere"
    )
    assert (order.expected_cost, desk.all(RequestOrders)[0].committed) == (Decimal("1.10"), Decimal("1.10"))
    assert (ended.verdict, again.verdict) == ("accepted", "duplicate")


def test_a_received_order_is_closed_though_it_was_not_invoiced() -> None:
    desk, (line,) = an_order_of(2)
    desk.hear(a_receipt((line, 2, 0)))

    desk.hear(close_short(the_one(desk)))

    assert the_one(desk).status is Status.CLOSED
    assert isinstance(desk.said[-1], OrderClosed)
    assert not desk.said[-1].short
    assert not the_one(desk).short


def test_an_order_of_which_nothing_has_arrived_is_cancelled_instead() -> None:
    desk, _ = an_order_of(2)

    assert desk.hear(close_short(the_one(desk))).code == "order_not_closable"


def test_what_arrives_after_an_order_was_closed_still_counts() -> None:
    desk, (line,) = an_order_of(5)
    desk.hear(a_receipt((line, 2, 0), name=1), close_short(the_one(desk)))

    desk.hear(a_receipt((line, 4, 0), name=2))

    assert (the_one(desk).status, figures(desk)) == (Status.CLOSED, [(6, 0, 0, 1)])
    assert isinstance(desk.said[-1], SurplusFound)


# Cancelling line by line


def test_some_lines_are_cancelled_and_the_others_go_on() -> None:
    desk, (cable, laptop) = an_order_of(5, 1)
    order = the_one(desk)
    one_line = CancelOneOrder(order_id=order.id, reason="wrong colour", lines=(cable.id,))

    desk.hear(one_line)
    again = desk.hear(one_line)

    assert (the_one(desk).status, figures(desk)) == (Status.SUBMITTED, [(0, 5, 0, 0), (0, 0, 1, 0)])
    assert (the_one(desk).expected_cost, the_one(desk).total) == (laptop.line_total, order.total)
    assert again.code == "order_not_open"


@pytest.mark.parametrize(
    ("lines", "code"), [((0, 0), "order_line_named_twice"), ((1,), "order_line_not_known"), ((), None)]
)
def test_lines_that_are_cancelled_are_named_once_and_known(lines: tuple[int, ...], code: str | None) -> None:
    desk, (line,) = an_order_of(5)
    ids = (line.id, derived_id("no line"))

    ended = desk.hear(
        CancelOneOrder(order_id=line.order_id, reason="no", lines=tuple(ids[each] for each in lines))
    )

    assert ended.code == code


# What goes back


@pytest.mark.parametrize("uses_invoices", [True, False])
def test_a_reversed_receipt_opens_its_units_again(uses_invoices: bool) -> None:
    desk, (line,) = an_order_of(2)
    receipt = a_receipt((line, 2, 1))
    desk.hear(DefinePurchasingPolicy(uses_invoices=uses_invoices), receipt)

    desk.hear(a_reversal(receipt))

    order, (line,) = the_one(desk), lines_of(desk, the_one(desk))
    assert (order.status, order.closed_at, figures(desk)) == (Status.SUBMITTED, None, [(0, 0, 2, 0)])
    assert (line.accepted, line.rejected) == (0, 0)
    assert isinstance(desk.said[-1], OrderReopened)


def test_what_was_cancelled_is_not_opened_by_a_reversal() -> None:
    desk, (line,) = an_order_of(5)
    receipt = a_receipt((line, 2, 0))
    desk.hear(receipt, cancel_one(the_one(desk)))

    desk.hear(a_reversal(receipt))

    assert (the_one(desk).status, figures(desk)) == (Status.CANCELLED, [(0, 5, 0, 0)])
    *_, said = [each for each in desk.said if isinstance(each, OrderCancelled)]
    assert [(each.cancelled, each.asked) for each in said.lines] == [(5, 5)]


def test_a_replacement_is_to_come_and_a_credit_is_not() -> None:
    desk, (line,) = an_order_of(3)
    desk.hear(a_receipt((line, 3, 0)))

    desk.hear(a_return(line.order_id, (line.id, 1), name=1))
    replaced = figures(desk)
    desk.hear(a_return(line.order_id, (line.id, 1), purpose="credit", name=2))
    credited = figures(desk)
    desk.hear(a_receipt((line, 1, 0), name=2))

    assert (replaced, credited, figures(desk)) == ([(2, 0, 1, 0)], [(1, 1, 1, 0)], [(2, 1, 0, 0)])
    assert the_one(desk).status is Status.RECEIVED


def test_a_credit_reduces_what_is_over_first() -> None:
    desk, (line,) = an_order_of(3)
    desk.hear(a_receipt((line, 5, 0)))

    desk.hear(a_return(line.order_id, (line.id, 2), purpose="credit", name=1))
    surplus_gone = figures(desk)
    desk.hear(a_return(line.order_id, (line.id, 1), purpose="credit", name=2))

    assert (surplus_gone, figures(desk)) == ([(3, 0, 0, 0)], [(2, 1, 0, 0)])


def test_the_dock_tells_how_many_of_the_units_that_went_back_are_wanted_no_more() -> None:
    desk, (line,) = an_order_of(3)
    desk.hear(a_return(line.order_id, (line.id, 2), purpose="credit", credited=1))

    desk.hear(a_receipt((line, 4, 0)))

    (line,) = lines_of(desk, the_one(desk))
    assert (line.asked, line.credited, figures(desk)) == (0, 1, [(2, 1, 0, 0)])


def test_the_invoices_of_an_order_are_compared_again_with_whatever_happens_to_it() -> None:
    desk, (line,) = an_order_of(3)
    order = the_one(desk)
    desk.records[PurchaseOrder][order.id] = replace(order, invoices=(derived_id("an invoice"),))
    happened = (
        a_receipt((line, 2, 0)),
        a_return(order.id, (line.id, 1)),
        cancel_one(order),
    )

    for message in happened:
        desk.hear(message)

    assert [said for said in desk.said if isinstance(said, MatchInvoices)] == [
        MatchInvoices(order_id=order.id)
    ] * 3


HAPPENINGS = st.lists(
    st.tuples(st.sampled_from(["receive", "take back", "replace", "credit", "cancel"]), st.integers(1, 4)),
    max_size=9,
)


@given(st.integers(1, 5), HAPPENINGS, st.data())
def test_law_1_holds_in_whatever_order_goods_come_and_go(
    ordered: int, happened: list[tuple[str, int]], data: st.DataObject
) -> None:
    desk, (line,) = an_order_of(ordered)
    told: list[Message] = []
    for name, (what, quantity) in enumerate(happened):
        receipt = a_receipt((line, quantity, 1), name=name)
        those: dict[str, tuple[Message, ...]] = {
            "receive": (receipt,),
            "take back": (receipt, a_reversal(receipt, name)),
            "replace": (receipt, a_return(line.order_id, (line.id, quantity), name=name)),
            "credit": (
                receipt,
                a_return(
                    line.order_id,
                    (line.id, quantity),
                    purpose="credit",
                    name=name,
                    credited=(quantity + name) % (quantity + 1),
                ),
            ),
            "cancel": (cancel_one(the_one(desk)),),
        }
        told += those[what]
    other = desk.fork()

    for message in told:
        desk.hear(message)
        check(desk)
    for message in data.draw(st.permutations(told)):
        other.hear(message)
        check(other)

    # A cancellation is refused once nothing is open.
    if "cancel" not in {what for what, _ in happened}:
        assert state(desk) == state(other)


def state(desk: Desk) -> Any:
    """What must not depend on the order in which things were told."""
    return the_one(desk).status, [replace(line, version=0) for line in lines_of(desk, the_one(desk))]


def check(desk: Desk) -> None:
    order, lines = the_one(desk), lines_of(desk, the_one(desk))
    assert order.status is status_of(lines)
    for line in lines:
        assert line.kept + line.cancelled + line.open - line.over == line.ordered
        assert line.cancelled == min(line.asked + line.credited, max(0, line.ordered - line.kept))
