"""Order lines as assets knows them: how many units were ordered, are here, and will not come."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from libs.chassis.decision import Record
from libs.contracts.values import AssetCreation, Kind


@dataclass(frozen=True, kw_only=True)
class OrderedLine(Record):
    """One line of a submitted order; its id is the order line's.

    `asked` is how many units purchasing cancelled. The dock wins: `cancelled` is only what of `asked` has not
    arrived, so that units that arrive after all make it shrink.
    """

    order_id: UUID
    requisition_number: str
    request_id: UUID | None
    request_line_id: UUID | None
    sku: str
    name: str
    kind: Kind
    asset_creation: AssetCreation
    unit_price: Decimal
    currency: str
    warranty_months: int
    ordered: int
    asked: int = 0
    kept: int = 0

    @property
    def cancelled(self) -> int:
        """Units that will not come."""
        return min(self.asked, max(0, self.ordered - self.kept))

    @property
    def open(self) -> int:
        """Units still to come: as many template assets are On Order."""
        return max(0, self.ordered - self.cancelled - self.kept)

    @property
    def has_templates(self) -> bool:
        """Whether its units are template assets from the submission on."""
        return self.kind is Kind.HARDWARE and self.asset_creation is AssetCreation.ON_SUBMISSION

    @property
    def makes_assets(self) -> bool:
        """Whether its units become assets at all."""
        return self.kind is Kind.HARDWARE and self.asset_creation is not AssetCreation.NEVER
