"""A delivery that was a mistake, and goods that go back to their vendor, by every way in."""

from uuid import UUID

from libs.contracts.receiving import LineToReturn, ReturnGoods, ReverseReceipt
from tests.journeys.buying import a_draft, a_thing, placed
from tests.journeys.system import APPROVER, DOCK, Seen, System, a_receipt, serials
from tests.journeys.ways import Way


async def figures(system: System, order: Seen) -> tuple[int, int, int, int, int]:
    """Accepted, returned, cancelled and open units of the order's only line, and how many of these are known."""
    (line,) = (await system.api.get("receiving", f"/expected-orders/{order['order_id']}"))["lines"]
    told: tuple[int, int, int, int] = tuple(
        line[name] for name in ("accepted", "returned", "cancelled", "open")
    )
    return *told, len(line["open_units"])


async def test_a_receipt_is_taken_back_and_goods_go_back_for_replacement_and_for_credit(
    system: System, way: Way
) -> None:
    order = await placed(way, a_draft(a_thing("Desk", "210.50", 3)))
    (line,), numbers = order["lines"], serials(3)
    mistaken = await way.done(a_receipt(order, (line, numbers[:2])), DOCK)

    reversal = ReverseReceipt(receipt_number=str(mistaken["receipt_number"]), reason="Another order's.")
    taken_back = await way.done(reversal, APPROVER)
    again = await way.give(reversal, APPROVER)

    assert again.code == "receipt_reversed"
    assert await figures(system, order) == (0, 0, 0, 3, 3)
    seen = await system.api.get("receiving", f"/receipts/{taken_back['receipt_number']}")
    assert (seen["accepted"], seen["reverses"]) == (-2, mistaken["receipt_id"])

    # The second desk comes first: it is known by the serial number that it had.
    right = await way.done(a_receipt(order, (line, numbers[1:])), DOCK)
    taken = await system.api.get("receiving", f"/receipts/{right['receipt_number']}")
    units = {unit["serial"]: unit for unit in taken["lines"][0]["units"]}
    assert units[numbers[1]]["unit_number"] == 2

    def going(serial: str) -> tuple[LineToReturn, ...]:
        desk = UUID(units[serial]["asset_id"])
        return (LineToReturn(order_line_id=UUID(line["order_line_id"]), asset_ids=(desk,)),)

    order_id = UUID(order["order_id"])
    replaced = ReturnGoods(
        order_id=order_id, purpose="replacement", reason="Scratched.", rma="RMA-7", lines=going(numbers[1])
    )
    credited = ReturnGoods(order_id=order_id, purpose="credit", reason="Too big.", lines=going(numbers[2]))
    first = await way.done(replaced, APPROVER)
    assert await figures(system, order) == (2, 1, 0, 2, 2)
    await way.done(credited, APPROVER)
    refused = await way.give(credited, APPROVER)

    assert refused.code == "unit_returned"
    assert await figures(system, order) == (2, 2, 1, 2, 2)
    back = await system.api.get("receiving", f"/returns/{first['return_number']}")
    assert (back["rma"], [unit["serial"] for unit in back["lines"][0]["units"]]) == ("RMA-7", [numbers[1]])
    listed = await system.api.all("receiving", "/returns", order_id=order["order_id"])
    assert [each["purpose"] for each in listed] == ["replacement", "credit"]
