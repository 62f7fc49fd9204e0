"""Orders that change after they were submitted: the dock and assets expect what is ordered now."""

from typing import Any
from uuid import UUID, uuid4

from libs.contracts.orders import AmendOrder, ChangedLine
from libs.contracts.shipments import (
    RegisterShipment,
    ShippedLine,
)
from tests.journeys.system import APPROVER, Seen, System, a_receipt, as_person, is_at_rest, serials
from tests.journeys.ways import Ended, Way, a_wish


async def amend(way: Way, order: Seen, quantity: int, revision: int, **changes: Any) -> Ended:
    """Somebody wants so many of the order's only line."""
    (line,) = order["lines"]
    wanted = ChangedLine(order_line_id=UUID(line["order_line_id"]), quantity=quantity)
    command = AmendOrder(
        order_id=UUID(order["order_id"]), expected_revision=revision, reason="as agreed", lines=(wanted,)
    )
    return await way.give(command.model_copy(update=changes), APPROVER)


async def test_an_order_is_amended_up_and_down_around_a_receipt_and_comes_with_a_shipment(
    system: System, way: Way
) -> None:
    request_id = await way.submit(a_wish(("PSU-65W", 4)))
    _, (order,) = await system.ordered(request_id)
    (line,) = order["lines"]

    # Less, then some arrive, then as many as were approved again: with units that were not there before.
    assert (await amend(way, order, 3, 1)).done
    await system.eventually(
        lambda: system.expected_order(order["order_id"]), lambda seen: seen["lines"][0]["ordered"] == 3
    )
    await system.take(a_receipt(order, (line, serials(1))))
    number = f"PO-{uuid4().hex[:8].upper()}"
    amended = await amend(way, order, 4, 2, new_purchase_order_number=number)
    assert (amended.result["amendment"], amended.result["revision"]) == ("applied", 3)
    now = await system.eventually(
        lambda: system.expected_order(order["order_id"]),
        lambda seen: (
            seen["lines"][0]["ordered"] == 4 and all(unit["tag"] for unit in seen["lines"][0]["open_units"])
        ),
    )

    assert [unit["unit_number"] for unit in now["lines"][0]["open_units"]] == [2, 3, 5]
    revisions = await system.api.get("purchasing", f"/orders/{order['order_id']}/amendments")
    assert [(each["number"], each["status"]) for each in revisions["amendments"]] == [
        (1, "applied"),
        (2, "applied"),
    ]

    # The rest comes with a shipment, named by the number that the order has now.
    announced = await way.done(
        RegisterShipment(
            purchase_order_number=number,
            shipment_number=f"DN-{uuid4().hex[:8]}",
            location="SITE-NORTH",
            lines=(ShippedLine(order_line_id=UUID(line["order_line_id"]), quantity=3),),
        ),
        APPROVER,
    )
    rest = a_receipt(order, (line, serials(3)))
    await system.take(rest.model_copy(update={"shipment_id": UUID(str(announced["shipment_id"]))}))

    shipment = await system.api.get("receiving", f"/shipments/{announced['number']}")
    assert (shipment["status"], shipment["lines"][0]["received"]) == ("received", 3)
    await system.reaches(request_id, "fulfilled")
    await system.eventually(system.picture, is_at_rest)


async def test_what_costs_more_than_was_approved_is_not_ordered_before_it_is_approved(
    system: System, way: Way
) -> None:
    request_id = await way.submit(a_wish(("PSU-65W", 1)))
    _, (order,) = await system.ordered(request_id)

    waiting = await amend(way, order, 30, 1)

    assert (waiting.result["amendment"], waiting.result["revision"]) == ("waiting", 1)
    assert (await amend(way, order, 2, 1)).code == "amendment_waits"


async def test_an_orders_document_is_the_same_until_the_order_is_another(system: System, way: Way) -> None:
    request_id = await way.submit(a_wish(("PSU-65W", 2)))
    _, (order,) = await system.ordered(request_id)
    path = f"/orders/{order['order_id']}/document"

    async with system.client("purchasing") as client:
        first = await client.get(path, headers=as_person(APPROVER))
        again = await client.get(path, headers=as_person(APPROVER))
        headers = as_person(APPROVER) | {"If-None-Match": first.headers["ETag"]}
        unchanged = await client.get(path, headers=headers)
        assert (await amend(way, order, 1, 1)).done
        amended = await client.get(path, headers=headers)

    assert (first.status_code, first.headers["content-type"]) == (200, "application/pdf")
    assert first.content == again.content
    assert unchanged.status_code == 304
    assert (amended.status_code, amended.content != first.content) == (200, True)
