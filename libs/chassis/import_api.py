"""Imports over HTTP: upload a file, see how far it is and how each row ended, fetch the rows that were rejected.

router.include_router(import_routes({CATALOG: Action.MANAGE_CATALOG}))
"""

import csv
import io
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from time import monotonic
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel
from sqlalchemy import Row, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from libs.chassis import problems
from libs.chassis.decision import Rejection
from libs.chassis.edge import LINGER_SECONDS
from libs.chassis.http import API, Person, Reading, needs
from libs.chassis.import_files import ImportKind, as_text
from libs.chassis.pages import Limit, Page, as_file, fields_of, in_parts
from libs.chassis.schema import import_chunks, import_verdicts, imports
from libs.contracts.permissions import Action

CHUNK_BYTES = 1024 * 1024
FORMATS = {"text/csv": "csv", "application/json": "json", "application/x-ndjson": "json"}

State = Literal["receiving", "checking", "carrying_out", "done", "refused", "cut_off"]
Outcome = Literal["accepted", "unchanged", "rejected"]
FileName = Annotated[
    str | None, Query(max_length=200, pattern=r"^[^\x00]*$", description="What the file is called.")
]


class ImportSeen(BaseModel):
    """How far an import is. Rows are all read and checked before the first is carried out.

    `rows_done` counts those whose end is known. A file that was `refused` cannot be read, `reason` says why; one that
    was `cut_off` never arrived in full. Of neither was any row carried out.
    """

    import_id: UUID
    kind: str
    file_name: str | None
    format: Literal["csv", "json"]
    state: State
    reason: str | None
    bytes: int
    rows_read: int
    rows_checked: int
    rows_done: int
    accepted: int
    unchanged: int
    rejected: int
    actor: str
    created_at: datetime
    changed_at: datetime
    ended_at: datetime | None


class VerdictSeen(BaseModel):
    """How a row ended; the first one after the header is 1."""

    row: int
    outcome: Outcome
    code: str | None
    field: str | None
    message: str | None


def import_routes(kinds: Mapping[ImportKind, Action]) -> APIRouter:
    """The addresses of a service's imports; of each kind, what one must be permitted to upload it."""
    router = APIRouter(prefix="/imports", tags=["imports"])
    for kind, action in kinds.items():
        router.add_api_route(
            f"/{kind.name}/files",
            _upload_of(kind),
            methods=["POST"],
            name=f"upload_{kind.name.replace('-', '_')}",
            status_code=202,
            response_model=ImportSeen,
            dependencies=[needs(action)],
            openapi_extra={"requestBody": _body_of(kind)},
        )
    first, *others = dict.fromkeys(kinds.values())
    seeing: dict[str, Any] = {"methods": ["GET"], "dependencies": [needs(first, *others)]}
    router.add_api_route("", _list, name="list_imports", response_model=Page[ImportSeen], **seeing)
    router.add_api_route("/{import_id:uuid}", _show, name="show_import", response_model=ImportSeen, **seeing)
    router.add_api_route(
        "/{import_id:uuid}/verdicts",
        _verdicts,
        name="list_verdicts",
        response_model=Page[VerdictSeen],
        **seeing,
    )
    router.add_api_route(
        "/{import_id:uuid}/rejected",
        _rejected,
        name="rejected_rows",
        response_class=StreamingResponse,
        **seeing,
    )
    return router


def _body_of(kind: ImportKind) -> dict[str, Any]:
    described = (
        f"CSV in UTF-8 with at least the columns {', '.join(kind.columns)}; or JSON, an array or lines."
    )
    content = {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in FORMATS}
    return {"required": True, "description": described, "content": content}


def _upload_of(kind: ImportKind) -> Any:
    async def upload(request: Request, actor: Person, name: FileName = None) -> Response:
        """Upload a file to be imported. Follow `Location` to see how far it is; it may be sent again."""
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in FORMATS:
            return problems.problem("media_type_unsupported", headers={"Accept": ", ".join(FORMATS)})
        engine: AsyncEngine = request.app.state.engine
        import_id = uuid4()
        begun = insert(imports).values(
            id=import_id,
            kind=kind.name,
            file_name=name,
            format=FORMATS[media_type],
            header=[],
            state="receiving",
            **dict.fromkeys(_FIGURES, 0),
            actor=actor.id,
            roles=sorted(actor.roles),
            through=actor.through,
            created_at=func.clock_timestamp(),
            changed_at=func.clock_timestamp(),
        )
        async with engine.begin() as connection:
            await connection.execute(begun)
        try:
            size = await _received(request, engine, import_id)
        except BaseException:
            await _ended(engine, import_id, "cut_off")
            raise
        async with engine.begin() as connection:
            ready = update(imports).where(imports.c.id == import_id).returning(imports)
            now = func.clock_timestamp()
            row = (await connection.execute(ready.values(state="checking", bytes=size, changed_at=now))).one()
        seen = _seen(row).model_dump(mode="json")
        return JSONResponse(seen, 202, {"Location": f"{API}/imports/{import_id}"})

    return upload


_FIGURES = ("bytes", "rows_read", "rows_checked", "rows_done", "accepted", "unchanged", "rejected")


