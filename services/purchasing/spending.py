"""Placing orders: within what was approved for the requests they serve, and below the size from which orders themselves
need an approval.

An order is submitted if each of its requests' submitted orders, it among them, cost no more than was approved, and if
it goes to the vendor that was named, if one was. Otherwise it waits, and requests is asked; what is said about that is
heard in `approvals`.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import MAXYEAR, date, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from libs.chassis.decision import Cause, Keys, Records, Rejection
from libs.contracts.message import Message
from libs.contracts.purchasing import SpendingQuestionDropped
from libs.contracts.requests import ApproveOrder, ApproveSpending
from libs.contracts.values import Kind, Money, line_total, money
from services.purchasing.commitment import Commanded, RequestOrders, recommitted, share_of
from services.purchasing.counting import followed
from services.purchasing.order_facts import said_drafted, said_submitted
from services.purchasing.policy import POLICY_KEY, PurchasingPolicy, policy_in
from services.purchasing.purchase_order import (
    TOTAL_MAX,
    UNSUBMITTED,
    OrderLine,
    PurchaseOrder,
    Status,
    within_limit,
)
from services.purchasing.rate_book import RATE_BOOK_KEY, RateBook, rate_book_in


class Terms(NamedTuple):
    """How orders are placed: the policy, and what currencies are worth."""

    policy: PurchasingPolicy
    rates: RateBook


class Placed(NamedTuple):
    """An order with its lines, what was commanded for its requests (as far as that changed), and what is to be said."""

    order: PurchaseOrder
    lines: Sequence[OrderLine]
    commanded: Commanded
    said: list[Message]


def terms_held(_: object) -> Keys:
    """The policy and the exchange rates."""
    return (POLICY_KEY, RATE_BOOK_KEY)


def terms_in(held: Records) -> Terms:
    """How orders are placed now."""
    return Terms(policy_in(held), rate_book_in(held))


def place(
    order: PurchaseOrder,
    lines: Sequence[OrderLine],
    commanded: Mapping[UUID, RequestOrders],
    terms: Terms,
    cause: Cause,
) -> Placed:
    """Submit the order if nobody need be asked; else ask whoever has not said yes yet."""
    order = replace(order, submitted_by=cause.actor.id or cause.sender)
    for request_id in order.requests:
        within_limit(commanded[request_id].committed + share_of(order, lines, request_id))
    unasked = missing_approvals(order, lines, commanded, terms.policy)
    if order.id not in order.granted and is_large(order, lines, terms, cause):
        unasked = (*unasked, order.id)
    if unasked:
        return asking(order, lines, commanded, unasked, cause)
    return submitted(order, lines, commanded, terms, cause)


def missing_approvals(
    order: PurchaseOrder,
    lines: Sequence[OrderLine],
    commanded: Mapping[UUID, RequestOrders],
    policy: PurchasingPolicy,
) -> tuple[UUID, ...]:
    """The requests for which it would cost too much, or goes to another vendor than was named."""
    return tuple(
        request_id
        for request_id in order.requests
        if _would_cost(order, lines, commanded[request_id]) > limit_of(commanded[request_id], policy)
        or not (request_id in order.granted or _goes_where_named(order, lines, request_id))
    )


def limit_of(commanded: RequestOrders, policy: PurchasingPolicy) -> Decimal:
    """What a request's orders may cost without asking again."""
    return commanded.approved * (100 + policy.spending_tolerance) / 100


def size_of(order: PurchaseOrder, lines: Iterable[OrderLine]) -> Decimal:
    """What an order costs, net with freight, without what of it was cancelled."""
    living = [line for line in lines if line.living]
    nets = (line.net_of(line.living, order.currency) for line in living)
    return sum(nets, order.freight if living else Decimal(0))


def is_large(order: PurchaseOrder, lines: Iterable[OrderLine], terms: Terms, cause: Cause) -> bool:
    """Whether it reaches the amount from which orders need an approval of their own; without an exchange rate nobody
    can tell."""
    threshold = terms.policy.threshold
    if threshold is None:
        return False
    rate = terms.rates.holding(order.currency, threshold.currency, cause.at.date())
    if rate is None:
        message = f"Nobody knows what {order.currency} is worth in {threshold.currency}."
        raise Rejection("exchange_rate_unknown", field="order_id", message=message)
    return line_total(size_of(order, lines) * rate, 1, threshold.currency) >= threshold.amount


def size_is_known(order: PurchaseOrder, terms: Terms, cause: Cause) -> bool:
    """Whether it can be told if it needs an approval of its own."""
    threshold = terms.policy.threshold
    if threshold is None:
        return True
    return terms.rates.holding(order.currency, threshold.currency, cause.at.date()) is not None


def submitted(
    order: PurchaseOrder,
    lines: Sequence[OrderLine],
    commanded: Mapping[UUID, RequestOrders],
    terms: Terms,
    cause: Cause,
) -> Placed:
    """The order goes to its vendor. Software is there from this moment on."""
    day, before = cause.at.date(), order
    # What was taken off the draft has no price: its vendor and the dock never hear of it.
    lines = [on_its_day(line, day) if line.living else replace(line, unit_price=None) for line in lines]
    base = terms.policy.base_currency
    order = order.become(
        Status.SUBMITTED,
        status_since=cause.at,
        submitted_at=cause.at,
        rate=terms.rates.holding(order.currency, base, day),
        base_currency=base,
        expected_on=max((line.expected_on for line in lines if line.expected_on and line.open), default=None),
        awaits=(),
        items=(),
    )
    spent = recommitted(commanded, (before, lines), (order, lines))
    order_now, said = followed(order, lines, cause, terms.policy)
    return Placed(order_now, lines, spent, [said_submitted(order, lines), *said])


