"""Matching again what waits for a person, once other differences are tolerated or a currency's worth is known.

One walk through the recorded invoices goes on at a time, page by page, by commands of purchasing to itself. What is
changed meanwhile is for one more walk after it, however much that is: a flood of changes makes no flood of walks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from libs.chassis.decision import Cause, Decision, Handler, Handlers, Key, Keys, Page, Record, Records, Timer
from libs.contracts.invoices import ORDERS_PER_INVOICE_MAX, MatchInvoices, MatchRecordedInvoices
from libs.contracts.values import derived_id
from services.purchasing.invoice import Invoice, Status

WALK_ID = derived_id("invoice_walk")
EVERY_VENDOR = "*"
COMMANDS_MAX = 500
PAGE_SIZE = COMMANDS_MAX // ORDERS_PER_INVOICE_MAX
"""So few that a page sends no more commands than that, even if each of its invoices is for as many orders as can be."""

VENDORS_MAX = 100
"""Changes for more vendors than these are for all."""

SETTLING = timedelta(seconds=5)
"""By then whatever was being matched with what held before is recorded, and the walk finds it."""

LOST = timedelta(hours=1)
"""A walk that has not gone on for so long is begun anew by the next change."""


@dataclass(frozen=True, kw_only=True)
class InvoiceWalk(Record):
    """The walk through the recorded invoices: its number, when it last went on if it does, and what the next one is
    about: invoices of `vendors`, and, if `unrated`, those whose worth was not known. What the one that goes on is about
    is known as well: if it is lost, the one that replaces it is about that too."""

    number: int = 0
    went_on_at: datetime | None = None
    vendors: tuple[str, ...] = ()
    unrated: bool = False
    walking_vendors: tuple[str, ...] = ()
    walking_unrated: bool = False

    def is_under_way(self, now: datetime) -> bool:
        """Whether it goes on; one that was lost does not."""
        return self.went_on_at is not None and now - self.went_on_at < LOST

    @property
    def is_wanted(self) -> bool:
        """Whether there is something to walk for."""
        return bool(self.vendors) or self.unrated

    def about(self, vendors: Iterable[str], unrated: bool) -> "InvoiceWalk":
        """The next one is for these as well."""
        wanted = tuple(sorted({*self.vendors, *vendors}))
        is_all = EVERY_VENDOR in wanted or len(wanted) > VENDORS_MAX
        return replace(self, vendors=(EVERY_VENDOR,) if is_all else wanted, unrated=self.unrated or unrated)

    def ended(self) -> "InvoiceWalk":
        """Nothing goes on."""
        return replace(self, went_on_at=None, walking_vendors=(), walking_unrated=False)

    def begun(self, cause: Cause) -> Decision:
        """The next walk, which begins a little later: what is changed by then is for it too, and so is whatever one
        that was lost was about."""
        wanted = self.about(self.walking_vendors, self.walking_unrated).ended()
        walk = replace(wanted, number=self.number + 1, went_on_at=cause.at)
        first = MatchRecordedInvoices(walk=walk.number)
        return Decision(
            save=[walk], schedule=[Timer(of=WALK_ID, name="begin", due_at=cause.at + SETTLING, message=first)]
        )


WALK_KEY = Key(InvoiceWalk, WALK_ID, may_be_new=True)


def to_walk(
    held: Records, cause: Cause, *, vendor_number: str = EVERY_VENDOR, unrated: bool = False
) -> Decision:
    """Let recorded invoices be matched again: of this vendor or of all, or only those whose worth was not known."""
    known = held.find(InvoiceWalk, WALK_ID) or InvoiceWalk(id=WALK_ID)
    walk = known.about(() if unrated else (vendor_number,), unrated)
    if not walk.is_under_way(cause.at):
        return walk.begun(cause)
    return Decision(save=[walk] if walk != known else [])


def match_recorded(command: MatchRecordedInvoices, held: Records, cause: Cause) -> Decision:
    """Have the orders of some invoices matched again, and go on to the next ones. A walk that another one was begun
    after, because it seemed lost, ends.

    An order with invoices on several pages is matched once for each of these pages: which of its invoices are recorded
    is not known here. Matching it once more finds the same.
    """
    walk = held.find(InvoiceWalk, WALK_ID)
    if walk is None or walk.number != command.walk:
        return Decision()
    if command.after is None:
        command = command.model_copy(update={"vendors": walk.vendors, "unrated": walk.unrated})
        walk = replace(walk, vendors=(), unrated=False)
    walk = replace(walk, walking_vendors=command.vendors, walking_unrated=command.unrated)
    page = held.all(Invoice)
    orders = dict.fromkeys(id for invoice in page if _is_about(command, invoice) for id in invoice.orders)
    again = [MatchInvoices(order_id=order_id) for order_id in orders]
    if len(page) == PAGE_SIZE:
        following = command.model_copy(update={"after": page[-1].id})
        return Decision(save=[replace(walk, went_on_at=cause.at)], publish=[*again, following])
    if walk.is_wanted:
        return replace(walk.ended().begun(cause), publish=again)
    return Decision(save=[walk.ended()], publish=again)


def _is_about(command: MatchRecordedInvoices, invoice: Invoice) -> bool:
    named: Sequence[str] = command.vendors
    if EVERY_VENDOR in named or invoice.vendor_number in named:
        return True
    return command.unrated and any(share["rate"] is None for share in invoice.shares)


def next_page(command: MatchRecordedInvoices) -> Keys:
    """The invoices that wait, after the last one that was looked at."""
    return (Page(Invoice, command.after, PAGE_SIZE, (Status.RECORDED,)),)


HANDLERS: Handlers = (
    Handler(on=MatchRecordedInvoices, holds=lambda _: (WALK_KEY,), reads=next_page, decide=match_recorded),
)
