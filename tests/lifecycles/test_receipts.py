"""Deliveries that are taken: what is kept and what is said of them."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from libs.chassis.decision import Decision
from libs.chassis.ids import caused_id
from libs.contracts.receiving import (
    Condition,
    GoodsReceived,
    LineToReceive,
    ReceivedLine,
    ReceivedUnit,
    RecordReceipt,
    UnitToReceive,
)
from libs.contracts.values import (
    MESSAGE_BYTES_MAX,
    QUANTITY_MAX,
    UNITS_PER_FACT,
    AssetCreation,
    asset_id_of,
    location_id_of,
)
from services.receiving import expectation, place, receipt
from services.receiving.expectation import ExpectedLine, ExpectedUnit, UnitStatus
from services.receiving.label import RegisteredLabel
from services.receiving.receipt import Receipt, ReceiptLine, ReceiptUnit, receipt_unit_id
from services.receiving.serial import RegisteredSerial, serial_id
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
    a_cause,
    a_delivery,
    a_place,
    a_unit,
    an_order,
    an_ordered_line,
    content,
    goods_said,
    tags_of,
    units,
)

ANOTHER_ITEM = an_ordered_line(2, line=SECOND_LINE, sku="MONITOR-27", name="Monitor 27")


def a_dock() -> House:
    """Three laptops and two monitors are expected."""
    house = House(expectation.HANDLERS, receipt.HANDLERS, place.HANDLERS)
    house.hear(a_place(), an_order(an_ordered_line(3), ANOTHER_ITEM))
    return house


def of_both_lines(laptop: UnitToReceive, monitor: UnitToReceive) -> RecordReceipt:
    lines = (
        LineToReceive(order_line_id=LINE, units=(laptop,)),
        LineToReceive(order_line_id=SECOND_LINE, units=(monitor,)),
    )
    return RecordReceipt(order_id=ORDER, lines=lines)


def received(house: House) -> list[int]:
    """The numbers of the laptops that were received."""
    units = house.all(ExpectedUnit, order_line_id=LINE, status=UnitStatus.RECEIVED)
    return sorted(unit.unit_number for unit in units)


def test_a_delivery_is_recorded_unit_by_unit_and_said() -> None:
    house = a_dock()

    ended = house.hear(a_delivery(a_unit("S-1"), rejected=1, rejection_reason="wet", delivery_note="DN-9"))

    cause = a_cause(3)  # the house's third message
    receipt_id, line_id = cause.id("receipt"), caused_id(cause.id("receipt"), "receipt_line")
    unit: dict[str, Any] = {
        "asset_id": asset_id_of(LINE, 1),
        "unit_number": 1,
        "serial": "S-1",
        "tag": None,
        "condition": Condition.NEW,
        "location": SITE,
        "storage_space": SPACE,
    }
    (line,) = (line for line in house.all(ExpectedLine) if line.id == LINE)
    assert (line.accepted, line.rejected, line.open) == (1, 1, 2)
    assert content(ended.decision.save) == content(
        [
            line,
            ExpectedUnit(
                id=asset_id_of(LINE, 1),
                order_line_id=LINE,
                unit_number=1,
                status=UnitStatus.RECEIVED,
                serial="S-1",
                receipt_id=receipt_id,
            ),
            Receipt(
                id=receipt_id,
                number="RCV-000001",
                order_id=ORDER,
                request_id=REQUEST,
                received_by="dock",
                received_at=NOON,
                received_on=NOON.date(),
                delivery_note="DN-9",
                accepted=1,
                rejected=1,
                order_line_ids=(LINE,),
            ),
            ReceiptLine(
                id=line_id,
                receipt_id=receipt_id,
                order_line_id=LINE,
                sku="LAPTOP-14",
                accepted=1,
                rejected=1,
                rejection_reason="wet",
            ),
            ReceiptUnit(
                id=receipt_unit_id(receipt_id, asset_id_of(LINE, 1)), receipt_line_id=line_id, **unit
            ),
            RegisteredSerial(
                id=serial_id("S-1"), serial="S-1", skus=("LAPTOP-14",), assets=(asset_id_of(LINE, 1),)
            ),
        ]
    )
    assert ended.decision == replace(
        Decision(),
        save=ended.decision.save,
        publish=[
            GoodsReceived(
                receipt_id=receipt_id,
                receipt_number="RCV-000001",
                order_id=ORDER,
                request_id=REQUEST,
                received_by="dock",
                received_on=NOON.date(),
                lines=(
                    ReceivedLine(
                        receipt_line_id=line_id,
                        order_line_id=LINE,
                        request_id=REQUEST,
                        request_line_id=line.request_line_id,
                        sku="LAPTOP-14",
                        accepted=1,
                        rejected=1,
                        rejection_reason="wet",
                        units=(ReceivedUnit(**unit),),
                    ),
                ),
            )
        ],
        answer={
            "receipt_id": str(receipt_id),
            "receipt_number": "RCV-000001",
            "order_id": str(ORDER),
        },
    )


def test_a_delivery_may_name_the_order_by_its_requisition_number() -> None:
    house = a_dock()

    ended = house.hear(a_delivery(a_unit(), order_id=None, requisition_number="PR-000001"))

    assert (ended.verdict, received(house)) == ("accepted", [1])


def test_the_lowest_open_units_are_taken() -> None:
    house = a_dock()

    house.hear(a_delivery(a_unit("S-1")), a_delivery(a_unit("S-2")))

    assert received(house) == [1, 2]


def test_a_named_unit_is_taken_and_the_others_are_the_lowest_besides() -> None:
    house = a_dock()

    house.hear(a_delivery(a_unit("S-1"), a_unit("S-2", asset_id=asset_id_of(LINE, 1))))

    taken = {unit.serial: unit.unit_number for unit in house.all(ReceiptUnit)}
    assert taken == {"S-1": 2, "S-2": 1}


def test_rejected_units_stay_open() -> None:
    house = a_dock()
    house.hear(a_delivery(rejected=3, rejection_reason="dented"))

    ended = house.hear(a_delivery(*units("S-1", "S-2", "S-3")))

    assert (ended.verdict, received(house)) == ("accepted", [1, 2, 3])


def test_the_same_serial_number_may_stand_on_units_of_two_items() -> None:
    house = a_dock()

    ended = house.hear(of_both_lines(a_unit("S-1"), a_unit("S-1")))

    assert ended.verdict == "accepted"
    (claim,) = house.all(RegisteredSerial)
    assert claim.skus == ("LAPTOP-14", "MONITOR-27")


def test_a_serial_number_of_another_item_is_claimed_for_this_one_as_well() -> None:
    house = a_dock()
    house.hear(a_delivery(a_unit("S-1")))

    ended = house.hear(a_delivery(a_unit("S-1"), line=SECOND_LINE))

    assert ended.verdict == "accepted"


def test_a_label_printed_elsewhere_is_claimed_by_the_unit_it_is_on() -> None:
    house = a_dock()

    house.hear(a_delivery(a_unit(tag="LABEL-1")))

    (label,) = house.all(RegisteredLabel)
    assert (label.label, label.asset_id) == ("LABEL-1", asset_id_of(LINE, 1))


def test_our_own_tag_may_be_scanned_on_its_unit() -> None:
    house = a_dock()
    house.hear(tags_of(1))

    ended = house.hear(a_delivery(a_unit(tag="QM-00000001")))

    assert (ended.verdict, house.all(RegisteredLabel)) == ("accepted", [])


def test_our_own_tag_is_believed_while_it_is_not_known_whose_it_is() -> None:
    house = a_dock()

    ended = house.hear(a_delivery(a_unit(tag="QM-00000001")))

    assert ended.verdict == "accepted"


def test_the_dock_says_how_a_line_makes_its_assets() -> None:
    house = House(expectation.HANDLERS, receipt.HANDLERS, place.HANDLERS)
    house.hear(a_place(), an_order(an_ordered_line(1, asset_creation=AssetCreation.ON_RECEIPT)))

    house.hear(a_delivery(a_unit()))

    (goods,) = goods_said(house)
    assert goods.lines[0].asset_creation is AssetCreation.ON_RECEIPT


def test_a_big_delivery_is_said_in_parts_that_add_up_and_fit() -> None:
    house = House(expectation.HANDLERS, receipt.HANDLERS, place.HANDLERS)
    long = "L" * 64
    lines = [an_ordered_line(5, line=UUID(int=n), sku=f"SKU-{n}" + "X" * 57) for n in range(1, 101)]
    somewhere = a_place(location_id=location_id_of(long), code=long, storage_spaces=(long,))
    house.hear(somewhere, an_order(*lines))
    delivered = tuple(
        LineToReceive(
            order_line_id=line.order_line_id,
            units=tuple(
                UnitToReceive(
                    serial=f"{number:03d}" + '"' * 61,
                    tag=f"T{line.order_line_id.int}-{number}".ljust(64, "T"),
                    condition=Condition.INCOMPLETE,
                    location=long,
                    storage_space=long,
                )
                for number in range(UNITS_PER_FACT // len(lines))
            ),
            rejected=QUANTITY_MAX,
            rejection_reason="\U0001f4a7" * 200,
        )
        for line in lines
    )

    ended = house.hear(RecordReceipt(order_id=ORDER, lines=delivered))

    facts = goods_said(house)
    assert ended.verdict == "accepted"
    assert len(facts) == 2
    assert max(len(fact.model_dump_json().encode()) for fact in facts) < MESSAGE_BYTES_MAX
    said = [line for fact in facts for line in fact.lines]
    assert sum(line.accepted for line in said) == sum(len(line.units) for line in said) == UNITS_PER_FACT
    assert sum(line.rejected for line in said) == 100 * QUANTITY_MAX
    assert [fact.said for fact in facts] == [1, 2]
    assert [(receipt.version, receipt.said) for receipt in house.all(Receipt)] == [(2, 2)]


def test_a_line_that_is_split_counts_its_rejected_units_once() -> None:
    house = House(expectation.HANDLERS, receipt.HANDLERS, place.HANDLERS)
    house.hear(a_place(), an_order(an_ordered_line(600)))

    house.hear(
        a_delivery(*units(*(f"S-{n}" for n in range(500))), rejected=2, rejection_reason="damaged in transit")
    )

    lines = [line for fact in goods_said(house) for line in fact.lines]
    assert [(line.accepted, len(line.units), line.rejected) for line in lines] == [
        (250, 250, 2),
        (250, 250, 0),
    ]


def test_a_whole_life_at_the_dock() -> None:
    house = a_dock()

    house.hear(
        a_delivery(a_unit("S-1"), rejected=1, rejection_reason="wet"),
        a_cancellation(1),
        a_delivery(a_unit("S-2", tag="LABEL-1"), order_id=None, requisition_number="PR-000001"),
        a_delivery(*units("M-1", "M-2"), line=SECOND_LINE),
    )

    lines = {
        line.id: (line.accepted, line.rejected, line.cancelled, line.open) for line in house.all(ExpectedLine)
    }
    assert lines == {LINE: (2, 1, 1, 0), SECOND_LINE: (2, 0, 0, 0)}
    assert [receipt.number for receipt in sorted(house.all(Receipt), key=lambda receipt: receipt.number)] == [
        "RCV-000001",
        "RCV-000002",
        "RCV-000003",
    ]
