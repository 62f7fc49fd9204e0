"""Tags that were printed elsewhere, and the assets they were stuck on."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import Record, Records
from libs.contracts.assets import ISSUED_TAG_PREFIX
from libs.contracts.receiving import ReceivedUnit
from libs.contracts.values import derived_id


@dataclass(frozen=True, kw_only=True)
class Label(Record):
    """A tag that was printed elsewhere and the asset it was stuck on."""

    APPEND_ONLY: ClassVar[bool] = True

    label: str
    asset_id: UUID


def label_id(label: str) -> UUID:
    """Where a label leads to its asset."""
    return derived_id("label", label)


def label_on(asset_id: UUID, unit: ReceivedUnit, held: Records) -> Label | None:
    """The label printed elsewhere that is now this asset's tag, unless it is another asset's already."""
    if unit.tag is None or unit.tag.startswith(ISSUED_TAG_PREFIX):
        return None
    known = held.find(Label, label_id(unit.tag))
    if known is None:
        return Label(id=label_id(unit.tag), label=unit.tag, asset_id=asset_id)
    return known if known.asset_id == asset_id else None
