"""Purchasing alone: what it says to the others is only noted, and what they would say is made up by who plays.

Beside it books are kept, which know nothing of how purchasing counts.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

from libs.chassis.decision import Actor, Decision
from libs.chassis.ids import timed_id
from libs.contracts.catalog import DefineVendor
from libs.contracts.invoices import RecordInvoice
from libs.contracts.message import Command, Event, Message
from libs.contracts.purchasing import DefinePurchasingPolicy, OrderAmended, OrderCancelled
from libs.contracts.requests import ApproveOrder, ApproveSpending
from libs.contracts.values import Money
from tests.properties.books import Books
from tests.properties.company import Company, Office, Parcel
from tests.properties.dockside import Dock
from tests.properties.opening import ADMINISTRATOR, BUYER, ITEMS, VENDORS, item

HOME = ("purchasing", "inbox")


@dataclass
class Alone(Company):
    """One service; `questions` are what it wants requests to decide, and is not told yet."""

    offices: dict[str, Office] = field(default_factory=lambda: {"purchasing": Office()})
    books: Books = field(default_factory=Books)
    dock: Dock = field(default_factory=Dock)
    questions: list[ApproveSpending | ApproveOrder] = field(default_factory=list)
    billed: list[RecordInvoice] = field(default_factory=list)

    def fork(self) -> "Alone":
        """The same state that goes its own way; nothing was booked yet."""
        other = super().fork()
        assert isinstance(other, Alone)
        other.books, other.dock = Books(), Dock()
        other.questions, other.billed = [], []
        return other

    def hear(self, fact: Event, sender: str, *, sequence: int | None = None) -> None:
        """Another service says something, which arrives some time later."""
        self.sent += 1
        id = timed_id(self.now, "heard", self.sent)
        self._send(Parcel(fact, id, HOME, sender=sender, sequence=sequence))

    def command(self, command: Command, sender: str, *, at_once: bool) -> None:
        """Another service gives a command."""
        self.say(command, Actor(sender), at_once=at_once)

    def noted(self, message: Message, decision: Decision) -> None:
        """The books are kept of what was heard and said."""
        self.books.note(message, decision)
        for said in decision.publish:
            if isinstance(said, ApproveSpending | ApproveOrder):
                self.questions.append(said)
            elif isinstance(said, OrderCancelled | OrderAmended):
                for left in self.dock.software_left(said):
                    self.hear(left, "assets")

    def _send(self, parcel: Parcel) -> None:
        if parcel.to[0] in self.offices:
            super()._send(parcel)


@cache
def _opened(uses_invoices: bool, with_threshold: bool) -> Alone:
    company = Alone()
    for number in VENDORS:
        company.say(DefineVendor(number=number, name=number, currency="EUR"), BUYER)
    for sku in ITEMS:
        company.say(item(sku), BUYER)
    policy = DefinePurchasingPolicy(
        uses_invoices=uses_invoices,
        approve_orders_from=Money(amount=Decimal(500), currency="EUR") if with_threshold else None,
    )
    company.say(policy, ADMINISTRATOR)
    assert {answer.outcome for answer in company.answers} == {"accepted"}, company.answers
    company.drain()
    company.past.clear()
    return company


def opened(mood: int = 0) -> Alone:
    """Purchasing with a catalog, which nothing was asked of yet; the mood says how this company buys."""
    company = _opened(bool(mood & 3), mood & 12 == 12).fork()
    company.books.uses_invoices = bool(mood & 3)
    return company
