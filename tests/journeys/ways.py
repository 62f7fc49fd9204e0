"""The two ways in: people give their commands over HTTP, other systems by queue, under the same rules.

A journey gives commands and looks at how they ended; by which way they went is its parameter `way`.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID, uuid4

from aio_pika.abc import AbstractIncomingMessage

from deploy.demo.erp import Answer
from libs.contracts.approvals import DecideApproval
from libs.contracts.assets import AllocateEntitlement
from libs.contracts.catalog import (
    DefineCatalogItem,
    DefineOffer,
    DefineVendor,
    SetItemActive,
    SetVendorActive,
)
from libs.contracts.invoices import (
    AcceptInvoice,
    DefineTolerance,
    DisputeInvoice,
    RecordInvoice,
    ResolveInvoice,
)
from libs.contracts.message import Command
from libs.contracts.orders import (
    AmendOrder,
    CancelOneOrder,
    CloseOrder,
    CombineOrders,
    CompletedLine,
    CompleteOrder,
    ConfirmService,
    DraftOrder,
    SplitOrder,
    SubmitOrder,
)
from libs.contracts.purchasing import CancelOrder, DefinePurchasingPolicy
from libs.contracts.receiving import RecordReceipt, ReturnGoods, ReverseReceipt
from libs.contracts.requests import (
    CancelRequest,
    EditRequest,
    RetryFulfilment,
    SubmitRequest,
    Wish,
    WithdrawRequest,
)
from libs.contracts.scanning import ConfirmScanSession, RecordScans
from libs.contracts.shipments import (
    RegisterShipment,
    TrackShipment,
)
from tests.journeys.system import APPROVER, ERP, REQUESTER, ROLES, Seen, System, an_event, as_person
from tests.tokens import a_token

Address = tuple[str, str, str]
"""Method, service and path."""

ROUTES: Mapping[type[Command], Callable[[Any], Address]] = {
    SubmitRequest: lambda _: ("POST", "requests", "/requests"),
    EditRequest: lambda of: ("PUT", "requests", f"/requests/{of.request_id}"),
    WithdrawRequest: lambda of: ("POST", "requests", f"/requests/{of.request_id}/withdrawal"),
    CancelRequest: lambda of: ("POST", "requests", f"/requests/{of.request_id}/cancellation"),
    DecideApproval: lambda of: ("POST", "requests", f"/requests/{of.request_id}/decisions"),
    RetryFulfilment: lambda of: ("POST", "requests", f"/requests/{of.request_id}/process/retry"),
    CancelOrder: lambda of: ("POST", "purchasing", f"/requests/{of.request_id}/orders/cancellation"),
    AmendOrder: lambda of: ("POST", "purchasing", f"/orders/{of.order_id}/amendments"),
    CompleteOrder: lambda of: ("PUT", "purchasing", f"/orders/{of.order_id}/lines"),
    SubmitOrder: lambda of: ("POST", "purchasing", f"/orders/{of.order_id}/submission"),
    CancelOneOrder: lambda of: ("POST", "purchasing", f"/orders/{of.order_id}/cancellation"),
    DraftOrder: lambda _: ("POST", "purchasing", "/orders"),
    CombineOrders: lambda _: ("POST", "purchasing", "/order-combinations"),
    SplitOrder: lambda of: ("POST", "purchasing", f"/orders/{of.order_id}/split"),
    CloseOrder: lambda of: ("POST", "purchasing", f"/orders/{of.order_id}/closing"),
    DefinePurchasingPolicy: lambda _: ("PUT", "purchasing", "/policy"),
    RecordInvoice: lambda _: ("POST", "purchasing", "/invoices"),
    AcceptInvoice: lambda of: ("POST", "purchasing", f"/invoices/{of.invoice_id}/acceptance"),
    DisputeInvoice: lambda of: ("POST", "purchasing", f"/invoices/{of.invoice_id}/dispute"),
    ResolveInvoice: lambda of: ("POST", "purchasing", f"/invoices/{of.invoice_id}/resolution"),
    RegisterShipment: lambda _: ("POST", "receiving", "/shipments"),
    TrackShipment: lambda of: ("POST", "receiving", f"/shipments/{of.shipment_id or of.number}/tracking"),
    RecordScans: lambda of: ("POST", "receiving", f"/scan-sessions/{of.session_id}/scans"),
    ConfirmScanSession: lambda of: ("POST", "receiving", f"/scan-sessions/{of.session_id}/confirmation"),
    ConfirmService: lambda of: (
        "POST",
        "purchasing",
        f"/orders/{of.order_id}/lines/{of.order_line_id}/confirmations",
    ),
    DefineVendor: lambda _: ("POST", "purchasing", "/vendors"),
    SetVendorActive: lambda _: ("POST", "purchasing", "/vendor-activations"),
    DefineCatalogItem: lambda _: ("POST", "purchasing", "/catalog-items"),
    DefineOffer: lambda _: ("POST", "purchasing", "/catalog-offers"),
    SetItemActive: lambda _: ("POST", "purchasing", "/catalog-item-activations"),
    AllocateEntitlement: lambda of: ("POST", "assets", f"/entitlements/{of.entitlement_id}/allocations"),
    RecordReceipt: lambda _: ("POST", "receiving", "/receipts"),
    ReverseReceipt: lambda of: (
        "POST",
        "receiving",
        f"/receipts/{of.receipt_id or of.receipt_number}/reversal",
    ),
    ReturnGoods: lambda _: ("POST", "receiving", "/returns"),
    DefineTolerance: lambda _: ("POST", "purchasing", "/tolerances"),
}


@dataclass(frozen=True)
class Ended:
    """How a command ended, whichever way it went in."""

    done: bool
    result: Mapping[str, Any]
    refusal: tuple[str | None, str | None] = (None, None)
    sentence: str = ""

    @property
    def code(self) -> str | None:
        """Why it was refused."""
        return self.refusal[0]


@dataclass(frozen=True)
class Way:
    """One way into a system."""

    system: System
    name: Literal["http", "queue"]

    @property
    def canceller(self) -> str:
        """Who may cancel what came in this way: a manager any request, a system its own."""
        return APPROVER if self.name == "http" else ERP

    @property
    def source(self) -> str:
        """Who sends what comes in this way."""
        return REQUESTER if self.name == "http" else ERP

    async def give(self, command: Command, person: str = REQUESTER) -> Ended:
        """Somebody gives a command: by queue a system in its own name, for a requester whom it may act for, or with
        the token of the person who has sent it."""
        return await (
            self._over_http(command, person) if self.name == "http" else self._by_queue(command, person)
        )

    async def done(self, command: Command, person: str = REQUESTER) -> Mapping[str, Any]:
        """The numbers and ids of a command that must be accepted."""
        ended = await self.give(command, person)
        assert ended.done, (command, ended)
        return ended.result

    async def submit(self, wish: Wish, person: str = REQUESTER, **changes: Any) -> str:
        """Somebody asks for something; the request's id."""
        said = wish.model_dump() | {"requester": person, "external_reference": f"REF-{uuid4()}"} | changes
        return str((await self.done(SubmitRequest(**said), person))["request_id"])

    async def edit(self, request_id: str, wish: Wish, *, version: int | None = None) -> Ended:
        """Its requester wants something else; by default whatever the request's version is."""
        version = version or (await self.system.show(request_id))["version"]
        return await self.give(
            EditRequest(request_id=UUID(request_id), expected_version=version, **dict(wish)), REQUESTER
        )

    async def decide(self, request_id: str, verdict: Any, person: str = APPROVER, **said: Any) -> Ended:
        """Somebody says yes or no."""
        decision = DecideApproval(request_id=UUID(request_id), verdict=verdict, decided_by=person, **said)
        return await self.give(decision, person)

    async def cancel(self, request_id: str, reason: str = "Not needed any more.") -> Ended:
        """Whoever may cancels it."""
        return await self.give(CancelRequest(request_id=UUID(request_id), reason=reason), self.canceller)

    async def _over_http(self, command: Command, person: str) -> Ended:
        method, service, path = ROUTES[type(command)](command)
        content = command.model_dump(mode="json", exclude_none=True)
        headers = as_person(person)
        if seen := content.pop("expected_version", None):
            headers |= {"If-Match": f'"{seen}"'}
        if isinstance(command, AmendOrder):
            headers |= {"If-Match": f'"{command.expected_revision}"'}
        async with self.system.client(service) as client:
            answer = await client.request(method, path, json=content, headers=headers)
        said = answer.json()
        if answer.is_success:
            return Ended(True, said)
        return Ended(False, {}, (said["code"], said.get("field")), said["detail"])

    async def _by_queue(self, command: Command, person: str) -> Ended:
        answer = await ask(self.system, an_event(command), person)
        if (answer.get("original") or answer["outcome"]) == "accepted":
            return Ended(True, answer["result"])
        return Ended(False, {}, (answer["code"], answer.get("field")), answer["message"])


