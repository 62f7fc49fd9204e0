"""The documents of orders over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Header, Response
from sqlalchemy import or_, select
from starlette.concurrency import run_in_threadpool

from libs.chassis.decision import Rejection
from libs.chassis.http import Reading, needs
from libs.chassis.pages import named
from libs.contracts.permissions import Action
from services.purchasing.api.order_document import OrderDocument, pdf
from services.purchasing.catalog import Vendor
from services.purchasing.policy import POLICY_ID, PurchasingPolicy
from services.purchasing.purchase_order import OrderLine, OrderName, PurchaseOrder, order_name_id
from services.purchasing.tables import STORAGE

router = APIRouter()

_orders = STORAGE.tables[PurchaseOrder]
_lines = STORAGE.tables[OrderLine]
_names = STORAGE.tables[OrderName]
_rows = STORAGE.rows

PDF = "application/pdf"
SHOWN = {"description": "The document.", "content": {PDF: {"schema": {"type": "string", "format": "binary"}}}}


@router.get(
    "/orders/{reference}/document",
    response_class=Response,
    responses={200: SHOWN, 304: {"description": "It is the one that was named."}},
    dependencies=[needs(Action.SEE_ORDERS)],
)
async def show_document(
    reference: str,
    read: Reading,
    if_none_match: Annotated[str | None, Header(max_length=1000, description="What was seen before.")] = None,
) -> Response:
    """What goes to the vendor, as PDF; the same bytes for the same ETag. A draft is marked as one."""
    called = select(_names.c.order_id).where(_names.c.id == order_name_id(reference)).scalar_subquery()
    order_id = (
        await read.execute(
            select(_orders.c.id).where(
                or_(named(reference, _orders.c.id, _orders.c.requisition_number), _orders.c.id == called)
            )
        )
    ).scalar_one_or_none()
    if order_id is None:
        raise Rejection("order_unknown", message=f"There is no order {reference}.")
    (order,) = await _rows[PurchaseOrder].load(read, [order_id])
    assert isinstance(order, PurchaseOrder)
    vendors = await _rows[Vendor].load(read, [order.vendor_id] if order.vendor_id else [])
    policies = await _rows[PurchasingPolicy].load(read, [POLICY_ID])
    ids = (await read.execute(select(_lines.c.id).where(_lines.c.order_id == order_id))).scalars()
    lines = [line for line in await _rows[OrderLine].load(read, list(ids)) if isinstance(line, OrderLine)]
    document = OrderDocument(
        order=order,
        lines=sorted(lines, key=lambda line: line.position),
        vendor=next((each for each in vendors if isinstance(each, Vendor)), None),
        policy=next(
            (each for each in policies if isinstance(each, PurchasingPolicy)), PurchasingPolicy(id=POLICY_ID)
        ),
    )
    headers = {"ETag": f'"{document.edition}"'}
    if headers["ETag"] in (if_none_match or ""):
        return Response(status_code=304, headers=headers)
    name = f'inline; filename="{order.requisition_number}-{order.revision}.pdf"'
    content = await run_in_threadpool(pdf, document)
    return Response(content, media_type=PDF, headers=headers | {"Content-Disposition": name})
