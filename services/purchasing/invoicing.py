"""Recording invoices, and matching them with their orders: at once, and whenever something happens to an order.

All invoices of an order are compared with it together. The order's own figures (units invoiced by line, sums, whether
anything differs) are saved with whatever changed them. An invoice that differs in no more than is tolerated can be
paid; one that differs in more waits for a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from libs.chassis.decision import (
    Cause,
    Decision,
    Early,
    Handler,
    Handlers,
    Key,
    Keys,
    Record,
    Records,
    Rejection,
    Via,
)
from libs.contracts.invoices import (
    DIFFERENCES_SAID_MAX,
    BilledLine,
    BilledOrder,
    DifferenceFound,
    InvoiceDifferenceFound,
    InvoiceMatched,
    InvoiceRecorded,
    MatchInvoices,
    RecordInvoice,
)
from libs.contracts.message import Message
from libs.contracts.values import Money
from services.purchasing.bill import LineWanted, OrderWanted
from services.purchasing.counting import followed
from services.purchasing.invoice import (
    ORDINAL,
    Invoice,
    Status,
    as_sent,
    check_amounts,
    invoice_id_of,
    order_with_invoices,
    with_rate,
)
from services.purchasing.invoice_parts import bills_for
from services.purchasing.matching import Matched, match
from services.purchasing.policy import policy_held, policy_in
from services.purchasing.purchase_order import (
    OrderLine,
    OrderName,
    PurchaseOrder,
    in_order,
    order_name_id,
    within_limit,
)
from services.purchasing.rate_book import RATE_BOOK_KEY, RateBook, rate_book_in
from services.purchasing.tolerance import ALL_TOLERANCES, Tolerances, tolerances_in


def record(command: RecordInvoice, held: Records, cause: Cause) -> Decision:
    """Record an invoice as it was sent, and say in what it differs, or that it can be paid.

    The same content under the same number is a duplicate; other content is refused.
    """
    known = held.find(Invoice, invoice_id_of(command.vendor_number, command.number))
    if known is not None:
        if RecordInvoice.model_validate(known.sent, strict=False) == command:
            return Decision(duplicate=True, answer=known.answer)
        message = f"Vendor {command.vendor_number} sent another invoice with the number {command.number}."
        raise Rejection("invoice_number_reused", field="number", message=message)
    check_amounts(command)
    invoice = as_sent(command, held, cause)
    found = _Matching(held, cause, invoice)
    for order_id in invoice.orders:
        found.match(order_id)
    return found.decision(answer=invoice.answer)


def match_again(command: MatchInvoices, held: Records, cause: Cause) -> Decision:
    """Compare an order's invoices with it as it is now, with what is tolerated and known of currencies by now."""
    found = _Matching(held, cause)
    found.match(command.order_id)
    return found.decision()


@dataclass
class _Found:
    """An order before and after, and what its new invoice bills of it."""

    before: PurchaseOrder
    after: PurchaseOrder
    said: Sequence[Message]
    lines: Sequence[OrderLine]
    billed: BilledOrder


