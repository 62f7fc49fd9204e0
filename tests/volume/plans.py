"""How the database goes about every statement that a question leads to: looked up where and when it runs."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine

SMALL_TABLE_ROWS = 10_000
"""A table up to here may be read from one end to the other."""
_EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) "
_EXPLAINED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")

Plan = Mapping[str, Any]


@dataclass(frozen=True)
class Statement:
    """A statement as it was sent, and its plan with what that took."""

    sql: str
    plan: Plan

    @property
    def blocks(self) -> int:
        """Blocks of tables and indexes that were looked at, in memory or not, and of what was put aside on disk."""
        counted = ("Shared Hit Blocks", "Shared Read Blocks", "Temp Read Blocks", "Temp Written Blocks")
        return sum(int(self.plan[name]) for name in counted)

    def read_whole(self, rows: Mapping[str, float]) -> list[str]:
        """The tables that are not small and were read from one end to the other."""
        scans = (
            node["Relation Name"] for node in _nodes(self.plan) if node["Node Type"].endswith("Seq Scan")
        )
        return sorted({table for table in scans if rows.get(table, 0) > SMALL_TABLE_ROWS})

    def __str__(self) -> str:
        return "\n".join([self.sql, *_lines(self.plan)])


@dataclass
class Watch:
    """Explains each statement of an engine just before it runs, in its transaction, and takes that back."""

    engine: AsyncEngine
    seen: list[Statement] = field(default_factory=list)
    _looking: bool = False

    @contextmanager
    def watching(self) -> Iterator[list[Statement]]:
        """What runs meanwhile."""
        self.seen = []
        event.listen(self.engine.sync_engine, "before_cursor_execute", self._look)
        try:
            yield self.seen
        finally:
            event.remove(self.engine.sync_engine, "before_cursor_execute", self._look)

    def _look(self, connection: Connection, _: Any, sql: str, parameters: Any, *__: Any) -> None:
        if self._looking or not sql.lstrip().upper().startswith(_EXPLAINED):
            return
        self._looking = True
        try:
            connection.exec_driver_sql("SAVEPOINT looking")
            said = connection.exec_driver_sql(_EXPLAIN + sql, parameters).scalar_one()
            connection.exec_driver_sql("ROLLBACK TO SAVEPOINT looking")
        finally:
            self._looking = False
        (explained,) = json.loads(said) if isinstance(said, str) else said
        self.seen.append(Statement(sql, explained["Plan"]))


def _nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _lines(plan: Plan, depth: int = 0) -> Iterator[str]:
    about = [plan[name] for name in ("Relation Name", "Index Name") if name in plan]
    conditions = [
        f"{name}: {plan[name]}"
        for name in ("Index Cond", "Recheck Cond", "Filter", "Sort Key")
        if name in plan
    ]
    blocks = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    rows = (
        f"{plan['Actual Rows']} rows x {plan['Actual Loops']}, {plan['Plan Rows']} expected, {blocks} blocks"
    )
    yield f"{'  ' * depth}{' '.join([plan['Node Type'], *about])} ({rows}) {'; '.join(conditions)}"
    for child in plan.get("Plans", ()):
        yield from _lines(child, depth + 1)
