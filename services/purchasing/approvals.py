"""What becomes of orders that wait for an approval: each question is answered for itself, and the order is placed once
all of them are. An answer to what the order no longer is changes nothing.
"""

from collections.abc import Sequence
from dataclasses import replace
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
    NamedBy,
    Records,
    Rejection,
)
from libs.contracts.message import Message
from libs.contracts.orders import RecallOrder
from libs.contracts.requests import (
    ApproveOrder,
    ApproveSpending,
    CommandAnswered,
    OrderApproved,
    OrderRefused,
    SpendingApproved,
    SpendingRefused,
)
from services.purchasing import amendment
from services.purchasing.cancellation import called_off
from services.purchasing.catalog import Vendor
from services.purchasing.commitment import Commanded, RequestOrders, commanded_in, whole_order
from services.purchasing.order_facts import said_drafted
from services.purchasing.policy import policy_in
from services.purchasing.purchase_order import (
    OrderLine,
    PurchaseOrder,
    Status,
    as_named,
    lines_held,
    order_meant,
    order_named,
    order_of,
)
from services.purchasing.spending import (
    Placed,
    asking,
    missing_approvals,
    said_dropped,
    submitted,
    terms_held,
    terms_in,
)


def approve_spending(fact: SpendingApproved, held: Records, cause: Cause) -> Decision:
    """A request may cost what was asked for: the order is placed, if nobody else's answer is awaited.

    If others of the request were placed since, so that it is too much again, requests is asked again.
    """
    if waits := amendment.waiting_for(fact.order_id, fact.order_revision, fact.request_id, held):
        return amendment.granted(waits, fact.request_id, fact, held, cause)
    order, commanded = held[PurchaseOrder, fact.order_id], commanded_in(held)
    if not _waits_for(order, fact.request_id, fact.order_revision):
        return Decision()
    granted = commanded[fact.request_id]
    approved = max(granted.approved, fact.total.amount)
    commanded[granted.id] = replace(granted, approved=approved)
    return _granted(order, fact.request_id, commanded, {granted.id}, held, cause)


def approve_order(fact: OrderApproved, held: Records, cause: Cause) -> Decision:
    """The order may be placed though it is large, if nobody else's answer is awaited."""
    if waits := amendment.waiting_for(fact.order_id, fact.order_revision, fact.order_id, held):
        return amendment.granted(waits, fact.order_id, fact, held, cause)
    order = held[PurchaseOrder, fact.order_id]
    if not _waits_for(order, order.id, fact.order_revision):
        return Decision()
    return _granted(order, order.id, commanded_in(held), set(), held, cause)


def _granted(
    order: PurchaseOrder,
    by: UUID,
    commanded: Commanded,
    touched: set[UUID],
    held: Records,
    cause: Cause,
) -> Decision:
    """One of those who were asked has said yes. From whom nothing is bought by now, nothing is ordered after all."""
    lines = lines_held(held, order)
    order = replace(
        order,
        granted=(*order.granted, by),
        awaits=tuple(asked for asked in order.awaits if asked != by),
    )
    if order.awaits:
        placed = Placed(order, lines, {}, [said_drafted(order, lines)])
    elif unasked := missing_approvals(order, lines, commanded, terms_in(held).policy):
        placed = asking(replace(order, revision=order.revision + 1), lines, commanded, unasked, cause)
    elif not any(vendor.id == order.vendor_id and vendor.active for vendor in held.all(Vendor)):
        order = _drafted_again(order, cause)
        placed = Placed(order, lines, {}, [said_drafted(order, lines)])
    else:
        placed = submitted(order, lines, commanded, terms_in(held), cause)
    changed = {**{id: commanded[id] for id in touched}, **placed.commanded}
    return Decision(save=[*changed.values(), placed.order, *placed.lines], publish=placed.said)


