"""Amending changes what is ordered, cancelling what is cancelled; never both."""

from decimal import Decimal

from libs.contracts.orders import CancelOneOrder
from tests.builders_amending import amend, committed, placed
from tests.builders_buying import an_amendment
from tests.builders_desk import a_purchasing_desk, a_receipt
from tests.builders_invoices import an_invoice_desk, order_lines, the_order


def test_a_line_of_which_cancelled_units_came_is_not_grown_into_its_cancellation() -> None:
    desk = an_invoice_desk()
    (line,) = order_lines(desk)
    desk.hear(CancelOneOrder(order_id=line.order_id, reason="too late"), a_receipt((line, 4, 0)))

    ended = desk.hear(an_amendment(the_order(desk), (line, {"quantity": 11})))

    assert ended.code == "order_not_amendable"
    assert [(each.ordered, each.cancelled, each.open) for each in order_lines(desk)] == [(10, 6, 0)]


def test_what_came_though_it_was_cancelled_never_leaves_a_request_more_to_spend() -> None:
    desk = a_purchasing_desk()
    line = placed(desk, 10)
    desk.hear(CancelOneOrder(order_id=line.order_id, reason="too late"), a_receipt((line, 4, 0)))

    amend(desk, {"unit_price": Decimal(50), "price_reason": "they let us keep them for less"})

    assert committed(desk) == 0
