"""Along which indexes shipments are found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from libs.chassis.finding import Filter, Finder, Found, PageWanted, Way
from libs.contracts.shipments import ShipmentStatus
from services.receiving.shipment import Shipment
from services.receiving.tables import STORAGE

_finder = Finder(STORAGE.tables[Shipment])
ON_THEIR_WAY = (ShipmentStatus.ANNOUNCED, ShipmentStatus.IN_TRANSIT)
"""Until it has arrived, a shipment can be overdue."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Which shipments are wanted; what is None is not asked about."""

    status: ShipmentStatus | None = None
    order_id: UUID | None = None
    overdue: bool = False
    search: str | None = None

    def ways(self, today: date) -> tuple[Sequence[Way], Sequence[Filter]]:
        """Along which index all that is wanted is found, and what must still be looked up."""
        filters: list[Filter] = []
        if self.overdue:
            filters.append(lambda columns: columns.expected_on < today)
        statuses = [self.status] if self.status is not None else []
        if self.overdue:
            statuses = [each for each in ON_THEIR_WAY if self.status in (None, each)]
        if self.order_id is not None:
            if self.status is not None or self.overdue:
                filters.append(lambda columns: columns.status.in_([each.value for each in statuses]))
            return [Way({"order_id": self.order_id})], filters
        if self.status is not None or self.overdue:
            return [Way({"status": each.value}) for each in statuses], filters
        return [Way()], filters


async def find(read: AsyncConnection, wish: Wish, page: PageWanted, today: date) -> Found:
    """The next shipments that are wanted."""
    ways, filters = wish.ways(today)
    if not ways:
        return [], None
    return await _finder.find(read, ways, page, filters, wish.search)