def refuse_spending(fact: SpendingRefused, held: Records, cause: Cause) -> Decision:
    """The order must not be placed for the request: it is cancelled. What it brings for others is a draft again."""
    if waits := amendment.waiting_for(fact.order_id, fact.order_revision, fact.request_id, held):
        return amendment.refused(waits, fact.request_id, fact.reason, held, cause)
    order = held[PurchaseOrder, fact.order_id]
    if not _waits_for(order, fact.request_id, fact.order_revision):
        return Decision()
    lines = lines_held(held, order)
    of_others = any(line.request_id != fact.request_id and line.living for line in lines)
    only = {line.id for line in lines if line.request_id == fact.request_id} if of_others else None
    return _refused(order, lines, only, fact.reason, held, cause)


def refuse_order(fact: OrderRefused, held: Records, cause: Cause) -> Decision:
    """The order must not be placed at all: it is cancelled."""
    if waits := amendment.waiting_for(fact.order_id, fact.order_revision, fact.order_id, held):
        return amendment.refused(waits, fact.order_id, fact.reason, held, cause)
    order = held[PurchaseOrder, fact.order_id]
    if not _waits_for(order, order.id, fact.order_revision):
        return Decision()
    return _refused(order, lines_held(held, order), None, fact.reason, held, cause)


def _refused(
    order: PurchaseOrder,
    lines: Sequence[OrderLine],
    only: set[UUID] | None,
    reason: str,
    held: Records,
    cause: Cause,
) -> Decision:
    off = called_off(order, lines, reason, commanded_in(held), policy_in(held), cause, only=only)
    return Decision(save=[*off.commanded.values(), off.order, *off.lines], publish=off.said)


def answered(answer: CommandAnswered, held: Records, cause: Cause) -> Decision:
    """If requests would not even be asked, the orders are drafts again, and a person sees to them.

    If people are being asked about an order that waits for them no longer, because what became of it overtook the
    question, they need not answer.
    """
    if (opened := _opened(answer)) is not None:
        return _dropped_if_over(answer, *opened, held)
    if not _is_refusal(answer):
        return Decision()
    return Decision(
        publish=[
            RecallOrder(order_id=order.id)
            for order in held.all(PurchaseOrder)
            if answer.about in order.awaits
        ]
    )


def recall(command: RecallOrder, held: Records, cause: Cause) -> Decision:
    """What waits for an approval is a draft again, and an amendment that does is dropped; an answer that still comes
    changes nothing. What we tell ourselves may find nothing that waits."""
    order = order_named(held, command)
    for waits in held.all(
        amendment.OrderAmendment, order_id=order.id, status=amendment.AmendmentStatus.WAITING
    ):
        dropped = amendment.refused(waits, None, "It was recalled, or nobody can be asked.", held, cause)
        return replace(dropped, answer=as_named(order))
    if order.status is Status.DRAFT:
        return Decision(duplicate=True, answer=as_named(order))
    if order.status is not Status.AWAITING_APPROVAL:
        if cause.sender == command.owner():
            return Decision(answer=as_named(order))
        message = f"Order {order.requisition_number} is {order.status} and waits for no approval."
        raise Rejection("order_not_draft", field="order_id", message=message)
    lines = lines_held(held, order)
    order = _drafted_again(order, cause)
    return Decision(save=[order], publish=[said_drafted(order, lines)], answer=as_named(order))


def _drafted_again(order: PurchaseOrder, cause: Cause) -> PurchaseOrder:
    return order.become(
        Status.DRAFT, status_since=cause.at, revision=order.revision + 1, awaits=(), granted=()
    )


def _opened(answer: CommandAnswered) -> tuple[UUID, int] | None:
    """The order, and its revision, that people are asked about now."""
    ended = answer.original or answer.outcome
    if answer.command_type not in (ApproveSpending.type, ApproveOrder.type) or ended != "accepted":
        return None
    result = answer.result
    if result.get("round_status") != "open" or "order_id" not in result:
        return None
    return UUID(str(result["order_id"])), int(str(result["order_revision"]))


