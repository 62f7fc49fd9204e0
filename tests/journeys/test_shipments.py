"""A shipment from its announcement to the dock: tracked, found, labelled, received. By file as well."""

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from uuid import UUID, uuid4

from pypdf import PdfReader

from libs.contracts.shipments import RegisterShipment, ShipmentStatus, ShippedLine, TrackShipment
from tests.conftest import ROOT, unique_name
from tests.journeys.buying import a_draft, a_thing, placed
from tests.journeys.system import ADMINISTRATOR, APPROVER, DOCK, ROLES, System, a_receipt, as_person, serials
from tests.journeys.ways import Way
from tests.tokens import a_token


def a_package() -> str:
    """The number of a package that no other one has."""
    digits = f"{uuid4().int % 10**17:017d}"
    weighted = sum(int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(reversed(digits)))
    return f"{digits}{-weighted % 10}"


async def test_a_shipment_is_tracked_found_labelled_and_received(system: System, way: Way) -> None:
    order = await placed(way, a_draft(a_thing("Desk", "210.50", 2)))
    line, announced, package, tracking_number = order["lines"][0], serials(2), a_package(), unique_name()
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    shipped = ShippedLine(order_line_id=UUID(line["order_line_id"]), quantity=2, serials=tuple(announced))
    told = await way.done(
        RegisterShipment(
            order_id=UUID(order["order_id"]),
            shipment_number=unique_name(),
            packages=(package,),
            lines=(shipped,),
        ),
        APPROVER,
    )
    number = str(told["number"])

    await way.done(
        TrackShipment(
            number=number,
            status=ShipmentStatus.IN_TRANSIT,
            expected_on=yesterday,
            carrier="Carrier",
            tracking_number=tracking_number,
        ),
        APPROVER,
    )
    found = [
        await system.api.all("receiving", "/shipments", **wanted)
        for wanted in (
            {"search": package},
            {"search": tracking_number},
            {"search": number, "overdue": True},
            {"order_id": order["order_id"], "status": "in_transit"},
            {"order_id": order["order_id"], "status": "arrived"},
        )
    ]
    seen = await system.api.get("receiving", f"/shipments/{number}")
    listed = [
        await system.api.get("receiving", f"/shipments/{number}/serials", limit=1, after=after)
        for after in ("", f"{min(announced)} {line['sku']}")
    ]

    assert [[each["number"] for each in some] for some in found] == [[number]] * 4 + [[]]
    assert (seen["status"], seen["overdue"], seen["packages"]) == ("in_transit", True, [package])
    assert seen["lines"][0] | {"order_line_id": ""} == {
        "order_line_id": "",
        "quantity": 2,
        "received": 0,
        "announced": 2,
    }
    assert [page["items"][0]["serial"] for page in listed] == sorted(announced)
    async with system.client("receiving") as client:
        path, who = f"/expected-orders/{order['order_id']}/labels", as_person(ADMINISTRATOR)
        sheet = await client.get(path, headers=who)
        one = await client.get(f"{path}?format=zpl&skip=1", headers=who)
        nothing = await client.get(f"{path}?skip=2", headers=who)
    tags = [unit["tag"] for unit in line["open_units"]]
    (page,) = PdfReader(BytesIO(sheet.content)).pages
    assert all(tag in page.extract_text() for tag in tags)
    assert (tags[0] in one.text, tags[1] in one.text) == (False, True)
    assert nothing.json()["code"] == "labels_missing"

    receipt = a_receipt(order, (line, announced))
    await way.done(receipt.model_copy(update={"shipment_id": UUID(str(told["shipment_id"]))}), DOCK)
    taken = await system.eventually(
        lambda: system.api.get("receiving", f"/shipments/{number}"), lambda now: now["status"] == "received"
    )
    late = await way.give(TrackShipment(number=number, status=ShipmentStatus.ARRIVED), APPROVER)

    assert (taken["overdue"], taken["lines"][0]["received"]) == (False, 2)
    assert late.code == "shipment_not_movable"


async def test_a_file_of_shipments_gets_a_verdict_for_every_row_and_may_be_sent_again(
    system: System, tmp_path: Path
) -> None:
    order = await placed(Way(system, "http"), a_draft(a_thing("Desk", "210.50", 2)))
    sku = order["lines"][0]["sku"]
    rows = [
        f"{order['requisition_number']},{unique_name()},{sku}:1,{sku}:{serials(1)[0]}",
        f"{order['requisition_number']},{unique_name()},NO-SUCH-THING:1,",
        f"{order['requisition_number']},{unique_name()},{sku},",
        f"NO-SUCH-ORDER,{unique_name()},{sku}:1,",
    ]
    file = "\n".join(["requisition_number,shipment_number,items,serials", *rows])

    read = await system.api.post_csv("receiving", "/imports/shipments", file)

    assert [(row["outcome"], row["code"]) for row in read["rows"]] == [
        ("accepted", None),
        ("rejected", "order_line_unknown"),
        ("rejected", "invalid_content"),
        ("rejected", "order_unknown"),
    ]
    (tmp_path / "shipments.csv").write_text(file)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.imports", str(tmp_path / "shipments.csv")),
        *("--url", system.supervisor.urls["receiving"], "--token", a_token(APPROVER, ROLES[APPROVER])),
        cwd=ROOT,
        stdout=PIPE,
        stderr=STDOUT,
    )
    said, _ = await process.communicate()
    assert "4 rows: 1 accepted, 0 unchanged, 3 rejected" in said.decode()
    (kept,) = await system.api.all("receiving", "/shipments", order_id=order["order_id"])
    assert (kept["lines"][0]["quantity"], kept["lines"][0]["announced"]) == (1, 1)
