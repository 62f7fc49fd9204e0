"""What tests of the fulfilment workflow are built from: approved requests, and what is told about them."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from libs.chassis.decision import Actor
from libs.contracts import assets, purchasing, receiving
from libs.contracts.message import Message
from libs.contracts.requests import WithdrawRequest
from libs.contracts.values import (
    AssetCreation,
    Destination,
    DestinationKind,
    Kind,
    Money,
    asset_id_of,
    derived_id,
)
from services.requests.handover import issue_id_of
from services.requests.process import DeliveryOverdue, OrderNotSubmitted, ProcessStep
from services.requests.purchase_request import Status, line_id_of
from tests.builders_amendments import ToldOfAmendments
from tests.builders_desk import (
    LAPTOP,
    MANAGER,
    REQUESTER,
    SERVER,
    STATION,
    Desk,
    a_no,
    a_request,
    a_requests_desk,
    a_yes,
    an_entry,
    the_request,
)
from tests.builders_taken_back import ToldOfTakingBack


class Told(ToldOfAmendments, ToldOfTakingBack):
    """What the other services say about one line of a request, which has an order of its own."""

    def __init__(
        self, request_id: UUID, position: int = 1, quantity: int = 1, kind: Kind = Kind.HARDWARE
    ) -> None:
        self.request_id, self.position, self.quantity, self.kind = request_id, position, quantity, kind
        self.line_id = line_id_of(request_id, position)
        self.order_id = derived_id("test-order", request_id, position)
        self.order_line_id = derived_id("test-order-line", self.order_id)
        self.number = f"PR-{position:06d}"
        self.assets = [asset_id_of(self.order_line_id, unit) for unit in range(1, quantity + 1)]

    def submitted(self, creation: AssetCreation = AssetCreation.ON_SUBMISSION) -> purchasing.OrderSubmitted:
        """The order went to its vendor."""
        line = purchasing.OrderedLine(
            order_line_id=self.order_line_id,
            request_line_id=self.line_id,
            sku=STATION,
            name="Station",
            kind=self.kind,
            quantity=self.quantity,
            unit_price=Decimal("149.50"),
            asset_creation=creation,
        )
        return purchasing.OrderSubmitted(
            order_id=self.order_id,
            requisition_number=self.number,
            request_id=self.request_id,
            vendor_id=derived_id("vendor", "V-2"),
            vendor_name="Vendor V-2",
            deliver_to="SITE-1",
            total=Money(amount=Decimal("149.50"), currency="EUR"),
            lines=(line,),
        )

    def cancelled(self, quantity: int | None = None) -> purchasing.OrderCancelled:
        """So many units of the order, or all, will not come."""
        line = purchasing.CancelledLine(
            order_line_id=self.order_line_id,
            request_line_id=self.line_id,
            cancelled=self.quantity if quantity is None else quantity,
        )
        return purchasing.OrderCancelled(
            order_id=self.order_id,
            requisition_number=self.number,
            request_id=self.request_id,
            reason="no longer made",
            lines=(line,),
        )

    def tagged(self) -> assets.TemplateAssetsCreated:
        """The units have tags."""
        units = (
            assets.TaggedUnit(asset_id=asset, unit_number=number, tag=f"QM-{number:08d}")
            for number, asset in enumerate(self.assets, 1)
        )
        return assets.TemplateAssetsCreated(
            order_line_id=self.order_line_id,
            order_id=self.order_id,
            request_id=self.request_id,
            request_line_id=self.line_id,
            assets=tuple(units),
        )

    def received(self, accepted: int | None = None, rejected: int = 0) -> receiving.GoodsReceived:
        """So many units, or all, were taken at the dock."""
        accepted = self.quantity if accepted is None else accepted
        line = receiving.ReceivedLine(
            receipt_line_id=derived_id("test-receipt-line", self.order_line_id),
            order_line_id=self.order_line_id,
            request_line_id=self.line_id,
            sku=STATION,
            accepted=accepted,
            rejected=rejected,
        )
        return receiving.GoodsReceived(
            receipt_id=derived_id("test-receipt", self.order_line_id),
            receipt_number="RCV-000001",
            order_id=self.order_id,
            request_id=self.request_id,
            received_by="dock",
            lines=(line,),
        )

    def stocked(self, *units: int, after: UUID | None = None) -> assets.AssetsReceived:
        """These units, counted from 1, or all, are in stock."""
        chosen = [self.assets[unit - 1] for unit in units] or self.assets
        return assets.AssetsReceived(
            order_line_id=self.order_line_id,
            order_id=self.order_id,
            request_id=self.request_id,
            request_line_id=self.line_id,
            receipt_id=derived_id("test-receipt", self.order_line_id),
            assets=tuple(
                assets.StockedUnit(
                    asset_id=asset, tag=f"QM-{self.assets.index(asset) + 1:08d}", serial="S", after=after
                )
                for asset in chosen
            ),
        )

    def assigned(self, *units: int, name: object = 1) -> assets.AssetsAssigned:
        """These units, counted from 1, or all, are in the person's hands."""
        chosen = [self.assets[unit - 1] for unit in units] or self.assets
        return assets.AssetsAssigned(
            handover_id=derived_id("test-handover", name, *chosen),
            person=REQUESTER,
            request_id=self.request_id,
            asset_ids=tuple(chosen),
        )

    def drafted(self, status: Literal["draft", "awaiting_approval"] = "draft") -> purchasing.OrderDrafted:
        """The order waits."""
        line = purchasing.DraftedLine(
            order_line_id=self.order_line_id, request_line_id=self.line_id, quantity=self.quantity
        )
        return purchasing.OrderDrafted(
            order_id=self.order_id,
            requisition_number=self.number,
            request_id=self.request_id,
            status=status,
            total=Money(amount=Decimal("149.50"), currency="EUR"),
            lines=(line,),
        )

    def confirmed(self, quantity: int | None = None) -> purchasing.ServiceConfirmed:
        """So many units of the service, or all, were rendered."""
        return purchasing.ServiceConfirmed(
            order_id=self.order_id,
            order_line_id=self.order_line_id,
            request_id=self.request_id,
            request_line_id=self.line_id,
            quantity=quantity or self.quantity,
            confirmed_by=MANAGER,
        )

    def lot(self, quantity: int | None = None, receipt: int = 1) -> assets.LotReceived:
        """So many of the consumable, or all, are in stock."""
        return assets.LotReceived(
            lot_id=derived_id("test-lot", self.order_line_id),
            order_line_id=self.order_line_id,
            order_id=self.order_id,
            request_id=self.request_id,
            request_line_id=self.line_id,
            receipt_id=derived_id("test-receipt", receipt),
            quantity=quantity or self.quantity,
        )

    def issued(self, quantity: int | None = None, receipt: int = 1) -> assets.StockIssued:
        """So many of the consumable, or all, are with whom they were for."""
        lot = self.lot(quantity, receipt)
        return assets.StockIssued(
            issue_id=issue_id_of(lot.lot_id, lot.receipt_id),
            lot_id=lot.lot_id,
            request_id=self.request_id,
            request_line_id=self.line_id,
            quantity=quantity or self.quantity,
            to=Destination(kind=DestinationKind.PERSON, name=REQUESTER),
        )

    def entitled(self, status: Literal["pending", "active"] = "active") -> assets.EntitlementCreated:
        """The software may be used, or will be from some day on."""
        return assets.EntitlementCreated(**self._entitlement(), quantity=self.quantity, status=status)

    def entitlement(
        self,
        status: Literal["pending", "active", "expired", "cancelled"] = "active",
        quantity: int | None = None,
        in_use: int = 0,
    ) -> assets.EntitlementChanged:
        """The entitlement has changed."""
        left = self.quantity if quantity is None else quantity
        return assets.EntitlementChanged(
            **self._entitlement(), quantity=left, allocated=in_use, status=status
        )

    def allocated(self, quantity: int | None = None) -> assets.EntitlementAllocated:
        """Whom it was for may use the software."""
        entitlement_id = self._entitlement()["entitlement_id"]
        return assets.EntitlementAllocated(
            allocation_id=derived_id("test-allocation", entitlement_id),
            entitlement_id=entitlement_id,
            request_id=self.request_id,
            request_line_id=self.line_id,
            holder=Destination(kind=DestinationKind.PERSON, name=REQUESTER),
            quantity=quantity or self.quantity,
        )

    def _entitlement(self) -> dict[str, Any]:
        return {
            "entitlement_id": derived_id("test-entitlement", self.order_line_id),
            "order_line_id": self.order_line_id,
            "order_id": self.order_id,
            "request_id": self.request_id,
            "request_line_id": self.line_id,
        }

    def order_received(self) -> purchasing.OrderReceived:
        """Nothing more is owed on the order."""
        return purchasing.OrderReceived(
            order_id=self.order_id, requisition_number=self.number, request_id=self.request_id
        )

    def ordering_refused(self) -> purchasing.CommandAnswered:
        """Purchasing does not order it."""
        return purchasing.CommandAnswered(
            outcome="rejected",
            command_id="1",
            command_type=purchasing.CreateOrder.type,
            about=self.request_id,
            code="approved_amount_exceeded",
            message="It costs more than was approved.",
        )

    def ordering_accepted(self) -> purchasing.CommandAnswered:
        """Purchasing has ordered it."""
        return purchasing.CommandAnswered(
            outcome="accepted",
            command_id="1",
            command_type=purchasing.CreateOrder.type,
            about=self.request_id,
            result={"orders": [{"order_id": str(self.order_id), "requisition_number": self.number}]},
        )

    def assigning_refused(self) -> assets.CommandAnswered:
        """Assets does not hand them over."""
        return assets.CommandAnswered(
            outcome="rejected",
            command_id="2",
            command_type=assets.AssignAssets.type,
            about=self.request_id,
            code="asset_not_in_stock",
            message="Only an asset in stock can be assigned.",
        )

    def cancelling_accepted(self, *, orders: bool = True) -> purchasing.CommandAnswered:
        """Purchasing has cancelled what was open, if there was anything."""
        order = {"order_id": str(self.order_id), "requisition_number": self.number}
        return purchasing.CommandAnswered(
            outcome="accepted",
            command_id="3",
            command_type=purchasing.CancelOrder.type,
            about=self.request_id,
            result={"orders": [order] if orders else []},
        )

    def everything(self) -> tuple[Message, ...]:
        """One of each message that the workflow listens to."""
        return (
            self.submitted(),
            self.amended(),
            self.amendment_awaited(),
            self.amendment_refused(),
            self.ordering_accepted(),
            self.tagged(),
            self.received(),
            self.stocked(),
            self.assigned(),
            self.order_received(),
            self.cancelled(),
            self.ordering_refused(),
            self.assigning_refused(),
            self.drafted(),
            self.confirmed(),
            self.lot(),
            self.issued(),
            self.entitled("pending"),
            self.entitlement(),
            self.allocated(),
            self.reversed(),
            self.returned(),
            self.taken_back(),
            self.lot_taken_back(),
            self.cancelling_accepted(),
            OrderNotSubmitted(request_id=self.request_id),
            DeliveryOverdue(request_id=self.request_id),
        )


