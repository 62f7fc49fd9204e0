"""Goods that nobody expected, or more than was: recorded, and then attached to an order line or returned."""

import pytest

from libs.contracts.deliveries import (
    AttachUnexpectedDelivery,
    RecordUnexpectedDelivery,
    ReturnUnexpectedDelivery,
    Unexpected,
    UnexpectedDeliveryRecorded,
    UnexpectedDeliverySettled,
)
from libs.contracts.receiving import LineToReceive, RecordReceipt
from libs.contracts.shipments import RegisterShipment, ShippedLine
from libs.contracts.values import asset_id_of
from services.receiving.receipt import Receipt, ReceiptUnit
from services.receiving.serial import RegisteredSerial
from services.receiving.shipment import Shipment
from services.receiving.unexpected import UNEXPECTED_TRANSITIONS, UnexpectedDelivery, UnexpectedStatus
from tests.builders_deliveries import a_dock, cables, figures, here, tolerated
from tests.builders_dock import (
    LINE,
    ORDER,
    SECOND_LINE,
    SITE,
    SPACE,
    House,
    a_cancellation,
    a_delivery,
    a_unit,
    goods_said,
    units,
)

FIVE = units("S-1", "S-2", "S-3", "S-4", "S-5")


def recorded(house: House) -> list[tuple[Unexpected, int, list[str]]]:
    """Why, how many, and which serial numbers."""
    deliveries = sorted(house.all(UnexpectedDelivery), key=lambda each: each.number)
    return [(each.why, each.quantity, [unit.serial for unit in each.units]) for each in deliveries]


def test_what_is_more_than_is_open_is_an_unexpected_delivery_and_the_rest_a_receipt() -> None:
    house = a_dock(laptops=3)

    ended = house.hear(a_delivery(*FIVE))

    assert (ended.verdict, here(house), figures(house)) == ("accepted", [1, 2, 3], (3, 0, 0))
    assert recorded(house) == [(Unexpected.BEYOND_TOLERANCE, 2, ["S-4", "S-5"])]
    (delivery,) = house.all(UnexpectedDelivery)
    assert ended.decision.answer["receipt_number"] == "RCV-000001"
    assert ended.decision.answer["unexpected"] == [
        {
            "unexpected_id": str(delivery.id),
            "number": "UNX-000001",
            "why": "beyond_tolerance",
            "order_line_id": str(LINE),
            "quantity": 2,
        }
    ]
    assert [type(said) for said in house.said[-2:]] == [
        type(goods_said(house)[0]),
        UnexpectedDeliveryRecorded,
    ]
    assert {claim.serial for claim in house.all(RegisteredSerial)} == {"S-1", "S-2", "S-3"}


def test_goods_for_a_cancelled_line_are_an_unexpected_delivery_and_no_receipt() -> None:
    house = a_dock(laptops=3)
    house.hear(a_cancellation(3))

    ended = house.hear(a_delivery(a_unit("S-1", asset_id=asset_id_of(LINE, 1))))

    assert (ended.verdict, house.all(Receipt), goods_said(house)) == ("accepted", [], [])
    assert recorded(house) == [(Unexpected.NOTHING_OPEN, 1, ["S-1"])]
    assert "receipt_id" not in ended.decision.answer


def test_goods_for_an_order_of_which_all_came_are_an_unexpected_delivery() -> None:
    house = a_dock(laptops=5)
    house.hear(a_delivery(*FIVE))

    house.hear(a_delivery(a_unit("S-6")))

    assert recorded(house) == [(Unexpected.NOTHING_OPEN, 1, ["S-6"])]


def test_a_unit_that_names_an_open_one_is_accepted_before_the_others() -> None:
    house = a_dock(laptops=3)
    last = asset_id_of(LINE, 2)

    house.hear(a_delivery(*FIVE[:3], a_unit("S-9", asset_id=last)))

    assert {unit.serial: unit.unit_number for unit in house.all(ReceiptUnit)} == {
        "S-1": 1,
        "S-2": 3,
        "S-9": 2,
    }
    assert recorded(house) == [(Unexpected.BEYOND_TOLERANCE, 1, ["S-3"])]


def test_a_surplus_quantity_stays_where_the_last_of_it_was_put() -> None:
    house = a_dock()

    house.hear(RecordReceipt(order_id=ORDER, lines=(cables(70), cables(50, space="A-02"))))

    (fact,) = goods_said(house)
    assert [(line.storage_space, line.accepted) for line in fact.lines] == [(SPACE, 70), ("A-02", 30)]
    (delivery,) = house.all(UnexpectedDelivery)
    assert (delivery.storage_space, delivery.quantity) == ("A-02", 20)
    assert figures(house, SECOND_LINE) == (100, 0, 0)


def test_rejected_units_of_a_line_of_which_nothing_is_open_are_told_all_the_same() -> None:
    house = a_dock()
    house.hear(a_cancellation(100, line=SECOND_LINE))

    house.hear(RecordReceipt(order_id=ORDER, lines=(cables(5, rejected=2, rejection_reason="torn"),)))

    (fact,) = goods_said(house)
    assert [(line.accepted, line.rejected) for line in fact.lines] == [(0, 2)]
    assert recorded(house) == [(Unexpected.NOTHING_OPEN, 5, [])]


