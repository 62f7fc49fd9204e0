"""How requests are found: in the order of an index, and never much further than the page, however many there are.

The planner takes columns to be independent of each other, and they are not: what waits is young, what is done is old.
So which index is read is decided here. A bound is put on the whole key of the index, and the rows are wanted in its
order, which no other index has.

What that index does not tell is looked up in the rows, `LOOKED_AT_MAX` of them or a few times as many for one page. So
a page may hold less than was asked for, even nothing, and still have a `next`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
    tuple_,
    union,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.chassis.decision import Actor
from libs.contracts.permissions import Action
from services.requests.purchase_request import PurchaseRequest, Status, number_of
from services.requests.tables import STORAGE

LOOKED_AT_MAX = 10_000
"""Rows that are looked at for one page; of several ways each is followed for a quarter of that."""
MATCHES_MAX = 5_000
"""A search that finds more begins with the requests instead of the words."""
COUNTED_MAX = 1_000
"""Nobody needs to know exactly how many more there are, and each may cost a look at its row."""
_FIRST, _LAST = 0, 2**63 - 1

_requests = STORAGE.tables[PurchaseRequest]
_ordinal = _requests.c.ordinal
# The very expression that the index is made of.
_SIMPLE: ColumnElement[str] = literal_column("'simple'")
_QUERY = text("SELECT CAST(q AS text), querytree(q) FROM websearch_to_tsquery('simple', :sought) AS q")

Filter = Callable[[Any], ColumnElement[bool]]
"""What a row must be like, said of the columns of wherever it is read from."""


@dataclass(frozen=True)
class Way:
    """A part of the requests in the order of an index, which has the columns of `equal` and then the ordinal."""

    equal: Mapping[str, str] = field(default_factory=dict)
    only: tuple[ColumnElement[bool], ...] = ()

    def read(self, what: Iterable[Any], after: int, before: int, *, newest: bool = False) -> Select[Any]:
        """What it leads to, between two ordinals."""
        key, values = [_requests.c[name] for name in self.equal], list(self.equal.values())
        if key:
            bounds = [
                tuple_(*key, _ordinal) > tuple_(*values, literal(after, BigInteger)),
                tuple_(*key, _ordinal) < tuple_(*values, literal(before, BigInteger)),
            ]
        else:
            bounds = [_ordinal > after, _ordinal < before]
        return select(*what).where(*bounds, *self.only).order_by(*self.order(_requests.c, newest))

    def order(self, columns: Any, newest: bool) -> list[ColumnElement[Any]]:
        """The order of its index."""
        key = [columns[name] for name in (*self.equal, "ordinal")]
        return [column.desc() for column in key] if newest else key


@dataclass(frozen=True)
class Wish:
    """Which requests are wanted: columns that have a value, statuses (none: any), and what else they must be like."""

    equal: Mapping[str, Any]
    statuses: Sequence[Status] = ()
    filters: Sequence[Filter] = ()
    search: str | None = None


@dataclass(frozen=True)
class PageWanted:
    """So many after this one in the order in which they came, or against it."""

    newest: bool
    after: int | None
    limit: int

    @property
    def bounds(self) -> tuple[int, int]:
        """The ordinals between which to look."""
        if self.newest:
            return _FIRST, _LAST if self.after is None else self.after
        return _FIRST if self.after is None else self.after, _LAST


async def find(
    read: AsyncConnection, actor: Actor, wish: Wish, page: PageWanted
) -> tuple[Sequence[Row[Any]], str | None]:
    """The next requests that are wanted: one's own, unless all may be seen; and where to go on."""
    filters = [*wish.filters]
    if wish.search is not None:
        words = await _words(read, wish.search)
        if words.nothing:
            return [], None
        filters.append(words.stand_in)
        if words.loosely is not None and await _are_few(read, words.loosely):
            return await _few(read, actor, wish, page, words.loosely, filters)
    ways, left = _ways(actor, wish)
    filters += left
    return await _walk(read, ways, filters, page)


# Along an index


