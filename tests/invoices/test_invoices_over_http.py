"""Invoices over HTTP: recorded, found, decided about, and shown against their orders."""

from decimal import Decimal
from typing import Any

import httpx2
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.chassis import finding
from libs.contracts.invoices import (
    DefineTolerance,
    Difference,
    MatchInvoices,
    MatchRecordedInvoices,
    RecordInvoice,
)
from libs.contracts.permissions import Role
from libs.contracts.receiving import GoodsReceived, ReceivedLine
from libs.contracts.values import derived_id
from services.purchasing.invoice import invoice_id_of
from tests.builders_desk import LAPTOP, a_vendor, an_item, create_order
from tests.builders_invoices import a_credit_note, a_line, an_invoice
from tests.invoices.conftest import Tell
from tests.tokens import bearer

BUYER = bearer("person-8", Role.PROCUREMENT_MANAGER)
DOCK = bearer("dock-1", Role.STORAGE_MANAGER)
REASON = {"reason": "agreed by telephone"}


async def an_order(tell: Tell, engine: AsyncEngine, quantity: int = 10) -> tuple[Any, Any]:
    """The ids of an order of so many laptops at 100, and of its line."""
    ended = await tell(a_vendor("V-1"), an_item(LAPTOP, unit_price=Decimal(100)))
    ended += await tell(create_order({LAPTOP: quantity}), by="requests")
    assert ended == ["accepted"] * 3
    async with engine.connect() as connection:
        row = (await connection.execute(text("SELECT order_id, id FROM order_lines"))).one()
        return row.order_id, row.id


async def received(tell: Tell, order_id: Any, line_id: Any, quantity: int, by: str = "dock-1") -> None:
    """The dock took so many, and purchasing heard of it."""
    line = ReceivedLine(
        receipt_line_id=derived_id("receipt-line", quantity),
        order_line_id=line_id,
        request_line_id=None,
        sku=LAPTOP,
        accepted=quantity,
        rejected=0,
    )
    fact = GoodsReceived(
        receipt_id=derived_id("receipt", quantity),
        receipt_number="RCV-000001",
        order_id=order_id,
        request_id=None,
        received_by=by,
        lines=(line,),
    )
    assert await tell(fact) == ["done"]
    assert await tell(MatchInvoices(order_id=order_id), by="purchasing") == ["accepted"]


async def post(client: httpx2.AsyncClient, path: str, body: Any, who: Any = BUYER) -> httpx2.Response:
    content = body.model_dump_json() if isinstance(body, RecordInvoice) else None
    headers = {**who, "content-type": "application/json"}
    if content is not None:
        return await client.post(path, content=content, headers=headers)
    return await client.post(path, json=body, headers=headers)


async def shown(client: httpx2.AsyncClient, number: str = "R-1") -> dict[str, Any]:
    answer = await client.get(f"/invoices/{invoice_id_of('V-1', number)}", headers=BUYER)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_an_order_shows_the_sum_of_its_invoices_against_what_it_costs(
    client: httpx2.AsyncClient, tell: Tell, engine: AsyncEngine
) -> None:
    order_id, line_id = await an_order(tell, engine)

    first = await post(client, "/invoices", an_invoice(a_line(12)))
    early = (await client.get("/orders/PR-000001/invoices", headers=BUYER)).json()
    await received(tell, order_id, line_id, 10)
    await post(client, "/invoices", a_credit_note(a_line(2)))
    late = (await client.get(f"/orders/{order_id}/invoices", headers=BUYER)).json()

    assert first.status_code == 201, first.text
    assert first.json() == {
        "invoice_id": str(invoice_id_of("V-1", "R-1")),
        "vendor_number": "V-1",
        "number": "R-1",
    }
    assert [early[name]["amount"] for name in ("expected_net", "invoiced_net", "difference_net")] == [
        "1000.00",
        "1200.00",
        "200.00",
    ]
    assert ([line["invoiced"] for line in early["lines"]], early["differs"]) == ([12], True)
    assert [late[name]["amount"] for name in ("invoiced_gross", "difference_gross")] == ["1000.00", "0.00"]
    assert ([line["invoiced"] for line in late["lines"]], late["differs"]) == ([10], False)
    assert [(each["number"], each["status"]) for each in late["invoices"]] == [
        ("R-1", "matched"),
        ("G-1", "matched"),
    ]


