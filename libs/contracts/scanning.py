"""What the receiving service says and obeys about scanning: codes that phones read at the dock, and what they are."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from libs.contracts.message import Command, Event, Value
from libs.contracts.permissions import Action
from libs.contracts.receiving import Condition, RecordReceipt
from libs.contracts.values import Code, Count, Quantity, Serial, Text

SCANS_MAX = 500
"""So many of the longest codes fit a message."""

# What a scanner reads: printable, and the separator (GS) that stands between the elements of a GS1 code.
ScannedText = Annotated[str, StringConstraints(pattern=r"^[\x1d -~]{1,200}$")]


class Verdict(StrEnum):
    """What a scanned code turned out to be."""

    EXPECTED = "expected"
    VERIFIED = "verified"
    UNEXPECTED = "unexpected"
    DUPLICATE = "duplicate"
    WRONG_ORDER = "wrong_order"
    ALREADY_RECEIVED = "already_received"


class Scan(Value):
    """One code that was read. The phone makes its id, and keeps it when it sends the scan again.

    `serial` is the unit's serial number if that was read from a label beside the code, as with a plain GTIN. A GTIN of
    something that has no serial number stands for `quantity` packs. `location` and `storage_space` are where it was
    put, `condition` is how it looked, `rejection_reason` says why it is not taken.
    """

    scan_id: UUID
    code: ScannedText
    scanned_at: datetime
    serial: Serial | None = None
    quantity: Quantity = 1
    condition: Condition = Condition.NEW
    rejection_reason: Text | None = None
    location: Code | None = None
    storage_space: Code | None = None

    @model_validator(mode="after")
    def is_put_into_a_space(self) -> "Scan":
        """A place is a location and one of its storage spaces; an instant has its zone."""
        if (self.location is None) != (self.storage_space is None):
            raise ValueError("a unit is put into a location and storage space")
        if self.scanned_at.tzinfo is None:
            raise ValueError("say the time with its zone")
        return self


class ScanContext(Value):
    """What is being unloaded: an order, named in one way, or a shipment."""

    order_id: UUID | None = None
    requisition_number: Code | None = None
    purchase_order_number: Code | None = None
    shipment_id: UUID | None = None

    @model_validator(mode="after")
    def names_one_thing(self) -> "ScanContext":
        """Exactly one way to name it."""
        ways = (self.order_id, self.requisition_number, self.purchase_order_number, self.shipment_id)
        if ways.count(None) != len(ways) - 1:
            raise ValueError("name one of order_id, requisition_number, purchase_order_number, shipment_id")
        return self

    @property
    def number(self) -> str | None:
        """The number that names the order, if a number does."""
        return self.requisition_number or self.purchase_order_number


class ScansSent(ScanContext):
    """What was scanned. `location` and `storage_space` are where things are put that say no other place."""

    location: Code | None = None
    storage_space: Code | None = None
    scans: Annotated[tuple[Scan, ...], Field(min_length=1, max_length=SCANS_MAX)]

    @model_validator(mode="after")
    def is_put_into_a_space(self) -> "ScansSent":
        """A place is a location and one of its storage spaces."""
        if (self.location is None) != (self.storage_space is None):
            raise ValueError("things are put into a location and storage space")
        return self


class RecordScans(ScansSent, Command):
    """Send what was scanned in a session; the first scans begin it.

    Several phones may share a session, and send what they have in any order and more than once: the session ends up the
    same. Of the same unit scanned twice the earliest scan counts, by the phones' own clocks. `location` and
    `storage_space` are where things are put that say no other place. Answered with a verdict for each scan.
    """

    type: ClassVar[str] = "receiving.record_scans.v1"
    subject: ClassVar[str] = "session_id"
    action: ClassVar[Action | None] = Action.TAKE_DELIVERY
    session_id: UUID


class Confirmation(Value):
    """How a session ends: where things are of which no scan says where they were put, and the delivery note."""

    location: Code | None = None
    storage_space: Code | None = None
    delivery_note: Text | None = None

    @model_validator(mode="after")
    def is_put_into_a_space(self) -> "Confirmation":
        """A place is a location and one of its storage spaces."""
        if (self.location is None) != (self.storage_space is None):
            raise ValueError("things are put into a location and storage space")
        return self


class ConfirmScanSession(Confirmation, Command):
    """End a session: what was expected or verified in it is received; what of the manifest was not scanned is missing.

    Things of which no scan says where they were put are at this location and storage space. Answered with how many
    scans there were of each verdict, how many units are missing, how many could not be received because their serial
    number was not read, and in how many receipts the rest is recorded, at once after it; the session shows these.
    """

    type: ClassVar[str] = "receiving.confirm_scan_session.v1"
    subject: ClassVar[str] = "session_id"
    action: ClassVar[Action | None] = Action.TAKE_DELIVERY
    session_id: UUID


class AbandonScanSession(Command):
    """End a session without receiving anything."""

    type: ClassVar[str] = "receiving.abandon_scan_session.v1"
    subject: ClassVar[str] = "session_id"
    action: ClassVar[Action | None] = Action.TAKE_DELIVERY
    session_id: UUID


class ScanAndReceive(ScanContext, Command):
    """Scan one thing and receive it at once, if it is expected or verified. The same scan again is a duplicate."""

    type: ClassVar[str] = "receiving.scan_and_receive.v1"
    action: ClassVar[Action | None] = Action.TAKE_DELIVERY
    scan: Scan


class ReceiveScans(Command):
    """Receive what was scanned in a session, or a part of it; receiving says this to itself."""

    type: ClassVar[str] = "receiving.receive_scans.v1"
    subject: ClassVar[str] = "session_id"
    session_id: UUID
    part: Quantity
    received_by: str
    receipt: RecordReceipt


class ScansNotReceived(Event):
    """What was scanned could not be received: somebody must look into it, and receive it otherwise."""

    type: ClassVar[str] = "receiving.scans_not_received.v1"
    subject: ClassVar[str] = "scan_receipt_id"
    scan_receipt_id: UUID
    session_id: UUID
    part: Quantity
    units: Count
    code: str
    message: str


class ScanSessionEnded(Event):
    """A session was confirmed or abandoned: how many scans there were of each verdict, and how many are missing."""

    type: ClassVar[str] = "receiving.scan_session_ended.v1"
    subject: ClassVar[str] = "session_id"
    session_id: UUID
    order_id: UUID
    shipment_id: UUID | None = None
    confirmed: bool
    ended_by: str
    scans: dict[Verdict, Count]
    missing: Count
