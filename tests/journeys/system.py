"""The four services as their users meet them: other systems through the broker, people over HTTP."""

import asyncio
import json
import signal
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

import asyncpg
import httpx2
from yarl import URL

from deploy.demo.api import Api
from deploy.demo.erp import Erp, checked
from deploy.demo.loading import OWNERS, load
from deploy.local.definitions import SERVICES
from deploy.local.provision import Environments, provision, unprovision
from deploy.local.servers import Servers
from deploy.local.supervisor import Supervisor
from libs.contracts.message import Command
from libs.contracts.permissions import Role
from libs.contracts.receiving import RecordReceipt
from libs.contracts.requests import SubmitRequest
from tests.chassis.room import Room
from tests.conftest import ROOT, eventually, unique_name
from tests.tokens import a_token, bearer, the_issuer

T = TypeVar("T")
Seen = dict[str, Any]

REQUESTER, APPROVER, DOCK, ADMINISTRATOR = "person-17", "person-procurement", "person-dock", "person-admin"
ASSET_MANAGER, BUYER, ERP = "person-assets", "person-buyer", "erp"
ROLES = {
    APPROVER: Role.PROCUREMENT_MANAGER,
    BUYER: Role.PROCUREMENT_MANAGER,
    ASSET_MANAGER: Role.ASSET_MANAGER,
    DOCK: Role.MOBILE_ASSET_MANAGER,
    ADMINISTRATOR: Role.ASSET_ADMINISTRATOR,
    ERP: Role.INTEGRATION,
}
"""What people and systems work as; everybody else is a requester."""
PATIENCE_SECONDS = 60
_TLS = ssl.create_default_context()
"""Never used, but every client makes its own unless it has one, which takes longer than a request."""


@asynccontextmanager
async def the_system(servers: Servers, home: Path) -> AsyncIterator["System"]:
    """Four ready processes that know the example catalog, in a room of their own on the shared servers."""
    name = unique_name()
    environments = await provision(servers, name=name)
    supervisor = Supervisor(environments, home=home, issuer=the_issuer().url)
    try:
        await supervisor.start()
        async with (
            Api(supervisor.urls, token=a_token(ADMINISTRATOR, ROLES[ADMINISTRATOR])) as api,
            Erp(environments["erp"]["QUARTERMASTER_BROKER_URL"]) as erp,
            httpx2.AsyncClient(base_url=servers.rabbitmq_management_url, timeout=30) as management,
        ):
            await load(api, {name: _example(f"{name}.csv") for name in OWNERS})
            urls = {user: settings["QUARTERMASTER_BROKER_URL"] for user, settings in environments.items()}
            urls["admin"] = str(URL(servers.rabbitmq_url).with_path(f"/{name}"))
            yield System(supervisor, environments, api, erp, Room(name, urls, management))
    finally:
        await supervisor.stop()
        await unprovision(servers, name)


