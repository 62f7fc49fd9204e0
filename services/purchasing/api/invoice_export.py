"""Invoices with all that differs, as a CSV file: a row for each difference."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.chassis.finding import Found, PageWanted
from libs.chassis.http import needs
from libs.contracts.permissions import Action
from libs.contracts.values import money
from services.purchasing.api.invoice_finding import Wish, find
from services.purchasing.api.invoices import Wished

router = APIRouter()

PAGE_SIZE = 500
INVOICE = ("vendor_number", "number", "kind", "invoiced_on", "due_on", "currency")
AMOUNTS = ("net", "tax", "gross", "freight")
DIFFERENCE = ("difference", "order_id", "order_line_id", "invoice_line", "expected", "invoiced")
COLUMNS = (*INVOICE, *AMOUNTS, "status", *DIFFERENCE, "within_tolerance", "pending")


@router.get(
    "/invoice-differences",
    dependencies=[needs(Action.SEE_INVOICES)],
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def export_invoices(request: Request, wish: Wished) -> StreamingResponse:
    """A CSV file of invoices, a row for each difference; those in which nothing differs have one without."""
    headers = {"Content-Disposition": 'attachment; filename="invoices.csv"'}
    engine: AsyncEngine = request.app.state.engine
    # Before anything leaves: a database that is away is a problem, not half a file.
    first = await _page(engine, wish, 0)
    return StreamingResponse(
        _rows(engine, wish, first), media_type="text/csv; charset=utf-8", headers=headers
    )


async def _page(engine: AsyncEngine, wish: Wish, after: int) -> Found:
    async with engine.connect() as connection:
        return await find(connection, wish, PageWanted(PAGE_SIZE, after, newest=False))


async def _rows(engine: AsyncEngine, wish: Wish, page: Found) -> AsyncIterator[str]:
    """Page by page, so that no connection is held while somebody reads slowly."""
    yield _written([COLUMNS])
    found, after = page
    while True:
        yield _written([cells for row in found for cells in _cells(row)])
        if after is None:
            return
        found, after = await _page(engine, wish, after)


def _cells(row: Row[Any]) -> list[list[object]]:
    invoice: list[object] = [getattr(row, name) for name in INVOICE]
    invoice += [money(getattr(row, name), row.currency).amount for name in AMOUNTS]
    nothing: dict[str, object] = {}
    return [
        [*map(_cell, invoice), row.status, *(_cell(each.get(name)) for name in COLUMNS[len(invoice) + 1 :])]
        for each in row.differences or [nothing]
    ]


def _cell(value: object) -> object:
    """Text that a spreadsheet would take for a formula is text."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value


def _written(rows: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
