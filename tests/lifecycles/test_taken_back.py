"""What the dock takes back: which units are to come again, what stays because somebody has it, and in which order."""

from itertools import permutations

import pytest

from libs.chassis.decision import Actor
from libs.contracts.assets import (
    AcknowledgeHandover,
    AssetsAssigned,
    AssetsReceived,
    AssetsTakenBack,
    AssignAssets,
    HandoverAcknowledged,
    ReversalConflictFound,
    UnitTakenBack,
)
from libs.contracts.message import Message
from libs.contracts.values import asset_id_of
from services.assets import arrival, asset, handover, on_the_way, taking_back
from services.assets.arrival import beside
from services.assets.asset import Asset, Status
from services.assets.handover import Handover
from services.assets.ordered_line import OrderedLine
from services.assets.stock import InventoryTransaction, Movement
from tests.builders_dock import (
    LINE,
    SPACE,
    House,
    a_cancellation,
    an_order,
    an_ordered_line,
    assignment,
    content,
    one,
    statuses,
    unit,
)
from tests.builders_taking_back import (
    a_receipt,
    on_its_way,
    receipt_id,
    return_id,
    reversal_id,
    sent_back,
    taken_back,
)

FIRST = asset_id_of(LINE, 1)


def a_house(ordered: int = 3) -> House:
    house = House(
        asset.HANDLERS, arrival.HANDLERS, taking_back.HANDLERS, on_the_way.HANDLERS, handover.HANDLERS
    )
    house.hear(an_order(an_ordered_line(ordered)))
    return house


def figures(house: House) -> tuple[int, int, int]:
    """Kept, cancelled and open units of the line."""
    (line,) = house.all(OrderedLine)
    return line.kept, line.cancelled, line.open


def said(house: House, of: type[Message]) -> list[Message]:
    return [message for message in house.said if type(message) is of]


def acknowledged(house: House, person: str = "person-1") -> str:
    (given,) = house.all(Handover)
    command = AcknowledgeHandover(handover_id=given.id)
    ended = house.hear(command, actor=Actor(person))
    return ended.code or ended.verdict


def test_a_reversed_unit_is_the_same_template_again() -> None:
    house = a_house()
    template = one(house, 1)
    house.hear(a_receipt(1, unit(1, tag="LABEL-1"), unit(2)))

    house.hear(taken_back(1, receipt=receipt_id(1)))

    assert content([one(house, 1)]) == content([template])
    assert figures(house) == (1, 0, 2)
    (moved,) = house.all(InventoryTransaction, take_back_id=reversal_id(1))
    assert (moved.movement, moved.change, moved.storage_space) == (Movement.REVERSED, -1, SPACE)
    (told,) = said(house, AssetsTakenBack)
    assert isinstance(told, AssetsTakenBack)
    assert (told.purpose, told.units) == ("reversal", (UnitTakenBack(asset_id=FIRST),))


def test_a_label_comes_again_with_its_unit() -> None:
    house = a_house()
    house.hear(a_receipt(1, unit(1, tag="LABEL-1")), taken_back(1))

    house.hear(a_receipt(2, unit(1, tag="LABEL-1", after=reversal_id(1))))

    assert one(house, 1).tag == "LABEL-1"


def test_an_assignment_that_nobody_acknowledged_is_undone_in_the_same_step() -> None:
    house = a_house()
    house.hear(a_receipt(1, unit(1)), assignment(1))
    (given,) = house.all(Handover)

    house.hear(sent_back(1))

    assert (one(house, 1).status, one(house, 1).custodian) == (Status.ON_ORDER, None)
    (told,) = said(house, AssetsTakenBack)
    assert isinstance(told, AssetsTakenBack)
    assert told.take_back_id == return_id(1)
    assert told.units == (UnitTakenBack(asset_id=FIRST, handover_id=given.id),)
    assert acknowledged(house) == "handover_undone"


def test_what_was_acknowledged_stays_with_its_person_and_the_dock_is_told() -> None:
    house = a_house()
    house.hear(a_receipt(1, unit(1), unit(2)), assignment(1))
    assert acknowledged(house) == "accepted"
    before = one(house, 1)

    house.hear(taken_back(1, 2))

    assert content([one(house, 1)]) == content([before])
    assert (one(house, 2).status, figures(house)) == (Status.ON_ORDER, (1, 0, 2))
    (found,) = said(house, ReversalConflictFound)
    assert isinstance(found, ReversalConflictFound)
    assert (found.asset_ids, found.take_back_id, found.purpose) == ((FIRST,), reversal_id(1), "reversal")


def test_only_the_person_to_whom_it_went_acknowledges_a_handover_and_once() -> None:
    house = a_house()
    house.hear(a_receipt(1, unit(1)), assignment(1))

    ended = [acknowledged(house, person) for person in ("person-2", "person-1", "person-1")]

    assert ended == ["handover_not_mine", "accepted", "duplicate"]
    assert len(said(house, HandoverAcknowledged)) == 1


