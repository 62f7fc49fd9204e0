"""A received order closes by itself once its invoices bill all of it: by line where they have lines, else by amount."""

from dataclasses import replace
from decimal import Decimal

from libs.contracts.purchasing import OrderClosed
from services.purchasing.counting import is_invoiced
from services.purchasing.purchase_order import Status
from tests.builders_desk import CABLE, LAPTOP, a_receipt
from tests.builders_invoices import (
    InvoiceDesk,
    a_credit_note,
    a_line,
    an_invoice,
    an_invoice_desk,
    order_lines,
    the_order,
)


def all_here() -> InvoiceDesk:
    """Ten laptops at 100 and ten cables at 0.55, all received."""
    desk = an_invoice_desk({LAPTOP: 10, CABLE: 10})
    desk.hear(a_receipt(*((line, 10, 0) for line in order_lines(desk))))
    desk.said.clear()
    return desk


def test_what_is_billed_too_dear_of_one_line_does_not_pay_for_another() -> None:
    desk = all_here()

    desk.hear(an_invoice(a_line(10, "120")))

    assert (the_order(desk).status, the_order(desk).invoiced_net) == (Status.RECEIVED, Decimal(1200))


def test_an_order_closes_with_the_invoice_of_its_last_line() -> None:
    desk = all_here()
    desk.hear(an_invoice(a_line(10, "120")))

    desk.hear(an_invoice(a_line(10, "0.55", position=2), number="R-2"))

    assert the_order(desk).status is Status.CLOSED
    assert len(desk.facts(OrderClosed)) == 1


def test_an_order_with_only_a_total_billed_closes_once_that_is_what_it_costs() -> None:
    desk = all_here()

    desk.hear(an_invoice(net="1005.49"))
    before = the_order(desk).status
    desk.hear(an_invoice(net="0.01", number="R-2"))

    assert (before, the_order(desk).status) == (Status.RECEIVED, Status.CLOSED)


def test_a_total_pays_for_what_no_line_bills() -> None:
    desk = all_here()
    desk.hear(an_invoice(a_line(4, "120")))

    desk.hear(an_invoice(net="605.49", number="R-2"))
    before = the_order(desk).status
    desk.hear(an_invoice(net="0.01", number="R-3"))

    assert (before, the_order(desk).status) == (Status.RECEIVED, Status.CLOSED)


def test_what_was_taken_back_of_a_total_pays_for_nothing() -> None:
    desk = all_here()
    desk.hear(an_invoice(net="605.50"))
    desk.hear(a_credit_note(net="605", corrects="R-1"))

    desk.hear(an_invoice(a_line(10), number="R-2"))
    before = the_order(desk).status
    desk.hear(an_invoice(net="5.00", number="R-3"))

    assert (before, the_order(desk).status) == (Status.RECEIVED, Status.CLOSED)


def test_what_is_billed_for_freight_pays_for_no_goods() -> None:
    desk = all_here()
    desk.hear(an_invoice(a_line(10)), an_invoice(net="5.50", number="R-2"))
    order, lines = the_order(desk), order_lines(desk)

    assert is_invoiced(order, lines)
    assert not is_invoiced(replace(order, freight=Decimal(50)), lines)
    assert is_invoiced(replace(order, freight=Decimal(50), invoiced_freight=Decimal(50)), lines)


def test_units_that_are_credited_leave_a_total_as_it_was() -> None:
    desk = all_here()
    desk.hear(an_invoice(a_line(4)), an_invoice(net="600", number="R-2"))
    desk.hear(a_credit_note(a_line(1), corrects=None))

    desk.hear(an_invoice(a_line(1), number="R-4"))
    before = the_order(desk).status
    desk.hear(an_invoice(net="5.50", number="R-5"))

    assert (before, the_order(desk).status) == (Status.RECEIVED, Status.CLOSED)


def test_a_line_under_a_name_of_the_vendors_pays_like_a_total() -> None:
    desk = all_here()
    desk.hear(an_invoice(a_line(10)))

    desk.hear(an_invoice(a_line(10, "0.55", sku="THEIRS"), number="R-2"))

    assert the_order(desk).status is Status.CLOSED


def test_a_line_that_costs_nothing_need_not_be_billed() -> None:
    desk = all_here()
    desk.hear(an_invoice(a_line(10)))
    laptops, cables = order_lines(desk)

    assert not is_invoiced(the_order(desk), (laptops, cables))
    assert is_invoiced(the_order(desk), (laptops, replace(cables, unit_price=Decimal(0))))


def test_units_that_were_credited_are_not_billed() -> None:
    desk = all_here()
    desk.hear(an_invoice(a_line(10)))
    desk.hear(a_credit_note(a_line(5)))

    desk.hear(an_invoice(a_line(10, "60", position=2), number="R-2"))

    assert the_order(desk).status is Status.RECEIVED
