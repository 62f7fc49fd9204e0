"""Deliveries that came with an invoice or a shipment: more than that is taken within the order, and told."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from libs.contracts.invoices import BilledLine, BilledOrder, InvoiceRecorded
from libs.contracts.receiving import RecordReceipt, ReverseReceipt
from libs.contracts.shipments import RegisterShipment, ShippedLine
from libs.contracts.values import Money
from services.receiving.invoiced import InvoicedDelivery
from services.receiving.shipment import Shipment
from tests.builders_deliveries import a_dock, cables, figures
from tests.builders_dock import ORDER, SECOND_LINE, Ended, goods_said

INVOICE, ANOTHER_ORDER = UUID(int=21), UUID(int=22)


def an_invoice(quantity: int, *orders: UUID, **changes: Any) -> InvoiceRecorded:
    """So many cables are invoiced."""
    money = Money(amount=Decimal(100), currency="EUR")
    billed = BilledLine(order_line_id=SECOND_LINE, quantity=quantity)
    values: dict[str, Any] = {
        "invoice_id": INVOICE,
        "vendor_number": "V-1",
        "number": "R-1",
        "kind": "invoice",
        "invoiced_on": date(2026, 3, 30),
        "net": money,
        "gross": money,
        "orders": tuple(
            BilledOrder(
                order_id=order,
                requisition_number="PR-000001",
                net=Decimal(100),
                lines=(billed,) if order == ORDER else (),
            )
            for order in orders or (ORDER,)
        ),
    }
    return InvoiceRecorded(**values | changes)


def test_an_invoice_names_the_order_of_what_came_with_it_and_more_than_it_is_told() -> None:
    house = a_dock()
    house.hear(an_invoice(30), RecordReceipt(invoice_id=INVOICE, lines=(cables(20),)))

    ended = house.hear(RecordReceipt(invoice_id=INVOICE, lines=(cables(8), cables(7, space="A-02"))))

    assert (ended.verdict, figures(house, SECOND_LINE)) == ("accepted", (35, 65, 0))
    assert ended.decision.answer["beyond_invoiced"] == 5
    assert [line.beyond_invoiced for line in goods_said(house)[-1].lines] == [0, 5]
    assert [each.received for each in house.all(InvoicedDelivery)] == [(35,)]


def test_what_was_taken_back_did_not_come_with_its_invoice() -> None:
    house = a_dock()
    receipt = house.hear(an_invoice(30), RecordReceipt(invoice_id=INVOICE, lines=(cables(20),)))

    house.hear(
        ReverseReceipt(receipt_number=str(receipt.decision.answer["receipt_number"]), reason="a mistake")
    )

    assert [each.received for each in house.all(InvoicedDelivery)] == [(0,)]


def test_more_than_was_shipped_is_told() -> None:
    house = a_dock()
    shipped = ShippedLine(order_line_id=SECOND_LINE, quantity=10)
    house.hear(RegisterShipment(order_id=ORDER, shipment_number="S-77", lines=(shipped,)))
    (shipment,) = house.all(Shipment)

    ended = house.hear(RecordReceipt(shipment_id=shipment.id, lines=(cables(12),)))

    assert ended.decision.answer["beyond_shipped"] == 2


def test_an_invoice_that_nobody_told_of_is_waited_for_and_then_refused() -> None:
    house = a_dock()
    delivery = RecordReceipt(order_id=ORDER, invoice_id=INVOICE, lines=(cables(1),))

    assert house.hear(delivery) == Ended("waiting")
    assert house.give_up(delivery).code == "invoice_not_known"


def test_an_invoice_of_another_order_is_refused() -> None:
    house = a_dock()
    house.hear(an_invoice(30, ANOTHER_ORDER))

    ended = house.hear(RecordReceipt(order_id=ORDER, invoice_id=INVOICE, lines=(cables(1),)))

    assert ended.code == "invoice_for_other_order"


def test_with_a_credit_note_nothing_comes() -> None:
    house = a_dock()

    house.hear(an_invoice(30, kind="credit_note"))

    assert house.all(InvoicedDelivery) == []
