"""Matching again what waits for a person, once other differences are tolerated or a currency's worth is known.

One walk through the recorded invoices goes on at a time, page by page, by commands of purchasing to itself. What is
changed meanwhile is for one more walk after it, however much that is: a flood of changes makes no flood of walks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from libs.chassis.decision import Cause, Decision, Handler, Handlers, Key, Keys, Page, Record, Records, Timer
from libs.contracts.invoices import MatchInvoices, MatchRecordedInvoices
from libs.contracts.values import derived_id
from services.purchasing.invoice import Invoice, Status

WALK_ID = derived_id("invoice_walk")
EVERY_VENDOR = "*"
PAGE_SIZE = 100
VENDORS_MAX = 100
"""Changes for more vendors than these are for all."""

SETTLING = timedelta(seconds=5)
"""By then whatever was being matched with what held before is recorded, and the walk finds it."""

LOST = timedelta(hours=1)
"""A walk that has not gone on for so long is begun anew by the next change."""


@dataclass(frozen=True, kw_only=True)
class InvoiceWalk(Record):
    """The walk through the recorded invoices: its number, when it last went on if it does, and what the next one is
    about: invoices of `vendors`, and, if `unrated`, those whose worth was not known."""

    number: int = 0
    went_on_at: datetime | None = None
    vendors: tuple[str, ...] = ()
    unrated: bool = False

    def is_under_way(self, now: datetime) -> bool:
        """Whether it goes on; one that was lost does not."""
        return self.went_on_at is not None and now - self.went_on_at < LOST

    @property
    def is_wanted(self) -> bool:
        """Whether there is something to walk for."""
        return bool(self.vendors) or self.unrated

    def begun(self, cause: Cause) -> Decision:
        """The next walk, which begins a little later: what is changed by then is for it too."""
        walk = replace(self, number=self.number + 1, went_on_at=cause.at)
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
    if unrated:
        walk = replace(known, unrated=True)
    else:
        vendors = tuple(sorted({*known.vendors, vendor_number}))
        is_all = EVERY_VENDOR in vendors or len(vendors) > VENDORS_MAX
        walk = replace(known, vendors=(EVERY_VENDOR,) if is_all else vendors)
    if not walk.is_under_way(cause.at):
        return walk.begun(cause)
    return Decision(save=[walk] if walk != known else [])


def match_recorded(command: MatchRecordedInvoices, held: Records, cause: Cause) -> Decision:
    """Have the orders of some invoices matched again, and go on to the next ones. A walk that another one was begun
    after, because it seemed lost, ends."""
    walk = held.find(InvoiceWalk, WALK_ID)
    if walk is None or walk.number != command.walk:
        return Decision()
    if command.after is None:
        command = command.model_copy(update={"vendors": walk.vendors, "unrated": walk.unrated})
        walk = replace(walk, vendors=(), unrated=False)
    page = held.all(Invoice)
    orders = dict.fromkeys(id for invoice in page if _is_about(command, invoice) for id in invoice.orders)
    again = [MatchInvoices(order_id=order_id) for order_id in orders]
    if len(page) == PAGE_SIZE:
        following = command.model_copy(update={"after": page[-1].id})
        return Decision(save=[replace(walk, went_on_at=cause.at)], publish=[*again, following])
    if walk.is_wanted:
        return replace(walk.begun(cause), publish=again)
    return Decision(save=[replace(walk, went_on_at=None)], publish=again)


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