def _dropped_if_over(answer: CommandAnswered, order_id: UUID, revision: int, held: Records) -> Decision:
    order = held.find(PurchaseOrder, order_id)
    if order is None or (order.status is Status.AWAITING_APPROVAL and order.revision == revision):
        return Decision()
    asked = order.id if answer.command_type == ApproveOrder.type else answer.about
    if asked is not None and amendment.waiting_for(order_id, revision, asked, held):
        return Decision()
    request_id = answer.about if answer.command_type == ApproveSpending.type else None
    record = held.find(amendment.OrderAmendment, amendment.order_amendment_id(order_id, revision))
    why = amendment.why_dropped(record) if record is not None else None
    dropped: Message = said_dropped(order, request_id, revision, why)
    return Decision(save=[order], publish=[dropped])


def _waits_for(order: PurchaseOrder, whom: UUID, revision: int) -> bool:
    """Whether the order still is what was asked about, and nobody answered yet."""
    waits = order.status is Status.AWAITING_APPROVAL and order.revision == revision
    return waits and whom in order.awaits


def _is_refusal(answer: CommandAnswered) -> bool:
    """Whether requests would not look at the question; a later one about the same order is still being looked at."""
    ended = answer.original or answer.outcome
    if answer.command_type not in (ApproveSpending.type, ApproveOrder.type):
        return False
    return ended == "rejected" and answer.code != "order_revision_outdated" and answer.about is not None


# What each message needs


def asked_about(fact: SpendingApproved | SpendingRefused) -> Keys:
    """The order in question with the requests that it serves."""
    return (
        *whole_order(fact.order_id),
        Key(RequestOrders, fact.request_id),
        *amendment.asked_about(fact.order_id, fact.order_revision),
    )


def large_order(fact: OrderApproved | OrderRefused) -> Keys:
    """The order in question with the requests that it serves."""
    return (*whole_order(fact.order_id), *amendment.asked_about(fact.order_id, fact.order_revision))


def read_for_answer(fact: SpendingApproved | OrderApproved) -> Keys:
    """The policy, the exchange rates, and what an amendment that was asked about looks at."""
    return (*terms_held(fact), *amendment.read_about(fact.order_id, fact.order_revision))


def orders_answered(answer: CommandAnswered) -> Keys:
    """The order that people are asked about, or those that wait, if requests refused to ask them."""
    if (opened := _opened(answer)) is not None:
        return (Key(PurchaseOrder, opened[0], may_be_new=True), *amendment.asked_about(*opened))
    if not _is_refusal(answer) or answer.about is None:
        return ()
    if answer.command_type == ApproveOrder.type:
        return (Key(PurchaseOrder, answer.about, may_be_new=True),)
    return (
        Key(RequestOrders, answer.about, may_be_new=True),
        Many(PurchaseOrder, by="request_id", value=answer.about),
        NamedBy(PurchaseOrder, by=RequestOrders, id=answer.about, ids=lambda commanded: commanded.elsewhere),
    )


def order_and_amendment(command: RecallOrder) -> Keys:
    """The order with its lines, and an amendment of it that waits."""
    return (*order_of(command), amendment.waiting_of(order_meant(command)))


HANDLERS: Handlers = (
    Handler(
        on=SpendingApproved,
        holds=asked_about,
        reads=read_for_answer,
        early=Early.WAIT,
        decide=approve_spending,
    ),
    Handler(
        on=SpendingRefused, holds=asked_about, reads=terms_held, early=Early.WAIT, decide=refuse_spending
    ),
    Handler(
        on=OrderApproved, holds=large_order, reads=read_for_answer, early=Early.WAIT, decide=approve_order
    ),
    Handler(on=OrderRefused, holds=large_order, reads=terms_held, early=Early.WAIT, decide=refuse_order),
    Handler(on=CommandAnswered, holds=orders_answered, decide=answered),
    Handler(on=RecallOrder, holds=order_and_amendment, early=Early.WAIT_10_MINUTES, decide=recall),
)