class System:
    """What a journey may do and see. Whoever waits learns at once when a service has died, and of what."""

    def __init__(
        self, supervisor: Supervisor, environments: Environments, api: Api, erp: Erp, room: Room
    ) -> None:
        self.environments, self.api, self.erp, self.room = environments, api, erp, room
        self.supervisor = supervisor
        self._logs_read = dict.fromkeys(SERVICES, 0)

    def check_alive(self) -> None:
        """Fail with the last words of a service that has ended."""
        for name, process in self.supervisor.processes.items():
            assert process.running, f"{name} has ended. Its last words:\n{process.last_words(40)}"

    def complaints(self) -> list[Seen]:
        """What the services logged as errors since this was asked last."""
        said = []
        for service in SERVICES:
            with self.supervisor.processes[service].log.open("rb") as log:
                log.seek(self._logs_read[service])
                lines = log.read().splitlines()
                self._logs_read[service] = log.tell()
            entries = [json.loads(line) for line in lines if line.startswith(b"{")]
            said += [entry for entry in entries if entry["level"] in ("error", "critical")]
        return said

    async def eventually(self, look: Callable[[], Awaitable[T]], until: Callable[[T], bool] = bool) -> T:
        """What `look` finds once it satisfies `until`."""

        async def alive() -> T:
            self.check_alive()
            return await look()

        return await eventually(alive, until, within=PATIENCE_SECONDS)

    @asynccontextmanager
    async def frozen(self, service: str) -> AsyncIterator[None]:
        """The service hears and says nothing meanwhile."""
        process = self.supervisor.processes[service]
        process.send(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send(signal.SIGCONT)

    async def kill(self, *services: str) -> None:
        """End these services without a warning, and start them again at the same addresses."""
        async with self.away(*services):
            pass

    @asynccontextmanager
    async def away(self, *services: str) -> AsyncIterator[None]:
        """These services are ended without a warning, and started again at the same addresses afterwards."""
        await asyncio.gather(*(self.supervisor.processes[service].kill() for service in services))
        try:
            yield
        finally:
            await self._start(*services)

    async def _start(self, *services: str) -> None:
        for service in services:
            url = self.supervisor.urls[service]
            self.supervisor.start_one(service, extra={"QUARTERMASTER_HTTP_PORT": url.rpartition(":")[2]})
            self.supervisor.urls[service] = url
        await asyncio.gather(*(self.supervisor.wait_ready(service) for service in services))

    # Giving commands

    async def post(
        self, service: str, path: str, content: object, *, person: str = REQUESTER, key: str | None = None
    ) -> httpx2.Response:
        """A command over HTTP, whatever the answer."""
        headers = as_person(person) | ({"Idempotency-Key": key} if key else {})
        async with self.client(service) as client:
            return await client.post(path, json=content, headers=headers)

    async def decide(
        self, request_id: str, verdict: str, *, person: str = APPROVER, **said: Any
    ) -> httpx2.Response:
        """Somebody says yes or no to a request."""
        path = f"/requests/{request_id}/decisions"
        return await self.post("requests", path, {"verdict": verdict, **said}, person=person)

    def client(self, service: str) -> httpx2.AsyncClient:
        """Somebody without a name at the service's door."""
        return httpx2.AsyncClient(base_url=f"{self.supervisor.urls[service]}/api/v1", timeout=30, verify=_TLS)

    async def submit(self, *lines: tuple[str, int], **changes: Any) -> str:
        """A request by queue for these SKUs and quantities; its id."""
        answer = await self.erp.ask(a_request(*lines, **changes), str(uuid4()))
        return str(checked(answer)["request_id"])

    async def take(self, receipt: RecordReceipt) -> Mapping[str, Any]:
        """A delivery by queue; its numbers and ids."""
        return checked(await self.erp.ask(receipt, str(uuid4())))

    async def publish(self, command: Command) -> str:
        """A command by queue whose answer nobody waits for; what the broker said."""
        return await self.publish_raw(command.type, json.dumps(an_event(command)).encode())

    async def publish_raw(self, key: str, body: bytes, *, exchange: str | None = None, **said: Any) -> str:
        """Whatever the integration sends as a structured CloudEvent; what the broker said."""
        exchange = f"{key.partition('.')[0]}.commands" if exchange is None else exchange
        return await self.room.publish(
            "erp", exchange, key, body=body, content_type="application/cloudevents+json", **said
        )

    async def submit_ordered(self, *lines: tuple[str, int], **changes: Any) -> tuple[Seen, list[Seen]]:
        """A request that is ordered, and its orders as the dock expects them, when nothing is under way any more."""
        return await self.ordered(await self.submit(*lines, **changes))

    # Looking

    async def show(self, request_id: str) -> Seen:
        """The request with its trail."""
        found: Seen = await self.api.get("requests", f"/requests/{request_id}")
        return found

    async def waits_for(self, request_id: str) -> list[str]:
        """The keys of those who may take the step of approval that the request waits for."""
        found = await self.api.get("requests", f"/requests/{request_id}/approvals")
        waiting = [round for round in found["rounds"] if round["status"] == "open"]
        return [key for round in waiting for key in round["steps"][round["step"] - 1]["approvers"]]

    async def reaches(self, request_id: str, status: str) -> Seen:
        """The request once it has this status."""
        return await self.eventually(lambda: self.show(request_id), lambda seen: seen["status"] == status)

    async def ordered(self, request_id: str, *, status: str = "ordered") -> tuple[Seen, list[Seen]]:
        """The request once it is ordered (its software is received then), and its orders once all units have tags."""

        async def expected() -> list[Seen]:
            orders = await self.api.all("receiving", "/expected-orders", request_id=request_id)
            return [await self.expected_order(order["order_id"]) for order in orders]

        def labelled(orders: list[Seen]) -> bool:
            lines = [line for order in orders for line in order["lines"]]
            return sum(line["ordered"] for line in lines) == units and all(
                unit["tag"] for line in lines for unit in line["open_units"]
            )

        request = await self.reaches(request_id, status)
        units = sum(line["quantity"] for line in request["lines"])
        orders = await self.eventually(expected, labelled)
        # A command that was delivered twice is also answered twice.
        told = Counter(
            {
                "purchasing.command_answered.v1": 1,
                "purchasing.order_submitted.v1": len(orders),
                "assets.template_assets_created.v1": sum(
                    line["kind"] == "hardware" for line in request["lines"]
                ),
            }
        )
        request = await self.eventually(
            lambda: self.show(request_id),
            lambda seen: told <= Counter(step["message_type"] for step in seen["steps"]),
        )
        return request, orders

    async def expected_order(self, order_id: str) -> Seen:
        """An order as the dock expects it, unit by unit."""
        found: Seen = await self.api.get("receiving", f"/expected-orders/{order_id}")
        return found

    async def assets_of(self, request_id: str) -> list[Seen]:
        """The units bought for a request, by unit number."""
        return await self.api.all("assets", "/assets", request_id=request_id)

    async def picture(self) -> Seen:
        """All four services in figures: what changes when anything is done or half done.

        The `figures` are of what their summaries leave out, from their databases.
        """
        pictures = {
            "requests": "/summary",
            "purchasing": "/orders/summary",
            "receiving": "/summary",
            "assets": "/summary",
        }
        seen = {service: await self.api.get(service, path) for service, path in pictures.items()}
        for service, query in FIGURES.items():
            async with self.database(service) as connection:
                seen[f"{service} figures"] = dict(await connection.fetchrow(query))
        return seen

    @asynccontextmanager
    async def database(self, service: str) -> AsyncIterator[asyncpg.Connection]:
        """The service's database, as the service itself."""
        connection = await asyncpg.connect(self.environments[service]["QUARTERMASTER_DATABASE_URL"])
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def later(self, service: str, ahead: timedelta) -> AsyncIterator[None]:
        """The service's clock shows a time to come."""
        async with self.database(service) as connection:
            await connection.execute("INSERT INTO chassis.clock (ahead) VALUES ($1)", ahead)
            try:
                yield
            finally:
                await connection.execute("DELETE FROM chassis.clock")

    async def waiting_for(self, service: str, record_id: str) -> list[timedelta | None]:
        """How long each of the messages may wait that the service keeps until it has heard of this record."""
        async with self.database(service) as connection:
            query = "SELECT due_at - since AS waits FROM chassis.waiting WHERE key = $1"
            return [row["waits"] for row in await connection.fetch(query, UUID(record_id))]

    @asynccontextmanager
    async def nothing_done(self) -> AsyncIterator[None]:
        """All four services show the same figures afterwards, but for a good request that is obeyed at once."""
        before = await self.eventually(self.picture, is_at_rest)
        yield
        request_id = await self.submit(("LAP-14-PRO", 1))
        assert (await self.show(request_id))["status"] == "awaiting_approval"
        expected = deepcopy(before)
        expected["requests"]["requests"]["awaiting_approval"] += 1
        assert await self.picture() == expected

    async def letters(self, service: str) -> list[Seen]:
        """The service's open dead letters, in full, the latest first."""
        listed = (await self.api.get(service, "/dead-letters", limit=500))["items"]
        return [await self.api.get(service, f"/dead-letters/{letter['dead_letter_id']}") for letter in listed]


def as_person(person: str) -> dict[str, str]:
    """The header of somebody who works as what they usually do."""
    return bearer(person, ROLES.get(person, Role.REQUESTER))


FIGURES = {
    "purchasing": """
        SELECT (SELECT count(*) FROM purchase_orders WHERE submitted_at IS NOT NULL) AS submitted,
               (SELECT coalesce(sum(greatest(0, ordered - asked - accepted)), 0) FROM order_lines
                JOIN purchase_orders ON purchase_orders.id = order_id
                WHERE submitted_at IS NOT NULL AND kind IN ('hardware', 'consumable')) AS to_come
    """,
    "assets": """
        SELECT (SELECT count(*) FROM assets WHERE status = 'on_order')
             + (SELECT coalesce(sum(on_order), 0) FROM lots) AS to_come,
               (SELECT count(*) FROM assets WHERE status NOT IN ('on_order', 'cancelled'))
             + (SELECT coalesce(sum(received), 0) FROM lots) AS arrived,
               (SELECT count(*) FROM assets JOIN ordered_lines ON ordered_lines.id = order_line_id
                WHERE status = 'in_stock' AND destination_kind IS DISTINCT FROM 'stock'
                AND ordered_lines.request_id IS NOT NULL)
             + (SELECT coalesce(sum(received - issued), 0) FROM lots
                WHERE NOT is_for_stock AND request_id IS NOT NULL)
             + (SELECT coalesce(sum(greatest(0, ordered - asked - allocated)), 0) FROM entitlements
                WHERE status = 'active' AND NOT is_for_stock AND request_id IS NOT NULL) AS to_give
    """,
}
"""Orders that ever went to a vendor; units still owed to us, units here, units not yet with who requested them."""


def is_at_rest(picture: Seen) -> bool:
    """Whether the services agree with each other: nothing is on its way from one to the next."""
    requests, bought = picture["requests"]["requests"], picture["purchasing figures"]
    dock, assets = picture["receiving"], picture["assets figures"]
    return bool(
        requests["approved"] + requests["partially_ordered"] + requests["received"] == 0
        and bought["submitted"] == dock["orders"]
        and bought["to_come"] == dock["units_open"] == assets["to_come"]
        and assets["arrived"] == dock["units_accepted"]
        and assets["to_give"] == 0
    )


def a_request(*lines: tuple[str, int], **changes: Any) -> SubmitRequest:
    """Somebody asks for so many of these SKUs; by default for one cheap power supply."""
    content = {
        "external_reference": f"REF-{uuid4()}",
        "requester": REQUESTER,
        "deliver_to": "SITE-NORTH",
        "currency": "EUR",
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines or [("PSU-65W", 1)]],
    }
    return SubmitRequest.model_validate_json(json.dumps(content | changes))


