"""What is being unloaded while it is scanned: an order, or one of its shipments, and where things are put."""

from uuid import UUID

from libs.chassis.decision import Key, Keys, Many, Records, Rejection, Via
from libs.contracts.scanning import RecordScans, ScanAndReceive, ScanContext
from services.receiving.expectation import ExpectedLine, ExpectedOrder, OrderName, order_name_id
from services.receiving.place import check_place
from services.receiving.shipment import Shipment


def context(command: ScanContext, held: Records) -> tuple[ExpectedOrder, UUID | None]:
    """What is being unloaded: an order that the dock has heard of, and the shipment if one was named."""
    if command.shipment_id is not None and held.find(Shipment, command.shipment_id) is None:
        message = f"No shipment has the id {command.shipment_id}."
        raise Rejection("shipment_unknown", field="shipment_id", message=message)
    for order in held.all(ExpectedOrder):
        return order, command.shipment_id
    names = ("order_id", "requisition_number", "purchase_order_number")
    field = next(name for name in names if getattr(command, name) is not None)
    message = f"No submitted order is called {command.order_id or command.number}."
    raise Rejection("order_unknown", field=field, message=message)


def places_said(command: RecordScans | ScanAndReceive) -> dict[tuple[str, str], str]:
    """Where things were put, and the field that says so."""
    said: list[tuple[str | None, str | None, str]] = []
    if isinstance(command, RecordScans):
        said = [(each.location, each.storage_space, f"scans[{at}]") for at, each in enumerate(command.scans)]
        said.append((command.location, command.storage_space, "location"))
    else:
        said = [(command.scan.location, command.scan.storage_space, "scan")]
    return {(location, space): of for location, space, of in reversed(said) if location and space}


def check_places(command: RecordScans | ScanAndReceive, held: Records) -> None:
    """Things are put into known storage spaces of active locations."""
    for (location, storage_space), field in places_said(command).items():
        check_place(held, location, storage_space, of=field)


def order_meant(command: ScanContext) -> UUID | Via:
    """The order that is unloaded, whichever way it is named."""
    if command.order_id is not None:
        return command.order_id
    if command.shipment_id is not None:
        return Via(Shipment, command.shipment_id, "order_id")
    return Via(OrderName, order_name_id(command.number or ""), "order_id")


def context_known(command: ScanContext) -> Keys:
    """What is being unloaded."""
    order = order_meant(command)
    yield Key(ExpectedOrder, order)
    yield from of_order(order)


def of_order(order: UUID | Via) -> Keys:
    """What an order's scans are judged by, besides the codes themselves."""
    yield Many(ExpectedLine, by="order_id", value=order)
    yield Many(Shipment, by="order_id", value=order)
