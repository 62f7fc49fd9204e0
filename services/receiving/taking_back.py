"""Units that were here and count no longer: what a reversal and a return to the vendor have in common."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import Record, Records
from libs.contracts.values import derived_id
from services.receiving.expectation import (
    ExpectedLine,
    ExpectedUnit,
    UnitStatus,
    units_away,
    units_followed,
)


@dataclass(frozen=True, kw_only=True)
class TakenBackUnit(Record):
    """A unit that a reversal or a return took back, with the serial number that it had and the receipt it came by.

    Its id follows from both: the serial number is the unit's until assets says that it has taken it back, too.
    """

    APPEND_ONLY: ClassVar[bool] = True

    take_back_id: UUID
    order_line_id: UUID
    asset_id: UUID
    unit_number: int
    serial: str
    receipt_id: UUID | None


def taken_back_id(take_back_id: UUID, asset_id: UUID) -> UUID:
    """Where it is noted that a unit was taken back by this reversal or return."""
    return derived_id("taken-back", take_back_id, asset_id)


def reversed_line_id(receipt_line_id: UUID) -> UUID:
    """The receipt line that takes back this one, if one does."""
    return derived_id("reversed-line", receipt_line_id)


def take_back(
    line: ExpectedLine, units: Iterable[ExpectedUnit], by: UUID, held: Records, *, credited: bool = False
) -> list[Record]:
    """These units of the line, as it stands by now, are not here any more: what is to be saved of its units.

    They come again as far as the line wants so many; a unit that nobody ordered never does. All units of the line
    that are not here must be held.
    """
    notes: list[Record] = []
    gone: list[ExpectedUnit] = []
    for unit in units:
        notes.append(
            TakenBackUnit(
                id=taken_back_id(by, unit.id),
                take_back_id=by,
                order_line_id=line.id,
                asset_id=unit.id,
                unit_number=unit.unit_number,
                serial=unit.serial or "",
                receipt_id=unit.receipt_id,
            )
        )
        status = UnitStatus.RETURNED if credited else UnitStatus.CANCELLED
        gone.append(unit.become(status, receipt_id=None, reopened_by=by, given_back=credited))
    saved = {unit.id: unit for unit in gone}
    saved |= {unit.id: unit for unit in units_followed(line, [*units_away(held, line.id), *gone])}
    return [*saved.values(), *notes]
