"""What assets says of units that came: who has them, and what could not be taken back."""

from itertools import permutations

import pytest

from libs.contracts.assets import ReversalConflictFound
from libs.contracts.message import Message
from libs.contracts.values import asset_id_of, derived_id
from services.receiving.expectation import ExpectedUnit, UnitStatus
from services.receiving.receipt import Receipt, ReceiptLine
from services.receiving.returning import Return
from services.receiving.reversal import reversal_id
from services.receiving.serial import RegisteredSerial
from tests.builders_dock import (
    LINE,
    ORDER,
    SECOND_LINE,
    SITE,
    SPACE,
    a_cancellation,
    a_delivery,
    a_unit,
    goods_said,
)
from tests.builders_reversing import (
    a_conflict,
    a_dock,
    a_return,
    acknowledged,
    cables_received,
    figures,
    freed,
    issued,
    numbers,
    receipt_of,
    received,
    reverse,
)


def test_a_unit_that_could_not_be_taken_back_is_recorded_again() -> None:
    house = a_dock()
    first = received(house, "S-1", "S-2")
    reversal = receipt_of(house, reverse(house, first))

    ended = house.hear(a_conflict(reversal.id, 1))

    (fact,) = ended.decision.publish
    assert goods_said(house)[-1] == fact
    assert goods_said(house)[-1].again
    ((unit,),) = (line.units for line in goods_said(house)[-1].lines)
    assert (unit.asset_id, unit.serial, unit.location, unit.storage_space) == (
        asset_id_of(LINE, 1),
        "S-1",
        SITE,
        SPACE,
    )
    assert figures(house) == (1, 0, 2, 0)
    assert sum(line.accepted for line in house.all(ReceiptLine)) == 1
    (again,) = house.all(Receipt, reverses=None, accepted=1)
    assert (again.reason, again.order_line_ids) == ("acknowledged", (LINE,))
    assert reverse(house, again).code == "unit_acknowledged"


def test_a_unit_that_came_again_with_its_serial_number_is_not_recorded_twice() -> None:
    house = a_dock()
    reversal = receipt_of(house, reverse(house, received(house, "S-1")))
    second = received(house, "S-1")

    ended = house.hear(a_conflict(reversal.id, 1))

    assert not ended.decision.publish
    assert figures(house) == (1, 0, 2, 0)
    assert reverse(house, second).code == "unit_acknowledged"


def test_another_thing_taken_for_it_meanwhile_is_a_unit_of_its_own_beside_it() -> None:
    house = a_dock(2)
    reversal = receipt_of(house, reverse(house, received(house, "S-1")))
    second = received(house, "S-9")
    x = asset_id_of(LINE, 1)

    house.hear(a_conflict(reversal.id, 1))

    beside = derived_id("beside", x, second.id)
    here = {unit.id: unit for unit in house.all(ExpectedUnit, status=UnitStatus.RECEIVED)}
    assert (here[x].serial, here[beside].serial, here[beside].receipt_id) == ("S-1", "S-9", second.id)
    assert here[beside].unit_number == -(2**31 + beside.int % 2**31)
    assert figures(house) == (2, 0, 0, 0)
    claims = {claim.serial: claim.assets for claim in house.all(RegisteredSerial)}
    assert claims == {"S-1": (x,), "S-9": (beside,)}
    assert receipt_of(house, reverse(house, second)).accepted == -1
    assert figures(house) == (1, 0, 1, 0)


def test_another_thing_taken_back_meanwhile_gives_up_its_serial_number_under_its_own_id() -> None:
    house = a_dock(2)
    first = receipt_of(house, reverse(house, received(house, "S-1")))
    second = received(house, "S-9")
    back = receipt_of(house, reverse(house, second))
    x = asset_id_of(LINE, 1)
    beside = derived_id("beside", x, second.id)

    house.hear(a_conflict(first.id, 1))
    gone = freed(back.id, 1)
    units = tuple(unit.model_copy(update={"asset_id": beside}) for unit in gone.units)
    house.hear(gone.model_copy(update={"units": units}))

    assert figures(house) == (1, 0, 1, 0)
    claims = {claim.serial: claim.assets for claim in house.all(RegisteredSerial)}
    assert claims == {"S-1": (x,), "S-9": ()}


