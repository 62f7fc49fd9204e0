"""What is on a manifest is scanned by two phones and received, by every way in."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from libs.contracts.scanning import ConfirmScanSession, RecordScans, Scan
from libs.contracts.shipments import RegisterShipment, ShippedLine
from tests.conftest import unique_name
from tests.journeys.buying import a_draft, a_thing, placed
from tests.journeys.system import APPROVER, DOCK, System, serials
from tests.journeys.ways import Way

NOON = datetime(2026, 3, 31, 12, tzinfo=UTC)


def read(codes: list[str], at: int) -> tuple[Scan, ...]:
    return tuple(
        Scan(scan_id=uuid4(), code=code, scanned_at=NOON + timedelta(seconds=at + place))
        for place, code in enumerate(codes)
    )


async def test_a_manifest_is_scanned_by_two_phones_and_received(system: System, way: Way) -> None:
    order = await placed(way, a_draft(a_thing("Desk", "210.50", 4)))
    line, announced, session = order["lines"][0], serials(4), uuid4()
    shipped = ShippedLine(order_line_id=UUID(line["order_line_id"]), quantity=4, serials=tuple(announced))
    told = await way.done(
        RegisterShipment(order_id=UUID(order["order_id"]), shipment_number=unique_name(), lines=(shipped,)),
        APPROVER,
    )
    shipment = UUID(str(told["shipment_id"]))

    for scans in (read(announced[1:3], 10), read([*announced[:2], "nobody-knows"], 20)):
        await way.done(RecordScans(session_id=session, shipment_id=shipment, scans=scans), DOCK)
    open_one = await system.api.get("receiving", f"/scan-sessions/{session}")
    ended = await way.done(
        ConfirmScanSession(session_id=session, location="SITE-NORTH", storage_space="SHELF-A1"), DOCK
    )

    assert open_one["verdicts"] == {"verified": 3, "duplicate": 1, "unexpected": 1}
    assert (open_one["missing_serials"], ended["missing"], ended["receipts"]) == ([announced[3]], 1, 1)
    seen = await system.eventually(
        lambda: system.api.get("receiving", f"/scan-sessions/{session}"),
        lambda seen: seen["receipts"][0]["status"] == "recorded",
    )
    receipt = await system.api.get("receiving", f"/receipts/{seen['receipts'][0]['receipt_number']}")
    assert receipt["accepted"] == 3
    known = await system.api.get("receiving", "/scans", code=announced[0])
    assert (known["verdict"], known["order_id"]) == ("already_received", order["order_id"])
