"""Scan sessions: things are scanned, by one phone or several, and received together at the end.

What a session comes to depends on the set of its scans alone, in whatever order and however often they were sent.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar
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
    Record,
    Records,
    Rejection,
    Via,
)
from libs.contracts.scanning import (
    AbandonScanSession,
    ConfirmScanSession,
    RecordScans,
    Scan,
    ScanAndReceive,
    ScanSessionEnded,
    Verdict,
)
from libs.contracts.values import derived_id
from services.receiving.expectation import ExpectedOrder
from services.receiving.manifest import AnnouncedSerial
from services.receiving.place import check_place, place_key
from services.receiving.scan_context import check_places, context, context_known, of_order, places_said
from services.receiving.scan_receipt import Placed, receipts_of
from services.receiving.serial import RegisteredSerial, serial_id
from services.receiving.shipment import Shipment
from services.receiving.taken_scan import (
    TakenScan,
    of_the_same_units,
    taken,
    what_it_can_be,
    what_they_led_to,
)
from services.receiving.verdict import TO_RECEIVE, Finding, judged, missing_of

SESSION_UNITS_MAX = 10_000
SESSION_SCANS_MAX = 50_000


class SessionStatus(StrEnum):
    """Where a scan session is."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    ABANDONED = "abandoned"


@dataclass(frozen=True, kw_only=True)
class ScanSession(Record):
    """Things being scanned as they are unloaded, for an order, and one of its shipments if that was named.

    The phones choose its id. When it is over, `verdicts` says how many scans there were of each, `missing` which serial
    numbers were announced and not scanned, and `receipts` in how many receipts the rest is received.
    """

    TRANSITIONS: ClassVar[Mapping[Any, frozenset[Any]]] = {
        SessionStatus.OPEN: frozenset({SessionStatus.CONFIRMED, SessionStatus.ABANDONED}),
        SessionStatus.CONFIRMED: frozenset(),
        SessionStatus.ABANDONED: frozenset(),
    }

    order_id: UUID
    shipment_id: UUID | None
    status: SessionStatus = SessionStatus.OPEN
    scans: int = 0
    units: int = 0
    begun_by: str
    begun_at: datetime
    ended_by: str | None = None
    ended_at: datetime | None = None
    verdicts: tuple[tuple[str, int], ...] = ()
    missing: tuple[str, ...] = ()
    without_serial: int = 0
    receipts: int = 0


def record(command: RecordScans, held: Records, cause: Cause) -> Decision:
    """Keep what was scanned. A scan that is known already is left as it is; the answer judges all that were sent."""
    order, shipment_id = context(command, held)
    session = held.find(ScanSession, command.session_id)
    if session is None:
        session = _begun(command.session_id, order, shipment_id, cause)
    if (session.order_id, session.shipment_id) != (order.id, shipment_id):
        message = "These scans are of another order or shipment than those before."
        raise Rejection("scan_session_differs", field="session_id", message=message)
    check_places(command, held)
    new: dict[UUID, TakenScan] = {}
    sender = cause.actor.id or cause.sender
    for index, scan in enumerate(command.scans):
        placed = _placed(scan, command)
        known = new.get(scan.scan_id) or held.find(TakenScan, scan.scan_id)
        if known is None:
            new[scan.scan_id] = taken(placed, session.id, held, sender, order.id)
        elif not _is_same(known, scan, session.id):
            message = f"Scan {scan.scan_id} was of another code."
            raise Rejection("scan_id_reused", field=f"scans[{index}].scan_id", message=message)
    if new and session.status is not SessionStatus.OPEN:
        message = f"The scan session was {session.status}: begin another one."
        raise Rejection("scan_session_ended", field="session_id", message=message)
    before = held.all(TakenScan, session_id=session.id)
    keys = {scan.unit_key for scan in new.values()} - {scan.unit_key for scan in before}
    longer = replace(session, scans=session.scans + len(new), units=session.units + len(keys))
    if longer.units > SESSION_UNITS_MAX or longer.scans > SESSION_SCANS_MAX:
        message = f"A scan session takes at most {SESSION_UNITS_MAX} units: begin another one."
        raise Rejection("scan_session_full", field="scans", message=message)
    found = {each.id: each for each in judged([*before, *new.values()], held, order.id, shipment_id)}
    answer = {
        "session_id": str(session.id),
        "order_id": str(order.id),
        "scans": [told(found[scan.scan_id]) for scan in command.scans],
    }
    if not new:
        return Decision(duplicate=True, answer=answer)
    return Decision(save=[longer, *new.values()], answer=answer)


