"""How records become rows: a table is made from its record type, so that a field is declared once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeEngine

from libs.chassis.decision import Record
from libs.chassis.rows import Rows

_COLUMN_TYPES: Mapping[type, Callable[[], TypeEngine[Any]]] = {
    UUID: Uuid,
    str: Text,
    int: BigInteger,
    bool: Boolean,
    Decimal: lambda: Numeric(19, 6),
    datetime: lambda: DateTime(timezone=True),
    date: Date,
}


class Storage:
    """The tables of one service, one per record type, in the order in which they are locked: parents first."""

    def __init__(self, *tables: tuple[type[Record], str, Sequence[SchemaItem]]) -> None:
        self.metadata = MetaData()
        self.tables: dict[type[Record], Table] = {
            record: _table(self.metadata, record, name, items) for record, name, items in tables
        }
        self.rows: dict[type[Record], Rows] = {
            record: Rows(record, table) for record, table in self.tables.items()
        }
        self.named: dict[str, type[Record]] = {table.name: record for record, table in self.tables.items()}


def table(
    record: type[Record], name: str, *items: SchemaItem
) -> tuple[type[Record], str, Sequence[SchemaItem]]:
    """A table for a record type: a column per field, `id` the primary key, statuses checked; `items` add indexes,
    constraints and columns of other precision (a `Column` named like a field replaces it)."""
    return record, name, items


def _table(metadata: MetaData, record: type[Record], name: str, items: Sequence[SchemaItem]) -> Table:
    given = {item.name: item for item in items if isinstance(item, Column)}
    hints = get_type_hints(record)
    columns: list[SchemaItem] = []
    for field in fields(record):
        column, checks = _column(field.name, hints[field.name])
        columns += [given.get(field.name, column), *checks]
    return Table(name, metadata, *columns, *(item for item in items if not isinstance(item, Column)))


def _column(name: str, hint: Any) -> tuple[Column[Any], list[CheckConstraint]]:
    nullable = get_origin(hint) in (Union, UnionType) and NoneType in get_args(hint)
    if nullable:
        (hint,) = (argument for argument in get_args(hint) if argument is not NoneType)
    checks = []
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        allowed = ", ".join(f"'{value}'" for value in hint)
        checks.append(CheckConstraint(f"{name} IN ({allowed})", name=f"{name}_is_known"))
        hint = str
    column_type = _COLUMN_TYPES[hint]() if hint in _COLUMN_TYPES else JSONB()
    return Column(name, column_type, primary_key=name == "id", nullable=nullable), checks
