"""How lists leave over HTTP: a page at a time, each starting after the last key of the one before."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel
from sqlalchemy import ColumnElement, Row, Select, false
from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")
Limit = Annotated[int, Query(ge=1, le=500, description="At most so many items.")]
After = Annotated[
    str | None, Query(max_length=400, pattern=r"^[^\x00]*$", description="`next` of the page before.")
]
Wanted = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]
"""A text to look for; the database knows no NUL."""


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


def named(reference: str, by_id: ColumnElement[UUID], by_number: ColumnElement[str]) -> ColumnElement[bool]:
    """What an address names by its id or by its number."""
    try:
        return by_id == UUID(reference)
    except ValueError:
        return by_number == reference if "\x00" not in reference else false()


def fields_of(row: Row[Any], *without: str) -> dict[str, Any]:
    """A row's columns as keyword arguments, but for these."""
    return {name: value for name, value in row._mapping.items() if name not in without}
