"""What tests of requests and purchasing are built from: a desk where requests come in and orders go out."""

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import replace
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

from libs.chassis.decision import Actor, Cause, Record
from libs.contracts import assets, purchasing, receiving
from libs.contracts import catalog as catalog_words
from libs.contracts.approvals import DecideApproval
from libs.contracts.message import Message
from libs.contracts.permissions import Role
from libs.contracts.requests import RequestedLine, SubmitRequest
from libs.contracts.values import Kind, Money, derived_id, location_id_of
from services.purchasing.__main__ import SERVICE as PURCHASING
from services.purchasing.purchase_order import OrderLine, PurchaseOrder
from services.requests import (
    approval,
    approval_decision,
    copies,
    delegation,
    directory,
    editing,
    fulfilment,
    handover,
    hardware,
    intervention,
    order_approval,
    policy,
    submission,
    taken_back,
)
from services.requests import (
    exchange_rate as known_rate,
)
from services.requests import (
    spending as spending_approval,
)
from services.requests.purchase_request import PurchaseRequest, line_id_of
from tests.builders_dock import Ended, House

CABLE, STATION, LAPTOP, SERVER = "CABLE-1M", "STATION-2", "LAPTOP-14", "SERVER-1U"
PRICES = {CABLE: "0.55", STATION: "149.50", LAPTOP: "999.90", SERVER: "12000.00"}
VENDORS = {CABLE: "V-1", STATION: "V-2", LAPTOP: "V-1", SERVER: "V-1"}
REQUESTER, MANAGER, COLLEAGUE = "person-1", "person-2", "person-3"
ROLES = dict.fromkeys((MANAGER, COLLEAGUE), frozenset({Role.PROCUREMENT_MANAGER, Role.ASSET_MANAGER}))


class Desk(House):
    """One service's decisions run in memory; records that share an id are told apart by their types."""

    def fork(self) -> Self:
        """A desk in the same state that goes its own way."""
        other = copy(self)
        other.records = {of: dict(kept) for of, kept in self.records.items()}
        other.said, other.waiting = list(self.said), list(self.waiting)
        return other

    def _handle(self, message: Message, cause: Cause) -> Ended:
        """Whoever decides on an approval, or asks for something, has logged in as themselves."""
        if not cause.actor.id:
            cause = replace(cause, actor=_who_says(message))
        return super()._handle(message, cause)

    def _loaded(self, needs: Iterable[Any]) -> list[Record]:
        found = [record for need in needs for record in House._loaded(self, [need])]
        return list({(type(record), record.id): record for record in found}.values())


def _who_says(message: Message) -> Actor:
    if isinstance(message, DecideApproval):
        return Actor(message.decided_by, ROLES.get(message.decided_by, frozenset({Role.REQUESTER})))
    if isinstance(message, SubmitRequest):
        return Actor(message.requester, frozenset({Role.PROCUREMENT_MANAGER}))
    return Actor("")


def a_requests_desk(*entries: catalog_words.CatalogItemChanged) -> Desk:
    """The requests service, knowing the usual catalog and these entries."""
    desk = Desk(
        submission.HANDLERS,
        editing.HANDLERS,
        approval.HANDLERS,
        approval_decision.HANDLERS,
        policy.HANDLERS,
        known_rate.HANDLERS,
        directory.HANDLERS,
        delegation.HANDLERS,
        spending_approval.HANDLERS,
        order_approval.HANDLERS,
        copies.HANDLERS,
        fulfilment.HANDLERS,
        handover.HANDLERS,
        hardware.HANDLERS,
        taken_back.HANDLERS,
        intervention.HANDLERS,
    )
    desk.hear(*(an_entry(sku) for sku in PRICES), *entries, a_location())
    return desk


def a_purchasing_desk() -> Desk:
    """The purchasing service with the usual vendors and catalog."""
    desk = Desk(PURCHASING.queues["inbox"])
    desk.hear(*(a_vendor(number) for number in sorted(set(VENDORS.values()))), *map(an_item, PRICES))
    return desk


def a_location(code: str = "SITE-1", **changes: Any) -> assets.LocationChanged:
    """What assets says about a location."""
    values: dict[str, Any] = {
        "location_id": location_id_of(code),
        "code": code,
        "name": code.title(),
        "storage_spaces": ("A-01",),
        "active": True,
    }
    return assets.LocationChanged(**values | changes)


def an_entry(sku: str = LAPTOP, **changes: Any) -> catalog_words.CatalogItemChanged:
    """What purchasing says about an item."""
    values: dict[str, Any] = {
        "item_id": derived_id("catalog_item", sku),
        "sku": sku,
        "name": sku.title(),
        "kind": Kind.HARDWARE,
        "vendor_id": derived_id("vendor", VENDORS.get(sku, "V-1")),
        "vendor_number": VENDORS.get(sku, "V-1"),
        "unit_price": Decimal(PRICES.get(sku, "10.00")),
        "currency": "EUR",
        "active": True,
    }
    return catalog_words.CatalogItemChanged(**values | changes)