def _ways(actor: Actor, wish: Wish) -> tuple[list[Way], list[Filter]]:
    """The ways to all that is wanted, and what must still be looked up."""
    equal = dict(wish.equal)
    if "reference_id" in equal:
        only = _requests.c.reference_id == equal.pop("reference_id")
        return [Way(only=(only,))], [*_own_only(actor), *_filters(equal, wish.statuses)]
    if not actor.may(Action.SEE_ALL_REQUESTS):
        return _own(actor.id, wish.statuses), _filters(equal, wish.statuses)
    for name in ("requester", "on_behalf_of", "cost_centre"):
        if name in equal:
            return [_by(name, equal.pop(name))], _filters(equal, wish.statuses)
    if "source" in equal:
        return _by_source(equal.pop("source"), wish.statuses), _filters(equal, ())
    if wish.statuses:
        return [Way({"status": status}) for status in wish.statuses], _filters(equal, ())
    return [Way()], _filters(equal, ())


def _own(person: str, statuses: Sequence[Status]) -> list[Way]:
    """By each of the names that one can have in a request."""
    columns = _requests.c
    # What one submitted under one's own name, or for oneself, is found by that already.
    for_others = and_(columns.submitted_by != columns.source, columns.submitted_by != columns.requester)
    return [
        _by("requester", person),
        _by("on_behalf_of", person),
        Way({"submitted_by": person}, (for_others,)),
        *_by_source(person, statuses),
    ]


def _own_only(actor: Actor) -> list[Filter]:
    if actor.may(Action.SEE_ALL_REQUESTS):
        return []
    names = ("requester", "on_behalf_of", "submitted_by", "source")
    return [lambda columns: or_(*(columns[name] == actor.id for name in names))]


def _by(name: str, value: str) -> Way:
    only = (_requests.c.on_behalf_of.is_not(None),) if name == "on_behalf_of" else ()
    return Way({name: value}, only)


def _by_source(source: str, statuses: Sequence[Status]) -> list[Way]:
    """Each status for itself: a system hands in most of what there is, and asks for what is rare in it."""
    return [Way({"source": source, "status": status}) for status in statuses or Status]


def _filters(equal: Mapping[str, Any], statuses: Sequence[Status]) -> list[Filter]:
    found: list[Filter] = []
    if equal:
        found.append(lambda columns: and_(*(columns[name] == value for name, value in equal.items())))
    if statuses:
        found.append(lambda columns: columns.status.in_(statuses))
    return found


async def _walk(
    read: AsyncConnection, ways: Sequence[Way], filters: Sequence[Filter], page: PageWanted
) -> tuple[Sequence[Row[Any]], str | None]:
    after, before = page.bounds
    horizon: int | None = None
    if filters and len(ways) > 1:
        # One way may have been followed less far than another, and nothing in between may be missed.
        horizon = await _horizon(read, ways, page)
        if horizon is not None:
            after, before = (horizon - 1, before) if page.newest else (after, horizon + 1)
    looked_at = _looked_at(ways) if filters else None
    firsts = [_first(way, filters, looked_at, after, before, page) for way in ways]
    rows = (await read.execute(firsts[0] if len(firsts) == 1 else _merged(firsts, page))).all()
    if len(rows) > page.limit:
        return rows[: page.limit], str(rows[page.limit - 1].number)
    if filters and len(ways) == 1:
        horizon = await _horizon(read, ways, page)
    return rows, number_of(horizon) if horizon is not None else None


def _looked_at(ways: Sequence[Way]) -> int:
    return LOOKED_AT_MAX if len(ways) == 1 else LOOKED_AT_MAX // 4


def _first(
    way: Way, filters: Sequence[Filter], looked_at: int | None, after: int, before: int, page: PageWanted
) -> Select[Any]:
    """The first on one way that are like that."""
    rows = way.read([_requests], after, before, newest=page.newest)
    if looked_at is not None:
        some = rows.limit(looked_at).subquery()
        found = select(some).where(*(like(some.c) for like in filters))
        rows = found.order_by(*way.order(some.c, page.newest))
    return rows.limit(page.limit + 1)


def _merged(firsts: Sequence[Select[Any]], page: PageWanted) -> Select[Any]:
    ordinals = union(*(select(each.c.ordinal) for each in (first.subquery() for first in firsts))).subquery()
    first = (
        select(ordinals.c.ordinal)
        .order_by(_in_order(ordinals.c.ordinal, page))
        .limit(page.limit + 1)
        .subquery()
    )
    return select(_requests).join(first, first.c.ordinal == _ordinal).order_by(_in_order(_ordinal, page))