async def test_who_received_the_goods_does_not_accept_the_invoice(
    client: httpx2.AsyncClient, tell: Tell, engine: AsyncEngine
) -> None:
    order_id, line_id = await an_order(tell, engine)
    await received(tell, order_id, line_id, 10)
    await post(client, "/invoices", an_invoice(a_line(10, "101")))
    path = f"/invoices/{invoice_id_of('V-1', 'R-1')}"

    by_dock = await post(client, f"{path}/acceptance", REASON, DOCK)
    disputed = await post(client, f"{path}/dispute", REASON, DOCK)
    resolved = await post(client, f"{path}/resolution", {"resolution": "they insist"})
    accepted = await post(client, f"{path}/acceptance", REASON)
    again = await post(client, f"{path}/acceptance", REASON)

    assert (by_dock.status_code, by_dock.json()["code"]) == (409, "received_by_oneself")
    assert [each.json()["status"] for each in (disputed, resolved, accepted, again)] == [
        "disputed",
        "recorded",
        "accepted",
        "accepted",
    ]
    invoice = await shown(client)
    assert [(each["verdict"], each["decided_by"]) for each in invoice["decisions"]] == [
        ("disputed", "dock-1"),
        ("resolved", "person-8"),
        ("accepted", "person-8"),
    ]
    assert invoice["accepted_differences"] == invoice["differences"]
    assert [each["difference"] for each in invoice["differences"]] == ["line_price", "total", "total"]
    assert invoice["sent"]["lines"][0]["unit_price"] == "101"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"gross": "999"}, 422, "invoice_amounts_differ"),
        ({"orders": [{"requisition_number": "PR-000099"}]}, 422, "invoice_order_unknown"),
        ({"corrects": "R-0"}, 422, "invoice_corrected_unknown"),
        ({"vendor_number": "V-9"}, 422, "invoice_vendor_differs"),
        ({"lines": [{}]}, 422, "invalid_content"),
    ],
)
async def test_what_is_wrong_with_an_invoice_is_said_at_once(
    changes: dict[str, Any],
    status: int,
    code: str,
    client: httpx2.AsyncClient,
    tell: Tell,
    engine: AsyncEngine,
) -> None:
    await an_order(tell, engine)
    body = an_invoice(a_line(10)).model_dump(mode="json") | changes

    answer = await post(client, "/invoices", body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_number_is_recorded_once(client: httpx2.AsyncClient, tell: Tell, engine: AsyncEngine) -> None:
    await an_order(tell, engine)
    first = await post(client, "/invoices", an_invoice(a_line(10)))

    again = await post(client, "/invoices", an_invoice(a_line(10)))
    other = await post(client, "/invoices", an_invoice(a_line(9)))

    assert (again.status_code, again.json()) == (201, first.json())
    assert (other.status_code, other.json()["code"]) == (409, "invoice_number_reused")


async def test_a_tolerance_lets_an_invoice_match(
    client: httpx2.AsyncClient, tell: Tell, engine: AsyncEngine
) -> None:
    order_id, line_id = await an_order(tell, engine)
    tolerance = {"difference": "line_price", "percent": "1", "sku": LAPTOP}

    defined = await post(client, "/tolerances", tolerance)
    await post(client, "/invoices", an_invoice(a_line(10, "101")))
    await received(tell, order_id, line_id, 10)

    assert defined.status_code == 201, defined.text
    invoice = await shown(client)
    assert (invoice["status"], invoice["differs"]) == ("matched", True)
    listed = (await client.get("/tolerances", headers=BUYER)).json()["items"]
    assert [(each["sku"], each["percent"]) for each in listed] == [(LAPTOP, "1.00")]


async def test_every_invoice_that_is_wanted_is_found_once(
    client: httpx2.AsyncClient,
    tell: Tell,
    engine: AsyncEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await an_order(tell, engine, 10)
    numbers = [f"R-{number}" for number in range(25)]
    for number in numbers:
        await post(client, "/invoices", an_invoice(net=str(40 + int(number[2:])), number=number))
    monkeypatch.setattr(finding, "LOOKED_AT_MAX", 7)
    monkeypatch.setattr(finding, "MATCHES_MAX", 3)

    async def found(**wanted: Any) -> list[str]:
        items: list[str] = []
        after: dict[str, str] = {}
        while True:
            answer = await client.get("/invoices", params={"limit": 4, **wanted, **after}, headers=BUYER)
            assert answer.status_code == 200, answer.text
            items += [each["number"] for each in answer.json()["items"]]
            if answer.json()["next"] is None:
                return items
            after = {"after": answer.json()["next"]}

    assert await found() == numbers
    assert await found(newest=True) == numbers[::-1]
    assert await found(vendor="V-1", since="2026-03-31", until="2026-03-31") == numbers
    assert await found(vendor="V-1", since="2026-04-01") == []
    assert await found(number="R-7") == ["R-7"]
    assert await found(search="R-7 V-1") == ["R-7"]
    assert await found(search="V-1", newest=True) == numbers[::-1]
    assert await found(search="-nonsense") == numbers
    assert sorted(await found(differs=True) + await found(differs=False)) == sorted(numbers)
    assert sorted(await found(status="recorded") + await found(status="matched")) == sorted(numbers)
    order = (await client.get("/orders/PR-000001/invoices", headers=BUYER)).json()
    assert await found(order_id=order["order_id"], newest=True) == numbers[::-1]


async def test_what_differs_can_be_taken_away_as_a_file(
    client: httpx2.AsyncClient, tell: Tell, engine: AsyncEngine
) -> None:
    await an_order(tell, engine)
    await post(client, "/invoices", an_invoice(a_line(10), number="=1+1"))

    answer = await client.get("/invoice-differences", headers=BUYER)

    header, row, *rest = answer.text.splitlines()
    assert (answer.status_code, rest) == (200, [])
    found = dict(zip(header.split(","), row.split(","), strict=True))
    assert {name: found[name] for name in ("number", "net", "difference", "expected", "invoiced")} == {
        "number": "'=1+1",
        "net": "1000.00",
        "difference": "invoiced_not_received",
        "expected": "0",
        "invoiced": "10",
    }


async def test_requesters_see_no_invoices(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/invoices", headers=bearer("person-1", Role.REQUESTER))

    assert answer.status_code == 403


async def test_invoices_of_one_order_that_come_together_are_all_counted(
    client: httpx2.AsyncClient, tell: Tell, engine: AsyncEngine
) -> None:
    await an_order(tell, engine)
    parts = [an_invoice(a_line(3), number=f"R-{number}") for number in range(3)]
    credit = a_credit_note(a_line(3), corrects="R-0")

    ended = await tell(*parts, credit, parts[0], an_invoice(a_line(1), number="R-2"))

    order = (await client.get("/orders/PR-000001/invoices", headers=BUYER)).json()
    assert ended == ["accepted"] * 4 + ["duplicate", "rejected"]
    assert [line["invoiced"] for line in order["lines"]] == [6]
    assert order["invoiced_net"]["amount"] == "600.00"
    assert [each["status"] for each in order["invoices"]] == ["matched", "recorded", "recorded", "matched"]


async def test_an_invoice_that_waits_matches_once_a_tolerance_was_defined(
    client: httpx2.AsyncClient, tell: Tell, engine: AsyncEngine
) -> None:
    order_id, line_id = await an_order(tell, engine)
    await received(tell, order_id, line_id, 10)
    await post(client, "/invoices", an_invoice(a_line(10, "101")))
    assert (await client.get("/invoices", headers=BUYER)).json()["items"][0]["status"] == "recorded"

    dear = [DefineTolerance(difference=Difference.LINE_PRICE, percent=Decimal(n)) for n in (4, 5)]
    ended = await tell(*dear, by="assets")
    async with engine.connect() as connection:
        bodies = (await connection.execute(text("SELECT body FROM chassis.timers"))).scalars().all()
    begin = [MatchRecordedInvoices.model_validate_json(body) for body in bodies]
    ended += await tell(*begin, by="purchasing")
    ended += await tell(MatchInvoices(order_id=order_id), by="purchasing")

    assert (begin, ended) == ([MatchRecordedInvoices(walk=1)], ["accepted"] * 4)
    assert (await client.get("/invoices", headers=BUYER)).json()["items"][0]["status"] == "matched"
