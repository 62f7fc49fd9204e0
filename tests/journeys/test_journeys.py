"""The whole way from a request to an asset in somebody's hands, through all four services."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

from deploy.demo.erp import checked
from deploy.demo.laws import LAWS, in_detail, look
from libs.contracts.values import asset_id_of
from tests.journeys.system import (
    APPROVER,
    DOCK,
    REQUESTER,
    Seen,
    System,
    a_delivery,
    a_receipt,
    a_request,
    is_at_rest,
    serials,
)

TRAIL = {
    "purchasing.create_order.v1": 1,
    "purchasing.command_answered.v1": 1,
    "purchasing.order_submitted.v1": 2,
    "assets.template_assets_created.v1": 2,
    "receiving.goods_received.v1": 3,
    "assets.assets_received.v1": 3,
    "assets.command_answered.v1": 3,
    "assets.assets_assigned.v1": 3,
    "purchasing.order_received.v1": 2,
}


async def test_a_request_by_queue_becomes_assets_in_the_requesters_hands(system: System) -> None:
    began = datetime.now(UTC)
    submitted = checked(await system.erp.ask(a_request(("PSU-65W", 3), ("MON-24", 1)), str(uuid4())))
    request_id = submitted["request_id"]

    request, expected = await system.ordered(request_id)

    assert request["number"] == submitted["number"]
    assert request["source"] == "erp"
    assert request["total"] == {"amount": "358.70", "currency": "EUR"}
    assert request["approvals"] == []
    by_vendor = {order["vendor_name"]: order for order in expected}
    power, screens = by_vendor["Vendor 01 Computers"], by_vendor["Vendor 02 Displays"]
    assert [(line["sku"], line["ordered"]) for order in (power, screens) for line in order["lines"]] == [
        ("PSU-65W", 3),
        ("MON-24", 1),
    ]
    orders = await system.api.all("purchasing", "/orders", request_id=request_id)
    assert {(order["requisition_number"], order["status"]) for order in orders} == {
        (order["requisition_number"], "submitted") for order in expected
    }
    templates = await system.assets_of(request_id)
    units = [unit for order in expected for line in order["lines"] for unit in line["open_units"]]
    assert {asset["status"] for asset in templates} == {"on_order"}
    assert {(asset["asset_id"], asset["tag"]) for asset in templates} == {
        (unit["asset_id"], unit["tag"]) for unit in units
    }
    (power_line,), (screen_line,) = power["lines"], screens["lines"]
    first, second, third = serials(3)
    (screen,) = serials(1)

    await system.take(a_receipt(power, (power_line, [first])))
    partly = await system.eventually(
        lambda: system.show(request_id), lambda seen: len(seen["units"]) == 1 and is_assigned(seen)
    )
    await system.take(a_receipt(power, (power_line, [second, third])))
    await system.take(a_receipt(screens, (screen_line, [screen])))
    fulfilled = await system.eventually(lambda: system.show(request_id), ended(TRAIL))

    assert partly["status"] == "partially_received"
    assert fulfilled["status"] == "fulfilled"
    assets = await system.assets_of(request_id)
    assert {asset["asset_id"]: asset["serial"] for asset in assets} == {
        str(asset_id_of(UUID(line["order_line_id"]), number)): serial
        for line, received in ((power_line, [first, second, third]), (screen_line, [screen]))
        for number, serial in enumerate(received, 1)
    }
    assert {(asset["status"], asset["custodian"]) for asset in assets} == {("assigned", REQUESTER)}
    assert {asset["asset_id"]: asset["tag"] for asset in assets} == {
        asset["asset_id"]: asset["tag"] for asset in templates
    }
    for asset in assets:
        await was_in_stock_and_went_to(system, asset, REQUESTER)
    check_trail(fulfilled, since=began)
    received = await system.api.all("purchasing", "/orders", request_id=request_id)
    assert {order["status"] for order in received} == {"received"}


async def test_a_request_over_http_becomes_assets_in_the_hands_of_whom_it_was_for(system: System) -> None:
    wanted = {
        "on_behalf_of": "person-18",
        "deliver_to": "SITE-NORTH",
        "currency": "EUR",
        "lines": [{"sku": "DOCK-USBC", "quantity": 2}],
    }
    response = await system.post("requests", "/requests", wanted, person=APPROVER)
    request_id = response.json()["request_id"]
    _, (order,) = await system.ordered(request_id)
    (line,) = order["lines"]

    taken = [
        await system.post("receiving", "/receipts", a_delivery(order, (line, [serial])), person=DOCK)
        for serial in serials(2)
    ]
    fulfilled = await system.reaches(request_id, "fulfilled")

    assert (response.status_code, [each.status_code for each in taken]) == (201, [201, 201])
    assert (fulfilled["requester"], fulfilled["source"]) == (APPROVER, APPROVER)
    assets = await system.assets_of(request_id)
    assert [(asset["status"], asset["custodian"]) for asset in assets] == [("assigned", "person-18")] * 2
    receipts = await system.api.all("receiving", "/receipts", request_id=request_id)
    assert [each["receipt_number"] for each in receipts] == [each.json()["receipt_number"] for each in taken]
    assert {each["received_by"] for each in receipts} == {DOCK}


async def test_more_units_than_a_message_carries_are_told_in_parts_and_none_is_lost(system: System) -> None:
    wanted, parts = 1_200, (500, 500, 200)
    request_id = await system.submit(("KEY-SEC", wanted))
    await system.decide(request_id, "approve", role="procurement_manager")
    await system.decide(request_id, "approve", role="asset_manager", person="person-assets")
    await system.reaches(request_id, "ordered")
    await system.eventually(system.picture, is_at_rest)
    (order,) = await system.api.all("receiving", "/expected-orders", request_id=request_id)
    (line,) = order["lines"]

    for part in parts:
        await system.take(a_receipt(order, (line, serials(part))))
    fulfilled = await system.reaches(request_id, "fulfilled")
    await system.eventually(system.picture, is_at_rest)

    units = await system.api.all("requests", f"/requests/{request_id}/units")
    assert line["open"] == len({unit["serial"] for unit in units}) == wanted
    told = Counter(step["message_type"] for step in fulfilled["steps"])
    assert told["assets.template_assets_created.v1"] == 3
    assert told["receiving.goods_received.v1"] == 5
    await the_laws_hold(system, [request_id])


async def test_services_killed_on_the_way_lose_nothing_and_do_nothing_twice(system: System) -> None:
    commands = [a_request(("PSU-65W", 2), ("MON-24", 1)) for _ in range(12)]
    asking = [asyncio.create_task(system.erp.ask(command, str(uuid4()))) for command in commands]
    await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
    await system.kill("requests", "purchasing")
    request_ids = [str((await answer)["result"]["request_id"]) for answer in asking]

    orders = [order for each in request_ids for order in (await system.ordered(each))[1]]
    receipts = [
        a_receipt(order, *((line, serials(line["ordered"])) for line in order["lines"])) for order in orders
    ]
    taking = [asyncio.create_task(system.erp.ask(receipt, str(uuid4()))) for receipt in receipts]
    await asyncio.wait(taking, return_when=asyncio.FIRST_COMPLETED)
    await system.kill("receiving", "assets")
    taken = [await answer for answer in taking]
    for each in request_ids:
        await system.reaches(each, "fulfilled")
    await system.eventually(system.picture, is_at_rest)

    assert {answer["outcome"] for answer in taken} <= {"accepted", "duplicate"}
    assert len(set(request_ids)) == len(commands)
    made = await system.api.all("requests", "/requests")
    references = Counter(request["external_reference"] for request in made)
    assert [references[command.external_reference] for command in commands] == [1] * len(commands)
    await the_laws_hold(system, request_ids)


async def the_laws_hold(system: System, request_ids: Sequence[str]) -> None:
    """Seen from outside, nothing about these requests contradicts anything else."""
    evidence = await in_detail(system.api, await look(system.api, request_ids))
    assert [violation for law in LAWS for violation in law(evidence)] == []


def is_assigned(request: Seen) -> bool:
    """Every unit that arrived is in the person's hands."""
    return all(unit["status"] == "assigned" for unit in request["units"])


