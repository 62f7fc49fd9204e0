"""One request for things of every kind, from several vendors, for several people, a place, a cost centre and stock."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest_asyncio

from libs.contracts.catalog import DefineVendor
from libs.contracts.orders import ConfirmService, SubmitOrder
from libs.contracts.receiving import LineToReceive, RecordReceipt
from tests.journeys.system import ADMINISTRATOR, APPROVER, Seen, System, a_receipt, is_at_rest, serials
from tests.journeys.ways import Way, a_wish, an_item, complete, custom


@pytest_asyncio.fixture
async def shop(way: Way) -> dict[str, str]:
    """The catalog also has toner, an editor and cleaning, each at a vendor of its own; their SKUs."""
    skus = {}
    for name, kind in (("Toner", "consumable"), ("Editor", "software"), ("Cleaning", "service")):
        number = f"V-{name}-{way.name}"
        await way.done(DefineVendor(number=number, name=f"Vendor of {name}", currency="EUR"), ADMINISTRATOR)
        skus[name] = await an_item(way, name, "12.00", vendor=number, kind=kind)
    return skus


async def test_a_request_for_everything_is_fulfilled_bit_by_bit(
    system: System, way: Way, shop: dict[str, str]
) -> None:
    began = datetime.now(UTC)
    request_id = await way.submit(
        a_wish(
            {"sku": "MON-ARM", "quantity": 3, "destination": {"kind": "person", "name": "person-18"}},
            {"sku": "KEYB-STD", "quantity": 1, "destination": {"kind": "location", "name": "SITE-NORTH"}},
            {"sku": "MOUSE-STD", "quantity": 2, "destination": {"kind": "stock"}},
            {"sku": shop["Toner"], "quantity": 5},
            {"sku": shop["Editor"], "quantity": 2, "destination": {"kind": "person", "name": "person-19"}},
            (shop["Cleaning"], 2),
            custom("Standing desk", "hardware", "200"),
        )
    )

    # Placed: all but what the catalog does not know. The software is there already.
    placed = await system.eventually(lambda: system.show(request_id), line_is(5, assigned=2))
    placed = await system.eventually(lambda: system.show(request_id), ordered_lines(6))
    process = await system.api.get("requests", f"/requests/{placed['number']}/process")
    orders = await orders_by_vendor(system, request_id)
    (draft,) = [order for order in orders.values() if order["status"] == "draft"]

    assert (placed["status"], placed["stage"]) == ("partially_received", "ordering")
    assert {vendor: order["status"] for vendor, order in orders.items()} == {
        "Vendor 02 Displays": "submitted",
        "Vendor 05 Peripherals": "submitted",
        "Vendor of Toner": "submitted",
        "Vendor of Editor": "received",
        "Vendor of Cleaning": "submitted",
        None: "draft",
    }
    assert line(placed, 7)["ordered"] == 0
    assert [timer["message_type"] for timer in process["timers"]] == ["requests.order_not_submitted.v1"]
    assert (
        timedelta(minutes=59) < datetime.fromisoformat(process["next_deadline"]) - began < timedelta(hours=2)
    )

    # The draft is completed, the service confirmed.
    completed = await complete(way, draft, vendor="V-003", price="195.00")
    await way.done(SubmitOrder(order_id=UUID(draft["order_id"])), APPROVER)
    cleaning = orders["Vendor of Cleaning"]
    await way.done(confirmation(cleaning, 1), APPROVER)
    partly = await system.eventually(lambda: system.show(request_id), line_is(6, received=1))
    await way.done(confirmation(cleaning, None), APPROVER)
    too_much = await way.give(confirmation(cleaning, 1), APPROVER)
    everything = await system.eventually(lambda: system.show(request_id), ordered_lines(7))

    assert completed.done
    assert (line(partly, 6)["done"], line(partly, 6)["received"]) == (False, 1)
    assert too_much.code == "confirmation_exceeds_open"
    assert everything["stage"] == "delivering"

    # Consumables come by quantity, hardware unit by unit.
    toner = await at_the_dock(system, orders["Vendor of Toner"])
    for quantity in (2, 3):
        await way.done(quantity_of(toner, quantity), APPROVER)
    desk = await at_the_dock(system, draft)
    peripherals = await at_the_dock(system, orders["Vendor 05 Peripherals"])
    displays = await at_the_dock(system, orders["Vendor 02 Displays"])
    await way.done(a_receipt(desk, (desk["lines"][0], serials(1))), APPROVER)
    await way.done(a_receipt(displays, (displays["lines"][0], serials(1))), APPROVER)
    half = await system.eventually(
        lambda: system.show(request_id),
        lambda seen: line_is(1, received=1, assigned=1)(seen) and line_is(4, assigned=5)(seen),
    )
    process = await system.api.get("requests", f"/requests/{request_id}/process")
    await way.done(
        a_receipt(peripherals, *((each, serials(each["ordered"])) for each in peripherals["lines"])), APPROVER
    )
    await way.done(a_receipt(displays, (displays["lines"][0], serials(2))), APPROVER)
    fulfilled = await system.reaches(request_id, "fulfilled")
    await system.eventually(system.picture, is_at_rest)

    assert (half["status"], half["stage"]) == ("partially_received", "delivering")
    assert [timer["message_type"] for timer in process["timers"]] == ["requests.delivery_overdue.v1"]
    assert timedelta(days=29) < datetime.fromisoformat(process["next_deadline"]) - began < timedelta(days=31)
    assert {each["wanted"]: each["done"] for each in process["lines"] if each["wanted"] in (3, 5)} == {
        3: False,
        5: True,
    }
    await everything_is_where_it_should_be(system, request_id, fulfilled)


async def everything_is_where_it_should_be(system: System, request_id: str, request: Seen) -> None:
    """As the assets service shows it, and as the request counts it."""
    assert [(each["received"], each["assigned"], each["done"]) for each in request["lines"]] == [
        (3, 3, True), (1, 1, True), (2, 0, True), (5, 5, True), (2, 2, True), (2, 0, True), (1, 1, True),
    ]  # fmt: skip
    assert request["stage"] == "completed"
    process = await system.api.get("requests", f"/requests/{request_id}/process")
    assert (process["timers"], process["next_deadline"]) == ([], None)
    assets = await system.assets_of(request_id)
    assert sorted(
        (asset["sku"], asset["status"], asset["custodian"]) for asset in assets if asset["sku"][0] in "KM"
    ) == [
        ("KEYB-STD", "assigned", None),
        *[("MON-ARM", "assigned", "person-18")] * 3,
        *[("MOUSE-STD", "in_stock", None)] * 2,
    ]
    (lot,) = await system.api.all("assets", "/lots", request_id=request_id)
    assert (lot["status"], lot["received"], lot["issued"], lot["in_stock"]) == ("used_up", 5, 5, 0)
    (entitlement,) = await system.api.all("assets", "/entitlements", request_id=request_id)
    whole = await system.api.get("assets", f"/entitlements/{entitlement['entitlement_id']}")
    assert (whole["status"], whole["quantity"], whole["free"]) == ("active", 2, 0)
    assert [each["holder"]["name"] for each in whole["allocations"]] == ["person-19"]
    assert {order["status"] for order in (await orders_by_vendor(system, request_id)).values()} == {
        "received"
    }


async def orders_by_vendor(system: System, request_id: str) -> dict[str | None, Seen]:
    """The orders of a request, each with its lines."""
    orders = await system.api.all("purchasing", "/orders", request_id=request_id)
    shown = [await system.api.get("purchasing", f"/orders/{order['order_id']}") for order in orders]
    return {order["vendor_name"]: order for order in shown}


async def at_the_dock(system: System, order: Seen) -> Seen:
    """An order as the dock expects it, once it does."""

    async def expected() -> list[Seen]:
        return await system.api.all("receiving", "/expected-orders", request_id=order["request_id"])

    await system.eventually(expected, lambda seen: order["order_id"] in {each["order_id"] for each in seen})
    return await system.expected_order(order["order_id"])


def confirmation(order: Seen, quantity: int | None) -> ConfirmService:
    line_id = UUID(order["lines"][0]["order_line_id"])
    return ConfirmService(order_id=UUID(order["order_id"]), order_line_id=line_id, quantity=quantity)


def quantity_of(order: Seen, quantity: int) -> RecordReceipt:
    """So many of an order's only line, put on one shelf."""
    line_id = UUID(order["lines"][0]["order_line_id"])
    line = LineToReceive(
        order_line_id=line_id, quantity=quantity, location="SITE-NORTH", storage_space="SHELF-A1"
    )
    return RecordReceipt(order_id=UUID(order["order_id"]), lines=(line,))


def line(request: Seen, position: int) -> Seen:
    return next(each for each in request["lines"] if each["position"] == position)


def line_is(position: int, **figures: Any) -> Callable[[Seen], bool]:
    """Whether the line has these figures."""
    return lambda request: figures.items() <= line(request, position).items()


def ordered_lines(count: int) -> Callable[[Seen], bool]:
    """Whether so many lines are ordered completely."""
    return lambda request: sum(each["ordered"] == each["quantity"] for each in request["lines"]) == count
