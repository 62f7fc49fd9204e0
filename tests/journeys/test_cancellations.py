"""A request is cancelled at every point of its way: whatever is open will not come, whatever is here stays."""

from uuid import UUID

from libs.contracts.assets import AllocateEntitlement
from libs.contracts.orders import CancelOneOrder
from libs.contracts.purchasing import CancelOrder
from libs.contracts.requests import CancelRequest, request_id_of
from libs.contracts.values import Destination, DestinationKind
from tests.conftest import unique_name
from tests.journeys.system import (
    APPROVER,
    ASSET_MANAGER,
    ERP,
    REQUESTER,
    Seen,
    System,
    a_receipt,
    a_request,
    is_at_rest,
    serials,
)
from tests.journeys.ways import Way, a_wish, an_item, custom


async def orders_of(system: System, request_id: str) -> list[tuple[str, str]]:
    """Whether each of the request's orders was ever placed, and where it stands."""
    orders = await system.api.all("purchasing", "/orders", request_id=request_id)
    return sorted(("placed" if order["submitted_at"] else "never", order["status"]) for order in orders)


async def test_before_anything_is_placed_its_draft_is_dropped(system: System, way: Way) -> None:
    request_id = await way.submit(a_wish(custom("Chair", "hardware", "80", 2)))
    await system.eventually(lambda: orders_of(system, request_id))
    waiting = await system.show(request_id)

    cancelled = [await way.cancel(request_id) for _ in range(2)]
    request = await system.reaches(request_id, "cancelled")
    again = await way.cancel(request_id)

    assert (waiting["status"], waiting["stage"]) == ("approved", "ordering")
    assert [ended.done for ended in [*cancelled, again]] == [True] * 3
    assert {ended.result["number"] for ended in [*cancelled, again]} == {request["number"]}
    assert (request["stage"], [line["cancelled"] for line in request["lines"]]) == ("cancelled", [2])
    assert await orders_of(system, request_id) == [("never", "cancelled")]
    assert await system.api.all("receiving", "/expected-orders", request_id=request_id) == []
    assert [step["message_type"] for step in request["steps"]].count(CancelRequest.type) == 1


async def test_after_it_was_placed_its_orders_are_cancelled_and_its_templates_removed(
    system: System, way: Way
) -> None:
    request_id = await way.submit(a_wish(("TAB-11", 1), ("MON-24", 2)))
    await system.ordered(request_id)

    stranger = await way.give(CancelRequest(request_id=UUID(request_id), reason="I want it."), REQUESTER)
    cancelled = await way.cancel(request_id, "Out of budget.")
    request = await system.reaches(request_id, "cancelled")

    assert stranger.code == "not_entitled"
    assert cancelled.done
    assert request["reason"] == "Out of budget."
    assert [line["cancelled"] for line in request["lines"]] == [1, 2]
    assert await orders_of(system, request_id) == [("placed", "cancelled")] * 2
    await system.eventually(
        lambda: system.assets_of(request_id),
        lambda assets: [asset["status"] for asset in assets] == ["cancelled"] * 3,
    )
    await system.eventually(system.picture, is_at_rest)


async def test_after_the_first_receipt_what_came_is_handed_over_and_the_rest_cancelled(
    system: System, way: Way
) -> None:
    request_id = await way.submit(a_wish(("HEADSET-ANC", 3)))
    _, (order,) = await system.ordered(request_id)
    await way.done(a_receipt(order, (order["lines"][0], serials(1))), APPROVER)
    await system.reaches(request_id, "partially_received")

    cancelled = await way.cancel(request_id)
    request = await system.reaches(request_id, "fulfilled")
    too_late = await way.cancel(request_id)

    assert cancelled.done
    assert too_late.refusal == ("request_not_cancellable", "request_id")
    assert figures(request) == [(3, 2, 1, 1)]
    await system.eventually(
        lambda: system.assets_of(request_id),
        lambda assets: [asset["status"] for asset in assets] == ["assigned", "cancelled", "cancelled"],
    )
    assert await orders_of(system, request_id) == [("placed", "received")]
    await system.eventually(system.picture, is_at_rest)


async def test_what_has_all_arrived_is_not_cancelled(system: System, way: Way) -> None:
    request_id = await way.submit(a_wish(("WEBCAM-HD", 1)))
    _, (order,) = await system.ordered(request_id)
    async with system.frozen("assets"):
        await way.done(a_receipt(order, (order["lines"][0], serials(1))), APPROVER)
        arrived = await system.reaches(request_id, "received")
        refused = await way.cancel(request_id)
    request = await system.reaches(request_id, "fulfilled")

    assert arrived["stage"] == "handing_over"
    assert refused.refusal == ("request_not_cancellable", "request_id")
    assert "has arrived" in refused.sentence
    assert figures(request) == [(1, 0, 1, 1)]


async def test_a_cancellation_that_purchasing_finds_with_the_order_when_it_comes_back_wins(
    system: System, way: Way
) -> None:
    async with system.away("purchasing"):
        request_id = await way.submit(a_wish(("MON-27-4K", 1)))
        cancelled = await way.cancel(request_id)
        meanwhile = await system.show(request_id)
    request = await system.reaches(request_id, "cancelled")

    assert cancelled.done
    assert (meanwhile["status"], meanwhile["stage"]) == ("approved", "cancelling")
    assert figures(request) == [(1, 1, 0, 0)]
    await system.eventually(system.picture, is_at_rest)
    assert {asset["status"] for asset in await system.assets_of(request_id)} <= {"cancelled"}


