"""What the dock expects, from a submitted order to its last unit received or cancelled."""

from dataclasses import replace
from itertools import product

import pytest

from libs.chassis.decision import Decision, Records
from libs.contracts.assets import AnnounceAll, CommandAnswered
from libs.contracts.message import Event, Message
from libs.contracts.values import AssetCreation, Kind, asset_id_of, derived_id
from services.receiving import copies, expectation, place, receipt
from services.receiving.expectation import (
    HANDLERS,
    UNIT_TRANSITIONS,
    ExpectedLine,
    ExpectedOrder,
    ExpectedUnit,
    OrderName,
    UnitStatus,
    expect,
    order_name_id,
)
from tests.builders_dock import (
    LINE,
    NOON,
    ORDER,
    REQUEST,
    SECOND_LINE,
    House,
    a_cancellation,
    a_cause,
    a_delivery,
    a_place,
    a_unit,
    an_order,
    an_ordered_line,
    tags_of,
    units,
)


def a_dock() -> House:
    return House(expectation.HANDLERS, receipt.HANDLERS, place.HANDLERS)


def statuses(house: House) -> dict[int, UnitStatus]:
    return {unit.unit_number: unit.status for unit in house.all(ExpectedUnit, order_line_id=LINE)}


def a_dock_with_units_in_every_status() -> House:
    """Unit 1 is received, unit 2 is open, unit 3 is cancelled."""
    house = a_dock()
    house.hear(a_place(), an_order(), a_cancellation(1), a_delivery(a_unit()))
    return house


def test_a_submitted_order_is_expected_with_a_unit_for_every_piece_of_hardware() -> None:
    order = an_order(
        an_ordered_line(2), an_ordered_line(5, line=SECOND_LINE, sku="CABLE", kind=Kind.CONSUMABLE)
    )

    decision = expect(order, Records(), a_cause())

    line = ExpectedLine(
        id=LINE,
        order_id=ORDER,
        request_line_id=order.lines[0].request_line_id,
        sku="LAPTOP-14",
        name="Laptop 14",
        kind=Kind.HARDWARE,
        asset_creation=AssetCreation.ON_SUBMISSION,
        ordered=2,
        units_made=2,
    )
    cables = replace(
        line,
        id=SECOND_LINE,
        request_line_id=order.lines[1].request_line_id,
        sku="CABLE",
        kind=Kind.CONSUMABLE,
        ordered=5,
        units_made=5,
    )
    assert decision == Decision(
        save=[
            ExpectedOrder(
                id=ORDER,
                requisition_number="PR-000001",
                request_id=REQUEST,
                vendor_id=derived_id("vendor", 1),
                vendor_name="Vendor 01",
                deliver_to="SITE-1",
                expected_since=NOON,
                sequence=1,
            ),
            OrderName(id=order_name_id("PR-000001"), order_id=ORDER),
            line,
            cables,
            ExpectedUnit(id=asset_id_of(LINE, 1), order_line_id=LINE, unit_number=1),
            ExpectedUnit(id=asset_id_of(LINE, 2), order_line_id=LINE, unit_number=2),
        ]
    )


def test_an_order_that_is_expected_already_changes_nothing() -> None:
    house = a_dock()
    house.hear(an_order())

    ended = house.hear(an_order())

    assert ended.decision == Decision()


def test_ten_thousand_units_of_one_line_are_expected_one_by_one() -> None:
    house = a_dock()

    house.hear(an_order(an_ordered_line(10_000)))

    assert statuses(house) == dict.fromkeys(range(1, 10_001), UnitStatus.OPEN)


def test_the_tags_that_assets_issued_are_noted_on_their_units_whatever_became_of_them() -> None:
    house = a_dock_with_units_in_every_status()

    house.hear(tags_of(1, 2, 3))

    tags = {unit.unit_number: unit.tag for unit in house.all(ExpectedUnit)}
    assert tags == {1: "QM-00000001", 2: "QM-00000002", 3: "QM-00000003"}


