"""What people decide about invoices that differ: to accept them all the same, to dispute them, to end a dispute.

Who received the goods does not accept what differs, unless the policy allows that. Who decided what is kept for ever.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import (
    Cause,
    Decision,
    Early,
    Handler,
    Handlers,
    Key,
    Keys,
    NamedBy,
    Record,
    Records,
    Rejection,
)
from libs.contracts.invoices import (
    AcceptInvoice,
    DisputeInvoice,
    InvoiceAccepted,
    InvoiceCommand,
    InvoiceDisputed,
    InvoiceDisputeResolved,
    MatchInvoices,
    ResolveInvoice,
)
from libs.contracts.values import Money
from services.purchasing.invoice import Invoice, Status, invoice_id_of
from services.purchasing.invoicing import judged
from services.purchasing.policy import policy_held, policy_in
from services.purchasing.purchase_order import PurchaseOrder


class Verdict(StrEnum):
    """What was decided."""

    ACCEPTED = "accepted"
    DISPUTED = "disputed"
    RESOLVED = "resolved"


@dataclass(frozen=True, kw_only=True)
class InvoiceDecision(Record):
    """Somebody decided something about an invoice, for this reason."""

    APPEND_ONLY: ClassVar[bool] = True

    invoice_id: UUID
    verdict: Verdict
    decided_by: str
    decided_at: datetime
    reason: str


def accept(command: AcceptInvoice, held: Records, cause: Cause) -> Decision:
    """Pay it in spite of what differs now. What differs in more later is said again."""
    invoice = _named(held, command)
    if invoice.status is Status.ACCEPTED:
        return Decision(duplicate=True, answer=_answer(invoice))
    if invoice.status is Status.MATCHED:
        message = f"Nothing of invoice {invoice.number} has to be accepted: it matches."
        raise Rejection("invoice_not_open", field="invoice_id", message=message)
    who = cause.actor.id or cause.sender
    if policy_in(held).separates_duties:
        for order in held.all(PurchaseOrder):
            if who in order.receivers:
                message = f"{who} received goods of order {order.requisition_number}."
                raise Rejection("received_by_oneself", field="invoice_id", message=message)
    invoice = invoice.become(Status.ACCEPTED, status_since=cause.at, accepted=invoice.differences)
    said = InvoiceAccepted(
        invoice_id=invoice.id,
        vendor_number=invoice.vendor_number,
        number=invoice.number,
        accepted_by=who,
        reason=command.reason,
        gross=Money(amount=invoice.gross, currency=invoice.currency),
    )
    decided = _decided(invoice, Verdict.ACCEPTED, command.reason, cause)
    return Decision(save=[invoice, decided], publish=[said], answer=_answer(invoice))


def dispute(command: DisputeInvoice, held: Records, cause: Cause) -> Decision:
    """Do not pay it for now, even if it matches."""
    invoice = _named(held, command)
    if invoice.status is Status.DISPUTED:
        return Decision(duplicate=True, answer=_answer(invoice))
    if invoice.status is Status.ACCEPTED:
        message = f"Invoice {invoice.number} was accepted."
        raise Rejection("invoice_not_open", field="invoice_id", message=message)
    invoice = invoice.become(Status.DISPUTED, status_since=cause.at)
    said = InvoiceDisputed(
        invoice_id=invoice.id,
        vendor_number=invoice.vendor_number,
        number=invoice.number,
        disputed_by=cause.actor.id or cause.sender,
        reason=command.reason,
    )
    decided = _decided(invoice, Verdict.DISPUTED, command.reason, cause)
    return Decision(save=[invoice, decided], publish=[said], answer=_answer(invoice))


def resolve(command: ResolveInvoice, held: Records, cause: Cause) -> Decision:
    """The dispute is over: it is as if it had just been recorded, and is matched again."""
    invoice = _named(held, command)
    if invoice.status is not Status.DISPUTED:
        message = f"Invoice {invoice.number} is {invoice.status}."
        raise Rejection("invoice_not_disputed", field="invoice_id", message=message)
    invoice = invoice.become(Status.RECORDED, status_since=cause.at)
    resolved = InvoiceDisputeResolved(
        invoice_id=invoice.id,
        vendor_number=invoice.vendor_number,
        number=invoice.number,
        resolved_by=cause.actor.id or cause.sender,
        resolution=command.resolution,
    )
    invoice, said = judged(invoice, invoice.differences, cause)
    decided = _decided(invoice, Verdict.RESOLVED, command.resolution, cause)
    # Tolerances may be others by now.
    again = [MatchInvoices(order_id=order_id) for order_id in invoice.orders]
    return Decision(save=[invoice, decided], publish=[resolved, *said, *again], answer=_answer(invoice))


def _named(held: Records, command: InvoiceCommand) -> Invoice:
    invoice = held.find(Invoice, invoice_meant(command))
    if invoice is None:
        what = command.invoice_id or f"{command.number} of vendor {command.vendor_number}"
        field = "number" if command.invoice_id is None else "invoice_id"
        raise Rejection("invoice_unknown", field=field, message=f"There is no invoice {what}.")
    return invoice


def _decided(invoice: Invoice, verdict: Verdict, reason: str, cause: Cause) -> InvoiceDecision:
    return InvoiceDecision(
        id=cause.id("invoice_decision"),
        invoice_id=invoice.id,
        verdict=verdict,
        decided_by=cause.actor.id or cause.sender,
        decided_at=cause.at,
        reason=reason,
    )


def _answer(invoice: Invoice) -> dict[str, object]:
    return {
        "invoice_id": str(invoice.id),
        "vendor_number": invoice.vendor_number,
        "number": invoice.number,
        "status": invoice.status.value,
    }


def invoice_meant(command: InvoiceCommand) -> UUID:
    """The id of the invoice that a command names."""
    if command.invoice_id is not None:
        return command.invoice_id
    return invoice_id_of(command.vendor_number or "", command.number or "")


def invoice_of(command: InvoiceCommand) -> Keys:
    """The invoice."""
    return (Key(Invoice, invoice_meant(command)),)


def invoice_and_receivers(command: AcceptInvoice) -> Keys:
    """The invoice, and the orders it is for, because they tell who received the goods."""
    invoice_id = invoice_meant(command)
    return (Key(Invoice, invoice_id), NamedBy(PurchaseOrder, by=Invoice, id=invoice_id, ids=orders_of))


def orders_of(invoice: Invoice) -> Iterable[UUID]:
    """The orders that an invoice is for."""
    return invoice.orders


HANDLERS: Handlers = (
    Handler(
        on=AcceptInvoice,
        holds=invoice_and_receivers,
        reads=policy_held,
        early=Early.WAIT_10_MINUTES,
        decide=accept,
    ),
    Handler(on=DisputeInvoice, holds=invoice_of, early=Early.WAIT_10_MINUTES, decide=dispute),
    Handler(on=ResolveInvoice, holds=invoice_of, early=Early.WAIT_10_MINUTES, decide=resolve),
)
