"""What has arrived for a request goes to whom it is for: stock is issued, software is allocated; assets in `hardware`.

More than was wanted stays in stock, and so does what was asked for stock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from uuid import UUID

from libs.chassis.decision import Cause, Decision, Early, Handler, Handlers, Key, Keys, Many, Records
from libs.chassis.decision import Record as _Record
from libs.contracts import assets
from libs.contracts.message import Message
from libs.contracts.values import UNITS_PER_FACT, Destination, DestinationKind, Kind, derived_id
from services.requests.process import (
    FulfilmentProcess,
    Lines,
    ProcessUnit,
    UnitStatus,
    lines_of,
    names_of,
    taken,
    units_of,
)
from services.requests.process_line import ProcessLine
from services.requests.purchase_request import PurchaseRequest


def templates_created(fact: assets.TemplateAssetsCreated, held: Records, cause: Cause) -> Decision:
    """The ordered units have their tags: labels can be printed."""
    if fact.request_id is None:
        return Decision()
    tags = names_of([unit.tag for unit in fact.assets])
    return taken(fact, fact.request_id, held, cause, f"template assets created: {tags}")


# Consumables, a quantity of a lot


def lot_received(fact: assets.LotReceived, held: Records, cause: Cause) -> Decision:
    """So many of a consumable are in stock: have as many issued as are wanted."""
    if fact.request_id is None:
        return Decision()
    lines = lines_of(fact.request_id, held)
    summary = f"{units_of(fact.quantity)} of a consumable in stock"
    line = lines.get(fact.request_line_id)
    issue_id = issue_id_of(fact.lot_id, fact.receipt_id)
    if line is not None:
        line = lines[line.id] = stocked(line, fact.order_line_id, fact.quantity)
    if line is None or held.find(ProcessUnit, issue_id) is not None:
        return taken(fact, fact.request_id, held, cause, summary, lines)
    wanted = min(fact.quantity, max(0, line.wanted - line.claimed)) if line.is_handed_over else 0
    line, status = claim(line, wanted)
    unit = ProcessUnit(
        id=issue_id,
        request_id=fact.request_id,
        line_id=line.id,
        kind=Kind.CONSUMABLE,
        status=status,
        quantity=wanted or fact.quantity,
        source_id=fact.lot_id,
        receipt_id=fact.receipt_id,
    )
    lines[line.id] = line
    to_give = [unit] if status is UnitStatus.BEING_ASSIGNED else []
    return given(fact, fact.request_id, held, cause, summary, lines, [unit], to_give)


def stock_issued(fact: assets.StockIssued, held: Records, cause: Cause) -> Decision:
    """A consumable is with whom it was for."""
    return _one_given(
        fact,
        fact.issue_id,
        fact.request_id,
        fact.request_line_id,
        fact.quantity,
        Kind.CONSUMABLE,
        held,
        cause,
    )


# Software, an entitlement


def entitlement_created(fact: assets.EntitlementCreated, held: Records, cause: Cause) -> Decision:
    """Software may be used: have it allocated to whom it is for; for stock it counts once it is active."""
    return _entitled(fact, active=fact.status == "active", held=held, cause=cause)


def entitlement_changed(fact: assets.EntitlementChanged, held: Records, cause: Cause) -> Decision:
    """An entitlement became active, or shrank: purchasing says that too, but not how much of it stays in use."""
    return _entitled(fact, active=fact.status == "active", held=held, cause=cause)


def _entitled(
    fact: assets.EntitlementCreated | assets.EntitlementChanged,
    *,
    active: bool,
    held: Records,
    cause: Cause,
) -> Decision:
    if fact.request_id is None:
        return Decision()
    lines = lines_of(fact.request_id, held)
    summary = f"entitlement of {fact.quantity} is {fact.status}"
    line = lines.get(fact.request_line_id)
    known = held.find(ProcessUnit, fact.entitlement_id)
    if line is None:
        return taken(fact, fact.request_id, held, cause, summary, lines)
    is_there = fact.status in ("pending", "active") and fact.quantity > 0
    usable = is_there and (line.is_handed_over or active)
    share = line.share(fact.order_line_id)
    if usable:
        # Also of what was allocated before we heard that it is there.
        share = replace(share, stocked=max(share.stocked, fact.quantity))
    if isinstance(fact, assets.EntitlementChanged):
        share = replace(share, in_use=max(share.in_use, fact.allocated))
    named = []
    if known is not None and known.status is UnitStatus.ASSIGNED:
        share = replace(share, given=known.quantity)
        named = [replace(known, source_id=fact.order_line_id)] if known.source_id is None else []
    line = lines[line.id] = line.with_share(fact.order_line_id, share)
    if not is_there or (known is not None and known.status is not UnitStatus.PENDING):
        return taken(fact, fact.request_id, held, cause, summary, lines, save=named)
    quantity = known.quantity if known else fact.quantity
    status = UnitStatus.PENDING
    if usable:
        wanted = min(quantity, max(0, line.wanted - line.claimed))
        line, status = claim(line, wanted)
        quantity = wanted if status is UnitStatus.BEING_ASSIGNED else quantity
    unit = ProcessUnit(
        id=fact.entitlement_id,
        version=known.version if known else 0,
        request_id=fact.request_id,
        line_id=line.id,
        kind=Kind.SOFTWARE,
        status=status,
        quantity=quantity,
        source_id=fact.order_line_id,
    )
    lines[line.id] = line
    save = [] if known is not None and known.status is status else [unit]
    to_give = [unit] if status is UnitStatus.BEING_ASSIGNED else []
    return given(fact, fact.request_id, held, cause, summary, lines, save, to_give)


def entitlement_allocated(fact: assets.EntitlementAllocated, held: Records, cause: Cause) -> Decision:
    """Whom it was for may use the software. A request is given of an entitlement once: where somebody did that with
    less than was wanted, the rest stays free."""
    return _one_given(
        fact,
        fact.entitlement_id,
        fact.request_id,
        fact.request_line_id,
        fact.quantity,
        Kind.SOFTWARE,
        held,
        cause,
    )


# What they have in common


def stocked(line: ProcessLine, order_line_id: UUID, quantity: int) -> ProcessLine:
    share = line.share(order_line_id)
    return line.with_share(order_line_id, replace(share, stocked=share.stocked + quantity))


def claim(line: ProcessLine, quantity: int) -> tuple[ProcessLine, UnitStatus]:
    """Take so many of what arrived for whom the line is for, if that many are still wanted; else they stay in stock."""
    if not (line.is_handed_over and quantity and line.claimed + quantity <= line.wanted):
        return line, UnitStatus.IN_STOCK
    return replace(line, claimed=line.claimed + quantity), UnitStatus.BEING_ASSIGNED


def arrived_there(unit: ProcessUnit, lines: Lines) -> ProcessUnit:
    """Count a unit as given; if it was surplus, somebody has found that it was wanted."""
    if (line := lines.get(unit.line_id)) is not None:
        surplus = unit.quantity if unit.status is not UnitStatus.BEING_ASSIGNED else 0
        lines[line.id] = replace(line, assigned=line.assigned + unit.quantity, claimed=line.claimed + surplus)
    return unit.become(UnitStatus.ASSIGNED)


def _one_given(
    fact: assets.StockIssued | assets.EntitlementAllocated,
    unit_id: UUID,
    request_id: UUID | None,
    line_id: UUID | None,
    quantity: int,
    kind: Kind,
    held: Records,
    cause: Cause,
) -> Decision:
    """A quantity was given, whether we have heard of its arrival or not."""
    if request_id is None:
        return Decision()
    lines = lines_of(request_id, held)
    known = held.find(ProcessUnit, unit_id)
    save: list[_Record] = []
    if known is None or known.status is not UnitStatus.ASSIGNED:
        before = known or ProcessUnit(
            id=unit_id, request_id=request_id, line_id=line_id, kind=kind, status=UnitStatus.PENDING
        )
        line = lines.get(before.line_id)
        if line is not None and kind is Kind.CONSUMABLE and before.status is UnitStatus.BEING_ASSIGNED:
            # Of what was to be issued some had been taken back.
            lines[line.id] = replace(line, claimed=line.claimed - before.quantity + quantity)
        save = [arrived_there(replace(before, quantity=quantity), lines)]
        if kind is Kind.SOFTWARE and before.source_id and (line := lines.get(before.line_id)):
            share = replace(line.share(before.source_id), given=quantity)
            lines[line.id] = line.with_share(before.source_id, share)
    summary = f"{units_of(quantity)} of {kind.value} given out"
    return taken(fact, request_id, held, cause, summary, lines, save=save)


def given(
    fact: Message,
    request_id: UUID,
    held: Records,
    cause: Cause,
    summary: str,
    lines: Lines,
    units: Sequence[ProcessUnit],
    to_give: Sequence[ProcessUnit],
) -> Decision:
    commands = commands_for(to_give, lines, request_id)
    if to_give:
        line = lines[to_give[0].line_id]
        quantity = units_of(sum(unit.quantity for unit in to_give))
        summary = f"{summary}; assets was told to give {quantity} to {line.destination_name}"
    return taken(fact, request_id, held, cause, summary, lines, save=units, publish=commands)


def commands_for(units: Iterable[ProcessUnit], lines: Lines, request_id: UUID) -> list[Message]:
    """What assets is told so that these get to whom their lines are for."""
    commands: list[Message] = []
    hardware: dict[UUID | None, list[UUID]] = {}
    for unit in units:
        to = lines[unit.line_id].destination
        if unit.kind is Kind.HARDWARE:
            hardware.setdefault(unit.line_id, []).append(unit.id)
        elif unit.kind is Kind.SOFTWARE:
            commands.append(
                assets.AllocateEntitlement(
                    entitlement_id=unit.id, holder=to, quantity=unit.quantity, request_id=request_id
                )
            )
        elif unit.source_id is not None:
            commands.append(
                assets.IssueStock(
                    lot_id=unit.source_id,
                    quantity=unit.quantity,
                    to=to,
                    request_id=request_id,
                    issue_id=unit.id,
                    receipt_id=unit.receipt_id,
                )
            )
    for line_id, ids in hardware.items():
        to = lines[line_id].destination
        commands += [
            _assignment(to, request_id, tuple(ids[first : first + UNITS_PER_FACT]))
            for first in range(0, len(ids), UNITS_PER_FACT)
        ]
    return commands


def _assignment(to: Destination, request_id: UUID, asset_ids: tuple[UUID, ...]) -> assets.AssignAssets:
    """What the dock takes back meanwhile is left out: it is told of it by another way, and may come again."""
    is_person = to.kind is DestinationKind.PERSON
    return assets.AssignAssets(
        person=to.name if is_person else None,
        to=None if is_person else to,
        request_id=request_id,
        leave_out_taken_back=True,
        asset_ids=asset_ids,
    )


def issue_id_of(lot_id: UUID, receipt_id: UUID) -> UUID:
    """What of a lot came with one receipt is issued once."""
    return derived_id("issue", lot_id, receipt_id)


# What each message needs


def whole_of(request_id: UUID) -> tuple[Key | Many, ...]:
    """The request, its process and all its lines."""
    return (
        Key(PurchaseRequest, request_id),
        Key(FulfilmentProcess, request_id),
        Many(ProcessLine, by="request_id", value=request_id),
    )


def process_of(fact: assets.TemplateAssetsCreated) -> Keys:
    """Only the process: the message moves no counter."""
    return (Key(FulfilmentProcess, fact.request_id),) if fact.request_id else ()


def with_issue(fact: assets.LotReceived | assets.StockIssued) -> Keys:
    """All of it, and the issue it is about."""
    if fact.request_id is None:
        return ()
    id = fact.issue_id if isinstance(fact, assets.StockIssued) else issue_id_of(fact.lot_id, fact.receipt_id)
    return (*whole_of(fact.request_id), Key(ProcessUnit, id, may_be_new=True))


def with_entitlement(
    fact: assets.EntitlementCreated | assets.EntitlementChanged | assets.EntitlementAllocated,
) -> Keys:
    """All of it, and the entitlement it is about."""
    if fact.request_id is None:
        return ()
    return (*whole_of(fact.request_id), Key(ProcessUnit, fact.entitlement_id, may_be_new=True))


HANDLERS: Handlers = (
    Handler(on=assets.TemplateAssetsCreated, holds=process_of, early=Early.WAIT, decide=templates_created),
    Handler(on=assets.LotReceived, holds=with_issue, early=Early.WAIT, decide=lot_received),
    Handler(on=assets.StockIssued, holds=with_issue, early=Early.WAIT, decide=stock_issued),
    Handler(
        on=assets.EntitlementCreated, holds=with_entitlement, early=Early.WAIT, decide=entitlement_created
    ),
    Handler(
        on=assets.EntitlementChanged, holds=with_entitlement, early=Early.WAIT, decide=entitlement_changed
    ),
    Handler(
        on=assets.EntitlementAllocated, holds=with_entitlement, early=Early.WAIT, decide=entitlement_allocated
    ),
)
