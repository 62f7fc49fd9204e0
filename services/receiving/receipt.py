"""Taking delivery: what was accepted and rejected of an order's lines, and which unit each serial number is.

A receipt is recorded whole or not at all, and never changed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar
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
    Record,
    Records,
    Rejection,
    Via,
)
from libs.contracts.receiving import (
    Condition,
    GoodsReceived,
    LineToReceive,
    ReceivedLine,
    ReceivedUnit,
    RecordReceipt,
    UnitToReceive,
)
from libs.contracts.values import Kind
from services.receiving.expectation import (
    ExpectedLine,
    ExpectedOrder,
    ExpectedUnit,
    OrderName,
    UnitStatus,
    open_units,
    order_name_id,
)
from services.receiving.label import RegisteredLabel, check_tag, is_printed_elsewhere, label_id
from services.receiving.place import check_place, place_key
from services.receiving.serial import RegisteredSerial, serial_id

UNITS_PER_GOODS_RECEIVED = 250
"""Half of what a fact may carry: with 100 lines and the longest texts allowed, more would pass 256 KiB."""


@dataclass(frozen=True, kw_only=True)
class Receipt(Record):
    """One delivery taken: for which order, by whom and when."""

    APPEND_ONLY: ClassVar[bool] = True

    number: str
    order_id: UUID
    request_id: UUID | None
    received_by: str
    received_at: datetime
    delivery_note: str | None
    accepted: int
    rejected: int


@dataclass(frozen=True, kw_only=True)
class ReceiptLine(Record):
    """What a receipt accepted and rejected of one order line, and where it put what is not received unit by unit."""

    APPEND_ONLY: ClassVar[bool] = True

    receipt_id: UUID
    order_line_id: UUID
    sku: str
    accepted: int
    rejected: int
    rejection_reason: str | None
    location: str | None = None
    storage_space: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReceiptUnit(Record):
    """One accepted unit: the template it turned out to be, what stood on it and where it was put."""

    APPEND_ONLY: ClassVar[bool] = True

    receipt_line_id: UUID
    asset_id: UUID
    unit_number: int
    serial: str
    tag: str | None
    condition: Condition
    location: str
    storage_space: str


def take_delivery(command: RecordReceipt, held: Records, cause: Cause) -> Decision:
    """Record a delivery if every line of it stands the checks; each serial number is an expected unit."""
    order = _order_named(command, held)
    lines = _lines_named(command, order, held)
    receipt_id = cause.id("receipt")
    number = f"RCV-{cause.numbers['receipt_number'][0]:06d}"
    dock = _Dock(held)
    said: list[ReceivedLine] = []
    for index, (line, delivered) in enumerate(zip(lines, command.lines, strict=True)):
        received_line_id = cause.id("receipt_line", index)
        units = tuple(dock.accept(line, delivered, of=f"lines[{index}]"))
        accepted = delivered.quantity or len(units)
        reason = delivered.rejection_reason if delivered.rejected else None
        dock.save += [
            replace(line, accepted=line.accepted + accepted, rejected=line.rejected + delivered.rejected),
            ReceiptLine(
                id=received_line_id,
                receipt_id=receipt_id,
                order_line_id=line.id,
                sku=line.sku,
                accepted=accepted,
                rejected=delivered.rejected,
                rejection_reason=reason,
                location=delivered.location,
                storage_space=delivered.storage_space,
            ),
            *(
                ReceiptUnit(
                    id=cause.id(f"receipt_unit_{index}", position),
                    receipt_line_id=received_line_id,
                    **dict(unit),
                )
                for position, unit in enumerate(units)
            ),
        ]
        said.append(
            ReceivedLine(
                receipt_line_id=received_line_id,
                order_line_id=line.id,
                request_id=line.request_id or order.request_id,
                request_line_id=line.request_line_id,
                sku=line.sku,
                accepted=accepted,
                rejected=delivered.rejected,
                rejection_reason=reason,
                asset_creation=line.asset_creation,
                location=delivered.location,
                storage_space=delivered.storage_space,
                units=units,
            )
        )
    receipt = Receipt(
        id=receipt_id,
        number=number,
        order_id=order.id,
        request_id=order.request_id,
        received_by=cause.actor.id or cause.sender,
        received_at=cause.at,
        delivery_note=command.delivery_note,
        accepted=sum(line.accepted for line in said),
        rejected=sum(line.rejected for line in said),
    )
    facts = [
        GoodsReceived(
            receipt_id=receipt_id,
            receipt_number=number,
            order_id=order.id,
            request_id=order.request_id,
            received_by=cause.actor.id or cause.sender,
            lines=part,
        )
        for part in _parts(said)
    ]
    answer = {"receipt_id": str(receipt_id), "receipt_number": number, "order_id": str(order.id)}
    return Decision(save=[receipt, *dock.save, *dock.claims], publish=facts, answer=answer)


class _Dock:
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
            check_place(self._held, unit.location, unit.storage_space, of=where)
            self._claim_serial(line.sku, unit.serial, of=where)
            self._claim_label(unit, expected, of=where)
            self.save.append(expected.become(UnitStatus.RECEIVED))
            yield ReceivedUnit(
                asset_id=expected.id,
                unit_number=expected.unit_number,
                serial=unit.serial,
                tag=unit.tag,
                condition=unit.condition,
                location=unit.location,
                storage_space=unit.storage_space,
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


def _order_named(command: RecordReceipt, held: Records) -> ExpectedOrder:
    """Goods are taken for an order that the dock has heard of."""
    named = command.order_id or command.number
    orders = held.all(ExpectedOrder)
    if not orders:
        names = ("order_id", "requisition_number", "purchase_order_number")
        field = next(name for name in names if getattr(command, name) is not None)
        raise Rejection("order_unknown", field=field, message=f"No submitted order is called {named}.")
    return orders[0]


def _lines_named(command: RecordReceipt, order: ExpectedOrder, held: Records) -> list[ExpectedLine]:
    """Every line is one of the order's, named once."""
    lines: dict[UUID, ExpectedLine] = {}
    for index, delivered in enumerate(command.lines):
        field = f"lines[{index}].order_line_id"
        line = held.find(ExpectedLine, delivered.order_line_id)
        if line is None or line.order_id != order.id:
            message = f"Order {order.requisition_number} has no line {delivered.order_line_id}."
            raise Rejection("order_line_unknown", field=field, message=message)
        if line.id in lines:
            raise Rejection(
                "order_line_repeated", field=field, message="This line stands in the receipt already."
            )
        lines[line.id] = line
    return list(lines.values())


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