async def test_a_cancellation_that_overtakes_the_command_to_order_forbids_it(
    system: System, way: Way
) -> None:
    command = a_request(("MON-27-4K", 1))
    request_id = request_id_of(way.source, command.external_reference or "")
    forbidden = await way.done(CancelOrder(request_id=request_id, reason="Never."), way.canceller)

    submitted = await way.done(command)
    request = await system.reaches(str(request_id), "cancelled")

    assert forbidden["orders"] == []
    assert submitted["request_id"] == str(request_id)
    assert await orders_of(system, str(request_id)) == []
    assert any("order_cancelled" in step["summary"] for step in request["steps"])


async def test_a_cancellation_that_overtakes_its_request_withdraws_it(system: System) -> None:
    way, command = Way(system, "queue"), a_request(("MON-24", 1))

    cancelled = [
        await way.done(
            CancelRequest(external_reference=command.external_reference, reason="Sent by mistake."), ERP
        )
        for _ in range(2)
    ]
    submitted = await way.done(command)

    assert cancelled[0] == cancelled[1] == submitted
    request = await system.show(str(submitted["request_id"]))
    assert (request["status"], request["reason"]) == ("withdrawn", "Sent by mistake.")


async def test_an_order_cancelled_by_purchasing_leaves_the_others(system: System, way: Way) -> None:
    request_id = await way.submit(a_wish(("MOUSE-STD", 1), ("MON-ARM", 2)))
    _, orders = await system.ordered(request_id)
    by_vendor = {order["vendor_name"]: order for order in orders}
    dropped, kept = by_vendor["Vendor 02 Displays"], by_vendor["Vendor 05 Peripherals"]
    cancellation = CancelOneOrder(order_id=UUID(dropped["order_id"]), reason="No longer made.")

    cancelled = [await way.give(cancellation, APPROVER) for _ in range(2)]
    partly = await system.eventually(
        lambda: system.show(request_id), lambda seen: figures(seen) == [(1, 0, 0, 0), (2, 2, 0, 0)]
    )
    await way.done(a_receipt(kept, (kept["lines"][0], serials(1))), APPROVER)
    request = await system.reaches(request_id, "fulfilled")
    refused = await way.give(CancelOneOrder(order_id=UUID(kept["order_id"]), reason="Too late."), APPROVER)

    assert [ended.done for ended in cancelled] == [True, True]
    assert (partly["status"], partly["stage"]) == ("ordered", "delivering")
    assert refused.refusal == ("order_not_open", "order_id")
    assert figures(request) == [(1, 0, 1, 1), (2, 2, 0, 0)]
    assert await orders_of(system, request_id) == [("placed", "cancelled"), ("placed", "received")]


async def test_software_that_somebody_uses_is_not_given_back(system: System, way: Way) -> None:
    sku = await an_item(way, unique_name(), "20.00", kind="software")
    request_id = await way.submit(
        a_wish({"sku": sku, "quantity": 3, "destination": {"kind": "stock"}}, ("MON-ARM", 1))
    )
    await system.ordered(request_id, status="partially_received")
    (entitlement,) = await system.api.all("assets", "/entitlements", request_id=request_id)
    somebody = Destination(kind=DestinationKind.PERSON, name="person-18")
    allocation = AllocateEntitlement(
        entitlement_id=UUID(entitlement["entitlement_id"]), holder=somebody, quantity=2
    )
    await way.done(allocation, ASSET_MANAGER)

    cancelled = await way.cancel(request_id)
    request = await system.eventually(
        lambda: system.show(request_id), lambda seen: figures(seen) == [(3, 1, 3, 0), (1, 1, 0, 0)]
    )
    bought = await system.eventually(
        lambda: system.api.get("purchasing", f"/orders/{entitlement['order_id']}"),
        lambda order: order["status"] == "received" and order["lines"][0]["kept"] == 2,
    )

    assert cancelled.done
    assert request["status"] == "fulfilled"
    (left,) = await system.api.all("assets", "/entitlements", request_id=request_id)
    assert (left["status"], left["quantity"], left["free"]) == ("active", 2, 0)
    lines = await system.api.all("assets", "/order-lines", order_id=entitlement["order_id"])
    assert [(line["kept"], line["cancelled"], line["open"]) for line in lines] == [(2, 1, 0)]
    assert [bought["lines"][0][name] for name in ("kept", "cancelled", "open", "over")] == [2, 1, 0, 0]


async def test_the_only_order_cancelled_by_purchasing_cancels_its_request(system: System, way: Way) -> None:
    request_id = await way.submit(a_wish(("ROUTER-5G", 1)))
    _, (order,) = await system.ordered(request_id)

    await way.done(CancelOneOrder(order_id=UUID(order["order_id"]), reason="No longer made."), APPROVER)
    request = await system.reaches(request_id, "cancelled")

    assert request["reason"] == "No longer made."
    assert figures(request) == [(1, 1, 0, 0)]
    await system.eventually(system.picture, is_at_rest)


def figures(request: Seen) -> list[tuple[int, int, int, int]]:
    """Wanted, cancelled, received and assigned, line by line."""
    names = ("quantity", "cancelled", "received", "assigned")
    return [tuple(line[name] for name in names) for line in request["lines"]]
