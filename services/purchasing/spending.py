"""Placing orders within what was approved for their request, or after requests has approved more.

An order is submitted if the request's submitted orders, it among them, cost no more than was approved, and if it goes
to the vendor that was named, if one was. Otherwise it waits, and requests is asked.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
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
    Many,
    Record,
    Records,
    Rejection,
)
from libs.contracts.message import Event, Message
from libs.contracts.purchasing import (
    CancelledLine,
    DraftedLine,
    OrderCancelled,
    OrderDrafted,
    OrderedLine,
    OrderSubmitted,
    SpendingQuestionDropped,
)
from libs.contracts.requests import ApproveSpending, CommandAnswered, SpendingApproved, SpendingRefused
from libs.contracts.values import Kind, Money, line_total, money
from services.purchasing.purchase_order import (
    UNSUBMITTED,
    OrderLine,
    PurchaseOrder,
    Status,
    followed,
    in_order,
)

TOLERANCE = Decimal(0)
"""What may be spent beyond the approved amount without asking, in the request's currency."""

TOTAL_MAX = Decimal("999999999999999")
"""The largest amount there is, in whatever minor unit."""


class RequestOrdersStatus(StrEnum):
    """Whether a request's orders were made, or shall not be, or no longer."""

    ORDERED = "ordered"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class RequestOrders(Record):
    """What was commanded for a request, under its id: ordered once, never after it was cancelled.

    `approved` is what all its orders together may cost, `committed` what the submitted ones do, without what was
    cancelled; `elsewhere` are orders that serve other requests too. `answer` is what the command to order was answered,
    empty if a cancellation came first; `cancellation` what the cancellation was.
    """

    TRANSITIONS: ClassVar = {
        RequestOrdersStatus.ORDERED: frozenset({RequestOrdersStatus.CANCELLED}),
        RequestOrdersStatus.CANCELLED: frozenset(),
    }

    status: RequestOrdersStatus
    approved: Decimal = Decimal(0)
    committed: Decimal = Decimal(0)
    elsewhere: tuple[UUID, ...] = ()
    answer: Mapping[str, object] = field(default_factory=dict)
    cancellation: Mapping[str, object] = field(default_factory=dict)
    reason: str | None = None


Placed = tuple[PurchaseOrder, Sequence[OrderLine], list[Message]]
"""An order, its lines, and what is to be said about them."""


def place(
    order: PurchaseOrder, lines: Sequence[OrderLine], *, approved: Decimal, committed: Decimal, cause: Cause
) -> Placed:
    """Submit the order if that is within what was approved; else ask."""
    total = within_limit(committed + order.total)
    if total <= approved + TOLERANCE and _goes_where_named(order, lines):
        return submitted(order, lines, cause)
    return _asking(order, lines, total=total, approved=approved, cause=cause)


def submitted(order: PurchaseOrder, lines: Sequence[OrderLine], cause: Cause) -> Placed:
    """The order goes to its vendor. Software is there from this moment on."""
    order = order.become(Status.SUBMITTED, status_since=cause.at, submitted_at=cause.at)
    lines = [
        replace(line, entitled=line.ordered - line.cancelled) if line.kind is Kind.SOFTWARE else line
        for line in lines
    ]
    order_now, said = followed(order, lines, cause)
    return order_now, lines, [_said_submitted(order, lines), *said]


def called_off(order: PurchaseOrder, lines: Sequence[OrderLine], reason: str, cause: Cause) -> Placed:
    """Cancel whatever of the order has not arrived; what is here already stays, but software is given back, once."""
    less = [
        line if line.asked == line.ordered else replace(line, asked=line.ordered, entitled=0)
        for line in lines
    ]
    changed, said = followed(order, less, cause)
    if order.status in UNSUBMITTED:
        changed = order.become(Status.CANCELLED, status_since=cause.at)
    lost: list[Message] = []
    if any(now.cancelled > was.cancelled for now, was in zip(less, lines, strict=True)):
        lost.append(_said_cancelled(order, less, reason))
    return changed, less, [*lost, *said]


def committed_by(orders: Iterable[PurchaseOrder], lines: Iterable[OrderLine]) -> Decimal:
    """What the submitted ones of these orders cost, without what will not come."""
    currency_of = {order.id: order.currency for order in orders if order.status not in UNSUBMITTED}
    return sum(
        (
            line_total(line.unit_price, line.ordered - line.cancelled, currency_of[line.order_id])
            for line in lines
            if line.unit_price is not None and line.order_id in currency_of
        ),
        Decimal(0),
    )


def within_limit(total: Decimal) -> Decimal:
    """The total, unless it is larger than an amount can be."""
    if total > TOTAL_MAX:
        raise Rejection("total_too_large", message=f"{total} is larger than an amount can be.")
    return total


