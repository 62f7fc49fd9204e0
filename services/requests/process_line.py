"""How far a request line has come. It may be spread over several order lines, in several orders: each has a share.

Shares only remember what was told of their order lines, in whatever order that came; all figures follow from it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Self
from uuid import UUID

from libs.chassis.decision import Record
from libs.contracts.values import Destination, DestinationKind, Kind

NO_ORDER = "none"
"""The share of what was never on an order and will be on none."""
UNNAMED = ""
"""The share that was kept before shares were told apart: the only one of its line, whichever order line it is on."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """What is known of one order line.

    `first` is what was ordered at first (None: not heard of yet) and `now` what is since the amendment `amended`;
    `asked` is how many units somebody wanted cancelled, `credited` how many went back and are wanted no more.
    `received` was taken at the dock or confirmed, `stocked` is known to assets. Of software `given` is allocated to
    whom it is for, and `in_use` is what anybody had when it shrank. What is `untracked` becomes no asset: it is done on
    receipt.
    """

    first: int | None = None
    now: int = 0
    amended: int = 0
    asked: int = 0
    credited: int = 0
    received: int = 0
    stocked: int = 0
    given: int = 0
    in_use: int = 0
    untracked: bool = False

    def on_order(self, quantity: int, *, tracked: bool) -> Self:
        """So many were ordered at first."""
        now = self.now if self.amended else quantity
        return replace(self, first=quantity, now=now, untracked=not tracked)

    def amended_to(self, quantity: int, amendment: int) -> Self:
        """So many are ordered since this amendment, unless a later one is known."""
        return replace(self, now=quantity, amended=amendment) if amendment > self.amended else self

    def to_be_cancelled(self, asked: int) -> Self:
        """Somebody wanted so many cancelled; that only grows, so what comes late takes nothing back."""
        return replace(self, asked=max(self.asked, asked))

    def received_more(self, quantity: int) -> Self:
        """So many more are here, as the dock says, or whoever confirmed a service; less than zero if it took them back,
        also before we hear that they came."""
        return replace(self, received=self.received + quantity)

    @property
    def arrived(self) -> int:
        """Units that are here, whoever has told us first."""
        return max(self.received, self.stocked, 0)

    def kept(self, *, software: bool) -> int:
        """Units that cannot be cancelled: whatever is here, or of software what is used."""
        return max(self.given, self.in_use) if software else self.arrived

    def comes(self, *, software: bool) -> int:
        """Units that are here or will be; none as long as the order is not known to be placed."""
        kept = self.kept(software=software)
        return kept if self.first is None else max(kept, self.now - self.asked - self.credited)

    def lacks(self, *, software: bool) -> int:
        """How many less come than were ordered at first; less than zero if more do. The dock wins."""
        if self.first is None:
            return max(0, self.asked + self.credited - self.kept(software=software))
        return self.first - self.comes(software=software)

    @property
    def free(self) -> int:
        """Units of software that nobody was given, though somebody has given what he wanted of it: done with."""
        return max(0, self.stocked - self.given) if self.given else 0


_PLAIN = {each.name: each.default for each in fields(Share)}
Shares = Mapping[str, Mapping[str, int | bool | None]]
"""Shares by the ids of their order lines, as they are stored: what is not usual of each."""


@dataclass(frozen=True, kw_only=True)
class ProcessLine(Record):
    """How far one request line has come, under the request line's id.

    `shares` is what was told of its order lines, by their ids; `claimed` is how many of those that arrived were given,
    or are being given, to whom they are for, `assigned` how many have got there.
    """

    request_id: UUID
    wanted: int
    kind: Kind = Kind.HARDWARE
    destination_kind: DestinationKind = DestinationKind.PERSON
    destination_name: str | None = None
    claimed: int = 0
    assigned: int = 0
    shares: Shares = field(default_factory=dict)

    def share(self, order_line_id: UUID | str) -> Share:
        """What is known of one of its order lines."""
        return share_in(self.shares, str(order_line_id))

    def with_share(self, order_line_id: UUID | str, share: Share) -> Self:
        """The line with something else known of one of its order lines."""
        return replace(self, shares=with_share(self.shares, str(order_line_id), share))

    @cached_property
    def known(self) -> tuple[Share, ...]:
        """All its shares."""
        return tuple(share_in(self.shares, order_line) for order_line in self.shares)

    @property
    def is_software(self) -> bool:
        """Software can be given back until it is used."""
        return self.kind is Kind.SOFTWARE

    @property
    def destination(self) -> Destination:
        """Whom or what it is for."""
        return Destination(kind=self.destination_kind, name=self.destination_name)

    @property
    def is_handed_over(self) -> bool:
        """Whether arriving is not enough: somebody or something must get it."""
        tracked = not self.shares or any(not share.untracked for share in self.known)
        return (
            tracked and self.kind is not Kind.SERVICE and self.destination_kind is not DestinationKind.STOCK
        )

    @property
    def ordered(self) -> int:
        """Units on submitted orders as they stand now, cancelled ones included."""
        return sum(share.now for share in self.known if share.first is not None)

    @property
    def received(self) -> int:
        """Units that are here."""
        return sum(share.arrived for share in self.known)

    @property
    def arrived(self) -> int:
        """Units that are here: what was assigned was received, even if we have not heard of it yet."""
        return max(self.received, self.assigned)

    @property
    def cancelled(self) -> int:
        """Units that will not come: cancelled, or taken off an order and put on none. The dock wins."""
        shares, software = self.known, self.is_software
        lacking = sum(share.lacks(software=software) for share in shares)
        kept = sum(share.kept(software=software) for share in shares)
        if len(shares) > 1:
            # What was assigned before its arrival was told may be of the very order line that was cancelled.
            lacking -= max(0, self.assigned - kept)
        here = max(self.assigned, kept) if software else self.arrived
        return max(0, min(lacking, self.wanted - here))

    @property
    def is_ordered(self) -> bool:
        """Whether everything of it that is still wanted is on a submitted order."""
        coming = sum(share.comes(software=self.is_software) for share in self.known)
        return max(coming, self.arrived) + self.cancelled >= self.wanted

    @property
    def is_received(self) -> bool:
        """Whether nothing of it is still to come."""
        return self.arrived + self.cancelled >= self.wanted

    @property
    def is_done(self) -> bool:
        """Whether it is with whom it was for; cancelled units count as done, and what becomes no asset on receipt."""
        if not self.is_handed_over:
            return self.is_received
        here = sum(share.arrived if share.untracked else share.free for share in self.known)
        return self.assigned + here + self.cancelled >= self.wanted


def share_in(shares: Shares, order_line: str) -> Share:
    """What is known of an order line."""
    stored: Mapping[str, Any] = shares.get(order_line, shares.get(UNNAMED, {}))
    return Share(**stored)


def with_share(shares: Shares, order_line: str, share: Share) -> Shares:
    """The shares with this one as it is now."""
    stored = {name: value for name, value in asdict(share).items() if value != _PLAIN[name]}
    return {**{key: kept for key, kept in shares.items() if key != UNNAMED}, order_line: stored}
