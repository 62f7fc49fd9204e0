"""Orders that people and systems make, put together, change and end; what becomes of their requests and units."""

import json
from uuid import UUID

from libs.contracts.approvals import DecideApproval
from libs.contracts.catalog import DefineCatalogItem
from libs.contracts.orders import (
    CancelOneOrder,
    CloseOrder,
    CombineOrders,
    MovedLine,
    SplitOrder,
    SubmitOrder,
)
from tests.conftest import unique_name
from tests.journeys.buying import a_draft, a_thing, amounts, at_the_dock, order_reaches, placed, policy
from tests.journeys.system import APPROVER, DOCK, Seen, System, a_receipt, as_person, serials
from tests.journeys.ways import Way, a_wish, an_item, complete, custom, order_in


async def test_a_request_to_three_vendors_becomes_three_orders(system: System, way: Way) -> None:
    request_id = await way.submit(a_wish(("MON-ARM", 1), ("KEYB-STD", 1), ("PSU-65W", 1)))

    _, orders = await system.ordered(request_id)
    for order in orders:
        await way.done(a_receipt(order, (order["lines"][0], serials(1))), DOCK)
    await system.reaches(request_id, "fulfilled")

    assert len({order["vendor_name"] for order in orders}) == 3


async def test_software_alone_is_fulfilled_without_any_receipt(system: System, way: Way) -> None:
    sku = await an_item(way, unique_name(), "20.00", kind="software")
    request_id = await way.submit(a_wish({"sku": sku, "quantity": 2}))

    await system.reaches(request_id, "fulfilled")
    (order,) = await system.api.all("purchasing", "/orders", request_id=request_id)

    assert order["status"] == "received"
    assert await system.api.all("receiving", "/receipts", request_id=request_id) == []


async def test_a_bundle_is_ordered_and_received_component_by_component(system: System, way: Way) -> None:
    sku = f"SET-{unique_name()}".upper()
    components = [{"sku": "MON-ARM", "quantity": 2}, {"sku": "PSU-65W", "quantity": 1}]
    bundle = {"sku": sku, "name": "Desk set", "kind": "hardware", "components": components}
    await way.done(DefineCatalogItem.model_validate_json(json.dumps(bundle)), APPROVER)
    await system.eventually(
        lambda: system.api.all("requests", "/catalog-entries"),
        lambda entries: sku in {entry["sku"] for entry in entries},
    )

    request_id = await way.submit(a_wish((sku, 2)))
    await system.reaches(request_id, "ordered")
    found = await system.api.all("purchasing", "/orders", request_id=request_id)
    orders = [await at_the_dock(system, order["order_id"]) for order in found]
    for order in orders:
        lines = [(line, serials(line["open"])) for line in order["lines"]]
        await way.done(a_receipt(order, *lines), DOCK)
    await system.reaches(request_id, "fulfilled")

    ordered = {line["sku"]: line["ordered"] for order in orders for line in order["lines"]}
    assert ordered == {"MON-ARM": 4, "PSU-65W": 2}


async def test_two_requests_share_an_order_and_each_unit_goes_to_who_wanted_it(
    system: System, way: Way
) -> None:
    requests = [await way.submit(a_wish(custom("Lamp", "hardware", "40", 2))) for _ in range(2)]
    drafts = [await order_in(system, request_id, "draft") for request_id in requests]
    for draft in drafts:
        assert (await complete(way, draft, vendor="V-003", price="38.50")).done

    combined = await way.done(
        CombineOrders(order_ids=tuple(UUID(each["order_id"]) for each in drafts)), APPROVER
    )
    await way.done(SubmitOrder(order_id=UUID(combined["order_id"])), APPROVER)
    order = await at_the_dock(system, combined["order_id"])
    await way.done(a_receipt(order, *((line, serials(2)) for line in order["lines"])), DOCK)
    for request_id in requests:
        await system.reaches(request_id, "fulfilled")

    shown = await order_reaches(system, combined["order_id"], "received")
    assert [line["request_id"] for line in shown["lines"]] == requests
    assert shown["request_id"] is None
    for request_id in requests:
        assets = await system.assets_of(request_id)
        assert {(asset["status"], asset["order_id"]) for asset in assets} == {("assigned", shown["order_id"])}
    gone = await system.api.get("purchasing", f"/orders/{drafts[1]['order_id']}")
    assert gone["status"] == "cancelled"


