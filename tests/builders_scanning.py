"""What tests of scanning are built from: a dock with a manifest, phones, and what was read."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from libs.contracts.catalog import CatalogItemChanged, Pack
from libs.contracts.scanning import ReceiveScans, RecordScans, Scan, Verdict
from libs.contracts.shipments import RegisterShipment, ShippedLine
from libs.contracts.values import Kind, derived_id
from services.receiving import expectation, item, place, receipt, scan_receipt, scan_session, shipment
from services.receiving.scan_session import ScanSession
from services.receiving.shipment import Shipment
from services.receiving.taken_scan import TakenScan
from services.receiving.verdict import Finding, judged
from tests.builders_dock import LINE, NOON, ORDER, SITE, SPACE, House, a_place, an_order, an_ordered_line

SESSION = derived_id("test-session", 1)
OTHER_ORDER, OTHER_LINE = derived_id("test-order", 2), derived_id("test-line", 22)
CABLES = derived_id("test-line", 3)
GTIN, CABLE, CABLE_BOX = "04006381333931", "00036000291452", "10036000291459"
SSCC = "340123450000000000"


def an_item(sku: str, gtin: str, *packs: Pack, kind: Kind = Kind.HARDWARE) -> CatalogItemChanged:
    """An item of the catalog."""
    return CatalogItemChanged(
        item_id=derived_id("test-item", sku),
        sku=sku,
        name=sku,
        kind=kind,
        gtin=gtin,
        packs=packs,
        active=True,
    )


def a_dock(laptops: int = 3, *, others: int = 2) -> House:
    """Laptops and 20 cables are expected of one order, laptops of another; the catalog is known."""
    house = House(
        *(each.HANDLERS for each in (expectation, receipt, shipment, place, item, scan_session, scan_receipt))
    )
    cables = an_ordered_line(20, line=CABLES, sku="CABLE", kind=Kind.CONSUMABLE)
    house.hear(
        a_place(),
        an_item("LAPTOP-14", GTIN),
        an_item("CABLE", CABLE, Pack(gtin=CABLE_BOX, units=10), kind=Kind.CONSUMABLE),
        an_order(an_ordered_line(laptops), cables).model_copy(update={"purchase_order_number": "PO-1"}),
        an_order(an_ordered_line(others, line=OTHER_LINE), order=OTHER_ORDER, number="PR-000002"),
    )
    return house


def a_shipment(*serials: str, number: str = "DN-1", **changes: Any) -> RegisterShipment:
    """A shipment of laptops of the order, with its manifest."""
    values: dict[str, Any] = {
        "order_id": ORDER,
        "shipment_number": number,
        "location": SITE,
        "storage_space": SPACE,
        "lines": (
            ShippedLine(order_line_id=changes.pop("line", LINE), quantity=len(serials), serials=serials),
        ),
    }
    return RegisterShipment(**values | changes)


def the_shipment(house: House, number: str = "DN-1") -> UUID:
    """The shipment of this number."""
    (found,) = house.all(Shipment, shipment_number=number)
    assert isinstance(found, Shipment)
    return found.id


def a_scan(code: str, at: int = 0, *, phone: int = 1, **changes: Any) -> Scan:
    """A code that a phone read so many seconds after noon."""
    values: dict[str, Any] = {
        "scan_id": derived_id("test-scan", phone, code, at),
        "code": code,
        "scanned_at": NOON + timedelta(seconds=at),
        "location": SITE,
        "storage_space": SPACE,
    }
    return Scan(**values | changes)


def scans_of(*scans: Scan, **changes: Any) -> RecordScans:
    """What a phone sends."""
    named: dict[str, Any] = {} if "shipment_id" in changes else {"order_id": ORDER}
    values: dict[str, Any] = {"session_id": SESSION, "scans": scans}
    return RecordScans(**values | named | changes)


def in_turn(scans: Sequence[Scan], size: int = 500, **changes: Any) -> Iterable[RecordScans]:
    """Many scans, as many at a time as fit a message."""
    return [scans_of(*scans[first : first + size], **changes) for first in range(0, len(scans), size)]


def findings(house: House) -> dict[UUID, Finding]:
    """What all scans of the session turned out to be."""
    if found := house.all(Finding, session_id=SESSION):
        return {each.id: each for each in found}
    (session,) = house.all(ScanSession)
    held = house.everything()
    scans = house.all(TakenScan, session_id=SESSION)
    return {each.id: each for each in judged(scans, held, session.order_id, session.shipment_id)}


def verdicts(house: House) -> dict[str, Verdict]:
    """The verdict of each code that was read once."""
    codes = {scan.id: scan.code for scan in house.all(TakenScan)}
    return {codes[id]: finding.verdict for id, finding in findings(house).items()}


def received(house: House) -> list[Any]:
    """Have everything received that a session asked for; how that ended."""
    asked = [message for message in house.said if isinstance(message, ReceiveScans)]
    return [house.hear(message, sender="receiving") for message in asked]
