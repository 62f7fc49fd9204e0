"""Where and when a delivery was taken: one place for a line, another for a unit, several for a quantity."""

from datetime import date

from libs.contracts.receiving import RECEIPT_UNITS_MAX, LineToReceive, RecordReceipt, UnitToReceive
from libs.contracts.shipments import RegisterShipment, ShippedLine
from libs.contracts.values import MESSAGE_BYTES_MAX, Kind, asset_id_of
from services.receiving import expectation, place, receipt, shipment
from services.receiving.expectation import ExpectedLine
from services.receiving.receipt import Receipt, ReceiptLine, ReceiptUnit
from services.receiving.shipment import Shipment
from tests.builders_dock import (
    LINE,
    ORDER,
    SECOND_LINE,
    SITE,
    SPACE,
    House,
    a_delivery,
    a_place,
    a_unit,
    an_order,
    an_ordered_line,
    goods_said,
)

CABLES = an_ordered_line(10, line=SECOND_LINE, sku="CABLE-1M", kind=Kind.CONSUMABLE)


def a_dock(laptops: int = 3) -> House:
    """Some laptops and ten cables are expected."""
    house = House(expectation.HANDLERS, receipt.HANDLERS, place.HANDLERS, shipment.HANDLERS)
    house.hear(a_place(), an_order(an_ordered_line(laptops), CABLES))
    return house


def bare(*serials: str) -> tuple[UnitToReceive, ...]:
    """Units that say no place of their own."""
    return tuple(UnitToReceive(serial=serial) for serial in serials)


def some(quantity: int, space: str, **changes: object) -> LineToReceive:
    """So many cables in one space."""
    values: dict[str, object] = {
        "order_line_id": SECOND_LINE,
        "quantity": quantity,
        "location": SITE,
        "storage_space": space,
    }
    return LineToReceive.model_validate(values | changes)


def test_units_are_where_their_line_is_put_unless_they_say_themselves() -> None:
    house = a_dock()
    elsewhere = a_unit("S-2", storage_space="A-02")
    line = LineToReceive(
        order_line_id=LINE, units=(*bare("S-1"), elsewhere), location=SITE, storage_space=SPACE
    )

    house.hear(RecordReceipt(order_id=ORDER, lines=(line,)))

    assert {unit.serial: unit.storage_space for unit in house.all(ReceiptUnit)} == {
        "S-1": SPACE,
        "S-2": "A-02",
    }


def test_a_quantity_of_one_line_is_put_into_several_spaces() -> None:
    house = a_dock()

    ended = house.hear(
        RecordReceipt(
            order_id=ORDER, lines=(some(4, SPACE), some(5, "A-02", rejected=1, rejection_reason="torn"))
        )
    )

    assert ended.verdict == "accepted"
    assert {(line.storage_space, line.accepted, line.rejected) for line in house.all(ReceiptLine)} == {
        (SPACE, 4, 0),
        ("A-02", 5, 1),
    }
    (line,) = house.all(ExpectedLine, id=SECOND_LINE)
    assert (line.accepted, line.rejected, line.open) == (9, 1, 1)
    (fact,) = goods_said(house)
    assert [(line.storage_space, line.accepted) for line in fact.lines] == [(SPACE, 4), ("A-02", 5)]
    assert len({line.receipt_line_id for line in fact.lines}) == 2


def test_units_of_one_line_are_put_into_several_spaces() -> None:
    house = a_dock()
    lowest = asset_id_of(LINE, 1)
    lines = (
        LineToReceive(order_line_id=LINE, units=bare("S-1", "S-2"), location=SITE, storage_space=SPACE),
        LineToReceive(order_line_id=LINE, units=(a_unit("S-3", asset_id=lowest, storage_space="A-02"),)),
    )

    house.hear(RecordReceipt(order_id=ORDER, lines=lines))

    taken = {unit.serial: (unit.unit_number, unit.storage_space) for unit in house.all(ReceiptUnit)}
    assert taken == {"S-1": (2, SPACE), "S-2": (3, SPACE), "S-3": (1, "A-02")}


def test_a_delivery_may_be_told_days_after_it_came() -> None:
    house = a_dock()
    day = date(2026, 3, 27)

    house.hear(a_delivery(a_unit(), received_on=day))

    assert [each.received_on for each in house.all(Receipt)] == [day]
    assert [fact.received_on for fact in goods_said(house)] == [day]


def test_a_shipment_names_the_order_of_what_came_with_it() -> None:
    house = a_dock()
    house.hear(
        RegisterShipment(
            order_id=ORDER,
            shipment_number="S-77",
            lines=(ShippedLine(order_line_id=SECOND_LINE, quantity=10),),
        )
    )
    (sent,) = house.all(Shipment)

    ended = house.hear(RecordReceipt(shipment_id=sent.id, lines=(some(4, SPACE), some(6, "A-02"))))

    assert ended.verdict == "accepted"
    assert [(each.status, each.received) for each in house.all(Shipment)] == [("received", (10,))]


def test_a_thousand_units_are_taken_in_one_call_and_fit_a_message() -> None:
    house = a_dock(RECEIPT_UNITS_MAX)
    serials = [f"{number:04d}".ljust(64, "S") for number in range(RECEIPT_UNITS_MAX)]
    line = LineToReceive(order_line_id=LINE, units=bare(*serials), location=SITE, storage_space=SPACE)
    command = RecordReceipt(order_id=ORDER, lines=(line,))

    ended = house.hear(command)

    assert ended.verdict == "accepted"
    assert len(command.model_dump_json().encode()) < MESSAGE_BYTES_MAX
    assert [len(fact.lines[0].units) for fact in goods_said(house)] == [250] * 4
