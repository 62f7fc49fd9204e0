"""The three levels of procurement detail: orders only; invoices as well; shipments as well. And who may accept what."""

from uuid import UUID

from libs.contracts.invoices import AcceptInvoice
from libs.contracts.shipments import (
    RegisterShipment,
    ShippedLine,
)
from tests.conftest import unique_name
from tests.journeys.buying import (
    a_draft,
    a_thing,
    amounts,
    an_invoice,
    billed,
    order_is,
    order_reaches,
    placed,
    policy,
)
from tests.journeys.system import APPROVER, ASSET_MANAGER, DOCK, Seen, System, a_receipt, serials
from tests.journeys.ways import Way


async def test_where_only_orders_are_used_an_order_is_closed_once_it_is_received(
    system: System, way: Way
) -> None:
    async with policy(way, uses_invoices=False):
        order = await placed(way, a_draft(a_thing("Desk", "210.50", 2)))
        await way.done(a_receipt(order, (order["lines"][0], serials(2))), DOCK)

        closed = await order_reaches(system, order["order_id"], "closed")

    assert amounts(closed, "expected_cost", "invoiced_net") == [421, 0]


async def test_where_invoices_are_used_an_order_is_closed_once_all_of_it_is_billed(
    system: System, way: Way
) -> None:
    order = await placed(way, a_draft(a_thing("Desk", "210.50", 2)))
    line = order["lines"][0]
    await way.done(a_receipt(order, (line, serials(2))), DOCK)
    await order_reaches(system, order["order_id"], "received")

    await way.done(an_invoice(order, "210.50", billed(line, 1, "210.50")), APPROVER)
    half = await order_is(system, order["order_id"], lambda seen: seen["invoices"] == 1)
    await way.done(an_invoice(order, "210.50"), APPROVER)
    closed = await order_reaches(system, order["order_id"], "closed")

    assert half["status"] == "received"
    assert amounts(half, "invoiced_net") + amounts(closed, "invoiced_net") == [210.50, 421]
    assert not closed["differs"]


async def test_a_shipment_of_an_invoice_is_received_and_all_three_show_it(system: System, way: Way) -> None:
    order = await placed(way, a_draft(a_thing("Desk", "210.50", 2)))
    line, announced = order["lines"][0], serials(2)
    invoice = an_invoice(order, "421.00", billed(line, 2, "210.50"))
    await way.done(invoice, APPROVER)
    shipment = await way.done(
        RegisterShipment(
            order_id=UUID(order["order_id"]),
            shipment_number=unique_name(),
            invoice_number=invoice.number,
            carrier="Carrier",
            tracking_number=unique_name(),
            lines=(
                ShippedLine(order_line_id=UUID(line["order_line_id"]), quantity=2, serials=tuple(announced)),
            ),
        ),
        APPROVER,
    )

    receipt = a_receipt(order, (line, announced))
    await way.done(receipt.model_copy(update={"shipment_id": UUID(shipment["shipment_id"])}), DOCK)
    closed = await order_reaches(system, order["order_id"], "closed")
    shown = await system.eventually(
        lambda: system.api.get("receiving", f"/shipments/{shipment['shipment_id']}"),
        lambda seen: seen["status"] == "received",
    )

    assert amounts(closed, "invoiced_net") == [421]
    assert shown["invoice_number"] == invoice.number


async def test_what_differs_is_accepted_by_another_than_the_receiver(system: System, way: Way) -> None:
    order = await placed(way, a_draft(a_thing("Desk", "210.50", 2)))
    line = order["lines"][0]
    await way.done(a_receipt(order, (line, serials(2))), APPROVER)
    recorded = await way.done(an_invoice(order, "430.00", billed(line, 2, "215.00")), APPROVER)
    dear = await order_is(system, order["order_id"], lambda seen: bool(seen["differs"]))
    await order_is(system, order["order_id"], lambda seen: APPROVER in seen["receivers"])
    acceptance = AcceptInvoice(invoice_id=UUID(recorded["invoice_id"]), reason="The price rose.")

    refused = await way.give(acceptance, APPROVER)
    accepted = await way.done(acceptance, ASSET_MANAGER)
    shown: Seen = await system.api.get("purchasing", f"/invoices/{recorded['invoice_id']}")

    assert refused.code == "received_by_oneself"
    assert accepted["status"] == "accepted"
    assert amounts(dear, "difference") == [9]
    assert {each["difference"] for each in shown["differences"]} >= {"line_price", "total"}
    assert [each["decided_by"] for each in shown["decisions"]] == [ASSET_MANAGER]
