"""Invoices over HTTP: record them, decide about what differs, find them, and see what they bill of an order."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import Row, select

from libs.chassis.decision import Rejection
from libs.chassis.finding import PageWanted
from libs.chassis.http import JsonBody, Obeying, Reading, needs
from libs.chassis.pages import After, Limit, Page, Wanted
from libs.contracts.invoices import (
    AcceptInvoice,
    DifferenceFound,
    DisputeInvoice,
    RecordInvoice,
    ResolveInvoice,
)
from libs.contracts.message import Value
from libs.contracts.permissions import Action
from libs.contracts.values import LongText, Money, money
from services.purchasing.api.invoice_finding import Wish, find
from services.purchasing.invoice import Invoice, Status
from services.purchasing.invoicing import wanted_of
from services.purchasing.purchase_order import OrderLine, PurchaseOrder, order_name_id
from services.purchasing.purchase_order import Status as OrderStatus
from services.purchasing.settlement import InvoiceDecision, Verdict
from services.purchasing.tables import STORAGE

router = APIRouter()

_invoices = STORAGE.tables[Invoice]
_decisions = STORAGE.tables[InvoiceDecision]
_orders = STORAGE.tables[PurchaseOrder]
_lines = STORAGE.tables[OrderLine]


class Reason(Value):
    """Why it is accepted or disputed."""

    reason: Annotated[LongText, Field(min_length=1)]


class Resolution(Value):
    """How the dispute ended."""

    resolution: Annotated[LongText, Field(min_length=1)]


class InvoiceNamed(BaseModel):
    """An invoice by its id, and by its vendor and number."""

    invoice_id: UUID
    vendor_number: str
    number: str


class InvoiceAdvanced(InvoiceNamed):
    """Where an invoice stands now."""

    status: Status


class InvoiceSeen(InvoiceAdvanced):
    """An invoice in a list. `differs` tells that time alone will not mend what differs, be it tolerated or not."""

    kind: Literal["invoice", "credit_note"]
    status_since: datetime
    invoiced_on: date
    due_on: date | None
    net: Money
    tax: Money
    gross: Money
    freight: Money
    order_ids: list[UUID]
    differs: bool
    recorded_by: str
    recorded_at: datetime


class Decided(BaseModel):
    """What somebody decided about an invoice, and why."""

    verdict: Verdict
    decided_by: str
    decided_at: datetime
    reason: str


class ShareSeen(BaseModel):
    """How much of an invoice is for one of its orders."""

    order_id: UUID
    net: Money
    tax: Money
    freight: Money


class InvoiceInDetail(InvoiceSeen):
    """An invoice as it was sent, what is for which order, all that differs now, and what was decided by whom."""

    sent: RecordInvoice
    shares: list[ShareSeen]
    differences: list[DifferenceFound]
    accepted_differences: list[DifferenceFound]
    decisions: list[Decided]


class LineInvoiced(BaseModel):
    """How much of an order line was invoiced, net of credits."""

    order_line_id: UUID
    position: int
    sku: str
    ordered: int
    cancelled: int
    kept: int
    invoiced: int


class OrderInvoiced(BaseModel):
    """The sum of all invoices of an order against what it is expected to cost: net with net, gross with gross.

    What was cancelled is expected to cost nothing. The differences are what is invoiced too much, negative as long as
    it is too little.
    """

    order_id: UUID
    requisition_number: str
    status: OrderStatus
    expected_net: Money
    expected_gross: Money
    invoiced_net: Money
    invoiced_gross: Money
    difference_net: Money
    difference_gross: Money
    differs: bool
    lines: list[LineInvoiced]
    invoices: list[InvoiceSeen]


def _wish(
    status: Status | None = None,
    vendor: Annotated[Wanted, Query(description="The vendor's number.")] = None,
    order_id: UUID | None = None,
    number: Wanted = None,
    differs: bool | None = None,
    since: Annotated[date | None, Query(description="Invoiced on this day or later.")] = None,
    until: Annotated[date | None, Query(description="Invoiced on this day or earlier.")] = None,
    search: Annotated[Wanted, Query(description="Words of its number, vendor and orders.")] = None,
) -> Wish:
    return Wish(
        status=status,
        vendor_number=vendor,
        order_id=order_id,
        number=number,
        differs=differs,
        since=since,
        until=until,
        search=search,
    )


Wished = Annotated[Wish, Depends(_wish)]


@router.post(
    "/invoices", status_code=201, response_model=InvoiceNamed, dependencies=[needs(Action.RECORD_INVOICES)]
)
async def record_invoice(invoice: JsonBody[RecordInvoice], obey: Obeying) -> Response:
    """Record an invoice or a credit note as it was sent."""
    return await obey(invoice)


@router.get("/invoices", dependencies=[needs(Action.SEE_INVOICES)])
async def list_invoices(
    read: Reading, wish: Wished, newest: bool = False, limit: Limit = 100, after: After = None
) -> Page[InvoiceSeen]:
    """Invoices in the order in which they were recorded, or the newest first.

    A page may hold less than was asked for and still have a `next`.
    """
    rows, following = await find(read, wish, PageWanted(limit, _ordinal(after), newest))
    return Page(items=[_seen(row) for row in rows], next=str(following) if following else None)


@router.get("/invoices/{invoice_id}", dependencies=[needs(Action.SEE_INVOICES)])
async def show_invoice(invoice_id: UUID, read: Reading) -> InvoiceInDetail:
    """One invoice: as it was sent, in what it differs, what was decided."""
    row = (await read.execute(select(_invoices).where(_invoices.c.id == invoice_id))).one_or_none()
    if row is None:
        raise Rejection("invoice_unknown", message=f"There is no invoice {invoice_id}.")
    decided = (
        select(_decisions).where(_decisions.c.invoice_id == invoice_id).order_by(_decisions.c.decided_at)
    )
    return InvoiceInDetail(
        **dict(_seen(row)),
        sent=RecordInvoice.model_validate(row.sent, strict=False),
        shares=[
            ShareSeen(
                order_id=UUID(order_id),
                **{
                    name: Money(amount=share[name], currency=row.currency)
                    for name in ("net", "tax", "freight")
                },
            )
            for order_id, share in zip(row.orders, row.shares, strict=True)
        ],
        differences=_found(row.differences),
        accepted_differences=_found(row.accepted),
        decisions=[
            Decided(
                verdict=Verdict(each.verdict),
                decided_by=each.decided_by,
                decided_at=each.decided_at,
                reason=each.reason,
            )
            for each in await read.execute(decided)
        ],
    )


@router.post(
    "/invoices/{invoice_id}/acceptance",
    status_code=200,
    response_model=InvoiceAdvanced,
    dependencies=[needs(Action.SETTLE_INVOICES)],
)
async def accept_invoice(invoice_id: UUID, why: JsonBody[Reason], obey: Obeying) -> Response:
    """Pay it in spite of what differs. Who received the goods does not accept it."""
    return await obey(AcceptInvoice(invoice_id=invoice_id, reason=why.reason), status=200)


@router.post(
    "/invoices/{invoice_id}/dispute",
    status_code=200,
    response_model=InvoiceAdvanced,
    dependencies=[needs(Action.SETTLE_INVOICES)],
)
async def dispute_invoice(invoice_id: UUID, why: JsonBody[Reason], obey: Obeying) -> Response:
    """Do not pay it for now: the vendor is asked."""
    return await obey(DisputeInvoice(invoice_id=invoice_id, reason=why.reason), status=200)


@router.post(
    "/invoices/{invoice_id}/resolution",
    status_code=200,
    response_model=InvoiceAdvanced,
    dependencies=[needs(Action.SETTLE_INVOICES)],
)
async def resolve_invoice(invoice_id: UUID, how: JsonBody[Resolution], obey: Obeying) -> Response:
    """The dispute is over: it is matched again as things are now."""
    return await obey(ResolveInvoice(invoice_id=invoice_id, resolution=how.resolution), status=200)


@router.get("/orders/{reference}/invoices", dependencies=[needs(Action.SEE_INVOICES)])
async def show_invoices_of_order(reference: str, read: Reading) -> OrderInvoiced:
    """All invoices of an order, named by its id or any of its numbers, and their sum against its expected cost."""
    row = (await read.execute(select(_orders).where(_orders.c.id == _order_id(reference)))).one_or_none()
    if row is None:
        raise Rejection("order_unknown", message=f"There is no order {reference}.")
    named = [UUID(each) for each in row.invoices]
    lines = select(_lines).where(_lines.c.order_id == row.id).order_by(_lines.c.position)
    invoices = select(_invoices).where(_invoices.c.id.in_(named)).order_by(_invoices.c.ordinal)
    order, of_order = (
        PurchaseOrder(**row._mapping),
        [OrderLine(**each._mapping) for each in await read.execute(lines)],
    )
    wanted = wanted_of(order, of_order)
    return OrderInvoiced(
        order_id=order.id,
        requisition_number=order.requisition_number,
        status=OrderStatus(order.status),
        expected_net=money(wanted.net, order.currency),
        expected_gross=money(wanted.gross, order.currency),
        invoiced_net=money(order.invoiced_net, order.currency),
        invoiced_gross=money(order.invoiced_gross, order.currency),
        difference_net=money(order.invoiced_net - wanted.net, order.currency),
        difference_gross=money(order.invoiced_gross - wanted.gross, order.currency),
        differs=order.differs,
        lines=[
            LineInvoiced(
                order_line_id=line.id,
                position=line.position,
                sku=line.sku,
                ordered=line.ordered,
                cancelled=line.cancelled,
                kept=line.kept,
                invoiced=line.invoiced,
            )
            for line in of_order
        ],
        invoices=[_seen(each) for each in await read.execute(invoices)],
    )


def _order_id(reference: str) -> Any:
    try:
        return UUID(reference)
    except ValueError:
        names = STORAGE.named["order_names"]
        table = STORAGE.tables[names]
        return select(table.c.order_id).where(table.c.id == order_name_id(reference)).scalar_subquery()


def _ordinal(after: str | None) -> int | None:
    if after is None:
        return None
    # What no page ever named has nothing after it.
    return int(after) if after.isascii() and after.isdigit() and len(after) < 19 else 2**63 - 1


def _found(differences: Sequence[Any]) -> list[DifferenceFound]:
    return [DifferenceFound.model_validate(each, strict=False) for each in differences]


def _seen(row: Row[Any]) -> InvoiceSeen:
    return InvoiceSeen(
        invoice_id=row.id,
        vendor_number=row.vendor_number,
        number=row.number,
        status=Status(row.status),
        kind=row.kind,
        status_since=row.status_since,
        invoiced_on=row.invoiced_on,
        due_on=row.due_on,
        net=money(row.net, row.currency),
        tax=money(row.tax, row.currency),
        gross=money(row.gross, row.currency),
        freight=money(row.freight, row.currency),
        order_ids=[UUID(each) for each in row.orders],
        differs=row.differs,
        recorded_by=row.recorded_by,
        recorded_at=row.recorded_at,
    )
