"""Sums of invoices are exact to the cent, however they are split, credited and spread over orders."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.invoices import InvoicedOrder, RecordInvoice
from libs.contracts.values import derived_id
from services.purchasing.bill import Bill, LineWanted, OrderWanted, spread
from services.purchasing.invoice import Invoice
from services.purchasing.matching import match
from services.purchasing.purchase_order import PurchaseOrder
from tests.builders_desk import LAPTOP, create_order
from tests.builders_invoices import an_invoice, an_invoice_desk

CENT = Decimal("0.01")
amounts = st.integers(0, 10_000_000).map(lambda cents: cents * CENT)
ORDER = OrderWanted(
    id=derived_id("order", 1),
    vendor_number="V-1",
    currency="EUR",
    lines=(LineWanted(id=derived_id("line", 1), sku="A", ordered=10, unit_price=Decimal("33.333")),),
)


@given(
    st.integers(0, 10**9), st.lists(amounts, min_size=1, max_size=50), st.sampled_from(["EUR", "JPY", "KWD"])
)
def test_an_amount_is_spread_without_a_rest(units: int, weights: list[Decimal], currency: str) -> None:
    smallest = {"EUR": CENT, "JPY": Decimal(1), "KWD": Decimal("0.001")}[currency]

    parts = spread(units * smallest, weights, currency)

    assert sum(parts) == units * smallest
    assert all(part >= 0 and part % smallest == 0 for part in parts)


@given(st.lists(st.tuples(amounts, amounts, st.booleans()), max_size=20))
def test_what_an_order_is_invoiced_is_what_its_bills_come_to(
    bills: list[tuple[Decimal, Decimal, bool]],
) -> None:
    found = match(
        ORDER,
        [
            Bill(invoice=derived_id("invoice", number), credit=credit, currency="EUR", net=net, tax=tax)
            for number, (net, tax, credit) in enumerate(bills)
        ],
    )

    assert found.net == sum((-net if credit else net for net, _, credit in bills), Decimal(0))
    assert found.gross == sum((-net - tax if credit else net + tax for net, tax, credit in bills), Decimal(0))


@given(
    st.lists(amounts, min_size=2, max_size=5),
    amounts,
)
def test_an_invoice_for_several_orders_comes_to_what_they_show(shares: list[Decimal], tax: Decimal) -> None:
    desk = an_invoice_desk()
    for number in range(2, len(shares) + 1):
        desk.hear(create_order({LAPTOP: 1}, request_id=derived_id("test-request", number)))
    net = sum(shares, Decimal(0))
    orders = sorted(desk.all(PurchaseOrder), key=lambda order: order.requisition_number)

    command = an_invoice(
        net=net,
        tax=tax,
        orders=tuple(
            InvoicedOrder(order_id=order.id, net=share) for order, share in zip(orders, shares, strict=True)
        ),
    )
    ended = desk.hear(command)

    assert ended.verdict == "accepted"
    now = {order.id: order for order in desk.all(PurchaseOrder)}
    assert [now[order.id].invoiced_net for order in orders] == shares
    assert sum(order.invoiced_gross for order in now.values()) == net + tax
    (invoice,) = desk.all(Invoice)
    assert RecordInvoice.model_validate(invoice.sent, strict=False) == command
