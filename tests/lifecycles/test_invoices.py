"""Invoices are recorded as they were sent, matched, and what they bill stands on their orders."""

from decimal import Decimal
from typing import Any

import pytest

from libs.contracts.catalog import DefineExchangeRate
from libs.contracts.invoices import (
    BilledLine,
    BilledOrder,
    Difference,
    InvoiceDifferenceFound,
    InvoicedOrder,
    InvoiceMatched,
    InvoiceRecorded,
    RecordInvoice,
)
from libs.contracts.values import Money, derived_id
from services.purchasing.__main__ import SERVICE
from services.purchasing.invoice import INVOICES_PER_ORDER_MAX, Invoice, Status, invoice_id_of
from tests.builders_desk import LAPTOP, a_receipt, a_vendor, an_item, create_order
from tests.builders_invoices import (
    TODAY,
    InvoiceDesk,
    a_credit_note,
    a_line,
    an_invoice,
    an_invoice_desk,
    order_lines,
    the_invoice,
    the_order,
)


def euros(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


def test_an_invoice_for_what_was_received_matches_and_its_order_shows_it() -> None:
    desk = an_invoice_desk({LAPTOP: 10})
    (line,) = order_lines(desk)
    desk.hear(a_receipt((line, 10, 0)))
    desk.said.clear()

    ended = desk.hear(an_invoice(a_line(10)))

    invoice, order = the_invoice(desk), the_order(desk)
    named: dict[str, Any] = {"invoice_id": invoice.id, "vendor_number": "V-1", "number": "R-1"}
    assert ended.decision.answer == {**named, "invoice_id": str(invoice.id)}
    assert desk.facts() == [
        InvoiceRecorded(
            **named,
            kind="invoice",
            invoiced_on=TODAY,
            net=euros("1000"),
            gross=euros("1000"),
            orders=(
                BilledOrder(
                    order_id=order.id,
                    requisition_number="PR-000001",
                    net=Decimal(1000),
                    lines=(BilledLine(order_line_id=line.id, quantity=10),),
                ),
            ),
        ),
        InvoiceMatched(**named, gross=euros("1000")),
    ]
    assert (invoice.status, invoice.differs) == (Status.MATCHED, False)
    assert order.invoices == (invoice.id,)
    assert [order.invoiced_net, order.invoiced_gross] == [1000, 1000]
    assert ([each.invoiced for each in order_lines(desk)], order.differs) == ([10], False)


def test_an_invoice_before_its_goods_waits_for_them_and_matches_by_itself() -> None:
    desk = an_invoice_desk({LAPTOP: 10})
    desk.hear(an_invoice(a_line(10)))
    first = desk.facts()

    desk.hear(a_receipt((order_lines(desk)[0], 10, 0)))
    desk.settle()

    assert [type(each) for each in first] == [InvoiceRecorded, InvoiceDifferenceFound]
    assert [type(each) for each in desk.facts()[2:]] == [InvoiceMatched]
    assert the_invoice(desk).status is Status.MATCHED


def test_the_same_invoice_again_is_a_duplicate_and_other_content_is_refused() -> None:
    desk = an_invoice_desk()
    first = desk.hear(an_invoice(a_line(10)))
    before = desk.fork()

    again = desk.hear(an_invoice(a_line(10, "100.00")))
    other = desk.hear(an_invoice(a_line(9)))

    assert (again.verdict, again.decision.answer) == ("duplicate", first.decision.answer)
    assert (other.code, desk.records, desk.said) == ("invoice_number_reused", before.records, before.said)


def test_what_was_sent_is_kept_as_it_was_sent_whatever_happens_to_its_order() -> None:
    desk = an_invoice_desk()
    command = an_invoice(a_line(12, "101"))
    desk.hear(command)

    desk.hear(a_receipt((order_lines(desk)[0], 10, 0)), a_credit_note(a_line(2, "101")))
    desk.settle()

    assert RecordInvoice.model_validate(the_invoice(desk).sent, strict=False) == command


def test_an_order_that_is_not_known_yet_is_waited_for_and_then_refused() -> None:
    desk = an_invoice_desk()
    command = an_invoice(net=10, orders=(InvoicedOrder(requisition_number="PR-000099"),))

    waiting, refused = desk.hear(command), desk.give_up(command)

    assert (waiting.verdict, refused.code) == ("waiting", "invoice_order_unknown")
    assert refused.rejection is not None
    assert refused.rejection.field == "orders[0]"


def test_a_credit_note_waits_for_the_invoice_it_corrects() -> None:
    desk = an_invoice_desk()
    note = a_credit_note(a_line(10))

    waiting, refused = desk.hear(note), desk.give_up(note)
    desk.hear(an_invoice(a_line(10)))

    assert (waiting.verdict, refused.code) == ("waiting", "invoice_corrected_unknown")
    assert len(desk.all(Invoice)) == 2
    assert [the_order(desk).invoiced_net, order_lines(desk)[0].invoiced] == [0, 0]


TWICE = (InvoicedOrder(requisition_number="PR-000001", net=Decimal(1)),) * 2


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"gross": Decimal(1001)}, "invoice_amounts_differ", "gross"),
        ({"net": Decimal("999.99"), "gross": Decimal("999.99")}, "invoice_amounts_differ", "net"),
        ({"net": Decimal("10.001"), "lines": ()}, "invoice_amounts_differ", "net"),
        ({"freight": Decimal(5)}, "invoice_amounts_differ", "net"),
        ({"lines": (a_line(10, order=1),)}, "invoice_amounts_differ", "lines[0].order"),
        ({"orders": TWICE}, "invoice_amounts_differ", "orders"),
        (
            {"orders": TWICE, "net": Decimal(2), "gross": Decimal(2), "lines": ()},
            "invoice_order_repeated",
            "orders[1]",
        ),
        (
            {"orders": (InvoicedOrder(requisition_number="PR-000001", net=Decimal(7)),)},
            "invoice_amounts_differ",
            "orders",
        ),
        ({"vendor_number": "V-2"}, "invoice_vendor_differs", "orders[0]"),
    ],
)
def test_an_invoice_that_contradicts_itself_is_refused(
    changes: dict[str, Any], code: str, field: str
) -> None:
    desk = an_invoice_desk()

    refused = desk.hear(an_invoice(a_line(10)).model_copy(update=changes))

    assert refused.rejection is not None
    assert (refused.code, refused.rejection.field) == (code, field)
    assert desk.all(Invoice) == []


