"""Receiving what was scanned: as receipts like any other, each noted with the session that asked for it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from libs.chassis.decision import (
    Actor,
    Cause,
    Decision,
    Handler,
    Handlers,
    Key,
    Keys,
    Record,
    Records,
    Rejection,
)
from libs.contracts.receiving import LineToReceive, Part, RecordReceipt, UnitToReceive
from libs.contracts.scanning import ReceiveScans, ScansNotReceived
from libs.contracts.values import Kind, derived_id
from services.receiving import receipt
from services.receiving.expectation import ExpectedLine
from services.receiving.taken_scan import Means, TakenScan
from services.receiving.verdict import TO_RECEIVE, Finding

UNITS_PER_PART = 500
"""So many units with the longest texts fit a message."""
LINES_PER_PART = 100
REASON_MAX = 200

Placed = tuple[str | None, str | None]
"""A location and storage space, if it is said."""


class AskedStatus(StrEnum):
    """What became of a receipt that a scan session asked for."""

    ASKED = "asked"
    RECORDED = "recorded"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True)
class ScanReceipt(Record):
    """A receipt that a scan session asked for: recorded, or why it could not be."""

    TRANSITIONS: ClassVar[Mapping[Any, frozenset[Any]]] = {
        AskedStatus.ASKED: frozenset({AskedStatus.RECORDED, AskedStatus.REFUSED}),
        AskedStatus.RECORDED: frozenset(),
        AskedStatus.REFUSED: frozenset(),
    }

    session_id: UUID
    part: int
    status: AskedStatus = AskedStatus.ASKED
    units: int
    receipt_id: UUID | None = None
    receipt_number: str | None = None
    code: str | None = None
    message: str | None = None


def scan_receipt_id(session_id: UUID, part: int) -> UUID:
    """One for each part of a session."""
    return derived_id("scan_receipt", session_id, part)


def receipts_of(
    session_id: UUID,
    findings: Sequence[Finding],
    scans: Mapping[UUID, TakenScan],
    place: Placed,
    held: Records,
    shipment_id: UUID | None,
    delivery_note: str | None,
    received_by: str,
) -> tuple[list[tuple[ScanReceipt, ReceiveScans]], int]:
    """What has to be received of a session, in parts, and how many units have no serial number to be received by."""
    delivered, without_serial = _delivered(findings, scans, place, held)
    parts = list(_parts(delivered))
    asked = []
    for number, lines in enumerate(parts, 1):
        part = Part(delivery=str(session_id), part=number, parts=len(parts)) if len(parts) > 1 else None
        command = ReceiveScans(
            session_id=session_id,
            part=number,
            received_by=received_by,
            receipt=RecordReceipt(
                order_id=held[ExpectedLine, lines[0].order_line_id].order_id,
                shipment_id=shipment_id,
                delivery_note=delivery_note,
                part_of=part,
                lines=tuple(lines),
            ),
        )
        units = sum(len(line.units) + (line.quantity or 0) for line in lines)
        noted = ScanReceipt(
            id=scan_receipt_id(session_id, number), session_id=session_id, part=number, units=units
        )
        asked.append((noted, command))
    return asked, without_serial


def receive(command: ReceiveScans, held: Records, cause: Cause) -> Decision:
    """Take delivery as if who ended the session had told it by hand. What is refused is told, and not lost."""
    asked = held[ScanReceipt, scan_receipt_id(command.session_id, command.part)]
    try:
        taken = _TAKING.decide(command.receipt, held, replace(cause, actor=Actor(command.received_by)))
    except Rejection as rejection:
        # Nobody waits for the answer of this: the session has to tell it.
        refused = asked.become(AskedStatus.REFUSED, code=rejection.code, message=str(rejection))
        said = ScansNotReceived(
            scan_receipt_id=asked.id,
            session_id=command.session_id,
            part=command.part,
            units=asked.units,
            code=rejection.code,
            message=str(rejection),
        )
        return Decision(save=[refused], publish=[said])
    recorded = asked.become(
        AskedStatus.RECORDED,
        receipt_id=UUID(str(taken.answer["receipt_id"])) if taken.answer.get("receipt_id") else None,
        receipt_number=taken.answer.get("receipt_number"),
    )
    return replace(taken, save=[*taken.save, recorded])


def _delivered(
    findings: Sequence[Finding], scans: Mapping[UUID, TakenScan], place: Placed, held: Records
) -> tuple[list[LineToReceive], int]:
    """What came of each line: units by their serial numbers, quantities by where they were put, what was rejected."""
    units: dict[UUID, list[UnitToReceive]] = defaultdict(list)
    quantities: dict[tuple[UUID, str, str], int] = defaultdict(int)
    rejected: dict[UUID, int] = defaultdict(int)
    reasons: dict[UUID, set[str]] = defaultdict(set)
    without_serial = 0
    for finding in findings:
        if finding.verdict not in TO_RECEIVE or finding.order_line_id is None:
            continue
        scan, line = scans[finding.id], held[ExpectedLine, finding.order_line_id]
        if scan.rejection_reason is not None:
            rejected[line.id] += finding.units
            reasons[line.id].add(scan.rejection_reason)
            continue
        if line.kind is Kind.HARDWARE and finding.serial is None:
            without_serial += finding.units
            continue
        location, storage_space = (scan.location, scan.storage_space) if scan.location else place
        if location is None or storage_space is None:
            message = f"Say where {finding.serial or finding.sku} was put."
            raise Rejection("place_missing", field="location", message=message)
        if line.kind is Kind.HARDWARE and finding.serial is not None:
            units[line.id].append(
                UnitToReceive(
                    serial=finding.serial,
                    asset_id=finding.asset_id if finding.means is Means.TAG else None,
                    tag=finding.tag,
                    condition=finding.condition,
                    location=location,
                    storage_space=storage_space,
                )
            )
        else:
            quantities[line.id, location, storage_space] += finding.units
    lines = [
        LineToReceive(order_line_id=line_id, units=tuple(some[first : first + UNITS_PER_PART]))
        for line_id, some in units.items()
        for first in range(0, len(some), UNITS_PER_PART)
    ]
    lines += [
        LineToReceive(order_line_id=line_id, quantity=count, location=location, storage_space=storage_space)
        for (line_id, location, storage_space), count in quantities.items()
    ]
    for line_id, count in rejected.items():
        reason = "; ".join(sorted(reasons[line_id]))[:REASON_MAX]
        at = next((at for at, line in enumerate(lines) if line.order_line_id == line_id), None)
        if at is None:
            lines.append(LineToReceive(order_line_id=line_id, rejected=count, rejection_reason=reason))
        else:
            lines[at] = lines[at].model_copy(update={"rejected": count, "rejection_reason": reason})
    return lines, without_serial


def _parts(lines: Sequence[LineToReceive]) -> Iterator[list[LineToReceive]]:
    """The lines in parts that fit a message."""
    part: list[LineToReceive] = []
    for line in lines:
        units = sum(len(each.units) for each in part) + len(line.units)
        if part and (units > UNITS_PER_PART or len(part) == LINES_PER_PART):
            yield part
            part = []
        part.append(line)
    if part:
        yield part


_TAKING: Handler[RecordReceipt] = next(row for row in receipt.HANDLERS if row.on is RecordReceipt)


def _receipt_and_note(command: ReceiveScans) -> Keys:
    yield Key(ScanReceipt, scan_receipt_id(command.session_id, command.part))
    yield from _TAKING.holds(command.receipt)


HANDLERS: Handlers = (
    Handler(
        on=ReceiveScans,
        holds=_receipt_and_note,
        reads=lambda command: _TAKING.reads(command.receipt),
        numbers=lambda command: _TAKING.numbers(command.receipt),
        decide=receive,
        weight=lambda command: _TAKING.weight(command.receipt),
    ),
)