def _parts(lines: Sequence[ReceivedLine]) -> Iterator[tuple[ReceivedLine, ...]]:
    """The receipt's lines in parts that fit a message; a split line counts its rejected units once."""
    part: list[ReceivedLine] = []
    room = UNITS_PER_GOODS_RECEIVED
    for line in lines:
        rest = line
        while len(rest.units) > room:
            now = rest.units[:room]
            part.append(rest.model_copy(update={"units": now, "accepted": len(now)}))
            rest = rest.model_copy(
                update={"units": rest.units[room:], "accepted": rest.accepted - len(now), "rejected": 0}
            )
            yield tuple(part)
            part, room = [], UNITS_PER_GOODS_RECEIVED
        part.append(rest)
        room -= len(rest.units)
    yield tuple(part)


def _what_it_changes(command: RecordReceipt) -> Keys:
    for line in command.lines:
        # The line's lock guards its units, so those that are only counted down need none of their own.
        yield Key(ExpectedLine, line.order_line_id, may_be_new=True)
        if line.units:
            yield Many(
                ExpectedUnit,
                by="order_line_id",
                value=line.order_line_id,
                where={"status": UnitStatus.OPEN},
                order_by="unit_number",
                limit=len(line.units),
            )
        for unit in line.units:
            if unit.asset_id:
                yield Key(ExpectedUnit, unit.asset_id, may_be_new=True)
            yield Key(RegisteredSerial, serial_id(unit.serial), may_be_new=True)
            if unit.tag and is_printed_elsewhere(unit.tag):
                yield Key(RegisteredLabel, label_id(unit.tag), may_be_new=True)


def _what_it_reads(command: RecordReceipt) -> Keys:
    if command.order_id:
        yield Key(ExpectedOrder, command.order_id)
    elif command.number:
        yield Key(ExpectedOrder, Via(OrderName, order_name_id(command.number), "order_id"))
    locations = {unit.location for line in command.lines for unit in line.units}
    for location in locations | {line.location for line in command.lines if line.location}:
        yield place_key(location)


HANDLERS: Handlers = (
    Handler(
        on=RecordReceipt,
        holds=_what_it_changes,
        reads=_what_it_reads,
        numbers=lambda _: {"receipt_number": 1},
        early=Early.WAIT_10_MINUTES,
        decide=take_delivery,
        weight=lambda command: max(1, sum(len(line.units) for line in command.lines)),
    ),
)