async def ask(system: System, event: Seen, person: str) -> Answer:
    """What the integration is answered: in its own name, for a requester by its grant, for others with their token."""
    if person == ERP:
        return await system.erp.ask_event(event)
    if person in ROLES:
        return await system.erp.ask_event(event, f"Bearer {a_token(person, ROLES[person])}")
    return await system.erp.ask_event(event | {"actas": person})


@asynccontextmanager
async def hearing(system: System, *types: str) -> AsyncIterator[list[Seen]]:
    """Facts of these types that are said meanwhile, as far as they have come."""
    heard: list[Seen] = []

    async def hear(message: AbstractIncomingMessage) -> None:
        heard.append(json.loads(message.body))

    async with system.room.channel("admin") as channel:
        queue = await channel.declare_queue(exclusive=True)
        for type in types:
            await queue.bind(f"{type.partition('.')[0]}.events", routing_key=type)
        await queue.consume(hear, no_ack=True)
        yield heard


async def an_item(way: Way, name: str, price: str, *, vendor: str = "V-001", kind: str = "hardware") -> str:
    """Something new in the catalog, once requests knows its price; its SKU."""
    sku = f"{name}-{way.name}".upper()
    item = {"sku": sku, "name": name, "kind": kind, "vendor_number": vendor, "currency": "EUR"}
    await way.done(DefineCatalogItem.model_validate_json(json.dumps(item | {"unit_price": price})), APPROVER)
    await way.system.eventually(
        lambda: way.system.api.all("requests", "/catalog-entries"),
        lambda entries: (
            (sku, Decimal(price))
            in {(each["sku"], Decimal(each["unit_price"])) for each in entries if each["unit_price"]}
        ),
    )
    return sku


