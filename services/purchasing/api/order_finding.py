"""How orders are found: along an index, and never much further than the page, however many there are.

Which index is read is decided here, by the whole key of it. What it does not tell is looked up in the rows,
`LOOKED_AT_MAX` of them for one page; so a page may hold less than was asked for and still have a `next`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.purchasing.commitment import RequestOrders
from services.purchasing.purchase_order import (
    OrderName,
    PurchaseOrder,
    Status,
    number_of,
    order_name_id,
)
from services.purchasing.tables import STORAGE

LOOKED_AT_MAX = 10_000
"""Rows that are looked at for one page, along each index that is followed for it."""
MATCHES_MAX = 5_000
"""A search that finds more begins with the orders instead of the words."""
COUNTED_MAX = 10_000
"""Nobody needs to know exactly how many more there are."""
_FIRST, _LAST = 0, 2**63 - 1
DUE = (Status.SUBMITTED, Status.PARTIALLY_RECEIVED)

_orders = STORAGE.tables[PurchaseOrder]
_names = STORAGE.tables[OrderName]
_commanded = STORAGE.tables[RequestOrders]
# The very expression that the index is made of.
_SIMPLE: ColumnElement[str] = literal_column("'simple'")
_IS_INDEXED = text("SELECT querytree(websearch_to_tsquery('simple', :sought)) NOT IN ('T', '')")


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Which orders are wanted; what is None, or empty, is not asked about. Overdue is what was due before `today`."""

    statuses: Sequence[Status] = ()
    vendor_id: UUID | None = None
    vendor_number: str | None = None
    currency: str | None = None
    differs: bool | None = None
    overdue: bool = False
    submitted_from: date | None = None
    submitted_to: date | None = None
    today: date
    search: str | None = None

    def filters(self, columns: Any) -> list[ColumnElement[bool]]:
        """What rows with these columns must be like."""
        named = ("vendor_id", "vendor_number", "currency", "differs")
        found = [columns[name] == value for name in named if (value := getattr(self, name)) is not None]
        if self.statuses:
            found.append(columns.status.in_(self.statuses))
        if self.overdue:
            found += [columns.status.in_(DUE), columns.expected_on < self.today]
        if self.submitted_from is not None:
            found.append(columns.submitted_at >= _midnight(self.submitted_from))
        if self.submitted_to is not None:
            found.append(columns.submitted_at < _midnight(self.submitted_to + timedelta(days=1)))
        return found

    def ways(self) -> Sequence["Way"]:
        """Along which indexes all that is wanted is found."""
        if self.differs:
            return (Way(only=lambda columns: [columns.differs]),)
        if self.vendor_id is not None:
            return (Way({"vendor_id": self.vendor_id}),)
        statuses = self.statuses or (DUE if self.overdue else ())
        return [Way({"status": status}) for status in statuses] or (Way(),)


@dataclass(frozen=True)
class Way:
    """A part of the orders in the order of an index, which has the columns of `equal` and then the ordinal."""

    equal: Mapping[str, Any] = field(default_factory=dict)
    only: Callable[[Any], list[ColumnElement[bool]]] = lambda _: []

    def read(self, page: "PageWanted", *what: Any) -> Select[Any]:
        """What it leads to. A bound is put on the whole key, which no other index has."""
        after, before = page.bounds
        key = [_orders.c[name] for name in self.equal]
        values = [literal(value, _orders.c[name].type) for name, value in self.equal.items()]
        low, high = literal(after, BigInteger), literal(before, BigInteger)
        bounds = (
            [
                tuple_(*key, _orders.c.ordinal) > tuple_(*values, low),
                tuple_(*key, _orders.c.ordinal) < tuple_(*values, high),
            ]
            if key
            else [_orders.c.ordinal > low, _orders.c.ordinal < high]
        )
        return select(*what).where(*bounds, *self.only(_orders.c)).order_by(*self.order(_orders.c, page))

    def order(self, columns: Any, page: "PageWanted") -> list[ColumnElement[Any]]:
        """The order of its index."""
        key = [columns[name] for name in (*self.equal, "ordinal")]
        return [column.desc() for column in key] if page.newest else key


@dataclass(frozen=True)
class PageWanted:
    """So many after this one in the order in which they were drafted, or against it."""

    newest: bool
    after: int | None
    limit: int

    @property
    def bounds(self) -> tuple[int, int]:
        """The ordinals between which to look."""
        if self.newest:
            return _FIRST, _LAST if self.after is None else self.after
        return _FIRST if self.after is None else self.after, _LAST


Found = tuple[Sequence[Row[Any]], str | None]
"""A page, and where to go on."""


