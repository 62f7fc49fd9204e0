"""Amending orders that went to their vendor: another revision with its diff, which the dock and assets follow.

What would cost more than was approved waits: requests is asked, and the order is amended once all who were asked have
said yes; it stays as it is if one of them says no. One amendment of an order waits at a time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
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
    NamedBy,
    Record,
    Records,
    Rejection,
    Via,
)
from libs.contracts.orders import AmendmentAwaited, AmendmentRefused, AmendOrder
from libs.contracts.purchasing import OrderChange
from libs.contracts.requests import OrderApproved, SpendingApproved
from libs.contracts.values import derived_id, money
from services.purchasing import draft
from services.purchasing.amending import Amended, amended, questions_about, said_amended
from services.purchasing.catalog import CatalogItem, Vendor, item_id_of
from services.purchasing.commitment import (
    Commanded,
    commanded_in,
    recommitted,
    share_of,
    tracked,
    whole_order,
)
from services.purchasing.counting import followed
from services.purchasing.matching import matching_again
from services.purchasing.purchase_order import (
    UNSUBMITTED,
    OrderName,
    PurchaseOrder,
    Status,
    as_named,
    lines_held,
    order_meant,
    order_name_id,
    order_named,
    within_limit,
)
from services.purchasing.spending import (
    Terms,
    is_large,
    limit_of,
    said_dropped,
    size_of,
    terms_held,
    terms_in,
)

AMENDABLE = frozenset({Status.SUBMITTED, Status.PARTIALLY_RECEIVED, Status.RECEIVED})


class AmendmentStatus(StrEnum):
    """Whether an order was amended, may be amended, or was not."""

    WAITING = "waiting"
    APPLIED = "applied"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class OrderAmendment(Record):
    """An amendment of a submitted order, made or asked for: which revision it makes, by whom, why, and the diff.

    `number` counts those that were made. While it waits, `awaits` holds the ids of the requests whose approvers have
    not said yes, and the order's own for the approval that orders of its size need; `wish` is what was commanded, and
    `items` the catalog items on it. `refusal` is why it was not made.
    """

    TRANSITIONS: ClassVar = {
        AmendmentStatus.WAITING: frozenset({AmendmentStatus.APPLIED, AmendmentStatus.REFUSED}),
        AmendmentStatus.APPLIED: frozenset(),
        AmendmentStatus.REFUSED: frozenset(),
    }

    order_id: UUID
    revision: int
    number: int | None = None
    status: AmendmentStatus
    amended_by: str
    amended_at: datetime
    settled_at: datetime | None = None
    reason: str
    refusal: str | None = None
    changes: tuple[OrderChange, ...]
    total: Decimal
    expected_cost: Decimal
    awaits: tuple[UUID, ...] = ()
    wish: AmendOrder | None = None
    items: tuple[UUID, ...] = ()


def order_amendment_id(order_id: UUID, revision: int) -> UUID:
    """The amendment that makes this revision of an order."""
    return derived_id("order_amendment", order_id, revision)


def amend(command: AmendOrder, held: Records, cause: Cause) -> Decision:
    """Change an order: a draft in all it is, one that was submitted as far as its vendor and the dock can follow.

    Saying again what is so changes nothing.
    """
    order = order_named(held, command)
    if order.status in UNSUBMITTED:
        return draft.amend(command, order, held, cause)
    _check(command, order, held)
    now = amended(command, order, held, cause)
    if not now.changes:
        return Decision(answer=as_named(order))
    names = draft.claimed(command.new_purchase_order_number, order, held, of="new_purchase_order_number")
    commanded, terms = commanded_in(held), terms_in(held)
    by = cause.actor.id or cause.sender
    record = OrderAmendment(
        id=order_amendment_id(order.id, now.order.revision),
        order_id=order.id,
        revision=now.order.revision,
        status=AmendmentStatus.WAITING,
        amended_by=by,
        amended_at=cause.at,
        reason=command.reason,
        changes=now.changes,
        total=now.order.total,
        expected_cost=now.order.expected_cost,
    )
    unasked = _missing(order, now, held, commanded, terms, cause)
    if not unasked:
        return _applied(record, order, now, names, held, commanded, terms, cause)
    record = replace(record, awaits=unasked, wish=command, items=tuple(sorted(_items_of(command, now))))
    order = replace(order, awaits=unasked)
    questions = questions_about(now, lines_held(held, order), order, commanded, unasked, by)
    return Decision(
        save=[order, record], publish=[said_waits(order, record), *questions], answer=_answer(order, record)
    )


def _check(command: AmendOrder, order: PurchaseOrder, held: Records) -> None:
    if order.status not in AMENDABLE:
        message = f"Order {order.requisition_number} is {order.status}: nothing of it can be changed."
        raise Rejection("order_not_amendable", field="order_id", message=message)
    if command.expected_revision not in (None, order.revision):
        message = f"Order {order.requisition_number} is at revision {order.revision}."
        raise Rejection("order_revision_unexpected", field="expected_revision", message=message)
    if held.find(OrderAmendment, order_amendment_id(order.id, order.revision + 1)):
        message = f"An amendment of order {order.requisition_number} waits for approval already."
        raise Rejection("amendment_waits", field="order_id", message=message)
    draft.check_revisions(order)


def _missing(
    order: PurchaseOrder, now: Amended, held: Records, commanded: Commanded, terms: Terms, cause: Cause
) -> tuple[UUID, ...]:
    """Who must be asked: the requests for which it would cost too much, and whoever approves orders of its size."""
    before = lines_held(held, order)
    missing = []
    for request_id in order.requests:
        more = share_of(now.order, now.lines, request_id) - share_of(order, before, request_id)
        known = commanded.get(request_id)
        if known is None or more <= 0:
            continue
        if within_limit(known.committed + more) > limit_of(known, terms.policy):
            missing.append(request_id)
    grows = size_of(now.order, now.lines) > size_of(order, before)
    if grows and is_large(now.order, now.lines, terms, cause):
        missing.append(order.id)
    return tuple(missing)


def _applied(
    record: OrderAmendment,
    before: PurchaseOrder,
    now: Amended,
    names: Sequence[OrderName],
    held: Records,
    commanded: Commanded,
    terms: Terms,
    cause: Cause,
) -> Decision:
    known = {line.id: line for line in lines_held(held, before)}
    fact = said_amended(list(known.values()), now, record.reason, record.amended_by)
    order, said = followed(now.order, now.lines, cause, terms.policy)
    spent = commanded | recommitted(commanded, (before, list(known.values())), (order, now.lines))
    spent |= {each.id: each for each in tracked(spent, (order,))}
    record = record.become(
        AmendmentStatus.APPLIED,
        number=order.amendments,
        settled_at=cause.at,
        changes=now.changes,
        total=order.total,
        expected_cost=order.expected_cost,
        awaits=(),
    )
    changed = [line for line in now.lines if line != known.get(line.id)]
    asked = [each for each in spent.values() if each != held.find(type(each), each.id)]
    return Decision(
        save=[*names, *asked, order, *changed, record],
        publish=[fact, *said, *matching_again(order)],
        answer=_answer(order, record),
    )


def _items_of(command: AmendOrder, now: Amended) -> set[UUID]:
    """The catalog items that are added, with the bundles that they are parts of."""
    named = {item_id_of(line.sku) for line in command.add if line.sku}
    return named | {line.item_id for line in now.added if line.item_id}


def _answer(order: PurchaseOrder, record: OrderAmendment) -> dict[str, object]:
    return {**as_named(order), "amendment": record.status.value}


# What requests says


def waiting_for(order_id: UUID, revision: int, whom: UUID, held: Records) -> OrderAmendment | None:
    """The amendment that was asked about, if it still waits for this answer."""
    record = held.find(OrderAmendment, order_amendment_id(order_id, revision))
    waits = record is not None and record.status is AmendmentStatus.WAITING
    return record if waits and record is not None and whom in record.awaits else None


def granted(
    record: OrderAmendment,
    whom: UUID,
    fact: SpendingApproved | OrderApproved,
    held: Records,
    cause: Cause,
) -> Decision:
    """One of those who were asked has said yes; after the last the order is amended, if it still can be."""
    order, commanded = held[PurchaseOrder, record.order_id], commanded_in(held)
    if whom != order.id:
        commanded[whom] = replace(commanded[whom], approved=max(commanded[whom].approved, fact.total.amount))
    record = replace(record, awaits=tuple(asked for asked in record.awaits if asked != whom))
    order = replace(order, awaits=record.awaits)
    approved = [commanded[whom]] if whom != order.id else []
    if record.awaits:
        return Decision(save=[*approved, order, record], publish=[said_waits(order, record)])
    assert record.wish is not None  # what waits knows what was wanted
    wish = record.wish.model_copy(update={"expected_revision": None})
    try:
        if order.status not in AMENDABLE or order.revision + 1 != record.revision:
            message = f"Order {order.requisition_number} is {order.status}."
            raise Rejection("order_not_amendable", message=message)
        if not any(vendor.id == order.vendor_id and vendor.active for vendor in held.all(Vendor)):
            message = f"Nothing is bought from vendor {order.vendor_number} any more."
            raise Rejection("vendor_unknown", message=message)
        now = amended(wish, order, held, cause)
        names = draft.claimed(wish.new_purchase_order_number, order, held, of="new_purchase_order_number")
        unasked = _missing(order, now, held, commanded, terms_in(held), cause)
    except Rejection as no_longer:
        return _dropped(record, order, no_longer.message, approved, cause)
    if not now.changes:
        return _dropped(record, order, "Nothing of it is different any more.", approved, cause)
    # Orders of its size were approved just now, if that was asked at all.
    if any(asked != order.id for asked in unasked):
        return _dropped(record, order, "It costs more by now than was approved.", approved, cause)
    return _applied(record, order, now, names, held, commanded, terms_in(held), cause)


def refused(record: OrderAmendment, whom: UUID | None, reason: str, held: Records, cause: Cause) -> Decision:
    """One of those asked has said no, or it was recalled: the order stays as it is, and nobody else need decide."""
    record = replace(record, awaits=tuple(asked for asked in record.awaits if asked != whom))
    return _dropped(record, held[PurchaseOrder, record.order_id], reason, (), cause)


def _dropped(
    record: OrderAmendment, order: PurchaseOrder, reason: str, approved: Sequence[Record], cause: Cause
) -> Decision:
    """The order stays as it is. The revision that was asked about is not used for another amendment."""
    order = replace(order, revision=max(order.revision, record.revision), awaits=())
    asked_still = [None if asked == order.id else asked for asked in record.awaits]
    record = record.become(AmendmentStatus.REFUSED, refusal=reason, settled_at=cause.at, awaits=())
    dropped = [said_dropped(order, asked, record.revision, why_dropped(record)) for asked in asked_still]
    said = AmendmentRefused(
        order_id=order.id,
        requisition_number=order.requisition_number,
        request_ids=order.requests,
        order_revision=record.revision,
        reason=reason,
    )
    return Decision(save=[*approved, order, record], publish=[said, *dropped])


def why_dropped(record: OrderAmendment) -> str:
    """Why nobody need decide on an amendment any more, as said of the order."""
    return "was amended" if record.refusal is None else f"stays as it is: {record.refusal}"


def said_waits(order: PurchaseOrder, record: OrderAmendment) -> AmendmentAwaited:
    """An amendment waits for those who were asked."""
    return AmendmentAwaited(
        order_id=order.id,
        requisition_number=order.requisition_number,
        request_ids=order.requests,
        order_revision=record.revision,
        amended_by=record.amended_by,
        reason=record.reason,
        total=money(record.total, order.currency),
        expected_cost=money(record.expected_cost, order.currency),
        changes=record.changes,
    )


# What each message needs


def held_to_amend(command: AmendOrder) -> Keys:
    """The order with its lines and requests, the number it is to get, and an amendment of it that waits."""
    order_id = order_meant(command)
    return (
        *whole_order(order_id),
        *draft.number_claimed(command.new_purchase_order_number),
        waiting_of(order_id),
    )


def waiting_of(order_id: UUID | Via) -> NamedBy:
    """The amendment of an order that waits, if one does: it would make the next revision."""
    return NamedBy(OrderAmendment, by=PurchaseOrder, id=order_id, ids=_next_amendment)


def _next_amendment(order: PurchaseOrder) -> Iterable[UUID]:
    return [order_amendment_id(order.id, order.revision + 1)]


def read_to_amend(command: AmendOrder) -> Keys:
    """The vendor, the catalog items that are added, the policy and the exchange rates."""
    return (*draft.read_to_amend(command), *terms_held(command))


def asked_about(order_id: UUID, revision: int) -> Keys:
    """The amendment that was asked about, if it was one, and the number it claims."""
    id = order_amendment_id(order_id, revision)
    return (
        Key(OrderAmendment, id, may_be_new=True),
        NamedBy(OrderName, by=OrderAmendment, id=id, ids=_number_wanted),
    )


def read_about(order_id: UUID, revision: int) -> Keys:
    """The vendor and the catalog items of an amendment that was asked about."""
    id = order_amendment_id(order_id, revision)
    return (
        NamedBy(Vendor, by=PurchaseOrder, id=order_id, ids=lambda order: filter(None, [order.vendor_id])),
        NamedBy(CatalogItem, by=OrderAmendment, id=id, ids=lambda record: record.items),
    )


def _number_wanted(record: OrderAmendment) -> Iterable[UUID]:
    number = record.wish.new_purchase_order_number if record.wish else None
    return [order_name_id(number)] if number else []


HANDLERS: Handlers = (
    Handler(
        on=AmendOrder,
        holds=held_to_amend,
        reads=read_to_amend,
        early=Early.WAIT_10_MINUTES,
        decide=amend,
        weight=lambda command: 1 + len(command.lines) + len(command.add),
    ),
)
