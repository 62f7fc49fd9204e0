"""Shipments: registered once, taken with or without them, received when all of it came."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from libs.contracts.shipments import (
    RegisterShipment,
    ShipmentReceived,
    ShipmentRegistered,
    ShipmentStatus,
    ShippedLine,
)
from libs.contracts.values import Kind, derived_id
from services.receiving import expectation, place, receipt, shipment
from services.receiving.expectation import ExpectedOrder
from services.receiving.manifest import AnnouncedSerial, Package, package_id
from services.receiving.receipt import Receipt
from services.receiving.serial import serial_id
from services.receiving.shipment import Shipment, shipment_id_of
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
    units,
)

OTHER_ORDER = derived_id("test-order", 2)


def a_dock() -> House:
    """Two orders of one vendor are expected: three laptops and some software; and a laptop."""
    house = House(expectation.HANDLERS, receipt.HANDLERS, shipment.HANDLERS, place.HANDLERS)
    first = an_order(an_ordered_line(3), an_ordered_line(1, line=SECOND_LINE, kind=Kind.SOFTWARE))
    second = an_order(an_ordered_line(1, line=UUID(int=9)), order=OTHER_ORDER, number="PR-000002")
    house.hear(a_place(), first.model_copy(update={"purchase_order_number": "PO-1"}), second)
    return house


def a_shipment(quantity: int = 2, *serials: str, **changes: Any) -> RegisterShipment:
    values: dict[str, Any] = {
        "order_id": ORDER,
        "shipment_number": "DN-77",
        "carrier": "Parcels",
        "tracking_number": "1Z-1",
        "location": SITE,
        "storage_space": SPACE,
        "lines": (ShippedLine(order_line_id=LINE, quantity=quantity, serials=serials),),
    }
    return RegisterShipment(**values | changes)


def the_shipment(house: House) -> Shipment:
    (found,) = house.all(Shipment)
    assert isinstance(found, Shipment)
    return found


def test_a_shipment_is_announced_with_what_is_in_it() -> None:
    house = a_dock()

    ended = house.hear(a_shipment(2, "S-1", "S-2", invoice_number="INV-1"))

    found = the_shipment(house)
    assert (found.status, found.received, found.invoice_number) == (ShipmentStatus.ANNOUNCED, (0,), "INV-1")
    assert ended.decision.answer["number"] == found.number
    (said,) = [each for each in house.said if isinstance(each, ShipmentRegistered)]
    assert (said.order_id, said.lines[0].quantity, said.storage_space) == (ORDER, 2, SPACE)


def test_a_vendor_s_shipment_stands_once_whatever_the_vendor_is_called_by_then() -> None:
    house = a_dock()
    renamed = an_order(an_ordered_line(1, line=UUID(int=11)), order=UUID(int=12), number="PR-000003")
    house.hear(renamed.model_copy(update={"vendor_name": "Vendor 01 Ltd."}), a_shipment())

    again = house.hear(a_shipment(order_id=UUID(int=12), lines=(_one_of(11),)))

    assert again.code == "shipment_number_reused"


def test_two_vendors_of_one_name_number_their_shipments_as_they_like() -> None:
    house = a_dock()
    other = an_order(an_ordered_line(1, line=UUID(int=11)), order=UUID(int=12), number="PR-000003")
    house.hear(other.model_copy(update={"vendor_id": derived_id("vendor", 2)}), a_shipment())

    theirs = house.hear(a_shipment(order_id=UUID(int=12), lines=(_one_of(11),), tracking_number="1Z-2"))

    assert (theirs.verdict, len(house.all(Shipment))) == ("accepted", 2)


def test_an_order_of_which_only_its_vendor_s_name_is_known_keeps_to_that() -> None:
    (order,) = a_dock().all(ExpectedOrder, id=ORDER)

    before = shipment_id_of(replace(order, vendor_id=None), "DN-77")

    assert before == derived_id("shipment", "Vendor 01", "DN-77")


def _one_of(line: int) -> ShippedLine:
    return ShippedLine(order_line_id=UUID(int=line), quantity=1)


@pytest.mark.parametrize("name", [{"requisition_number": "PR-000001"}, {"purchase_order_number": "PO-1"}])
def test_its_order_is_named_by_number(name: dict[str, Any]) -> None:
    house = a_dock()

    house.hear(a_shipment(order_id=None, **name))

    assert the_shipment(house).order_id == ORDER


def test_without_a_location_it_goes_where_the_order_does() -> None:
    house = a_dock()

    house.hear(a_shipment(location=None, storage_space=None))

    assert (the_shipment(house).location, the_shipment(house).storage_space) == (SITE, None)


def test_the_same_shipment_again_is_a_duplicate() -> None:
    house = a_dock()
    first = house.hear(a_shipment())

    again = house.hear(a_shipment())

    assert (again.verdict, again.decision.answer) == ("duplicate", first.decision.answer)


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        (
            {"lines": (ShippedLine(order_line_id=LINE, quantity=3),)},
            "shipment_number_reused",
            "shipment_number",
        ),
        ({"order_id": OTHER_ORDER}, "order_line_unknown", "lines[0].order_line_id"),
        ({"shipment_number": "DN-78"}, "shipment_number_reused", "tracking_number"),
    ],
)
def test_what_another_shipment_has_is_refused(changes: dict[str, Any], code: str, field: str) -> None:
    house = a_dock()
    house.hear(a_shipment())

    ended = house.hear(a_shipment(**changes))

    assert ended.rejection is not None
    assert (ended.code, ended.rejection.field) == (code, field)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"location": "NOWHERE", "storage_space": None}, "location_unknown"),
        ({"storage_space": "Z-99"}, "storage_space_unknown"),
        ({"lines": (ShippedLine(order_line_id=SECOND_LINE, quantity=1),)}, "kind_not_received"),
        ({"lines": (ShippedLine(order_line_id=LINE, quantity=1),) * 2}, "order_line_repeated"),
    ],
)
def test_a_shipment_that_cannot_be_is_refused(changes: dict[str, Any], code: str) -> None:
    assert a_dock().hear(a_shipment(**changes)).code == code


def test_one_of_an_unknown_order_waits_and_is_refused_in_the_end() -> None:
    house = a_dock()
    unknown = a_shipment(order_id=UUID(int=5))

    assert house.hear(unknown).verdict == "waiting"
    assert house.give_up(unknown).code == "order_unknown"


def test_it_is_received_when_all_of_it_came() -> None:
    house = a_dock()
    house.hear(a_shipment(2))
    id = the_shipment(house).id

    house.hear(a_delivery(a_unit("S-1"), shipment_id=id))
    assert (the_shipment(house).status, the_shipment(house).received) == (ShipmentStatus.ARRIVED, (1,))

    house.hear(a_delivery(a_unit("S-2"), shipment_id=id))

    assert the_shipment(house).status is ShipmentStatus.RECEIVED
    assert len([each for each in house.said if isinstance(each, ShipmentReceived)]) == 1
    assert {each.shipment_id for each in house.all(Receipt)} == {id}
    assert {each.shipment_id for each in goods_said(house)} == {id}


def test_more_than_was_shipped_is_taken_within_the_order() -> None:
    house = a_dock()
    house.hear(a_shipment(1))

    ended = house.hear(a_delivery(*units("S-1", "S-2"), shipment_id=the_shipment(house).id))

    assert ended.verdict == "accepted"
    assert (the_shipment(house).received, the_shipment(house).status) == ((2,), ShipmentStatus.RECEIVED)


def test_goods_come_without_a_shipment() -> None:
    house = a_dock()
    house.hear(a_shipment(1))

    house.hear(a_delivery(a_unit("S-1")))

    assert the_shipment(house).status is ShipmentStatus.ANNOUNCED


def test_a_receipt_is_of_the_order_of_its_shipment() -> None:
    house = a_dock()
    house.hear(a_shipment(1))
    id = the_shipment(house).id

    ended = house.hear(a_delivery(a_unit("S-1"), line=UUID(int=9), order_id=OTHER_ORDER, shipment_id=id))

    assert ended.code == "shipment_for_other_order"


def test_a_receipt_under_an_unknown_shipment_waits_and_is_refused_in_the_end() -> None:
    house = a_dock()
    delivery = a_delivery(a_unit("S-1"), shipment_id=UUID(int=5))

    assert house.hear(delivery).verdict == "waiting"
    assert house.give_up(delivery).code == "shipment_unknown"


def test_a_line_is_named_by_its_item() -> None:
    house = House(expectation.HANDLERS, shipment.HANDLERS, place.HANDLERS)
    house.hear(a_place(), an_order(), a_shipment())

    again = house.hear(a_shipment(lines=(ShippedLine(sku="LAPTOP-14", quantity=2),)))

    assert (again.verdict, the_shipment(house).lines[0].order_line_id) == ("duplicate", LINE)


def test_an_item_of_several_lines_names_none_of_them() -> None:
    house = a_dock()
    lines = an_ordered_line(1, line=UUID(int=11)), an_ordered_line(1, line=UUID(int=13))
    house.hear(an_order(*lines, order=UUID(int=12), number="PR-000003"))

    ended = house.hear(a_shipment(order_id=UUID(int=12), lines=(ShippedLine(sku="LAPTOP-14", quantity=1),)))

    assert ended.rejection is not None
    assert (ended.code, ended.rejection.field) == ("shipment_ambiguous", "lines[0].sku")


def test_an_item_that_was_not_ordered_names_no_line() -> None:
    ended = a_dock().hear(a_shipment(lines=(ShippedLine(sku="DOCK-1", quantity=1),)))

    assert ended.rejection is not None
    assert (ended.code, ended.rejection.field) == ("order_line_unknown", "lines[0].sku")


@pytest.mark.parametrize("name", [{}, {"order_line_id": LINE, "sku": "LAPTOP-14"}])
def test_a_shipped_line_is_named_in_one_way(name: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="either order_line_id or sku"):
        ShippedLine(**name, quantity=1)


def test_each_announced_serial_leads_to_its_shipment_and_line() -> None:
    house = a_dock()

    house.hear(a_shipment(2, "S-1", "S-2"))

    found = house.all(AnnouncedSerial, serial_id=serial_id("S-2"))
    assert [(each.serial, each.sku, each.order_id, each.order_line_id) for each in found] == [
        ("S-2", "LAPTOP-14", ORDER, LINE)
    ]
    assert (found[0].shipment_id, the_shipment(house).announced) == (the_shipment(house).id, (2,))


def test_two_lines_of_an_item_announce_a_serial_once() -> None:
    house = a_dock()
    ids = UUID(int=11), UUID(int=13)
    house.hear(an_order(*(an_ordered_line(1, line=id) for id in ids), order=UUID(int=12), number="PR-000003"))
    lines = tuple(ShippedLine(order_line_id=id, quantity=1, serials=("S-1",)) for id in ids)

    ended = house.hear(a_shipment(order_id=UUID(int=12), lines=lines))

    assert ended.rejection is not None
    assert (ended.code, ended.rejection.field) == ("serial_repeated", "lines[1].serials[0]")


def test_a_package_leads_to_its_shipment() -> None:
    house = a_dock()

    house.hear(a_shipment(packages=("003456789012345670",)))

    (package,) = house.all(Package, id=package_id("003456789012345670"))
    assert (package.shipment_id, the_shipment(house).packages) == (
        the_shipment(house).id,
        ("003456789012345670",),
    )


def test_a_package_is_in_one_shipment() -> None:
    house = a_dock()
    house.hear(a_shipment(packages=("003456789012345670",)))

    other = a_shipment(shipment_number="DN-78", tracking_number="1Z-2", packages=("003456789012345670",))

    assert house.hear(other).code == "package_number_reused"


@pytest.mark.parametrize("serials", [("S-1", "S-1"), ("S-1", "S-2", "S-3")])
def test_a_manifest_names_each_unit_once(serials: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="serial numbers"):
        ShippedLine(order_line_id=LINE, quantity=2, serials=serials)