@dataclass
class _Matching:
    """Orders and their invoices, while they are compared; `new` is the one that is being recorded."""

    held: Records
    cause: Cause
    new: Invoice | None = None
    orders: dict[UUID, _Found] = field(default_factory=dict)
    differences: dict[UUID, dict[UUID, Sequence[DifferenceFound]]] = field(default_factory=dict)
    rated: dict[UUID, Invoice] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tolerances: Tolerances = tolerances_in(self.held)
        self.rates: RateBook = rate_book_in(self.held)

    def match(self, order_id: UUID) -> None:
        """Compare one order with all its invoices."""
        order = self.held[PurchaseOrder, order_id]
        lines = in_order(self.held.all(OrderLine, order_id=order.id))
        invoices = [self._with_rate(id, order) for id in order.invoices]
        if self.new is not None:
            invoices.append(self.new)
            order = replace(order, invoices=(*order.invoices, self.new.id))
        bills = bills_for(invoices, order, lines)
        matched = match(wanted_of(order, lines), bills, self.tolerances)
        self.orders[order.id] = self._with_figures(order, lines, matched)
        for invoice in invoices:
            self.differences.setdefault(invoice.id, {})[order.id] = matched.differences.get(invoice.id, ())

    def _with_rate(self, invoice_id: UUID, order: PurchaseOrder) -> Invoice:
        """An invoice as it was left for the order before, or as it is kept, with its worth if that is known by now."""
        known = self.rated.get(invoice_id) or self.held[Invoice, invoice_id]
        invoice = self.rated[invoice_id] = with_rate(known, order, self.rates)
        return invoice

    def _with_figures(self, order: PurchaseOrder, lines: Sequence[OrderLine], matched: Matched) -> _Found:
        billed = [
            BilledLine(order_line_id=line.id, quantity=matched.units.get(line.id, 0) - line.invoiced)
            for line in lines
            if matched.units.get(line.id, 0) != line.invoiced
        ]
        lines = [replace(line, invoiced=matched.units.get(line.id, 0)) for line in lines]
        for amount in (matched.net, matched.gross):
            within_limit(abs(amount))
        after = replace(
            order,
            invoiced_net=matched.net,
            invoiced_beside_lines=matched.net_beside_lines,
            invoiced_freight=matched.freight,
            invoiced_gross=matched.gross,
            differs=matched.differs,
        )
        after, said = followed(after, lines, self.cause, policy_in(self.held))
        return _Found(
            before=self.held[PurchaseOrder, order.id],
            after=after,
            said=said,
            lines=[line for line in lines if line != self.held[OrderLine, line.id]],
            billed=BilledOrder(
                order_id=order.id,
                requisition_number=order.requisition_number,
                net=self._share(order.id),
                lines=tuple(billed),
            ),
        )

    def _share(self, order_id: UUID) -> Decimal:
        """How much of the new invoice is for an order."""
        if self.new is None:
            return Decimal(0)
        net = Decimal(self.new.shares[self.new.orders.index(order_id)]["net"])
        return -net if self.new.is_credit else net

    def decision(self, answer: Mapping[str, object] | None = None) -> Decision:
        """The orders with their figures, and the invoices with what was found, as far as these changed."""
        save: list[Record] = []
        publish: list[Message] = []
        for invoice_id in self.differences:
            changed, said = self._judged(invoice_id)
            save += changed
            publish += said
        for found in self.orders.values():
            if found.after != found.before:
                save.append(found.after)
            save += found.lines
            publish += found.said
        return Decision(save=save, publish=publish, answer=answer or {})

    def _judged(self, invoice_id: UUID) -> tuple[Sequence[Record], Sequence[Message]]:
        is_new = self.new is not None and self.new.id == invoice_id
        invoice = self.new if self.new is not None and is_new else self.rated[invoice_id]
        now = self.differences[invoice_id]
        kept = [each for each in invoice.differences if UUID(each["order_id"]) not in now]
        found = [*kept, *(each.model_dump(mode="json") for some in now.values() for each in some)]
        if not is_new and found == list(invoice.differences) and invoice == self.held[Invoice, invoice_id]:
            return [], []
        changed, said = judged(invoice, found, self.cause)
        if is_new:
            return [changed], [self._recorded(invoice), *said]
        return [changed], said

    def _recorded(self, invoice: Invoice) -> InvoiceRecorded:
        sign = -1 if invoice.is_credit else 1
        return InvoiceRecorded(
            invoice_id=invoice.id,
            vendor_number=invoice.vendor_number,
            number=invoice.number,
            kind="credit_note" if invoice.is_credit else "invoice",
            invoiced_on=invoice.invoiced_on,
            net=Money(amount=sign * invoice.net, currency=invoice.currency),
            gross=Money(amount=sign * invoice.gross, currency=invoice.currency),
            orders=tuple(self.orders[order_id].billed for order_id in invoice.orders),
        )


