"""Scanning over HTTP: what is this, scan sessions, and one thing scanned and received at once."""

from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.chassis.decision import Key, Keys, Records, Rejection
from libs.chassis.http import JsonBody, Obeying, Reading, needs
from libs.chassis.pages import After, Limit, Page, fields_of, matching, page_of
from libs.chassis.working_set import Needs, WorkingSet
from libs.contracts.permissions import Action
from libs.contracts.receiving import Condition
from libs.contracts.scanning import (
    AbandonScanSession,
    Confirmation,
    ConfirmScanSession,
    RecordScans,
    Scan,
    ScanAndReceive,
    ScannedText,
    ScansSent,
    Verdict,
)
from libs.contracts.values import Serial
from services.receiving.expectation import ExpectedLine, ExpectedUnit
from services.receiving.scan_context import of_order
from services.receiving.scan_receipt import AskedStatus, ScanReceipt
from services.receiving.scan_session import (
    ScanSession,
    SessionStatus,
    whole_session,
)
from services.receiving.tables import STORAGE
from services.receiving.taken_scan import Means, TakenScan, taken, what_it_can_be
from services.receiving.verdict import Finding, judged, missing_of

router = APIRouter()

MISSING_SHOWN = 500
NOBODY = UUID(int=0)
_findings = STORAGE.tables[Finding]
_receipts = STORAGE.tables[ScanReceipt]


class ScanJudged(BaseModel):
    """What a code turned out to be, what it matched, and what to do next; `units` is how many things it stands for."""

    scan_id: UUID
    verdict: Verdict
    next: str
    same_as: UUID | None = None
    means: Means
    sku: str | None = None
    order_id: UUID | None = None
    order_line_id: UUID | None = None
    asset_id: UUID | None = None
    shipment_id: UUID | None = None
    serial: str | None = None
    units: int


class ScanSeen(ScanJudged):
    """A scan of a session, as it was judged."""

    tag: str | None
    condition: Condition
    rejected: bool


class CodeKnown(BaseModel):
    """What a code is, and what it would turn out to be if it was scanned now."""

    verdict: Verdict
    next: str
    means: Means
    gtin: str | None
    lot: str | None
    sscc: str | None
    serial: str | None
    sku: str | None
    order_id: UUID | None
    order_line_id: UUID | None
    asset_id: UUID | None
    shipment_id: UUID | None


class ScansTaken(BaseModel):
    """Scans were kept; each is judged by what was known then, and by all others when the session ends."""

    session_id: UUID
    order_id: UUID
    scans: list[ScanJudged]


class SessionEnded(BaseModel):
    """A scan session is over: how many scans there were of each verdict, and in how many receipts it is received."""

    session_id: UUID
    order_id: UUID
    status: SessionStatus
    verdicts: dict[Verdict, int]
    missing: int
    without_serial: int
    receipts: int


class ScanReceived(SessionEnded):
    """One thing was scanned and is received: in a session of its own."""

    scan: ScanJudged


class ReceiptAsked(BaseModel):
    """A receipt of what was scanned, or why it was refused."""

    part: int
    status: AskedStatus
    units: int
    receipt_id: UUID | None
    receipt_number: str | None
    code: str | None
    message: str | None


class SessionSeen(BaseModel):
    """A scan session: how many scans there are of each verdict, and what was announced and is missing so far.

    Of the missing serial numbers the first 500 are listed.
    """

    session_id: UUID
    order_id: UUID
    shipment_id: UUID | None
    status: SessionStatus
    begun_by: str
    begun_at: datetime
    ended_by: str | None
    ended_at: datetime | None
    scans: int
    units: int
    verdicts: dict[Verdict, int]
    damaged: int
    rejected: int
    missing: int
    missing_serials: list[str]
    receipts: list[ReceiptAsked]


@router.get("/scans", dependencies=[needs(Action.SEE_DELIVERIES)])
async def look_up_code(
    read: Reading,
    code: Annotated[ScannedText, Query(description="What the scanner read.")],
    serial: Annotated[Serial | None, Query(description="A serial number read beside it.")] = None,
    order_id: UUID | None = None,
    shipment_id: UUID | None = None,
) -> CodeKnown:
    """What is this? Judged for the order that it belongs to, or for one that is being unloaded. Nothing is kept."""
    scan = Scan(scan_id=NOBODY, code=code, serial=serial, scanned_at=datetime.fromtimestamp(0, UTC))
    keys = list(what_it_can_be([scan]))
    led = taken(scan, NOBODY, await _known(read, keys), "", order_id)
    order_id = order_id or led.order_id or await _order_of(read, led.asset_id)
    if order_id is not None:
        keys += of_order(order_id)
    (finding,) = judged([led], await _known(read, keys), order_id, shipment_id)
    told = {name: value for name, value in asdict(finding).items() if name in CodeKnown.model_fields}
    reading = led.reading
    return CodeKnown(**told, gtin=reading.gtin, lot=reading.lot, sscc=reading.sscc)


@router.post(
    "/scans", status_code=201, response_model=ScanReceived, dependencies=[needs(Action.TAKE_DELIVERY)]
)
async def scan_and_receive(scan: JsonBody[ScanAndReceive], obey: Obeying) -> Response:
    """Scan one thing and receive it at once, if it is expected."""
    return await obey(scan)


@router.post(
    "/scan-sessions/{session_id}/scans",
    status_code=201,
    response_model=ScansTaken,
    dependencies=[needs(Action.TAKE_DELIVERY)],
)
async def record_scans(session_id: UUID, scans: JsonBody[ScansSent], obey: Obeying) -> Response:
    """Send what was scanned; the first scans begin the session. Each is kept once, however often it is sent."""
    told = scans.model_dump(exclude={"scans"})
    return await obey(RecordScans(session_id=session_id, scans=scans.scans, **told))


