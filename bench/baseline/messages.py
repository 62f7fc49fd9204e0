"""What the four applications say to each other: the words of the real services, without the envelope."""

from decimal import Decimal
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import BaseModel, Field


class Message(BaseModel):
    """Anything said on a queue; `type` is its routing key."""

    type: ClassVar[str]


class Money(BaseModel):
    amount: Decimal
    currency: str


class RequestedLine(BaseModel):
    sku: str
    quantity: Annotated[int, Field(ge=1, le=10_000)]


class SubmitRequest(Message):
    type: ClassVar[str] = "requests.submit_request.v1"
    external_reference: str
    requester: str
    justification: str = ""
    deliver_to: str
    currency: str
    lines: Annotated[list[RequestedLine], Field(min_length=1, max_length=100)]


class RequestSubmitted(Message):
    type: ClassVar[str] = "requests.request_submitted.v1"
    request_id: UUID
    number: str
    requester: str
    total: Money


class RequestApproved(Message):
    type: ClassVar[str] = "requests.request_approved.v1"
    request_id: UUID
    number: str
    approved_by: list[str]
    total: Money


class RequestFulfilled(Message):
    type: ClassVar[str] = "requests.request_fulfilled.v1"
    request_id: UUID
    number: str


class LineToOrder(BaseModel):
    request_line_id: UUID
    sku: str
    quantity: int
    approved_unit_price: Decimal


class CreateOrder(Message):
    type: ClassVar[str] = "purchasing.create_order.v1"
    request_id: UUID
    request_number: str
    requester: str
    deliver_to: str
    approved_total: Money
    lines: list[LineToOrder]


class OrderedLine(BaseModel):
    order_line_id: UUID
    request_line_id: UUID
    sku: str
    name: str
    quantity: int
    unit_price: Decimal
    warranty_months: int


class OrderSubmitted(Message):
    type: ClassVar[str] = "purchasing.order_submitted.v1"
    order_id: UUID
    requisition_number: str
    request_id: UUID
    vendor_name: str
    deliver_to: str
    total: Money
    lines: list[OrderedLine]


class OrderReceived(Message):
    type: ClassVar[str] = "purchasing.order_received.v1"
    order_id: UUID
    requisition_number: str
    request_id: UUID


class TaggedUnit(BaseModel):
    asset_id: UUID
    unit_number: int
    tag: str


class TemplateAssetsCreated(Message):
    type: ClassVar[str] = "assets.template_assets_created.v1"
    order_line_id: UUID
    order_id: UUID
    request_id: UUID
    assets: list[TaggedUnit]


class UnitToReceive(BaseModel):
    serial: str
    condition: str = "new"
    location: str
    storage_space: str


class LineToReceive(BaseModel):
    order_line_id: UUID
    units: list[UnitToReceive]


class RecordReceipt(Message):
    type: ClassVar[str] = "receiving.record_receipt.v1"
    order_id: UUID
    lines: list[LineToReceive]


class ReceivedUnit(UnitToReceive):
    unit_number: int


class ReceivedLine(BaseModel):
    receipt_line_id: UUID
    order_line_id: UUID
    request_line_id: UUID
    sku: str
    accepted: int
    units: list[ReceivedUnit]


class GoodsReceived(Message):
    type: ClassVar[str] = "receiving.goods_received.v1"
    receipt_id: UUID
    receipt_number: str
    order_id: UUID
    request_id: UUID
    lines: list[ReceivedLine]


class StockedUnit(BaseModel):
    asset_id: UUID
    tag: str
    serial: str


class AssetsReceived(Message):
    type: ClassVar[str] = "assets.assets_received.v1"
    order_line_id: UUID
    order_id: UUID
    request_id: UUID
    receipt_id: UUID
    assets: list[StockedUnit]


class AssignAssets(Message):
    type: ClassVar[str] = "assets.assign_assets.v1"
    person: str
    request_id: UUID
    asset_ids: list[UUID]


class AssetsAssigned(Message):
    type: ClassVar[str] = "assets.assets_assigned.v1"
    handover_id: UUID
    person: str
    request_id: UUID
    asset_ids: list[UUID]
