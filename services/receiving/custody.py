"""What assets says of units that came: who has them, what is used up, and what could not be taken back."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

from libs.chassis.decision import (
    Cause,
    Decision,
    Early,
    Handler,
    Handlers,
    Key,
    Keys,
    Many,
    NamedBy,
    Record,
    Records,
)
from libs.contracts.assets import (
    AssetsTakenBack,
    HandoverAcknowledged,
    ReversalConflictFound,
    StockIssued,
)
from libs.contracts.receiving import Condition, GoodsReceived, ReceivedLine, ReceivedUnit
from libs.contracts.values import derived_id
from services.receiving.expectation import (
    AWAY,
    ExpectedLine,
    ExpectedOrder,
    ExpectedUnit,
    UnitStatus,
    is_here,
    units_away,
    units_followed,
    units_held,
)
from services.receiving.goods import in_parts
from services.receiving.receipt import Receipt, ReceiptLine, ReceiptUnit, receipt_unit_id
from services.receiving.returning import ReturnLine
from services.receiving.serial import RegisteredSerial, serial_id
from services.receiving.taking_back import TakenBackUnit, taken_back_id


def acknowledge(fact: HandoverAcknowledged, held: Records, _: Cause) -> Decision:
    """Somebody has these units: the dock does not take them back any more.

    Of one that it has taken back meanwhile assets will say that this could not be.
    """
    units = [unit for id in fact.asset_ids if (unit := held.find(ExpectedUnit, id))]
    here = [unit for unit in units if unit.status is UnitStatus.RECEIVED and not unit.acknowledged]
    return Decision(save=[replace(unit, acknowledged=True) for unit in here])


def issue(fact: StockIssued, held: Records, _: Cause) -> Decision:
    """So much of a consumable is used up: the dock does not take that back any more."""
    line = held.find(ExpectedLine, fact.order_line_id) if fact.order_line_id else None
    return Decision(save=[replace(line, issued=line.issued + fact.quantity)] if line else [])


def release(fact: AssetsTakenBack, held: Records, _: Cause) -> Decision:
    """Another unit may come with a serial number that one had, unless that one came again with it meanwhile."""
    freed: dict[UUID, RegisteredSerial] = {}
    for gone in fact.units:
        taken = held.find(TakenBackUnit, taken_back_id(fact.take_back_id, gone.asset_id))
        unit = held.find(ExpectedUnit, gone.asset_id)
        if taken is None:
            continue
        id = serial_id(taken.serial)
        claim = freed.get(id) or held.find(RegisteredSerial, id)
        if claim is None or gone.asset_id not in claim.assets:
            continue
        came_again = unit and (unit.status is UnitStatus.RECEIVED or unit.reopened_by != fact.take_back_id)
        if unit and came_again and unit.serial == taken.serial:
            continue
        freed[id] = claim.freed(gone.asset_id)
    return Decision(save=list(freed.values()))


def record_again(fact: ReversalConflictFound, held: Records, cause: Cause) -> Decision:
    """What was taken back is here all the same: it is recorded again, as the same units, by a receipt of its own.

    One that came again with its serial number needs no receipt. Where another thing was taken for it meanwhile, that is
    a unit of its own, beside it.
    """
    line = held.find(ExpectedLine, fact.order_line_id)
    if line is None:
        return Decision()
    receipt_id = cause.id("receipt")
    here: list[ExpectedUnit] = []
    save: dict[UUID, Record] = {}
    said: list[ReceivedUnit] = []
    for asset_id in fact.asset_ids:
        unit = held.find(ExpectedUnit, asset_id)
        taken = held.find(TakenBackUnit, taken_back_id(fact.take_back_id, asset_id))
        if unit is None or taken is None:
            continue
        if unit.status is UnitStatus.RECEIVED and unit.serial == taken.serial:
            save[unit.id] = replace(unit, acknowledged=True)
            continue
        if unit.status is UnitStatus.RECEIVED:
            for record in _beside(unit, held):
                save[record.id] = record
            same = replace(unit, receipt_id=receipt_id, serial=taken.serial)
        else:
            for record in _beside_and_gone(unit, taken, held):
                save[record.id] = record
            same = is_here(unit, receipt_id, taken.serial)
        here.append(replace(same, acknowledged=True))
        said.append(_as_it_was(unit, taken, line, held))
    quantity = fact.quantity or len(here)
    if not quantity:
        return Decision(save=list(save.values()))
    line = replace(line, accepted=line.accepted + quantity)
    save |= {unit.id: unit for unit in here}
    rest = [unit for unit in units_away(held, line.id) if unit.id not in save]
    save |= {unit.id: unit for unit in units_followed(line, rest)}
    recorded = _recorded(fact, line, said, quantity, held, cause)
    return Decision(save=[line, *save.values(), *recorded.save], publish=recorded.publish)


def _beside(unit: ExpectedUnit, held: Records) -> Iterator[Record]:
    """What came in the unit's place is a unit of its own, as assets calls it, with its serial number."""
    assert unit.receipt_id is not None  # it came
    assert unit.serial is not None
    id, number = _beside_id(unit.id, unit.receipt_id)
    yield replace(unit, id=id, version=0, unit_number=number, tag=None, reopened_by=None, acknowledged=False)
    claim = held.find(RegisteredSerial, serial_id(unit.serial))
    sku = held[ExpectedLine, unit.order_line_id].sku
    if claim and claim.unit_of(sku) == unit.id:
        yield claim.freed(unit.id).claimed(sku, id)