def a_delivery(order: Seen, *deliveries: tuple[Seen, Sequence[str]]) -> dict[str, Any]:
    """For each order line, the serial numbers that arrived; they are put on shelf A1 of the north office."""
    return {
        "surplus": "refuse",
        "order_id": order["order_id"],
        "lines": [
            {
                "order_line_id": line["order_line_id"],
                "units": [
                    {"serial": serial, "location": "SITE-NORTH", "storage_space": "SHELF-A1"}
                    for serial in serials
                ],
            }
            for line, serials in deliveries
        ],
    }


def a_receipt(order: Seen, *deliveries: tuple[Seen, Sequence[str]]) -> RecordReceipt:
    """The same as a command."""
    return RecordReceipt.model_validate_json(json.dumps(a_delivery(order, *deliveries)))


def an_event(command: Command, **changes: Any) -> Seen:
    """A command as a structured CloudEvent with an id of its own."""
    return {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/erp",
        "type": command.type,
        "datacontenttype": "application/json",
        "data": command.model_dump(mode="json", exclude_none=True),
    } | changes


def serials(count: int) -> list[str]:
    """Serial numbers that nothing else has."""
    return [f"SN{uuid4().hex[:16].upper()}" for _ in range(count)]


def _example(name: str) -> str:
    return (ROOT / "examples" / name).read_text(encoding="utf-8")
