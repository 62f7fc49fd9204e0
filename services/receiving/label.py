"""Tags on units: the one assets issued, or a label printed elsewhere that replaces it; each on one unit."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import Record, Rejection
from libs.contracts.assets import ISSUED_TAG_PREFIX
from libs.contracts.values import derived_id
from services.receiving.expectation import ExpectedUnit


@dataclass(frozen=True, kw_only=True)
class RegisteredLabel(Record):
    """A label printed elsewhere and the unit it was stuck on."""

    APPEND_ONLY: ClassVar[bool] = True

    label: str
    asset_id: UUID


def label_id(label: str) -> UUID:
    """Where the use of a label is registered."""
    return derived_id("label", label)


def is_printed_elsewhere(tag: str) -> bool:
    """Whether the tag is somebody else's label; our own are given out by assets and need no claim here."""
    return not tag.startswith(ISSUED_TAG_PREFIX)


def check_tag(tag: str, unit: ExpectedUnit, claim: RegisteredLabel | None, *, of: str) -> None:
    """A scanned tag is the unit's own, or a label that no other unit has.

    Our own tag on a unit whose tag we have not heard of yet is believed: only assets can tell whose it is.
    """
    if is_printed_elsewhere(tag):
        taken = claim is not None and claim.asset_id != unit.id
    else:
        taken = unit.tag is not None and unit.tag != tag
    if taken:
        raise Rejection("tag_taken", field=f"{of}.tag", message=f"Tag {tag} is another unit's.")
