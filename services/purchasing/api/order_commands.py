"""What people do with orders over HTTP: draft, change, split, combine, place, cancel, close; confirm services."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from libs.chassis.http import JsonBody, Obeying, needs
from libs.contracts.message import Value
from libs.contracts.orders import (
    CancelOneOrder,
    CloseOrder,
    CombineOrders,
    CompletedLine,
    CompleteOrder,
    ConfirmService,
    DraftOrder,
    MovedLine,
    RecallOrder,
    SplitOrder,
    SubmitOrder,
)
from libs.contracts.permissions import Action
from libs.contracts.purchasing import CancelOrder
from libs.contracts.values import Code, Currency, LongText, Quantity, Text
from services.purchasing.api.orders import OrderNamedHere
from services.purchasing.purchase_order import Status

router = APIRouter()

Lines = Annotated[tuple[UUID, ...], Field(max_length=100)]


class Reason(Value):
    """Why something is taken back."""

    reason: Annotated[LongText, Field(min_length=1)]


class Cancellation(Reason):
    """Why an order, or some of its lines, is wanted no longer."""

    lines: Lines = ()


class Completion(Value):
    """Vendor and prices of a draft; what is not named stays as it is."""

    vendor_number: Code | None = None
    currency: Currency
    lines: Annotated[tuple[CompletedLine, ...], Field(max_length=100)] = ()


class Split(Value):
    """What goes to a draft of its own, and perhaps to another vendor."""

    lines: Annotated[tuple[MovedLine, ...], Field(min_length=1, max_length=100)]
    vendor_number: Code | None = None
    payment_terms: Text | None = None


class Confirmation(Value):
    """How many units of a service were rendered; all that are open if it is not said."""

    quantity: Quantity | None = None


class OrderNamed(BaseModel):
    """An order by its id and its number."""

    order_id: UUID
    requisition_number: str


class OrdersCancelled(BaseModel):
    """The orders of which everything open was cancelled; none if it came before them, or when all had arrived."""

    request_id: UUID
    orders: list[OrderNamed]


class OrderAdvanced(OrderNamed):
    """Where an order stands now, at which revision."""

    status: Status
    revision: int


class OrderSplit(OrderAdvanced):
    """Where an order stands now, and the draft that was split off it."""

    split_off: OrderAdvanced


class ServiceDone(BaseModel):
    """How much of a service was rendered so far, and how much is open."""

    order_id: UUID
    order_line_id: UUID
    confirmed: int
    open: int


@router.post(
    "/orders", status_code=201, response_model=OrderAdvanced, dependencies=[needs(Action.MANAGE_ORDERS)]
)
async def draft_order(draft: JsonBody[DraftOrder], obey: Obeying) -> Response:
    """Draft an order that no request asks for."""
    return await obey(draft)


@router.post(
    "/order-combinations",
    status_code=200,
    response_model=OrderAdvanced,
    dependencies=[needs(Action.MANAGE_ORDERS)],
)
async def combine_orders(orders: JsonBody[CombineOrders], obey: Obeying) -> Response:
    """Put the lines of several drafts into the first of them."""
    return await obey(orders, status=200)


@router.put(
    "/orders/{reference}/lines", response_model=OrderAdvanced, dependencies=[needs(Action.MANAGE_ORDERS)]
)
async def complete_order(
    order_id: OrderNamedHere, completion: JsonBody[Completion], obey: Obeying
) -> Response:
    """Set vendor and prices of an order that was not submitted yet."""
    return await obey(CompleteOrder(order_id=order_id, **dict(completion)), status=200)


@router.post(
    "/orders/{reference}/split", response_model=OrderSplit, dependencies=[needs(Action.MANAGE_ORDERS)]
)
async def split_order(order_id: OrderNamedHere, split: JsonBody[Split], obey: Obeying) -> Response:
    """Move lines, or some of their units, from a draft into a draft of their own."""
    return await obey(SplitOrder(order_id=order_id, **dict(split)), status=200)


@router.post(
    "/orders/{reference}/submission",
    status_code=200,
    response_model=OrderAdvanced,
    dependencies=[needs(Action.MANAGE_ORDERS)],
)
async def submit_order(order_id: OrderNamedHere, obey: Obeying) -> Response:
    """Place a draft that is complete. If it costs more than was approved it waits until that is."""
    return await obey(SubmitOrder(order_id=order_id), status=200)


@router.post(
    "/orders/{reference}/recall",
    status_code=200,
    response_model=OrderAdvanced,
    dependencies=[needs(Action.MANAGE_ORDERS)],
)
async def recall_order(order_id: OrderNamedHere, obey: Obeying) -> Response:
    """Let an order that awaits approval be a draft again."""
    return await obey(RecallOrder(order_id=order_id), status=200)


@router.post(
    "/orders/{reference}/cancellation",
    status_code=200,
    response_model=OrderAdvanced,
    dependencies=[needs(Action.MANAGE_ORDERS)],
)
async def cancel_one_order(order_id: OrderNamedHere, why: JsonBody[Cancellation], obey: Obeying) -> Response:
    """Cancel what is open of one order, or of some of its lines; the request's other orders stay."""
    return await obey(CancelOneOrder(order_id=order_id, reason=why.reason, lines=why.lines), status=200)


@router.post(
    "/orders/{reference}/closing",
    status_code=200,
    response_model=OrderAdvanced,
    dependencies=[needs(Action.MANAGE_ORDERS)],
)
async def close_order(order_id: OrderNamedHere, why: JsonBody[Reason], obey: Obeying) -> Response:
    """Want nothing more of an order of which some has arrived."""
    return await obey(CloseOrder(order_id=order_id, reason=why.reason), status=200)


@router.post(
    "/orders/{reference}/lines/{order_line_id}/confirmations",
    status_code=201,
    response_model=ServiceDone,
    dependencies=[needs(Action.CONFIRM_SERVICES)],
)
async def confirm_service(
    order_id: OrderNamedHere, order_line_id: UUID, done: JsonBody[Confirmation], obey: Obeying
) -> Response:
    """Say that a service was rendered."""
    return await obey(ConfirmService(order_id=order_id, order_line_id=order_line_id, quantity=done.quantity))


@router.post(
    "/requests/{request_id}/orders/cancellation",
    status_code=200,
    response_model=OrdersCancelled,
    dependencies=[needs(Action.MANAGE_ORDERS)],
)
async def cancel_orders(request_id: UUID, why: JsonBody[Reason], obey: Obeying) -> Response:
    """Cancel what is open of all orders of a request, also of those that are still to be made."""
    return await obey(CancelOrder(request_id=request_id, reason=why.reason), status=200)
