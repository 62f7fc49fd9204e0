"""Deliveries told in parts, and those that are taken only as a whole."""

from itertools import permutations
from uuid import UUID

import pytest

from libs.contracts.deliveries import DefineReceiptTolerance, DefineReceivingPolicy, ReceivingPolicyChanged
from libs.contracts.receiving import LineToReceive, Part, RecordReceipt
from libs.contracts.values import Kind
from services.receiving import strictness
from services.receiving.receipt import Receipt
from services.receiving.serial import RegisteredSerial
from services.receiving.strictness import TOLERANCES_MAX
from tests.builders_deliveries import a_dock, cables, figures, here, only_full, tolerated
from tests.builders_dock import LINE, ORDER, SECOND_LINE, House, a_delivery, goods_said, units


def a_part(part: int, *lines: LineToReceive, parts: int = 3, delivery: str = "D-1") -> RecordReceipt:
    """One part of a delivery."""
    return RecordReceipt(order_id=ORDER, part_of=Part(delivery=delivery, part=part, parts=parts), lines=lines)


def laptops(*numbers: int) -> LineToReceive:
    """Laptops with these serial numbers."""
    return LineToReceive(order_line_id=LINE, units=units(*(f"S-{number}" for number in numbers)))


def receipts(house: House) -> list[tuple[str, int]]:
    """The number of each receipt, and how many it accepted."""
    return sorted((each.number, each.accepted) for each in house.all(Receipt))


def test_each_part_is_a_receipt_under_the_number_of_its_delivery() -> None:
    house = a_dock()

    house.hear(a_part(2, laptops(1, 2)), a_part(1, cables(10)), a_part(3, laptops(3)))

    assert receipts(house) == [("RCV-000001.1", 10), ("RCV-000001.2", 2), ("RCV-000001.3", 1)]
    assert (here(house), figures(house, SECOND_LINE)) == ([1, 2, 3], (10, 90, 0))


def test_the_same_part_again_is_a_duplicate_with_the_same_answer() -> None:
    house = a_dock()
    first = house.hear(a_part(1, laptops(1, 2)))

    again = house.hear(a_part(1, laptops(1, 2)))

    assert (again.verdict, again.decision.answer) == ("duplicate", first.decision.answer)
    assert here(house) == [1, 2]


@pytest.mark.parametrize("other", [a_part(1, laptops(3)), a_part(2, laptops(3), parts=4)])
def test_a_part_with_other_content_is_refused(other: RecordReceipt) -> None:
    house = a_dock()
    house.hear(a_part(1, laptops(1, 2)))

    assert house.hear(other).code == "part_differs"


def test_a_part_that_was_refused_may_be_told_otherwise() -> None:
    house = a_dock()
    house.hear(a_part(1, laptops(1, 1)))

    ended = house.hear(a_part(1, laptops(1, 2)))

    assert (ended.verdict, here(house)) == ("accepted", [1, 2])


def test_two_deliveries_of_one_order_have_their_own_parts() -> None:
    house = a_dock()

    house.hear(a_part(1, laptops(1)), a_part(1, laptops(2), delivery="D-2"))

    assert receipts(house) == [("RCV-000001.1", 1), ("RCV-000002.1", 1)]


def test_less_than_all_is_not_taken_of_what_is_taken_only_in_full() -> None:
    house = a_dock()
    house.hear(only_full(Kind.CONSUMABLE))

    ended = house.hear(RecordReceipt(order_id=ORDER, lines=(cables(40), cables(50))))

    assert (ended.code, ended.rejection and ended.rejection.field) == ("delivery_not_full", "lines[0]")
    assert house.hear(a_delivery(*units("S-1"))).verdict == "accepted"


