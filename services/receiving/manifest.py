"""What vendors tell of a shipment's inside: its lines, the serial numbers in it, and the numbers of its packages."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import Key, Record, Records, Rejection
from libs.contracts.shipments import RegisterShipment, ShippedLine
from libs.contracts.values import derived_id
from services.receiving.expectation import ExpectedLine, ExpectedOrder
from services.receiving.serial import serial_id


@dataclass(frozen=True, kw_only=True)
class AnnouncedSerial(Record):
    """A serial number that a vendor announced: of which item, for which order line, in which shipment.

    `serial_id` is where the use of the number would be registered: by it a scan finds who announced it.
    """

    APPEND_ONLY: ClassVar[bool] = True

    serial_id: UUID
    serial: str
    sku: str
    shipment_id: UUID
    order_id: UUID
    order_line_id: UUID


@dataclass(frozen=True, kw_only=True)
class Package(Record):
    """A package of a shipment; its id follows from the number on its label."""

    APPEND_ONLY: ClassVar[bool] = True

    sscc: str
    shipment_id: UUID


def announced_id(shipment_id: UUID, sku: str, serial: str) -> UUID:
    """Where a shipment's announcement of a serial number is kept; two makers may use the same one."""
    return derived_id("announced_serial", shipment_id, sku, serial)


def package_id(sscc: str) -> UUID:
    """Where a package's number leads to its shipment."""
    return derived_id("package", sscc)


def lines_named(command: RegisterShipment, order: ExpectedOrder, held: Records) -> list[ExpectedLine]:
    """Every line is one of the order's that comes to a dock, named once."""
    lines: dict[UUID, ExpectedLine] = {}
    for index, shipped in enumerate(command.lines):
        line = _line_named(shipped, order, held, of=f"lines[{index}]")
        field = f"lines[{index}].{'sku' if shipped.sku else 'order_line_id'}"
        if line.id in lines:
            message = "This line stands in the shipment already."
            raise Rejection("order_line_repeated", field=field, message=message)
        if not line.is_received:
            message = f"{line.sku} is {line.kind}, which does not come to a dock."
            raise Rejection("kind_not_received", field=field, message=message)
        lines[line.id] = line
    return list(lines.values())


def _line_named(shipped: ShippedLine, order: ExpectedOrder, held: Records, *, of: str) -> ExpectedLine:
    """The line with this id, or the only one of this item."""
    if shipped.order_line_id is not None:
        line = held.find(ExpectedLine, shipped.order_line_id)
        if line is None or line.order_id != order.id:
            message = f"Order {order.requisition_number} has no line {shipped.order_line_id}."
            raise Rejection("order_line_unknown", field=f"{of}.order_line_id", message=message)
        return line
    found = held.all(ExpectedLine, order_id=order.id, sku=shipped.sku)
    if not found:
        message = f"Order {order.requisition_number} has no line of {shipped.sku}."
        raise Rejection("order_line_unknown", field=f"{of}.sku", message=message)
    if len(found) > 1:
        message = f"{len(found)} lines of order {order.requisition_number} are of {shipped.sku}: name one by its id."
        raise Rejection("shipment_ambiguous", field=f"{of}.sku", message=message)
    return found[0]


def content_of(command: RegisterShipment, order: ExpectedOrder, lines: Sequence[ExpectedLine]) -> UUID:
    """What was told of a shipment, however its order and its lines were named."""
    return derived_id(
        "shipment_told",
        order.id,
        command.invoice_number or "",
        command.carrier or "",
        command.tracking_number or "",
        command.dispatched_on or "",
        command.expected_on or "",
        command.location or order.deliver_to,
        command.storage_space or "",
        " ".join(command.packages),
        *(
            f"{line.id}:{shipped.quantity}:{' '.join(shipped.serials)}"
            for line, shipped in zip(lines, command.lines, strict=True)
        ),
    )


def announced(
    shipment_id: UUID, lines: Iterable[tuple[ExpectedLine, Iterable[str]]]
) -> Iterator[AnnouncedSerial]:
    """What is announced of each line. A serial number that two lines of an item announce is refused."""
    seen: set[UUID] = set()
    for index, (line, serials) in enumerate(lines):
        for position, serial in enumerate(serials):
            id = announced_id(shipment_id, line.sku, serial)
            if id in seen:
                message = f"Serial number {serial} of {line.sku} stands twice in this shipment."
                raise Rejection(
                    "serial_repeated", field=f"lines[{index}].serials[{position}]", message=message
                )
            seen.add(id)
            yield AnnouncedSerial(
                id=id,
                serial_id=serial_id(serial),
                serial=serial,
                sku=line.sku,
                shipment_id=shipment_id,
                order_id=line.order_id,
                order_line_id=line.id,
            )


def packages_of(shipment_id: UUID, packages: Iterable[str], held: Records) -> Iterator[Package]:
    """The claims on the packages' numbers, which no other shipment has."""
    for index, sscc in enumerate(packages):
        if held.find(Package, package_id(sscc)) is not None:
            message = f"Another shipment has package {sscc}."
            raise Rejection("package_number_reused", field=f"packages[{index}]", message=message)
        yield Package(id=package_id(sscc), sscc=sscc, shipment_id=shipment_id)


def package_keys(packages: Iterable[str]) -> Iterator[Key]:
    """Where these packages' numbers lead, if they do."""
    return (Key(Package, package_id(sscc), may_be_new=True) for sscc in packages)
