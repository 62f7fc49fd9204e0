"""Hardware that has arrived goes to whom it is for, unit by unit; the dock can take it back, and it may come again.

What happened to a unit is heard in any order. Each time it came and each time it left are told once, and an assignment
that was undone is named: so what a unit is follows from what was heard, whatever was first.
"""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from libs.chassis.decision import Cause, Decision, Early, Handler, Handlers, Key, Keys, Many, Records
from libs.contracts import assets
from services.requests.handover import arrived_there, claim, given, stocked, whole_of
from services.requests.process import (
    Lines,
    ProcessUnit,
    UnitStatus,
    lines_of,
    names_of,
    taken,
    units_of,
)
from services.requests.process_line import ProcessLine
from services.requests.taken_back import in_stock_of, reclaimed


def assets_received(fact: assets.AssetsReceived, held: Records, cause: Cause) -> Decision:
    """Units are in stock: have them assigned to whom or what they are for."""
    if fact.request_id is None:
        return Decision()
    tags = names_of([unit.tag for unit in fact.assets])
    lines = lines_of(fact.request_id, held)
    line = lines.get(fact.request_line_id)
    if line is None:
        return taken(fact, fact.request_id, held, cause, f"in stock, for no line of the request: {tags}")
    units: list[ProcessUnit] = []
    to_give: list[ProcessUnit] = []
    new = 0
    for told in fact.assets:
        known = held.find(ProcessUnit, told.asset_id)
        before = known or ProcessUnit(
            id=told.asset_id, request_id=fact.request_id, status=UnitStatus.TAKEN_BACK
        )
        unit = before
        if told.after is not None or before.tag is None:
            unit = replace(before, tag=told.tag, serial=told.serial)
        if told.after is not None or not before.came:
            new += 1
            line, unit = _came(line, unit, again=told.after is not None)
            if unit.status is not before.status and unit.status is UnitStatus.BEING_ASSIGNED:
                to_give.append(unit)
        units.append(unit)
    lines[line.id] = stocked(line, fact.order_line_id, new)
    return given(fact, fact.request_id, held, cause, f"in stock: {tags}", lines, units, to_give)


def _came(line: ProcessLine, unit: ProcessUnit, *, again: bool) -> tuple[ProcessLine, ProcessUnit]:
    """A unit is here: wanted by whom the line is for, unless enough are, or it was told before that this one left."""
    if unit.status is UnitStatus.ASSIGNED and unit.line_id is None:
        line = replace(line, claimed=line.claimed + 1, assigned=line.assigned + 1)
    unit = replace(unit, line_id=line.id, balance=unit.balance + 1, came=unit.came or not again)
    if unit.status is UnitStatus.TAKEN_BACK and unit.balance > 0:
        line, status = claim(line, 1)
        unit = unit.become(status)
    return line, unit


def assets_assigned(fact: assets.AssetsAssigned, held: Records, cause: Cause) -> Decision:
    """Units are where they should be, unless it was told before that this was undone."""
    if fact.request_id is None:
        return Decision()
    lines = lines_of(fact.request_id, held)
    units: list[ProcessUnit] = []
    for asset_id in fact.asset_ids:
        known = held.find(ProcessUnit, asset_id)
        handed_over = tuple(sorted((*(known.handovers if known else ()), fact.handover_id)))
        if known is None:
            units.append(
                ProcessUnit(
                    id=asset_id,
                    request_id=fact.request_id,
                    status=UnitStatus.ASSIGNED,
                    handovers=handed_over,
                )
            )
        elif fact.handover_id in known.undone:
            units.append(replace(known, undone=_without(known.undone, fact.handover_id)))
        elif known.status is UnitStatus.ASSIGNED:
            units.append(replace(known, handovers=handed_over))
        else:
            units.append(arrived_there(replace(known, handovers=handed_over), lines))
    holder = fact.person or (fact.to.name if fact.to else None)
    summary = f"{units_of(len(fact.asset_ids))} assigned to {holder}"
    return taken(fact, fact.request_id, held, cause, summary, lines, save=units)


