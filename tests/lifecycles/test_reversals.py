"""Receipts that were a mistake: what is to come again, what is said, and what cannot be taken back."""

import pytest

from libs.contracts.receiving import (
    LineToReceive,
    ReceiptReversed,
    ReverseReceipt,
    TakenBackLine,
    goods_id_of,
)
from libs.contracts.values import asset_id_of, derived_id
from services.receiving.expectation import ExpectedUnit, UnitStatus
from services.receiving.receipt import Receipt, ReceiptLine
from services.receiving.reversal import reversal_id
from tests.builders_dock import (
    LINE,
    ORDER,
    REQUEST,
    SECOND_LINE,
    SITE,
    SPACE,
    a_cancellation,
    a_delivery,
    a_unit,
    goods_said,
)
from tests.builders_reversing import (
    a_dock,
    a_return,
    acknowledged,
    cables_received,
    cables_returned,
    figures,
    freed,
    issued,
    line_of,
    numbers,
    receipt_of,
    received,
    reversals_said,
    reverse,
)


def test_all_that_a_receipt_accepted_and_rejected_is_to_come_again() -> None:
    house = a_dock()
    receipt = received(house, "S-1", "S-2", rejected=1, rejection_reason="wet")

    reversal = receipt_of(house, reverse(house, receipt))

    assert figures(house) == (0, 0, 3, 0)
    assert (line_of(house).accepted, line_of(house).rejected) == (0, 0)
    assert (reversal.accepted, reversal.rejected, reversal.reverses) == (-2, -1, receipt.id)
    assert sum(line.accepted for line in house.all(ReceiptLine)) == 0
    assert reversals_said(house) == [
        ReceiptReversed(
            receipt_id=reversal_id(receipt.id),
            receipt_number=reversal.number,
            reverses=receipt.id,
            goods=(goods_id_of(receipt.id, 1),),
            order_id=ORDER,
            reversed_by="dock",
            reason="wrong order",
            lines=(
                TakenBackLine(
                    order_line_id=LINE,
                    request_id=REQUEST,
                    request_line_id=derived_id("request-line", LINE),
                    accepted=2,
                    rejected=1,
                    asset_ids=(asset_id_of(LINE, 1), asset_id_of(LINE, 2)),
                ),
            ),
        )
    ]


def test_a_quantity_is_taken_back_from_the_space_it_was_put_into() -> None:
    house = a_dock()
    receipt = cables_received(house, 4)

    reverse(house, receipt)

    assert figures(house, SECOND_LINE) == (0, 0, 10, 0)
    ((line,),) = (said.lines for said in reversals_said(house))
    assert (line.accepted, line.location, line.storage_space, line.asset_ids) == (4, SITE, SPACE, ())


def test_a_receipt_is_named_by_its_number_as_well() -> None:
    house = a_dock()
    receipt = received(house, "S-1")

    ended = house.hear(ReverseReceipt(receipt_number=receipt.number, reason="wrong order"))

    assert receipt_of(house, ended).reverses == receipt.id
    assert figures(house) == (0, 0, 3, 0)


def test_a_reversal_of_many_units_is_one_fact() -> None:
    house = a_dock(1_000)
    receipt = received(house, *(f"S-{number}" for number in range(1_000)))

    reverse(house, receipt)

    said = reversals_said(house)
    assert [len(line.asset_ids) for fact in said for line in fact.lines] == [1000]
    assert sum(line.accepted for fact in said for line in fact.lines) == 1_000
    goods = {goods_id_of(receipt.id, fact.said) for fact in goods_said(house)}
    assert {*said[0].goods} == goods
    assert figures(house) == (0, 0, 1_000, 0)


def test_a_receipt_is_taken_back_once() -> None:
    house = a_dock()
    receipt = received(house, "S-1")
    reverse(house, receipt)

    again = reverse(house, receipt)

    assert again.code == "receipt_reversed"
    assert len(house.all(Receipt)) == 2


def test_a_receipt_that_takes_back_another_is_not_taken_back() -> None:
    house = a_dock()
    reversal = receipt_of(house, reverse(house, received(house, "S-1")))

    assert reverse(house, reversal).code == "receipt_not_reversible"


@pytest.mark.parametrize(
    "command",
    [
        ReverseReceipt(receipt_id=derived_id("nothing", 1), reason="wrong order"),
        ReverseReceipt(receipt_number="RCV-999999", reason="wrong order"),
    ],
)
def test_a_receipt_that_nobody_knows_is_not_taken_back(command: ReverseReceipt) -> None:
    assert a_dock().hear(command).code == "receipt_unknown"


def test_what_somebody_has_acknowledged_is_not_taken_back() -> None:
    house = a_dock()
    receipt = received(house, "S-1", "S-2")
    house.hear(acknowledged(2), acknowledged(2))

    assert reverse(house, receipt).code == "unit_acknowledged"
    assert figures(house) == (2, 0, 1, 0)


def test_what_was_issued_is_not_taken_back() -> None:
    house = a_dock()
    first, second = cables_received(house, 4), cables_received(house, 3)
    house.hear(issued(4))

    assert reverse(house, first).code == "unit_issued"
    assert receipt_of(house, reverse(house, second)).accepted == -3
    assert figures(house, SECOND_LINE) == (4, 0, 6, 0)


