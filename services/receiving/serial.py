"""Serial numbers in use."""

from dataclasses import dataclass
from uuid import UUID

from libs.chassis.decision import Record
from libs.contracts.values import derived_id


@dataclass(frozen=True, kw_only=True)
class RegisteredSerial(Record):
    """A serial number in use, and of which items: makers don't know of each other's, one item has it once."""

    serial: str
    skus: tuple[str, ...]


def serial_id(serial: str) -> UUID:
    """Where the use of a serial number is registered."""
    return derived_id("serial", serial)