@router.get("/scan-sessions/{session_id}/scans", dependencies=[needs(Action.SEE_DELIVERIES)])
async def list_scans(
    session_id: UUID,
    read: Reading,
    verdict: Verdict | None = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[ScanSeen]:
    """The scans of a session and what they turned out to be, by their ids."""
    session, held = await _session(read, session_id)
    if session.status is SessionStatus.CONFIRMED:
        query = matching(
            select(_findings), {_findings.c.session_id: session_id, _findings.c.verdict: verdict}
        )
        rows, following = await page_of(read, query, _findings.c.id, limit, after)
        seen = [ScanSeen(scan_id=row.id, **fields_of(row, "id", "version", "session_id")) for row in rows]
        return Page(items=seen, next=following)
    found = sorted(_judged(session, held), key=lambda finding: finding.id)
    wanted = [
        each for each in found if verdict in (None, each.verdict) and (after is None or str(each.id) > after)
    ]
    following = str(wanted[limit - 1].id) if len(wanted) > limit else None
    return Page(items=[_seen(finding) for finding in wanted[:limit]], next=following)


@router.get("/scan-sessions/{session_id}", dependencies=[needs(Action.SEE_DELIVERIES)])
async def show_scan_session(session_id: UUID, read: Reading) -> SessionSeen:
    """A scan session as it stands, or as it ended."""
    session, held = await _session(read, session_id)
    if session.status is SessionStatus.CONFIRMED:
        of_session = _findings.c.session_id == session_id
        counted = select(
            func.count().filter(_findings.c.condition != Condition.NEW.value),
            func.count().filter(_findings.c.rejected),
        ).where(of_session, _findings.c.verdict != Verdict.DUPLICATE.value)
        damaged, rejected = (await read.execute(counted)).one()
        verdicts, missing = {Verdict(each): count for each, count in session.verdicts}, session.missing
    else:
        findings = _judged(session, held)
        single = [each for each in findings if each.verdict is not Verdict.DUPLICATE]
        damaged = sum(each.condition is not Condition.NEW for each in single)
        rejected = sum(each.rejected for each in single)
        verdicts = Counter(each.verdict for each in findings)
        scans = held.all(TakenScan, session_id=session.id)
        missing = missing_of(session.order_id, session.shipment_id, scans, held)
    asked = select(_receipts).where(_receipts.c.session_id == session_id).order_by(_receipts.c.part)
    receipts = [
        ReceiptAsked(**fields_of(row, "id", "version", "session_id")) for row in await read.execute(asked)
    ]
    shown = {name: value for name, value in asdict(session).items() if name in SessionSeen.model_fields}
    return SessionSeen(
        **shown
        | {
            "session_id": session.id,
            "verdicts": verdicts,
            "damaged": damaged,
            "rejected": rejected,
            "missing": len(missing),
            "missing_serials": missing[:MISSING_SHOWN],
            "receipts": receipts,
        }
    )


@router.post(
    "/scan-sessions/{session_id}/confirmation",
    status_code=201,
    response_model=SessionEnded,
    dependencies=[needs(Action.TAKE_DELIVERY)],
)
async def confirm_scan_session(
    session_id: UUID, confirmation: JsonBody[Confirmation], obey: Obeying
) -> Response:
    """End a session: what was expected in it is received; what was announced and not scanned is missing."""
    return await obey(ConfirmScanSession(session_id=session_id, **confirmation.model_dump()))


@router.post(
    "/scan-sessions/{session_id}/abandonment",
    status_code=201,
    response_model=SessionEnded,
    dependencies=[needs(Action.TAKE_DELIVERY)],
)
async def abandon_scan_session(session_id: UUID, obey: Obeying) -> Response:
    """End a session without receiving anything."""
    return await obey(AbandonScanSession(session_id=session_id))


async def _session(read: AsyncConnection, session_id: UUID) -> tuple[ScanSession, Records]:
    """A session; of one that is not confirmed also all that it is judged by."""
    held = await _known(read, [Key(ScanSession, session_id, may_be_new=True)])
    session = held.find(ScanSession, session_id)
    if session is None:
        raise Rejection("scan_session_unknown", message=f"No scan session has the id {session_id}.")
    if session.status is SessionStatus.CONFIRMED:
        return session, held
    return session, await _known(read, whole_session(session_id))


def _judged(session: ScanSession, held: Records) -> list[Finding]:
    scans = held.all(TakenScan, session_id=session.id)
    return judged(scans, held, session.order_id, session.shipment_id)


def _seen(finding: Finding) -> ScanSeen:
    told = {name: value for name, value in asdict(finding).items() if name in ScanSeen.model_fields}
    return ScanSeen(scan_id=finding.id, **told)


async def _order_of(read: AsyncConnection, asset_id: UUID | None) -> UUID | None:
    """The order of which a unit is."""
    if asset_id is None:
        return None
    units, lines = STORAGE.tables[ExpectedUnit], STORAGE.tables[ExpectedLine]
    line = select(units.c.order_line_id).where(units.c.id == asset_id).scalar_subquery()
    found: UUID | None = (
        await read.execute(select(lines.c.order_id).where(lines.c.id == line))
    ).scalar_one_or_none()
    return found


async def _known(read: AsyncConnection, keys: Keys) -> Records:
    """What a decision would see of these keys."""
    wanted = Needs(holds=(), reads=list(keys))
    working = WorkingSet(STORAGE)
    await working.load(read, [wanted], patiently=True)
    return working.seen_by(wanted)
