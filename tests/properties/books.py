"""A second way to count what purchasing counts: from what it was told and what it said, in integers and fractions.

Nothing here is taken from purchasing but what a draft says; from its submission on the books are kept alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from libs.chassis.decision import Decision
from libs.contracts.assets import EntitlementChanged
from libs.contracts.message import Message
from libs.contracts.orders import CancelOneOrder, ConfirmService
from libs.contracts.purchasing import (
    CancelOrder,
    OrderCancelled,
    OrderSubmitted,
    ServiceConfirmed,
    SurplusFound,
)
from libs.contracts.receiving import GoodsReceived
from libs.contracts.requests import SpendingRefused
from libs.contracts.values import Kind
from services.purchasing.purchase_order import OrderLine, PurchaseOrder


def cents(amount: Fraction) -> int:
    """An amount that is not negative in whole cents, half a cent up."""
    return int(amount * 100 + Fraction(1, 2))


def in_cents(amount: Decimal) -> int:
    """An amount that has no fraction of a cent."""
    whole = Fraction(amount) * 100
    assert whole.denominator == 1, f"{amount} is not exact to the cent"
    return int(whole)


@dataclass
class BookedLine:
    """So many units of one thing at a price."""

    order_id: UUID
    request_id: UUID | None
    kind: Kind
    ordered: int
    price: Fraction | None
    asked: int = 0
    accepted: int = 0
    rejected: int = 0
    confirmed: int = 0
    entitled: int = 0

    @property
    def kept(self) -> int:
        """What we have."""
        return self.accepted + self.confirmed + self.entitled

    @property
    def cancelled(self) -> int:
        """What will not come: of what somebody wanted cancelled, whatever is not here."""
        missing = self.ordered - self.kept
        return min(self.asked, missing) if missing > 0 else 0

    @property
    def open(self) -> int:
        """What is to come."""
        return max(0, self.ordered - self.cancelled - self.kept)

    @property
    def over(self) -> int:
        """What is too much."""
        return max(0, self.kept + self.cancelled - self.ordered)

    @property
    def total(self) -> int:
        """What is ordered costs, in cents."""
        return 0 if self.price is None else cents(self.price * self.ordered)

    @property
    def net(self) -> int:
        """What of it will come costs, in cents."""
        return 0 if self.price is None else cents(self.price * (self.ordered - self.cancelled))


@dataclass
class BookedOrder:
    """Some lines at one vendor."""

    submitted: bool = False
    cancelled: bool = False


@dataclass
class Books:
    """Lines and orders by their ids."""

    lines: dict[UUID, BookedLine] = field(default_factory=dict)
    orders: dict[UUID, BookedOrder] = field(default_factory=dict)

    def of(self, order_id: UUID) -> list[BookedLine]:
        """The lines of an order."""
        return [line for line in self.lines.values() if line.order_id == order_id]

    def committed(self, request_id: UUID) -> int:
        """What the submitted orders of a request cost, without what will not come, in cents."""
        return sum(
            line.net
            for line in self.lines.values()
            if line.request_id == request_id and self.orders[line.order_id].submitted
        )

    def note(self, message: Message, decision: Decision) -> None:
        """What this message means, and what is said of it."""
        self._copy_drafts(decision)
        if isinstance(message, GoodsReceived):
            for taken in message.lines:
                line = self.lines[taken.order_line_id]
                line.accepted += taken.accepted
                line.rejected += taken.rejected
        elif isinstance(message, CancelOneOrder) and not decision.duplicate:
            self._cancel(self.of(order_in(decision)), message.lines)
        elif isinstance(message, CancelOrder) and not decision.duplicate:
            mine = [id for id, line in self.lines.items() if line.request_id == message.request_id]
            self._cancel([self.lines[id] for id in mine], ())
        elif isinstance(message, SpendingRefused) and decision.save:
            self._cancel(self.of(message.order_id), ())
        elif isinstance(message, ConfirmService):
            (done,) = (each for each in decision.publish if isinstance(each, ServiceConfirmed))
            self.lines[message.order_line_id].confirmed += done.quantity
        elif isinstance(message, EntitlementChanged):
            line = self.lines[message.order_line_id]
            if line.asked:
                line.entitled = max(line.entitled, message.allocated)
        for said in decision.publish:
            self._check(said)

    def _copy_drafts(self, decision: Decision) -> None:
        """What is not submitted is as it is written."""
        for order in (each for each in decision.save if isinstance(each, PurchaseOrder)):
            self.orders.setdefault(order.id, BookedOrder())
        for line in (each for each in decision.save if isinstance(each, OrderLine)):
            if self.orders.setdefault(line.order_id, BookedOrder()).submitted:
                continue
            booked = self.lines.setdefault(
                line.id, BookedLine(line.order_id, line.request_id, line.kind, line.ordered, None)
            )
            booked.ordered = line.ordered
            booked.price = None if line.unit_price is None else Fraction(line.unit_price)

    def _cancel(self, lines: Iterable[BookedLine], only: tuple[UUID, ...]) -> None:
        for line in lines:
            if only and all(self.lines[id] is not line for id in only):
                continue
            if line.asked < line.ordered:
                line.asked, line.entitled = line.ordered, 0

    def _check(self, said: Message) -> None:
        """What purchasing says is what the books say."""
        if isinstance(said, OrderSubmitted):
            self.orders[said.order_id].submitted = True
            mine = self.of(said.order_id)
            for line in mine:
                if line.kind is Kind.SOFTWARE:
                    line.entitled = line.ordered - line.cancelled
            assert len(mine) == len(said.lines)
            for told in said.lines:
                line = self.lines[told.order_line_id]
                assert (told.quantity, Fraction(told.unit_price)) == (line.ordered, line.price)
            assert in_cents(said.total.amount) == sum(line.total for line in mine)
        elif isinstance(said, OrderCancelled):
            for less in said.lines:
                assert less.cancelled == self.lines[less.order_line_id].cancelled
        elif isinstance(said, SurplusFound):
            assert said.over == self.lines[said.order_line_id].over


def order_in(decision: Decision) -> UUID:
    """The order that a decision is about."""
    (order,) = (each for each in decision.save if isinstance(each, PurchaseOrder))
    return order.id
