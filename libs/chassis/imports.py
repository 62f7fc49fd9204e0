"""Importing many things from a CSV file over HTTP: rows become commands, and every row is told how it ended.

@router.post("/imports/vendors")
async def import_vendors(file: CsvFile, obey: Obeying) -> RowsRead:
    return await import_rows(obey, DefineVendor, contents_of(file, columns=("number", "name", …)))
"""

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from itertools import islice
from typing import Annotated, Any

from fastapi import Body
from pydantic import BaseModel, Field

from libs.chassis.decision import Rejection
from libs.chassis.http import Obey
from libs.chassis.import_files import FileInvalid, ImportKind, RowInvalid, columns_of, command_of, rows_of
from libs.contracts.message import Command

CsvFile = Annotated[bytes, Body(media_type="text/csv", description="UTF-8, comma, a header row.")]
ROWS_MAX = 10_000

Content = tuple[Sequence[int], Mapping[str, Any]]
"""What a command says, and the numbers of the rows that say it; the first row after the header is 1."""


class RowRead(BaseModel):
    """How a row ended."""

    row: int
    outcome: str = Field(examples=["accepted", "rejected", "duplicate"])
    code: str | None = None
    field: str | None = None
    message: str | None = None


class RowsRead(BaseModel):
    """How a file ended. `rejected` rows changed nothing; the others are done."""

    accepted: int
    rejected: int
    rows: list[RowRead]


def contents_of(file: bytes, *, columns: Sequence[str]) -> list[Content]:
    """The rows of a file as contents, a row each. Empty cells are left out; unknown columns are ignored."""
    try:
        columns_of(BytesIO(file), columns)
        rows = list(islice(rows_of(BytesIO(file), "csv"), ROWS_MAX + 1))
    except FileInvalid as error:
        raise Rejection("invalid_content", message=str(error)) from None
    if len(rows) > ROWS_MAX:
        raise Rejection("invalid_content", message=f"The file has more than {ROWS_MAX} rows.")
    return [((number,), row) for number, row in rows]


async def import_rows(obey: Obey, what: type[Command] | ImportKind, contents: Iterable[Content]) -> RowsRead:
    """Have a command obeyed for each content; rows of one content end together."""
    kind = what if isinstance(what, ImportKind) else _as_it_is(what)
    done = 0
    read: list[RowRead] = []
    valid: list[tuple[Sequence[int], Command]] = []
    for rows, content in contents:
        try:
            valid.append((rows, command_of(kind, "csv", content)))
        except RowInvalid as wrong:
            read += [
                RowRead(
                    row=row, outcome="rejected", code="invalid_content", field=wrong.field, message=str(wrong)
                )
                for row in rows
            ]
    endings = await obey.many([command for _, command in valid]) if valid else []
    for (rows, _), ending in zip(valid, endings, strict=True):
        refusal = {name: ending.answer.get(name) for name in ("code", "field", "message")}
        read += [RowRead(row=row, outcome=ending.verdict, **refusal) for row in rows]
        done += len(rows) if ending.accepted else 0
    read.sort(key=lambda row: row.row)
    return RowsRead(accepted=done, rejected=len(read) - done, rows=read)


def _as_it_is(command: type[Command]) -> ImportKind:
    return ImportKind(name="", command=command, columns=(), content=lambda content: content)