def a_desk_with(status: Status) -> Desk:
    """A desk whose only request, of two lines with two units each, has come to this status."""
    desk = a_requests_desk()
    if status in (Status.AWAITING_APPROVAL, Status.REJECTED, Status.WITHDRAWN):
        desk.hear(a_request({SERVER: 1, LAPTOP: 1}))
        if status is Status.REJECTED:
            desk.hear(a_no(the_request(desk)))
        if status is Status.WITHDRAWN:
            desk.hear(WithdrawRequest(request_id=the_request(desk).id), actor=Actor(REQUESTER))
        return desk
    desk.hear(a_request({STATION: 2, LAPTOP: 2}, external_reference="E-1"))
    if the_request(desk).status is Status.AWAITING_APPROVAL:
        desk.hear(a_yes(the_request(desk)))
    one, two = (Told(the_request(desk).id, position, 2) for position in (1, 2))
    way: Mapping[Status, Callable[[], tuple[Message, ...]]] = {
        Status.APPROVED: tuple,
        Status.PARTIALLY_ORDERED: lambda: (one.submitted(),),
        Status.ORDERED: lambda: (one.submitted(), two.submitted()),
        Status.PARTIALLY_RECEIVED: lambda: (one.submitted(), two.submitted(), one.received(1)),
        Status.RECEIVED: lambda: (one.submitted(), two.submitted(), one.received(), two.received()),
        Status.FULFILLED: lambda: (
            *(one.submitted(), two.submitted(), one.received(), two.received()),
            *(one.stocked(), two.stocked(), one.assigned(), two.assigned()),
        ),
        Status.CANCELLED: lambda: (one.submitted(), two.submitted(), one.cancelled(), two.cancelled()),
    }
    desk.hear(*way[status]())
    return desk


def an_approved(
    wanted: Mapping[str, int] | None = None,
    kind: Kind = Kind.HARDWARE,
    destination: Destination | None = None,
    **changes: Any,
) -> tuple[Desk, list[Told]]:
    """A desk with an approved request, and what can be told of each of its lines."""
    wanted = wanted or {STATION: 1}
    desk = a_requests_desk(*(an_entry(sku, kind=kind) for sku in wanted if kind is not Kind.HARDWARE))
    request = a_request(wanted, **changes)
    lines = tuple(line.model_copy(update={"destination": destination}) for line in request.lines)
    desk.hear(request.model_copy(update={"lines": lines}))
    approved = the_request(desk)
    assert approved.status is Status.APPROVED
    return desk, [
        Told(approved.id, position, quantity, kind) for position, quantity in enumerate(wanted.values(), 1)
    ]


def summaries(desk: Desk) -> list[str]:
    """What happened to the only request, in the order in which it was recorded."""
    steps: list[ProcessStep] = sorted(desk.all(ProcessStep), key=lambda step: step.number)
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    return [step.summary for step in steps]
