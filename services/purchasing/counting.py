"""What of an order is here: counted from the dock's facts, from what assets says of software, and from services as they
are confirmed. The order follows its lines, and is closed by itself once nothing is missing and all of it is invoiced.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
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
from libs.contracts.assets import EntitlementChanged
from libs.contracts.message import Message
from libs.contracts.orders import ConfirmService, RecallOrder
from libs.contracts.purchasing import ServiceConfirmed, SurplusFound
from libs.contracts.receiving import GoodsReceived, GoodsReturned, ReceiptReversed
from libs.contracts.values import Kind
from services.purchasing.commitment import commanded_in, recommitted, whole_order
from services.purchasing.matching import matching_again
from services.purchasing.order_facts import said_cancelled, said_closed, said_received, said_reopened
from services.purchasing.policy import PurchasingPolicy, policy_held, policy_in
from services.purchasing.purchase_order import (
    UNSUBMITTED,
    OrderLine,
    PurchaseOrder,
    Status,
    expected_cost_of,
    lines_held,
    order_named,
    order_of,
    status_of,
)

RECEIVERS_MAX = 500
"""So many of those who took goods of an order are remembered with it."""

Lines = dict[UUID, OrderLine]


def receive(fact: GoodsReceived, held: Records, cause: Cause) -> Decision:
    """Count what arrived. The dock wins: goods are a fact, a surplus is reported, never refused."""
    order, lines = _counted(fact.order_id, held)
    before = dict(lines)
    for received in fact.lines:
        line = lines[received.order_line_id]
        lines[line.id] = replace(
            line,
            accepted=line.accepted + received.accepted,
            rejected=line.rejected + received.rejected,
        )
    if fact.received_by not in order.receivers and len(order.receivers) < RECEIVERS_MAX:
        order = replace(order, receivers=(*order.receivers, fact.received_by))
    return _follow(order, before, lines, held, cause)


def take_back(fact: ReceiptReversed, held: Records, cause: Cause) -> Decision:
    """A receipt counts no longer: what it brought is to come again, unless it was cancelled."""
    order, lines = _counted(fact.order_id, held)
    before = dict(lines)
    for taken in fact.lines:
        line = lines[taken.order_line_id]
        lines[line.id] = replace(
            line, accepted=line.accepted - taken.accepted, rejected=line.rejected - taken.rejected
        )
    return _follow(order, before, lines, held, cause, reason=fact.reason or "taken back")


def send_back(fact: GoodsReturned, held: Records, cause: Cause) -> Decision:
    """Goods went back: a replacement is to come; for credit a surplus shrinks, and the rest is cancelled.

    The dock tells how many those are: it knows what was a surplus.
    """
    order, lines = _counted(fact.order_id, held)
    before = dict(lines)
    for sent in fact.lines:
        line = lines[sent.order_line_id]
        credited = sent.credited or 0
        if sent.credited is None and fact.purpose == "credit":
            # A surplus goes first: that nobody wanted it needs no cancelling.
            credited = max(0, sent.quantity - line.over)
        lines[line.id] = replace(
            line, returned=line.returned + sent.quantity, credited=line.credited + credited
        )
    return _follow(order, before, lines, held, cause, reason=fact.reason or "returned")


def software_stays(fact: EntitlementChanged, held: Records, cause: Cause) -> Decision:
    """Of software that is wanted no longer, somebody had been given so many: these are not given back."""
    order, lines = _counted(fact.order_id, held)
    before = dict(lines)
    line = lines[fact.order_line_id]
    if line.kind is not Kind.SOFTWARE or fact.allocated <= line.entitled:
        return Decision()
    lines[line.id] = replace(line, entitled=fact.allocated)
    followed_by = _follow(order, before, lines, held, cause)
    spent = recommitted(commanded_in(held), (order, list(before.values())), (order, list(lines.values())))
    return replace(followed_by, save=[*spent.values(), *followed_by.save])


def confirm(command: ConfirmService, held: Records, cause: Cause) -> Decision:
    """A service was rendered: it is done as goods are that arrived. No more is confirmed than is open."""
    order = order_named(held, command)
    _, lines = _counted(order.id, held)
    before = dict(lines)
    line = lines.get(command.order_line_id)
    if line is None:
        message = f"Order {order.requisition_number} has no line {command.order_line_id}."
        raise Rejection("order_line_unknown", field="order_line_id", message=message)
    if line.kind is not Kind.SERVICE:
        message = f"{line.name} is {line.kind}: only a service is confirmed."
        raise Rejection("kind_not_confirmed", field="order_line_id", message=message)
    if order.status in UNSUBMITTED:
        message = f"Order {order.requisition_number} is {order.status}: nothing of it can have been rendered."
        raise Rejection("order_not_submitted", field="order_id", message=message)
    quantity = command.quantity or line.open
    if not quantity or quantity > line.open:
        message = f"{quantity} of {line.name} would be confirmed but {line.open} are open."
        raise Rejection("confirmation_exceeds_open", field="quantity", message=message)
    line = lines[line.id] = replace(line, confirmed=line.confirmed + quantity)
    who = cause.actor.id or cause.sender
    confirmed = ServiceConfirmed(
        order_id=order.id,
        order_line_id=line.id,
        request_id=line.request_id,
        request_line_id=line.request_line_id,
        quantity=quantity,
        confirmed_by=who,
    )
    if who not in order.receivers and len(order.receivers) < RECEIVERS_MAX:
        order = replace(order, receivers=(*order.receivers, who))
    followed = _follow(order, before, lines, held, cause, first=[confirmed])
    answer = {
        "order_id": str(order.id),
        "order_line_id": str(line.id),
        "confirmed": line.confirmed,
        "open": line.open,
    }
    return replace(followed, answer=answer)


def _counted(order_id: UUID, held: Records) -> tuple[PurchaseOrder, Lines]:
    order = held[PurchaseOrder, order_id]
    return order, {line.id: line for line in lines_held(held, order)}


def _follow(
    order: PurchaseOrder,
    before: Mapping[UUID, OrderLine],
    lines: Lines,
    held: Records,
    cause: Cause,
    *,
    first: Sequence[Message] = (),
    reason: str = "",
) -> Decision:
    """The lines that changed with their order, and what is to be said about it."""
    known = held[PurchaseOrder, order.id]
    changed = [line for line in lines.values() if line is not before[line.id]]
    surplus = [
        SurplusFound(order_id=order.id, order_line_id=line.id, over=line.over)
        for line in changed
        if line.over > before[line.id].over
    ]
    order, said = followed(order, lines.values(), cause, policy_in(held))
    lost: list[Message] = []
    if reason and any(line.cancelled > before[line.id].cancelled for line in changed):
        lost.append(said_cancelled(order, lines.values(), reason))
    publish = [*first, *surplus, *lost, *said, *matching_again(order)]
    save: list[Record] = [order] if publish or order != known else []
    return Decision(save=[*save, *changed], publish=publish)


def followed(
    order: PurchaseOrder, lines: Iterable[OrderLine], cause: Cause, policy: PurchasingPolicy
) -> tuple[PurchaseOrder, list[Message]]:
    """The order in the status of its lines, and what is to be said about the change; one that waits goes on waiting.

    Once closed it stays so until something is open again. With an order that is closed or cancelled an amendment of it
    that waits is over, whoever or whatever ended the order.
    """
    if order.status in UNSUBMITTED:
        return order, []
    lines = tuple(lines)
    if any(line.asked or line.credited for line in lines):
        order = replace(order, expected_cost=expected_cost_of(order, lines))
    before, status = order.status, status_of(lines)
    said: list[Message] = []
    if status is not before and (before, status) != (Status.CLOSED, Status.RECEIVED):
        order = order.become(status, status_since=cause.at, closed_at=None)
        if status in (Status.RECEIVED, Status.PARTIALLY_RECEIVED):
            said.append(said_received(order))
        if before in (Status.RECEIVED, Status.CLOSED) and status is not Status.CANCELLED:
            said = [said_reopened(order)]
    if order.status is Status.RECEIVED and is_done(order, lines, policy):
        order = order.become(Status.CLOSED, status_since=cause.at, closed_at=cause.at)
        said.append(said_closed(order))
    if order.awaits and order.status in (Status.CLOSED, Status.CANCELLED):
        said.append(RecallOrder(order_id=order.id))
    return order, said


def is_done(order: PurchaseOrder, lines: Iterable[OrderLine], policy: PurchasingPolicy) -> bool:
    """Whether nothing more is to be done about an order that was received: it was closed by somebody, or all of it is
    invoiced, where invoices are used."""
    return order.short or not policy.uses_invoices or is_invoiced(order, lines)


def is_invoiced(order: PurchaseOrder, lines: Iterable[OrderLine]) -> bool:
    """Whether invoices bill all that was kept. What no line of theirs bills, and freight that is on none, is paid by
    those that say only a total, and by lines that name nothing of the order; what is billed too dear of one line does
    not pay for another. Where no line is billed at all they come to what all of it costs.
    """
    if not order.invoices:
        return False
    lines = tuple(lines)
    costs = sum(line.net_of(line.living, order.currency) for line in lines)
    if any(line.invoiced for line in lines):
        units = ((line, max(0, min(line.invoiced, line.living))) for line in lines)
        billed = sum(line.net_of(some, order.currency) for line, some in units)
        freight = max(Decimal(0), order.freight - order.invoiced_freight)
        return billed == costs or order.invoiced_beside_lines >= costs - billed + freight
    return order.invoiced_net >= costs + order.freight


def order_and_lines(fact: GoodsReceived | ReceiptReversed | GoodsReturned) -> Keys:
    """The order with all its lines; those that it is about must be known."""
    return (
        Key(PurchaseOrder, fact.order_id),
        Many(OrderLine, by="order_id", value=fact.order_id),
        *(Key(OrderLine, line.order_line_id) for line in fact.lines),
    )


def order_of_software(fact: EntitlementChanged) -> Keys:
    """The order with all its lines and its requests, because what is not given back is spent."""
    return whole_order(fact.order_id)


HANDLERS: Handlers = (
    Handler(on=GoodsReceived, holds=order_and_lines, reads=policy_held, early=Early.WAIT, decide=receive),
    Handler(on=ReceiptReversed, holds=order_and_lines, reads=policy_held, early=Early.WAIT, decide=take_back),
    Handler(on=GoodsReturned, holds=order_and_lines, reads=policy_held, early=Early.WAIT, decide=send_back),
    Handler(
        on=EntitlementChanged,
        holds=order_of_software,
        reads=policy_held,
        early=Early.WAIT,
        decide=software_stays,
    ),
    Handler(
        on=ConfirmService, holds=order_of, reads=policy_held, early=Early.WAIT_10_MINUTES, decide=confirm
    ),
)