def confirm(command: ConfirmScanSession, held: Records, cause: Cause) -> Decision:
    """End a session: what is expected is received; what is missing and what does not belong here is told."""
    session = _session(command.session_id, held)
    if session.status is SessionStatus.CONFIRMED:
        return Decision(duplicate=True, answer=_ending(session))
    _check_open(session)
    if command.location is not None and command.storage_space is not None:
        check_place(held, command.location, command.storage_space, of="location")
    scans = {scan.id: scan for scan in held.all(TakenScan, session_id=session.id)}
    findings = judged(scans.values(), held, session.order_id, session.shipment_id)
    place = _place_of(session, command, held)
    return _ended(
        session, findings, scans, _missing(session, scans.values(), held), place, held, cause, command
    )


def abandon(command: AbandonScanSession, held: Records, cause: Cause) -> Decision:
    """End a session without receiving anything: what was scanned is kept, as it was."""
    session = _session(command.session_id, held)
    if session.status is SessionStatus.ABANDONED:
        return Decision(duplicate=True, answer=_ending(session))
    _check_open(session)
    ended = session.become(
        SessionStatus.ABANDONED, ended_by=cause.actor.id or cause.sender, ended_at=cause.at
    )
    return Decision(save=[ended], publish=[_said(ended)], answer=_ending(ended))


def scan_and_receive(command: ScanAndReceive, held: Records, cause: Cause) -> Decision:
    """Receive one thing as it is scanned: a session of one scan, that is over at once."""
    order, shipment_id = context(command, held)
    session_id = one_scan_id(command.scan.scan_id)
    known = held.find(ScanSession, session_id)
    scan = held.find(TakenScan, command.scan.scan_id)
    if scan is not None:
        if known is None or not _is_same(scan, command.scan, session_id):
            message = f"Scan {scan.id} was of another code."
            raise Rejection("scan_id_reused", field="scan.scan_id", message=message)
        found = held.all(Finding, id=scan.id)
        return Decision(duplicate=True, answer=_ending(known) | {"scan": told(found[0])})
    check_places(command, held)
    scan = taken(command.scan, session_id, held, cause.actor.id or cause.sender, order.id)
    session = replace(_begun(session_id, order, shipment_id, cause), scans=1, units=1)
    (finding,) = judged([scan], held, order.id, shipment_id)
    if finding.verdict not in TO_RECEIVE or finding.order_line_id is None:
        raise Rejection("scan_not_receivable", field="scan.code", message=finding.next)
    place = _place_of(session, command.scan, held)
    decision = _ended(session, [finding], {scan.id: scan}, (), place, held, cause, command)
    if not any(isinstance(each, ScanSession) and each.receipts for each in decision.save):
        raise Rejection("scan_not_receivable", field="scan.serial", message="Read its serial number as well.")
    answer = {**decision.answer, "scan": told(finding)}
    return replace(decision, save=[*decision.save, scan], answer=answer)


def _ended(
    session: ScanSession,
    findings: Sequence[Finding],
    scans: Mapping[UUID, TakenScan],
    missing: tuple[str, ...],
    place: Placed,
    held: Records,
    cause: Cause,
    command: ConfirmScanSession | ScanAndReceive,
) -> Decision:
    by = cause.actor.id or cause.sender
    note = command.delivery_note if isinstance(command, ConfirmScanSession) else None
    asked, without_serial = receipts_of(
        session.id, findings, scans, place, held, session.shipment_id, note, by
    )
    ended = session.become(
        SessionStatus.CONFIRMED,
        ended_by=by,
        ended_at=cause.at,
        verdicts=tuple(sorted(Counter(finding.verdict.value for finding in findings).items())),
        missing=missing,
        without_serial=without_serial,
        receipts=len(asked),
    )
    receipts = [receipt for receipt, _ in asked]
    return Decision(
        save=[ended, *findings, *receipts],
        publish=[_said(ended), *(command for _, command in asked)],
        answer=_ending(ended),
    )


def _said(session: ScanSession) -> ScanSessionEnded:
    assert session.ended_by is not None
    return ScanSessionEnded(
        session_id=session.id,
        order_id=session.order_id,
        shipment_id=session.shipment_id,
        confirmed=session.status is SessionStatus.CONFIRMED,
        ended_by=session.ended_by,
        scans={Verdict(verdict): count for verdict, count in session.verdicts},
        missing=len(session.missing),
    )


def _ending(session: ScanSession) -> dict[str, object]:
    return {
        "session_id": str(session.id),
        "order_id": str(session.order_id),
        "status": session.status.value,
        "verdicts": dict(session.verdicts),
        "missing": len(session.missing),
        "without_serial": session.without_serial,
        "receipts": session.receipts,
    }


def told(finding: Finding) -> dict[str, object]:
    """What is answered about a scan: its verdict, what matched, and what to do next."""
    told = {
        "scan_id": finding.id,
        "verdict": finding.verdict.value,
        "next": finding.next,
        "same_as": finding.same_as,
        "means": finding.means.value,
        "sku": finding.sku,
        "order_id": finding.order_id,
        "order_line_id": finding.order_line_id,
        "asset_id": finding.asset_id,
        "shipment_id": finding.shipment_id,
        "serial": finding.serial,
        "units": finding.units,
    }
    return {
        name: str(value) if isinstance(value, UUID) else value
        for name, value in told.items()
        if value is not None
    }


