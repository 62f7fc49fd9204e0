"""A second way to count what purchasing counts: from what it was told and what it said, in whole numbers.

Nothing here is taken from purchasing but what a draft says; from its submission on the books are kept alone.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from libs.chassis.decision import Decision
from libs.contracts.assets import EntitlementChanged
from libs.contracts.invoices import RecordInvoice
from libs.contracts.message import Message
from libs.contracts.orders import AmendmentAwaited, AmendOrder, CancelOneOrder, CloseOrder, ConfirmService
from libs.contracts.purchasing import (
    CancelledLine,
    CancelOrder,
    CreateOrder,
    OrderAmended,
    OrderCancelled,
    OrderClosed,
    OrderReopened,
    OrderSubmitted,
    ServiceConfirmed,
    SurplusFound,
)
from libs.contracts.receiving import GoodsReceived, GoodsReturned, ReceiptReversed
from libs.contracts.requests import OrderRefused, SpendingRefused
from libs.contracts.values import Kind
from services.purchasing.purchase_order import OrderLine, PurchaseOrder, Status
from tests.properties.booked import BookedBill, BookedLine, BookedOrder, in_cents, millionths

Goods = GoodsReceived | ReceiptReversed | GoodsReturned


@dataclass
class Books:
    """Lines and orders by their ids, and how many units of each request line are on order lines."""

    lines: dict[UUID, BookedLine] = field(default_factory=dict)
    orders: dict[UUID, BookedOrder] = field(default_factory=dict)
    wanted: dict[UUID, int] = field(default_factory=dict)
    committed: Counter[UUID] = field(default_factory=Counter)
    uses_invoices: bool = True

    def of(self, order_id: UUID) -> list[BookedLine]:
        """The lines of an order."""
        return [line for line in self.lines.values() if line.order_id == order_id]

    def _spent(self) -> dict[UUID, int]:
        """What the submitted orders of each request cost, without what will not come, in cents."""
        spent: Counter[UUID] = Counter()
        for id, order in self.orders.items():
            if order.submitted:
                lines = self.of(id)
                for request_id in {line.request_id for line in lines if line.request_id is not None}:
                    spent[request_id] += order.share(lines, request_id)
        return spent

    def expected_cost(self, order_id: UUID) -> int:
        """What is to be paid for an order, with tax and freight, in cents."""
        living = [line for line in self.of(order_id) if line.living]
        costs = sum(line.net + line.tax_on(line.living) for line in living)
        return costs + (self.orders[order_id].freight if living else 0)

    def is_invoiced(self, order_id: UUID) -> bool:
        """Whether all that will ever be there was billed: what no line bills is paid by what says only a total."""
        order, lines = self.orders[order_id], self.of(order_id)
        if not order.bills:
            return False
        billed = self.billed_units(order_id)
        if any(billed.values()):
            mine = ((id, line) for id, line in self.lines.items() if line.order_id == order_id)
            missing = sum(line.net - line.net_of(max(0, min(billed[id], line.living))) for id, line in mine)
            return order.standing_totals(self._prices(order_id)) >= missing
        return order.billed_net >= sum(line.net for line in lines) + order.freight

    def billed_units(self, order_id: UUID) -> Counter[UUID]:
        """Units of an order's lines that stand on its bills."""
        return self.orders[order_id].standing_units(self._prices(order_id))

    def _prices(self, order_id: UUID) -> Mapping[UUID, int | None]:
        return {id: line.price for id, line in self.lines.items() if line.order_id == order_id}

    def is_done(self, order_id: UUID) -> bool:
        """Whether an order that was received is closed."""
        return self.orders[order_id].short or not self.uses_invoices or self.is_invoiced(order_id)

    def note(self, message: Message, decision: Decision) -> None:
        """What this message means, and what is said of it."""
        if isinstance(message, Goods):
            # What the dock took comes on top of what is committed, and what goes back is not spent again.
            self._note(message, decision)
            self._reopen()
            return
        before = self._spent()
        self._note(message, decision)
        self.committed.update(self._spent())
        self.committed.subtract(before)
        # What came though it was cancelled is in no sum, and does not pay for another by becoming cheaper.
        self.committed = Counter({id: max(0, spent) for id, spent in self.committed.items()})

        self._reopen()

    def _reopen(self) -> None:
        """What is open again, or of which nothing is left, is closed no longer."""
        for id, order in self.orders.items():
            lines = self.of(id) if order.closed else []
            order.closed = any(line.kept for line in lines) and not any(line.open for line in lines)

    def _note(self, message: Message, decision: Decision) -> None:
        self._copy_drafts(decision)
        if isinstance(message, CreateOrder) and decision.save:
            self.wanted |= {line.request_line_id: line.quantity for line in message.lines}
        if isinstance(message, Goods):
            self._count(message)
        elif isinstance(message, RecordInvoice) and decision.save:
            self._bill(message)
        elif isinstance(message, ConfirmService):
            (done,) = (each for each in decision.publish if isinstance(each, ServiceConfirmed))
            self.lines[message.order_line_id].confirmed += done.quantity
        elif isinstance(message, EntitlementChanged):
            line = self.lines[message.order_line_id]
            line.entitled = max(line.entitled, message.allocated)
        else:
            self._call_off(message, decision)
        for said in decision.publish:
            self._check(said, message)
        for line in self.lines.values():
            line.check_between(self.orders[line.order_id].submitted)

    def _copy_drafts(self, decision: Decision) -> None:
        """What is not submitted is as it is written."""
        for order in (each for each in decision.save if isinstance(each, PurchaseOrder)):
            booked = self.orders.setdefault(order.id, BookedOrder())
            if not booked.submitted:
                booked.freight, booked.dead = in_cents(order.freight), order.status is Status.CANCELLED
        for line in (each for each in decision.save if isinstance(each, OrderLine)):
            order_now = self.orders.setdefault(line.order_id, BookedOrder())
            if order_now.submitted:
                continue
            was_dropped = line.id in self.lines and self.lines[line.id].dropped
            self.lines[line.id] = BookedLine(
                line.order_id,
                line.request_id,
                line.request_line_id,
                line.kind,
                line.ordered,
                None if line.unit_price is None else millionths(line.unit_price),
                millionths(line.tax_percent),
                asked=line.asked,
                made=line.ordered,
                dropped=was_dropped or (line.asked >= line.ordered and not order_now.dead),
            )

    def _count(self, fact: Goods) -> None:
        """Law 1: receipts less reversals, and what went back."""
        if isinstance(fact, GoodsReturned):
            for sent in fact.lines:
                line = self.lines[sent.order_line_id]
                # What is credited takes from a surplus first; the rest is wanted no longer.
                rest = max(0, sent.quantity - line.over) if fact.purpose == "credit" else 0
                line.returned += sent.quantity
                line.credited += rest if sent.credited is None else sent.credited
            return
        sign = -1 if isinstance(fact, ReceiptReversed) else 1
        for each in fact.lines:
            line = self.lines[each.order_line_id]
            line.accepted += sign * each.accepted
            line.rejected += sign * each.rejected

    def _bill(self, command: RecordInvoice) -> None:
        for place, named in enumerate(command.orders):
            assert named.order_id is not None
            share = command.net if named.net is None else named.net
            self.orders[named.order_id].bills.append(
                BookedBill(
                    command.number,
                    command.kind == "credit_note",
                    command.corrects,
                    in_cents(share),
                    in_cents(command.gross) if len(command.orders) == 1 else in_cents(share),
                    tuple(
                        (line.order_line_id, line.quantity, millionths(line.unit_price))
                        for line in command.lines
                        if line.order == place and line.order_line_id is not None
                    ),
                    in_cents(command.freight) if len(command.orders) == 1 else 0,
                )
            )

    def _call_off(self, message: Message, decision: Decision) -> None:
        """What is wanted no longer, by whoever says so."""
        if decision.duplicate or not decision.save:
            return
        if isinstance(message, CancelOneOrder | CloseOrder):
            order_id = order_in(decision)
            lines = [id for id, line in self.lines.items() if line.order_id == order_id]
            if isinstance(message, CloseOrder):
                missing = [id for id in lines if self.lines[id].open]
                self.orders[order_id].short |= bool(missing)
                self._cancel(missing)
            else:
                self._cancel(message.lines or lines)
        elif isinstance(message, CancelOrder):
            self._cancel(self._mine(decision, message.request_id))
        elif isinstance(message, SpendingRefused | OrderRefused) and self.orders[message.order_id].submitted:
            self.orders[message.order_id].wish = None
        elif isinstance(message, SpendingRefused):
            mine = self._mine(decision, message.request_id)
            self._cancel(id for id in mine if self.lines[id].order_id == message.order_id)
        elif isinstance(message, OrderRefused):
            self._cancel(id for id, line in self.lines.items() if line.order_id == message.order_id)

    def _mine(self, decision: Decision, request_id: UUID) -> list[UUID]:
        """The lines of a request on the orders that were decided on."""
        saved = {each.id for each in decision.save if isinstance(each, PurchaseOrder)}
        return [
            id for id, line in self.lines.items() if line.request_id == request_id and line.order_id in saved
        ]

    def _cancel(self, lines: Iterable[UUID]) -> None:
        for id in list(lines):
            line = self.lines[id]
            if line.asked < line.ordered:
                line.asked, line.entitled = line.ordered, 0

    # What purchasing says is what the books say

    def _check(self, said: Message, message: Message) -> None:
        if isinstance(said, OrderSubmitted):
            self._submit(said)
        elif isinstance(said, AmendmentAwaited):
            if isinstance(message, AmendOrder):
                self.orders[said.order_id].wish = message
        elif isinstance(said, OrderAmended):
            wish = message if isinstance(message, AmendOrder) else self.orders[said.order_id].wish
            assert wish is not None, "nobody wanted it otherwise"
            self._amend(said, wish)
        elif isinstance(said, OrderCancelled):
            for less in said.lines:
                self._check_cancelled(less)
        elif isinstance(said, SurplusFound):
            assert said.over == self.lines[said.order_line_id].over
        elif isinstance(said, OrderReopened):
            self.orders[said.order_id].closed = False
        elif isinstance(said, OrderClosed):
            self.orders[said.order_id].closed = True
            lines = self.of(said.order_id)
            assert not sum(line.open for line in lines), f"{said.requisition_number} is closed while open"
            if not isinstance(message, CloseOrder):
                assert self.is_done(said.order_id), f"{said.requisition_number} closes before it is done"

    def _check_cancelled(self, less: CancelledLine) -> None:
        line = self.lines[less.order_line_id]
        assert less.cancelled == line.cancelled
        assert less.asked in (None, line.asked)

    def _submit(self, said: OrderSubmitted) -> None:
        self.orders[said.order_id].submitted = True
        mine = [line for line in self.of(said.order_id) if not line.dropped]
        for line in mine:
            if line.kind is Kind.SOFTWARE:
                line.entitled = line.living
        assert len(mine) == len(said.lines)
        for told in said.lines:
            line = self.lines[told.order_line_id]
            assert (told.quantity, millionths(told.unit_price)) == (line.ordered, line.price)
            assert (told.request_id, told.request_line_id) == (line.request_id, line.request_line_id)
        assert in_cents(said.total.amount) == sum(line.total for line in mine)
        if said.expected_cost is not None:
            assert in_cents(said.expected_cost.amount) == self.expected_cost(said.order_id)

    def _amend(self, said: OrderAmended, wish: AmendOrder) -> None:
        """Another revision: nothing that is here, cancelled or billed is touched, and no number is used again."""
        order = self.orders[said.order_id]
        order.amendments += 1
        assert said.amendment == order.amendments
        for told in said.lines:
            line = self.lines[told.order_line_id]
            assert told.quantity_before == line.ordered
            cancelled, grown = line.cancelled, told.quantity - line.ordered
            line.ordered, line.price = told.quantity, millionths(told.unit_price)
            line.made += max(0, grown)
            if line.request_line_id is not None:
                self.wanted[line.request_line_id] += grown
            if line.kind is Kind.SOFTWARE:
                line.entitled = max(0, line.entitled + grown)
            assert told.units_made == line.made
            assert line.cancelled == cancelled, "amending changed what is cancelled"
            if grown < 0:
                invoiced = self.billed_units(said.order_id)[told.order_line_id]
                assert line.ordered >= max(line.kept + line.cancelled, invoiced)
        for wanted in wish.lines:
            line = self.lines[wanted.order_line_id]
            assert wanted.quantity in (None, line.ordered)
            assert wanted.unit_price is None or millionths(wanted.unit_price) == line.price
            if wanted.tax_percent is not None:
                line.tax = millionths(wanted.tax_percent)
        if wish.freight is not None:
            order.freight = in_cents(wish.freight)
        for new, drafted in zip(said.added, wish.add, strict=True):
            self.lines[new.order_line_id] = BookedLine(
                said.order_id,
                new.request_id,
                new.request_line_id,
                new.kind,
                new.quantity,
                millionths(new.unit_price),
                millionths(drafted.tax_percent),
                made=new.quantity,
                entitled=new.quantity if new.kind is Kind.SOFTWARE else 0,
            )
        assert in_cents(said.total.amount) == sum(line.total for line in self.of(said.order_id))
        assert in_cents(said.expected_cost.amount) == self.expected_cost(said.order_id)


def order_in(decision: Decision) -> UUID:
    """The order that a decision is about."""
    (order,) = (each for each in decision.save if isinstance(each, PurchaseOrder))
    return order.id
