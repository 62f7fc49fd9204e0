"""Orders with invoices, by HTTP and by queue: what is billed is compared with what was ordered and received."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from libs.contracts.invoices import (
    AcceptInvoice,
    DisputeInvoice,
    InvoicedOrder,
    InvoiceLine,
    RecordInvoice,
    ResolveInvoice,
)
from tests.journeys.system import APPROVER, Seen, System, a_receipt, serials
from tests.journeys.ways import Way

SKU = "PSU-65W"


def an_invoice(order: Seen, quantity: int, price: str, **changes: Any) -> RecordInvoice:
    """So many power supplies at this price, without tax."""
    net = Decimal(price) * quantity
    line = InvoiceLine(sku=SKU, quantity=quantity, unit_price=Decimal(price))
    values: dict[str, Any] = {
        "vendor_number": "V-001",
        "number": f"R-{uuid4()}",
        "invoiced_on": date(2026, 3, 31),
        "currency": "EUR",
        "net": net,
        "gross": net,
        "orders": (InvoicedOrder(requisition_number=order["requisition_number"]),),
        "lines": (line,),
    }
    return RecordInvoice(**values | changes)


async def an_order(system: System, quantity: int) -> tuple[Seen, str]:
    """An order of power supplies as the dock expects it, and their price."""
    _, (order,) = await system.submit_ordered((SKU, quantity))
    seen = await system.api.get("purchasing", f"/orders/{order['order_id']}")
    return order, seen["lines"][0]["unit_price"]


async def of_order(system: System, order: Seen) -> Seen:
    found: Seen = await system.api.get("purchasing", f"/orders/{order['order_id']}/invoices")
    return found


def statuses(seen: Seen) -> tuple[str, list[str]]:
    return seen["status"], [each["status"] for each in seen["invoices"]]


async def test_an_invoice_waits_for_its_goods_and_then_closes_its_order(system: System, way: Way) -> None:
    order, price = await an_order(system, 3)
    (line,) = order["lines"]

    await way.done(an_invoice(order, 2, price), APPROVER)
    early = await of_order(system, order)
    await system.take(a_receipt(order, (line, serials(2))))
    partly = await system.eventually(
        lambda: of_order(system, order), lambda seen: seen["invoices"][0]["status"] == "matched"
    )
    await system.take(a_receipt(order, (line, serials(1))))
    await system.eventually(
        lambda: of_order(system, order), lambda seen: statuses(seen) == ("received", ["recorded"])
    )
    await way.done(an_invoice(order, 1, price), APPROVER)
    late = await of_order(system, order)

    assert statuses(early) == ("submitted", ["recorded"])
    assert (statuses(partly), partly["differs"]) == (("partially_received", ["matched"]), False)
    assert Decimal(partly["difference_net"]["amount"]) == -Decimal(price)
    assert (late["status"], late["differs"], late["difference_net"]["amount"]) == ("closed", False, "0.00")
    await system.eventually(
        lambda: of_order(system, order), lambda seen: statuses(seen) == ("closed", ["matched", "matched"])
    )


async def test_what_is_too_dear_is_disputed_corrected_and_paid(system: System, way: Way) -> None:
    order, price = await an_order(system, 2)
    (line,) = order["lines"]
    await system.take(a_receipt(order, (line, serials(2))))
    dear = an_invoice(order, 2, str(Decimal(price) + 1))

    named = await way.done(dear, APPROVER)
    again = await way.done(dear.model_copy(), APPROVER)
    other = await way.give(dear.model_copy(update={"due_on": date(2026, 4, 30)}), APPROVER)
    invoice_id = UUID(named["invoice_id"])
    disputed = await way.done(DisputeInvoice(invoice_id=invoice_id, reason="too dear"), APPROVER)
    credit = {"kind": "credit_note", "corrects": dear.number, "net": Decimal(2), "gross": Decimal(2)}
    await way.done(an_invoice(order, 2, price, **credit, lines=()), APPROVER)
    resolved = await way.done(ResolveInvoice(invoice_id=invoice_id, resolution="credited"), APPROVER)

    assert (again, other.code) == (named, "invoice_number_reused")
    assert (disputed["status"], resolved["status"]) == ("disputed", "matched")
    seen = await of_order(system, order)
    assert (statuses(seen), seen["differs"]) == (("closed", ["matched", "matched"]), False)


async def test_what_differs_is_accepted_by_a_person_with_a_reason(system: System, way: Way) -> None:
    order, price = await an_order(system, 1)
    (line,) = order["lines"]
    await system.take(a_receipt(order, (line, serials(1))))
    await system.eventually(lambda: of_order(system, order), lambda seen: seen["status"] == "received")

    named = await way.done(an_invoice(order, 1, str(Decimal(price) + 1)), APPROVER)
    invoice_id = UUID(named["invoice_id"])
    accepted = await way.done(AcceptInvoice(invoice_id=invoice_id, reason="a new list"), APPROVER)

    shown = await system.api.get("purchasing", f"/invoices/{invoice_id}")
    assert (accepted["status"], shown["status"]) == ("accepted", "accepted")
    assert [(each["decided_by"], each["reason"]) for each in shown["decisions"]] == [(APPROVER, "a new list")]
    assert {each["difference"] for each in shown["differences"]} == {"line_price", "total"}
    assert (await of_order(system, order))["status"] == "closed"