def ended(trail: Mapping[str, int]) -> Callable[[Seen], bool]:
    """Whether a request has gone through exactly these steps, in whichever order they were told."""
    return lambda request: Counter(step["message_type"] for step in request["steps"]) == trail


async def was_in_stock_and_went_to(system: System, asset: Seen, person: str) -> None:
    """The ledger knows how the asset came and went; the handover knows to whom."""
    trail = await system.api.get("assets", f"/assets/{asset['asset_id']}")
    movements = [(moved["movement"], moved["location"], moved["change"]) for moved in trail["transactions"]]
    assert movements == [("received", "SITE-NORTH", 1), ("assigned", "SITE-NORTH", -1)]
    assert [given["person"] for given in trail["handovers"]] == [person]


def check_trail(request: Seen, *, since: datetime) -> None:
    """Every step has its number, its time, the message that told, and a sentence with the numbers people use."""
    steps = request["steps"]
    assert [step["number"] for step in steps] == list(range(1, len(steps) + 1))
    times = [datetime.fromisoformat(step["at"]) for step in steps]
    assert since < times[0]
    assert max(times) < datetime.now(UTC)
    assert all(UUID(step["message_id"]) for step in steps)
    assert request["message_id"] == steps[0]["message_id"]
    sentences = " ".join(step["summary"] for step in steps)
    for prefix in (request["number"], "PR-", "QM-", "RCV-"):
        assert prefix in sentences
