"""What goes back for credit, and what is still to be paid for once an order is cancelled."""

from decimal import Decimal

from libs.contracts.invoices import InvoicedOrder
from libs.contracts.orders import CancelOneOrder, SubmitOrder
from libs.contracts.values import Kind
from services.purchasing.purchase_order import PurchaseOrder
from tests.builders_buying import a_draft, a_line_to_draft, a_return
from tests.builders_desk import a_receipt
from tests.builders_invoices import InvoiceDesk, an_invoice, an_invoice_desk, order_lines, the_order


def test_a_credit_takes_from_a_surplus_first_and_cancels_only_the_rest() -> None:
    desk = an_invoice_desk()
    (line,) = order_lines(desk)
    desk.hear(a_receipt((line, 12, 0)))

    desk.hear(a_return(line.order_id, (line.id, 2), purpose="credit", name=1))
    desk.hear(a_return(line.order_id, (line.id, 1), purpose="replacement", name=2))

    (line,) = order_lines(desk)
    assert (line.kept, line.cancelled, line.open, line.over) == (9, 0, 1, 0)


def test_freight_that_is_billed_for_a_cancelled_order_differs() -> None:
    desk = _with_freight()
    order = the_order(desk)
    desk.hear(CancelOneOrder(order_id=order.id, reason="out of stock"))

    named = (InvoicedOrder(order_id=order.id),)
    desk.hear(an_invoice(net="2.45", freight=Decimal("2.45"), orders=named))

    order = the_order(desk)
    assert (order.expected_cost, order.invoiced_net, order.differs) == (Decimal(0), Decimal("2.45"), True)


def _with_freight() -> InvoiceDesk:
    """An order of a licence, and of nothing that is received, with freight."""
    desk = an_invoice_desk()
    desk.records[PurchaseOrder].clear()
    licence = a_line_to_draft(name="Licence", kind=Kind.SOFTWARE, unit_price=Decimal("0.50"))
    desk.hear(a_draft(licence, freight=Decimal("2.45")))
    order = the_order(desk)
    desk.hear(SubmitOrder(order_id=order.id))
    return desk
