"""One delivery as it comes off the lorry: every check of it, and which unit each delivered one is."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

from libs.chassis.decision import Record, Records, Rejection
from libs.contracts.receiving import LineToReceive, ReceivedUnit, UnitToReceive
from libs.contracts.values import Kind
from services.receiving.expectation import ExpectedLine, ExpectedUnit, UnitStatus, open_units
from services.receiving.label import RegisteredLabel, check_tag, is_printed_elsewhere, label_id
from services.receiving.place import check_place
from services.receiving.serial import RegisteredSerial, serial_id


class Dock:
    """One delivery as it comes off the lorry: which serials and labels it claims, and what must be saved."""

    def __init__(self, held: Records) -> None:
        self._held = held
        self._serials: dict[UUID, RegisteredSerial] = {}
        self._labels: dict[UUID, RegisteredLabel] = {}
        self._seen: set[tuple[str, str]] = set()
        self.save: list[Record] = []

    @property
    def claims(self) -> list[Record]:
        """Serial numbers and labels that are in use from now on."""
        return [*self._serials.values(), *self._labels.values()]

    def accept(self, line: ExpectedLine, delivered: LineToReceive, *, of: str) -> Iterator[ReceivedUnit]:
        """Which unit each delivered one is, checked; the line's own checks first."""
        _check_line(line, delivered, of=of)
        if delivered.location and delivered.storage_space:
            check_place(self._held, delivered.location, delivered.storage_space, of=of)
        for position, (unit, expected) in enumerate(
            zip(delivered.units, _units_meant(line, delivered, self._held, of=of), strict=True)
        ):
            where = f"{of}.units[{position}]"
            location, storage_space = (
                unit.location or delivered.location,
                unit.storage_space or delivered.storage_space,
            )
            assert location is not None  # the contract wants a place of each
            assert storage_space is not None
            if unit.location:
                check_place(self._held, location, storage_space, of=where)
            self._claim_serial(line.sku, unit.serial, of=where)
            self._claim_label(unit, expected, of=where)
            self.save.append(expected.become(UnitStatus.RECEIVED))
            yield ReceivedUnit(
                asset_id=expected.id,
                unit_number=expected.unit_number,
                serial=unit.serial,
                tag=unit.tag,
                condition=unit.condition,
                location=location,
                storage_space=storage_space,
            )

    def _claim_serial(self, sku: str, serial: str, *, of: str) -> None:
        """A serial number is unique per item."""
        if (sku, serial) in self._seen:
            message = f"Serial number {serial} of {sku} stands twice in this receipt."
            raise Rejection("serial_repeated", field=f"{of}.serial", message=message)
        self._seen.add((sku, serial))
        claim_id = serial_id(serial)
        claim = self._serials.get(claim_id) or self._held.find(RegisteredSerial, claim_id)
        if claim and sku in claim.skus:
            message = f"Serial number {serial} of {sku} is another unit's."
            raise Rejection("serial_taken", field=f"{of}.serial", message=message)
        self._serials[claim_id] = (
            replace(claim, skus=(*claim.skus, sku))
            if claim
            else RegisteredSerial(id=claim_id, serial=serial, skus=(sku,))
        )

    def _claim_label(self, unit: UnitToReceive, expected: ExpectedUnit, *, of: str) -> None:
        """A tag is on one unit; a label printed elsewhere is this unit's from now on."""
        if unit.tag is None:
            return
        claim_id = label_id(unit.tag)
        claim = self._labels.get(claim_id) or self._held.find(RegisteredLabel, claim_id)
        check_tag(unit.tag, expected, claim, of=of)
        if claim is None and is_printed_elsewhere(unit.tag):
            self._labels[claim_id] = RegisteredLabel(id=claim_id, label=unit.tag, asset_id=expected.id)


def _check_line(line: ExpectedLine, delivered: LineToReceive, *, of: str) -> None:
    """Something was accepted or rejected, a rejection says why, and no more is accepted than is open."""
    _check_kind(line, delivered, of=of)
    if not delivered.units and not delivered.quantity and not delivered.rejected:
        raise Rejection("receipt_empty", field=of, message="Accept or reject at least one unit of this line.")
    if delivered.rejected and not delivered.rejection_reason:
        message = "Say why units were rejected."
        raise Rejection("rejection_reason_missing", field=f"{of}.rejection_reason", message=message)
    accepted = delivered.quantity or len(delivered.units)
    if accepted > line.open:
        message = f"{accepted} of {line.sku} were accepted but only {line.open} are open."
        field = f"{of}.quantity" if delivered.quantity else f"{of}.units"
        raise Rejection("receipt_exceeds_open", field=field, message=message)


def _check_kind(line: ExpectedLine, delivered: LineToReceive, *, of: str) -> None:
    """Hardware is received unit by unit, consumables by quantity, software and services not at all."""
    if not line.is_received:
        message = f"{line.sku} is {line.kind}, which does not come to a dock."
        raise Rejection("kind_not_received", field=f"{of}.order_line_id", message=message)
    if delivered.units and line.kind is not Kind.HARDWARE:
        message = f"{line.sku} is {line.kind}: only hardware is received unit by unit."
        raise Rejection("kind_not_received", field=f"{of}.units", message=message)
    if delivered.quantity and line.kind is not Kind.CONSUMABLE:
        message = f"{line.sku} is {line.kind}: only consumables are received by quantity."
        raise Rejection("kind_not_received", field=f"{of}.quantity", message=message)


def _units_meant(
    line: ExpectedLine, delivered: LineToReceive, held: Records, *, of: str
) -> list[ExpectedUnit]:
    """The unit that each delivered one is: the open one it names, else the lowest open one not named."""
    named: dict[UUID, ExpectedUnit] = {}
    for position, unit in enumerate(delivered.units):
        if unit.asset_id is None:
            continue
        expected = held.find(ExpectedUnit, unit.asset_id)
        if (
            expected is None
            or expected.order_line_id != line.id
            or expected.status is not UnitStatus.OPEN
            or expected.id in named
        ):
            raise Rejection(
                "unit_not_open",
                field=f"{of}.units[{position}].asset_id",
                message=f"Unit {unit.asset_id} is not open on this line.",
            )
        named[expected.id] = expected
    rest = [expected for expected in open_units(held, line.id) if expected.id not in named]
    unnamed = len(delivered.units) - len(named)
    if len(rest) < unnamed:
        raise RuntimeError(f"line {line.id} counts {line.open} open units but {len(rest)} were found")
    lowest = iter(rest)
    return [named[unit.asset_id] if unit.asset_id else next(lowest) for unit in delivered.units]