# What requests says


def approve(fact: SpendingApproved, held: Records, cause: Cause) -> Decision:
    """What was asked for is approved: the order is placed, unless it was changed, cancelled or placed meanwhile.

    If others of the request were placed since, so that it is too much again, requests is asked again.
    """
    order, lines = _order_with_lines(fact.order_id, held)
    commanded = held[RequestOrders, order.requests[0]]
    if not _waits_at(order, fact.order_revision) or order.asked_total is None:
        return Decision()
    committed = committed_by(
        held.all(PurchaseOrder, request_id=order.request_id), held.all(OrderLine, request_id=order.request_id)
    )
    commanded = replace(commanded, approved=max(commanded.approved, order.asked_total))
    total = min(committed + order.total, TOTAL_MAX)
    if total <= commanded.approved + TOLERANCE:
        order, lines, said = submitted(order, lines, cause)
    else:
        order = replace(order, revision=order.revision + 1)
        order, lines, said = _asking(order, lines, total=total, approved=commanded.approved, cause=cause)
    return Decision(save=[commanded, order, *lines], publish=said)


def refuse(fact: SpendingRefused, held: Records, cause: Cause) -> Decision:
    """The order must not be placed: it is cancelled, unless it was changed or placed meanwhile."""
    order, lines = _order_with_lines(fact.order_id, held)
    if not _waits_at(order, fact.order_revision):
        return Decision()
    order, lines, said = called_off(order, lines, fact.reason, cause)
    return Decision(save=[order, *lines], publish=said)


def answered(answer: CommandAnswered, held: Records, cause: Cause) -> Decision:
    """If requests would not even be asked, the orders are drafts again, and a person sees to them.

    If people are being asked about an order that waits for them no longer, because what became of it overtook the
    question, they need not answer.
    """
    if (opened := _opened(answer)) is not None:
        return _dropped_if_over(*opened, held)
    if not _is_refusal(answer):
        return Decision()
    save: list[Record] = []
    publish: list[Event] = []
    for waiting in held.all(PurchaseOrder, request_id=answer.about, status=Status.AWAITING_APPROVAL):
        order = waiting.become(Status.DRAFT, status_since=cause.at)
        save.append(order)
        publish.append(said_drafted(order, in_order(held.all(OrderLine, order_id=order.id))))
    return Decision(save=save, publish=publish)


def _opened(answer: CommandAnswered) -> tuple[UUID, int] | None:
    """The order, and its revision, that people are asked about now."""
    ended = answer.original or answer.outcome
    if answer.command_type != ApproveSpending.type or ended != "accepted":
        return None
    result = answer.result
    if result.get("round_status") != "open" or "order_id" not in result:
        return None
    return UUID(str(result["order_id"])), int(str(result["order_revision"]))


def _dropped_if_over(order_id: UUID, revision: int, held: Records) -> Decision:
    order = held.find(PurchaseOrder, order_id)
    if order is None or (order.status is Status.AWAITING_APPROVAL and order.revision == revision):
        return Decision()
    return Decision(save=[order], publish=[said_dropped(order, revision)])


def _waits_at(order: PurchaseOrder, revision: int) -> bool:
    """Whether the order still is what requests was asked about."""
    return order.status in UNSUBMITTED and order.revision == revision


def _is_refusal(answer: CommandAnswered) -> bool:
    """Whether requests would not look at the question; a later one about the same order is still being looked at."""
    ended = answer.original or answer.outcome
    if answer.command_type != ApproveSpending.type or answer.code == "order_revision_outdated":
        return False
    return ended == "rejected" and answer.about is not None


def _order_with_lines(order_id: UUID, held: Records) -> tuple[PurchaseOrder, Sequence[OrderLine]]:
    return held[PurchaseOrder, order_id], in_order(held.all(OrderLine, order_id=order_id))


def _goes_where_named(order: PurchaseOrder, lines: Iterable[OrderLine]) -> bool:
    return all(line.named_vendor in (None, order.vendor_number) for line in lines)


