"""What the dock took back is claimed by nobody: consumables, and what of a line can be given instead."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

from libs.chassis.decision import Cause, Decision, Early, Handler, Handlers, Key, Keys, Many, Records
from libs.contracts import assets
from libs.contracts.message import Answered, Message
from libs.contracts.values import Kind
from services.requests.handover import commands_for, issue_id_of, stocked, whole_of
from services.requests.process import Lines, ProcessUnit, UnitStatus, lines_of, taken, units_of

ISSUE_STOCK = assets.IssueStock.type


class Freed(NamedTuple):
    """What changed because less could be given than was claimed."""

    units: Sequence[ProcessUnit] = ()
    commands: Sequence[Message] = ()


def lot_taken_back(fact: assets.LotTakenBack, held: Records, cause: Cause) -> Decision:
    """So many of a consumable are not in stock any more. What was to be issued of it is told when assets answers."""
    if fact.request_id is None:
        return Decision()
    lines = lines_of(fact.request_id, held)
    if (line := lines.get(fact.request_line_id)) is not None:
        lines[line.id] = stocked(line, fact.order_line_id, -fact.quantity)
    unit = held.find(ProcessUnit, issue_id_of(fact.lot_id, fact.receipt_id))
    save = []
    if unit is not None and unit.status is UnitStatus.IN_STOCK:
        left = unit.quantity - fact.quantity
        save = [replace(unit, quantity=left) if left > 0 else unit.become(UnitStatus.TAKEN_BACK)]
    summary = f"{units_of(fact.quantity)} of a consumable taken back at the dock ({fact.purpose})"
    return taken(fact, fact.request_id, held, cause, summary, lines, save=save)


def freed_by(answer: Answered, lines: Lines, held: Records) -> Freed:
    """An issue of less than was claimed, because the rest was taken back: that is free for what comes, or is here."""
    issue_id = _issue_in(answer)
    unit = held.find(ProcessUnit, issue_id) if issue_id is not None else None
    if answer.about is None or unit is None or unit.status is not UnitStatus.BEING_ASSIGNED:
        return Freed()
    issued = answer.result.get("quantity")
    line = lines.get(unit.line_id)
    if not isinstance(issued, int) or issued >= unit.quantity or line is None:
        return Freed()
    lines[line.id] = replace(line, claimed=line.claimed - unit.quantity + issued)
    unit = replace(unit, quantity=issued) if issued else unit.become(UnitStatus.TAKEN_BACK)
    others = reclaimed(lines, line.id, in_stock_of(line.id, held, besides=[unit]))
    return Freed([unit, *others], commands_for(others, lines, answer.about))


def in_stock_of(line_id: UUID, held: Records, *, besides: Sequence[ProcessUnit]) -> list[ProcessUnit]:
    """What of a line is in stock without being wanted so far."""
    changed = {unit.id for unit in besides}
    units = held.all(ProcessUnit, line_id=line_id, status=UnitStatus.IN_STOCK)
    return [unit for unit in units if unit.id not in changed]


def reclaimed(lines: Lines, line_id: UUID, in_stock: Sequence[ProcessUnit]) -> list[ProcessUnit]:
    """Those of them that are wanted now, to be given."""
    wanted: list[ProcessUnit] = []
    for unit in in_stock:
        line = lines[line_id]
        lacking = line.wanted - line.claimed
        if not line.is_handed_over or lacking <= 0 or unit.kind is Kind.SOFTWARE:
            break
        quantity = min(unit.quantity, lacking)
        lines[line_id] = replace(line, claimed=line.claimed + quantity)
        wanted.append(unit.become(UnitStatus.BEING_ASSIGNED, quantity=quantity))
    return wanted


def _issue_in(answer: Answered) -> UUID | None:
    issue_id = answer.result.get("issue_id")
    return UUID(issue_id) if answer.command_type == ISSUE_STOCK and isinstance(issue_id, str) else None


def what_was_issued(answer: Answered) -> Keys:
    """The issue that an answer is about, and what is in stock without being wanted so far."""
    if (issue_id := _issue_in(answer)) is not None:
        yield Key(ProcessUnit, issue_id, may_be_new=True)
        yield Many(ProcessUnit, by="request_id", value=answer.about, where={"status": UnitStatus.IN_STOCK})  # type: ignore[arg-type]


def with_lot(fact: assets.LotTakenBack) -> Keys:
    """All of it, and what came with the receipt."""
    if fact.request_id is None:
        return ()
    id = issue_id_of(fact.lot_id, fact.receipt_id)
    return (*whole_of(fact.request_id), Key(ProcessUnit, id, may_be_new=True))


HANDLERS: Handlers = (
    Handler(on=assets.LotTakenBack, holds=with_lot, early=Early.WAIT, decide=lot_taken_back),
)
