"""How catalog items are found: in the order of their SKUs, and never much further than the page.

Words, and the vendors approved for an item, stand in one index. If few items have what is asked for, they are all
looked at; else the items are, in order, `LOOKED_AT_MAX` at a time: a page may then hold less than was asked for and
still have a `next`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, func, literal_column, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.contracts.values import Kind
from services.purchasing.catalog import CatalogItem, vendor_word, words_in
from services.purchasing.tables import STORAGE

LOOKED_AT_MAX = 10_000
MATCHES_MAX = 5_000

_items = STORAGE.tables[CatalogItem]
# The very expression that the index is made of.
_INDEXED: ColumnElement[Any] = literal_column("array_to_tsvector(string_to_array(words, ' '))")


@dataclass(frozen=True)
class Wish:
    """Which items are wanted."""

    kind: Kind | None = None
    active: bool | None = None
    vendor: str | None = None
    search: str | None = None

    @property
    def query(self) -> str | None:
        """What the index is asked: every word begins a word of the item. None if nothing is asked of it."""
        words = [f"{_quoted(word)}:*" for word in words_in([self.search])]
        if self.vendor is not None:
            words.append(_quoted(vendor_word(self.vendor)))
        return " & ".join(words) or None

    @property
    def is_empty(self) -> bool:
        """Whether something is searched for that no item can have."""
        return self.search is not None and not words_in([self.search])


async def find(
    read: AsyncConnection, wish: Wish, limit: int, after: str | None
) -> tuple[Sequence[Row[Any]], str | None]:
    """The next items that are wanted, and where to go on."""
    if wish.is_empty:
        return [], None
    if wish.query is None:
        return await _walked(read, wish, limit, after)
    if await _are_few(read, wish.query):
        return await _few(read, wish, wish.query, limit, after)
    return await _looked_through(read, wish, wish.query, limit, after)


async def _walked(
    read: AsyncConnection, wish: Wish, limit: int, after: str | None
) -> tuple[Sequence[Row[Any]], str | None]:
    """Along the index that has what is asked for in the order of SKUs; of active ones there are many."""
    if wish.active is not None and wish.kind is not None:
        return await _looked_through(read, wish, None, limit, after)
    rows = (await read.execute(_in_order(select(_items).where(*_filters(wish)), after, limit + 1))).all()
    return rows[:limit], str(rows[limit - 1].sku) if len(rows) > limit else None


async def _are_few(read: AsyncConnection, query: str) -> bool:
    some = select(_items.c.id).where(_has(query)).limit(MATCHES_MAX + 1).subquery()
    return bool((await read.execute(select(func.count() <= MATCHES_MAX).select_from(some))).scalar_one())


async def _few(
    read: AsyncConnection, wish: Wish, query: str, limit: int, after: str | None
) -> tuple[Sequence[Row[Any]], str | None]:
    found = select(_items).where(_has(query)).limit(MATCHES_MAX).subquery()
    page = select(found).where(*_filters(wish, found.c))
    if after is not None:
        page = page.where(found.c.sku > after)
    rows = (await read.execute(page.order_by(found.c.sku).limit(limit + 1))).all()
    return rows[:limit], str(rows[limit - 1].sku) if len(rows) > limit else None


async def _looked_through(
    read: AsyncConnection, wish: Wish, query: str | None, limit: int, after: str | None
) -> tuple[Sequence[Row[Any]], str | None]:
    ahead = _in_order(select(_items).where(*_filters(Wish(kind=wish.kind))), after, LOOKED_AT_MAX)
    some = ahead.subquery()
    page = select(some).where(*_filters(wish, some.c))
    if query is not None:
        page = page.where(_match(func.array_to_tsvector(func.string_to_array(some.c.words, " ")), query))
    rows = (await read.execute(page.order_by(some.c.sku).limit(limit + 1))).all()
    if len(rows) > limit:
        return rows[:limit], str(rows[limit - 1].sku)
    last = _in_order(select(_items.c.sku).where(*_filters(Wish(kind=wish.kind))), after, 1)
    horizon = (await read.execute(last.offset(LOOKED_AT_MAX - 1))).scalar_one_or_none()
    return rows, horizon


def _in_order(query: Select[Any], after: str | None, most: int) -> Select[Any]:
    if after is not None:
        query = query.where(_items.c.sku > after)
    return query.order_by(_items.c.sku).limit(most)


def _filters(wish: Wish, columns: Any = _items.c) -> Iterable[ColumnElement[bool]]:
    if wish.kind is not None:
        yield columns.kind == wish.kind
    if wish.active is not None:
        yield columns.active if wish.active else ~columns.active


def _has(query: str) -> ColumnElement[bool]:
    return _match(_INDEXED, query)


def _match(words: ColumnElement[Any], query: str) -> ColumnElement[bool]:
    # In a query of its own, so that the planner does not guess from how frequent the words are.
    asked = text("(SELECT CAST(:query AS tsquery))").bindparams(bindparam("query", query))
    return words.bool_op("@@")(asked)


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "''") + "'"