def test_a_serial_number_twice_is_refused_also_among_what_is_too_much() -> None:
    house = a_dock(laptops=1)

    ended = house.hear(a_delivery(*units("S-1", "S-2", "S-2")))

    assert (ended.code, ended.rejection and ended.rejection.field) == (
        "serial_repeated",
        "lines[0].units[2].serial",
    )


def test_what_is_tolerated_is_numbered_below_zero() -> None:
    house = a_dock(laptops=10)
    house.hear(tolerated(20), a_delivery(*units(*(f"S-{number}" for number in range(1, 15)))))

    assert here(house) == [-2, -1, *range(1, 11)]
    assert figures(house) == (12, 0, 2)
    assert recorded(house) == [(Unexpected.BEYOND_TOLERANCE, 2, ["S-13", "S-14"])]
    numbers = [unit.unit_number for line in goods_said(house)[0].lines for unit in line.units]
    assert numbers == [*range(1, 11), -1, -2]


def test_what_is_over_already_is_tolerated_no_second_time() -> None:
    house = a_dock(laptops=10)
    ten = units(*(f"S-{number}" for number in range(1, 11)))
    house.hear(tolerated(20), a_delivery(*ten), a_delivery(a_unit("S-11")))

    house.hear(a_delivery(*units("S-12", "S-13")))

    assert figures(house) == (12, 0, 2)
    assert recorded(house) == [(Unexpected.NOTHING_OPEN, 1, ["S-13"])]


def test_the_tolerance_is_of_what_is_wanted_and_rounded_down() -> None:
    house = a_dock(laptops=10)
    nine = units(*(f"S-{number}" for number in range(1, 10)))

    house.hear(tolerated(25), a_cancellation(3), a_delivery(*nine))

    # One more than the seven wanted: the dock wins, so of the three wanted cancelled two are.
    assert figures(house) == (8, 0, 0)


def test_the_most_particular_tolerance_holds() -> None:
    house = a_dock()
    house.hear(tolerated(10), tolerated(5, vendor_number="V-1"), tolerated(50, vendor_number="V-2"))

    house.hear(RecordReceipt(order_id=ORDER, lines=(cables(120),)))

    assert figures(house, SECOND_LINE) == (105, 0, 5)
    house.hear(tolerated(12, sku="CABLE-1M"), RecordReceipt(order_id=ORDER, lines=(cables(20),)))
    assert figures(house, SECOND_LINE) == (112, 0, 12)


def test_a_tolerance_that_needs_an_approval_lets_the_surplus_wait_for_it() -> None:
    house = a_dock()
    house.hear(tolerated(10, needs_approval=True))

    house.hear(RecordReceipt(order_id=ORDER, lines=(cables(115),)))

    assert figures(house, SECOND_LINE) == (100, 0, 0)
    assert recorded(house) == [(Unexpected.NEEDS_APPROVAL, 10, []), (Unexpected.BEYOND_TOLERANCE, 5, [])]
    tolerable, too_much = sorted(house.all(UnexpectedDelivery), key=lambda each: each.number)
    attached = house.hear(AttachUnexpectedDelivery(number=tolerable.number, order_line_id=SECOND_LINE))
    refused = house.hear(AttachUnexpectedDelivery(number=too_much.number, order_line_id=SECOND_LINE))
    assert (attached.verdict, refused.code) == ("accepted", "receipt_exceeds_open")
    assert figures(house, SECOND_LINE) == (110, 0, 10)


def test_goods_without_an_order_are_noted() -> None:
    house = a_dock()

    ended = house.hear(
        RecordUnexpectedDelivery(
            description="a box of cables", quantity=4, location=SITE, storage_space=SPACE, sku="CABLE-1M"
        )
    )

    (delivery,) = house.all(UnexpectedDelivery)
    assert (delivery.why, delivery.quantity, delivery.order_id) == (Unexpected.NO_ORDER, 4, None)
    assert ended.decision.publish == [
        UnexpectedDeliveryRecorded(
            unexpected_id=delivery.id,
            number="UNX-000001",
            why=Unexpected.NO_ORDER,
            sku="CABLE-1M",
            description="a box of cables",
            quantity=4,
            recorded_by="dock",
        )
    ]


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"storage_space": "Z-99"}, "storage_space_unknown", "storage_space"),
        ({"units": units("S-1", "S-1"), "quantity": None}, "serial_repeated", "units[1].serial"),
    ],
)
def test_goods_without_an_order_are_put_somewhere_and_told_once(
    changes: dict[str, object], code: str, field: str
) -> None:
    values = {"description": "a box", "quantity": 4, "location": SITE, "storage_space": SPACE}

    ended = a_dock().hear(RecordUnexpectedDelivery.model_validate(values | changes))

    assert (ended.code, ended.rejection and ended.rejection.field) == (code, field)