def test_the_number_of_an_invoice_is_its_vendors_own() -> None:
    assert invoice_id_of("V-1", "R-1") != invoice_id_of("V-2", "R-1")


def test_what_differs_is_said_once_until_it_differs_otherwise() -> None:
    desk = an_invoice_desk()
    desk.hear(an_invoice(a_line(10)))
    (line,) = order_lines(desk)

    desk.hear(a_receipt((line, 4, 1), name=1))
    desk.settle()
    desk.hear(a_receipt((order_lines(desk)[0], 0, 1), name=2))
    desk.settle()

    found = [each for each in desk.facts() if isinstance(each, InvoiceDifferenceFound)]
    assert [
        [(each.difference, each.expected, each.invoiced) for each in said.differences] for said in found
    ] == [
        [(Difference.INVOICED_NOT_RECEIVED, "0", "10")],
        [(Difference.INVOICED_NOT_RECEIVED, "4", "10")],
    ]


def test_more_than_an_amount_can_be_is_never_the_sum_of_an_orders_invoices() -> None:
    desk = an_invoice_desk()
    most = "999999999999999"

    first = desk.hear(an_invoice(net=most))
    second = desk.hear(an_invoice(net=most, number="R-2"))

    assert (first.verdict, second.code) == ("accepted", "total_too_large")
    assert the_order(desk).invoiced_net == Decimal(most)


def test_an_order_has_so_many_invoices_and_no_more() -> None:
    desk = an_invoice_desk()
    desk.hear(*(an_invoice(net="0.01", number=f"R-{n}") for n in range(INVOICES_PER_ORDER_MAX)))

    refused = desk.hear(an_invoice(net="0.01", number="one more"))

    assert refused.code == "too_many_invoices"
    assert the_order(desk).invoiced_net == Decimal(INVOICES_PER_ORDER_MAX) / 100


def test_another_currency_is_compared_at_the_rate_of_the_invoices_day() -> None:
    desk = an_invoice_desk()
    received = a_receipt((order_lines(desk)[0], 10, 0))
    rate = DefineExchangeRate(currency="USD", base="EUR", rate=Decimal("0.8"), valid_from=TODAY)
    desk.hear(received, rate)

    desk.hear(an_invoice(a_line(10, "125"), currency="USD"))

    assert [(each["difference"], each["invoiced"]) for each in the_invoice(desk).differences] == [
        ("currency", "USD")
    ]
    assert the_order(desk).invoiced_net == Decimal(1000)


def a_desk_with_a_sku_twice(price: str) -> InvoiceDesk:
    """One order with two lines of the same item, five units each."""
    desk = InvoiceDesk(SERVICE.queues["inbox"])
    desk.hear(a_vendor("V-1"), an_item(LAPTOP, unit_price=Decimal(price)))
    wanted = create_order({LAPTOP: 5})
    (line,) = wanted.lines
    other = line.model_copy(update={"request_line_id": derived_id("another-line", 1)})
    desk.hear(wanted.model_copy(update={"lines": (line, other)}))
    return desk


def test_a_sku_that_several_lines_have_is_billed_of_all_of_them_to_the_cent() -> None:
    desk = a_desk_with_a_sku_twice("0.555")
    desk.hear(a_receipt(*((line, 5, 0) for line in order_lines(desk))))
    whole = a_line(10, "0.555", sku=LAPTOP)

    desk.hear(an_invoice(whole))

    assert [line.invoiced for line in order_lines(desk)] == [5, 5]
    differing = {each["difference"] for each in the_invoice(desk).differences}
    assert differing <= {"total"}

    desk.hear(a_credit_note(a_line(7, "0.555", sku=LAPTOP)))
    assert [line.invoiced for line in order_lines(desk)] == [3, 0]


def test_more_of_a_sku_than_all_its_lines_want_is_too_much() -> None:
    desk = a_desk_with_a_sku_twice("100")

    desk.hear(an_invoice(a_line(11, "100", sku=LAPTOP)))

    assert [line.invoiced for line in order_lines(desk)] == [6, 5]
    found = {each["difference"] for each in the_invoice(desk).differences if not each["within_tolerance"]}
    assert {"over_invoiced", "line_quantity"} <= found
