"""The workflow that brings an approved request to those it is for: ordering, following the orders, stopping them.

It gives commands to purchasing and assets and follows what they and receiving say. Their facts arrive in any
order and are never refused; each is recorded as a step and moves the counters of its lines. What happens with
what has arrived is told in `handover`; the stages and the memory are in `process`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from libs.chassis.decision import (
    Cause,
    Decision,
    Early,
    Handler,
    Handlers,
    Key,
    Keys,
    Records,
    Timer,
)
from libs.contracts import assets, orders, purchasing
from libs.contracts.message import Answered
from libs.contracts.receiving import GoodsReceived, GoodsReturned, ReceiptReversed
from libs.contracts.requests import (
    FulfilmentStuck,
)
from libs.contracts.values import AssetCreation, Kind
from services.requests import order_approval
from services.requests.concerned import News, OrderFact, concerned, for_each, mine, shares_of
from services.requests.handover import whole_of
from services.requests.process import (
    CREATE_ORDER,
    DEADLINE,
    FulfilmentProcess,
    Lines,
    OrderNotSubmitted,
    ProcessStep,
    Stage,
    lines_of,
    names_of,
    stage_of,
    taken,
    units_of,
)
from services.requests.process_line import NO_ORDER, ProcessLine
from services.requests.purchase_request import PurchaseRequest, RequestLine
from services.requests.taken_back import freed_by, what_was_issued

ORDER_WITHIN = timedelta(hours=1)

CANCEL_ORDER = purchasing.CancelOrder.type


def start(
    request: PurchaseRequest, lines: Sequence[RequestLine], *, approved_by: tuple[str, ...], cause: Cause
) -> Decision:
    """Begin with an approved request: have purchasing order all of it, within what was approved."""
    approvers = f"by {', '.join(approved_by)}" if approved_by else "at once by policy"
    told = units_of(sum(line.quantity for line in lines))
    step = ProcessStep(
        id=cause.id("process_step"),
        request_id=request.id,
        number=1,
        message_type=CREATE_ORDER,
        message_id=cause.message_id,
        at=cause.at,
        summary=f"{request.number} approved {approvers}; purchasing was told to order {told}",
    )
    process = FulfilmentProcess(id=request.id, steps=1, started_at=cause.at, stage_since=cause.at)
    progress = [
        ProcessLine(
            id=line.id,
            request_id=request.id,
            wanted=line.quantity,
            kind=line.kind,
            destination_kind=line.destination_kind,
            destination_name=line.destination_name,
        )
        for line in lines
    ]
    overdue = OrderNotSubmitted(request_id=request.id)
    return Decision(
        save=[process, *progress, step],
        publish=[to_order(request, lines)],
        schedule=[Timer(of=request.id, name=DEADLINE, due_at=cause.at + ORDER_WITHIN, message=overdue)],
    )


def to_order(request: PurchaseRequest, lines: Sequence[RequestLine]) -> purchasing.CreateOrder:
    """The one command to order what was approved."""
    assert request.deliver_to is not None  # it has content
    return purchasing.CreateOrder(
        request_id=request.id,
        request_number=request.number,
        requester=request.requester,
        deliver_to=request.deliver_to,
        approved_total=request.money,
        lines=tuple(
            purchasing.LineToOrder(
                request_line_id=line.id,
                sku=line.sku,
                name=None if line.sku else line.name,
                kind=None if line.sku else line.kind,
                quantity=line.quantity,
                approved_unit_price=line.unit_price,
                vendor_number=line.vendor if line.vendor_named else None,
                destination=line.destination,
            )
            for line in lines
        ),
    )


# What purchasing and receiving say


def order_drafted(fact: purchasing.OrderDrafted, request_id: UUID, held: Records, cause: Cause) -> Decision:
    """An order waits for its vendor and prices, or for another approval."""
    what = "an approval" if fact.status == "awaiting_approval" else "vendor and prices"
    return taken(fact, request_id, held, cause, f"{fact.requisition_number} waits for {what}")


def order_submitted(
    fact: purchasing.OrderSubmitted, request_id: UUID, held: Records, cause: Cause
) -> Decision:
    """An order went to its vendor: its units are on the way."""
    lines, ordered = lines_of(request_id, held), mine(fact.lines, fact, request_id)
    for each, line, share in shares_of(lines, ordered):
        share = share.on_order(each.quantity, tracked=_is_tracked(each))
        lines[line.id] = line.with_share(each.order_line_id, share)
    units = units_of(sum(each.quantity for each in ordered))
    summary = f"{fact.requisition_number} submitted to {fact.vendor_name}: {units}"
    return taken(fact, request_id, held, cause, summary, lines)


def order_amended(fact: purchasing.OrderAmended, request_id: UUID, held: Records, cause: Cause) -> Decision:
    """A submitted order was changed. Units that were taken off it will not come, until an amendment adds them again;
    what comes beyond what the request wanted is surplus, and stays in stock."""
    lines, amended = lines_of(request_id, held), mine(fact.lines, fact, request_id)
    added = mine(fact.added, fact, request_id)
    for each, line, share in shares_of(lines, amended):
        share = share.to_be_cancelled(each.asked).amended_to(each.quantity, fact.amendment)
        lines[line.id] = line.with_share(each.order_line_id, share)
    for new, line, share in shares_of(lines, added):
        share = share.on_order(0, tracked=_is_tracked(new)).amended_to(new.quantity, fact.amendment)
        lines[line.id] = line.with_share(new.order_line_id, share)
    changes = [
        f"{units_of(each.quantity)} instead of {each.quantity_before}"
        for each in amended
        if each.quantity != each.quantity_before
    ]
    changes += [f"{units_of(new.quantity)} more" for new in added]
    what = ", ".join(changes) or "no quantities"
    because = f": {fact.reason}" if fact.reason else ""
    summary = f"{fact.requisition_number} amended by {fact.amended_by} ({what}){because}"
    return taken(fact, request_id, held, cause, summary, lines, reason=fact.reason or summary)


def amendment_awaited(
    fact: orders.AmendmentAwaited, request_id: UUID, held: Records, cause: Cause
) -> Decision:
    """A submitted order is to be changed, and waits for those who must approve that."""
    because = f": {fact.reason}" if fact.reason else ""
    summary = (
        f"{fact.requisition_number} is to be amended by {fact.amended_by}, and waits for an approval{because}"
    )
    return taken(fact, request_id, held, cause, summary)


def amendment_refused(
    fact: orders.AmendmentRefused, request_id: UUID, held: Records, cause: Cause
) -> Decision:
    """A submitted order stays as it is."""
    summary = f"{fact.requisition_number} is not amended: {fact.reason}"
    return taken(fact, request_id, held, cause, summary)


def order_cancelled(
    fact: purchasing.OrderCancelled, request_id: UUID, held: Records, cause: Cause
) -> Decision:
    """What was open of an order will not come."""
    lines, cancelled = lines_of(request_id, held), mine(fact.lines, fact, request_id)
    for each, line, share in shares_of(lines, cancelled):
        asked = each.cancelled if each.asked is None else each.asked
        share = share.to_be_cancelled(asked)
        lines[line.id] = line.with_share(each.order_line_id, share)
    units = sum(each.cancelled for each in cancelled)
    lost = f", {units_of(units)} will not come" if units else ""
    summary = f"{fact.requisition_number} cancelled{lost}: {fact.reason}"
    return taken(fact, request_id, held, cause, summary, lines, reason=fact.reason)


def goods_received(fact: GoodsReceived, request_id: UUID, held: Records, cause: Cause) -> Decision:
    """Goods were taken at the dock. Rejected ones are still to come."""
    lines, received = lines_of(request_id, held), mine(fact.lines, fact, request_id)
    for each, line, share in shares_of(lines, received):
        lines[line.id] = line.with_share(each.order_line_id, share.received_more(each.accepted))
    accepted = sum(each.accepted for each in received)
    rejected = sum(each.rejected for each in received)
    also = f", {rejected} rejected" if rejected else ""
    summary = f"{fact.receipt_number}: {units_of(accepted)} accepted{also} by {fact.received_by}"
    return taken(fact, request_id, held, cause, summary, lines)


def receipt_reversed(fact: ReceiptReversed, request_id: UUID, held: Records, cause: Cause) -> Decision:
    """A receipt was a mistake: what it brought is to come again."""
    lines, taken_back = lines_of(request_id, held), mine(fact.lines, fact, request_id)
    for each, line, share in shares_of(lines, taken_back):
        lines[line.id] = line.with_share(each.order_line_id, share.received_more(-each.accepted))
    units = units_of(sum(each.accepted for each in taken_back))
    summary = f"{fact.receipt_number}: {units} taken back by {fact.reversed_by}: {fact.reason}"
    return taken(fact, request_id, held, cause, summary, lines, reason=fact.reason)


def goods_returned(fact: GoodsReturned, request_id: UUID, held: Records, cause: Cause) -> Decision:
    """Goods went back to the vendor: a replacement is to come; what is credited is wanted no more."""
    lines, returned = lines_of(request_id, held), mine(fact.lines, fact, request_id)
    for each, line, share in shares_of(lines, returned):
        share = share.received_more(-each.quantity)
        share = replace(share, credited=share.credited + (each.credited or 0))
        lines[line.id] = line.with_share(each.order_line_id, share)
    units = units_of(sum(each.quantity for each in returned))
    summary = f"{units} sent back by {fact.returned_by} for {fact.purpose}: {fact.reason}"
    return taken(fact, request_id, held, cause, summary, lines, reason=fact.reason)


def service_confirmed(fact: purchasing.ServiceConfirmed, held: Records, cause: Cause) -> Decision:
    """Somebody confirmed that a service was rendered; nothing of it is handed over."""
    if fact.request_id is None:
        return Decision()
    lines = lines_of(fact.request_id, held)
    for each, line, share in shares_of(lines, [fact]):
        lines[line.id] = line.with_share(each.order_line_id, share.received_more(each.quantity))
    summary = f"{units_of(fact.quantity)} of a service confirmed by {fact.confirmed_by}"
    return taken(fact, fact.request_id, held, cause, summary, lines)


def order_received(fact: purchasing.OrderReceived, request_id: UUID, held: Records, cause: Cause) -> Decision:
    """Nothing more is owed on an order."""
    return taken(fact, request_id, held, cause, f"{fact.requisition_number} completely received")


def nobody_asked(
    fact: purchasing.OrderSubmitted | purchasing.OrderAmended, held: Records, cause: Cause
) -> Decision:
    """The order stands as it is: whether it may be placed so is no question any more."""
    return order_approval.placed(fact.order_id, fact.order_revision, fact.requisition_number, held, cause)


def _is_tracked(line: purchasing.OrderedLine) -> bool:
    """Whether arriving is not all that happens to it."""
    return line.asset_creation is not AssetCreation.NEVER or line.kind is Kind.SOFTWARE


# Answers to our commands


def command_answered(answer: Answered, held: Records, cause: Cause) -> Decision:
    """A command of ours was obeyed or refused. After a refusal a person must retry or cancel.

    But what was cancelled before it was ordered will simply not come, and neither will what purchasing has refused
    to order when it is told to cancel it.
    """
    if answer.about is None:
        return Decision()
    process: FulfilmentProcess = held[FulfilmentProcess, answer.about]
    before = process.stage
    lines = lines_of(answer.about, held)
    if not _is_refusal(answer):
        summary = f"{answer.command_type} {answer.outcome}{_numbers_in(answer.result)}"
        freed = freed_by(answer, lines, held)
        nothing_there = answer.command_type == CANCEL_ORDER and process.refused == CREATE_ORDER
        return taken(
            answer,
            answer.about,
            held,
            cause,
            summary,
            _none_to_come(lines) if nothing_there else lines,
            reason=process.problem or "",
            save=freed.units,
            publish=freed.commands,
        )
    summary = f"{answer.command_type} refused ({answer.code}): {answer.message}"
    process = replace(process, refusals=process.refusals + 1)
    if answer.command_type == CREATE_ORDER and (process.cancelling or answer.code == "order_cancelled"):
        process = replace(process, refused=None, problem=None)
        reason = answer.message or "cancelled"
        return taken(
            answer, answer.about, held, cause, summary, _none_to_come(lines), process=process, reason=reason
        )
    process = replace(process, refused=answer.command_type, problem=answer.message or answer.code)
    if before is Stage.STUCK or stage_of(process, lines.values()) is not Stage.STUCK:
        return taken(answer, answer.about, held, cause, summary, lines, process=process)
    request: PurchaseRequest = held[PurchaseRequest, answer.about]
    stuck = FulfilmentStuck(
        request_id=request.id,
        number=request.number,
        command_type=answer.command_type,
        code=answer.code or "",
        message=answer.message or "",
    )
    return taken(answer, answer.about, held, cause, summary, lines, process=process, facts=[stuck])


def _is_refusal(answer: Answered) -> bool:
    return (answer.original or answer.outcome) == "rejected"


def _none_to_come(lines: Lines) -> Lines:
    return {
        key: line.with_share(NO_ORDER, line.share(NO_ORDER).to_be_cancelled(line.wanted))
        for key, line in lines.items()
    }


def _numbers_in(result: Mapping[str, object]) -> str:
    orders = result.get("orders")
    if not isinstance(orders, list):
        return ""
    numbers = [str(order["requisition_number"]) for order in orders if "requisition_number" in order]
    return f": {names_of(numbers)}" if numbers else ""


# What each message needs


def process_only(fact: News) -> Keys:
    """Only the processes: the message moves no counter."""
    return [Key(FulfilmentProcess, request_id) for request_id in concerned(fact)]


def whole(fact: OrderFact) -> Keys:
    """Every request that it concerns, its process and all its lines."""
    return [key for request_id in concerned(fact) for key in whole_of(request_id)]


def whole_and_question(fact: purchasing.OrderSubmitted | purchasing.OrderAmended) -> Keys:
    """Also the order, if people were asked about it."""
    return (*whole(fact), *order_approval.order_and_rounds(fact.order_id))


def of_service(fact: purchasing.ServiceConfirmed) -> Keys:
    """The request, its process and all its lines."""
    return whole_of(fact.request_id) if fact.request_id else ()


def answered_process(answer: Answered) -> Keys:
    """The process that gave the command, with all that may follow from the answer."""
    return (*whole_of(answer.about), *what_was_issued(answer)) if answer.about else ()


HANDLERS: Handlers = (
    Handler(on=purchasing.OrderDrafted, holds=process_only, early=Early.WAIT, decide=for_each(order_drafted)),
    Handler(
        on=purchasing.OrderSubmitted,
        holds=whole_and_question,
        early=Early.WAIT,
        decide=for_each(order_submitted, nobody_asked),
    ),
    Handler(
        on=purchasing.OrderAmended,
        holds=whole_and_question,
        early=Early.WAIT,
        decide=for_each(order_amended, nobody_asked),
    ),
    Handler(
        on=orders.AmendmentAwaited,
        holds=process_only,
        early=Early.WAIT,
        decide=for_each(amendment_awaited),
    ),
    Handler(
        on=orders.AmendmentRefused,
        holds=process_only,
        early=Early.WAIT,
        decide=for_each(amendment_refused),
    ),
    Handler(on=purchasing.OrderCancelled, holds=whole, early=Early.WAIT, decide=for_each(order_cancelled)),
    Handler(on=GoodsReceived, holds=whole, early=Early.WAIT, decide=for_each(goods_received)),
    Handler(on=ReceiptReversed, holds=whole, early=Early.WAIT, decide=for_each(receipt_reversed)),
    Handler(on=GoodsReturned, holds=whole, early=Early.WAIT, decide=for_each(goods_returned)),
    Handler(on=purchasing.ServiceConfirmed, holds=of_service, early=Early.WAIT, decide=service_confirmed),
    Handler(
        on=purchasing.OrderReceived, holds=process_only, early=Early.WAIT, decide=for_each(order_received)
    ),
    Handler(on=purchasing.CommandAnswered, holds=answered_process, early=Early.WAIT, decide=command_answered),
    Handler(on=assets.CommandAnswered, holds=answered_process, early=Early.WAIT, decide=command_answered),
)
