"""Journeys of goods at the dock: bit by bit, rejected, taken back, sent back, unwanted; and the dock alone."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from libs.contracts.orders import CancelOneOrder
from libs.contracts.receiving import LineToReceive, RecordReceipt
from libs.contracts.shipments import RegisterShipment, ShippedLine
from tests.conftest import unique_name
from tests.journeys.buying import a_draft, a_thing, an_invoice, billed, order_is, placed
from tests.journeys.dockside import a_part, a_reversal_of, counts, reverse, take, to_return
from tests.journeys.system import APPROVER, System, as_person, serials
from tests.journeys.ways import Way


async def test_an_order_of_fifteen_comes_as_4_6_and_5_from_order_invoice_and_shipment(
    system: System, way: Way
) -> None:
    order = await placed(way, a_draft(a_thing("Desk", "21.50", 15)))
    line, order_id, names = order["lines"][0], UUID(order["order_id"]), serials(15)
    before = [await counts(system, order, open=15)]

    await take(way, a_part(line, names[:4], "SHELF-A1", order_id=order_id))
    before.append(await counts(system, order, kept=4))

    invoice = await way.done(an_invoice(order, "322.50", billed(line, 15, "21.50")), APPROVER)
    await system.eventually(lambda: is_known_at_the_dock(system, invoice["invoice_id"]))
    await take(
        way, a_part(line, names[4:10], "SHELF-A2", order_id=order_id, invoice_id=UUID(invoice["invoice_id"]))
    )
    before.append(await counts(system, order, kept=10))

    shipment = await way.done(
        RegisterShipment(
            order_id=order_id,
            shipment_number=unique_name(),
            dispatched_on=datetime.now(UTC).date() - timedelta(days=1),
            lines=(
                ShippedLine(order_line_id=UUID(line["order_line_id"]), quantity=5, serials=tuple(names[10:])),
            ),
        ),
        APPROVER,
    )
    await take(way, a_part(line, names[10:], "SHELF-B1", shipment_id=UUID(shipment["shipment_id"])))
    before.append(await counts(system, order, kept=15))

    assert [(each.open, each.kept, each.on_order, each.in_stock) for each in before] == [
        (15, 0, 15, 0),
        (11, 4, 11, 4),
        (5, 10, 5, 10),
        (0, 15, 0, 15),
    ]
    there = await system.api.all("assets", "/assets", order_id=order["order_id"])
    assert sorted((asset["serial"], asset["storage_space"]) for asset in there) == sorted(
        zip(names, ["SHELF-A1"] * 4 + ["SHELF-A2"] * 6 + ["SHELF-B1"] * 5, strict=True)
    )


async def is_known_at_the_dock(system: System, invoice_id: str) -> bool:
    """Whether the dock has heard of an invoice."""
    async with system.client("receiving") as client:
        answer = await client.get(f"/invoiced-deliveries/{invoice_id}", headers=as_person(APPROVER))
    return answer.status_code == 200


async def test_a_damaged_unit_is_rejected_and_its_replacement_taken(system: System, way: Way) -> None:
    order = await placed(way, a_draft(a_thing("Desk", "21.50", 2)))
    line, order_id, names = order["lines"][0], UUID(order["order_id"]), serials(2)
    one = a_part(line, names[:1], "SHELF-A1", order_id=order_id).lines[0]
    damaged = one.model_copy(update={"rejected": 1, "rejection_reason": "a corner is broken"})

    await take(way, RecordReceipt(order_id=order_id, lines=(damaged,)))
    rejected = await counts(system, order, kept=1)
    await take(way, a_part(line, names[1:], "SHELF-A1", order_id=order_id))
    replaced = await counts(system, order, kept=2)
    shown = await order_is(system, order["order_id"], lambda seen: seen["lines"][0]["rejected"] == 1)

    assert (rejected.open, replaced.open, shown["status"]) == (1, 0, "received")


async def test_a_receipt_that_was_a_mistake_is_taken_back_and_the_same_units_come_again(
    system: System, way: Way
) -> None:
    order = await placed(way, a_draft(a_thing("Desk", "21.50", 3)))
    line, order_id, names = order["lines"][0], UUID(order["order_id"]), serials(5)
    receipt = await take(way, a_part(line, names[:2], "SHELF-A1", order_id=order_id))
    await counts(system, order, kept=2)
    units = {
        asset["asset_id"] for asset in await system.api.all("assets", "/assets", order_id=order["order_id"])
    }

    await reverse(way, receipt)
    back = await counts(system, order, kept=0)
    refused = await way.give(
        a_reversal_of(receipt["receipt_id"]),
        APPROVER,
    )
    await take(way, a_part(line, [names[0], *names[2:4]], "SHELF-A2", order_id=order_id))
    again = await counts(system, order, kept=3)

    assert (back.open, back.on_order, back.in_stock) == (3, 3, 0)
    assert refused.code == "receipt_reversed"
    assert (again.open, again.in_stock) == (0, 3)
    assets = await system.api.all("assets", "/assets", order_id=order["order_id"])
    assert {asset["asset_id"] for asset in assets} == units
    assert {asset["serial"] for asset in assets} == {names[0], *names[2:4]}


async def test_goods_go_back_for_replacement_and_for_credit(system: System, way: Way) -> None:
    order = await placed(way, a_draft(a_thing("Desk", "21.50", 4)))
    line, order_id, names = order["lines"][0], UUID(order["order_id"]), serials(5)
    await take(way, a_part(line, names[:4], "SHELF-A1", order_id=order_id))
    await counts(system, order, kept=4)
    assets = await system.api.all("assets", "/assets", order_id=order["order_id"])
    by_serial = {asset["serial"]: asset["asset_id"] for asset in assets}

    await way.done(to_return(order, [by_serial[names[0]]], "replacement"), APPROVER)
    waiting = await counts(system, order, kept=3, open=1)
    await take(way, a_part(line, names[4:], "SHELF-A1", order_id=order_id))
    replaced = await counts(system, order, kept=4)
    await way.done(to_return(order, [by_serial[names[1]]], "credit"), APPROVER)
    credited = await counts(system, order, kept=3, open=0)

    assert (waiting.on_order, replaced.in_stock, credited.in_stock) == (1, 4, 3)
    (gone,) = [
        asset
        for asset in await system.api.all("assets", "/assets", order_id=order["order_id"])
        if asset["status"] == "returned_to_vendor"
    ]
    assert gone["asset_id"] == by_serial[names[1]]


async def test_what_comes_for_a_cancelled_order_is_reported_and_not_lost(system: System, way: Way) -> None:
    order = await placed(way, a_draft(a_thing("Desk", "21.50", 2)))
    line, order_id, names = order["lines"][0], UUID(order["order_id"]), serials(2)
    await way.done(CancelOneOrder(order_id=order_id, reason="not needed"), APPROVER)
    await counts(system, order, open=0)

    answer = await take(way, a_part(line, names, "GOODS-IN", order_id=order_id))
    listed = await system.api.all("receiving", "/unexpected-deliveries")

    (mine,) = [each for each in listed if each["order_id"] == order["order_id"]]
    assert (mine["quantity"], mine["status"], mine["why"]) == (2, "recorded", "nothing_open")
    assert [each["unexpected_id"] for each in answer["unexpected"]] == [mine["unexpected_id"]]
    assert (await counts(system, order)).in_stock == 0


async def test_the_dock_works_while_the_others_are_away_and_they_catch_up(system: System) -> None:
    way = Way(system, "http")
    order = await placed(
        way, a_draft(a_thing("Desk", "21.50", 3), a_thing("Wipes", "2.00", 10, kind="consumable"))
    )
    hardware, wipes = sorted(order["lines"], key=lambda each: str(each["kind"]), reverse=True)
    order_id, names = UUID(order["order_id"]), serials(3)
    quantity = LineToReceive(
        order_line_id=UUID(wipes["order_line_id"]), quantity=10, location="SITE-NORTH", storage_space="CAGE"
    )

    async with system.away("requests", "purchasing", "assets"):
        receipt = await take(way, a_part(hardware, names, "SHELF-A1", order_id=order_id))
        await take(way, RecordReceipt(order_id=order_id, lines=(quantity,)))
        await reverse(way, receipt)
        await take(way, a_part(hardware, names[:2], "SHELF-A2", order_id=order_id))
        seen = await system.expected_order(order["order_id"])
        open_units = {each["order_line_id"]: each["open"] for each in seen["lines"]}
        assert open_units == {hardware["order_line_id"]: 1, wipes["order_line_id"]: 0}

    bought = await order_is(
        system,
        order["order_id"],
        lambda seen: sorted((each["kept"], each["open"]) for each in seen["lines"]) == [(2, 1), (10, 0)],
    )
    assets = await system.eventually(
        lambda: system.api.all("assets", "/assets", order_id=order["order_id"], status="in_stock"),
        lambda seen: len(seen) == 2,
    )
    assert bought["status"] == "partially_received"
    assert {asset["storage_space"] for asset in assets} == {"SHELF-A2"}