async def _received(request: Request, engine: AsyncEngine, import_id: UUID) -> int:
    """Keep the body in parts; how many bytes it has."""
    most: int = request.app.state.upload_bytes_max
    waiting, size, number = bytearray(), 0, 0
    too_large_since: float | None = None
    async for part in request.stream():
        size += len(part)
        if size > most:
            # Closed with something unread the connection is reset, and nobody sees the answer.
            too_large_since = too_large_since or monotonic()
            waiting.clear()
            if monotonic() - too_large_since > LINGER_SECONDS:
                break
            continue
        waiting += part
        while len(waiting) >= CHUNK_BYTES:
            await _keep(engine, import_id, number, bytes(waiting[:CHUNK_BYTES]))
            del waiting[:CHUNK_BYTES]
            number += 1
    if too_large_since is not None:
        raise Rejection("body_too_large", message=f"A file may have at most {most} bytes.")
    if waiting:
        await _keep(engine, import_id, number, bytes(waiting))
    return size


async def _keep(engine: AsyncEngine, import_id: UUID, number: int, content: bytes) -> None:
    async with engine.begin() as connection:
        await connection.execute(
            insert(import_chunks).values(import_id=import_id, number=number, content=content)
        )


async def _ended(engine: AsyncEngine, import_id: UUID, state: State) -> None:
    async with engine.begin() as connection:
        now = func.clock_timestamp()
        ended = update(imports).where(imports.c.id == import_id)
        await connection.execute(ended.values(state=state, changed_at=now, ended_at=now))
        await connection.execute(import_chunks.delete().where(import_chunks.c.import_id == import_id))


async def _list(read: Reading, limit: Limit = 100, after: UUID | None = None) -> Page[ImportSeen]:
    """Imports, the latest first."""
    query = select(imports).order_by(imports.c.created_at.desc(), imports.c.id.desc()).limit(limit + 1)
    if after is not None:
        last = await _row(read, after)
        query = query.where(tuple_(imports.c.created_at, imports.c.id) < tuple_(last.created_at, last.id))
    rows = (await read.execute(query)).all()
    following = str(rows[limit - 1].id) if len(rows) > limit else None
    return Page(items=[_seen(row) for row in rows[:limit]], next=following)


async def _show(read: Reading, import_id: UUID) -> ImportSeen:
    """How far an import is."""
    return _seen(await _row(read, import_id))


async def _verdicts(
    read: Reading,
    import_id: UUID,
    outcome: Outcome | None = None,
    limit: Limit = 100,
    after: Annotated[int, Query(ge=0, lt=2**63, description="`next` of the page before.")] = 0,
) -> Page[VerdictSeen]:
    """How the rows ended so far, by their numbers."""
    await _row(read, import_id)
    verdicts = import_verdicts.c
    query = select(import_verdicts).where(verdicts.import_id == import_id, verdicts.row > after)
    if outcome is not None:
        query = query.where(verdicts.outcome == outcome)
    rows = (await read.execute(query.order_by(verdicts.row).limit(limit + 1))).all()
    following = str(rows[limit - 1].row) if len(rows) > limit else None
    seen = [VerdictSeen(**fields_of(row, "import_id", "content")) for row in rows[:limit]]
    return Page(items=seen, next=following)


async def _rejected(request: Request, import_id: UUID) -> StreamingResponse:
    """The rows that were rejected, as they stood in the file, with the code, field and message of each.

    Mended, the file can be imported as it is: the columns that were added are ignored.
    """
    engine: AsyncEngine = request.app.state.engine
    async with engine.connect() as connection:
        job = await _row(connection, import_id)
    if job.format == "csv":
        return await as_file(
            _of_rejected(engine, job), name=f"rejected-{import_id}.csv", media_type="text/csv; charset=utf-8"
        )
    return await as_file(
        _of_rejected(engine, job), name=f"rejected-{import_id}.jsonl", media_type="application/x-ndjson"
    )


async def _of_rejected(engine: AsyncEngine, job: Row[Any]) -> AsyncIterator[str]:
    verdicts = import_verdicts.c
    query = select(import_verdicts).where(verdicts.import_id == job.id, verdicts.outcome == "rejected")
    columns = [name for name in job.header if name]
    why = {name: name if name not in columns else f"rejected_{name}" for name in ("code", "field", "message")}
    header = csv_line([*columns, *why.values()]) if job.format == "csv" else ""

    def line(row: Row[Any]) -> str:
        mended = json.loads(row.content) | {added: getattr(row, name) for name, added in why.items()}
        if job.format == "csv":
            return csv_line([mended.get(name) for name in (*columns, *why.values())])
        return json.dumps(mended) + "\n"

    async for rows in in_parts(engine, query, verdicts.row):
        yield header + "".join(map(line, rows))
        header = ""
    yield header


def csv_line(cells: Iterable[object]) -> str:
    """One row of a CSV file; what would be a formula is text, which an import takes as it was."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow("" if cell is None else as_text(cell) for cell in cells)
    return line.getvalue()


async def _row(read: AsyncConnection, import_id: UUID) -> Row[Any]:
    row = (await read.execute(select(imports).where(imports.c.id == import_id))).one_or_none()
    if row is None:
        raise Rejection("import_unknown", message=f"There is no import {import_id}.")
    return row


def _seen(row: Row[Any]) -> ImportSeen:
    return ImportSeen(import_id=row.id, **fields_of(row, "id", "header", "roles", "through"))
