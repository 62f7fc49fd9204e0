"""How invoices are found: along an index, and never much further than the page, however many there are.

Which index is read is decided here, by the whole key of it. What it does not tell is looked up in the rows,
`LOOKED_AT_MAX` of them for one page; so a page may hold less than was asked for and still have a `next`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
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
    select,
    text,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.purchasing.invoice import Invoice, Status
from services.purchasing.purchase_order import PurchaseOrder
from services.purchasing.tables import STORAGE

LOOKED_AT_MAX = 10_000
"""Rows that are looked at for one page."""
MATCHES_MAX = 5_000
"""A search that finds more begins with the invoices instead of the words."""
_FIRST, _LAST = 0, 2**63 - 1

_invoices = STORAGE.tables[Invoice]
_orders = STORAGE.tables[PurchaseOrder]
# The very expression that the index is made of.
_SIMPLE: ColumnElement[str] = literal_column("'simple'")
_IS_INDEXED = text("SELECT querytree(websearch_to_tsquery('simple', :sought)) NOT IN ('T', '')")


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

    def filters(self, columns: Any, *without: str) -> list[ColumnElement[bool]]:
        """What rows with these columns must be like, but for what an index has told."""
        found = [
            columns[name] == value
            for name in ("status", "vendor_number", "number", "differs")
            if (value := getattr(self, name)) is not None and name not in without
        ]
        if self.since is not None:
            found.append(columns.invoiced_on >= self.since)
        if self.until is not None:
            found.append(columns.invoiced_on <= self.until)
        if self.search is not None and "search" not in without:
            query = func.websearch_to_tsquery(_SIMPLE, self.search)
            found.append(func.to_tsvector(_SIMPLE, columns.words).bool_op("@@")(query))
        return found


@dataclass(frozen=True)
class PageWanted:
    """So many after this one in the order in which they were recorded, or against it."""

    limit: int
    after: int | None
    newest: bool

    @property
    def bounds(self) -> tuple[int, int]:
        """The ordinals between which to look."""
        if self.newest:
            return _FIRST, _LAST if self.after is None else self.after
        return _FIRST if self.after is None else self.after, _LAST

    def order(self, *columns: ColumnElement[Any]) -> list[ColumnElement[Any]]:
        """In the direction that is wanted."""
        return [column.desc() for column in columns] if self.newest else list(columns)


async def find(read: AsyncConnection, wish: Wish, page: PageWanted) -> tuple[Sequence[Row[Any]], str | None]:
    """The next invoices that are wanted, and where to go on."""
    if wish.order_id is not None:
        named = func.jsonb_array_elements_text(_orders.c.invoices).cast(_invoices.c.id.type)
        ids = select(named).where(_orders.c.id == wish.order_id)
        return await _few(read, select(_invoices).where(_invoices.c.id.in_(ids)), wish, page)
    if wish.search is not None and await _is_indexed(read, wish.search):
        some = _with_words(wish.search)
        counted = some.with_only_columns(_invoices.c.ordinal).limit(MATCHES_MAX + 1).subquery()
        if (await read.execute(select(func.count()).select_from(counted))).scalar_one() <= MATCHES_MAX:
            return await _few(read, some.limit(MATCHES_MAX), wish, page)
    return await _walk(read, wish, page)


async def _is_indexed(read: AsyncConnection, sought: str) -> bool:
    return bool((await read.execute(_IS_INDEXED, {"sought": sought})).scalar_one())


def _with_words(sought: str) -> Select[Any]:
    # In a query of its own, so that the planner does not guess from how frequent the words are.
    query = text("(SELECT websearch_to_tsquery('simple', :sought))").bindparams(sought=sought)
    return select(_invoices).where(func.to_tsvector(_SIMPLE, _invoices.c.words).bool_op("@@")(query))


async def _few(
    read: AsyncConnection, some: Select[Any], wish: Wish, page: PageWanted
) -> tuple[Sequence[Row[Any]], str | None]:
    """All of some are looked at."""
    found = some.subquery()
    after, before = page.bounds
    wanted = (found.c.ordinal > after, found.c.ordinal < before, *wish.filters(found.c, "search"))
    query = select(found).where(*wanted).order_by(*page.order(found.c.ordinal)).limit(page.limit + 1)
    rows = (await read.execute(query)).all()
    return rows[: page.limit], str(rows[page.limit - 1].ordinal) if len(rows) > page.limit else None


async def _walk(read: AsyncConnection, wish: Wish, page: PageWanted) -> tuple[Sequence[Row[Any]], str | None]:
    """Along the index that leads to the fewest."""
    told = next(
        (name for name in ("number", "vendor_number", "status") if getattr(wish, name) is not None), None
    )
    along = _along(told, wish, page)
    told = told or ("differs" if wish.differs else None)
    filters = wish.filters(_invoices.c, *([told] if told else []))
    if not filters:
        rows = (await read.execute(along.limit(page.limit + 1))).all()
        return rows[: page.limit], str(rows[page.limit - 1].ordinal) if len(rows) > page.limit else None
    some = along.limit(LOOKED_AT_MAX).subquery()
    query = select(some).where(*wish.filters(some.c, *([told] if told else [])))
    rows = (await read.execute(query.order_by(*page.order(some.c.ordinal)).limit(page.limit + 1))).all()
    if len(rows) > page.limit:
        return rows[: page.limit], str(rows[page.limit - 1].ordinal)
    last = along.with_only_columns(_invoices.c.ordinal).offset(LOOKED_AT_MAX - 1).limit(1)
    horizon = (await read.execute(last)).scalar_one_or_none()
    return rows, None if horizon is None else str(horizon)


def _along(told: str | None, wish: Wish, page: PageWanted) -> Select[Any]:
    """The invoices in the order of an index, between the bounds of the page."""
    ordinal = _invoices.c.ordinal
    after, before = page.bounds
    if told is None:
        query = select(_invoices).where(ordinal > after, ordinal < before)
        if wish.differs:
            query = query.where(_invoices.c.differs)
        return query.order_by(*page.order(ordinal))
    key, value = _invoices.c[told], getattr(wish, told)
    bounds = (
        tuple_(key, ordinal) > tuple_(value, literal(after, BigInteger)),
        tuple_(key, ordinal) < tuple_(value, literal(before, BigInteger)),
    )
    return select(_invoices).where(*bounds).order_by(*page.order(key, ordinal))