def _beside_and_gone(unit: ExpectedUnit, taken: TakenBackUnit, held: Records) -> Iterator[Record]:
    """What had come in the unit's place and was taken back, too, had been a unit of its own, with its serial number."""
    if unit.reopened_by in (None, taken.take_back_id) or unit.serial == taken.serial:
        return
    later = next((each for id in _taken_last(unit) if (each := held.find(TakenBackUnit, id))), None)
    if later is None or later.receipt_id is None:
        return
    id, number = _beside_id(unit.id, later.receipt_id)
    yield replace(later, id=taken_back_id(later.take_back_id, id), version=0, asset_id=id, unit_number=number)
    claim = held.find(RegisteredSerial, serial_id(later.serial))
    sku = held[ExpectedLine, unit.order_line_id].sku
    if claim and claim.unit_of(sku) == unit.id:
        yield claim.freed(unit.id).claimed(sku, id)


def _beside_id(asset_id: UUID, receipt_id: UUID) -> tuple[UUID, int]:
    """What assets calls a unit that this receipt brought in the place of one that was here all the time."""
    id = derived_id("beside", asset_id, receipt_id)
    return id, -(2**31 + id.int % 2**31)


def _as_it_was(unit: ExpectedUnit, taken: TakenBackUnit, line: ExpectedLine, held: Records) -> ReceivedUnit:
    """The unit as its receipt had recorded it."""
    told = held.find(ReceiptUnit, _told_of(taken)[0]) if taken.receipt_id else None
    return ReceivedUnit(
        asset_id=unit.id,
        unit_number=unit.unit_number,
        serial=taken.serial,
        condition=told.condition if told else Condition.NEW,
        location=told.location if told else held[ExpectedOrder, line.order_id].deliver_to,
        storage_space=told.storage_space if told else "",
    )


def _recorded(
    fact: ReversalConflictFound,
    line: ExpectedLine,
    units: list[ReceivedUnit],
    quantity: int,
    held: Records,
    cause: Cause,
) -> Decision:
    """The receipt, and what is said of it: nothing came, but it counts again."""
    order = held[ExpectedOrder, line.order_id]
    receipt_id, line_id = cause.id("receipt"), cause.id("receipt_line")
    number = f"RCV-{cause.numbers['receipt_number'][0]:06d}"
    location, storage_space = (None, None) if units else _place_of_quantity(line, held)
    received = ReceivedLine(
        receipt_line_id=line_id,
        order_line_id=line.id,
        request_id=line.request_id or order.request_id,
        request_line_id=line.request_line_id,
        sku=line.sku,
        accepted=quantity,
        rejected=0,
        asset_creation=line.asset_creation,
        units=tuple(units),
        location=location,
        storage_space=storage_space,
    )
    facts = [
        GoodsReceived(
            receipt_id=receipt_id,
            receipt_number=number,
            said=said,
            order_id=order.id,
            request_id=order.request_id,
            received_by=cause.sender,
            again=True,
            lines=lines,
        )
        for said, lines in enumerate(in_parts([received]), 1)
    ]
    receipt = Receipt(
        id=receipt_id,
        number=number,
        order_id=order.id,
        request_id=order.request_id,
        received_by=cause.sender,
        received_at=cause.at,
        received_on=cause.at.date(),
        delivery_note=None,
        accepted=quantity,
        rejected=0,
        order_line_ids=(line.id,),
        said=len(facts),
        reason=fact.reason,
    )
    taken = ReceiptLine(
        id=line_id,
        receipt_id=receipt_id,
        order_line_id=line.id,
        sku=line.sku,
        accepted=quantity,
        rejected=0,
        rejection_reason=None,
        location=location,
        storage_space=storage_space,
    )
    rows_of_units = [
        ReceiptUnit(
            id=receipt_unit_id(receipt_id, unit.asset_id),
            receipt_line_id=line_id,
            **{name: value for name, value in unit if name != "after"},
        )
        for unit in units
    ]
    return Decision(save=[receipt, taken, *rows_of_units], publish=facts)


