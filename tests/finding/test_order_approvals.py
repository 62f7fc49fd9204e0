"""Orders in an approver's inbox, and what is shown of requests whose orders are shared and amended."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import httpx2
import pytest_asyncio
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.local.servers import Servers
from libs.chassis.api import whole_app
from libs.chassis.batch import Decider
from libs.chassis.migrations import migrate
from libs.chassis.settings import sqlalchemy_url
from libs.contracts.catalog import Component
from libs.contracts.message import Message
from libs.contracts.permissions import Role
from services.requests.__main__ import SERVICE
from tests.builders_approval import an_order_to_approve
from tests.builders_desk import CABLE, STATION, a_location, an_entry
from tests.builders_workflow import Told
from tests.chassis.said import said
from tests.conftest import unique_name
from tests.tokens import bearer, the_issuer

BUYER = bearer("person-11", Role.PROCUREMENT_MANAGER)
SUBMITTER = bearer("person-14", Role.PROCUREMENT_MANAGER)
WISH = {"deliver_to": "SITE-1", "currency": "EUR", "lines": [{"sku": "KIT-1", "quantity": 3}]}
STRANGER = bearer("person-77", Role.REQUESTER)


class Requests:
    """The service with a database of its own."""

    def __init__(self, decider: Decider, http: httpx2.AsyncClient) -> None:
        self.decider, self.http = decider, http
        self._sequence = 0

    async def hears(self, *messages: Message, by: str = "purchasing", queue: str = "inbox") -> None:
        """What others say, one after the other."""
        for message in messages:
            self._sequence += 1
            arrival = said(message, by=by, sequence=self._sequence, consumer=queue)
            outcome = await self.decider.handle([arrival])
            assert {each.verdict for each in outcome} <= {"accepted", "done"}, outcome

    async def get(self, path: str, who: dict[str, str], **params: Any) -> Any:
        """What somebody is shown."""
        answer = await self.http.get(path, headers=who, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest_asyncio.fixture(scope="module")
async def requests(servers: Servers) -> AsyncIterator[Requests]:
    name = unique_name()
    url = f"{servers.postgres_url.rpartition('/')[0]}/{name}"
    admin = await asyncpg.connect(servers.postgres_url)
    await admin.execute(f'CREATE DATABASE "{name}"')
    await migrate(SERVICE, url)
    engine = create_async_engine(sqlalchemy_url(url))
    decider = Decider(SERVICE, engine)
    app = whole_app(SERVICE, engine=engine, decider=decider, identity=the_issuer().identity())
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://requests/api/v1") as client:
        service = Requests(decider, client)
        nothing = {"vendor_id": None, "vendor_number": None, "unit_price": None, "currency": None}
        kit = an_entry(
            "KIT-1", **nothing, components=(Component(sku=STATION), Component(sku=CABLE, quantity=2))
        )
        await service.hears(an_entry(STATION), an_entry(CABLE), kit)
        await service.hears(a_location(), by="assets")
        yield service
    await engine.dispose()
    await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()


async def test_an_order_waits_in_the_inbox_of_whoever_may_decide_and_is_decided_there(
    requests: Requests,
) -> None:
    question = an_order_to_approve("1200.00", "waits")
    await requests.hears(question)
    order = f"/orders/{question.order_id}"

    (waits,) = (await requests.get("/approvals", BUYER))["items"]
    own = await requests.get("/approvals", SUBMITTER)
    mine = await requests.get("/approvals", BUYER, purpose="order", requester="person-14")
    everything = await requests.get("/approvals", BUYER, all="true")

    assert {
        name: waits[name] for name in ("request_id", "order_id", "number", "purpose", "vendor", "total")
    } == {
        "request_id": str(question.order_id),
        "order_id": str(question.order_id),
        "number": question.requisition_number,
        "purpose": "order",
        "vendor": "V-2",
        "total": {"amount": "1200.00", "currency": "EUR"},
    }
    assert (waits["requester"], own["items"]) == ("person-14", [])
    assert mine["items"] == everything["items"] == [waits]

    yes = await requests.http.post(f"{order}/decisions", json={"verdict": "approve"}, headers=BUYER)

    assert (yes.status_code, yes.json()["status"]) == (201, "approved")
    assert (await requests.get("/approvals", BUYER))["items"] == []
    shown = await requests.get(f"{order}/approvals", SUBMITTER)
    assert (shown["status"], shown["kinds"], shown["asked_by"]) == ("approved", ["hardware"], "person-14")
    (round,) = shown["rounds"]
    assert [(each["decided_by"], each["verdict"]) for each in round["approvals"]] == [
        ("person-11", "approve")
    ]
    assert (await requests.http.get(f"{order}/approvals", headers=STRANGER)).status_code in (403, 404)


async def test_an_order_that_serves_a_request_is_not_in_the_inbox_of_who_asked_for_that(
    requests: Requests,
) -> None:
    asked = await requests.http.post("/requests", json=WISH, headers=BUYER)
    question = an_order_to_approve("1300.00", "serves", request_ids=(UUID(asked.json()["request_id"]),))
    await requests.hears(question)

    other = await requests.get("/approvals", bearer("person-12", Role.PROCUREMENT_MANAGER))
    own = await requests.get("/approvals", BUYER)

    assert [each["request_id"] for each in other["items"]] == [str(question.order_id)]
    assert own["items"] == []


async def test_a_request_shows_its_bundles_and_what_became_of_its_orders(requests: Requests) -> None:
    asked = await requests.http.post(
        "/requests",
        json=WISH,
        headers=bearer("person-1", Role.REQUESTER),
    )
    assert asked.status_code == 201, asked.text
    number = asked.json()["number"]
    told = Told(UUID(asked.json()["request_id"]), 1, 3)
    await requests.hears(
        told.submitted(), told.amended(2), told.amended(4, 2), told.cancelled(1), queue="fulfilment"
    )

    shown = await requests.get(f"/requests/{number}", BUYER)

    assert [
        (line["sku"], line["quantity"], line["bundle"], line["bundle_quantity"]) for line in shown["lines"]
    ] == [
        (STATION, 3, "KIT-1", 3),
        (CABLE, 6, "KIT-1", 3),
    ]
    assert shown["lines"][0]["order_lines"] == [
        {
            "order_line_id": str(told.order_line_id),
            "ordered_first": 3,
            "ordered": 4,
            "lacks": 0,
            "received": 0,
        }
    ]
    assert [step["message_type"] for step in shown["steps"]] == [
        "purchasing.create_order.v1",
        "purchasing.order_submitted.v1",
        "purchasing.order_amended.v1",
        "purchasing.order_amended.v1",
        "purchasing.order_cancelled.v1",
    ]
    process = await requests.get(f"/requests/{number}/process", BUYER)
    assert {line["request_line_id"]: line["ordered"] for line in process["lines"]}[str(told.line_id)] == 4
