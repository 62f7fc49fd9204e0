"""Imports carried out: every row of a file is checked, then the good ones are obeyed in batches.

What was uploaded and how far it is stands in the database, so that an import goes on by itself where its process ended,
in whichever one comes next. Each row's command has an id of its own: what was obeyed already is not obeyed again.
"""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from tempfile import TemporaryFile
from typing import Any, BinaryIO
from uuid import UUID

import structlog
from sqlalchemy import Row as DatabaseRow
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from libs.chassis.decision import Actor
from libs.chassis.http import COMMANDS_AT_ONCE, Decides, Obey, Obeyed
from libs.chassis.import_files import (
    FileInvalid,
    ImportKind,
    Row,
    RowInvalid,
    columns_of,
    command_of,
    rows_of,
)
from libs.chassis.rows import insert_rows, insert_statement
from libs.chassis.schema import import_chunks, import_verdicts, imports
from libs.contracts.message import Command
from libs.contracts.permissions import Role

CHECKED_AT_ONCE = 1_000
OUTBOX_MAX = 2_000
"""While more is still to be said no further batch is obeyed: what others say must not stand behind an import."""
PAUSE_SECONDS = 0.05
BUSY_TRIES_MAX = 20

_log = structlog.get_logger()

_VERDICT = ("import_id", "row", "outcome", "code", "field", "message", "content")
_KEEP = insert_statement(import_verdicts, _VERDICT, "ON CONFLICT DO NOTHING")
_TRY_LOCK = text("SELECT pg_try_advisory_lock(:key)")
_UNLOCK = text("SELECT pg_advisory_unlock(:key)")
_STILL_TO_SAY = text("SELECT count(*) FROM (SELECT FROM chassis.outbox LIMIT :most) AS waiting")


class _Elsewhere(Exception):
    """Another process is at it."""


@dataclass(frozen=True)
class _Verdict:
    """How a row ended. A rejected one keeps its content, for the file of what is to be mended."""

    row: int
    outcome: str
    code: str | None = None
    field: str | None = None
    message: str | None = None
    content: str | None = None