def _place_of_quantity(line: ExpectedLine, held: Records) -> tuple[str | None, str | None]:
    """Where a quantity had been that could not be taken back: in the first such place."""
    told: list[ReceiptLine | ReturnLine] = [*held.all(ReceiptLine), *held.all(ReturnLine)]
    for each in told:
        if each.order_line_id == line.id and each.location:
            return each.location, each.storage_space
    return None, None


def _line_of(unit: ExpectedUnit) -> list[UUID]:
    return [unit.order_line_id]


def _serial_of(unit: ExpectedUnit) -> list[UUID]:
    return [serial_id(unit.serial)] if unit.serial else []


def _taken_last(unit: ExpectedUnit) -> list[UUID]:
    return [taken_back_id(unit.reopened_by, unit.id)] if unit.reopened_by else []


def _serial_taken_back(taken: TakenBackUnit) -> list[UUID]:
    return [serial_id(taken.serial)]


def _told_of(taken: TakenBackUnit) -> list[UUID]:
    return [receipt_unit_id(taken.receipt_id, taken.asset_id)] if taken.receipt_id else []


def _units_with_lines(fact: HandoverAcknowledged) -> Keys:
    # A unit that is to come is saved under its line's lock.
    for asset_id in fact.asset_ids:
        yield NamedBy(ExpectedLine, by=ExpectedUnit, id=asset_id, ids=_line_of)
        yield Key(ExpectedUnit, asset_id, may_be_new=True)


def _line_issued(fact: StockIssued) -> Keys:
    if fact.order_line_id is not None:
        yield Key(ExpectedLine, fact.order_line_id, may_be_new=True)


def _serials_taken_back(fact: AssetsTakenBack) -> Keys:
    yield Key(ExpectedLine, fact.order_line_id, may_be_new=True)
    for unit in fact.units:
        id = taken_back_id(fact.take_back_id, unit.asset_id)
        yield Key(ExpectedUnit, unit.asset_id, may_be_new=True)
        yield NamedBy(RegisteredSerial, by=TakenBackUnit, id=id, ids=_serial_taken_back)
        yield Key(TakenBackUnit, id, may_be_new=True)


def _line_with_units(fact: ReversalConflictFound) -> Keys:
    yield Key(ExpectedLine, fact.order_line_id, may_be_new=True)
    if fact.asset_ids:
        yield from units_held(fact.order_line_id, *AWAY)
    for asset_id in fact.asset_ids:
        id = taken_back_id(fact.take_back_id, asset_id)
        yield Key(ExpectedUnit, asset_id, may_be_new=True)
        yield NamedBy(RegisteredSerial, by=ExpectedUnit, id=asset_id, ids=_serial_of)
        yield NamedBy(ReceiptUnit, by=TakenBackUnit, id=id, ids=_told_of)
        yield NamedBy(TakenBackUnit, by=ExpectedUnit, id=asset_id, ids=_taken_last)
        yield Key(TakenBackUnit, id, may_be_new=True)


def _what_was_taken_back(fact: ReversalConflictFound) -> Keys:
    yield Key(ExpectedOrder, fact.order_id, may_be_new=True)
    yield Many(ReceiptLine, by="receipt_id", value=fact.take_back_id)
    yield Many(ReturnLine, by="return_id", value=fact.take_back_id)


HANDLERS: Handlers = (
    Handler(
        on=HandoverAcknowledged,
        holds=_units_with_lines,
        decide=acknowledge,
        weight=lambda fact: len(fact.asset_ids),
    ),
    Handler(on=StockIssued, holds=_line_issued, decide=issue),
    Handler(
        on=AssetsTakenBack,
        holds=_serials_taken_back,
        decide=release,
        weight=lambda fact: len(fact.units),
    ),
    Handler(
        on=ReversalConflictFound,
        holds=_line_with_units,
        reads=_what_was_taken_back,
        numbers=lambda _: {"receipt_number": 1},
        early=Early.WAIT,
        decide=record_again,
        weight=lambda fact: max(1, len(fact.asset_ids)),
    ),
)
