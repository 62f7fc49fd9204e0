"""Goods that go back to their vendor: what is to come, what is credited, and what cannot go back."""

import pytest

from libs.contracts.receiving import GoodsReturned, LineToReturn, ReturnedLine, ReturnGoods, goods_id_of
from libs.contracts.values import asset_id_of, derived_id
from services.receiving.expectation import ExpectedUnit, UnitStatus
from services.receiving.receipt import ReceiptLine
from services.receiving.returning import Return, ReturnLine
from tests.builders_dock import (
    LINE,
    NOON,
    ORDER,
    REQUEST,
    SECOND_LINE,
    SITE,
    SPACE,
    House,
    a_cancellation,
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
    received,
    returns_said,
    reverse,
)


def the_line(house: House) -> ReceiptLine:
    """The receipt line by which cables came."""
    (line,) = house.all(ReceiptLine, order_line_id=SECOND_LINE)
    assert isinstance(line, ReceiptLine)
    return line


def test_what_is_replaced_is_to_come_again() -> None:
    house = a_dock()
    receipt = received(house, "S-1", "S-2", "S-3")

    ended = house.hear(a_return(2))

    assert figures(house) == (2, 0, 1, 0)
    assert numbers(house, UnitStatus.OPEN) == [2]
    (kept,) = house.all(Return)
    assert kept.number.startswith("RTV-")
    assert (kept.returned_at, kept.quantity, kept.credited) == (NOON, 1, 0)
    assert ended.decision.answer == {
        "return_id": str(kept.id),
        "return_number": kept.number,
        "order_id": str(ORDER),
    }
    assert returns_said(house) == [
        GoodsReturned(
            return_id=kept.id,
            return_number=kept.number,
            goods=(goods_id_of(receipt.id, 1),),
            order_id=ORDER,
            purpose="replacement",
            returned_by="dock",
            reason="scratched",
            rma="RMA-1",
            lines=(
                ReturnedLine(
                    order_line_id=LINE,
                    request_id=REQUEST,
                    request_line_id=derived_id("request-line", LINE),
                    quantity=1,
                    credited=0,
                    asset_ids=(asset_id_of(LINE, 2),),
                ),
            ),
        )
    ]


def test_what_is_replaced_comes_as_the_same_unit_whatever_its_serial_number() -> None:
    house = a_dock(1)
    received(house, "S-1")
    house.hear(a_return(1))
    (back,) = house.all(Return)

    received(house, "S-9")

    ((unit,),) = (line.units for line in goods_said(house)[-1].lines)
    assert (unit.unit_number, unit.after) == (1, back.id)
    assert figures(house) == (1, 0, 0, 0)


def test_what_is_credited_is_wanted_no_more() -> None:
    house = a_dock()
    received(house, "S-1", "S-2", "S-3")

    house.hear(a_return(1, purpose="credit"))

    assert figures(house) == (2, 1, 0, 0)
    assert numbers(house, UnitStatus.RETURNED) == [1]
    assert [line.credited for fact in returns_said(house) for line in fact.lines] == [1]


def test_a_credit_makes_the_surplus_smaller_first() -> None:
    house = a_dock()
    received(house, "S-1", "S-2", "S-3")
    house.hear(a_cancellation(1))
    line = line_of(house)
    house.records[type(line)][line.id] = type(line)(**{**vars(line), "ordered": 2, "asked": 0})
    assert line_of(house).over == 1

    house.hear(a_return(1, 2, purpose="credit"))

    assert figures(house) == (1, 1, 0, 0)
    assert [line.credited for fact in returns_said(house) for line in fact.lines] == [1]


def test_a_unit_given_back_for_credit_comes_again_only_where_nothing_else_is_left() -> None:
    house = a_dock()
    first, _ = received(house, "S-1"), received(house, "S-2", "S-3")
    house.hear(a_return(2, purpose="credit"))

    reverse(house, first)

    assert figures(house) == (1, 1, 1, 0)
    assert numbers(house, UnitStatus.OPEN) == [1]
    assert numbers(house, UnitStatus.RETURNED) == [2]


def test_more_cancelled_than_credited_takes_the_rest_of_what_is_open() -> None:
    house = a_dock()
    received(house, "S-1", "S-2")
    house.hear(a_return(1, purpose="credit"), a_cancellation(1))

    assert figures(house) == (1, 2, 0, 0)
    assert numbers(house, UnitStatus.CANCELLED) == [3]


