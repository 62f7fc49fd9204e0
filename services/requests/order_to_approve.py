"""An order that needs an approval of its own, as purchasing has asked about it; it may serve requests or none."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import Record
from libs.contracts.values import Kind, Money, money

SOURCE = "purchasing"
"""Where a policy is told that orders come from."""


class OrderApprovalStatus(StrEnum):
    """Where the approval of an order stands. Over: it was changed, placed or cancelled before anybody decided."""

    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    REFUSED = "refused"
    OVER = "over"


@dataclass(frozen=True, kw_only=True)
class OrderToApprove(Record):
    """An order that must not be placed unless it is approved, under its id, as it was asked about last.

    `number` is its requisition number, `revision` the order's, `content` the hash of what is asked; `ordinal` is drawn
    with the numbers of requests, so that approvers see both in the order in which they came. `round` counts the rounds.
    `asked_by` submitted it; the `parties` are they, whoever drafted, priced or amended it, and all whose
    requests it serves.
    """

    TRANSITIONS: ClassVar = {
        OrderApprovalStatus.AWAITING_APPROVAL: frozenset(OrderApprovalStatus),
        OrderApprovalStatus.APPROVED: frozenset({OrderApprovalStatus.AWAITING_APPROVAL}),
        OrderApprovalStatus.REFUSED: frozenset({OrderApprovalStatus.AWAITING_APPROVAL}),
        OrderApprovalStatus.OVER: frozenset({OrderApprovalStatus.AWAITING_APPROVAL}),
    }

    ordinal: int
    number: str
    status: OrderApprovalStatus = OrderApprovalStatus.AWAITING_APPROVAL
    status_since: datetime
    revision: int
    content: UUID
    total: Decimal
    currency: str
    vendor: str
    kinds: tuple[Kind, ...]
    asked_by: str
    parties: tuple[str, ...]
    request_ids: tuple[str, ...] = ()
    round: int = 0

    @property
    def money(self) -> Money:
        """What it would cost."""
        return money(self.total, self.currency)

    @property
    def people(self) -> frozenset[str]:
        """Whose order it is: they do not decide on it."""
        return frozenset(self.parties)

    @property
    def source(self) -> str:
        """Who has asked."""
        return SOURCE
