"""How far shipments have come, by what carriers and vendors say; and which of them are overdue or forgotten."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from libs.chassis.decision import (
    Cause,
    Decision,
    Early,
    Handler,
    Handlers,
    Key,
    Keys,
    Records,
    Rejection,
    Timer,
    Via,
    timer_id,
)
from libs.contracts.shipments import ShipmentOverdue, ShipmentStale, ShipmentStatus, TrackShipment
from services.receiving.punctuality import (
    OVERDUE,
    ShipmentOverdueDue,
    ShipmentStaleDue,
    overdue_timer,
    stale_from,
    stale_timer,
)
from services.receiving.shipment import (
    Shipment,
    ShipmentName,
    TrackingNumber,
    answer_about,
    moved,
    shipment_name_id,
    tracked,
    tracking_id,
)
from services.receiving.strictness import POLICY_KEY

_ORDER = list(ShipmentStatus)


def track(command: TrackShipment, held: Records, cause: Cause) -> Decision:
    """Note what is heard of a shipment. It only goes forward; its expected day matters until it has arrived."""
    shipment = _shipment_named(command, held)
    _check_forward(command, shipment, cause)
    changes: dict[str, Any] = {"heard_on": cause.at.date()}
    if command.expected_on is not None:
        changes["expected_on"] = command.expected_on
    if command.tracking_number is not None:
        changes |= {
            "carrier": command.carrier,
            "tracking_number": command.tracking_number,
            "words": _with(shipment.words, command.tracking_number),
        }
    if command.status is not None:
        day = "arrived_on" if command.status is ShipmentStatus.ARRIVED else "dispatched_on"
        known = getattr(shipment, day) if command.status is shipment.status else None
        changes[day] = command.on or known or cause.at.date()
    if command.status is not None and command.status is not shipment.status:
        shipment = shipment.become(command.status, **changes)
    else:
        shipment = replace(shipment, **changes)
    schedule: list[Timer] = []
    if command.expected_on is not None:
        schedule.append(overdue_timer(shipment.id, command.expected_on))
    if shipment.status is not ShipmentStatus.RECEIVED and shipment.stale_on is None:
        schedule.append(stale_timer(shipment.id, shipment.heard_on, held))
    return Decision(
        save=[shipment, *(tracked(shipment, held) if command.tracking_number else ())],
        publish=[moved(shipment)],
        schedule=schedule,
        cancel=[timer_id(shipment.id, OVERDUE)] if shipment.has_arrived else [],
        answer=answer_about(shipment),
    )


def _check_forward(command: TrackShipment, shipment: Shipment, cause: Cause) -> None:
    if command.status is not None and _ORDER.index(command.status) < _ORDER.index(shipment.status):
        message = f"Shipment {shipment.number} is {shipment.status}: it cannot be {command.status} any more."
        raise Rejection("shipment_not_movable", field="status", message=message)
    arrives = shipment.has_arrived or command.status is ShipmentStatus.ARRIVED
    if command.expected_on is not None and arrives:
        message = f"Shipment {shipment.number} has arrived: it is not expected any more."
        raise Rejection("shipment_not_movable", field="expected_on", message=message)
    # Where the dock is, the day may have begun already.
    if command.on is not None and command.on > cause.at.date() + timedelta(days=1):
        raise Rejection("date_in_future", field="on", message=f"{command.on} is still to come.")


def overdue(timer: ShipmentOverdueDue, held: Records, cause: Cause) -> Decision:
    """If it has not arrived by the day that was expected last, say so; of each day once."""
    shipment = held.find(Shipment, timer.shipment_id)
    if (
        shipment is None
        or shipment.has_arrived
        or shipment.expected_on != timer.expected_on
        or (shipment.overdue_on is not None and shipment.overdue_on >= timer.expected_on)
    ):
        return Decision()
    said = ShipmentOverdue(
        shipment_id=shipment.id,
        number=shipment.number,
        shipment_number=shipment.shipment_number,
        order_id=shipment.order_id,
        expected_on=timer.expected_on,
    )
    return Decision(save=[replace(shipment, overdue_on=timer.expected_on)], publish=[said])


def stale(timer: ShipmentStaleDue, held: Records, cause: Cause) -> Decision:
    """If nothing was heard for long of what was not received, say so, once; if something was, look again later."""
    shipment = held.find(Shipment, timer.shipment_id)
    if shipment is None or shipment.status is ShipmentStatus.RECEIVED or shipment.stale_on is not None:
        return Decision()
    if stale_from(shipment.heard_on, held) > cause.at.date():
        return Decision(schedule=[stale_timer(shipment.id, shipment.heard_on, held)])
    said = ShipmentStale(
        shipment_id=shipment.id,
        number=shipment.number,
        shipment_number=shipment.shipment_number,
        order_id=shipment.order_id,
        status=shipment.status,
        since=shipment.heard_on,
    )
    return Decision(save=[replace(shipment, stale_on=cause.at.date())], publish=[said])


def _with(words: str, word: str) -> str:
    return words if word in words.split() else f"{words} {word}"


def _shipment_named(command: TrackShipment, held: Records) -> Shipment:
    for shipment in held.all(Shipment):
        return shipment
    field = "number" if command.shipment_id is None else "shipment_id"
    named = command.number or command.shipment_id
    raise Rejection("shipment_unknown", field=field, message=f"No shipment is called {named}.")


def _shipment_meant(command: TrackShipment) -> UUID | Via:
    if command.shipment_id is not None:
        return command.shipment_id
    return Via(ShipmentName, shipment_name_id(command.number or ""), "shipment_id")


def _the_shipment(command: TrackShipment) -> Keys:
    yield Key(Shipment, _shipment_meant(command))
    if command.carrier is not None and command.tracking_number is not None:
        yield Key(TrackingNumber, tracking_id(command.carrier, command.tracking_number), may_be_new=True)


def _the_policy(_: object) -> Keys:
    return [POLICY_KEY]


def _timed(timer: ShipmentOverdueDue | ShipmentStaleDue) -> Keys:
    return [Key(Shipment, timer.shipment_id, may_be_new=True)]


HANDLERS: Handlers = (
    Handler(
        on=TrackShipment, holds=_the_shipment, reads=_the_policy, early=Early.WAIT_10_MINUTES, decide=track
    ),
    Handler(on=ShipmentOverdueDue, holds=_timed, decide=overdue),
    Handler(on=ShipmentStaleDue, holds=_timed, reads=_the_policy, decide=stale),
)
