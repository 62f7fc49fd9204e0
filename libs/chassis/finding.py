"""How long lists are found: in the order of an index, and never much further than the page, however long they are.

The planner takes columns to be independent of each other, and they are not: what waits is young, what is done is old.
So which index is read is decided here. A bound is put on the whole key of the index, the rows are wanted in its order,
which no other index has, and sorting is no choice.

What that index does not tell is looked up in the rows, `LOOKED_AT_MAX` of them for one page. So a page may hold less
than was asked for, even nothing, and still have a `next`.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    tuple_,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

LOOKED_AT_MAX = 10_000
"""Rows that are looked at for one page; of several ways each is followed for a quarter of that."""
MATCHES_MAX = 5_000
"""A search that finds more begins with the list instead of the words."""
COUNTED_MAX = 1_000
"""Nobody needs to know exactly how many more there are, and each may cost a look at its row."""
_FIRST, _LAST = 0, 2**63 - 1

# The very expression that the indexes are made of.
_SIMPLE: ColumnElement[str] = literal_column("'simple'")
_QUERY = text("SELECT CAST(q AS text), querytree(q) FROM websearch_to_tsquery('simple', :sought) AS q")

Filter = Callable[[Any], ColumnElement[bool]]
"""What a row must be like, said of the columns of wherever it is read from."""

Found = tuple[Sequence[Row[Any]], int | None]
"""A page, and the ordinal after which to go on if there may be more."""


@dataclass(frozen=True)
class Way:
    """A part of a table in the order of an index: of its columns in `equal`, then the ordinal.

    `only` is the condition of the index, if it has one.
    """

    equal: Mapping[str, Any] = field(default_factory=dict)
    only: Filter | None = None

    def leads_to(self, columns: Any) -> ColumnElement[bool]:
        """What a row on it is like."""
        only = [self.only(columns)] if self.only is not None else []
        return and_(True, *(columns[name] == value for name, value in self.equal.items()), *only)

    def order(self, columns: Any, *, newest: bool) -> list[ColumnElement[Any]]:
        """The order of its index."""
        key = [columns[name] for name in (*self.equal, "ordinal")]
        return [column.desc() for column in key] if newest else key


@dataclass(frozen=True)
class PageWanted:
    """So many after this ordinal in the order in which they came, or against it."""

    limit: int
    after: int | None = None
    newest: bool = False

    @property
    def bounds(self) -> tuple[int, int]:
        """The ordinals between which to look."""
        if self.newest:
            return _FIRST, _LAST if self.after is None else self.after
        return _FIRST if self.after is None else self.after, _LAST


@dataclass(frozen=True)
class Finder:
    """Finds rows of a table that has an `ordinal` and, where it is searched, `words` with their index."""

    table: Table

    async def find(
        self,
        read: AsyncConnection,
        ways: Sequence[Way],
        page: PageWanted,
        filters: Sequence[Filter] = (),
        search: str | None = None,
    ) -> Found:
        """The next rows that stand on one of these ways, are like that and have these words."""
        if search is None:
            return await self._walk(read, ways, page, filters)
        words = await _words(read, search)
        if words.nothing:
            return [], None
        filters = (*filters, words.stand_in)
        if words.loosely is not None and await self._are_few(read, words.loosely):
            some = self._matching(words.loosely).limit(MATCHES_MAX)
            return await self._among(read, some, ways, page, filters)
        return await self._walk(read, ways, page, filters)

    async def among(
        self,
        read: AsyncConnection,
        some: Select[Any],
        ways: Sequence[Way],
        page: PageWanted,
        filters: Sequence[Filter] = (),
        search: str | None = None,
    ) -> Found:
        """As `find`, but of a few only, all of which are looked at."""
        if search is not None:
            words = await _words(read, search)
            if words.nothing:
                return [], None
            filters = (*filters, words.stand_in)
        return await self._among(read, some, ways, page, filters)

    async def count(self, read: AsyncConnection, ways: Sequence[Way], by: str) -> Mapping[Any, int]:
        """How many rows there are for each value of a column; more than `COUNTED_MAX` on a way are not told apart."""
        ordinal, column = self.table.c.ordinal, self.table.c[by]
        everything = PageWanted(limit=0)
        some = [
            self._read(way, everything.bounds, everything, ordinal, column).limit(COUNTED_MAX + 1).subquery()
            for way in ways
        ]
        together = union_all(*map(select, some)).subquery()
        # What is found on two ways is one.
        counted = select(together.c[by], func.count(together.c.ordinal.distinct())).group_by(together.c[by])
        return {row[0]: row[1] for row in await read.execute(counted)}

    async def _among(
        self,
        read: AsyncConnection,
        some: Select[Any],
        ways: Sequence[Way],
        page: PageWanted,
        filters: Sequence[Filter],
    ) -> Found:
        found = some.subquery()
        after, before = page.bounds
        ordinal = found.c.ordinal
        on_a_way = or_(*(way.leads_to(found.c) for way in ways))
        wanted = [ordinal > after, ordinal < before, on_a_way, *(like(found.c) for like in filters)]
        order = ordinal.desc() if page.newest else ordinal
        rows = await read.execute(select(found).where(*wanted).order_by(order).limit(page.limit + 1))
        return _cut(rows.all(), page)

    async def _walk(
        self, read: AsyncConnection, ways: Sequence[Way], page: PageWanted, filters: Sequence[Filter]
    ) -> Found:
        async with _in_the_order_of_indexes(read):
            if len(ways) > 1:
                # One way may have been followed less far than another, and nothing in between may be missed.
                horizon = await self._horizon(read, ways, page) if filters else None
                rows = await self._merged(read, ways, page, filters, horizon)
            else:
                first = self._first(ways[0], page.bounds, page, filters, LOOKED_AT_MAX)
                rows = (await read.execute(first)).all()
                is_cut = filters and len(rows) <= page.limit
                horizon = await self._horizon(read, ways, page) if is_cut else None
        return _cut(rows, page) if len(rows) > page.limit else (rows, horizon)

    async def _merged(
        self,
        read: AsyncConnection,
        ways: Sequence[Way],
        page: PageWanted,
        filters: Sequence[Filter],
        horizon: int | None,
    ) -> Sequence[Row[Any]]:
        after, before = page.bounds
        if horizon is not None:
            after, before = (horizon - 1, before) if page.newest else (after, horizon + 1)
        firsts = (
            self._first(way, (after, before), page, filters, _looked_at(ways)).subquery() for way in ways
        )
        ordinals = await read.scalars(union_all(*(select(first.c.ordinal) for first in firsts)))
        wanted = sorted(set(ordinals), reverse=page.newest)[: page.limit + 1]
        rows = await read.execute(select(self.table).where(self.table.c.ordinal.in_(wanted)))
        return sorted(rows, key=lambda row: int(row.ordinal), reverse=page.newest)

    def _first(
        self,
        way: Way,
        bounds: tuple[int, int],
        page: PageWanted,
        filters: Sequence[Filter],
        looked_at: int,
    ) -> Select[Any]:
        """The first on one way that are like that."""
        rows = self._read(way, bounds, page, self.table)
        if filters:
            some = rows.limit(looked_at).subquery()
            rows = select(some).where(*(like(some.c) for like in filters))
            rows = rows.order_by(*way.order(some.c, newest=page.newest))
        return rows.limit(page.limit + 1)

    async def _horizon(self, read: AsyncConnection, ways: Sequence[Way], page: PageWanted) -> int | None:
        """How far all ways are followed for one page; None: to their ends."""
        lasts = (
            self._read(way, page.bounds, page, self.table.c.ordinal).offset(_looked_at(ways) - 1).limit(1)
            for way in ways
        )
        ends = union_all(*(select(last.subquery().c.ordinal) for last in lasts))
        nearest = max if page.newest else min
        return nearest(await read.scalars(ends), default=None)

    def _read(self, way: Way, bounds: tuple[int, int], page: PageWanted, *what: Any) -> Select[Any]:
        """What a way leads to, between two ordinals."""
        columns, (after, before) = self.table.c, bounds
        key = tuple_(*(columns[name] for name in way.equal), columns.ordinal)
        values = [literal(value, columns[name].type) for name, value in way.equal.items()]
        only = [way.only(columns)] if way.only is not None else []
        return (
            select(*what)
            .where(
                key > tuple_(*values, literal(after, BigInteger)),
                key < tuple_(*values, literal(before, BigInteger)),
                *only,
            )
            .order_by(*way.order(columns, newest=page.newest))
        )

    async def _are_few(self, read: AsyncConnection, loosely: str) -> bool:
        some = (
            self._matching(loosely).with_only_columns(self.table.c.ordinal).limit(MATCHES_MAX + 1).subquery()
        )
        return bool((await read.execute(select(func.count() <= MATCHES_MAX).select_from(some))).scalar_one())

    def _matching(self, loosely: str) -> Select[Any]:
        # In a query of its own, so that the planner does not guess from how frequent the words are.
        query = text("(SELECT CAST(:loosely AS tsquery))").bindparams(
            bindparam("loosely", loosely, unique=True)
        )
        return select(self.table).where(func.to_tsvector(_SIMPLE, self.table.c.words).bool_op("@@")(query))


def _cut(rows: Sequence[Row[Any]], page: PageWanted) -> Found:
    if len(rows) <= page.limit:
        return rows, None
    return rows[: page.limit], int(rows[page.limit - 1].ordinal)


def _looked_at(ways: Sequence[Way]) -> int:
    return LOOKED_AT_MAX if len(ways) == 1 else LOOKED_AT_MAX // 4


@asynccontextmanager
async def _in_the_order_of_indexes(read: AsyncConnection) -> AsyncIterator[None]:
    """Between reading an index up to the page and reading everything to sort it, the planner has no choice."""
    await read.execute(text("SET LOCAL enable_sort = off"))
    yield
    await read.execute(text("SET LOCAL enable_sort = on"))


@dataclass(frozen=True)
class _Words:
    """What is searched for; `loosely` is that without the order of the words, if the index can tell it alone."""

    sought: str
    nothing: bool
    loosely: str | None

    def stand_in(self, columns: Any) -> ColumnElement[bool]:
        """Whether the words stand in a row."""
        query = func.websearch_to_tsquery(_SIMPLE, bindparam(None, self.sought))
        return func.to_tsvector(_SIMPLE, columns.words).bool_op("@@")(query)


async def _words(read: AsyncConnection, sought: str) -> _Words:
    query, indexed = (await read.execute(_QUERY, {"sought": sought})).one()
    # Of what must not be there an index tells nothing; a phrase that must not be there is less than its words.
    if indexed == "T" or ("!" in query and "<" in query):
        return _Words(sought, False, None)
    return _Words(sought, not query, re.sub(r"<(-|\d+)>", "&", query))
