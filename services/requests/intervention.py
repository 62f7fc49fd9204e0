"""Where people step into the workflow: a request is stopped, a refused command given once more, a deadline missed."""

from dataclasses import replace
from uuid import UUID

from libs.chassis.decision import (
    Cause,
    Decision,
    Handler,
    Handlers,
    Key,
    Keys,
    Many,
    Records,
    Rejection,
)
from libs.contracts import purchasing
from libs.contracts.message import Event, Message
from libs.contracts.requests import CancellationStarted, CancelRequest, FulfilmentOverdue, RetryFulfilment
from libs.contracts.values import DestinationKind
from services.requests.fulfilment import CANCEL_ORDER, to_order
from services.requests.handover import commands_for
from services.requests.process import (
    CREATE_ORDER,
    ENDED,
    DeliveryOverdue,
    FulfilmentProcess,
    Lines,
    OrderNotSubmitted,
    ProcessUnit,
    Stage,
    UnitStatus,
    lines_of,
    taken,
    units_of,
)
from services.requests.process_line import ProcessLine
from services.requests.purchase_request import PurchaseRequest, RequestLine, live


def cancel(command: CancelRequest, request: PurchaseRequest, held: Records, cause: Cause) -> Decision:
    """Have purchasing cancel what is open. What has arrived goes on to whom it is for, or, if that was refused, stays
    in stock."""
    process: FulfilmentProcess = held[FulfilmentProcess, request.id]
    lines = lines_of(request.id, held)
    if process.stage is Stage.CANCELLING:
        return Decision(duplicate=True)
    open_ones = [line for line in lines.values() if not line.is_received]
    kept = _kept_in_stock(process, lines, held)
    if not open_ones and not kept:
        raise Rejection(
            "request_not_cancellable",
            field="request_id",
            message=f"Everything of {request.number} has arrived: return it, or give it to somebody else.",
        )
    summary = f"cancellation asked for by {cause.actor.id}: {command.reason}"
    facts: list[Event] = []
    commands: list[Message] = []
    if open_ones:
        process = replace(process, cancelling=True)
        started = CancellationStarted(
            request_id=request.id, number=request.number, cancelled_by=cause.actor.id, reason=command.reason
        )
        facts = [started]
        commands = [purchasing.CancelOrder(request_id=request.id, reason=command.reason)]
    if kept:
        process = replace(process, refused=None, problem=None)
        summary += f"; {units_of(sum(unit.quantity for unit in kept))} that could not be given stay in stock"
    return taken(
        command,
        request.id,
        held,
        cause,
        summary,
        lines,
        process=process,
        reason=command.reason,
        save=kept,
        facts=facts,
        publish=commands,
    )


def is_stuck(request: PurchaseRequest, held: Records) -> bool:
    """Whether a person must see to it: also of a fulfilled request, if what turned up later could not be given."""
    process = held.find(FulfilmentProcess, request.id)
    return process is not None and process.stage is Stage.STUCK


def _kept_in_stock(process: FulfilmentProcess, lines: Lines, held: Records) -> list[ProcessUnit]:
    """What is on its way to whom it is for, if that was refused: its lines become lines for stock."""
    if process.refused is None or process.refused in (CREATE_ORDER, CANCEL_ORDER):
        return []
    kept = [
        unit.become(UnitStatus.IN_STOCK)
        for unit in held.all(ProcessUnit, request_id=process.id, status=UnitStatus.BEING_ASSIGNED)
    ]
    for line_id in {unit.line_id for unit in kept}:
        lines[line_id] = replace(
            lines[line_id], destination_kind=DestinationKind.STOCK, destination_name=None
        )
    return kept


def retry(command: RetryFulfilment, held: Records, cause: Cause) -> Decision:
    """Give the commands once more whose refusal the process is stuck with; what was obeyed already is only repeated."""
    process = held.find(FulfilmentProcess, command.request_id)
    request = held.find(PurchaseRequest, command.request_id)
    if process is None or request is None:
        raise Rejection("request_unknown", field="request_id", message="There is no such process.")
    if process.stage is not Stage.STUCK:
        raise Rejection(
            "fulfilment_not_stuck",
            field="request_id",
            message=f"The fulfilment of {request.number} is {process.stage}; nothing was refused.",
        )
    again: list[Message]
    if process.refused == CREATE_ORDER:
        again = [to_order(request, live(held.all(RequestLine, request_id=request.id)))]
    elif process.refused == CANCEL_ORDER:
        again = [purchasing.CancelOrder(request_id=request.id, reason="cancelled once more")]
    else:
        again = commands_for(
            held.all(ProcessUnit, request_id=request.id, status=UnitStatus.BEING_ASSIGNED),
            lines_of(request.id, held),
            request.id,
        )
    because = f": {command.reason}" if command.reason else ""
    return replace(
        taken(
            command,
            request.id,
            held,
            cause,
            f"{process.refused} given once more by {cause.actor.id}{because}",
            lines_of(request.id, held),
            process=replace(process, refused=None, problem=None),
            publish=again,
        ),
        answer={"request_id": str(request.id), "number": request.number, "commands": len(again)},
    )


def deadline_passed(timer: OrderNotSubmitted | DeliveryOverdue, held: Records, cause: Cause) -> Decision:
    """Something should have happened by now. If it has not, the process counts it: somebody should look."""
    process = held.find(FulfilmentProcess, timer.request_id)
    if process is None or process.stage in ENDED:
        return Decision()
    lines = held.all(ProcessLine, request_id=timer.request_id)
    late = isinstance(timer, DeliveryOverdue)
    behind = [line for line in lines if not (line.is_received if late else line.is_ordered)]
    if not behind:
        return Decision()
    what = "not completely received" if late else "not on a submitted order"
    request: PurchaseRequest = held[PurchaseRequest, timer.request_id]
    overdue = FulfilmentOverdue(
        request_id=request.id, number=request.number, missing="delivery" if late else "order"
    )
    return taken(
        timer,
        timer.request_id,
        held,
        cause,
        f"deadline passed: {len(behind)} of {len(lines)} line(s) {what}",
        lines_of(timer.request_id, held),
        process=replace(process, overdue=process.overdue + 1),
        facts=[overdue],
    )


# What each message needs


def late_process(timer: OrderNotSubmitted | DeliveryOverdue) -> Keys:
    """All of it, if there is one."""
    return process_keys(timer.request_id)


def process_keys(request_id: UUID) -> Keys:
    """The process and its lines, if there is one, and what is on its way to whom it is for."""
    return (
        Key(PurchaseRequest, request_id, may_be_new=True),
        Key(FulfilmentProcess, request_id, may_be_new=True),
        Many(ProcessLine, by="request_id", value=request_id),
    )


def with_units(command: RetryFulfilment) -> Keys:
    """All of it, with what is on its way to whom it is for."""
    return (*process_keys(command.request_id), units_under_way(command.request_id))


def units_under_way(request_id: UUID) -> Many:
    """What has arrived and is being given."""
    return Many(ProcessUnit, by="request_id", value=request_id, where={"status": UnitStatus.BEING_ASSIGNED})


def lines_to_order(command: RetryFulfilment) -> Keys:
    """What was asked for."""
    return (Many(RequestLine, by="request_id", value=command.request_id),)


HANDLERS: Handlers = (
    Handler(on=RetryFulfilment, holds=with_units, reads=lines_to_order, decide=retry),
    Handler(on=OrderNotSubmitted, holds=late_process, decide=deadline_passed),
    Handler(on=DeliveryOverdue, holds=late_process, decide=deadline_passed),
)
