"""What scanned codes turn out to be: judged all together, so that it does not matter in which order they came."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import Record, Records
from libs.contracts.receiving import Condition
from libs.contracts.scanning import Verdict
from libs.contracts.values import Kind
from services.receiving.expectation import ExpectedLine, ExpectedUnit, UnitStatus
from services.receiving.item import ItemGtin, gtin_id
from services.receiving.manifest import AnnouncedSerial
from services.receiving.serial import RegisteredSerial, serial_id
from services.receiving.shipment import Shipment
from services.receiving.taken_scan import Means, TakenScan, item_of

TO_RECEIVE = (Verdict.EXPECTED, Verdict.VERIFIED)
NEXT = {
    Verdict.EXPECTED: "Take it in.",
    Verdict.VERIFIED: "It is on the manifest: take it in.",
    Verdict.DUPLICATE: "It was scanned before: nothing is to be done.",
    Verdict.WRONG_ORDER: "It is of another order: put it aside for that one.",
    Verdict.ALREADY_RECEIVED: "It was received before: put it aside and look into it.",
}


@dataclass(frozen=True, kw_only=True)
class Finding(Record):
    """What a scan turned out to be when its session ended; its id is the scan's.

    It stands for so many `units`. Of a duplicate `same_as` is the scan that counts.
    """

    APPEND_ONLY: ClassVar[bool] = True

    session_id: UUID
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
    tag: str | None = None
    units: int = 1
    condition: Condition = Condition.NEW
    rejected: bool = False


class Manifest:
    """What the dock knows of the order that is being unloaded, or of one of its shipments."""

    def __init__(self, held: Records, order_id: UUID | None, shipment_id: UUID | None) -> None:
        self.held, self.order_id, self.shipment_id = held, order_id, shipment_id
        self.lines = {line.id: line for line in held.all(ExpectedLine, order_id=order_id)}
        self.announced: dict[str, list[AnnouncedSerial]] = defaultdict(list)
        for each in held.all(AnnouncedSerial, order_id=order_id):
            self.announced[each.serial].append(each)
        # So many of each line were announced by serial number: their places are not for others.
        self._told: Counter[UUID] = Counter()
        for shipment in held.all(Shipment, order_id=order_id):
            for line, told in zip(shipment.lines, shipment.announced, strict=True):
                self._told[line.order_line_id] += told

    def line_of(self, sku: str) -> ExpectedLine | None:
        """The line of this item; of several the first of which something is open."""
        of_item = [line for line in self.lines.values() if line.sku == sku]
        return next((line for line in of_item if line.open), of_item[0] if of_item else None)

    def only_line(self) -> ExpectedLine | None:
        """The one line of hardware of which something is open, if it is only one."""
        found = [line for line in self.lines.values() if line.kind is Kind.HARDWARE and line.open]
        return found[0] if len(found) == 1 else None

    def free(self, line: ExpectedLine, verified: int) -> int:
        """How many units that nobody announced can come of a line."""
        return max(0, line.open - max(verified, self._told[line.id] - max(0, line.accepted)))

    def told(self, serial: str, sku: str | None) -> AnnouncedSerial | None:
        """The announcement of a serial number for this order; that of the shipment which is unloaded goes first."""
        told = [each for each in self.announced.get(serial, ()) if sku in (None, each.sku)]
        return min(told, key=lambda each: (each.shipment_id != self.shipment_id, each.id), default=None)

    def is_here(self, serial: str, sku: str | None) -> bool:
        """Whether a unit with this serial number was received; a claim is kept for one that was taken back."""
        claim = self.held.find(RegisteredSerial, serial_id(serial))
        if claim is None:
            return False
        assets = claim.assets if sku is None else [asset for asset in [claim.unit_of(sku)] if asset]
        units = [self.held.find(ExpectedUnit, asset) for asset in assets]
        return any(unit is None or unit.status is UnitStatus.RECEIVED for unit in units)


def judged(
    scans: Iterable[TakenScan], held: Records, order_id: UUID | None, shipment_id: UUID | None
) -> list[Finding]:
    """What each scan turned out to be, in the order in which they were read.

    Of a unit that was scanned more than once the earliest scan counts. No more is expected of a line than is open:
    what was announced by serial number comes first, then who was read first.
    """
    manifest = Manifest(held, order_id, shipment_id)
    findings: list[Finding] = []
    counting: list[tuple[TakenScan, Finding]] = []
    for unit in _units(scans, manifest):
        first = unit[0]
        finding = _judge(_all_told(unit), manifest)
        counting.append((first, finding))
        findings += [
            replace(
                finding,
                id=other.id,
                verdict=Verdict.DUPLICATE,
                next=NEXT[Verdict.DUPLICATE],
                same_as=first.id,
            )
            for other in unit[1:]
        ]
    findings += _as_far_as_open([finding for _, finding in sorted(counting, key=_moment)], manifest)
    return findings


def _moment(judged: tuple[TakenScan, Finding]) -> tuple[datetime, UUID]:
    return judged[0].moment


def _units(scans: Iterable[TakenScan], manifest: Manifest) -> Iterator[Sequence[TakenScan]]:
    """The scans of each unit, the one that counts first.

    A tag and a serial number that were read together are of one unit, so all scans of either are. The same serial
    number on two items is on two units.
    """
    scans = sorted(scans, key=lambda scan: scan.moment)
    items: dict[str, set[str]] = defaultdict(set)
    for scan in scans:
        if scan.serial and (sku := _sku_told(scan, manifest)):
            items[scan.serial].add(sku)
    leader: dict[object, object] = {}

    def led(token: object) -> object:
        while (next_one := leader.get(token, token)) != token:
            token = next_one
        return token

    tokens: dict[UUID, object] = {}
    for scan in scans:
        mine: list[object] = []
        if scan.serial is not None:
            sku = _sku_told(scan, manifest) or min(items[scan.serial], default="")
            mine.append(("serial", sku, scan.serial))
        if scan.means is Means.TAG:
            mine.append(("unit", scan.asset_id or scan.reading.text))
        mine = mine or [scan.unit_key]
        tokens[scan.id] = mine[0]
        for token in mine[1:]:
            leader[led(token)] = led(mine[0])
    units: dict[object, list[TakenScan]] = defaultdict(list)
    for scan in scans:
        units[led(tokens[scan.id])].append(scan)
    yield from units.values()


def _sku_told(scan: TakenScan, manifest: Manifest) -> str | None:
    """Of which item the scan is, as far as its code or the manifest tells that."""
    if (sku := item_of(scan, manifest.held)) is not None:
        return sku
    if scan.means is Means.TAG and scan.asset_id:
        unit = manifest.held.find(ExpectedUnit, scan.asset_id)
        line = manifest.lines.get(unit.order_line_id) if unit else None
        return line.sku if line else None
    told = manifest.told(scan.serial, None) if scan.serial else None
    return told.sku if told else None


def _all_told(unit: Sequence[TakenScan]) -> TakenScan:
    """The scan of a unit that counts, with the serial number or the tag that another scan of it told."""
    first = unit[0]
    by_tag = next((scan for scan in unit if scan.means is Means.TAG), None)
    by_serial = next((scan for scan in unit if scan.serial is not None), None)
    if by_tag is not None:
        return replace(
            by_tag,
            id=first.id,
            serial=by_tag.serial or (by_serial.serial if by_serial else None),
            condition=first.condition,
            rejection_reason=first.rejection_reason,
        )
    return first


def _judge(scan: TakenScan, manifest: Manifest) -> Finding:
    """What a unit is, as if it was the only one."""
    finding = Finding(
        id=scan.id,
        session_id=scan.session_id,
        verdict=Verdict.UNEXPECTED,
        next="Put it aside: nobody knows what it is.",
        means=scan.means,
        sku=item_of(scan, manifest.held),
        serial=scan.serial,
        tag=scan.reading.text if scan.means is Means.TAG else None,
        condition=scan.condition,
        rejected=scan.rejection_reason is not None,
    )
    if scan.means in (Means.PACKAGE, Means.ORDER, Means.SHIPMENT):
        return _judge_papers(scan, finding, manifest)
    if scan.means is Means.TAG:
        return _judge_tag(scan, finding, manifest)
    if scan.serial is not None:
        return _judge_serial(scan, scan.serial, finding, manifest)
    return _judge_item(scan, finding, manifest) if scan.means is Means.ITEM else finding


def _judge_papers(scan: TakenScan, finding: Finding, manifest: Manifest) -> Finding:
    """A package, an order's or a shipment's number: it says what things belong to, and is received by its contents."""
    finding = replace(finding, order_id=scan.order_id, shipment_id=scan.shipment_id, units=0)
    if scan.order_id is None:
        return replace(finding, next="Put it aside: no shipment was announced with this package.")
    is_other_shipment = manifest.shipment_id and scan.shipment_id not in (None, manifest.shipment_id)
    if scan.order_id != manifest.order_id or is_other_shipment:
        return _as(finding, Verdict.WRONG_ORDER)
    return _as(finding, Verdict.EXPECTED, next="Scan what is in it.")


def _judge_tag(scan: TakenScan, finding: Finding, manifest: Manifest) -> Finding:
    unit = manifest.held.find(ExpectedUnit, scan.asset_id) if scan.asset_id else None
    if unit is None:
        return replace(finding, next="Put it aside: no unit that is to come has this tag.")
    line = manifest.lines.get(unit.order_line_id)
    finding = replace(finding, asset_id=unit.id, order_line_id=unit.order_line_id)
    if line is not None:
        finding = replace(finding, sku=line.sku, order_id=line.order_id)
    if unit.status is UnitStatus.RECEIVED:
        return _as(finding, Verdict.ALREADY_RECEIVED)
    if line is None:
        return _as(finding, Verdict.WRONG_ORDER)
    if unit.status is UnitStatus.CANCELLED:
        return replace(finding, next="Put it aside: this unit is wanted no more.")
    if scan.serial is None:
        return _as(finding, Verdict.EXPECTED, next="Read its serial number as well.")
    if manifest.is_here(scan.serial, line.sku):
        return _as(finding, Verdict.ALREADY_RECEIVED)
    told = manifest.told(scan.serial, line.sku)
    if told is not None:
        return _as(replace(finding, shipment_id=told.shipment_id), Verdict.VERIFIED)
    return _as(finding, Verdict.EXPECTED)


def _judge_serial(scan: TakenScan, serial: str, finding: Finding, manifest: Manifest) -> Finding:
    if scan.means is Means.ITEM and finding.sku is None:
        return replace(finding, next="Put it aside: no item of the catalog has this GTIN.")
    told = manifest.told(serial, finding.sku)
    sku = told.sku if told else finding.sku
    finding = replace(finding, sku=sku)
    if told is not None:
        finding = replace(
            finding, order_id=told.order_id, order_line_id=told.order_line_id, shipment_id=told.shipment_id
        )
    elif scan.order_id is not None and scan.order_id != manifest.order_id:
        finding = replace(finding, order_id=scan.order_id, shipment_id=scan.shipment_id)
    if manifest.is_here(serial, sku):
        return _as(replace(finding, asset_id=scan.asset_id), Verdict.ALREADY_RECEIVED)
    if told is not None:
        return _as(finding, Verdict.VERIFIED)
    if finding.order_id is not None:
        return _as(finding, Verdict.WRONG_ORDER)
    line = manifest.line_of(sku) if sku else manifest.only_line()
    if line is None or line.kind is not Kind.HARDWARE:
        message = "nothing like it is expected" if sku else "nobody announced this serial number"
        return replace(finding, next=f"Put it aside: {message}.")
    return _as(
        replace(finding, sku=line.sku, order_id=line.order_id, order_line_id=line.id), Verdict.EXPECTED
    )


def _judge_item(scan: TakenScan, finding: Finding, manifest: Manifest) -> Finding:
    """Something without a serial number of its own: so many packs of an item."""
    known = manifest.held.find(ItemGtin, gtin_id(scan.reading.gtin or ""))
    if known is None or known.sku is None:
        return replace(finding, next="Put it aside: no item of the catalog has this GTIN.")
    finding = replace(finding, units=scan.quantity * known.units)
    line = manifest.line_of(known.sku)
    if line is None or not line.is_received:
        return replace(finding, next=f"Put it aside: no {known.sku} is expected.")
    finding = replace(finding, order_id=line.order_id, order_line_id=line.id)
    if line.kind is Kind.HARDWARE:
        return _as(finding, Verdict.EXPECTED, next="Read its serial number as well.")
    return _as(finding, Verdict.EXPECTED)


def _as_far_as_open(findings: Sequence[Finding], manifest: Manifest) -> Iterator[Finding]:
    """No more than is open is expected. What is rejected stays open; a tag is on a unit that is open."""
    verified: Counter[UUID] = Counter()
    others: Counter[UUID] = Counter()
    for finding in sorted(findings, key=lambda each: each.verdict is not Verdict.VERIFIED):
        line = manifest.lines.get(finding.order_line_id) if finding.order_line_id else None
        if finding.verdict not in TO_RECEIVE or line is None or finding.rejected:
            yield finding
            continue
        if finding.verdict is Verdict.VERIFIED:
            taken, room = verified, line.open
        else:
            taken, room = others, manifest.free(line, verified[line.id])
            if finding.means is Means.TAG:
                room = line.open - verified[line.id]
        if taken[line.id] + finding.units > room:
            more = f"{line.open} of {line.sku} are open" if line.open else f"nothing of {line.sku} is open"
            yield _as(finding, Verdict.UNEXPECTED, next=f"Put it aside: {more}, and others come first.")
            continue
        taken[line.id] += finding.units
        yield finding


def _as(finding: Finding, verdict: Verdict, *, next: str | None = None) -> Finding:
    return replace(finding, verdict=verdict, next=next or NEXT[verdict])


def missing_of(
    order_id: UUID, shipment_id: UUID | None, scanned: Iterable[TakenScan], held: Records
) -> tuple[str, ...]:
    """The serial numbers that were announced, are not here, and were not scanned."""
    manifest = Manifest(held, order_id, shipment_id)
    serials = {scan.serial for scan in scanned}
    return tuple(
        sorted(
            each.serial
            for each in held.all(AnnouncedSerial, order_id=order_id)
            if shipment_id in (None, each.shipment_id)
            and each.serial not in serials
            and not manifest.is_here(each.serial, each.sku)
        )
    )
