"""Approval covers spending: what would cost more, or go elsewhere, than was approved waits for another yes."""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from libs.contracts.catalog import DefineCatalogItem
from libs.contracts.orders import SubmitOrder
from tests.conftest import unique_name
from tests.journeys.system import APPROVER, BUYER, Seen, System, as_person
from tests.journeys.ways import Way, a_wish, an_item, complete, custom, order_in


async def dearer_in_the_catalog(way: Way) -> str:
    """The price rises while the request waits for its approval."""
    name = unique_name()
    sku = await an_item(way, name, "1000.00")
    request_id = await way.submit(a_wish(("MON-ARM", 1), (sku, 1)))
    item = {"sku": sku, "name": name, "kind": "hardware", "vendor_number": "V-001"}
    dearer = item | {"unit_price": "1200.00", "currency": "EUR"}
    await way.done(DefineCatalogItem.model_validate_json(json.dumps(dearer)), APPROVER)
    assert (await way.decide(request_id, "approve")).done
    return request_id


async def dearer_than_estimated(way: Way) -> str:
    """The vendor asks for more than the requester thought."""
    request_id = await way.submit(a_wish(("MON-ARM", 1), custom("Whiteboard", "hardware", "800")))
    return await completed(way, request_id, vendor="V-003", price="1105.50")


async def from_another_vendor(way: Way) -> str:
    """The vendor that was named cannot deliver."""
    line = custom("Whiteboard", "hardware", "1105.50", vendor="V-003")
    request_id = await way.submit(a_wish(("MON-ARM", 1), line))
    assert (await way.decide(request_id, "approve")).done
    return await completed(way, request_id, vendor="V-004", price="1105.50")


async def completed(way: Way, request_id: str, *, vendor: str, price: str) -> str:
    """A buyer, who is not the one who approves it afterwards, sets vendor and price and submits it."""
    draft = await order_in(way.system, request_id, "draft")
    assert (await complete(way, draft, vendor=vendor, price=price, by=BUYER)).done
    placed = await way.done(SubmitOrder(order_id=UUID(draft["order_id"])), BUYER)
    assert placed["status"] == "awaiting_approval"
    return request_id


WAITING = [
    (dearer_in_the_catalog, "1294.50", "V-001", "1094.50 EUR was approved"),
    (dearer_than_estimated, "1200.00", "V-003", "894.50 EUR was approved"),
    (from_another_vendor, "1200.00", "V-004", "it goes to vendor V-004 instead of V-003"),
]


@pytest.mark.parametrize("verdict", ["approve", "reject"])
@pytest.mark.parametrize(("begin", "total", "vendor", "because"), WAITING)
async def test_the_order_waits_for_another_yes(
    system: System,
    way: Way,
    begin: Callable[[Way], Awaitable[str]],
    total: str,
    vendor: str,
    because: str,
    verdict: str,
) -> None:
    request_id = await begin(way)
    waiting = await system.eventually(lambda: asked(system, request_id), lambda seen: seen is not None)
    order = await order_in(system, request_id, "awaiting_approval")
    before = await system.reaches(request_id, "partially_ordered")
    ended = await way.decide(request_id, verdict, round=waiting["round"], reason="As I see it.")

    assert ended.done
    assert (waiting["total"]["amount"], waiting["vendor"]) == (total, vendor)
    assert (waiting["requisition_number"], waiting["approvers"]) == (
        order["requisition_number"], ["role:procurement_manager"],
    )  # fmt: skip
    assert because in waiting["asked_because"]
    assert before["stage"] == "ordering"
    if verdict == "approve":
        request, _ = await system.ordered(request_id)
        assert request["approved_total"]["amount"] == total
        assert [line["ordered"] for line in request["lines"]] == [1, 1]
    else:
        request = await system.reaches(request_id, "ordered")
        assert [line["cancelled"] for line in request["lines"]] == [0, 1]
        cancelled = await order_in(system, request_id, "cancelled")
        assert (cancelled["order_id"], cancelled["submitted_at"]) == (order["order_id"], None)
        assert any("As I see it." in step["summary"] for step in request["steps"])
    assert await asked(system, request_id) is None


async def test_a_no_to_the_only_order_cancels_the_request(system: System, way: Way) -> None:
    request_id = await way.submit(a_wish(custom("Bench", "hardware", "900")))
    await completed(way, request_id, vendor="V-003", price="1500")
    waiting = await system.eventually(lambda: asked(system, request_id))

    assert (await way.decide(request_id, "reject", round=waiting["round"], reason="Too dear.")).done
    request = await system.reaches(request_id, "cancelled")

    assert "Too dear." in request["reason"]


async def asked(system: System, request_id: str) -> Any:
    """What of the request's spending waits for the approver, in their inbox."""
    async with system.client("requests") as client:
        path = "/approvals?purpose=spending&limit=500"
        answer = await client.get(path, headers=as_person(APPROVER))
    found: list[Seen] = [each for each in answer.json()["items"] if each["request_id"] == request_id]
    return found[0] if found else None
