"""A scan as the dock keeps it: what was read, what that leads to, and which scans are of the same unit."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import Key, Keys, Many, NamedBy, Record, Records
from libs.contracts.receiving import Condition
from libs.contracts.scanning import Scan
from libs.contracts.values import derived_id
from services.receiving.expectation import ExpectedUnit, OrderName, order_name_id
from services.receiving.item import ItemGtin, gtin_id
from services.receiving.label import RegisteredLabel, label_id
from services.receiving.manifest import AnnouncedSerial, Package, package_id
from services.receiving.scan import Reading, parse
from services.receiving.serial import RegisteredSerial, serial_id
from services.receiving.shipment import Shipment, ShipmentName, shipment_name_id


class Means(StrEnum):
    """What a code stands for."""

    TAG = "tag"
    SERIAL = "serial"
    ITEM = "item"
    PACKAGE = "package"
    ORDER = "order"
    SHIPMENT = "shipment"
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class TakenScan(Record):
    """A code that was read in a session; its id is the one that the phone made.

    Kept with it is what it led to when it came: the unit whose tag or serial number it is; the shipment whose number or
    package it is; the order that it names, or that the serial number was announced for. `unit_key` is the same for
    scans of one unit, as far as the codes alone tell that.
    """

    APPEND_ONLY: ClassVar[bool] = True

    session_id: UUID
    unit_key: UUID
    code: str
    means: Means
    serial: str | None
    scanned_at: datetime
    quantity: int
    condition: Condition
    rejection_reason: str | None
    location: str | None
    storage_space: str | None
    asset_id: UUID | None = None
    shipment_id: UUID | None = None
    order_id: UUID | None = None
    sent_by: str

    @property
    def reading(self) -> Reading:
        """What its code says."""
        return parse(self.code)

    @property
    def moment(self) -> tuple[datetime, UUID]:
        """Of scans of one unit the earliest counts; of two at the same time the one with the lower id."""
        return self.scanned_at, self.id


def taken(scan: Scan, session_id: UUID, held: Records, sent_by: str, order_id: UUID | None) -> TakenScan:
    """The scan as it is kept, with what it leads to; of orders that announce a serial number this one comes first."""
    reading = parse(scan.code)
    means = _meant(reading, held)
    serial = scan.serial or reading.serial or (reading.plain_serial if means is Means.SERIAL else None)
    if serial is not None:
        key = _key(session_id, "serial", serial)
    elif means is Means.ITEM:
        # Things without a serial number look all the same: each scan is of another one.
        key = _key(session_id, "scan", scan.scan_id)
    else:
        key = _key(session_id, "code", scan.code)
    kept = TakenScan(
        id=scan.scan_id,
        session_id=session_id,
        unit_key=key,
        code=scan.code,
        means=means,
        serial=serial,
        scanned_at=scan.scanned_at,
        quantity=scan.quantity,
        condition=scan.condition,
        rejection_reason=scan.rejection_reason,
        location=scan.location,
        storage_space=scan.storage_space,
        sent_by=sent_by,
    )
    return _led(kept, held, order_id)


def _key(session_id: UUID, *named: object) -> UUID:
    return derived_id("scanned", session_id, *named)


def of_the_same_units(scans: Iterable[Scan], session_id: UUID) -> Keys:
    """Scans of a session that may be of the same units as these."""
    for scan in scans:
        reading = parse(scan.code)
        serials = {scan.serial, reading.serial, reading.plain_serial} - {None}
        for key in (
            *(_key(session_id, "serial", serial) for serial in serials),
            _key(session_id, "code", scan.code),
        ):
            yield Many(TakenScan, by="unit_key", value=key)


def _meant(reading: Reading, held: Records) -> Means:
    """What a code stands for. Text that is known as something is that; else it is taken for a serial number."""
    text = reading.text
    if text is None:
        known = {Means.PACKAGE: reading.sscc, Means.ITEM: reading.gtin, Means.SERIAL: reading.serial}
        return next((means for means, told in known.items() if told), Means.NOTHING)
    if reading.sscc and held.find(Package, package_id(reading.sscc)):
        return Means.PACKAGE
    if reading.is_our_tag or held.find(RegisteredLabel, label_id(text)):
        return Means.TAG
    if reading.plain_serial and (
        held.find(RegisteredSerial, serial_id(text)) or held.all(AnnouncedSerial, serial=text)
    ):
        return Means.SERIAL
    if held.find(OrderName, order_name_id(text)):
        return Means.ORDER
    if held.find(ShipmentName, shipment_name_id(text)):
        return Means.SHIPMENT
    if reading.gtin:
        return Means.ITEM
    return Means.SERIAL if reading.plain_serial else Means.NOTHING


def _led(scan: TakenScan, held: Records, order_id: UUID | None) -> TakenScan:
    text = scan.reading.text or ""
    if scan.means is Means.TAG:
        label = held.find(RegisteredLabel, label_id(text))
        units = held.all(ExpectedUnit, tag=text)
        return replace(scan, asset_id=label.asset_id if label else units[0].id if units else None)
    if scan.means is Means.ORDER:
        return replace(scan, order_id=held[OrderName, order_name_id(text)].order_id)
    if scan.means in (Means.PACKAGE, Means.SHIPMENT):
        way = (
            held.find(Package, package_id(scan.reading.sscc or ""))
            if scan.means is Means.PACKAGE
            else held.find(ShipmentName, shipment_name_id(text))
        )
        shipment = held.find(Shipment, way.shipment_id) if way else None
        return replace(scan, shipment_id=shipment.id, order_id=shipment.order_id) if shipment else scan
    if scan.serial is None:
        return scan
    claim = held.find(RegisteredSerial, serial_id(scan.serial))
    asset_id = (claim.unit_of(item_of(scan, held) or "") or next(iter(claim.assets), None)) if claim else None
    announced = held.all(AnnouncedSerial, serial=scan.serial)
    told = min(announced, key=lambda each: (each.order_id != order_id, each.id), default=None)
    scan = replace(scan, asset_id=asset_id)
    return replace(scan, order_id=told.order_id, shipment_id=told.shipment_id) if told else scan


def item_of(scan: TakenScan, held: Records) -> str | None:
    """The item whose GTIN was read, if it is known."""
    gtin = scan.reading.gtin if scan.means is Means.ITEM else None
    known = held.find(ItemGtin, gtin_id(gtin)) if gtin else None
    return known.sku if known else None


def what_it_can_be(scans: Iterable[Scan]) -> Keys:
    """Everything that these codes can lead to; it need not exist."""
    for scan in scans:
        reading = parse(scan.code)
        if reading.sscc:
            yield from _way(Shipment, Package, package_id(reading.sscc))
        if reading.gtin:
            yield Key(ItemGtin, gtin_id(reading.gtin), may_be_new=True)
        if reading.is_our_tag:
            yield Many(ExpectedUnit, by="tag", value=reading.text or "")
        elif reading.text:
            yield Key(RegisteredLabel, label_id(reading.text), may_be_new=True)
            yield NamedBy(
                ExpectedUnit,
                by=RegisteredLabel,
                id=label_id(reading.text),
                ids=lambda label: [label.asset_id],
            )
            yield Key(OrderName, order_name_id(reading.text), may_be_new=True)
            yield from _way(Shipment, ShipmentName, shipment_name_id(reading.text))
        for serial in {scan.serial, reading.serial, reading.plain_serial} - {None}:
            yield Key(RegisteredSerial, serial_id(str(serial)), may_be_new=True)
            yield NamedBy(
                ExpectedUnit, by=RegisteredSerial, id=serial_id(str(serial)), ids=lambda claim: claim.assets
            )
            yield Many(AnnouncedSerial, by="serial_id", value=serial_id(str(serial)))


def _way(of: type[Record], by: type[Record], id: UUID) -> Iterator[Key | NamedBy]:
    yield Key(by, id, may_be_new=True)
    yield NamedBy(of, by=by, id=id, ids=lambda named: [named.shipment_id])


def what_they_led_to(scans: Many) -> Keys:
    """What has to be known of these scans, which were taken before."""
    yield NamedBy(ExpectedUnit, by=TakenScan, id=scans, ids=lambda scan: filter(None, [scan.asset_id]))
    yield NamedBy(
        RegisteredSerial, by=TakenScan, id=scans, ids=lambda scan: map(serial_id, filter(None, [scan.serial]))
    )
    yield NamedBy(
        ItemGtin, by=TakenScan, id=scans, ids=lambda scan: map(gtin_id, filter(None, [scan.reading.gtin]))
    )