async def complete(way: Way, order: Seen, *, vendor: str, price: str, by: str = APPROVER) -> Ended:
    """Give a draft its vendor, and each of its lines this price."""
    return await way.give(
        CompleteOrder(
            order_id=UUID(order["order_id"]),
            vendor_number=vendor,
            currency="EUR",
            lines=tuple(
                CompletedLine(order_line_id=UUID(each["order_line_id"]), unit_price=Decimal(price))
                for each in order["lines"]
            ),
        ),
        by,
    )


async def order_in(system: System, request_id: str, status: str) -> Seen:
    """The one order of a request that has this status, once there is one, with its lines."""
    (order,) = await system.eventually(
        lambda: system.api.all("purchasing", "/orders", request_id=request_id, status=status)
    )
    found: Seen = await system.api.get("purchasing", f"/orders/{order['order_id']}")
    return found


def a_wish(*lines: Seen | tuple[str, int], **changes: Any) -> Wish:
    """So many of these SKUs, or lines said in full."""
    said = [line if isinstance(line, dict) else {"sku": line[0], "quantity": line[1]} for line in lines]
    content = {"deliver_to": "SITE-NORTH", "currency": "EUR", "lines": said}
    return Wish.model_validate_json(json.dumps(content | changes))


def custom(name: str, kind: str, price: str, quantity: int = 1, **changes: Any) -> Seen:
    """A line for something that no catalog lists, at about this price."""
    return {"item": {"name": name, "kind": kind, "unit_price": price}, "quantity": quantity} | changes
