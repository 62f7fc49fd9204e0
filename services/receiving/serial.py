"""Serial numbers in use."""

from dataclasses import dataclass, replace
from uuid import UUID

from libs.chassis.decision import Record
from libs.contracts.values import derived_id


@dataclass(frozen=True, kw_only=True)
class RegisteredSerial(Record):
    """A serial number in use, and of which items: makers don't know of each other's, one item has it once.

    `assets` are the units that have it, one for each item. A unit that was taken back keeps its serial number until
    assets says that it has taken it back, too: then another unit may come with it.
    """

    serial: str
    skus: tuple[str, ...]
    assets: tuple[UUID, ...]

    def unit_of(self, sku: str) -> UUID | None:
        """The unit of this item that has it."""
        return dict(zip(self.skus, self.assets, strict=True)).get(sku)

    def claimed(self, sku: str, asset_id: UUID) -> "RegisteredSerial":
        """It is this unit's from now on."""
        kept = self.freed(asset_id)
        return replace(kept, skus=(*kept.skus, sku), assets=(*kept.assets, asset_id))

    def freed(self, asset_id: UUID) -> "RegisteredSerial":
        """It is not this unit's any more."""
        kept = [pair for pair in zip(self.skus, self.assets, strict=True) if pair[1] != asset_id]
        return replace(self, skus=tuple(sku for sku, _ in kept), assets=tuple(asset for _, asset in kept))


def serial_id(serial: str) -> UUID:
    """Where the use of a serial number is registered."""
    return derived_id("serial", serial)