async def test_a_request_over_several_orders_is_fulfilled_by_all_of_them(system: System, way: Way) -> None:
    request_id = await way.submit(a_wish(custom("Chair", "hardware", "90", 3)))
    draft = await order_in(system, request_id, "draft")
    moved = MovedLine(order_line_id=UUID(draft["lines"][0]["order_line_id"]), quantity=1)

    split = await way.done(SplitOrder(order_id=UUID(draft["order_id"]), lines=(moved,)), APPROVER)
    for each, vendor in ((draft["order_id"], "V-003"), (split["split_off"]["order_id"], "V-004")):
        part = await system.api.get("purchasing", f"/orders/{each}")
        assert (await complete(way, part, vendor=vendor, price="85.00")).done
        await way.done(SubmitOrder(order_id=UUID(each)), APPROVER)
        order = await at_the_dock(system, each)
        await way.done(a_receipt(order, (order["lines"][0], serials(order["lines"][0]["open"]))), DOCK)
    request = await system.reaches(request_id, "fulfilled")

    assert [(line["ordered"], line["assigned"]) for line in request["lines"]] == [(3, 3)]
    assert len(await system.assets_of(request_id)) == 3


async def test_a_line_then_an_order_is_cancelled_and_their_templates_go(system: System, way: Way) -> None:
    draft = a_draft(
        a_thing("Shelf", "50", 2), a_thing("Ladder", "70.335", 3, tax_percent="19"), freight="9.90"
    )
    order = await placed(way, draft)
    order_id = UUID(order["order_id"])
    shelf = (await order_reaches(system, order["order_id"], "submitted"))["lines"][0]

    await way.done(
        CancelOneOrder(order_id=order_id, reason="One is enough.", lines=(UUID(shelf["order_line_id"]),)),
        APPROVER,
    )
    less = await order_reaches(system, order["order_id"], "submitted")
    await way.done(CancelOneOrder(order_id=order_id, reason="None at all."), APPROVER)
    gone = await order_reaches(system, order["order_id"], "cancelled")

    # 3 × 70.335 is 211.005, half up; 19 % of that 40.0919.
    assert [str(each) for each in amounts(less, "total", "expected_cost")] == ["311.01", "261.00"]
    assert [(line["cancelled"], line["open"]) for line in less["lines"]] == [(2, 0), (0, 3)]
    assert amounts(gone, "expected_cost") == [0]
    await system.eventually(
        lambda: statuses(system, order["order_id"]), lambda seen: seen == ["cancelled"] * 5
    )


async def test_an_order_closed_short_expects_nothing_more(system: System, way: Way) -> None:
    order = await placed(way, a_draft(a_thing("Cable tray", "12", 4)))
    await way.done(a_receipt(order, (order["lines"][0], serials(1))), DOCK)
    await order_reaches(system, order["order_id"], "partially_received")

    closing = CloseOrder(order_id=UUID(order["order_id"]), reason="The vendor has no more.")
    closed = await way.done(closing, APPROVER)
    await system.eventually(
        lambda: statuses(system, order["order_id"]), lambda seen: seen.count("cancelled") == 3
    )
    dock = await system.eventually(
        lambda: system.expected_order(order["order_id"]), lambda seen: seen["lines"][0]["open"] == 0
    )

    assert closed["status"] == "closed"
    assert (dock["lines"][0]["accepted"], dock["lines"][0]["cancelled"]) == (1, 3)


async def test_a_large_order_waits_for_an_approval_of_its_own(system: System, way: Way) -> None:
    async with policy(way, approve_orders_from="5000"):
        small = await placed(way, a_draft(a_thing("Rack", "900", 1)))
        drafted = await way.done(a_draft(a_thing("Rack", "900", 6)), "person-assets")
        waiting = await way.done(SubmitOrder(order_id=UUID(drafted["order_id"])), "person-assets")
        approved = await approve(way, drafted["order_id"])
        order = await at_the_dock(system, drafted["order_id"])

    assert small["lines"][0]["open"] == 1
    assert waiting["status"] == "awaiting_approval"
    assert approved
    assert order["lines"][0]["open"] == 6


async def approve(way: Way, order_id: str) -> bool:
    """Somebody says yes to an order as such."""

    async def waits() -> list[Seen]:
        async with way.system.client("requests") as client:
            answer = await client.get("/approvals?limit=500", headers=as_person(APPROVER))
        return [each for each in answer.json()["items"] if each.get("order_id") == order_id]

    (asked,) = await way.system.eventually(waits)
    ended = await way.give(
        DecideApproval(
            request_id=UUID(asked["request_id"] or order_id),
            verdict="approve",
            decided_by=APPROVER,
            round=asked["round"],
        ),
        APPROVER,
    )
    return ended.done


async def statuses(system: System, order_id: str) -> list[str]:
    """The statuses of the units of an order."""
    return sorted(each["status"] for each in await system.api.all("assets", "/assets", order_id=order_id))