def _asking(
    order: PurchaseOrder, lines: Sequence[OrderLine], *, total: Decimal, approved: Decimal, cause: Cause
) -> Placed:
    """The order waits, and requests is asked whether the request's orders may cost this much in all, at this vendor."""
    if order.status is not Status.AWAITING_APPROVAL:
        order = order.become(Status.AWAITING_APPROVAL, status_since=cause.at)
    order = replace(order, asked_total=total)
    whys = []
    if total > approved + TOLERANCE:
        # As people write amounts, not as they are stored.
        now, before = (line_total(amount, 1, order.currency) for amount in (total, approved))
        whys.append(f"it costs {now} {order.currency} in all, {before} {order.currency} was approved")
    if not _goes_where_named(order, lines):
        named = next(
            line.named_vendor for line in lines if line.named_vendor not in (None, order.vendor_number)
        )
        whys.append(f"it goes to vendor {order.vendor_number} instead of {named}")
    question = ApproveSpending(
        request_id=order.requests[0],
        order_id=order.id,
        requisition_number=order.requisition_number,
        order_revision=order.revision,
        total=money(total, order.currency),
        approved=Money(amount=approved, currency=order.currency),
        vendor_number=order.vendor_number or "",
        reason="; ".join(whys)[:200].strip() or "an approver is to look at it again",
    )
    return order, lines, [said_drafted(order, lines), question]


# What is said about orders


def said_drafted(order: PurchaseOrder, lines: Iterable[OrderLine]) -> OrderDrafted:
    """An order waits."""
    return OrderDrafted(
        order_id=order.id,
        requisition_number=order.requisition_number,
        request_id=order.request_id,
        status="draft" if order.status is Status.DRAFT else "awaiting_approval",
        order_revision=order.revision,
        vendor_number=order.vendor_number,
        total=money(order.total, order.currency),
        lines=tuple(
            DraftedLine(order_line_id=line.id, request_line_id=line.request_line_id, quantity=line.ordered)
            for line in lines
        ),
    )


def said_dropped(order: PurchaseOrder, revision: int) -> SpendingQuestionDropped:
    """Nobody need decide on this revision of the order."""
    if order.status is Status.CANCELLED:
        reason = "was cancelled"
    else:
        reason = "was changed" if order.status in UNSUBMITTED else "was placed within what was approved"
    return SpendingQuestionDropped(
        order_id=order.id,
        requisition_number=order.requisition_number,
        request_id=order.requests[0],
        order_revision=revision,
        reason=f"{order.requisition_number} {reason}",
    )


def _said_submitted(order: PurchaseOrder, lines: Iterable[OrderLine]) -> OrderSubmitted:
    if order.vendor_id is None or order.vendor_name is None:
        raise RuntimeError(f"order {order.requisition_number} has no vendor and cannot be submitted")
    return OrderSubmitted(
        order_id=order.id,
        requisition_number=order.requisition_number,
        request_id=order.request_id,
        vendor_id=order.vendor_id,
        vendor_name=order.vendor_name,
        deliver_to=order.deliver_to,
        total=money(order.total, order.currency),
        lines=tuple(
            OrderedLine(
                order_line_id=line.id,
                request_line_id=line.request_line_id,
                sku=line.sku,
                name=line.name,
                kind=line.kind,
                quantity=line.ordered,
                unit_price=line.agreed_price,
                asset_creation=line.asset_creation,
                warranty_months=line.warranty_months,
                destination=line.bought_for,
                starts_on=line.starts_on,
                ends_on=line.ends_on,
            )
            for line in lines
        ),
    )


def _said_cancelled(order: PurchaseOrder, lines: Iterable[OrderLine], reason: str) -> OrderCancelled:
    return OrderCancelled(
        order_id=order.id,
        requisition_number=order.requisition_number,
        request_id=order.request_id,
        reason=reason,
        was_submitted=order.submitted_at is not None,
        lines=tuple(
            CancelledLine(
                order_line_id=line.id, request_line_id=line.request_line_id, cancelled=line.cancelled
            )
            for line in lines
            if line.cancelled
        ),
    )


# What each message needs


def all_of_request(request_id: UUID) -> tuple[Key | Many, ...]:
    """What was commanded for a request, and its orders with all their lines."""
    return (
        Key(RequestOrders, request_id, may_be_new=True),
        Many(PurchaseOrder, by="request_id", value=request_id),
        Many(OrderLine, by="request_id", value=request_id),
    )


def order_and_its_request(fact: SpendingApproved | SpendingRefused) -> Keys:
    """The order in question with all of its request's."""
    return (*all_of_request(fact.request_id), Key(PurchaseOrder, fact.order_id))


def asked_about(answer: CommandAnswered) -> Keys:
    """The order that people are asked about, or the request, if requests refused to ask them."""
    if (opened := _opened(answer)) is not None:
        return (Key(PurchaseOrder, opened[0], may_be_new=True),)
    return all_of_request(answer.about) if _is_refusal(answer) and answer.about else ()


HANDLERS: Handlers = (
    Handler(on=SpendingApproved, holds=order_and_its_request, early=Early.WAIT, decide=approve),
    Handler(on=SpendingRefused, holds=order_and_its_request, early=Early.WAIT, decide=refuse),
    Handler(on=CommandAnswered, holds=asked_about, decide=answered),
)
