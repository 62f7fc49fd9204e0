"""The workflow that brings an approved request to an asset in somebody's hands.

It gives commands to purchasing and assets and follows what they and receiving say. Their facts arrive in any
order and are never refused; each is recorded as a step and moves the counters of its lines, and the request's
status follows.
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
    Many,
    Records,
    Timer,
)
from libs.contracts import assets, purchasing
from libs.contracts.message import Answered
from libs.contracts.receiving import GoodsReceived
from libs.contracts.values import AssetCreation, Kind
from services.requests.process import (
    DEADLINE,
    DeliveryOverdue,
    FulfilmentProcess,
    OrderNotSubmitted,
    ProcessLine,
    ProcessStep,
    ProcessUnit,
    UnitStatus,
    lines_of,
    taken,
)
from services.requests.purchase_request import PurchaseRequest, RequestLine

ORDER_WITHIN = timedelta(hours=1)
NAMES_SHOWN = 5

CREATE_ORDER = purchasing.CreateOrder.type


def start(
    request: PurchaseRequest, lines: Sequence[RequestLine], *, approved_by: tuple[str, ...], cause: Cause
) -> Decision:
    """Begin with an approved request: have purchasing order all of it, within what was approved."""
    order = purchasing.CreateOrder(
        request_id=request.id,
        request_number=request.number,
        requester=request.requester,
        deliver_to=request.deliver_to or "",
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
    approvers = f"by {', '.join(approved_by)}" if approved_by else "at once by policy"
    units = sum(line.quantity for line in lines)
    step = ProcessStep(
        id=cause.id("process_step"),
        request_id=request.id,
        number=1,
        message_type=CREATE_ORDER,
        message_id=cause.message_id,
        at=cause.at,
        summary=f"{request.number} approved {approvers}; purchasing was told to order {_units(units)}",
    )
    process = FulfilmentProcess(id=request.id, steps=1, started_at=cause.at)
    progress = [ProcessLine(id=line.id, request_id=request.id, wanted=line.quantity) for line in lines]
    overdue = OrderNotSubmitted(request_id=request.id)
    return Decision(
        save=[process, *progress, step],
        publish=[order],
        schedule=[Timer(of=request.id, name=DEADLINE, due_at=cause.at + ORDER_WITHIN, message=overdue)],
    )


# What happens, and what follows from it


def order_submitted(fact: purchasing.OrderSubmitted, held: Records, cause: Cause) -> Decision:
    """An order went to its vendor: its units are on the way."""
    if fact.request_id is None:
        return Decision()
    lines = lines_of(fact.request_id, held)
    for ordered in fact.lines:
        if (line := lines.get(ordered.request_line_id)) is not None:
            makes_assets = ordered.kind is Kind.HARDWARE and ordered.asset_creation is not AssetCreation.NEVER
            lines[line.id] = replace(
                line, ordered=line.ordered + ordered.quantity, makes_assets=line.makes_assets and makes_assets
            )
    units = _units(sum(ordered.quantity for ordered in fact.lines))
    return taken(
        fact,
        fact.request_id,
        held,
        cause,
        f"{fact.requisition_number} submitted to {fact.vendor_name}: {units}",
        lines,
    )


def order_cancelled(fact: purchasing.OrderCancelled, held: Records, cause: Cause) -> Decision:
    """What was open of an order will not come."""
    if fact.request_id is None:
        return Decision()
    lines = lines_of(fact.request_id, held)
    for cancelled in fact.lines:
        if (line := lines.get(cancelled.request_line_id)) is not None:
            lines[line.id] = replace(line, asked=max(line.asked, cancelled.cancelled))
    units = _units(sum(cancelled.cancelled for cancelled in fact.lines))
    return taken(
        fact,
        fact.request_id,
        held,
        cause,
        f"{fact.requisition_number} cancelled, {units} will not come: {fact.reason}",
        lines,
        reason=fact.reason,
    )


def templates_created(fact: assets.TemplateAssetsCreated, held: Records, cause: Cause) -> Decision:
    """The ordered units have their tags: labels can be printed."""
    if fact.request_id is None:
        return Decision()
    tags = _names([unit.tag for unit in fact.assets])
    return taken(fact, fact.request_id, held, cause, f"template assets created: {tags}")


def goods_received(fact: GoodsReceived, held: Records, cause: Cause) -> Decision:
    """Goods were taken at the dock. Rejected ones are still to come."""
    if fact.request_id is None:
        return Decision()
    lines = lines_of(fact.request_id, held)
    for received in fact.lines:
        if (line := lines.get(received.request_line_id)) is not None:
            lines[line.id] = replace(line, received=line.received + received.accepted)
    accepted, rejected = (
        sum(line.accepted for line in fact.lines),
        sum(line.rejected for line in fact.lines),
    )
    also = f", {rejected} rejected" if rejected else ""
    return taken(
        fact,
        fact.request_id,
        held,
        cause,
        f"{fact.receipt_number}: {_units(accepted)} accepted{also} by {fact.received_by}",
        lines,
    )


def assets_received(fact: assets.AssetsReceived, held: Records, cause: Cause) -> Decision:
    """Units are in stock: have them assigned to whom they are for. More than was wanted stays in stock."""
    if fact.request_id is None:
        return Decision()
    tags = _names([unit.tag for unit in fact.assets])
    lines = lines_of(fact.request_id, held)
    line = lines.get(fact.request_line_id)
    if line is None:
        return taken(fact, fact.request_id, held, cause, f"in stock, for no line of the request: {tags}")
    units: list[ProcessUnit] = []
    to_assign: list[UUID] = []
    for stocked in fact.assets:
        known = held.find(ProcessUnit, stocked.asset_id)
        if known is None:
            claims = line.claimed < line.wanted
            status = UnitStatus.BEING_ASSIGNED if claims else UnitStatus.IN_STOCK
            known = ProcessUnit(id=stocked.asset_id, request_id=fact.request_id, status=status)
            if claims:
                to_assign.append(known.id)
                line = replace(line, claimed=line.claimed + 1)
        elif known.line_id is None:
            line = replace(line, claimed=line.claimed + 1, assigned=line.assigned + 1)
        units.append(replace(known, line_id=line.id, tag=stocked.tag, serial=stocked.serial))
    lines[line.id] = line
    if not to_assign:
        return taken(fact, fact.request_id, held, cause, f"in stock: {tags}", lines, save=units)
    person = held[PurchaseRequest, fact.request_id].receiver
    return taken(
        fact,
        fact.request_id,
        held,
        cause,
        f"in stock: {tags}; assets was told to assign {_units(len(to_assign))} to {person}",
        lines,
        save=units,
        publish=[assets.AssignAssets(person=person, request_id=fact.request_id, asset_ids=tuple(to_assign))],
    )


def assets_assigned(fact: assets.AssetsAssigned, held: Records, cause: Cause) -> Decision:
    """Units are in somebody's hands. Once all are, the request is fulfilled."""
    if fact.request_id is None:
        return Decision()
    lines = lines_of(fact.request_id, held)
    units: list[ProcessUnit] = []
    for asset_id in fact.asset_ids:
        known = held.find(ProcessUnit, asset_id)
        if known is None:
            units.append(ProcessUnit(id=asset_id, request_id=fact.request_id, status=UnitStatus.ASSIGNED))
        elif known.status is not UnitStatus.ASSIGNED:
            units.append(known.become(UnitStatus.ASSIGNED))
            if (line := lines.get(known.line_id)) is not None:
                surplus = known.status is UnitStatus.IN_STOCK
                lines[line.id] = replace(line, assigned=line.assigned + 1, claimed=line.claimed + surplus)
    return taken(
        fact,
        fact.request_id,
        held,
        cause,
        f"{_units(len(fact.asset_ids))} assigned to {fact.person}",
        lines,
        save=units,
    )


