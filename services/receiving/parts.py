"""Deliveries that are told in parts, because they are more than one receipt takes: each part is a receipt of its own.

Of kinds that are taken only as full deliveries the parts wait, and take effect together with the last one to arrive.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any
from uuid import UUID

from libs.chassis.decision import Key, Keys, Many, NamedBy, Record, Records, Rejection
from libs.contracts.receiving import Part, RecordReceipt, UnitToReceive
from libs.contracts.values import derived_id, location_id_of
from services.receiving.expectation import ExpectedLine, ExpectedOrder, ExpectedUnit, UnitStatus
from services.receiving.invoiced import InvoicedDelivery
from services.receiving.label import RegisteredLabel, is_printed_elsewhere, label_id
from services.receiving.place import Place
from services.receiving.serial import RegisteredSerial, serial_id
from services.receiving.shipment import Shipment
from services.receiving.strictness import policy_in


@dataclass(frozen=True, kw_only=True)
class DeliveryInParts(Record):
    """A delivery of which parts were told; its id follows from how its sender names the order and the delivery.

    `told` is the hash of each part's content and what its sender was answered; `staged` are the parts that wait.
    """

    number: str
    order_id: UUID
    parts: int
    told: tuple[Mapping[str, Any], ...] = ()
    staged: tuple[RecordReceipt, ...] = ()

    def receipt_id(self, part: int) -> UUID:
        """The receipt that this part is."""
        return derived_id("receipt", self.id, part)

    def answer_again(self, command: RecordReceipt, part: Part) -> Mapping[str, Any] | None:
        """What its sender was answered when it told this part before."""
        for told in self.told:
            if told["part"] == part.part:
                if told["content"] != _content(command):
                    message = f"Part {part.part} of {part.delivery} was told before with other content."
                    raise Rejection("part_differs", field="part_of", message=message)
                answer: Mapping[str, Any] = told["answer"]
                return answer
        return None

    def after(self, command: RecordReceipt, part: Part, answer: Mapping[str, object]) -> "DeliveryInParts":
        """This part was told, too."""
        told = {"part": part.part, "content": _content(command), "answer": answer}
        return replace(self, told=(*self.told, told))

    def is_last(self, part: Part) -> bool:
        """Whether every other part was told."""
        others = {told["part"] for told in self.told}
        return part.part not in others and len(others) == self.parts - 1


def delivery_id_of(command: RecordReceipt, part: Part) -> UUID:
    """Where a delivery's parts are kept together."""
    order = command.order_id or command.number or command.shipment_id or command.invoice_id
    return derived_id("delivery", order, part.delivery)


def delivery_of(
    command: RecordReceipt, part: Part, order: ExpectedOrder, held: Records, drawn: str
) -> DeliveryInParts:
    """The delivery that this is a part of. All parts say how many there are."""
    id = delivery_id_of(command, part)
    known = held.find(DeliveryInParts, id)
    if known is None:
        return DeliveryInParts(id=id, number=drawn, order_id=order.id, parts=part.parts)
    if known.parts != part.parts:
        message = f"{part.delivery} was told to have {known.parts} parts."
        raise Rejection("part_differs", field="part_of", message=message)
    return known


def waits(command: RecordReceipt, held: Records) -> bool:
    """Whether something of it is taken only all at once."""
    strict = policy_in(held).full_delivery_only
    return any(held[ExpectedLine, delivered.order_line_id].kind in strict for delivered in command.lines)


def what_staged_parts_change(command: RecordReceipt) -> Keys:
    """With the last part of a delivery those that wait take effect, and all that they are about is held."""
    part = command.part_of
    if part is None:
        return
    id = delivery_id_of(command, part)
    yield Key(DeliveryInParts, id, may_be_new=True)
    lines = _named(part, lambda staged: (delivered.order_line_id for delivered in staged.lines))
    yield NamedBy(ExpectedLine, DeliveryInParts, id, lines)
    open_ones = NamedBy(ExpectedLine, DeliveryInParts, id, lines)
    yield Many(ExpectedUnit, by="order_line_id", value=open_ones, where={"status": UnitStatus.OPEN})
    yield Many(ExpectedUnit, by="line_again", value=open_ones)
    yield NamedBy(ExpectedUnit, DeliveryInParts, id, _of_units(part, lambda unit: unit.asset_id))
    yield NamedBy(RegisteredSerial, DeliveryInParts, id, _of_units(part, lambda unit: serial_id(unit.serial)))
    yield NamedBy(RegisteredLabel, DeliveryInParts, id, _of_units(part, _label_of))
    yield NamedBy(Shipment, DeliveryInParts, id, _named(part, _shipment_of))
    yield NamedBy(InvoicedDelivery, DeliveryInParts, id, _named(part, _invoice_of))


def what_staged_parts_read(command: RecordReceipt) -> Keys:
    """Where they were put."""
    if command.part_of is not None:
        places = _named(command.part_of, lambda staged: map(location_id_of, locations_of(staged)))
        yield NamedBy(Place, DeliveryInParts, delivery_id_of(command, command.part_of), places)


def locations_of(command: RecordReceipt) -> Sequence[str]:
    """Where what came was put."""
    of_units = {unit.location for line in command.lines for unit in line.units if unit.location}
    return sorted(of_units | {line.location for line in command.lines if line.location})


_Ids = Callable[[DeliveryInParts], Iterable[UUID]]


def _named(part: Part, ids: Callable[[RecordReceipt], Iterable[UUID]]) -> _Ids:
    def of_staged(delivery: DeliveryInParts) -> list[UUID]:
        staged = delivery.staged if delivery.is_last(part) else ()
        return list(dict.fromkeys(id for each in staged for id in ids(each)))

    return of_staged


def _of_units(part: Part, named: Callable[[UnitToReceive], UUID | None]) -> _Ids:
    def ids(staged: RecordReceipt) -> Iterable[UUID]:
        return (id for line in staged.lines for unit in line.units if (id := named(unit)) is not None)

    return _named(part, ids)


def _label_of(unit: UnitToReceive) -> UUID | None:
    return label_id(unit.tag) if unit.tag and is_printed_elsewhere(unit.tag) else None


def _shipment_of(staged: RecordReceipt) -> Iterable[UUID]:
    return [staged.shipment_id] if staged.shipment_id else []


def _invoice_of(staged: RecordReceipt) -> Iterable[UUID]:
    return [staged.invoice_id] if staged.invoice_id else []


def _content(command: RecordReceipt) -> str:
    return sha256(command.model_dump_json().encode()).hexdigest()
