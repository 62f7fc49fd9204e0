"""What may happen on the way: approvals, refusals, cancellations, goods that were faster, and things said twice."""

import asyncio
from uuid import UUID, uuid4

import pytest

from deploy.demo.erp import checked
from libs.contracts.purchasing import CancelOrder
from libs.contracts.requests import request_id_of
from libs.contracts.values import derived_id
from services.purchasing.catalog import vendor_id_of
from services.purchasing.purchase_order import order_id_of
from services.requests.purchase_request import line_id_of
from tests.journeys.system import (
    APPROVER,
    DOCK,
    REQUESTER,
    System,
    a_delivery,
    a_receipt,
    a_request,
    serials,
)

NOW_AND_TWICE = ("accepted", "duplicate")


async def test_at_a_thousand_a_person_must_approve_and_below_nobody(system: System) -> None:
    below = await system.submit(("SCAN-HAND", 1), ("MON-24", 2), ("SSD-EXT-2T", 1))
    above = await system.submit(("LAP-13-STD", 1), ("KEYB-STD", 1), ("MOUSE-STD", 1), ("MOUSE-VERT", 2))
    await system.ordered(below)
    waiting, waits_for = await system.show(above), await system.waits_for(above)

    own = await system.decide(above, "approve", person=REQUESTER)
    decided = await system.decide(above, "approve")
    again = await system.decide(above, "approve")
    approved, _ = await system.ordered(above)

    assert (waiting["status"], waits_for) == ("awaiting_approval", ["role:procurement_manager"])
    assert waiting["total"]["amount"] == "1053.70"
    assert (own.status_code, own.json()["code"]) == (409, "own_request")
    assert decided.status_code == 201
    assert (again.status_code, again.json()["code"]) == (409, "request_not_awaiting_approval")
    (approval,) = approved["approvals"]
    assert (approval["verdict"], approval["decided_by"]) == ("approve", APPROVER)
    assert UUID(approval["message_id"])


async def test_from_twenty_five_thousand_two_people_must_approve(system: System) -> None:
    request_id = await system.submit(("LAP-16-CAD", 8))

    first = await system.decide(request_id, "approve", role="procurement_manager")
    between = await system.waits_for(request_id)
    second = await system.decide(request_id, "approve", role="asset_manager", person="person-assets")
    approved, _ = await system.ordered(request_id)

    assert (first.json()["status"], second.json()["status"]) == ("awaiting_approval", "approved")
    assert between == ["role:asset_manager"]
    assert [approval["decided_by"] for approval in approved["approvals"]] == [APPROVER, "person-assets"]


async def test_one_no_ends_a_request_and_nothing_is_bought(system: System) -> None:
    request_id = await system.submit(("LAP-14-PRO", 1))
    before = await system.picture()

    silent = await system.decide(request_id, "reject")
    no = await system.decide(request_id, "reject", reason="There are three on the shelf.")
    late = await system.decide(request_id, "approve")

    assert (silent.status_code, silent.json()["code"]) == (422, "reason_missing")
    assert no.status_code == 201
    assert (late.status_code, late.json()["code"]) == (409, "request_not_awaiting_approval")
    rejected = await system.show(request_id)
    assert rejected["status"] == "rejected"
    assert rejected["approvals"][0]["reason"] == "There are three on the shelf."
    # Another one all the way to its order, so that what the rejected one led to would have been seen.
    await system.submit_ordered()
    after = await system.picture()
    assert after["purchasing"]["orders"]["submitted"] == before["purchasing"]["orders"]["submitted"] + 1
    assert await system.api.all("purchasing", "/orders", request_id=request_id) == []


async def test_cancelled_before_anything_came_nothing_will_come(system: System) -> None:
    request_id = await system.submit(("TAB-11", 1), ("MON-24", 1))
    _, orders = await system.ordered(request_id)

    answer = checked(await system.erp.ask(a_cancellation(request_id), str(uuid4())))
    cancelled = await system.reaches(request_id, "cancelled")

    assert len(answer["orders"]) == len(orders) == 2
    assert [line["cancelled"] for line in cancelled["lines"]] == [1, 1]
    await system.eventually(
        lambda: system.assets_of(request_id),
        lambda assets: [asset["status"] for asset in assets] == ["cancelled"] * 2,
    )
    await system.eventually(lambda: open_at_the_dock(system, request_id), lambda units: units == 0)


async def test_cancelled_half_way_what_came_is_handed_over_and_the_rest_is_not_awaited(
    system: System,
) -> None:
    request_id = await system.submit(("PHONE-STD", 2))
    _, (order,) = await system.ordered(request_id)
    (line,) = order["lines"]
    (serial,) = serials(1)
    await system.take(a_receipt(order, (line, [serial])))
    await system.reaches(request_id, "partially_received")

    cancelled = await system.post(
        "purchasing",
        f"/requests/{request_id}/orders/cancellation",
        {"reason": "One is enough."},
        person=APPROVER,
    )
    fulfilled = await system.reaches(request_id, "fulfilled")

    assert cancelled.status_code == 200
    (seen,) = fulfilled["lines"]
    assert (seen["received"], seen["assigned"], seen["cancelled"]) == (1, 1, 1)
    await system.eventually(
        lambda: system.assets_of(request_id),
        lambda assets: [asset["status"] for asset in assets] == ["assigned", "cancelled"],
    )
    assert await open_at_the_dock(system, request_id) == 0


