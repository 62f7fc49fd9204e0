"""Along which indexes orders are found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.chassis.finding import Filter, Finder, Found, PageWanted, Way
from services.purchasing.commitment import RequestOrders
from services.purchasing.purchase_order import OrderName, PurchaseOrder, Status, order_name_id
from services.purchasing.tables import STORAGE

DUE = (Status.SUBMITTED, Status.PARTIALLY_RECEIVED)

_orders = STORAGE.tables[PurchaseOrder]
_names = STORAGE.tables[OrderName]
_commanded = STORAGE.tables[RequestOrders]
_finder = Finder(_orders)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Which orders are wanted; what is None, or empty, is not asked about. Overdue is what was due before `today`."""

    statuses: Sequence[Status] = ()
    vendor_id: UUID | None = None
    currency: str | None = None
    differs: bool | None = None
    overdue: bool = False
    submitted_from: date | None = None
    submitted_to: date | None = None
    today: date
    search: str | None = None

    def ways(self) -> tuple[Sequence[Way], Sequence[Filter]]:
        """Along which indexes all that is wanted is found, and what must still be looked up."""
        names = ("differs", "vendor_id", "currency")
        left = {name: value for name in names if (value := getattr(self, name)) is not None}
        statuses = self.statuses or (DUE if self.overdue else ())
        ways: Sequence[Way] = (Way(),)
        if self.differs:
            ways = (Way(only=lambda columns: columns.differs),)
            del left["differs"]
        elif self.vendor_id is not None:
            ways = (Way({"vendor_id": left.pop("vendor_id")}),)
        elif statuses:
            ways, statuses = [Way({"status": status}) for status in statuses], ()
        if not (left or statuses or self.overdue or self.submitted_from or self.submitted_to):
            return ways, ()
        return ways, (lambda columns: and_(*self._conditions(columns, left, statuses)),)

    def _conditions(
        self, columns: Any, left: Mapping[str, Any], statuses: Sequence[Status]
    ) -> list[ColumnElement[bool]]:
        found = [columns[name] == value for name, value in left.items()]
        if statuses:
            found.append(columns.status.in_(statuses))
        if self.overdue:
            found += [columns.status.in_(DUE), columns.expected_on < self.today]
        if self.submitted_from is not None:
            found.append(columns.submitted_at >= _midnight(self.submitted_from))
        if self.submitted_to is not None:
            found.append(columns.submitted_at < _midnight(self.submitted_to + timedelta(days=1)))
        return found


async def find(read: AsyncConnection, wish: Wish, page: PageWanted) -> Found:
    """The next orders that are wanted."""
    ways, left = wish.ways()
    return await _finder.find(read, ways, page, left, wish.search)


async def of_request(read: AsyncConnection, request_id: UUID, wish: Wish, page: PageWanted) -> Found:
    """Those of a request: its own, and what serves others too."""
    query = select(_commanded.c.elsewhere).where(_commanded.c.id == request_id)
    elsewhere = (await read.execute(query)).scalar_one_or_none() or []
    mine = or_(_orders.c.request_id == request_id, _orders.c.id.in_([UUID(each) for each in elsewhere]))
    ways, left = wish.ways()
    return await _finder.among(read, select(_orders).where(mine), ways, page, left, wish.search)


async def of_number(read: AsyncConnection, number: str, wish: Wish, page: PageWanted) -> Found:
    """The one that has a number, or had it once."""
    named = select(_names.c.order_id).where(_names.c.id == order_name_id(number))
    some = select(_orders).where(_orders.c.id == named.scalar_subquery())
    ways, left = wish.ways()
    return await _finder.among(read, some, ways, page, left, wish.search)


async def count(read: AsyncConnection) -> Mapping[Status, int]:
    """How many orders are in each status; of many not exactly."""
    found = await _finder.count(read, [Way({"status": status}) for status in Status], by="status")
    return {status: found.get(status, 0) for status in Status}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