def order_received(fact: purchasing.OrderReceived, held: Records, cause: Cause) -> Decision:
    """Nothing more is owed on an order."""
    if fact.request_id is None:
        return Decision()
    return taken(fact, fact.request_id, held, cause, f"{fact.requisition_number} completely received")


def command_answered(answer: Answered, held: Records, cause: Cause) -> Decision:
    """A command of ours was obeyed or refused.

    A refused order cancels the request; after any other refusal the process waits for a person.
    """
    if answer.about is None:
        return Decision()
    if not _is_refusal(answer):
        summary = f"{answer.command_type} {answer.outcome}{_numbers_in(answer.result)}"
        return taken(answer, answer.about, held, cause, summary)
    summary = f"{answer.command_type} refused ({answer.code}): {answer.message}"
    if answer.command_type != CREATE_ORDER:
        return taken(answer, answer.about, held, cause, summary, refused=True)
    lines = lines_of(answer.about, held)
    for key, line in lines.items():
        lines[key] = replace(line, asked=max(line.asked, line.wanted))
    reason = answer.message or answer.code or "refused"
    return taken(answer, answer.about, held, cause, summary, lines, reason=reason, refused=True)


def deadline_passed(timer: OrderNotSubmitted | DeliveryOverdue, held: Records, cause: Cause) -> Decision:
    """Something should have happened by now. If it has not, the process counts it: somebody should look."""
    lines = held.all(ProcessLine, request_id=timer.request_id)
    late = isinstance(timer, DeliveryOverdue)
    behind = [line for line in lines if not (line.is_received if late else line.is_ordered)]
    if not behind:
        return Decision()
    what = "not completely received" if late else "not on a submitted order"
    summary = f"deadline passed: {len(behind)} of {len(lines)} line(s) {what}"
    return taken(timer, timer.request_id, held, cause, summary, overdue=True)