async def test_goods_taken_before_the_dock_heard_of_the_cancellation_stay(system: System) -> None:
    request_id = await system.submit(("HEADSET-STD", 2))
    _, (order,) = await system.ordered(request_id)
    (line,) = order["lines"]
    async with system.frozen("purchasing"):
        routed = await system.publish(a_cancellation(request_id))
        taken = await system.post(
            "receiving", "/receipts", a_delivery(order, (line, serials(1))), person=DOCK
        )
    fulfilled = await system.reaches(request_id, "fulfilled")

    assert (routed, taken.status_code) == ("routed", 201)
    assert [(seen["received"], seen["cancelled"]) for seen in fulfilled["lines"]] == [(1, 1)]
    bought = await system.eventually(
        lambda: system.api.get("purchasing", f"/orders/{order['order_id']}"),
        lambda seen: seen["status"] == "received",
    )
    (figures,) = bought["lines"]
    assert (figures["kept"], figures["cancelled"], figures["open"], figures["over"]) == (1, 1, 0, 0)
    await system.eventually(lambda: open_at_the_dock(system, request_id), lambda units: units == 0)


async def test_a_receipt_that_comes_before_its_order_waits_for_it(system: System) -> None:
    reference = f"REF-{uuid4()}"
    request_id = request_id_of("erp", reference)
    order_id = order_id_of(request_id, vendor_id_of("V-005"))
    line_id = derived_id("order_line", order_id, line_id_of(request_id, 1))
    early = a_receipt({"order_id": str(order_id)}, ({"order_line_id": str(line_id)}, serials(1)))

    asking = asyncio.create_task(system.erp.ask(early, str(uuid4())))
    await system.eventually(lambda: system.waiting_for("receiving", str(order_id)))
    answered_early = asking.done()
    submitted = await system.submit(("KEY-SEC", 1), external_reference=reference)
    fulfilled = await system.reaches(submitted, "fulfilled")
    taken = await asking

    assert not answered_early
    assert UUID(submitted) == request_id
    assert checked(taken)["order_id"] == str(order_id)
    assert fulfilled["units"][0]["serial"] == early.lines[0].units[0].serial


@pytest.mark.parametrize("new_id", [False, True], ids=["as the same message", "as another message"])
async def test_a_request_said_twice_is_one_request(system: System, new_id: bool) -> None:
    command, first_id = a_request(), str(uuid4())

    first = await system.erp.ask(command, first_id)
    second = await system.erp.ask(command, str(uuid4()) if new_id else first_id)

    assert (first["outcome"], second["outcome"]) == NOW_AND_TWICE
    assert second["original"] == "accepted"
    assert second["result"] == first["result"]
    requests = await system.api.all("requests", "/requests")
    assert [request["external_reference"] for request in requests].count(command.external_reference) == 1


async def test_a_receipt_said_twice_is_one_receipt(system: System) -> None:
    request, (order,) = await system.submit_ordered(("WEBCAM-HD", 2))
    receipt, message_id = a_receipt(order, (order["lines"][0], serials(1))), str(uuid4())

    first = await system.erp.ask(receipt, message_id)
    second = await system.erp.ask(receipt, message_id)

    assert (first["outcome"], second["outcome"]) == NOW_AND_TWICE
    assert second["result"] == first["result"]
    taken = await system.api.all("receiving", "/receipts", order_id=order["order_id"])
    assert [receipt["accepted"] for receipt in taken] == [1]
    await system.reaches(request["request_id"], "partially_received")


async def test_the_same_key_over_http_gives_the_same_response_and_other_content_is_refused(
    system: System,
) -> None:
    key, wanted = str(uuid4()), a_request().model_dump(mode="json")
    before = (await system.picture())["requests"]["requests"]

    first = await system.post("requests", "/requests", wanted, key=key)
    again = await system.post("requests", "/requests", wanted, key=key)
    other = await system.post("requests", "/requests", wanted | {"justification": "Another"}, key=key)
    somebody = await system.post(
        "requests", "/requests", wanted | {"requester": "person-19"}, key=key, person="person-19"
    )

    assert (first.status_code, first.content) == (again.status_code, again.content) == (201, first.content)
    assert again.headers["Quartermaster-Message-Id"] == first.headers["Quartermaster-Message-Id"]
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert somebody.status_code == 201
    after = (await system.picture())["requests"]["requests"]
    assert sum(after.values()) - sum(before.values()) == 2


def a_cancellation(request_id: str) -> CancelOrder:
    return CancelOrder(request_id=UUID(request_id), reason="Not needed any more.")


async def open_at_the_dock(system: System, request_id: str) -> int:
    """Units of the request that the dock still expects."""
    orders = await system.api.all("receiving", "/expected-orders", request_id=request_id)
    return sum(int(order["open"]) for order in orders)
