"""Invoices with all that differs, as a CSV file: a row for each difference."""

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.chassis.finding import PageWanted
from libs.chassis.http import needs
from libs.chassis.import_api import csv_line
from libs.chassis.pages import PART_SIZE, as_file
from libs.contracts.permissions import Action
from libs.contracts.values import money
from services.purchasing.api.invoice_finding import Wish, find
from services.purchasing.api.invoices import Wished

router = APIRouter()

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
    rows = _rows(request.app.state.engine, wish)
    return await as_file(rows, name="invoices.csv", media_type="text/csv; charset=utf-8")


async def _rows(engine: AsyncEngine, wish: Wish) -> AsyncIterator[str]:
    """Page by page, so that no connection is held while somebody reads slowly."""
    header: list[list[object]] = [[*COLUMNS]]
    after: int | None = None
    while True:
        async with engine.connect() as connection:
            found, after = await find(connection, wish, PageWanted(PART_SIZE, after))
        yield "".join(map(csv_line, [*header, *(cells for row in found for cells in _cells(row))]))
        header = []
        if after is None:
            return


def _cells(row: Row[Any]) -> list[list[object]]:
    invoice: list[object] = [getattr(row, name) for name in INVOICE]
    invoice += [money(getattr(row, name), row.currency).amount for name in AMOUNTS]
    nothing: dict[str, object] = {}
    return [
        [*invoice, row.status, *(each.get(name) for name in COLUMNS[len(invoice) + 1 :])]
        for each in row.differences or [nothing]
    ]