def _is_refusal(answer: Answered) -> bool:
    return (answer.original or answer.outcome) == "rejected"


def _units(quantity: int) -> str:
    return "1 unit" if quantity == 1 else f"{quantity} units"


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMES_SHOWN])
    return shown if len(names) <= NAMES_SHOWN else f"{shown} and {len(names) - NAMES_SHOWN} more"


def _numbers_in(result: Mapping[str, object]) -> str:
    orders = result.get("orders")
    if not isinstance(orders, list):
        return ""
    numbers = [str(order["requisition_number"]) for order in orders if "requisition_number" in order]
    return f": {_names(numbers)}" if numbers else ""


# What each message needs


def process_of(message: assets.TemplateAssetsCreated | purchasing.OrderReceived) -> Keys:
    """Only the process: the message moves no counter."""
    return (Key(FulfilmentProcess, message.request_id),) if message.request_id else ()


def whole(
    message: purchasing.OrderSubmitted | purchasing.OrderCancelled | GoodsReceived,
) -> Keys:
    """The request, its process and all its lines."""
    return _whole(message.request_id) if message.request_id else ()


def whole_with_stocked_units(fact: assets.AssetsReceived) -> Keys:
    """All of it, and the units."""
    if fact.request_id is None:
        return ()
    units = (Key(ProcessUnit, unit.asset_id, may_be_new=True) for unit in fact.assets)
    return (*_whole(fact.request_id), *units)


def whole_with_assigned_units(fact: assets.AssetsAssigned) -> Keys:
    """All of it, and the units."""
    if fact.request_id is None:
        return ()
    units = (Key(ProcessUnit, asset_id, may_be_new=True) for asset_id in fact.asset_ids)
    return (*_whole(fact.request_id), *units)


def answered_process(answer: Answered) -> Keys:
    """The process that gave the command; all of it if the command was refused."""
    if answer.about is None:
        return ()
    return _whole(answer.about) if _is_refusal(answer) else (Key(FulfilmentProcess, answer.about),)


def late_process(timer: OrderNotSubmitted | DeliveryOverdue) -> Keys:
    """The process and its lines."""
    return (
        Key(FulfilmentProcess, timer.request_id),
        Many(ProcessLine, by="request_id", value=timer.request_id),
    )


def _whole(request_id: UUID) -> tuple[Key | Many, ...]:
    return (
        Key(PurchaseRequest, request_id),
        Key(FulfilmentProcess, request_id),
        Many(ProcessLine, by="request_id", value=request_id),
    )


HANDLERS: Handlers = (
    Handler(on=purchasing.OrderSubmitted, holds=whole, early=Early.WAIT, decide=order_submitted),
    Handler(on=purchasing.OrderCancelled, holds=whole, early=Early.WAIT, decide=order_cancelled),
    Handler(on=assets.TemplateAssetsCreated, holds=process_of, early=Early.WAIT, decide=templates_created),
    Handler(on=GoodsReceived, holds=whole, early=Early.WAIT, decide=goods_received),
    Handler(
        on=assets.AssetsReceived,
        holds=whole_with_stocked_units,
        early=Early.WAIT,
        decide=assets_received,
        weight=lambda fact: len(fact.assets),
    ),
    Handler(
        on=assets.AssetsAssigned,
        holds=whole_with_assigned_units,
        early=Early.WAIT,
        decide=assets_assigned,
        weight=lambda fact: len(fact.asset_ids),
    ),
    Handler(on=purchasing.OrderReceived, holds=process_of, early=Early.WAIT, decide=order_received),
    Handler(on=purchasing.CommandAnswered, holds=answered_process, early=Early.WAIT, decide=command_answered),
    Handler(on=assets.CommandAnswered, holds=answered_process, early=Early.WAIT, decide=command_answered),
)

TIMER_HANDLERS: Handlers = (
    Handler(on=OrderNotSubmitted, holds=late_process, decide=deadline_passed),
    Handler(on=DeliveryOverdue, holds=late_process, decide=deadline_passed),
)
