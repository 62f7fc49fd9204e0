"""Files of rows, CSV or JSON, read one row at a time however many there are.

A JSON file is an array of objects, or objects one after another (JSON lines).
"""

import contextlib
import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from typing import Any, BinaryIO, TextIO

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_json

from libs.contracts.message import Command, what_is_wrong

ROWS_MAX = 1_000_000
ROW_CHARACTERS_MAX = 256 * 1024
"""A command of a longer row would be larger than a message may be."""
_PART = 64 * 1024
_BETWEEN = re.compile(r"[ \t\r\n]*")
_FORMULA = re.compile(r"'*[=+\-@\t\r]")

Cells = Mapping[str, str]
Row = tuple[int, Mapping[str, Any]]
"""A row's number, the first one after the header being 1, and what stands in it."""


@dataclass(frozen=True, kw_only=True)
class ImportKind:
    """Something that a file defines, row by row; `content` makes what the command says from the cells of a CSV row.

    `columns` are those that a CSV file must have.
    """

    name: str
    command: type[Command]
    columns: Sequence[str]
    content: Callable[[Cells], Mapping[str, Any]]


class FileInvalid(ValueError):
    """The file cannot be read to its end; the message says where and why."""


class RowInvalid(ValueError):
    """A row does not say what its command needs; `field` says where."""

    def __init__(self, field: str | None, message: str) -> None:
        super().__init__(message)
        self.field = field


def command_of(kind: ImportKind, format: str, row: Mapping[str, Any]) -> Command:
    """What a row commands. Raises RowInvalid."""
    if format == "csv" and "" in row:
        raise RowInvalid(None, "The row has more cells than the file has columns.")
    try:
        content = kind.content(row) if format == "csv" else row
        return kind.command.model_validate_json(to_json(content))
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False)[0]
        raise RowInvalid(".".join(map(str, wrong["loc"])) or None, what_is_wrong(wrong)) from None
    except PydanticSerializationError:
        raise RowInvalid(None, "text must not contain lone surrogates") from None


def columns_of(file: BinaryIO, columns: Sequence[str]) -> list[str]:
    """The header of a CSV file, which must have these columns."""
    header = [name.strip() for name in next(_csv(file), [])]
    missing = [column for column in columns if column not in header]
    if missing:
        raise FileInvalid(f"The file lacks the columns {', '.join(missing)}.")
    if len(set(header)) < len(header):
        raise FileInvalid("Two columns have the same name.")
    return header


def rows_of(file: BinaryIO, format: str) -> Iterator[Row]:
    """The rows of a file from its beginning. Empty cells are left out."""
    rows = _csv_rows(file) if format == "csv" else _objects(file)
    for number, row in enumerate(rows, 1):
        if number > ROWS_MAX:
            raise FileInvalid(f"The file has more than {ROWS_MAX} rows.")
        yield number, row


def as_text(cell: object) -> object:
    """A cell that a spreadsheet would take for a formula, as text: behind an apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def as_meant(cell: str) -> str:
    """A cell without the apostrophe that `as_text` put in front."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def _csv_rows(file: BinaryIO) -> Iterator[Mapping[str, Any]]:
    lines = _csv(file)
    header = [name.strip() for name in next(lines, [])]
    for cells in lines:
        row = {
            name: as_meant(cell.strip())
            for name, cell in zip(header, cells, strict=False)
            if name and cell.strip()
        }
        if len(cells) > len(header):
            row[""] = ",".join(cells[len(header) :])
        if row:
            yield row


def _csv(file: BinaryIO) -> Iterator[list[str]]:
    file.seek(0)
    # Spreadsheets put a byte order mark in front.
    text = TextIOWrapper(file, "utf-8-sig", newline="")
    reader = csv.reader(_lines(text), strict=True)
    try:
        yield from reader
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileInvalid(f"This is not CSV in UTF-8 after line {reader.line_num}: {error}.") from None
    finally:
        _let_go(text)


def _let_go(text: TextIOWrapper) -> None:
    """Leave the file open, if it still is."""
    with contextlib.suppress(ValueError):
        text.detach()


def _lines(text: TextIO) -> Iterator[str]:
    while line := text.readline(ROW_CHARACTERS_MAX + 1):
        if len(line) > ROW_CHARACTERS_MAX:
            raise FileInvalid(f"A line has more than {ROW_CHARACTERS_MAX} characters.")
        yield line


def _objects(file: BinaryIO) -> Iterator[Mapping[str, Any]]:
    file.seek(0)
    text = TextIOWrapper(file, "utf-8-sig")
    try:
        yield from _decoded(text)
    except UnicodeDecodeError as error:
        raise FileInvalid(f"This is not JSON in UTF-8: {error}.") from None
    finally:
        _let_go(text)


def _decoded(text: TextIO) -> Iterator[Mapping[str, Any]]:
    """One object after another, in an array or not, with no more in memory than one of them and a part of the file."""
    decoder = json.JSONDecoder()
    ahead, at, number = text.read(_PART), 0, 0

    def look() -> str:
        """What comes next that is not blank; nothing at the end."""
        nonlocal ahead, at
        while True:
            blank = _BETWEEN.match(ahead, at)
            at = blank.end() if blank else at
            if at < len(ahead):
                return ahead[at]
            ahead, at = text.read(_PART), 0
            if not ahead:
                return ""

    in_array = look() == "["
    at += in_array
    while (begins := look()) and not (in_array and begins == "]"):
        if number and in_array:
            if begins != ",":
                raise FileInvalid(f"A comma is missing after row {number}.")
            at += 1
            begins = look()
        number += 1
        if begins != "{":
            raise FileInvalid(f"Row {number} is not an object.")
        while True:
            try:
                value, at = decoder.raw_decode(ahead, at)
                break
            except (ValueError, RecursionError) as error:
                more = text.read(_PART) if len(ahead) - at <= ROW_CHARACTERS_MAX else ""
                if not more:
                    raise FileInvalid(f"Row {number} is not JSON: {error}.") from None
                ahead, at = ahead[at:] + more, 0
        yield value
    if in_array and not begins:
        raise FileInvalid(f"The array does not end after row {number}.")
    at += 1
    if look():
        raise FileInvalid("Something follows the array.")
