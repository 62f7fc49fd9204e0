"""Unexpected deliveries: goods that nobody expected, or more than was, until somebody attaches or returns them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from libs.chassis.decision import Cause, Decision, Handler, Handlers, Keys, Record, Records, Rejection
from libs.contracts.deliveries import RecordUnexpectedDelivery, Unexpected, UnexpectedDeliveryRecorded
from libs.contracts.receiving import RecordReceipt, UnitToReceive
from services.receiving.expectation import ExpectedLine, ExpectedOrder
from services.receiving.place import check_place, place_key
from services.receiving.sorting import Beyond


class UnexpectedStatus(StrEnum):
    """Whether somebody has settled it."""

    RECORDED = "recorded"
    ATTACHED = "attached"
    RETURNED = "returned"


UNEXPECTED_TRANSITIONS: Mapping[UnexpectedStatus, frozenset[UnexpectedStatus]] = {
    UnexpectedStatus.RECORDED: frozenset({UnexpectedStatus.ATTACHED, UnexpectedStatus.RETURNED}),
    UnexpectedStatus.ATTACHED: frozenset(),
    UnexpectedStatus.RETURNED: frozenset(),
}


@dataclass(frozen=True, kw_only=True)
class UnexpectedDelivery(Record):
    """Goods that count for no order line, and why. Where they were for one it is told; `sku` may be unknown.

    Hardware is kept unit by unit with what stands on it; nobody has these serial numbers until it is attached, which
    is then the receipt `receipt_id`.
    """

    TRANSITIONS: ClassVar[Mapping[Any, frozenset[Any]]] = UNEXPECTED_TRANSITIONS

    number: str
    status: UnexpectedStatus = UnexpectedStatus.RECORDED
    why: Unexpected
    order_id: UUID | None = None
    order_line_id: UUID | None = None
    shipment_id: UUID | None = None
    sku: str | None
    description: str
    vendor_name: str | None
    delivery_note: str | None
    units: tuple[UnitToReceive, ...] = ()
    quantity: int
    location: str | None
    storage_space: str | None
    received_on: date
    recorded_by: str
    recorded_at: datetime
    settled_by: str | None = None
    settled_at: datetime | None = None
    receipt_id: UUID | None = None
    reason: str | None = None
    rma: str | None = None

    @property
    def recorded(self) -> UnexpectedDeliveryRecorded:
        """What is said of it."""
        return UnexpectedDeliveryRecorded(
            unexpected_id=self.id,
            number=self.number,
            why=self.why,
            order_id=self.order_id,
            order_line_id=self.order_line_id,
            shipment_id=self.shipment_id,
            sku=self.sku,
            description=self.description,
            quantity=self.quantity,
            recorded_by=self.recorded_by,
        )

    @property
    def answer(self) -> dict[str, object]:
        """What its sender is told."""
        return {
            "unexpected_id": str(self.id),
            "number": self.number,
            "why": self.why.value,
            "order_line_id": str(self.order_line_id) if self.order_line_id else None,
            "quantity": self.quantity,
        }


def recorded(
    beyond: Sequence[Beyond],
    command: RecordReceipt,
    order: ExpectedOrder,
    held: Records,
    cause: Cause,
    *,
    number: str,
) -> Iterator[UnexpectedDelivery]:
    """What could not be accepted, each with a number that is made of that of the delivery."""
    for index, (at, delivered, why) in enumerate(beyond):
        line = held[ExpectedLine, delivered.order_line_id]
        _check_places(delivered.units, delivered.location, delivered.storage_space, held, of=f"lines[{at}]")
        yield UnexpectedDelivery(
            id=cause.id(f"unexpected {number}", index),
            number=number if index == 0 else f"{number}.{index + 1}",
            why=why,
            order_id=order.id,
            order_line_id=line.id,
            shipment_id=command.shipment_id,
            sku=line.sku,
            description=line.name,
            vendor_name=order.vendor_name,
            delivery_note=command.delivery_note,
            units=delivered.units,
            quantity=delivered.quantity or len(delivered.units),
            location=delivered.location,
            storage_space=delivered.storage_space,
            received_on=command.received_on or cause.at.date(),
            recorded_by=cause.actor.id or cause.sender,
            recorded_at=cause.at,
        )


def record(command: RecordUnexpectedDelivery, held: Records, cause: Cause) -> Decision:
    """Note goods that came without an order that is known."""
    _check_places(command.units, command.location, command.storage_space, held, of="")
    seen: set[str] = set()
    for position, unit in enumerate(command.units):
        if unit.serial in seen:
            message = f"Serial number {unit.serial} stands twice in this delivery."
            raise Rejection("serial_repeated", field=f"units[{position}].serial", message=message)
        seen.add(unit.serial)
    delivery = UnexpectedDelivery(
        id=cause.id("unexpected"),
        number=unexpected_number(cause),
        why=Unexpected.NO_ORDER,
        sku=command.sku,
        description=command.description,
        vendor_name=command.vendor_name,
        delivery_note=command.delivery_note,
        units=command.units,
        quantity=command.quantity or len(command.units),
        location=command.location,
        storage_space=command.storage_space,
        received_on=cause.at.date(),
        recorded_by=cause.actor.id or cause.sender,
        recorded_at=cause.at,
    )
    return Decision(save=[delivery], publish=[delivery.recorded], answer=delivery.answer)


def unexpected_number(cause: Cause) -> str:
    """Its number is that which a receipt would have had."""
    return f"UNX-{cause.numbers['receipt_number'][0]:06d}"


def _check_places(
    units: Sequence[UnitToReceive],
    location: str | None,
    storage_space: str | None,
    held: Records,
    *,
    of: str,
) -> None:
    if location and storage_space:
        check_place(held, location, storage_space, of=of)
    for position, unit in enumerate(units):
        if unit.location and unit.storage_space:
            where = f"{of}.units[{position}]" if of else f"units[{position}]"
            check_place(held, unit.location, unit.storage_space, of=where)


def _places(command: RecordUnexpectedDelivery) -> Keys:
    locations = {unit.location for unit in command.units if unit.location}
    return [place_key(location) for location in sorted({command.location, *locations})]


HANDLERS: Handlers = (
    Handler(
        on=RecordUnexpectedDelivery,
        reads=_places,
        numbers=lambda _: {"receipt_number": 1},
        decide=record,
        weight=lambda command: max(1, len(command.units) // 10),
    ),
)
