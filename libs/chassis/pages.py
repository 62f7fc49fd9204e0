"""How lists leave over HTTP: a page at a time, each starting after the last key of the one before; or all in a file."""

from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, PlainSerializer
from sqlalchemy import ColumnElement, Row, Select, false
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

T = TypeVar("T")
Part = TypeVar("Part", str, bytes)
PART_SIZE = 500
"""Rows of a file that are read at once."""
Limit = Annotated[int, Query(ge=1, le=500, description="At most so many items.")]
After = Annotated[
    str | None, Query(max_length=400, pattern=r"^[^\x00]*$", description="`next` of the page before.")
]
Wanted = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]
"""A text to look for; the database knows no NUL."""


def plainly(number: Decimal) -> str:
    """A number without the zeros of its column, but for two decimals."""
    whole, _, fraction = f"{number.normalize():f}".partition(".")
    return f"{whole}.{fraction:0<2}"


Plain = Annotated[Decimal, PlainSerializer(plainly, when_used="json")]
"""A number that is shown as it would be written."""


class Page(BaseModel, Generic[T]):
    """A part of a list; `next` is what to give as `after` for the part that follows, if there is one."""

    items: list[T]
    next: str | None = None


def matching(query: Select[Any], wanted: Mapping[Any, Any]) -> Select[Any]:
    """Only rows whose columns have the wanted values; None wants nothing."""
    return query.where(*(column == value for column, value in wanted.items() if value is not None))


async def page_of(
    read: AsyncConnection, query: Select[Any], key: ColumnElement[Any], limit: int, after: str | UUID | None
) -> tuple[Sequence[Row[Any]], str | None]:
    """So many rows after a key (unique, among the selected columns) in its order, and where to go on."""
    if after is not None:
        query = query.where(key > after)
    rows = (await read.execute(query.order_by(key).limit(limit + 1))).all()
    following = str(rows[limit - 1]._mapping[key]) if len(rows) > limit else None
    return rows[:limit], following


async def in_parts(
    engine: AsyncEngine, query: Select[Any], key: ColumnElement[Any], size: int = PART_SIZE
) -> AsyncIterator[Sequence[Row[Any]]]:
    """All rows of a query in the order of a key (unique, among the selected columns), so many at once.

    Each part is read for itself, so that no connection is held while somebody takes a file slowly; what changes
    meanwhile is told as it then is.
    """
    after: Any = None
    while True:
        part = query if after is None else query.where(key > after)
        async with engine.connect() as connection:
            rows = (await connection.execute(part.order_by(key).limit(size))).all()
        if rows:
            yield rows
        if len(rows) < size:
            return
        after = rows[-1]._mapping[key]


async def as_file(parts: AsyncIterator[Part], *, name: str, media_type: str) -> StreamingResponse:
    """What these parts make up, as a file of this name."""
    # Before anything leaves: a database that is away is a problem, not half a file.
    first = await anext(parts, None)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_chained(first, parts), media_type=media_type, headers=headers)


async def _chained(first: Part | None, rest: AsyncIterator[Part]) -> AsyncIterator[Part]:
    if first is not None:
        yield first
    async for part in rest:
        yield part


def named(reference: str, by_id: ColumnElement[UUID], by_number: ColumnElement[str]) -> ColumnElement[bool]:
    """What an address names by its id or by its number."""
    try:
        return by_id == UUID(reference)
    except ValueError:
        return by_number == reference if "\x00" not in reference else false()


def fields_of(row: Row[Any], *without: str) -> dict[str, Any]:
    """A row's columns as keyword arguments, but for these."""
    return {name: value for name, value in row._mapping.items() if name not in without}