def _missing(session: ScanSession, scans: Iterable[TakenScan], held: Records) -> tuple[str, ...]:
    return missing_of(session.order_id, session.shipment_id, scans, held)


def _begun(id: UUID, order: ExpectedOrder, shipment_id: UUID | None, cause: Cause) -> ScanSession:
    return ScanSession(
        id=id,
        order_id=order.id,
        shipment_id=shipment_id,
        begun_by=cause.actor.id or cause.sender,
        begun_at=cause.at,
    )


def _session(session_id: UUID, held: Records) -> ScanSession:
    session = held.find(ScanSession, session_id)
    if session is None:
        message = f"No scan session has the id {session_id}."
        raise Rejection("scan_session_unknown", field="session_id", message=message)
    return session


def _check_open(session: ScanSession) -> None:
    if session.status is not SessionStatus.OPEN:
        message = f"The scan session was {session.status} already."
        raise Rejection("scan_session_ended", field="session_id", message=message)


def _is_same(known: TakenScan, scan: Scan, session_id: UUID) -> bool:
    said = (scan.code, scan.scanned_at, session_id)
    return (known.code, known.scanned_at, known.session_id) == said and scan.serial in (None, known.serial)


def _placed(scan: Scan, command: RecordScans) -> Scan:
    if scan.location is not None:
        return scan
    place = {"location": command.location, "storage_space": command.storage_space}
    return scan.model_copy(update=place)


def _place_of(session: ScanSession, said: ConfirmScanSession | Scan, held: Records) -> Placed:
    """Where things are of which no scan says it: where this is said, else where the shipment was to go."""
    if said.location is not None:
        return said.location, said.storage_space
    shipment = held.find(Shipment, session.shipment_id) if session.shipment_id else None
    return (
        (shipment.location, shipment.storage_space) if shipment and shipment.storage_space else (None, None)
    )


def one_scan_id(scan_id: UUID) -> UUID:
    """The session of a single scan that is received at once."""
    return derived_id("scan_session", scan_id)


def whole_session(session_id: UUID) -> Keys:
    """All that has to be known to judge a session as a whole."""
    order = Via(ScanSession, session_id, "order_id")
    scans = Many(TakenScan, by="session_id", value=session_id)
    announced = Many(AnnouncedSerial, by="order_id", value=order)
    yield from (scans, announced, *of_order(order))
    yield from what_they_led_to(scans)
    yield NamedBy(
        RegisteredSerial, by=AnnouncedSerial, id=announced, ids=lambda each: [serial_id(each.serial)]
    )


def _session_and_scans(command: RecordScans) -> Keys:
    yield Key(ScanSession, command.session_id, may_be_new=True)
    for scan in command.scans:
        yield Key(TakenScan, scan.scan_id, may_be_new=True)


def _known_of_scans(command: RecordScans) -> Keys:
    yield from context_known(command)
    yield from what_it_can_be(command.scans)
    yield from of_the_same_units(command.scans, command.session_id)
    yield from (place_key(location) for location, _ in places_said(command))


def _known_at_the_end(command: ConfirmScanSession) -> Keys:
    yield from whole_session(command.session_id)
    if command.location is not None:
        yield place_key(command.location)


def _one_scan(command: ScanAndReceive) -> Keys:
    yield Key(ScanSession, one_scan_id(command.scan.scan_id), may_be_new=True)
    yield Key(TakenScan, command.scan.scan_id, may_be_new=True)
    yield Key(Finding, command.scan.scan_id, may_be_new=True)


def _known_of_scan(command: ScanAndReceive) -> Keys:
    yield from context_known(command)
    yield from what_it_can_be([command.scan])
    yield from (place_key(location) for location, _ in places_said(command))


HANDLERS: Handlers = (
    Handler(
        on=RecordScans,
        holds=_session_and_scans,
        reads=_known_of_scans,
        early=Early.WAIT_10_MINUTES,
        decide=record,
        weight=lambda command: len(command.scans),
    ),
    Handler(
        on=ConfirmScanSession,
        holds=lambda command: [Key(ScanSession, command.session_id)],
        reads=_known_at_the_end,
        early=Early.WAIT_10_MINUTES,
        decide=confirm,
        weight=lambda _: SESSION_UNITS_MAX // 10,
    ),
    Handler(
        on=AbandonScanSession,
        holds=lambda command: [Key(ScanSession, command.session_id)],
        early=Early.WAIT_10_MINUTES,
        decide=abandon,
    ),
    Handler(
        on=ScanAndReceive,
        holds=_one_scan,
        reads=_known_of_scan,
        early=Early.WAIT_10_MINUTES,
        decide=scan_and_receive,
    ),
)
