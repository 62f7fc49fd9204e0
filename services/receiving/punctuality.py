"""When to look whether a shipment is overdue, or was forgotten."""

from datetime import UTC, date, datetime, time, timedelta
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import Records, Timer
from libs.contracts.message import Message
from services.receiving.strictness import POLICY_ID, ReceivingPolicy

OVERDUE, STALE = "overdue", "stale"


class ShipmentOverdueDue(Message):
    """The day on which a shipment was expected is over. Said by the service to itself."""

    type: ClassVar[str] = "receiving.shipment_overdue_due.v1"
    subject: ClassVar[str] = "shipment_id"
    shipment_id: UUID
    expected_on: date


class ShipmentStaleDue(Message):
    """It is time to look when something was heard of a shipment. Said by the service to itself."""

    type: ClassVar[str] = "receiving.shipment_stale_due.v1"
    subject: ClassVar[str] = "shipment_id"
    shipment_id: UUID


def overdue_timer(shipment_id: UUID, expected_on: date) -> Timer:
    """When the day is over; another expected day replaces it."""
    message = ShipmentOverdueDue(shipment_id=shipment_id, expected_on=expected_on)
    return Timer(of=shipment_id, name=OVERDUE, due_at=_over(expected_on), message=message)


def stale_from(heard_on: date, held: Records) -> date:
    """The day on which a shipment counts as forgotten if nothing more is heard of it, by the policy."""
    policy = held.find(ReceivingPolicy, POLICY_ID) or ReceivingPolicy(id=POLICY_ID)
    return heard_on + timedelta(days=policy.stale_after_days)


def stale_timer(shipment_id: UUID, heard_on: date, held: Records) -> Timer:
    """When that day begins."""
    due_at = _over(stale_from(heard_on, held) - timedelta(days=1))
    return Timer(of=shipment_id, name=STALE, due_at=due_at, message=ShipmentStaleDue(shipment_id=shipment_id))


def _over(day: date) -> datetime:
    """The first instant after a day."""
    return datetime.combine(min(day, date.max - timedelta(days=1)) + timedelta(days=1), time(), UTC)
