"""Purchasing alone: what it says to the others is only noted, and what they would say is made up by who plays.

Beside it books are kept, which know nothing of how purchasing counts.
"""

from dataclasses import dataclass, field
from functools import cache

from libs.chassis.decision import Actor, Decision
from libs.chassis.ids import timed_id
from libs.contracts.catalog import DefineVendor
from libs.contracts.message import Command, Event, Message
from libs.contracts.requests import ApproveSpending
from tests.properties.books import Books
from tests.properties.company import Company, Office, Parcel
from tests.properties.opening import BUYER, ITEMS, VENDORS, item

HOME = ("purchasing", "inbox")


@dataclass
class Alone(Company):
    """One service; `questions` are what it wants requests to decide, and is not told yet."""

    offices: dict[str, Office] = field(default_factory=lambda: {"purchasing": Office()})
    books: Books = field(default_factory=Books)
    questions: list[ApproveSpending] = field(default_factory=list)

    def fork(self) -> "Alone":
        """The same state that goes its own way; nothing was booked yet."""
        other = super().fork()
        assert isinstance(other, Alone)
        other.books, other.questions = Books(), []
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
        self.questions += [said for said in decision.publish if isinstance(said, ApproveSpending)]
        self.books.note(message, decision)

    def _send(self, parcel: Parcel) -> None:
        if parcel.to[0] in self.offices:
            super()._send(parcel)


@cache
def _opened() -> Alone:
    company = Alone()
    for number in VENDORS:
        company.say(DefineVendor(number=number, name=number, currency="EUR"), BUYER)
    for sku in ITEMS:
        company.say(item(sku), BUYER)
    assert {answer.outcome for answer in company.answers} == {"accepted"}, company.answers
    company.drain()
    company.past.clear()
    return company


def opened() -> Alone:
    """Purchasing with a catalog, which nothing was asked of yet."""
    return _opened().fork()