def test_all_of_it_in_several_spaces_rejected_units_among_it_is_a_full_delivery() -> None:
    house = a_dock()
    house.hear(only_full(Kind.CONSUMABLE))

    ended = house.hear(
        RecordReceipt(
            order_id=ORDER, lines=(cables(40), cables(58, space="A-02", rejected=2, rejection_reason="torn"))
        )
    )

    assert (ended.verdict, figures(house, SECOND_LINE)) == ("accepted", (98, 2, 0))
    assert house.hear(RecordReceipt(order_id=ORDER, lines=(cables(2),))).verdict == "accepted"


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))))
def test_parts_of_a_full_delivery_take_effect_with_the_last_to_arrive(order: tuple[int, ...]) -> None:
    house = a_dock(laptops=6)
    house.hear(only_full(Kind.HARDWARE, Kind.CONSUMABLE))
    parts = {
        1: a_part(1, laptops(1, 2)),
        2: a_part(2, laptops(3, 4), cables(100)),
        3: a_part(3, laptops(5, 6)),
    }

    waiting = [house.hear(parts[number]) for number in order[:2]]
    assert [each.decision.answer["waits"] for each in waiting] == [True, True]
    assert (here(house), goods_said(house), house.all(RegisteredSerial)) == ([], [], [])
    ended = house.hear(parts[order[2]])

    assert "waits" not in ended.decision.answer
    assert (here(house), figures(house, SECOND_LINE)) == ([1, 2, 3, 4, 5, 6], (100, 0, 0))
    assert receipts(house) == [("RCV-000001.1", 2), ("RCV-000001.2", 102), ("RCV-000001.3", 2)]
    ids = {str(receipt.id) for receipt in house.all(Receipt)}
    assert ids == {str(each.decision.answer["receipt_id"]) for each in (*waiting, ended)}


def test_a_full_delivery_of_which_something_lacks_takes_no_effect() -> None:
    house = a_dock(laptops=6)
    house.hear(only_full(Kind.HARDWARE))
    house.hear(a_part(1, laptops(1, 2)), a_part(2, laptops(3, 4)))

    ended = house.hear(a_part(3, laptops(5)))

    assert (ended.code, here(house), house.all(Receipt)) == ("delivery_not_full", [], [])
    assert house.hear(a_part(3, laptops(5, 6))).verdict == "accepted"
    assert here(house) == [1, 2, 3, 4, 5, 6]


def test_a_part_that_waits_is_a_duplicate_when_it_is_told_again() -> None:
    house = a_dock(laptops=4)
    house.hear(only_full(Kind.HARDWARE))
    first = house.hear(a_part(1, laptops(1, 2), parts=2))

    again = house.hear(a_part(1, laptops(1, 2), parts=2))

    assert (again.verdict, again.decision.answer) == ("duplicate", first.decision.answer)
    house.hear(a_part(2, laptops(3, 4), parts=2))
    assert house.hear(a_part(1, laptops(1, 2), parts=2)).decision.answer == first.decision.answer
    assert here(house) == [1, 2, 3, 4]


def test_a_serial_number_in_two_parts_that_wait_is_refused_with_the_last() -> None:
    house = a_dock(laptops=4)
    house.hear(only_full(Kind.HARDWARE), a_part(1, laptops(1, 2), parts=2))

    ended = house.hear(a_part(2, laptops(2, 3), parts=2))

    assert (ended.code, here(house)) == ("serial_repeated", [])


def test_the_policy_said_again_changes_nothing() -> None:
    house = a_dock()

    first, again = house.hear(only_full(Kind.HARDWARE)), house.hear(only_full(Kind.HARDWARE))
    changed = house.hear(DefineReceivingPolicy(stale_after_days=7))

    changes = [each.decision.answer["change"] for each in (first, again, changed)]
    assert changes == ["created", "unchanged", "changed"]
    said = [each for each in house.said if isinstance(each, ReceivingPolicyChanged)]
    assert [(each.full_delivery_only, each.stale_after_days) for each in said] == [
        ((Kind.HARDWARE,), 14),
        ((), 7),
    ]


def test_a_tolerance_without_a_percentage_is_taken_back() -> None:
    house = a_dock()
    house.hear(tolerated(10), tolerated(5, sku="CABLE-1M"), DefineReceiptTolerance(sku="CABLE-1M"))

    house.hear(RecordReceipt(order_id=ORDER, lines=(cables(120),)))

    assert figures(house, SECOND_LINE) == (110, 0, 10)


def test_there_are_only_so_many_receipt_tolerances() -> None:
    house = House(strictness.HANDLERS)
    house.hear(*(tolerated(1, sku=f"SKU-{number}") for number in range(TOLERANCES_MAX)))

    refused = house.hear(tolerated(1, sku="ONE-MORE"))

    assert refused.code == "too_many_receipt_tolerances"
    assert house.hear(tolerated(2, sku="SKU-7")).decision.answer["change"] == "changed"
    assert UUID(str(house.hear(tolerated(2, sku="SKU-7")).decision.answer["tolerance_id"]))