class Importer:
    """Carries out a service's imports, one after another."""

    def __init__(self, kinds: Iterable[ImportKind], engine: AsyncEngine, decider: Decides) -> None:
        self._kinds = {kind.name: kind for kind in kinds}
        self._engine, self._decider = engine, decider

    async def step(self) -> bool:
        """Carry out one import that nobody else is at; False if there is none."""
        waiting = select(imports.c.id).where(imports.c.state.in_(("checking", "carrying_out")))
        async with self._engine.connect() as connection:
            found = (await connection.execute(waiting.order_by(imports.c.created_at))).scalars().all()
        failed: Exception | None = None
        for import_id in found:
            try:
                if await self._alone(import_id):
                    return True
            except Exception as error:
                # What is wrong with one import keeps no other one waiting.
                failed = error
        if failed is not None:
            raise failed
        return False

    async def _alone(self, import_id: UUID) -> bool:
        key = int.from_bytes(import_id.bytes[:8], signed=True)
        async with self._engine.connect() as guard:
            await guard.execution_options(isolation_level="AUTOCOMMIT")
            if not (await guard.execute(_TRY_LOCK, {"key": key})).scalar_one():
                return False
            try:
                await self._carry_on(import_id)
            except _Elsewhere:
                return False
            except BaseException:
                # The lock must not go back into the pool with its session.
                await guard.invalidate()
                raise
            await guard.execute(_UNLOCK, {"key": key})
        return True

    async def _carry_on(self, import_id: UUID) -> None:
        async with self._engine.connect() as connection:
            job = (await connection.execute(select(imports).where(imports.c.id == import_id))).one()
        if job.state not in ("checking", "carrying_out"):
            return
        kind = self._kinds[job.kind]
        with TemporaryFile() as file:
            await self._spool(import_id, file)
            try:
                if job.state == "checking":
                    job = await self._check(job, kind, file)
                await self._carry_out(job, kind, file)
                _log.info("import_done", import_id=str(import_id), kind=kind.name)
            except FileInvalid as error:
                await self._end(import_id, "refused", str(error))
                _log.info("import_refused", import_id=str(import_id), kind=kind.name, reason=str(error))

    async def _spool(self, import_id: UUID, file: BinaryIO) -> None:
        """The upload as a file, because rows are read from it twice, and do not end where its parts do."""
        for number in range(2**31):
            part = select(import_chunks.c.content).where(
                import_chunks.c.import_id == import_id, import_chunks.c.number == number
            )
            async with self._engine.connect() as connection:
                content = (await connection.execute(part)).scalar_one_or_none()
            if content is None:
                return
            file.write(content)

    async def _check(self, job: DatabaseRow[Any], kind: ImportKind, file: BinaryIO) -> DatabaseRow[Any]:
        """Look at every row before the first is carried out; one that was begun before is gone on with."""
        header = columns_of(file, kind.columns) if job.format == "csv" else []
        for rows in _batches(_after(job.rows_checked, rows_of(file, job.format)), CHECKED_AT_ONCE):
            verdicts = []
            for number, row in rows:
                try:
                    command_of(kind, job.format, row)
                except RowInvalid as wrong:
                    verdicts.append(_rejected(number, row, "invalid_content", wrong.field, str(wrong)))
            job = await self._advance(
                job,
                verdicts,
                header=header,
                rows_read=rows[-1][0],
                rows_checked=rows[-1][0],
                rejected=job.rejected + len(verdicts),
            )
        return await self._advance(job, [], header=header, state="carrying_out")

    async def _carry_out(self, job: DatabaseRow[Any], kind: ImportKind, file: BinaryIO) -> None:
        actor = Actor(job.actor, frozenset(map(Role, job.roles)), through=job.through)
        obey = Obey(self._decider, actor=actor, key=f"import-{job.id}", origin=f"import {job.id}")
        for rows in _batches(_after(job.rows_done, rows_of(file, job.format)), COMMANDS_AT_ONCE):
            await self._let_others_speak()
            commands: dict[int, Command] = {}
            for number, row in rows:
                try:
                    commands[number] = command_of(kind, job.format, row)
                except RowInvalid:
                    continue  # told when it was checked
            endings = await _obeyed(obey, commands)
            contents = dict(rows)
            verdicts = [_verdict(number, contents[number], ending) for number, ending in endings.items()]
            job = await self._advance(
                job,
                verdicts,
                rows_done=rows[-1][0],
                **{
                    name: getattr(job, name) + sum(verdict.outcome == name for verdict in verdicts)
                    for name in ("accepted", "unchanged", "rejected")
                },
            )
        await self._end(job.id, "done", None)

    async def _let_others_speak(self) -> None:
        while True:
            async with self._engine.connect() as connection:
                counted = await connection.execute(_STILL_TO_SAY, {"most": OUTBOX_MAX + 1})
                if counted.scalar_one() <= OUTBOX_MAX:
                    return
            await asyncio.sleep(PAUSE_SECONDS)

    async def _advance(
        self, job: DatabaseRow[Any], verdicts: Sequence[_Verdict], **now: object
    ) -> DatabaseRow[Any]:
        """Verdicts and how far it is, together; whoever did not see the last step is not alone at it."""
        step = (
            update(imports)
            .where(
                imports.c.id == job.id,
                imports.c.state == job.state,
                imports.c.rows_checked == job.rows_checked,
                imports.c.rows_done == job.rows_done,
            )
            .values(**now, changed_at=func.clock_timestamp())
            .returning(imports)
        )
        async with self._engine.begin() as connection:
            advanced: DatabaseRow[Any] | None = (await connection.execute(step)).one_or_none()
            if advanced is None:
                raise _Elsewhere
            await _keep(connection, job.id, verdicts)
        return advanced

    async def _end(self, import_id: UUID, state: str, reason: str | None) -> None:
        async with self._engine.begin() as connection:
            ended = update(imports).where(imports.c.id == import_id)
            now = func.clock_timestamp()
            await connection.execute(ended.values(state=state, reason=reason, changed_at=now, ended_at=now))
            await connection.execute(import_chunks.delete().where(import_chunks.c.import_id == import_id))


async def _keep(connection: AsyncConnection, import_id: UUID, verdicts: Sequence[_Verdict]) -> None:
    if verdicts:
        rows = [
            (import_id, each.row, each.outcome, each.code, each.field, each.message, each.content)
            for each in verdicts
        ]
        await insert_rows(connection, _KEEP, _VERDICT, rows)


async def _obeyed(obey: Obey, commands: Mapping[int, Command]) -> Mapping[int, Obeyed]:
    """How each row's command ended. What somebody else holds at the moment is tried again."""
    endings: dict[int, Obeyed] = {}
    left = dict(commands)
    for attempt in range(BUSY_TRIES_MAX):
        if not left:
            break
        await asyncio.sleep(PAUSE_SECONDS * attempt)
        endings |= zip(left, await obey.many(list(left.values()), numbers=list(left)), strict=True)
        left = {number: command for number, command in left.items() if endings[number].verdict == "busy"}
    return endings


def _verdict(number: int, row: Mapping[str, Any], ending: Obeyed) -> _Verdict:
    if ending.accepted:
        result = ending.answer.get("result") or {}
        return _Verdict(number, "unchanged" if result.get("change") == "unchanged" else "accepted")
    code = ending.answer.get("code") or ("conflict" if ending.verdict == "busy" else "internal_error")
    return _rejected(number, row, code, ending.answer.get("field"), ending.answer.get("message"))


def _rejected(
    number: int, row: Mapping[str, Any], code: str, field: str | None, message: str | None
) -> _Verdict:
    # As ASCII: the database's text cannot hold all that a file can.
    return _Verdict(number, "rejected", code, field, message, json.dumps(row))


def _after(number: int, rows: Iterable[Row]) -> Iterator[Row]:
    return (row for row in rows if row[0] > number)


def _batches(rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
    while batch := list(islice(rows, size)):
        yield batch