def test_what_is_here_as_before_only_gets_another_receipt() -> None:
    house = a_house()
    house.hear(a_receipt(1, unit(1)), assignment(1))
    acknowledged(house)
    house.hear(taken_back(1))

    house.hear(a_receipt(2, unit(1), again=True))

    assert (one(house, 1).receipt_id, figures(house)) == (receipt_id(2), (1, 0, 2))
    assert len(said(house, AssetsReceived)) == 1


def test_another_thing_that_came_for_a_unit_that_could_not_be_taken_back_is_an_asset_of_its_own() -> None:
    house = a_house()
    house.hear(a_receipt(1, unit(1)), assignment(1))
    acknowledged(house)
    house.hear(taken_back(1))
    id, number = beside(FIRST, receipt_id(2))

    house.hear(a_receipt(2, unit(1, serial="S-9", after=reversal_id(1))))
    other = house.records[Asset][id]
    house.hear(taken_back(1, receipt=receipt_id(2), waits=True, name=2))

    assert (other.status, other.serial, other.unit_number) == (Status.IN_STOCK, "S-9", number)
    assert (house.records[Asset][id].status, figures(house)) == (Status.CANCELLED, (1, 0, 2))
    assert one(house, 1).status is Status.ASSIGNED


def test_the_same_thing_that_came_again_though_it_never_left_is_counted_once() -> None:
    house = a_house()
    house.hear(a_receipt(1, unit(1)), assignment(1))
    acknowledged(house)
    house.hear(taken_back(1))

    house.hear(a_receipt(2, unit(1, after=reversal_id(1))))

    assert (one(house, 1).receipt_id, figures(house)) == (receipt_id(2), (1, 0, 2))


def test_a_unit_that_went_back_for_credit_comes_again_only_where_nothing_else_is_left() -> None:
    house = a_house(2)
    house.hear(a_receipt(1, unit(1), unit(2)), a_receipt(2, unit(-1)))

    house.hear(sent_back(1, purpose="credit", credited=0))
    credited = statuses(house)
    house.hear(taken_back(-1, receipt=receipt_id(2)))

    assert credited == {-1: Status.IN_STOCK, 1: Status.RETURNED_TO_VENDOR, 2: Status.IN_STOCK}
    assert statuses(house) == {-1: Status.CANCELLED, 1: Status.ON_ORDER, 2: Status.IN_STOCK}


def test_a_surplus_unit_gets_an_asset_and_a_tag_when_it_comes() -> None:
    house = a_house(1)

    house.hear(a_receipt(1, unit(1), unit(-1)))

    assert one(house, -1).status is Status.IN_STOCK
    assert len({one(house, 1).tag, one(house, -1).tag}) == 2
    assert figures(house) == (2, 0, 0)


def test_an_assignment_can_leave_out_what_was_taken_back() -> None:
    house = a_house()
    house.hear(a_receipt(1, unit(1), unit(2)), taken_back(1))
    command = assignment(1, 2).model_copy(update={"leave_out_taken_back": True})

    house.hear(command)
    none_left = house.hear(AssignAssets(person="person-1", asset_ids=(FIRST,), leave_out_taken_back=True))

    (given,) = said(house, AssetsAssigned)
    assert isinstance(given, AssetsAssigned)
    assert given.asset_ids == (asset_id_of(LINE, 2),)
    assert (none_left.verdict, none_left.decision.answer) == ("accepted", {"handover_id": None})


def test_as_many_templates_as_are_on_their_way_are_in_transit() -> None:
    house = a_house(4)

    house.hear(on_its_way(2), on_its_way(1, name=2))
    shipped = statuses(house)
    house.hear(a_receipt(1, unit(1)), on_its_way(2, received=1), a_cancellation(2))

    way, stock = Status.IN_TRANSIT, Status.IN_STOCK
    assert shipped == {1: way, 2: way, 3: way, 4: Status.ON_ORDER}
    assert statuses(house) == {1: stock, 2: way, 3: Status.CANCELLED, 4: Status.CANCELLED}


COMING_AND_GOING: tuple[Message, ...] = (
    a_receipt(1, unit(1), unit(2)),
    taken_back(1, 2, receipt=receipt_id(1), waits=True),
    a_receipt(2, unit(1, serial="S-9", after=reversal_id(1))),
    sent_back(1, receipts=(receipt_id(2),)),
    a_receipt(3, unit(1, serial="S-10", after=return_id(1)), unit(3)),
)


@pytest.mark.parametrize("order", list(permutations(range(5))))
def test_whatever_comes_first_units_come_and_go_as_they_did_at_the_dock(order: tuple[int, ...]) -> None:
    house = a_house()

    house.hear(*(COMING_AND_GOING[place] for place in order))

    assert not house.waiting
    assert (one(house, 1).serial, one(house, 1).receipt_id) == ("S-10", receipt_id(3))
    assert figures(house) == (2, 0, 1)
    assert statuses(house) == {1: Status.IN_STOCK, 2: Status.ON_ORDER, 3: Status.IN_STOCK}