def test_a_quantity_goes_back_by_the_receipt_line_that_it_came_with() -> None:
    house = a_dock()
    receipt = cables_received(house, 6)
    line = the_line(house)

    house.hear(cables_returned(2, line.id), cables_returned(3, line.id, "credit"))

    assert figures(house, SECOND_LINE) == (1, 3, 6, 0)
    back = house.all(ReturnLine, receipt_line_id=line.id)
    assert sorted((each.quantity, each.credited, each.location, each.storage_space) for each in back) == [
        (2, 0, SITE, SPACE),
        (3, 3, SITE, SPACE),
    ]
    assert [fact.goods for fact in returns_said(house)] == [(goods_id_of(receipt.id, 1),)] * 2


def test_no_more_goes_back_than_came_with_the_receipt_line() -> None:
    house = a_dock()
    cables_received(house, 4)
    line = the_line(house)
    house.hear(cables_returned(3, line.id))

    assert house.hear(cables_returned(2, line.id)).code == "return_exceeds_kept"
    twice = (LineToReturn(order_line_id=SECOND_LINE, quantity=1, receipt_line_id=line.id),) * 2
    command = ReturnGoods(order_id=ORDER, purpose="credit", reason="wrong colour", lines=twice)
    assert house.hear(command).code == "return_exceeds_kept"


def test_nothing_goes_back_of_a_receipt_that_was_taken_back() -> None:
    house = a_dock()
    receipt = cables_received(house, 4)
    line = the_line(house)
    reverse(house, receipt)

    assert house.hear(cables_returned(1, line.id)).code == "return_exceeds_kept"


def test_what_was_issued_does_not_go_back() -> None:
    house = a_dock()
    cables_received(house, 4)
    house.hear(issued(3))

    assert house.hear(cables_returned(2, the_line(house).id)).code == "unit_issued"
    assert house.hear(cables_returned(1, the_line(house).id)).verdict == "accepted"


def test_what_is_not_here_does_not_go_back() -> None:
    house = a_dock()
    received(house, "S-1", "S-2")
    house.hear(acknowledged(2))

    assert house.hear(a_return(3)).code == "unit_not_here"
    assert house.hear(a_return(4)).code == "unit_not_here"
    assert house.hear(a_return(2)).code == "unit_acknowledged"
    house.hear(a_return(1, purpose="credit"))
    assert house.hear(a_return(1)).code == "unit_returned"
    assert figures(house) == (1, 1, 1, 0)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (
            LineToReturn(order_line_id=derived_id("no-line", 1), asset_ids=(asset_id_of(LINE, 1),)),
            "order_line_unknown",
        ),
        (LineToReturn(order_line_id=SECOND_LINE, asset_ids=(asset_id_of(LINE, 1),)), "kind_not_received"),
        (LineToReturn(order_line_id=LINE, quantity=1, receipt_line_id=LINE), "kind_not_received"),
        (LineToReturn(order_line_id=SECOND_LINE, quantity=1, receipt_line_id=LINE), "receipt_line_unknown"),
    ],
)
def test_what_goes_back_is_of_the_order(line: LineToReturn, code: str) -> None:
    house = a_dock()
    received(house, "S-1")

    command = ReturnGoods(order_id=ORDER, purpose="credit", reason="scratched", lines=(line,))

    assert house.hear(command).code == code


def test_a_return_of_an_order_that_nobody_knows_waits_and_is_refused() -> None:
    command = a_return(1).model_copy(update={"order_id": derived_id("no-order", 1)})

    assert a_dock().hear(command).verdict == "waiting"
    assert a_dock().give_up(command).code == "order_unknown"


def test_a_serial_number_of_a_returned_unit_is_free_when_assets_has_returned_it() -> None:
    house = a_dock(2)
    received(house, "S-1")
    house.hear(a_return(1, purpose="credit"))
    (back,) = house.all(Return)
    (gone,) = house.all(ExpectedUnit, status=UnitStatus.RETURNED)
    assert (gone.serial, gone.receipt_id, gone.reopened_by) == ("S-1", None, back.id)

    house.hear(freed(back.id, 1, purpose="credit"))

    received(house, "S-1")
    assert numbers(house, UnitStatus.RECEIVED) == [2]


def test_a_return_of_units_of_many_receipts_refers_to_no_more_facts_than_fit() -> None:
    house = a_dock(220)
    for number in range(220):
        received(house, f"S-{number}")

    house.hear(a_return(*range(1, 221), purpose="credit"))

    (fact,) = returns_said(house)
    assert len(fact.goods) == 220
    assert sum(line.quantity for line in fact.lines) == sum(line.credited or 0 for line in fact.lines) == 220
    assert figures(house) == (0, 220, 0, 0)
