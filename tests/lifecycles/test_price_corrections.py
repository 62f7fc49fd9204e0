"""A credit note that corrects a price is for the lines that it names, and for each of them once."""

from decimal import Decimal

import pytest

from libs.contracts.invoices import Difference, InvoicedOrder
from libs.contracts.orders import SubmitOrder
from services.purchasing.purchase_order import OrderLine, PurchaseOrder
from tests.builders_buying import a_draft, a_line_to_draft
from tests.builders_desk import CABLE, LAPTOP, a_receipt
from tests.builders_invoices import (
    InvoiceDesk,
    a_credit_note,
    a_line,
    an_invoice,
    an_invoice_desk,
    order_lines,
    the_invoice,
    the_order,
)


def at_two_prices() -> InvoiceDesk:
    """Ten laptops at 100 and ten at 90, which have the same SKU; all are here."""
    desk = an_invoice_desk()
    desk.records[PurchaseOrder].clear()
    dear = a_line_to_draft(LAPTOP, 10)
    cheap = a_line_to_draft(LAPTOP, 10, unit_price=Decimal(90), price_reason="used")
    desk.hear(a_draft(dear, cheap))
    desk.hear(SubmitOrder(order_id=the_order(desk).id))
    desk.hear(a_receipt(*((line, 10, 0) for line in desk_lines(desk))))
    desk.said.clear()
    return desk


def desk_lines(desk: InvoiceDesk) -> list[OrderLine]:
    return [line for line in order_lines(desk) if line.order_id == the_order(desk).id]


def named(order: PurchaseOrder) -> InvoicedOrder:
    return InvoicedOrder(order_id=order.id)


def prices(desk: InvoiceDesk) -> list[tuple[int | None, str, str]]:
    """What differs in price: the line of the invoice, and both prices."""
    return [
        (each["invoice_line"], each["expected"], each["invoiced"])
        for each in the_invoice(desk).differences
        if each["difference"] == Difference.LINE_PRICE
    ]


def two_items() -> InvoiceDesk:
    """Ten laptops at 100 and ten cables at 0.55; all are here, and each was billed for 1 too much."""
    desk = an_invoice_desk({LAPTOP: 10, CABLE: 10})
    desk.hear(a_receipt(*((line, 10, 0) for line in order_lines(desk))))
    desk.hear(an_invoice(a_line(10, "101"), a_line(10, "1.55", position=2)))
    return desk


@pytest.mark.parametrize(
    ("position", "left"), [(1, (1, "0.55", "1.55")), (2, (0, "100.00", "101.00"))], ids=["first", "second"]
)
def test_a_correction_is_for_the_line_that_it_names(position: int, left: tuple[int, str, str]) -> None:
    desk = two_items()

    desk.hear(a_credit_note(a_line(10, "1", position=position)))

    assert prices(desk) == [left]


def test_a_correction_is_taken_once_of_a_line_that_was_billed_at_two_prices() -> None:
    desk = an_invoice_desk()
    desk.hear(a_receipt((order_lines(desk)[0], 10, 0)))
    desk.hear(an_invoice(a_line(5, "100"), a_line(5, "110")))

    desk.hear(a_credit_note(a_line(5, "10")))

    assert prices(desk) == []


def test_of_two_prices_that_were_too_high_only_so_much_is_corrected_as_is_credited() -> None:
    desk = an_invoice_desk()
    desk.hear(a_receipt((order_lines(desk)[0], 10, 0)))
    desk.hear(an_invoice(a_line(5, "104"), a_line(5, "110")))

    desk.hear(a_credit_note(a_line(5, "4")))

    assert prices(desk) == [(1, "100.00", "110.00")]


@pytest.mark.parametrize(
    ("price", "billed"), [("100", [8, 10]), ("90", [10, 8])], ids=["the dear ones", "the cheap ones"]
)
def test_a_sku_that_lines_have_at_two_prices_is_credited_of_those_at_that_price(
    price: str, billed: list[int]
) -> None:
    desk = at_two_prices()
    order = the_order(desk)
    desk.hear(
        an_invoice(
            a_line(10, "100", order_line_id=desk_lines(desk)[0].id),
            a_line(10, "90", order_line_id=desk_lines(desk)[1].id),
            orders=(named(order),),
        )
    )

    desk.hear(a_credit_note(a_line(2, price, sku=LAPTOP), orders=(named(order),)))

    assert [line.invoiced for line in desk_lines(desk)] == billed


def test_numbers_of_invoices_are_told_apart_by_their_case() -> None:
    desk = an_invoice_desk()
    desk.hear(an_invoice(a_line(4), number="r-1"))

    ended = desk.hear(an_invoice(a_line(6), number="R-1"))

    assert (ended.verdict, the_order(desk).invoiced_net) == ("accepted", Decimal(1000))
