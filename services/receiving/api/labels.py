"""Labels of what is still to come, over HTTP: printed before it arrives, stuck on it at the dock."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import Row, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from starlette.concurrency import run_in_threadpool

from libs.chassis.decision import Rejection
from libs.chassis.http import needs
from libs.chassis.pages import as_file, in_parts, named
from libs.contracts.permissions import Action
from services.receiving.api.labels_sheet import LABELS_PER_SHEET, Label, Sheets, zpl
from services.receiving.expectation import (
    ExpectedLine,
    ExpectedOrder,
    ExpectedUnit,
    OrderName,
    UnitStatus,
    order_name_id,
)
from services.receiving.tables import STORAGE

router = APIRouter()

_orders = STORAGE.tables[ExpectedOrder]
_lines = STORAGE.tables[ExpectedLine]
_units = STORAGE.tables[ExpectedUnit]
_names = STORAGE.tables[OrderName]

LABELS_MAX = 100 * LABELS_PER_SHEET
"""A hundred sheets: what a person prints at once, and a few seconds' work."""
_HAS_LABEL = and_(_units.c.status == UnitStatus.OPEN.value, _units.c.tag.is_not(None))
_FILE = {"schema": {"type": "string", "format": "binary"}}
PDF, ZPL = "application/pdf", "application/zpl"
SHOWN = {"description": "The labels.", "content": {PDF: _FILE, ZPL: _FILE}}


@router.get(
    "/expected-orders/{reference}/labels",
    response_class=StreamingResponse,
    responses={200: SHOWN},
    dependencies=[needs(Action.SEE_DELIVERIES)],
)
async def print_labels(
    reference: str,
    request: Request,
    order_line_id: Annotated[
        list[UUID] | None, Query(max_length=100, description="Only of these lines.")
    ] = None,
    format: Literal["pdf", "zpl"] = "pdf",
    skip: Annotated[int, Query(ge=0, le=1_000_000, description="Begin after so many.")] = 0,
    limit: Annotated[int, Query(ge=1, le=LABELS_MAX, description="At most so many.")] = LABELS_MAX,
) -> StreamingResponse:
    """Labels of the units still to come that have a tag, by line and unit: A4 sheets of 3 by 8 as PDF, or ZPL."""
    engine: AsyncEngine = request.app.state.engine
    async with engine.connect() as read:
        order = await _order_named(reference, read)
        lines = await _lines_of(order, order_line_id or (), read)
    number = order.purchase_order_number or order.requisition_number
    if sum(line.labels for line in lines) <= skip:
        raise Rejection(
            "labels_missing", message=f"Nothing of order {number} that is still to come has a tag."
        )
    labels = _labels(engine, lines, number, skip, limit)
    name = f"labels-{order.requisition_number}"
    if format == "zpl":
        return await as_file(_zpl(labels), name=f"{name}.zpl", media_type=ZPL)
    return await as_file(_pdf(labels, f"Labels {number}"), name=f"{name}.pdf", media_type=PDF)


async def _zpl(labels: AsyncIterator[list[Label]]) -> AsyncIterator[str]:
    async for sheet in labels:
        yield zpl(sheet)


async def _pdf(labels: AsyncIterator[list[Label]], title: str) -> AsyncIterator[bytes]:
    sheets = await run_in_threadpool(Sheets, title)
    async for sheet in labels:
        await run_in_threadpool(sheets.add, sheet)
    yield await run_in_threadpool(sheets.finished)


async def _labels(
    engine: AsyncEngine, lines: Sequence[Row[Any]], number: str, skip: int, limit: int
) -> AsyncIterator[list[Label]]:
    """Sheet by sheet, read in parts: no connection is held while they are drawn and fetched."""
    sheet: list[Label] = []
    async for line, tag in _tags(engine, lines, skip):
        sheet.append(Label(tag=tag, name=line.name, order_number=number))
        limit -= 1
        if len(sheet) == LABELS_PER_SHEET or not limit:
            yield sheet
            sheet = []
        if not limit:
            return
    if sheet:
        yield sheet


async def _tags(
    engine: AsyncEngine, lines: Sequence[Row[Any]], skip: int
) -> AsyncIterator[tuple[Row[Any], str]]:
    for line in lines:
        if skip >= line.labels:
            skip -= line.labels
            continue
        units = select(_units.c.unit_number, _units.c.tag).where(
            _units.c.order_line_id == line.id, _HAS_LABEL
        )
        async for part in in_parts(engine, units, _units.c.unit_number):
            for unit in part[skip:]:
                yield line, unit.tag
            skip = max(0, skip - len(part))


async def _order_named(reference: str, read: AsyncConnection) -> Row[Any]:
    called = select(_names.c.order_id).where(_names.c.id == order_name_id(reference)).scalar_subquery()
    query = select(_orders).where(
        or_(named(reference, _orders.c.id, _orders.c.requisition_number), _orders.c.id == called)
    )
    order = (await read.execute(query)).one_or_none()
    if order is None:
        raise Rejection("order_unknown", message=f"No submitted order is called {reference}.")
    return order


async def _lines_of(order: Row[Any], wanted: Sequence[UUID], read: AsyncConnection) -> Sequence[Row[Any]]:
    """The lines of the order that are wanted, all if none is named, and of how many units there are labels."""
    labels = select(func.count()).where(_units.c.order_line_id == _lines.c.id, _HAS_LABEL).scalar_subquery()
    query = select(_lines.c.id, _lines.c.name, labels.label("labels")).where(_lines.c.order_id == order.id)
    lines: Sequence[Any] = (await read.execute(query.order_by(_lines.c.sku, _lines.c.id))).all()
    unknown = set(wanted) - {line.id for line in lines}
    if unknown:
        message = f"Order {order.requisition_number} has no line {min(unknown)}."
        raise Rejection("order_line_unknown", field="order_line_id", message=message)
    return [line for line in lines if not wanted or line.id in wanted]
