"""Files of shipments: what a row says, and what it says that cannot be."""

from datetime import date
from typing import Any

import pytest

from libs.chassis.import_files import RowInvalid, command_of
from libs.contracts.shipments import RegisterShipment, ShippedLine
from services.receiving.api.imports import SHIPMENTS


def a_row(**cells: str) -> dict[str, Any]:
    return {
        "requisition_number": "PR-000001",
        "shipment_number": "DN-1",
        "items": "LAPTOP-14:2",
    } | cells


def test_a_row_is_a_shipment_with_its_items_serials_and_packages() -> None:
    row = a_row(
        items="LAPTOP-14:2; CABLE-1M:10;",
        serials="LAPTOP-14:S-1 S-2",
        packages="003456789012345670",
        carrier="Parcels",
        tracking_number="1Z-1",
        dispatched_on="2026-03-30",
    )

    command = command_of(SHIPMENTS, "csv", row)

    assert command == RegisterShipment(
        requisition_number="PR-000001",
        shipment_number="DN-1",
        carrier="Parcels",
        tracking_number="1Z-1",
        dispatched_on=date(2026, 3, 30),
        packages=("003456789012345670",),
        lines=(
            ShippedLine(sku="LAPTOP-14", quantity=2, serials=("S-1", "S-2")),
            ShippedLine(sku="CABLE-1M", quantity=10),
        ),
    )


def test_serial_numbers_of_any_signs_are_told_as_json() -> None:
    command = command_of(SHIPMENTS, "csv", a_row(serials='{"LAPTOP-14": ["S;1", "S:2"]}'))

    assert isinstance(command, RegisterShipment)
    assert command.lines[0].serials == ("S;1", "S:2")


@pytest.mark.parametrize(
    ("cells", "field"),
    [
        ({"items": "LAPTOP-14"}, "items"),
        ({"items": "LAPTOP-14:two"}, "items"),
        ({"items": "LAPTOP-14:1; LAPTOP-14:1"}, "items"),
        ({"items": "LAPTOP-14:0"}, "lines.0.quantity"),
        ({"items": ";"}, "lines"),
        ({"serials": "CABLE-1M:S-1"}, "serials"),
        ({"serials": "S-1 S-2"}, "serials"),
        ({"serials": "{"}, "serials"),
        ({"serials": '{"LAPTOP-14": "S-1"}'}, "serials"),
        ({"serials": "LAPTOP-14:S-1 S-2 S-3"}, "lines.0"),
        ({"packages": "003456789012345671"}, "packages.0"),
        ({"expected_on": "soon"}, "expected_on"),
        ({"purchase_order_number": "PO-1"}, None),
    ],
)
def test_a_row_that_cannot_be_is_told_where(cells: dict[str, str], field: str | None) -> None:
    with pytest.raises(RowInvalid) as refused:
        command_of(SHIPMENTS, "csv", a_row(**cells))

    assert refused.value.field == field
