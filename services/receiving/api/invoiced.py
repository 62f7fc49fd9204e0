"""Invoices as the dock knows them, over HTTP: what of their lines came with them, and what is still to come."""

from datetime import date
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import Row, select

from libs.chassis.decision import Rejection
from libs.chassis.http import Reading, needs
from libs.chassis.pages import fields_of
from libs.contracts.permissions import Action
from services.receiving.expectation import ExpectedLine
from services.receiving.invoiced import InvoicedDelivery
from services.receiving.tables import STORAGE

router = APIRouter()

_invoices = STORAGE.tables[InvoicedDelivery]
_lines = STORAGE.tables[ExpectedLine]


class InvoicedLineSeen(BaseModel):
    """So many of an order line are invoiced, so many came with the invoice; `open` are still to come of the line."""

    order_line_id: UUID
    order_id: UUID
    sku: str
    name: str
    invoiced: int
    received: int
    open: int


class InvoicedDeliverySeen(BaseModel):
    """An invoice as far as the dock needs it."""

    invoice_id: UUID
    number: str
    vendor_number: str
    invoiced_on: date
    order_ids: list[UUID]
    lines: list[InvoicedLineSeen]


@router.get("/invoiced-deliveries/{invoice_id}", dependencies=[needs(Action.SEE_DELIVERIES)])
async def show_invoiced_delivery(invoice_id: UUID, read: Reading) -> InvoicedDeliverySeen:
    """What of an invoice came, and what of its order lines is still to come."""
    row = (await read.execute(select(_invoices).where(_invoices.c.id == invoice_id))).one_or_none()
    if row is None:
        raise Rejection("invoice_not_known", message=f"No invoice has the id {invoice_id}.")
    billed = {
        UUID(line["order_line_id"]): (line["quantity"], came)
        for line, came in zip(row.lines, row.received, strict=True)
    }
    known = await read.execute(select(_lines).where(_lines.c.id.in_(billed)).order_by(_lines.c.sku))
    return InvoicedDeliverySeen(
        invoice_id=row.id,
        lines=[_line_seen(line, *billed[line.id]) for line in known],
        **fields_of(row, "id", "version", "order_id", "lines", "received"),
    )


def _line_seen(row: Row[Any], invoiced: int, received: int) -> InvoicedLineSeen:
    line = ExpectedLine(**row._mapping)
    return InvoicedLineSeen(
        order_line_id=line.id,
        order_id=line.order_id,
        sku=line.sku,
        name=line.name,
        invoiced=invoiced,
        received=received,
        open=line.open,
    )
