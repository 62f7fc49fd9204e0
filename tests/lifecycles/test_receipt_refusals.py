"""Deliveries that are refused: each check once, and none leaves a trace."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from libs.contracts.receiving import LineToReceive, RecordReceipt, UnitToReceive
from libs.contracts.values import (
    Kind,
    asset_id_of,
)
from services.receiving import expectation, place, receipt
from tests.builders_dock import (
    LINE,
    NOON,
    ORDER,
    SECOND_LINE,
    SITE,
    SPACE,
    Ended,
    House,
    a_cancellation,
    a_delivery,
    a_place,
    a_unit,
    an_order,
    an_ordered_line,
    tags_of,
    units,
)

ANOTHER_ORDER = UUID(int=1)
ANOTHER_ITEM = an_ordered_line(2, line=SECOND_LINE, sku="MONITOR-27", name="Monitor 27")


def a_dock() -> House:
    """Three laptops and two monitors are expected."""
    house = House(expectation.HANDLERS, receipt.HANDLERS, place.HANDLERS)
    house.hear(a_place(), an_order(an_ordered_line(3), ANOTHER_ITEM))
    return house


def refused(house: House, delivery: RecordReceipt) -> tuple[str | None, str | None]:
    """The code and field of a refusal, which leaves no trace."""
    before = {of: dict(records) for of, records in house.records.items()}

    ended = house.hear(delivery)

    assert (ended.verdict, house.records) == ("rejected", before)
    assert ended.rejection is not None
    return ended.code, ended.rejection.field


def test_a_delivery_for_an_order_nobody_submitted_waits_and_is_then_refused() -> None:
    house = a_dock()
    delivery = a_delivery(a_unit(), order_id=ANOTHER_ORDER)

    waiting = house.hear(delivery)

    assert waiting == Ended("waiting")
    ended = house.give_up(delivery)
    assert (ended.verdict, ended.code) == ("rejected", "order_unknown")


def test_a_delivery_that_names_an_unknown_number_is_refused_in_the_end() -> None:
    house = a_dock()

    ended = house.give_up(a_delivery(a_unit(), order_id=None, requisition_number="PR-000009"))

    assert ended.rejection is not None
    assert (ended.code, ended.rejection.field) == ("order_unknown", "requisition_number")


def test_a_line_nobody_ordered_is_refused() -> None:
    assert refused(a_dock(), a_delivery(a_unit(), line=uuid4())) == (
        "order_line_unknown",
        "lines[0].order_line_id",
    )


def test_a_line_of_another_order_is_refused() -> None:
    house = a_dock()
    line = an_ordered_line(1, line=UUID(int=9))
    house.hear(an_order(line, order=ANOTHER_ORDER, number="PR-000002"))

    assert refused(house, a_delivery(a_unit(), line=line.order_line_id)) == (
        "order_line_unknown",
        "lines[0].order_line_id",
    )


def test_a_delivery_of_tomorrow_is_refused() -> None:
    two_days_later = NOON.date() + timedelta(days=2)

    assert refused(a_dock(), a_delivery(a_unit(), received_on=two_days_later)) == (
        "date_in_future",
        "received_on",
    )


def test_more_than_is_open_in_several_spaces_together_is_refused() -> None:
    lines = tuple(LineToReceive(order_line_id=LINE, units=units(*some)) for some in (("1", "2"), ("3", "4")))

    assert refused(a_dock(), RecordReceipt(order_id=ORDER, lines=lines, surplus="refuse")) == (
        "receipt_exceeds_open",
        "lines[1].units",
    )


def test_a_serial_number_twice_in_two_spaces_is_refused() -> None:
    lines = tuple(LineToReceive(order_line_id=LINE, units=units("S-1")) for _ in range(2))

    assert refused(a_dock(), RecordReceipt(order_id=ORDER, lines=lines)) == (
        "serial_repeated",
        "lines[1].units[0].serial",
    )


def test_a_line_put_into_a_place_nobody_defined_is_refused() -> None:
    line = LineToReceive(
        order_line_id=LINE, units=(UnitToReceive(serial="S-1"),), location=SITE, storage_space="Z-99"
    )

    assert refused(a_dock(), RecordReceipt(order_id=ORDER, lines=(line,))) == (
        "storage_space_unknown",
        "lines[0].storage_space",
    )


@pytest.mark.parametrize("quantity", [0, -1])
def test_a_quantity_that_is_none_is_no_delivery(quantity: int) -> None:
    with pytest.raises(ValidationError):
        LineToReceive(order_line_id=LINE, quantity=quantity, location=SITE, storage_space=SPACE)


def test_a_delivery_for_a_shipment_nobody_told_of_waits_and_is_then_refused() -> None:
    house = a_dock()
    delivery = a_delivery(a_unit(), order_id=None, shipment_id=UUID(int=5))

    waiting = house.hear(delivery)

    assert waiting == Ended("waiting")
    ended = house.give_up(delivery)
    assert (ended.verdict, ended.code) == ("rejected", "shipment_unknown")


def test_more_than_is_open_is_refused_by_who_wants_no_surplus() -> None:
    assert refused(a_dock(), a_delivery(*units("S-1", "S-2", "S-3", "S-4"), surplus="refuse")) == (
        "receipt_exceeds_open",
        "lines[0].units",
    )


def test_goods_for_a_cancelled_line_are_refused_by_who_wants_no_surplus() -> None:
    house = a_dock()
    house.hear(a_cancellation(3))

    assert refused(house, a_delivery(a_unit(), surplus="refuse")) == (
        "receipt_exceeds_open",
        "lines[0].units",
    )


def test_a_line_of_which_nothing_came_is_refused() -> None:
    assert refused(a_dock(), a_delivery()) == ("receipt_empty", "lines[0]")


def test_rejecting_without_a_reason_is_refused() -> None:
    assert refused(a_dock(), a_delivery(rejected=1)) == (
        "rejection_reason_missing",
        "lines[0].rejection_reason",
    )


def test_units_of_what_is_no_hardware_are_refused() -> None:
    house = House(expectation.HANDLERS, receipt.HANDLERS, place.HANDLERS)
    house.hear(a_place(), an_order(an_ordered_line(1, kind=Kind.CONSUMABLE)))

    assert refused(house, a_delivery(a_unit())) == ("kind_not_received", "lines[0].units")


def test_a_serial_number_twice_in_a_delivery_is_refused() -> None:
    assert refused(a_dock(), a_delivery(*units("S-1", "S-1"))) == (
        "serial_repeated",
        "lines[0].units[1].serial",
    )


def test_a_serial_number_of_an_earlier_delivery_is_refused() -> None:
    house = a_dock()
    house.hear(a_delivery(a_unit("S-1")))

    assert refused(house, a_delivery(*units("S-2", "S-1"))) == ("serial_taken", "lines[0].units[1].serial")


@pytest.mark.parametrize("unit_number", [1, 4])
def test_naming_a_unit_that_is_not_open_is_refused(unit_number: int) -> None:
    house = a_dock()
    house.hear(a_delivery(a_unit("S-1")))

    delivery = a_delivery(a_unit("S-2", asset_id=asset_id_of(LINE, unit_number)))

    assert refused(house, delivery) == ("unit_not_open", "lines[0].units[0].asset_id")


def test_naming_a_unit_of_another_line_is_refused() -> None:
    delivery = a_delivery(a_unit(asset_id=asset_id_of(SECOND_LINE, 1)))

    assert refused(a_dock(), delivery) == ("unit_not_open", "lines[0].units[0].asset_id")


def test_naming_a_unit_twice_is_refused() -> None:
    first = asset_id_of(LINE, 1)
    delivery = a_delivery(a_unit("S-1", asset_id=first), a_unit("S-2", asset_id=first))

    assert refused(a_dock(), delivery) == ("unit_not_open", "lines[0].units[1].asset_id")


def test_a_label_that_is_on_another_unit_is_refused() -> None:
    house = a_dock()
    house.hear(a_delivery(a_unit("S-1", tag="LABEL-1")))

    assert refused(house, a_delivery(a_unit("S-2", tag="LABEL-1"))) == ("tag_taken", "lines[0].units[0].tag")


def test_a_label_on_two_units_of_a_delivery_is_refused() -> None:
    delivery = a_delivery(a_unit("S-1", tag="LABEL-1"), a_unit("S-2", tag="LABEL-1"))

    assert refused(a_dock(), delivery) == ("tag_taken", "lines[0].units[1].tag")


def test_our_own_tag_of_another_unit_is_refused() -> None:
    house = a_dock()
    house.hear(tags_of(1))

    assert refused(house, a_delivery(a_unit(tag="QM-00000002"))) == ("tag_taken", "lines[0].units[0].tag")


def test_a_place_nobody_defined_is_refused() -> None:
    assert refused(a_dock(), a_delivery(a_unit(location="NOWHERE"))) == (
        "location_unknown",
        "lines[0].units[0].location",
    )


def test_a_place_that_is_closed_is_refused() -> None:
    house = a_dock()
    house.hear(a_place(active=False), sequence=2)

    assert refused(house, a_delivery(a_unit())) == ("location_unknown", "lines[0].units[0].location")


def test_a_storage_space_nobody_defined_is_refused() -> None:
    assert refused(a_dock(), a_delivery(a_unit(storage_space="Z-99"))) == (
        "storage_space_unknown",
        "lines[0].units[0].storage_space",
    )