async def _horizon(read: AsyncConnection, ways: Sequence[Way], page: PageWanted) -> int | None:
    """How far all ways are followed for one page; None: to their ends."""
    last = _looked_at(ways) - 1
    lasts = [
        way.read([_ordinal], *page.bounds, newest=page.newest).offset(last).limit(1).subquery()
        for way in ways
    ]
    ends = union_all(*(select(each.c.ordinal) for each in lasts)).subquery()
    nearest = func.max(ends.c.ordinal) if page.newest else func.min(ends.c.ordinal)
    horizon: int | None = (await read.execute(select(nearest))).scalar_one()
    return horizon


def _in_order(ordinal: ColumnElement[int], page: PageWanted) -> ColumnElement[int]:
    return ordinal.desc() if page.newest else ordinal


# By words


@dataclass(frozen=True)
class _Words:
    """What is searched for; `loosely` is that without the order of the words, if the index can tell it alone."""

    sought: str
    nothing: bool
    loosely: str | None

    def stand_in(self, columns: Any) -> ColumnElement[bool]:
        """Whether the words stand in a request."""
        query = func.websearch_to_tsquery(_SIMPLE, bindparam(None, self.sought))
        return func.to_tsvector(_SIMPLE, columns.words).bool_op("@@")(query)


async def _words(read: AsyncConnection, sought: str) -> _Words:
    query, indexed = (await read.execute(_QUERY, {"sought": sought})).one()
    # Of what must not be there an index tells nothing; a phrase that must not be there is less than its words.
    if indexed == "T" or ("!" in query and "<" in query):
        return _Words(sought, False, None)
    return _Words(sought, not query, re.sub(r"<(-|\d+)>", "&", query))


def _matching(loosely: str) -> Select[Any]:
    # In a query of its own, so that the planner does not guess from how frequent the words are.
    query = text("(SELECT CAST(:loosely AS tsquery))").bindparams(loosely=loosely)
    return select(_requests).where(func.to_tsvector(_SIMPLE, _requests.c.words).bool_op("@@")(query))


async def _are_few(read: AsyncConnection, loosely: str) -> bool:
    some = _matching(loosely).with_only_columns(_ordinal).limit(MATCHES_MAX + 1).subquery()
    return bool((await read.execute(select(func.count() <= MATCHES_MAX).select_from(some))).scalar_one())


async def _few(
    read: AsyncConnection, actor: Actor, wish: Wish, page: PageWanted, loosely: str, filters: Sequence[Filter]
) -> tuple[Sequence[Row[Any]], str | None]:
    """All that have the words are looked at."""
    found = _matching(loosely).limit(MATCHES_MAX).subquery()
    after, before = page.bounds
    likes = (*filters, *_own_only(actor), *_filters(wish.equal, wish.statuses))
    wanted = [found.c.ordinal > after, found.c.ordinal < before, *(like(found.c) for like in likes)]
    order = _in_order(found.c.ordinal, page)
    rows = (await read.execute(select(found).where(*wanted).order_by(order).limit(page.limit + 1))).all()
    following = str(rows[page.limit - 1].number) if len(rows) > page.limit else None
    return rows[: page.limit], following


# Counting


async def count(read: AsyncConnection, actor: Actor) -> Mapping[Status, int]:
    """How many there are in each status, of one's own or of all; more than `COUNTED_MAX` are not told apart."""
    everything = actor.may(Action.SEE_ALL_REQUESTS)
    ways = [Way({"status": status}) for status in Status] if everything else _own(actor.id, ())
    some = [
        way.read([_ordinal, _requests.c.status], _FIRST, _LAST).limit(COUNTED_MAX + 1).subquery()
        for way in ways
    ]
    # A request that is found by two names is one.
    together = (union_all if everything else union)(*map(select, some)).subquery()
    counted = select(together.c.status, func.count()).group_by(together.c.status)
    found = {Status(status): number for status, number in await read.execute(counted)}
    return {status: found.get(status, 0) for status in Status}