def on_its_day(line: OrderLine, day: date) -> OrderLine:
    """What of a line begins with the day of its submission."""
    expected_on = line.expected_on
    if expected_on is None and line.lead_time_days is not None:
        expected_on = day + timedelta(days=line.lead_time_days)
    if line.kind is not Kind.SOFTWARE:
        return line if expected_on == line.expected_on else replace(line, expected_on=expected_on)
    ends_on = line.ends_on
    if ends_on is None and line.term_months is not None:
        ends_on = term_end(line.starts_on or day, line.term_months)
    return replace(line, entitled=line.living, ends_on=ends_on, expected_on=expected_on)


def term_end(starts_on: date, months: int) -> date:
    """The last day of a term of so many months."""
    year, month = divmod(starts_on.month - 1 + months, 12)
    year, month = starts_on.year + year, month + 1
    if year > MAXYEAR:
        return date.max
    last = monthrange(year, month)[1]
    return date(year, month, min(starts_on.day, last)) - timedelta(days=1)


def asking(
    order: PurchaseOrder,
    lines: Sequence[OrderLine],
    commanded: Mapping[UUID, RequestOrders],
    unasked: Sequence[UUID],
    cause: Cause,
) -> Placed:
    """The order waits, and requests is asked: per request whether its orders may cost this much in all, at this vendor;
    and, if the order is large, whether it may be placed."""
    if order.status is not Status.AWAITING_APPROVAL:
        order = order.become(Status.AWAITING_APPROVAL, status_since=cause.at)
    totals = {
        request_id: _would_cost(order, lines, commanded[request_id])
        for request_id in unasked
        if request_id != order.id
    }
    asked_total = next(iter(totals.values())) if len(totals) == 1 else order.total + order.freight
    order = replace(order, awaits=tuple(unasked), asked_total=asked_total)
    by = order.submitted_by or cause.sender
    questions: list[Message] = [
        spending_question(order, lines, commanded[request_id], total, parties_of(order, by))
        for request_id, total in totals.items()
    ]
    if order.id in unasked:
        questions.append(
            ApproveOrder(
                order_id=order.id,
                requisition_number=order.requisition_number,
                order_revision=order.revision,
                total=money(size_of(order, lines), order.currency),
                vendor_number=order.vendor_number or "",
                kinds=tuple(sorted({line.kind for line in lines if line.living})),
                asked_by=by,
                request_ids=order.requests,
                parties=parties_of(order, by),
            )
        )
    return Placed(order, lines, {}, [said_drafted(order, lines), *questions])


def spending_question(
    order: PurchaseOrder,
    lines: Sequence[OrderLine],
    commanded: RequestOrders,
    total: Decimal,
    parties: Iterable[str],
) -> ApproveSpending:
    """May the orders of a request cost this much in all, at this vendor? The parties, who want it so, do not decide."""
    whys = []
    if total > commanded.approved:
        # As people write amounts, not as they are stored.
        now, before = (line_total(amount, 1, order.currency) for amount in (total, commanded.approved))
        whys.append(f"it costs {now} {order.currency} in all, {before} {order.currency} was approved")
    if named := _named_instead(order, lines, commanded.id):
        whys.append(f"it goes to vendor {order.vendor_number} instead of {named}")
    return ApproveSpending(
        request_id=commanded.id,
        order_id=order.id,
        requisition_number=order.requisition_number,
        order_revision=order.revision,
        total=money(total, order.currency),
        approved=Money(amount=commanded.approved, currency=order.currency),
        vendor_number=order.vendor_number or "",
        reason="; ".join(whys)[:200].strip() or "an approver is to look at it again",
        parties=tuple(sorted(set(parties))),
    )


def parties_of(order: PurchaseOrder, by: str) -> tuple[str, ...]:
    """Who drafted an order, set its prices, or submitted it, and who wants it so now."""
    people = {order.drafted_by, *order.changed_by, order.submitted_by, by}
    return tuple(sorted(person for person in people if person))


def _would_cost(order: PurchaseOrder, lines: Iterable[OrderLine], commanded: RequestOrders) -> Decimal:
    """What all submitted orders of a request would cost with this one."""
    share = Decimal(0) if order.submitted_at is not None else share_of(order, lines, commanded.id)
    return min(commanded.committed + share, TOTAL_MAX)


def _goes_where_named(order: PurchaseOrder, lines: Iterable[OrderLine], request_id: UUID) -> bool:
    return _named_instead(order, lines, request_id) is None


def _named_instead(order: PurchaseOrder, lines: Iterable[OrderLine], request_id: UUID) -> str | None:
    """The vendor whom the request named, if it is another one."""
    named = (
        line.named_vendor
        for line in lines
        if line.living and line.request_id == request_id and line.named_vendor != order.vendor_number
    )
    return next((vendor for vendor in named if vendor is not None), None)


def said_dropped(
    order: PurchaseOrder, request_id: UUID | None, revision: int, why: str | None = None
) -> SpendingQuestionDropped:
    """Nobody need decide on this revision of the order, because of what became of it, or because of something else."""
    if why is not None:
        reason = why
    elif order.status is Status.CANCELLED:
        reason = "was cancelled"
    else:
        reason = "was changed" if order.status in UNSUBMITTED else "was placed within what was approved"
    return SpendingQuestionDropped(
        order_id=order.id,
        requisition_number=order.requisition_number,
        request_id=request_id,
        order_revision=revision,
        reason=f"{order.requisition_number} {reason}",
    )


def questions_dropped(was: PurchaseOrder, now: PurchaseOrder) -> list[Message]:
    """Whoever was asked about an order that has come to be placed without an answer need not give one."""
    return [
        said_dropped(now, None if asked == was.id else asked, was.revision)
        for asked in was.awaits
        if was.status is Status.AWAITING_APPROVAL
    ]