def test_what_went_back_to_the_vendor_is_not_taken_back() -> None:
    house = a_dock()
    laptops, cables = received(house, "S-1", "S-2"), cables_received(house, 4)
    (line,) = house.all(ReceiptLine, receipt_id=cables.id)
    house.hear(a_return(1), cables_returned(1, line.id))

    assert reverse(house, laptops).code == "unit_returned"
    assert reverse(house, cables).code == "unit_returned"


def test_a_unit_that_came_again_by_another_receipt_is_not_the_first_one_s_any_more() -> None:
    house = a_dock()
    first = received(house, "S-1")
    house.hear(a_return(1))
    received(house, "S-9")

    assert reverse(house, first).code == "unit_returned"
    assert figures(house) == (1, 0, 2, 0)


def test_only_what_is_still_wanted_is_to_come_again() -> None:
    house = a_dock()
    receipt = received(house, "S-1", "S-2", "S-3")
    house.hear(a_cancellation(2))

    reverse(house, receipt)

    assert figures(house) == (0, 2, 1, 0)
    assert numbers(house, UnitStatus.OPEN) == [1]
    assert numbers(house, UnitStatus.CANCELLED) == [2, 3]


def test_a_unit_that_stood_for_another_one_gives_its_place_back() -> None:
    house = a_dock()
    named = a_unit("S-3", asset_id=asset_id_of(LINE, 3))
    receipt = receipt_of(house, house.hear(a_delivery(named)))
    house.hear(a_cancellation(1))
    assert numbers(house, UnitStatus.OPEN) == [1]

    reverse(house, receipt)

    assert numbers(house, UnitStatus.OPEN) == [1, 2]
    assert numbers(house, UnitStatus.CANCELLED) == [3]


def test_a_unit_comes_again_at_once_with_the_serial_number_that_it_had() -> None:
    house = a_dock()
    reversal = receipt_of(house, reverse(house, received(house, "S-1", "S-2")))

    receipt = received(house, "S-2")

    ((unit,),) = (line.units for line in goods_said(house)[-1].lines)
    assert (unit.unit_number, unit.after) == (2, reversal.id)
    (here,) = house.all(ExpectedUnit, receipt_id=receipt.id)
    assert (here.unit_number, here.line_again) == (2, None)


def test_a_unit_comes_again_with_another_serial_number_and_tells_after_what() -> None:
    house = a_dock()
    reversal = receipt_of(house, reverse(house, received(house, "S-1")))

    received(house, "S-9", "S-8")

    (line,) = goods_said(house)[-1].lines
    assert [(unit.unit_number, unit.serial, unit.after) for unit in line.units] == [
        (1, "S-9", reversal.id),
        (2, "S-8", None),
    ]


def test_a_serial_number_is_another_unit_s_only_when_assets_has_taken_it_back_too() -> None:
    house = a_dock(2)
    reversal = receipt_of(house, reverse(house, received(house, "S-1")))
    of_another = a_delivery(a_unit("S-1", asset_id=asset_id_of(LINE, 2)))
    assert house.hear(of_another).code == "serial_taken"

    house.hear(freed(reversal.id, 1), freed(reversal.id, 1))

    assert house.hear(of_another).verdict == "accepted"


def test_a_serial_number_that_came_again_stays_its_unit_s() -> None:
    house = a_dock(2)
    reversal = receipt_of(house, reverse(house, received(house, "S-1")))
    received(house, "S-1")

    house.hear(freed(reversal.id, 1))

    assert house.hear(a_delivery(a_unit("S-1"))).code == "serial_taken"


def test_a_serial_number_waits_for_the_reversal_that_took_it_back_last() -> None:
    house = a_dock(2)
    first = receipt_of(house, reverse(house, received(house, "S-1")))
    second = receipt_of(house, reverse(house, received(house, "S-1")))
    of_another = a_delivery(a_unit("S-1", asset_id=asset_id_of(LINE, 2)))

    house.hear(freed(first.id, 1))
    assert house.hear(of_another).code == "serial_taken"
    house.hear(freed(second.id, 1))
    assert house.hear(of_another).verdict == "accepted"


def test_a_label_stays_its_unit_s_and_tells_it_when_it_comes_again() -> None:
    house = a_dock()
    labelled = a_unit("S-2", asset_id=asset_id_of(LINE, 2), tag="LBL-7")
    receipt = receipt_of(house, house.hear(a_delivery(labelled)))
    reverse(house, receipt)

    house.hear(a_delivery(a_unit("S-5", tag="LBL-7")))

    ((unit,),) = (line.units for line in goods_said(house)[-1].lines)
    assert unit.unit_number == 2


def test_a_receipt_of_several_lines_is_taken_back_whole_or_not_at_all() -> None:
    house = a_dock()
    cables = LineToReceive(order_line_id=SECOND_LINE, quantity=3, location=SITE, storage_space=SPACE)
    delivery = a_delivery(a_unit("S-1"))
    both = delivery.model_copy(update={"lines": (*delivery.lines, cables)})
    receipt = receipt_of(house, house.hear(both))
    house.hear(issued(1))

    assert reverse(house, receipt).code == "unit_issued"
    assert figures(house) == (1, 0, 2, 0)
