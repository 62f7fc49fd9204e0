"""One delivery as it comes off the lorry: every check of it, and which unit each delivered one is."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from libs.chassis.decision import Record, Records, Rejection
from libs.contracts.receiving import LineToReceive, ReceivedUnit, UnitToReceive
from libs.contracts.values import Kind, asset_id_of
from services.receiving.expectation import ExpectedLine, ExpectedUnit, UnitStatus, is_here, open_units
from services.receiving.label import RegisteredLabel, check_tag, is_printed_elsewhere, label_id
from services.receiving.place import check_place
from services.receiving.serial import RegisteredSerial, serial_id


class DeliveredUnit(NamedTuple):
    """A unit of a receipt, and where in it it stands."""

    unit: UnitToReceive
    at: str


class Dock:
    """One delivery as it comes off the lorry: everything that it changes, seen so by whatever comes after."""

    def __init__(self, held: Records) -> None:
        self.held = held
        self._kept: dict[tuple[type[Record], UUID], Record] = {}
        self._meant: set[UUID] = set()
        self._surplus: Counter[UUID] = Counter()
        self._seen: set[tuple[str, str]] = set()

    def keep(self, record: Record) -> None:
        """From now on it is so."""
        self.held.put(record)
        self._kept[type(record), record.id] = record

    @property
    def kept(self) -> list[Record]:
        """What is to be saved."""
        return list(self._kept.values())

    def accept(
        self, line: ExpectedLine, entries: Sequence[tuple[str, LineToReceive]], receipt_id: UUID
    ) -> Iterator[tuple[ReceivedUnit, ...]]:
        """Which unit each delivered one is, checked, for each entry of this line in the receipt."""
        units = [
            DeliveredUnit(unit, f"{of}.units[{position}]")
            for of, delivered in entries
            for position, unit in enumerate(delivered.units)
        ]
        meant = iter(list(zip(units, self._units_meant(line, units), strict=True)))
        for of, delivered in entries:
            if delivered.location and delivered.storage_space:
                check_place(self.held, delivered.location, delivered.storage_space, of=of)
            yield tuple(self._take(line, delivered, *next(meant), receipt_id) for _ in delivered.units)

    def _take(
        self,
        line: ExpectedLine,
        delivered: LineToReceive,
        came: DeliveredUnit,
        expected: ExpectedUnit,
        receipt_id: UUID,
    ) -> ReceivedUnit:
        """One unit, put where it says, or where its line is put."""
        unit = came.unit
        location = unit.location or delivered.location
        storage_space = unit.storage_space or delivered.storage_space
        assert location is not None  # the contract wants a place of each
        assert storage_space is not None
        if unit.location:
            check_place(self.held, location, storage_space, of=came.at)
        self._claim_serial(line.sku, unit.serial, expected.id, of=came.at)
        self._claim_label(unit, expected, of=came.at)
        self.keep(is_here(expected, receipt_id, unit.serial))
        return ReceivedUnit(
            asset_id=expected.id,
            unit_number=expected.unit_number,
            after=expected.reopened_by,
            serial=unit.serial,
            tag=unit.tag,
            condition=unit.condition,
            location=location,
            storage_space=storage_space,
        )

    def surplus_of(self, line: ExpectedLine) -> int:
        """How many of the units accepted of this line nobody ordered; they are counted once."""
        return self._surplus.pop(line.id, 0)

    def _units_meant(self, line: ExpectedLine, delivered: Sequence[DeliveredUnit]) -> Iterator[ExpectedUnit]:
        """The unit that each delivered one is.

        It is the open one that it names; else the one whose tag it bears; else the one that had its serial number
        before; else the lowest open one. What is more than is open is a unit of its own, that nobody ordered.
        """
        marked = self._marked(line, tagged=any(unit.tag for unit, _ in delivered))
        known = [
            self._unit_named(line, unit, of=f"{at}.asset_id")
            if unit.asset_id
            else self._unit_recognised(line, unit, marked)
            for unit, at in delivered
        ]
        rest = iter([unit for unit in open_units(self.held, line.id) if unit.id not in self._meant])
        for expected in known:
            yield expected or next(rest, None) or self._unit_beyond(line)

    def _unit_named(self, line: ExpectedLine, unit: UnitToReceive, *, of: str) -> ExpectedUnit:
        assert unit.asset_id is not None  # it names one
        expected = self._open_unit(line, unit.asset_id)
        if expected is None:
            message = f"Unit {unit.asset_id} is not open on this line."
            raise Rejection("unit_not_open", field=of, message=message)
        return expected

    def _marked(self, line: ExpectedLine, *, tagged: bool) -> dict[tuple[str, str], UUID]:
        """The line's units by what tells them: the serial number they had before, or the tag that they bear."""
        again = self.held.all(ExpectedUnit, line_again=line.id)
        marked = {("serial", each.serial): each.id for each in again if each.serial}
        if tagged:
            marked |= {("tag", each.tag): each.id for each in self.held.all(ExpectedUnit) if each.tag}
        return marked

    def _unit_recognised(
        self, line: ExpectedLine, unit: UnitToReceive, marked: Mapping[tuple[str, str], UUID]
    ) -> ExpectedUnit | None:
        """The open unit that a delivered one tells to be by its tag, or by the serial number that it had before."""
        if unit.tag and is_printed_elsewhere(unit.tag):
            label = self.held.find(RegisteredLabel, label_id(unit.tag))
            if label and (expected := self._open_unit(line, label.asset_id)):
                return expected
        elif unit.tag and (bearer := marked.get(("tag", unit.tag))):
            return self._open_unit(line, bearer)
        had_it = marked.get(("serial", unit.serial))
        return self._open_unit(line, had_it) if had_it else None

    def _open_unit(self, line: ExpectedLine, asset_id: UUID) -> ExpectedUnit | None:
        """This unit, if it is open on this line; it comes once."""
        expected = self.held.find(ExpectedUnit, asset_id)
        if (
            expected is None
            or expected.order_line_id != line.id
            or expected.status is not UnitStatus.OPEN
            or expected.id in self._meant
        ):
            return None
        self._meant.add(expected.id)
        return expected

    def _unit_beyond(self, line: ExpectedLine) -> ExpectedUnit:
        """A unit that nobody ordered, accepted all the same: numbered below zero."""
        self._surplus[line.id] += 1
        number = -line.surplus_made - self._surplus[line.id]
        return ExpectedUnit(id=asset_id_of(line.id, number), order_line_id=line.id, unit_number=number)

    def _claim_serial(self, sku: str, serial: str, asset_id: UUID, *, of: str) -> None:
        """A serial number is unique per item; a unit that was here before may come with the one that it had."""
        if (sku, serial) in self._seen:
            message = f"Serial number {serial} of {sku} stands twice in this receipt."
            raise Rejection("serial_repeated", field=f"{of}.serial", message=message)
        self._seen.add((sku, serial))
        claim_id = serial_id(serial)
        claim = self.held.find(RegisteredSerial, claim_id)
        if claim is None:
            self.keep(RegisteredSerial(id=claim_id, serial=serial, skus=(sku,), assets=(asset_id,)))
            return
        taken_by = claim.unit_of(sku)
        if taken_by is not None and taken_by != asset_id:
            message = f"Serial number {serial} of {sku} is another unit's."
            raise Rejection("serial_taken", field=f"{of}.serial", message=message)
        if taken_by is None:
            self.keep(claim.claimed(sku, asset_id))

    def _claim_label(self, unit: UnitToReceive, expected: ExpectedUnit, *, of: str) -> None:
        """A tag is on one unit; a label printed elsewhere is this unit's from now on."""
        if unit.tag is None:
            return
        claim_id = label_id(unit.tag)
        claim = self.held.find(RegisteredLabel, claim_id)
        check_tag(unit.tag, expected, claim, of=of)
        if claim is None and is_printed_elsewhere(unit.tag):
            self.keep(RegisteredLabel(id=claim_id, label=unit.tag, asset_id=expected.id))


def check_line(line: ExpectedLine, delivered: LineToReceive, *, of: str) -> None:
    """It is told as its kind is received, something was accepted or rejected, and a rejection says why."""
    _check_kind(line, delivered, of=of)
    if not delivered.units and not delivered.quantity and not delivered.rejected:
        raise Rejection("receipt_empty", field=of, message="Accept or reject at least one unit of this line.")
    if delivered.rejected and not delivered.rejection_reason:
        message = "Say why units were rejected."
        raise Rejection("rejection_reason_missing", field=f"{of}.rejection_reason", message=message)


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