async def find(read: AsyncConnection, wish: Wish, page: PageWanted) -> Found:
    """The next orders that are wanted, and where to go on."""
    if wish.search is not None and (await read.execute(_IS_INDEXED, {"sought": wish.search})).scalar_one():
        some = select(_orders.c.id).where(_has(wish.search)).limit(MATCHES_MAX + 1).subquery()
        few = select(func.count() <= MATCHES_MAX).select_from(some)
        if (await read.execute(few)).scalar_one():
            return await _among(read, select(_orders).where(_has(wish.search)).limit(MATCHES_MAX), wish, page)
    return await _walked(read, wish, page)


async def of_request(read: AsyncConnection, request_id: UUID, wish: Wish, page: PageWanted) -> Found:
    """Those of a request: its own, and what serves others too."""
    query = select(_commanded.c.elsewhere).where(_commanded.c.id == request_id)
    elsewhere = (await read.execute(query)).scalar_one_or_none() or []
    mine = or_(_orders.c.request_id == request_id, _orders.c.id.in_([UUID(each) for each in elsewhere]))
    return await _among(read, select(_orders).where(mine), wish, page)


async def of_number(read: AsyncConnection, number: str, wish: Wish, page: PageWanted) -> Found:
    """The one that has a number, or had it once."""
    named = select(_names.c.order_id).where(_names.c.id == order_name_id(number))
    query = select(_orders).where(_orders.c.id == named.scalar_subquery())
    return await _among(read, query, wish, page)


async def _among(read: AsyncConnection, query: Select[Any], wish: Wish, page: PageWanted) -> Found:
    """All of a few are looked at."""
    some = query.subquery()
    after, before = page.bounds
    wanted = [some.c.ordinal > after, some.c.ordinal < before, *wish.filters(some.c)]
    if wish.search is not None:
        wanted.append(_has(wish.search, some.c))
    order = Way().order(some.c, page)
    rows = (await read.execute(select(some).where(*wanted).order_by(*order).limit(page.limit + 1))).all()
    return _cut(rows, page)


async def _walked(read: AsyncConnection, wish: Wish, page: PageWanted) -> Found:
    rows: list[Row[Any]] = []
    horizon: int | None = None
    for way in wish.ways():
        found, until = await _along(read, way, wish, page)
        rows += found
        if until is not None:
            nearer = max if page.newest else min
            horizon = until if horizon is None else nearer(horizon, until)
    rows.sort(key=lambda row: row.ordinal, reverse=page.newest)
    if horizon is None:
        return _cut(rows, page)
    # One way may have been followed less far than another, and nothing in between may be missed.
    seen = [row for row in rows if (row.ordinal >= horizon if page.newest else row.ordinal <= horizon)]
    return _cut(seen, page) if len(seen) > page.limit else (seen, number_of(horizon))


async def _along(
    read: AsyncConnection, way: Way, wish: Wish, page: PageWanted
) -> tuple[Sequence[Row[Any]], int | None]:
    """The first along one way that are wanted, and how far it was followed if that was not to its end."""
    some = way.read(page, _orders).limit(LOOKED_AT_MAX).subquery()
    filters = wish.filters(some.c)
    if wish.search is not None:
        filters.append(_has(wish.search, some.c))
    query = select(some).where(*filters).order_by(*way.order(some.c, page)).limit(page.limit + 1)
    rows = (await read.execute(query)).all()
    if len(rows) > page.limit:
        return rows, None
    last = way.read(page, _orders.c.ordinal).offset(LOOKED_AT_MAX - 1).limit(1)
    return rows, (await read.execute(last)).scalar_one_or_none()


def _cut(rows: Sequence[Row[Any]], page: PageWanted) -> Found:
    if len(rows) <= page.limit:
        return rows, None
    return rows[: page.limit], number_of(rows[page.limit - 1].ordinal)


def _has(sought: str, columns: Any = _orders.c) -> ColumnElement[bool]:
    query = func.websearch_to_tsquery(_SIMPLE, sought)
    return func.to_tsvector(_SIMPLE, columns.words).bool_op("@@")(query)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


async def count(read: AsyncConnection) -> Mapping[Status, int]:
    """How many orders are in each status; more than `COUNTED_MAX` are not told apart."""
    everywhere = PageWanted(newest=False, after=None, limit=0)
    counted: dict[Status, int] = {}
    for status in Status:
        some = Way({"status": status}).read(everywhere, _orders.c.ordinal).limit(COUNTED_MAX + 1).subquery()
        counted[status] = (await read.execute(select(func.count()).select_from(some))).scalar_one()
    return counted
