"""The workflow that brings an approved request to those it is for: ordering, following the orders, stopping them.

It gives commands to purchasing and assets and follows what they and receiving say. Their facts arrive in any
order and are never refused; each is recorded as a step and moves the counters of its lines. What happens with
what has arrived is told in `handover`; the stages and the memory are in `process`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

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
from libs.contracts import assets, purchasing
from libs.contracts.message import Answered
from libs.contracts.receiving import GoodsReceived
from libs.contracts.requests import (
    FulfilmentStuck,
)
from libs.contracts.values import AssetCreation, Kind
from services.requests.handover import names_of, units_of, whole_of
from services.requests.process import (
    CREATE_ORDER,
    DEADLINE,
    FulfilmentProcess,
    Lines,
    OrderNotSubmitted,
    ProcessLine,
    ProcessStep,
    Stage,
    lines_of,
    stage_of,
    taken,
)
from services.requests.purchase_request import PurchaseRequest, RequestLine

ORDER_WITHIN = timedelta(hours=1)
NAMES_SHOWN = 5

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


def order_drafted(fact: purchasing.OrderDrafted, held: Records, cause: Cause) -> Decision:
    """An order waits for its vendor and prices, or for another approval."""
    if fact.request_id is None:
        return Decision()
    what = "the approval of its price" if fact.status == "awaiting_approval" else "vendor and prices"
    return taken(fact, fact.request_id, held, cause, f"{fact.requisition_number} waits for {what}")


def order_submitted(fact: purchasing.OrderSubmitted, held: Records, cause: Cause) -> Decision:
    """An order went to its vendor: its units are on the way."""
    if fact.request_id is None:
        return Decision()
    lines = lines_of(fact.request_id, held)
    for ordered in fact.lines:
        if (line := lines.get(ordered.request_line_id)) is not None:
            tracked = ordered.asset_creation is not AssetCreation.NEVER or ordered.kind is Kind.SOFTWARE
            lines[line.id] = replace(
                line, ordered=line.ordered + ordered.quantity, makes_assets=line.makes_assets and tracked
            )
    units = units_of(sum(ordered.quantity for ordered in fact.lines))
    summary = f"{fact.requisition_number} submitted to {fact.vendor_name}: {units}"
    return taken(fact, fact.request_id, held, cause, summary, lines)


def order_cancelled(fact: purchasing.OrderCancelled, held: Records, cause: Cause) -> Decision:
    """What was open of an order will not come."""
    if fact.request_id is None:
        return Decision()
    lines = lines_of(fact.request_id, held)
    for cancelled in fact.lines:
        if (line := lines.get(cancelled.request_line_id)) is not None:
            lines[line.id] = replace(line, asked=max(line.asked, cancelled.cancelled))
    units = units_of(sum(cancelled.cancelled for cancelled in fact.lines))
    summary = f"{fact.requisition_number} cancelled, {units} will not come: {fact.reason}"
    return taken(fact, fact.request_id, held, cause, summary, lines, reason=fact.reason)


def goods_received(fact: GoodsReceived, held: Records, cause: Cause) -> Decision:
    """Goods were taken at the dock. Rejected ones are still to come."""
    if fact.request_id is None:
        return Decision()
    lines = lines_of(fact.request_id, held)
    for received in fact.lines:
        if (line := lines.get(received.request_line_id)) is not None:
            lines[line.id] = replace(line, received=line.received + received.accepted)
    accepted = sum(line.accepted for line in fact.lines)
    rejected = sum(line.rejected for line in fact.lines)
    also = f", {rejected} rejected" if rejected else ""
    summary = f"{fact.receipt_number}: {units_of(accepted)} accepted{also} by {fact.received_by}"
    return taken(fact, fact.request_id, held, cause, summary, lines)


def service_confirmed(fact: purchasing.ServiceConfirmed, held: Records, cause: Cause) -> Decision:
    """Somebody confirmed that a service was rendered; nothing of it is handed over."""
    if fact.request_id is None:
        return Decision()
    lines = lines_of(fact.request_id, held)
    if (line := lines.get(fact.request_line_id)) is not None:
        lines[line.id] = replace(line, received=line.received + fact.quantity)
    summary = f"{units_of(fact.quantity)} of a service confirmed by {fact.confirmed_by}"
    return taken(fact, fact.request_id, held, cause, summary, lines)


def order_received(fact: purchasing.OrderReceived, held: Records, cause: Cause) -> Decision:
    """Nothing more is owed on an order."""
    if fact.request_id is None:
        return Decision()
    return taken(fact, fact.request_id, held, cause, f"{fact.requisition_number} completely received")


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
        nothing_there = answer.command_type == CANCEL_ORDER and process.refused == CREATE_ORDER
        return taken(
            answer,
            answer.about,
            held,
            cause,
            summary,
            _none_to_come(lines) if nothing_there else lines,
            reason=process.problem or "",
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
    return taken(
        answer,
        answer.about,
        held,
        cause,
        summary,
        lines,
        process=process,
        facts=[stuck],
    )


def _is_refusal(answer: Answered) -> bool:
    return (answer.original or answer.outcome) == "rejected"


def _none_to_come(lines: Lines) -> Lines:
    return {key: replace(line, asked=max(line.asked, line.wanted)) for key, line in lines.items()}


def _numbers_in(result: Mapping[str, object]) -> str:
    orders = result.get("orders")
    if not isinstance(orders, list):
        return ""
    numbers = [str(order["requisition_number"]) for order in orders if "requisition_number" in order]
    return f": {names_of(numbers)}" if numbers else ""


# What each message needs


def process_of(message: purchasing.OrderDrafted | purchasing.OrderReceived) -> Keys:
    """Only the process: the message moves no counter."""
    return (Key(FulfilmentProcess, message.request_id),) if message.request_id else ()


def whole(
    message: purchasing.OrderSubmitted
    | purchasing.OrderCancelled
    | purchasing.ServiceConfirmed
    | GoodsReceived,
) -> Keys:
    """The request, its process and all its lines."""
    return whole_of(message.request_id) if message.request_id else ()


def answered_process(answer: Answered) -> Keys:
    """The process that gave the command, with all that may follow from the answer."""
    return whole_of(answer.about) if answer.about else ()


HANDLERS: Handlers = (
    Handler(on=purchasing.OrderDrafted, holds=process_of, early=Early.WAIT, decide=order_drafted),
    Handler(on=purchasing.OrderSubmitted, holds=whole, early=Early.WAIT, decide=order_submitted),
    Handler(on=purchasing.OrderCancelled, holds=whole, early=Early.WAIT, decide=order_cancelled),
    Handler(on=GoodsReceived, holds=whole, early=Early.WAIT, decide=goods_received),
    Handler(on=purchasing.ServiceConfirmed, holds=whole, early=Early.WAIT, decide=service_confirmed),
    Handler(on=purchasing.OrderReceived, holds=process_of, early=Early.WAIT, decide=order_received),
    Handler(on=purchasing.CommandAnswered, holds=answered_process, early=Early.WAIT, decide=command_answered),
    Handler(on=assets.CommandAnswered, holds=answered_process, early=Early.WAIT, decide=command_answered),
)
