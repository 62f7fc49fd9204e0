"""Along which indexes invoices are found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.chassis.finding import Filter, Finder, Found, PageWanted, Way
from services.purchasing.invoice import Invoice, Status
from services.purchasing.purchase_order import PurchaseOrder
from services.purchasing.tables import STORAGE

_invoices = STORAGE.tables[Invoice]
_orders = STORAGE.tables[PurchaseOrder]
_finder = Finder(_invoices)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Which invoices are wanted; what is None is not asked about."""

    status: Status | None = None
    vendor_number: str | None = None
    order_id: UUID | None = None
    number: str | None = None
    differs: bool | None = None
    since: date | None = None
    until: date | None = None
    search: str | None = None

    def ways(self) -> tuple[Sequence[Way], Sequence[Filter]]:
        """Along which index all that is wanted is found, and what must still be looked up."""
        names = ("number", "vendor_number", "status", "differs")
        left = {name: value for name in names if (value := getattr(self, name)) is not None}
        way = Way()
        if told := next((name for name in names if name in left), None):
            if told != "differs":
                way = Way({told: left.pop(told)})
            elif left.pop(told):
                way = Way(only=lambda columns: columns.differs)
            else:
                left[told] = False
        if not (left or self.since or self.until):
            return [way], ()
        return [way], (lambda columns: and_(*self._conditions(columns, left)),)

    def _conditions(self, columns: Any, left: Mapping[str, Any]) -> list[ColumnElement[bool]]:
        found = [columns[name] == value for name, value in left.items()]
        if self.since is not None:
            found.append(columns.invoiced_on >= self.since)
        if self.until is not None:
            found.append(columns.invoiced_on <= self.until)
        return found


async def find(read: AsyncConnection, wish: Wish, page: PageWanted) -> Found:
    """The next invoices that are wanted."""
    ways, left = wish.ways()
    if wish.order_id is None:
        return await _finder.find(read, ways, page, left, wish.search)
    named = func.jsonb_array_elements_text(_orders.c.invoices).cast(_invoices.c.id.type)
    ids = select(named).where(_orders.c.id == wish.order_id)
    some = select(_invoices).where(_invoices.c.id.in_(ids))
    return await _finder.among(read, some, ways, page, left, wish.search)