@pytest.mark.parametrize("early", [tags_of(1), a_cancellation(1), a_delivery(a_unit())])
def test_what_overtakes_its_order_waits_for_it(early: Message) -> None:
    house = a_dock()
    house.hear(a_place())

    ended = house.hear(early)

    assert ended.verdict == "waiting"
    house.hear(an_order())
    assert house.waiting == []


def test_a_cancellation_drops_the_highest_numbered_open_units() -> None:
    house = a_dock()
    house.hear(a_place(), an_order(an_ordered_line(4)), a_delivery(a_unit(asset_id=asset_id_of(LINE, 4))))

    house.hear(a_cancellation(2))

    assert statuses(house) == {
        1: UnitStatus.OPEN,
        2: UnitStatus.CANCELLED,
        3: UnitStatus.CANCELLED,
        4: UnitStatus.RECEIVED,
    }


def test_what_was_received_before_the_dock_heard_of_a_cancellation_stands() -> None:
    house = a_dock()
    house.hear(a_place(), an_order(), a_delivery(*units("S-1", "S-2")))

    house.hear(a_cancellation(3))

    (line,) = house.all(ExpectedLine)
    assert (line.accepted, line.cancelled, line.open) == (2, 1, 0)


def test_an_older_cancellation_that_arrives_late_takes_nothing_back() -> None:
    house = a_dock()
    house.hear(an_order(), a_cancellation(2))

    house.hear(a_cancellation(1))

    (line,) = house.all(ExpectedLine)
    assert (line.cancelled, line.open) == (2, 1)


def test_lines_without_units_are_cancelled_by_their_figures_alone() -> None:
    house = a_dock()
    house.hear(an_order(an_ordered_line(5, kind=Kind.CONSUMABLE)))

    house.hear(a_cancellation(2))

    (line,) = house.all(ExpectedLine)
    assert (line.cancelled, line.open) == (2, 3)


@pytest.mark.parametrize(("before", "after"), list(product(UnitStatus, UnitStatus)))
def test_a_unit_goes_only_the_listed_ways(before: UnitStatus, after: UnitStatus) -> None:
    unit = ExpectedUnit(id=asset_id_of(LINE, 1), order_line_id=LINE, unit_number=1, status=before)

    if after in UNIT_TRANSITIONS[before]:
        assert unit.become(after).status is after
    else:
        with pytest.raises(RuntimeError, match="cannot become"):
            unit.become(after)


def an_answer() -> CommandAnswered:
    return CommandAnswered(outcome="accepted", command_id="asked", command_type=AnnounceAll.type)


def test_a_unit_reaches_every_status_but_that_of_what_goes_back() -> None:
    house = a_dock_with_units_in_every_status()

    assert set(statuses(house).values()) == set(UnitStatus) - {UnitStatus.RETURNED}


@pytest.mark.parametrize(
    "fact", [an_order(), tags_of(1, 2, 3), a_cancellation(1), a_cancellation(3), a_place()]
)
def test_no_fact_is_refused_in_any_status(fact: Message) -> None:
    house = a_dock_with_units_in_every_status()

    ended = house.hear(fact)

    assert ended.verdict == "accepted"


def test_every_fact_the_dock_listens_to_was_tried_above() -> None:
    heard = {row.on for row in (*HANDLERS, *place.HANDLERS) if issubclass(row.on, Event)}

    tried = (an_order(), tags_of(1), a_cancellation(1), a_place())
    assert heard == {type(fact) for fact in tried}


def test_a_refused_announcement_is_our_own_mistake() -> None:
    (row,) = (row for row in copies.HANDLERS if row.on is CommandAnswered)
    refused = an_answer().model_copy(update={"outcome": "rejected", "code": "invalid_content"})

    with pytest.raises(RuntimeError, match=r"assets.announce_all.v1 was refused: invalid_content"):
        row.decide(refused, Records(), a_cause())
