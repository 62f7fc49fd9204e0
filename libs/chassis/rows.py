"""The SQL behind one record type: locked and plain loading, bulk inserting, updating and adding. Arrays in, rows out.

Statements take one array per column (`unnest`), so a batch costs one round trip per table and kind of change.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import to_json
from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    LargeBinary,
    Numeric,
    SmallInteger,
    Table,
    Text,
    TextClause,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine

from libs.chassis.decision import Record

_ARRAY_TYPES: Mapping[type[TypeEngine[Any]], str] = {
    Uuid: "uuid",
    Text: "text",
    BigInteger: "bigint",
    SmallInteger: "smallint",
    Boolean: "boolean",
    Numeric: "numeric",
    DateTime: "timestamptz",
    Date: "date",
    LargeBinary: "bytea",
    JSONB: "text",
}


def bulk_values(table: Table, names: Iterable[str]) -> tuple[str, str]:
    """`unnest(…) AS v(…)` over one array parameter per column, and the select list that casts them back."""
    names = tuple(names)
    arrays = ", ".join(f"CAST(:{name} AS {_array_type(table, name)}[])" for name in names)
    selected = ", ".join(
        f"v.{name}::jsonb" if isinstance(table.c[name].type, JSONB) else f"v.{name}" for name in names
    )
    return f"unnest({arrays}) AS v({', '.join(names)})", selected


def _array_type(table: Table, name: str) -> str:
    return next(sql for kind, sql in _ARRAY_TYPES.items() if isinstance(table.c[name].type, kind))


def insert_statement(table: Table, names: Iterable[str], ending: str = "") -> TextClause:
    """A bulk INSERT of these columns, in the order of the arrays."""
    names = tuple(names)
    source, selected = bulk_values(table, names)
    return text(f"INSERT INTO {table.fullname} ({', '.join(names)}) SELECT {selected} FROM {source} {ending}")


async def insert_rows(
    connection: AsyncConnection, statement: TextClause, names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Run a statement of `insert_statement` for rows given as tuples."""
    await connection.execute(statement, dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def as_json(value: Any) -> str | None:
    """JSON text of a value as stored; None stays NULL."""
    return None if value is None else to_json(value).decode()


class Rows:
    """One record type and its table."""

    def __init__(self, record: type[Record], table: Table) -> None:
        self.record, self.table = record, table
        self.names = tuple(field.name for field in fields(record))
        hints = get_type_hints(record)
        self._decoders = [
            (name, decode) for name in self.names if (decode := _decoder(hints[name])) is not None
        ]
        self._encoded = frozenset(name for name in self.names if isinstance(table.c[name].type, JSONB))
        self._columns = ", ".join(f"t.{name}" for name in self.names)
        self._insert = insert_statement(table, self.names)
        source, _ = bulk_values(table, self.names)
        changes = ", ".join(
            f"{name} = v.{name}::jsonb" if name in self._encoded else f"{name} = v.{name}"
            for name in self.names
            if name != "id"
        )
        self._update = text(f"UPDATE {table.fullname} AS t SET {changes} FROM {source} WHERE t.id = v.id")
        self._plain = text(f"SELECT {self._columns} FROM {table.fullname} AS t WHERE t.id = ANY(:ids)")
        # Ordered, so that two batches wanting the same rows queue up instead of deadlocking.
        locked = f"{self._plain} ORDER BY t.id FOR NO KEY UPDATE"
        self._locked = text(locked)
        # One round trip tells the rows we got from those that exist but are somebody else's at the moment.
        self._locked_unless_busy = text(
            f"WITH mine AS ({locked} SKIP LOCKED) SELECT known.id AS known_id, mine.* FROM {table.fullname} AS known"
            " LEFT JOIN mine ON mine.id = known.id WHERE known.id = ANY(:ids)"
        )

    async def load(self, connection: AsyncConnection, ids: Iterable[UUID]) -> list[Record]:
        """The records with these ids, unlocked."""
        result = await connection.execute(self._plain, {"ids": list(ids)})
        return [self.decode(row) for row in result]

    async def lock(
        self, connection: AsyncConnection, ids: Iterable[UUID], *, patiently: bool
    ) -> tuple[list[Record], set[UUID]]:
        """Lock and load the records with these ids; returns them and the ids of those that are busy.

        Patiently waits for busy ones instead, so that none are left.
        """
        parameters = {"ids": sorted(ids)}
        if patiently:
            result = await connection.execute(self._locked, parameters)
            return [self.decode(row) for row in result], set()
        mine, busy = [], set()
        for row in await connection.execute(self._locked_unless_busy, parameters):
            if row[1] is None:
                busy.add(row[0])
            else:
                mine.append(self.decode(row[1:]))
        return mine, busy

    async def ids_by(
        self,
        connection: AsyncConnection,
        by: str,
        values: Iterable[UUID],
        where: tuple[tuple[str, object], ...],
    ) -> list[UUID]:
        """The ids of the records whose column `by` holds one of the values."""
        statement = _ids_by(self.table.fullname, by, tuple(name for name, _ in where))
        result = await connection.execute(statement, {"wanted": list(values), **_parameters(where)})
        return [row[0] for row in result]

    async def first_by(
        self,
        connection: AsyncConnection,
        by: str,
        limits: Mapping[UUID, int],
        where: tuple[tuple[str, object], ...],
        order_by: str,
    ) -> list[Record]:
        """For each value of `by` the first so many records, unlocked."""
        statement = _first_by(
            self.table.fullname, self._columns, by, tuple(name for name, _ in where), order_by
        )
        parameters = {"wanted": list(limits), "limits": list(limits.values()), **_parameters(where)}
        result = await connection.execute(statement, parameters)
        return [self.decode(row) for row in result]

    async def after(
        self, connection: AsyncConnection, id: UUID | None, most: int, statuses: Sequence[StrEnum] = ()
    ) -> list[Record]:
        """The first so many records with a greater id, in one of these statuses if any are named."""
        # Written out, so that an index of just these statuses is found.
        listed = ", ".join(f"'{status}'" for status in statuses)
        named = f" AND t.status IN ({listed})" if statuses else ""
        page = text(
            f"SELECT {self._columns} FROM {self.table.fullname} AS t WHERE t.id > :after{named}"
            " ORDER BY t.id LIMIT :most"
        )
        result = await connection.execute(page, {"after": id or UUID(int=0), "most": most})
        return [self.decode(row) for row in result]

    async def insert(self, connection: AsyncConnection, records: Iterable[Record]) -> None:
        """Insert new records, sorted by id. A primary key that is taken raises."""
        await connection.execute(self._insert, self._arrays(records))

    async def update(self, connection: AsyncConnection, records: Iterable[Record]) -> None:
        """Overwrite records that this transaction has locked."""
        await connection.execute(self._update, self._arrays(records))

    async def add(
        self, connection: AsyncConnection, totals: Iterable[Record], amounts: Iterable[str]
    ) -> None:
        """Add what these columns of the given totals hold to the stored ones, creating those that don't exist."""
        statement = _add(self.table, self.names, tuple(sorted(amounts)))
        await connection.execute(statement, self._arrays(totals))

    def _arrays(self, records: Iterable[Record]) -> dict[str, list[Any]]:
        states = [record.__dict__ for record in sorted(records, key=lambda record: record.id)]
        return {
            name: [as_json(state[name]) for state in states]
            if name in self._encoded
            else [state[name] for state in states]
            for name in self.names
        }

    def decode(self, row: Sequence[Any]) -> Record:
        """The record in a row that has a column per field, in their order."""
        # Frozen dataclasses take 1 µs a field through __init__; rows come by the thousand.
        record = object.__new__(self.record)
        state = record.__dict__
        state.update(zip(self.names, row, strict=True))
        for name, decode in self._decoders:
            if state[name] is not None:
                state[name] = decode(state[name])
        return record


def with_version(record: Record, version: int) -> Record:
    """The same record, so many facts later."""
    copy = object.__new__(type(record))
    copy.__dict__.update(record.__dict__)
    copy.__dict__["version"] = version
    return copy


def _decoder(hint: Any) -> Callable[[Any], Any] | None:
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (argument for argument in get_args(hint) if argument is not NoneType)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return lambda value: hint.model_validate(value, strict=False)
    origin = get_origin(hint) or hint
    if isinstance(origin, type) and issubclass(origin, tuple):
        # The driver makes a list of a JSON array, and leaves its texts as they are.
        kind = next(iter(get_args(hint)), None)
        if isinstance(kind, type) and issubclass(kind, StrEnum):
            return lambda values: tuple(map(kind, values))
        if kind is UUID:
            return lambda values: tuple(map(UUID, values))
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return lambda values: tuple(kind.model_validate(value, strict=False) for value in values)
        return tuple
    return None


def _parameters(where: Iterable[tuple[str, object]]) -> dict[str, object]:
    return {f"where_{name}": value for name, value in where}


@cache
def _ids_by(table: str, by: str, where: tuple[str, ...]) -> TextClause:
    also = "".join(f" AND {name} = :where_{name}" for name in where)
    return text(f"SELECT id FROM {table} WHERE {by} = ANY(:wanted){also}")


@cache
def _first_by(table: str, columns: str, by: str, where: tuple[str, ...], order_by: str) -> TextClause:
    also = "".join(f" AND t.{name} = :where_{name}" for name in where)
    return text(
        f"SELECT first.* FROM unnest(CAST(:wanted AS uuid[]), CAST(:limits AS bigint[])) AS w(value, most)"
        f" CROSS JOIN LATERAL (SELECT {columns} FROM {table} AS t WHERE t.{by} = w.value{also}"
        f" ORDER BY t.{order_by} LIMIT w.most) AS first"
    )


@cache
def _add(table: Table, names: tuple[str, ...], amounts: tuple[str, ...]) -> TextClause:
    """Add to the totals that exist, and insert those that don't.

    CHECKs are tried on the row proposed for insertion even if it then conflicts, so what a known total shrinks by
    must not be proposed: its row proposes zeros, and the amounts are looked up again for the update.
    """
    source, _ = bulk_values(table, names)
    proposed = ", ".join(
        f"CASE WHEN known.id IS NULL THEN d.{name} ELSE 0 END" if name in amounts else f"d.{name}"
        for name in names
    )
    sums = ", ".join(f"{name} = t.{name} + (SELECT d.{name} FROM d WHERE d.id = t.id)" for name in amounts)
    return text(
        f"WITH d AS MATERIALIZED (SELECT * FROM {source})"
        f" INSERT INTO {table.fullname} AS t ({', '.join(names)})"
        f" SELECT {proposed} FROM d LEFT JOIN {table.fullname} AS known ON known.id = d.id ORDER BY d.id"
        f" ON CONFLICT (id) DO UPDATE SET {sums}, version = t.version + 1"
    )