def judged(
    invoice: Invoice, differences: Sequence[Mapping[str, Any]], cause: Cause
) -> tuple[Invoice, list[Message]]:
    """The invoice with these differences, in the status that follows, and what is to be said about the change.

    What somebody disputes stays disputed until they say otherwise, and what was accepted stays so; but what differs
    beyond that is said.
    """
    before = _real(invoice.differences)
    changed = replace(invoice, differences=tuple(differences), differs=bool(_real(differences)))
    must_act = [each for each in differences if not each["within_tolerance"]]
    said: list[Message] = []
    if invoice.status is Status.ACCEPTED:
        if _real(differences) != before and any(each not in invoice.accepted for each in must_act):
            said.append(said_differing(changed))
        return changed, said
    if _real(differences) != before and changed.differs:
        said.append(said_differing(changed))
    if invoice.status is Status.RECORDED and not must_act:
        changed = changed.become(Status.MATCHED, status_since=cause.at)
        said.append(said_matched(changed))
    elif invoice.status is Status.MATCHED and must_act:
        changed = changed.become(Status.RECORDED, status_since=cause.at)
    return changed, said


def said_differing(invoice: Invoice) -> InvoiceDifferenceFound:
    """What differs; if that is more than a message holds, first what a person must act on."""
    differences: Sequence[Mapping[str, Any]] = invoice.differences
    if len(differences) > DIFFERENCES_SAID_MAX:
        differences = sorted(differences, key=lambda each: bool(each["within_tolerance"]))
    said = differences[:DIFFERENCES_SAID_MAX]
    return InvoiceDifferenceFound(
        invoice_id=invoice.id,
        vendor_number=invoice.vendor_number,
        number=invoice.number,
        differences=tuple(DifferenceFound.model_validate(each, strict=False) for each in said),
        left_out=len(differences) - len(said),
    )


def said_matched(invoice: Invoice) -> InvoiceMatched:
    """It can be paid."""
    return InvoiceMatched(
        invoice_id=invoice.id,
        vendor_number=invoice.vendor_number,
        number=invoice.number,
        gross=Money(amount=invoice.gross, currency=invoice.currency),
    )


def _real(differences: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those that time alone will not mend."""
    return [each for each in differences if not each["pending"]]


def wanted_of(order: PurchaseOrder, lines: Sequence[OrderLine]) -> OrderWanted:
    """An order as its invoices are compared with it; what has no price yet costs nothing."""
    return OrderWanted(
        id=order.id,
        vendor_number=order.vendor_number or "",
        currency=order.currency,
        freight=order.freight if any(line.living for line in lines) else Decimal(0),
        lines=tuple(
            LineWanted(
                id=line.id,
                sku=line.sku,
                ordered=line.ordered,
                cancelled=line.cancelled,
                kept=line.kept,
                unit_price=line.unit_price or Decimal(0),
                tax_percent=line.tax_percent,
            )
            for line in lines
            if line.unit_price is not None
        ),
    )


def what_is_recorded(command: RecordInvoice) -> Keys:
    """The invoice if it is known, the one it corrects, and its orders with all their lines and invoices."""
    keys: list[Any] = [Key(Invoice, invoice_id_of(command.vendor_number, command.number), may_be_new=True)]
    if command.corrects is not None:
        keys.append(Key(Invoice, invoice_id_of(command.vendor_number, command.corrects)))
    for named in command.orders:
        keys += order_with_invoices(
            named.order_id
            or Via(
                OrderName,
                order_name_id(named.requisition_number or named.purchase_order_number or ""),
                "order_id",
            )
        )
    return keys


def what_is_looked_at(command: RecordInvoice) -> Keys:
    """Tolerances, rates, policy, and where the numbers lead."""
    names = [each.requisition_number or each.purchase_order_number for each in command.orders]
    return [
        ALL_TOLERANCES,
        RATE_BOOK_KEY,
        *policy_held(command),
        *(Key(OrderName, order_name_id(name), may_be_new=True) for name in names if name),
    ]


HANDLERS: Handlers = (
    Handler(
        on=RecordInvoice,
        holds=what_is_recorded,
        reads=what_is_looked_at,
        numbers=lambda _: {ORDINAL: 1},
        early=Early.WAIT_10_MINUTES,
        decide=record,
        weight=lambda command: 1 + len(command.lines) + len(command.orders),
    ),
    Handler(
        on=MatchInvoices,
        holds=lambda command: order_with_invoices(command.order_id),
        reads=lambda command: (ALL_TOLERANCES, RATE_BOOK_KEY, *policy_held(command)),
        decide=match_again,
    ),
)