def one_too_many(house: House) -> UnexpectedDelivery:
    """Of three laptops four came, with a shipment."""
    house.hear(
        RegisterShipment(
            order_id=ORDER, shipment_number="S-77", lines=(ShippedLine(order_line_id=LINE, quantity=4),)
        )
    )
    (shipment,) = house.all(Shipment)
    house.hear(a_delivery(*FIVE[:4], shipment_id=shipment.id, delivery_note="DN-1"))
    (delivery,) = house.all(UnexpectedDelivery)
    assert isinstance(delivery, UnexpectedDelivery)
    return delivery


def test_an_unexpected_delivery_is_attached_as_a_receipt_of_its_own() -> None:
    house = a_dock(laptops=3)
    delivery = one_too_many(house)
    house.hear(tolerated(50, sku="LAPTOP-14"))

    ended = house.hear(AttachUnexpectedDelivery(unexpected_id=delivery.id, order_line_id=LINE))

    (attached,) = house.all(UnexpectedDelivery)
    assert (ended.verdict, attached.status, figures(house)) == ("accepted", "attached", (4, 0, 1))
    receipt = house.records[Receipt][attached.receipt_id]
    assert (receipt.accepted, receipt.delivery_note, receipt.shipment_id) == (1, "DN-1", delivery.shipment_id)
    assert [(each.status, each.received) for each in house.all(Shipment)] == [("received", (4,))]
    assert {claim.serial for claim in house.all(RegisteredSerial)} == {"S-1", "S-2", "S-3", "S-4"}
    settled = [said for said in house.said if isinstance(said, UnexpectedDeliverySettled)]
    assert [(said.outcome, said.receipt_id) for said in settled] == [("attached", receipt.id)]


def test_an_unexpected_delivery_is_attached_to_no_line_that_has_no_room_for_it() -> None:
    house = a_dock(laptops=3)
    delivery = one_too_many(house)

    ended = house.hear(AttachUnexpectedDelivery(unexpected_id=delivery.id, order_line_id=LINE))

    assert (ended.code, figures(house)) == ("receipt_exceeds_open", (3, 0, 0))


def test_an_unexpected_delivery_is_attached_to_no_line_of_another_item() -> None:
    house = a_dock(laptops=3)
    delivery = one_too_many(house)

    ended = house.hear(AttachUnexpectedDelivery(unexpected_id=delivery.id, order_line_id=SECOND_LINE))

    assert ended.code == "unexpected_delivery_differs"


def test_a_serial_number_in_use_is_found_when_the_unit_is_attached() -> None:
    house = a_dock(laptops=1)
    house.hear(a_delivery(a_unit("S-1")), a_delivery(a_unit("S-1")), tolerated(100))
    (delivery,) = house.all(UnexpectedDelivery)

    ended = house.hear(AttachUnexpectedDelivery(unexpected_id=delivery.id, order_line_id=LINE))

    assert ended.code == "serial_taken"


def test_an_unexpected_delivery_goes_back() -> None:
    house = a_dock(laptops=3)
    delivery = one_too_many(house)

    ended = house.hear(ReturnUnexpectedDelivery(number=delivery.number, reason="not ordered", rma="RMA-1"))

    (returned,) = house.all(UnexpectedDelivery)
    assert (ended.verdict, returned.status, returned.rma) == ("accepted", "returned", "RMA-1")
    assert figures(house) == (3, 0, 0)


def test_what_is_settled_is_not_settled_again() -> None:
    house = a_dock(laptops=3)
    delivery = one_too_many(house)
    house.hear(ReturnUnexpectedDelivery(unexpected_id=delivery.id, reason="not ordered"))

    again = house.hear(ReturnUnexpectedDelivery(unexpected_id=delivery.id, reason="not ordered"))
    attached = house.hear(AttachUnexpectedDelivery(unexpected_id=delivery.id, order_line_id=LINE))

    assert (again.code, attached.code) == ("unexpected_delivery_settled", "unexpected_delivery_settled")


def test_an_unexpected_delivery_that_nobody_recorded_is_unknown() -> None:
    house = a_dock()

    ended = house.give_up(ReturnUnexpectedDelivery(number="UNX-000009", reason="not ordered"))

    assert ended.code == "unexpected_delivery_unknown"


def test_only_what_is_not_settled_can_be() -> None:
    assert UNEXPECTED_TRANSITIONS[UnexpectedStatus.RECORDED] == {
        UnexpectedStatus.ATTACHED,
        UnexpectedStatus.RETURNED,
    }
    assert (
        not UNEXPECTED_TRANSITIONS[UnexpectedStatus.ATTACHED]
        | (UNEXPECTED_TRANSITIONS[UnexpectedStatus.RETURNED])
    )


def test_a_line_of_which_only_surplus_came_stands_beside_one_that_is_received() -> None:
    house = a_dock(laptops=1)
    house.hear(a_cancellation(1))

    ended = house.hear(
        RecordReceipt(
            order_id=ORDER, lines=(LineToReceive(order_line_id=LINE, units=units("S-1")), cables(10))
        )
    )

    assert (ended.verdict, figures(house, SECOND_LINE)) == ("accepted", (10, 90, 0))
    assert recorded(house) == [(Unexpected.NOTHING_OPEN, 1, ["S-1"])]
