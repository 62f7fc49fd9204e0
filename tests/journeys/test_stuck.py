"""What people see to: a command that was refused, and a delivery that does not come."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from libs.contracts.catalog import DefineVendor
from libs.contracts.requests import FulfilmentOverdue, FulfilmentStuck, RetryFulfilment
from tests.conftest import unique_name
from tests.journeys.system import ADMINISTRATOR, APPROVER, REQUESTER, Seen, System, a_receipt, serials
from tests.journeys.ways import Way, a_wish, an_item, hearing


async def test_a_refused_order_waits_for_the_administrator_who_puts_it_right(
    system: System, way: Way
) -> None:
    name = unique_name()
    vendor = DefineVendor(number=f"V-{name}", name=name, currency="EUR")
    await way.done(vendor, APPROVER)
    sku = await an_item(way, name, "1000.00", vendor=vendor.number)
    request_id = await way.submit(a_wish((sku, 1), ("MON-ARM", 1)))
    retry = RetryFulfilment(request_id=UUID(request_id), reason="They deliver again.")
    early = await way.give(retry, ADMINISTRATOR)

    await way.done(vendor.model_copy(update={"active": False}), APPROVER)
    async with hearing(system, FulfilmentStuck.type) as facts:
        assert (await way.decide(request_id, "approve")).done
        (said,) = await system.eventually(lambda: about(facts, request_id))
    seen = await stuck(system)
    refused = [await way.give(retry, person) for person in (REQUESTER, APPROVER)]
    useless = await way.give(retry, ADMINISTRATOR)
    again = await system.eventually(
        lambda: system.api.get("requests", f"/requests/{request_id}/process"),
        lambda process: process["stage"] == "stuck" and process["refusals"] == 2,
    )
    await way.done(vendor, APPROVER)
    retried = await way.give(retry, ADMINISTRATOR)
    request, orders = await system.ordered(request_id)
    late = await way.give(retry, ADMINISTRATOR)

    assert early.code == "request_unknown"
    assert (said["command_type"], said["code"]) == ("purchasing.create_order.v1", "vendor_unknown")
    assert [each["problem"] for each in seen if each["request_id"] == request_id] == [said["message"]]
    assert [ended.code for ended in refused] == ["not_entitled"] * 2
    assert (useless.done, retried.done) == (True, True)
    assert useless.result == {"request_id": request_id, "number": request["number"], "commands": 1}
    assert again["problem"] == said["message"]
    assert (request["stage"], request["problem"], request["refusals"], len(orders)) == (
        "delivering",
        None,
        2,
        2,
    )
    assert late.refusal == ("fulfilment_not_stuck", "request_id")
    assert request_id not in {each["request_id"] for each in await stuck(system)}


async def test_what_is_stuck_can_be_cancelled(system: System, way: Way) -> None:
    name = unique_name()
    vendor = DefineVendor(number=f"V-{name}", name=name, currency="EUR")
    await way.done(vendor, APPROVER)
    sku = await an_item(way, name, "1000.00", vendor=vendor.number)
    request_id = await way.submit(a_wish((sku, 1)))
    await way.done(vendor.model_copy(update={"active": False}), APPROVER)
    assert (await way.decide(request_id, "approve")).done
    await system.eventually(lambda: system.show(request_id), lambda seen: seen["stage"] == "stuck")

    cancelled = await way.cancel(request_id)
    request = await system.reaches(request_id, "cancelled")

    assert cancelled.done
    assert (request["stage"], request["problem"]) == ("cancelled", None)
    assert await system.api.all("purchasing", "/orders", request_id=request_id) == []


async def test_a_delivery_that_does_not_come_is_told_once_and_counted(system: System, way: Way) -> None:
    today = datetime.now(UTC).date().isoformat()
    request_id = await way.submit(a_wish(("KEY-SEC", 2), needed_by=today))
    _, (order,) = await system.ordered(request_id)
    await way.done(a_receipt(order, (order["lines"][0], serials(1))), APPROVER)
    await system.reaches(request_id, "partially_received")

    async with hearing(system, FulfilmentOverdue.type) as facts, system.later("requests", timedelta(days=1)):
        (said,) = await system.eventually(lambda: about(facts, request_id))
    late = await system.show(request_id)
    process = await system.api.get("requests", f"/requests/{request_id}/process")
    await way.done(a_receipt(order, (order["lines"][0], serials(1))), APPROVER)
    request = await system.reaches(request_id, "fulfilled")

    assert said["missing"] == "delivery"
    assert (late["status"], late["overdue"]) == ("partially_received", 1)
    assert (process["timers"], process["next_deadline"]) == ([], None)
    assert [step["message_type"] for step in request["steps"]].count("requests.delivery_overdue.v1") == 1


async def about(facts: list[Seen], request_id: str) -> list[Seen]:
    return [fact for fact in facts if fact["request_id"] == request_id]


async def stuck(system: System) -> list[Seen]:
    """What the administrator sees to."""
    return await system.api.all("requests", "/processes", stage="stuck")