def test_what_was_sent_back_for_credit_and_is_here_all_the_same_is_wanted_again() -> None:
    house = a_dock()
    received(house, "S-1", "S-2", "S-3")
    house.hear(a_return(1, purpose="credit"))
    (back,) = house.all(Return)

    house.hear(a_conflict(back.id, 1, purpose="credit"))

    assert figures(house) == (3, 0, 0, 0)


def test_a_unit_to_come_gives_way_to_one_that_is_here_all_the_same() -> None:
    house = a_dock()
    reversal = receipt_of(house, reverse(house, received(house, "S-1", "S-2", "S-3")))
    house.hear(a_cancellation(2))
    assert numbers(house, UnitStatus.OPEN) == [1]

    house.hear(a_conflict(reversal.id, 3))

    assert figures(house) == (1, 2, 0, 0)
    assert numbers(house, UnitStatus.CANCELLED) == [1, 2]


def test_a_quantity_that_could_not_be_taken_back_counts_again() -> None:
    house = a_dock()
    reversal = receipt_of(house, reverse(house, cables_received(house, 5)))
    conflict = ReversalConflictFound(
        order_line_id=SECOND_LINE,
        order_id=ORDER,
        take_back_id=reversal.id,
        purpose="reversal",
        quantity=2,
        reason="issued",
    )

    house.hear(issued(2), conflict)

    (line,) = goods_said(house)[-1].lines
    assert (line.accepted, line.location, line.storage_space, line.units) == (2, SITE, SPACE, ())
    assert figures(house, SECOND_LINE) == (2, 0, 8, 0)
    (again,) = house.all(Receipt, accepted=2)
    assert reverse(house, again).code == "unit_issued"


def test_a_conflict_of_many_units_is_said_in_facts_that_fit() -> None:
    house = a_dock(400)
    reversal = receipt_of(house, reverse(house, received(house, *(f"S-{n}" for n in range(400)))))

    ended = house.hear(a_conflict(reversal.id, *range(1, 401)))

    counts = [line.accepted for fact in goods_said(house) if fact.again for line in fact.lines]
    assert counts == [250, 150]
    assert len(ended.decision.publish) == 2
    assert figures(house) == (400, 0, 0, 0)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_custody_and_deliveries_end_the_same_in_every_order(order: tuple[int, ...]) -> None:
    house = a_dock(2)
    first = received(house, "S-1", "S-2")
    reversed_by = reversal_id(first.id)
    reverse(house, first)
    facts: list[Message] = [
        acknowledged(1),
        a_conflict(reversed_by, 1),
        freed(reversed_by, 2),
        a_delivery(a_unit("S-2")),
    ]

    for index in order:
        house.hear(facts[index])

    assert figures(house) == (2, 0, 0, 0)
    claims = {claim.serial: claim.assets for claim in house.all(RegisteredSerial)}
    assert claims == {"S-1": (asset_id_of(LINE, 1),), "S-2": (asset_id_of(LINE, 2),)}


def test_what_assets_says_of_things_that_never_came_here_is_nothing_to_the_dock() -> None:
    house = a_dock()
    nowhere = derived_id("no-line", 1)
    conflict = a_conflict(nowhere, 1).model_copy(update={"order_line_id": nowhere})

    for fact in (
        acknowledged(9),
        issued(1).model_copy(update={"order_line_id": nowhere}),
        freed(nowhere, 9),
        conflict,
    ):
        assert house.hear(fact).verdict == "accepted"

    assert figures(house) == (0, 0, 3, 0)
