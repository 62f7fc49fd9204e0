"""Receiving what is not received unit by unit: consumables by quantity, software and services not at all."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.contracts.message import Message
from libs.contracts.receiving import GoodsReceived, LineToReceive, ReceivedLine, RecordReceipt
from libs.contracts.values import Kind
from services.receiving import expectation, place, receipt
from services.receiving.expectation import ExpectedLine, ExpectedUnit
from services.receiving.receipt import ReceiptLine
from tests.builders_dock import (
    LINE,
    ORDER,
    REQUEST,
    SECOND_LINE,
    SITE,
    SPACE,
    House,
    a_cancellation,
    a_place,
    a_unit,
    an_order,
    an_ordered_line,
    goods_said,
    units,
)

KINDS_THAT_DO_NOT_COME = [Kind.SOFTWARE, Kind.SERVICE]


def a_dock(kind: Kind = Kind.CONSUMABLE, quantity: int = 10) -> House:
    """A dock that expects so many of one line, and a laptop."""
    house = House(expectation.HANDLERS, receipt.HANDLERS, place.HANDLERS)
    lines = an_ordered_line(quantity, kind=kind, sku="PAPER"), an_ordered_line(1, line=SECOND_LINE)
    house.hear(a_place(), an_order(*lines))
    return house


def a_quantity(quantity: int | None, *, line: UUID = LINE, **changes: Any) -> RecordReceipt:
    """A delivery of so many units of a line."""
    where = {"location": SITE, "storage_space": SPACE} if quantity else {}
    delivered = LineToReceive(**{"order_line_id": line, "quantity": quantity} | where | changes)
    return RecordReceipt(order_id=ORDER, lines=(delivered,))


def the_line(house: House) -> ExpectedLine:
    (line,) = house.all(ExpectedLine, id=LINE)
    assert isinstance(line, ExpectedLine)
    return line


def test_a_quantity_is_received_into_a_storage_space() -> None:
    house = a_dock()

    ended = house.hear(a_quantity(6, rejected=1, rejection_reason="wet"))

    assert ended.verdict == "accepted"
    (said,) = goods_said(house)
    (line,) = house.all(ReceiptLine)
    assert said.lines == (
        ReceivedLine(
            receipt_line_id=line.id,
            order_line_id=LINE,
            request_id=REQUEST,
            request_line_id=the_line(house).request_line_id,
            sku="PAPER",
            accepted=6,
            rejected=1,
            rejection_reason="wet",
            location=SITE,
            storage_space=SPACE,
        ),
    )
    assert (line.accepted, line.location, line.storage_space) == (6, SITE, SPACE)
    assert (the_line(house).accepted, the_line(house).open) == (6, 4)


def test_units_and_quantities_come_in_one_delivery() -> None:
    house = a_dock()
    (paper,) = a_quantity(10).lines
    laptop = LineToReceive(order_line_id=SECOND_LINE, units=units("S-1"))

    house.hear(RecordReceipt(order_id=ORDER, lines=(paper, laptop)))

    (said,) = goods_said(house)
    assert [(line.accepted, line.location, len(line.units)) for line in said.lines] == [
        (10, SITE, 0),
        (1, None, 1),
    ]


@pytest.mark.parametrize(
    ("delivery", "refusal"),
    [
        (
            a_quantity(11).model_copy(update={"surplus": "refuse"}),
            ("receipt_exceeds_open", "lines[0].quantity"),
        ),
        (a_quantity(1, location="NOWHERE"), ("location_unknown", "lines[0].location")),
        (a_quantity(1, storage_space="Z-9"), ("storage_space_unknown", "lines[0].storage_space")),
        (a_quantity(None), ("receipt_empty", "lines[0]")),
        (a_quantity(1, line=SECOND_LINE), ("kind_not_received", "lines[0].quantity")),
        (a_quantity(None, units=units("S-1")), ("kind_not_received", "lines[0].units")),
    ],
)
def test_a_quantity_that_cannot_be_is_refused(delivery: RecordReceipt, refusal: tuple[str, str]) -> None:
    house = a_dock()

    ended = house.hear(delivery)

    assert ended.rejection is not None
    assert (ended.code, ended.rejection.field) == refusal
    assert house.all(ReceiptLine) == []


@pytest.mark.parametrize("kind", KINDS_THAT_DO_NOT_COME)
@pytest.mark.parametrize(
    "delivery",
    [
        a_quantity(1),
        a_quantity(None, units=units("S-1")),
        a_quantity(None, rejected=1, rejection_reason="wrong"),
    ],
)
def test_what_does_not_come_to_a_dock_is_not_received(kind: Kind, delivery: RecordReceipt) -> None:
    ended = a_dock(kind).hear(delivery)

    assert ended.rejection is not None
    assert (ended.code, ended.rejection.field) == ("kind_not_received", "lines[0].order_line_id")


@pytest.mark.parametrize("kind", KINDS_THAT_DO_NOT_COME)
def test_what_does_not_come_to_a_dock_is_not_open_there(kind: Kind) -> None:
    house = a_dock(kind)

    before = the_line(house).open
    house.hear(a_cancellation(4))

    assert (before, the_line(house).open, the_line(house).cancelled) == (0, 0, 4)
    assert [unit.order_line_id for unit in house.all(ExpectedUnit)] == [SECOND_LINE]


@pytest.mark.parametrize("where", [{}, {"location": SITE}, {"storage_space": SPACE}, {"units": (a_unit(),)}])
def test_a_quantity_says_where_it_was_put_and_has_no_units(where: dict[str, Any]) -> None:
    if "units" in where:
        where = where | {"location": SITE, "storage_space": SPACE}

    with pytest.raises(ValueError, match=r"quantity|put into a location"):
        LineToReceive(order_line_id=LINE, quantity=1, **where)


def test_a_cancellation_of_what_was_never_submitted_is_nothing_to_the_dock() -> None:
    house = House(expectation.HANDLERS, receipt.HANDLERS, place.HANDLERS)

    ended = house.hear(a_cancellation(3).model_copy(update={"was_submitted": False}))

    assert (ended.verdict, house.all(ExpectedLine)) == ("accepted", [])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.integers(1, 6), st.integers(-8, -1)), max_size=6), st.data())
def test_law_1_holds_for_quantities_however_deliveries_and_cancellations_interleave(
    happened: list[int], data: st.DataObject
) -> None:
    house = House(expectation.HANDLERS, receipt.HANDLERS, place.HANDLERS)
    order = an_order(an_ordered_line(8, kind=Kind.CONSUMABLE))
    told: list[Message] = [a_cancellation(-each) if each < 0 else a_quantity(each) for each in happened]
    house.hear(a_place())

    house.hear(*data.draw(st.permutations([order, *told])))

    line, receipts = the_line(house), house.all(ReceiptLine)
    said = [each for each in house.said if isinstance(each, GoodsReceived)]
    assert line.accepted == sum(each.accepted for each in receipts) <= 8
    assert line.accepted == sum(part.accepted for each in said for part in each.lines)
    assert line.cancelled == min(line.asked, 8 - line.accepted)
    assert line.open == 8 - line.cancelled - line.accepted
