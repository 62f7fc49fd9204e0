"""Drafts: orders made by hand, and whatever changes about an order before it is placed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
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
)
from libs.contracts.message import Message
from libs.contracts.orders import AmendOrder, ChangedLine, CompleteOrder, DraftOrder
from libs.contracts.values import line_total
from services.purchasing.catalog import CatalogItem, Vendor, active_vendor, vendor_id_of
from services.purchasing.commitment import commanded_in, tracked
from services.purchasing.order_facts import said_cancelled, said_drafted
from services.purchasing.order_lines import Buying, changed, drafted, items_wanted, offered
from services.purchasing.purchase_order import (
    UNSUBMITTED,
    OrderLine,
    OrderName,
    PurchaseOrder,
    as_named,
    in_order,
    lines_held,
    number_of,
    order_meant,
    order_name_id,
    order_named,
    order_of,
    redrafted,
    with_sums,
)

NUMBER = "requisition_number"
NUMBERS_OF_OURS = "PR-"
"""Numbers that begin with this are given to requisitions."""

REVISIONS_MAX = 500
"""So often an order is changed, split, combined, amended or asked about; each revision of a submitted one is kept."""

CHANGERS_MAX = 50
"""So many of those who changed a draft are remembered with it."""


def draft(command: DraftOrder, held: Records, cause: Cause) -> Decision:
    """An order that no request wants: it waits until it is placed, however complete it is."""
    vendor = active_vendor(held, command.vendor_number, of="vendor_number") if command.vendor_number else None
    number = number_of(cause.numbers[NUMBER][0])
    order = PurchaseOrder(
        id=cause.id("order"),
        ordinal=cause.numbers[NUMBER][0],
        requisition_number=number,
        purchase_order_number=command.purchase_order_number,
        name=command.name,
        status_since=cause.at,
        request_id=None,
        drafted_by=cause.actor.id or cause.sender,
        vendor_id=vendor.id if vendor else None,
        vendor_number=vendor.number if vendor else None,
        vendor_name=vendor.name if vendor else None,
        deliver_to=command.deliver_to,
        currency=command.currency,
        payment_terms=command.payment_terms or (vendor.payment_terms if vendor else None),
        freight=command.freight,
        total=Decimal(0),
    )
    buying = Buying(vendor, order.currency, cause.at.date())
    check_freight(order)
    lines = drafted(command.lines, order, buying, held, cause, of="lines")
    order = with_sums(order, lines)
    names = [
        OrderName(id=order_name_id(number), name=number, order_id=order.id),
        *claimed(command.purchase_order_number, order, held, of="purchase_order_number"),
    ]
    return Decision(
        save=[*names, order, *lines], publish=[said_drafted(order, lines)], answer=as_named(order)
    )


def complete(command: CompleteOrder, held: Records, cause: Cause) -> Decision:
    """Set vendor and prices of what was not submitted yet. Saying again what is known changes nothing.

    One that awaits approval becomes a draft again, because nobody was asked about what it is now.
    """
    order = order_named(held, command)
    if order.status not in UNSUBMITTED:
        raise not_a_draft(order, "changed")
    if command.currency != order.currency:
        message = f"Order {order.requisition_number} is in {order.currency}, not in {command.currency}."
        raise Rejection("currency_mismatch", field="currency", message=message)
    changes = [
        ChangedLine(
            order_line_id=line.order_line_id, unit_price=line.unit_price, price_reason=line.price_reason
        )
        for line in command.lines
    ]
    return _changed(order, order, command.vendor_number, changes, held, cause)


def amend(command: AmendOrder, order: PurchaseOrder, held: Records, cause: Cause) -> Decision:
    """Change a draft: everything about it can become different, but not for whom and how many a request wants it."""
    if command.expected_revision not in (None, order.revision):
        message = f"Order {order.requisition_number} is at revision {order.revision}."
        raise Rejection("order_revision_unexpected", field="expected_revision", message=message)
    now = order
    if command.currency not in (None, order.currency):
        if order.requests:
            message = f"Its requests were approved in {order.currency}."
            raise Rejection("currency_mismatch", field="currency", message=message)
        now = replace(now, currency=command.currency)
    given: dict[str, Any] = {
        "name": command.name,
        "purchase_order_number": command.new_purchase_order_number,
        "deliver_to": command.deliver_to,
        "payment_terms": command.payment_terms,
        "freight": command.freight,
    }
    now = replace(now, **{name: value for name, value in given.items() if value is not None})
    check_freight(now)
    names = claimed(command.new_purchase_order_number, order, held, of="new_purchase_order_number")
    decision = _changed(
        order,
        now,
        command.vendor_number,
        command.lines,
        held,
        cause,
        command=command,
    )
    return replace(decision, save=[*names, *decision.save])


def _changed(
    order: PurchaseOrder,
    now: PurchaseOrder,
    vendor_number: str | None,
    changes: Sequence[ChangedLine],
    held: Records,
    cause: Cause,
    *,
    command: AmendOrder | None = None,
) -> Decision:
    """A draft with another vendor, other lines, or something else different; or nothing, if that is how it is."""
    known = {line.id: line for line in lines_held(held, order)}
    vendor = held.find(Vendor, order.vendor_id) if order.vendor_id else None
    if vendor_number is not None:
        vendor = active_vendor(held, vendor_number, of="vendor_number")
        now = replace(now, vendor_id=vendor.id, vendor_number=vendor.number, vendor_name=vendor.name)
    buying = Buying(vendor, now.currency, cause.at.date())
    lines = dict(known)
    if (now.vendor_number, now.currency) != (order.vendor_number, order.currency):
        lines = {line.id: _elsewhere(line, order, buying, held) for line in known.values()}
    lines |= _with_changes(changes, order, lines, buying)
    removed = _removed(command, order, lines) if command else {}
    lines |= removed
    added = drafted(command.add, now, buying, held, cause, of="add") if command else []
    if (now, lines, added) == (order, known, []):
        return Decision(answer=as_named(order))
    whole = in_order([*lines.values(), *added])
    now = changed_by(revised(now, whole, cause), cause)
    publish: list[Message] = [said_drafted(now, whole)]
    if removed and command:
        publish = [said_cancelled(now, whole, command.reason or "taken off the draft"), *publish]
    served = tracked(commanded_in(held), (now,))
    save: list[Record] = [*served, now, *(line for line in lines.values() if line != known[line.id]), *added]
    return Decision(save=save, publish=publish, answer=as_named(now))


def changed_by(order: PurchaseOrder, cause: Cause) -> PurchaseOrder:
    """A draft that somebody made another one, which is remembered; of very many, of the latest."""
    who = cause.actor.id or cause.sender
    others = (person for person in order.changed_by if person != who)
    return replace(order, changed_by=(*others, who)[-CHANGERS_MAX:])


def _elsewhere(line: OrderLine, order: PurchaseOrder, buying: Buying, held: Records) -> OrderLine:
    """A line of a draft that is to be bought from another vendor, or in another currency."""
    item = held.find(CatalogItem, line.item_id) if line.item_id else None
    line = offered(line, item, buying)
    if buying.currency != order.currency and line.unit_price != line.offered_price:
        line = replace(line, unit_price=line.offered_price)
    return line.costing(buying.currency) if line.living else line


def _with_changes(
    changes: Sequence[ChangedLine], order: PurchaseOrder, lines: Mapping[UUID, OrderLine], buying: Buying
) -> dict[UUID, OrderLine]:
    """The lines that were named, as they are to be; each is named once."""
    named: dict[UUID, OrderLine] = {}
    for index, change in enumerate(changes):
        of = f"lines[{index}].order_line_id"
        line = lines.get(change.order_line_id)
        if line is None or not line.living:
            message = f"Order {order.requisition_number} has no line {change.order_line_id}."
            raise Rejection("order_line_unknown", field=of, message=message)
        if line.id in named:
            raise Rejection("order_line_repeated", field=of, message="This line was named before.")
        if line.request_id is not None and change.quantity not in (None, line.ordered):
            message = f"A request wants {line.ordered} of {line.name}: split the order, or cancel the line."
            raise Rejection("order_not_amendable", field=f"lines[{index}].quantity", message=message)
        named[line.id] = changed(line, change, buying, f"lines[{index}]")
    return named


def _removed(
    command: AmendOrder, order: PurchaseOrder, lines: Mapping[UUID, OrderLine]
) -> dict[UUID, OrderLine]:
    """The lines that are taken off the draft: they stay known as cancelled, and one line at least is left."""
    for index, line_id in enumerate(command.remove):
        if line_id not in lines:
            message = f"Order {order.requisition_number} has no line {line_id}."
            raise Rejection("order_line_not_known", field=f"remove[{index}]", message=message)
    off = {
        line.id: replace(line, asked=line.ordered, line_total=Decimal(0), tax=Decimal(0))
        for line in (lines[line_id] for line_id in command.remove)
        if line.living
    }
    if off and not command.add and not any(line.living for line in lines.values() if line.id not in off):
        message = "An order has at least one line: cancel it instead."
        raise Rejection("order_not_amendable", field="remove", message=message)
    return off


def claimed(number: str | None, order: PurchaseOrder, held: Records, *, of: str) -> list[OrderName]:
    """The claim on a purchase-order number: none if the order has had it before; refused if another one has."""
    if number is None:
        return []
    if number.startswith(NUMBERS_OF_OURS):
        message = f"Numbers that begin with {NUMBERS_OF_OURS} are given to requisitions."
        raise Rejection("invalid_content", field=of, message=message)
    known = held.find(OrderName, order_name_id(number))
    if known is None:
        return [OrderName(id=order_name_id(number), name=number, order_id=order.id)]
    if known.order_id != order.id:
        raise Rejection("order_number_taken", field=of, message=f"Another order has the number {number}.")
    return []


def check_freight(order: PurchaseOrder) -> None:
    """What an order costs is exact, so its freight has no fraction of a cent."""
    if line_total(order.freight, 1, order.currency) != order.freight:
        message = f"{order.freight} {order.currency} has a fraction of the currency's smallest unit."
        raise Rejection("invalid_content", field="freight", message=message)


def revised(
    order: PurchaseOrder, lines: Iterable[OrderLine], cause: Cause, *, of: str = "order_id"
) -> PurchaseOrder:
    """The next revision of a draft, which somebody made another one. Only what ends things goes on without a bound:
    recalling and cancelling."""
    check_revisions(order, of=of)
    return redrafted(order, lines, cause)


def check_revisions(order: PurchaseOrder, *, of: str = "order_id") -> None:
    """Whether an order may still become another one, or be asked about once more."""
    if order.revision >= REVISIONS_MAX:
        message = f"Order {order.requisition_number} was changed {order.revision} times: draft another one."
        raise Rejection("too_many_revisions", field=of, message=message)


def not_a_draft(order: PurchaseOrder, what: str) -> Rejection:
    """Only a draft can be treated like this."""
    return Rejection(
        "order_not_draft",
        field="order_id",
        message=f"Order {order.requisition_number} is {order.status}; only a draft can be {what}.",
    )


# What each message needs


def number_claimed(number: str | None) -> Keys:
    """Who has a purchase-order number."""
    return () if number is None else (Key(OrderName, order_name_id(number), may_be_new=True),)


def vendor_named(number: str | None) -> Keys:
    """The vendor with a number."""
    return () if number is None else (Key(Vendor, vendor_id_of(number), may_be_new=True),)


def read_to_draft(command: DraftOrder) -> Keys:
    """Its vendor and the catalog items of its lines."""
    return (*vendor_named(command.vendor_number), *items_wanted(command.lines))


def items_and_vendor(command: CompleteOrder | AmendOrder) -> Keys:
    """The catalog items that are on the draft, its vendor, and the one it is to go to."""
    order_id = order_meant(command)
    return (
        *vendor_named(command.vendor_number),
        NamedBy(Vendor, by=PurchaseOrder, id=order_id, ids=lambda order: filter(None, [order.vendor_id])),
        NamedBy(CatalogItem, by=PurchaseOrder, id=order_id, ids=lambda order: order.items),
    )


def read_to_amend(command: AmendOrder) -> Keys:
    """What changing a draft looks at: what is on it, and what is to come onto it."""
    return (*items_and_vendor(command), *items_wanted(command.add))


def held_to_amend(command: AmendOrder) -> Keys:
    """The draft with its lines, and the number that it is to get."""
    return (*order_of(command), *number_claimed(command.new_purchase_order_number))


HANDLERS: Handlers = (
    Handler(
        on=DraftOrder,
        holds=lambda command: number_claimed(command.purchase_order_number),
        reads=read_to_draft,
        numbers=lambda _: {NUMBER: 1},
        decide=draft,
        weight=lambda command: len(command.lines),
    ),
    Handler(
        on=CompleteOrder,
        holds=order_of,
        reads=items_and_vendor,
        early=Early.WAIT_10_MINUTES,
        decide=complete,
    ),
)