def assets_taken_back(fact: assets.AssetsTakenBack, held: Records, cause: Cause) -> Decision:
    """Units are not here any more. What of the line is in stock without being wanted may be wanted now."""
    if fact.request_id is None:
        return Decision()
    lines = lines_of(fact.request_id, held)
    count = units_of(len(fact.units))
    summary = f"{count} taken back at the dock ({fact.purpose})"
    line = lines.get(fact.request_line_id)
    if line is None:
        return taken(fact, fact.request_id, held, cause, summary, lines)
    lines[line.id] = stocked(line, fact.order_line_id, -len(fact.units))
    units: list[ProcessUnit] = []
    to_give: list[ProcessUnit] = []
    for gone in fact.units:
        known = held.find(ProcessUnit, gone.asset_id) or ProcessUnit(
            id=gone.asset_id, request_id=fact.request_id, line_id=line.id, status=UnitStatus.TAKEN_BACK
        )
        unit = _left(replace(known, balance=known.balance - 1), gone.handover_id, line.id, lines)
        units.append(unit)
        if unit.status is UnitStatus.BEING_ASSIGNED and lines[line.id].is_handed_over:
            to_give.append(unit)
    others = reclaimed(lines, line.id, in_stock_of(line.id, held, besides=units))
    return given(fact, fact.request_id, held, cause, summary, lines, [*units, *others], [*to_give, *others])


def _left(unit: ProcessUnit, undone: UUID | None, line_id: UUID, lines: Lines) -> ProcessUnit:
    """The unit without what was undone with its leaving. It may be told already that it is here again."""
    if unit.line_id is None:
        unit = replace(unit, line_id=line_id)
        if unit.status is UnitStatus.ASSIGNED:
            _count(unit, lines, claimed=1, assigned=1)
    if unit.status is UnitStatus.ASSIGNED:
        if undone is None or (unit.handovers and undone not in unit.handovers):
            # It was given since it came again.
            return unit if undone is None else replace(unit, undone=tuple(sorted((*unit.undone, undone))))
        unit = replace(unit, handovers=_without(unit.handovers, undone))
        if unit.handovers:
            return unit
        _count(unit, lines, assigned=-1)
        if unit.balance > 0:
            return unit.become(UnitStatus.BEING_ASSIGNED)
        _count(unit, lines, claimed=-1)
        return unit.become(UnitStatus.TAKEN_BACK)
    if undone is not None:
        unit = replace(unit, undone=tuple(sorted((*unit.undone, undone))))
    if unit.balance > 0 or unit.status is UnitStatus.TAKEN_BACK:
        return unit
    if unit.status is UnitStatus.BEING_ASSIGNED:
        _count(unit, lines, claimed=-1)
    return unit.become(UnitStatus.TAKEN_BACK)


def _count(unit: ProcessUnit, lines: Lines, *, assigned: int = 0, claimed: int = 0) -> None:
    if (line := lines.get(unit.line_id)) is not None:
        lines[line.id] = replace(line, assigned=line.assigned + assigned, claimed=line.claimed + claimed)


def _without(handovers: Sequence[UUID], one: UUID) -> tuple[UUID, ...]:
    return tuple(each for each in handovers if each != one)


def with_assets(fact: assets.AssetsReceived | assets.AssetsAssigned) -> Keys:
    """All of it, and the assets it is about."""
    if fact.request_id is None:
        return ()
    ids = (
        fact.asset_ids if isinstance(fact, assets.AssetsAssigned) else [unit.asset_id for unit in fact.assets]
    )
    return (*whole_of(fact.request_id), *(Key(ProcessUnit, id, may_be_new=True) for id in ids))


def with_stock(fact: assets.AssetsTakenBack) -> Keys:
    """All of it, the assets it is about, and what is in stock without being wanted so far."""
    if fact.request_id is None:
        return ()
    return (
        *whole_of(fact.request_id),
        *(Key(ProcessUnit, unit.asset_id, may_be_new=True) for unit in fact.units),
        Many(ProcessUnit, by="request_id", value=fact.request_id, where={"status": UnitStatus.IN_STOCK}),
    )


HANDLERS: Handlers = (
    Handler(
        on=assets.AssetsReceived,
        holds=with_assets,
        early=Early.WAIT,
        decide=assets_received,
        weight=lambda fact: len(fact.assets),
    ),
    Handler(
        on=assets.AssetsAssigned,
        holds=with_assets,
        early=Early.WAIT,
        decide=assets_assigned,
        weight=lambda fact: len(fact.asset_ids),
    ),
    Handler(
        on=assets.AssetsTakenBack,
        holds=with_stock,
        early=Early.WAIT,
        decide=assets_taken_back,
        weight=lambda fact: len(fact.units),
    ),
)
