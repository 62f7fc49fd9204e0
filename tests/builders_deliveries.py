"""What tests of unexpected, partial and strict deliveries are built from."""

from decimal import Decimal
from uuid import UUID

from libs.contracts.deliveries import DefineReceiptTolerance, DefineReceivingPolicy
from libs.contracts.receiving import LineToReceive
from libs.contracts.values import Kind
from services.receiving import (
    expectation,
    invoiced,
    place,
    receipt,
    reversal,
    settling,
    shipment,
    strictness,
    unexpected,
)
from services.receiving.expectation import ExpectedLine, ExpectedUnit, UnitStatus
from tests.builders_dock import LINE, SECOND_LINE, SITE, SPACE, House, a_place, an_order, an_ordered_line

CABLES = an_ordered_line(100, line=SECOND_LINE, sku="CABLE-1M", name="Cable 1 m", kind=Kind.CONSUMABLE)


def a_dock(laptops: int = 10) -> House:
    """Some laptops and a hundred cables are expected."""
    house = House(
        expectation.HANDLERS,
        receipt.HANDLERS,
        reversal.HANDLERS,
        place.HANDLERS,
        shipment.HANDLERS,
        strictness.HANDLERS,
        unexpected.HANDLERS,
        settling.HANDLERS,
        invoiced.HANDLERS,
    )
    order = an_order(an_ordered_line(laptops), CABLES).model_copy(update={"vendor_number": "V-1"})
    house.hear(a_place(), order)
    return house


def tolerated(percent: int, **changes: object) -> DefineReceiptTolerance:
    """So many percent more may be accepted."""
    return DefineReceiptTolerance.model_validate({"percent": Decimal(percent)} | changes)


def only_full(*kinds: Kind) -> DefineReceivingPolicy:
    """Of these kinds only full deliveries are taken."""
    return DefineReceivingPolicy.model_validate({"full_delivery_only": kinds})


def cables(quantity: int | None, *, space: str = SPACE, **changes: object) -> LineToReceive:
    """So many cables in one space."""
    values = {
        "order_line_id": SECOND_LINE,
        "quantity": quantity,
        "location": SITE,
        "storage_space": space,
    }
    return LineToReceive.model_validate(values | changes)


def figures(house: House, line: UUID = LINE) -> tuple[int, int, int]:
    """How many of a line were accepted, are open and are over."""
    (found,) = house.all(ExpectedLine, id=line)
    return found.accepted, found.open, found.over


def here(house: House) -> list[int]:
    """The numbers of the laptops that are here."""
    units = house.all(ExpectedUnit, order_line_id=LINE, status=UnitStatus.RECEIVED)
    return sorted(unit.unit_number for unit in units)