def a_vendor(number: str = "V-1", **changes: Any) -> catalog_words.DefineVendor:
    """A vendor to be defined."""
    return catalog_words.DefineVendor(
        **{"number": number, "name": f"Vendor {number}", "currency": "EUR"} | changes
    )


def an_item(sku: str = LAPTOP, **changes: Any) -> catalog_words.DefineCatalogItem:
    """A catalog item to be defined."""
    values: dict[str, Any] = {
        "sku": sku,
        "name": sku.title(),
        "kind": Kind.HARDWARE,
        "vendor_number": VENDORS.get(sku, "V-1"),
        "unit_price": Decimal(PRICES.get(sku, "10.00")),
        "currency": "EUR",
    }
    return catalog_words.DefineCatalogItem(**values | changes)


def a_request(wanted: Mapping[str, int] | None = None, **changes: Any) -> SubmitRequest:
    """A request of so many of these items; one station if nothing else is said, which is approved at once."""
    lines = tuple(RequestedLine(sku=sku, quantity=n) for sku, n in (wanted or {STATION: 1}).items())
    values: dict[str, Any] = {
        "requester": REQUESTER,
        "deliver_to": "SITE-1",
        "currency": "EUR",
        "lines": lines,
    }
    return SubmitRequest(**values | changes)


def a_yes(request: PurchaseRequest, by: str = MANAGER, **changes: Any) -> DecideApproval:
    """Somebody approves."""
    values: dict[str, Any] = {"request_id": request.id, "verdict": "approve", "decided_by": by}
    return DecideApproval(**values | changes)


def a_no(request: PurchaseRequest, by: str = MANAGER, reason: str = "not this year") -> DecideApproval:
    """Somebody turns it down."""
    return a_yes(request, by, verdict="reject", reason=reason)


def the_request(desk: Desk) -> PurchaseRequest:
    """The only request of a desk."""
    (request,) = desk.all(PurchaseRequest)
    assert isinstance(request, PurchaseRequest)
    return request


def create_order(wanted: Mapping[str, int] | None = None, **changes: Any) -> purchasing.CreateOrder:
    """The command to order so many of these items, approved generously."""
    request_id = changes.get("request_id", derived_id("test-request", 1))
    lines = tuple(
        purchasing.LineToOrder(
            request_line_id=line_id_of(request_id, position),
            sku=sku,
            quantity=quantity,
            approved_unit_price=Decimal(PRICES.get(sku, "10.00")),
        )
        for position, (sku, quantity) in enumerate((wanted or {STATION: 1}).items(), 1)
    )
    values: dict[str, Any] = {
        "request_id": request_id,
        "request_number": "REQ-000001",
        "requester": REQUESTER,
        "deliver_to": "SITE-1",
        "approved_total": Money(amount=Decimal(1_000_000), currency="EUR"),
        "lines": lines,
    }
    return purchasing.CreateOrder(**values | changes)


def cancel_order(request_id: UUID | None = None) -> purchasing.CancelOrder:
    """The command to cancel a request's orders."""
    return purchasing.CancelOrder(
        request_id=request_id or derived_id("test-request", 1), reason="not needed any more"
    )


def a_receipt(*counts: tuple[OrderLine, int, int], name: object = 1) -> receiving.GoodsReceived:
    """So many units accepted and so many rejected of each of these lines of one order."""
    order_id = counts[0][0].order_id
    return receiving.GoodsReceived(
        receipt_id=derived_id("test-receipt", name),
        receipt_number="RCV-000001",
        order_id=order_id,
        request_id=counts[0][0].request_id,
        received_by="dock",
        lines=tuple(
            receiving.ReceivedLine(
                receipt_line_id=derived_id("test-receipt-line", name, line.id),
                order_line_id=line.id,
                request_line_id=line.request_line_id,
                sku=line.sku,
                accepted=accepted,
                rejected=rejected,
            )
            for line, accepted, rejected in counts
        ),
    )


def orders(desk: Desk) -> list[PurchaseOrder]:
    """A desk's orders by number."""
    return sorted(desk.all(PurchaseOrder), key=lambda order: order.requisition_number)


def every_order_of_arrival(
    start: Desk, messages: tuple[Message, ...]
) -> Iterator[tuple[Desk, Message, Desk, frozenset[int]]]:
    """Hear the messages in every order: the desk before, what came, the desk after, and all it has heard.

    One desk stands for each set of messages, as what they lead to must not depend on their order: check that.
    """
    desks = {frozenset[int](): start}
    for _ in messages:
        longer: dict[frozenset[int], Desk] = {}
        for heard, desk in desks.items():
            for index, message in enumerate(messages):
                if index in heard:
                    continue
                after = desk.fork()
                after.hear(message)
                yield desk, message, after, heard | {index}
                longer.setdefault(heard | {index}, after)
        desks = longer
