"""The orders of a request: made from what was approved, and cancelled, as a whole or one of them.

Catalog lines make one order per vendor, placed at once; custom lines make drafts that wait for vendor and prices.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from libs.chassis.decision import (
    Cause,
    Decision,
    Early,
    Handler,
    Handlers,
    Key,
    Keys,
    Record,
    Records,
    Rejection,
    Via,
)
from libs.contracts.catalog import Offer
from libs.contracts.message import Message
from libs.contracts.orders import CancelOneOrder
from libs.contracts.purchasing import CUSTOM_SKU_PREFIX, CancelOrder, CreateOrder, LineToOrder
from libs.contracts.values import AssetCreation, derived_id, line_total
from services.purchasing.catalog import CatalogItem, Vendor, active_vendor, item_id_of, vendor_id_of
from services.purchasing.purchase_order import (
    OrderLine,
    OrderName,
    PurchaseOrder,
    Status,
    custom_order_id_of,
    in_order,
    number_of,
    order_id_of,
    order_name_id,
    order_named,
    order_of,
)
from services.purchasing.spending import (
    RequestOrders,
    RequestOrdersStatus,
    all_of_request,
    called_off,
    committed_by,
    place,
    said_drafted,
    within_limit,
)

NUMBER = "requisition_number"

Group = tuple[Vendor | None, bool]
"""Lines of one order: their vendor, if it is known, and whether they are from the catalog."""


# Ordering what was approved


def orders_of(command: CreateOrder) -> Keys:
    """What was commanded for the request before."""
    return (Key(RequestOrders, command.request_id, may_be_new=True),)


def items_and_vendors(command: CreateOrder) -> Keys:
    """The catalog items of the lines, their preferred vendors, and those that were named."""
    items = [item_id_of(sku) for sku in dict.fromkeys(line.sku for line in command.lines) if sku]
    vendors = dict.fromkeys(line.vendor_number for line in command.lines if line.vendor_number)
    return [
        *(Key(CatalogItem, item, may_be_new=True) for item in items),
        *(Key(Vendor, Via(CatalogItem, item, "vendor_id"), may_be_new=True) for item in items),
        *(Key(Vendor, vendor_id_of(number), may_be_new=True) for number in vendors),
    ]


def create(command: CreateOrder, held: Records, cause: Cause) -> Decision:
    """Order what was approved: from the catalog one order per vendor, placed at once; the rest as drafts.

    What would make all that is submitted cost more than was approved awaits approval. A request is ordered once;
    cancelled before, not at all.
    """
    before = held.find(RequestOrders, command.request_id)
    if before is not None and before.answer:
        return Decision(duplicate=True, answer=before.answer)
    if before is not None:
        raise Rejection(
            "order_cancelled", field="request_id", message=f"It was cancelled before: {before.reason}"
        )

    groups = _by_order(command, held, cause.at.date())
    approved = command.approved_total.amount
    orders: list[PurchaseOrder] = []
    lines: list[OrderLine] = []
    publish: list[Message] = []
    for ((vendor, from_catalog), wanted), ordinal in zip(groups.items(), cause.numbers[NUMBER], strict=False):
        order = _drafted(command, vendor, wanted, ordinal, cause, from_catalog=from_catalog)
        said: Sequence[Message] = [said_drafted(order, wanted)]
        placed: Sequence[OrderLine] = wanted
        if from_catalog:
            committed = committed_by(orders, lines)
            order, placed, said = place(order, wanted, approved=approved, committed=committed, cause=cause)
        orders.append(order)
        lines += placed
        publish += said
    answer = {
        "request_id": str(command.request_id),
        "orders": [{**_named(order), "status": order.status.value} for order in orders],
    }
    made = RequestOrders(
        id=command.request_id, status=RequestOrdersStatus.ORDERED, approved=approved, answer=answer
    )
    names = [
        OrderName(
            id=order_name_id(order.requisition_number), name=order.requisition_number, order_id=order.id
        )
        for order in orders
    ]
    return Decision(save=[made, *names, *orders, *lines], publish=publish, answer=answer)


def _by_order(command: CreateOrder, held: Records, day: date) -> Mapping[Group, list[OrderLine]]:
    """The lines in groups of one order, catalog lines at that day's price, in the order of the request."""
    groups: dict[Group, list[OrderLine]] = {}
    for index, wanted in enumerate(command.lines):
        of = f"lines[{index}]"
        named = (
            active_vendor(held, wanted.vendor_number, of=f"{of}.vendor_number")
            if wanted.vendor_number
            else None
        )
        if wanted.sku is None:
            group = groups.setdefault((named, False), [])
            group.append(_custom_line(command, wanted, position=len(group) + 1))
            continue
        item = held.find(CatalogItem, item_id_of(wanted.sku))
        if item is None or not item.active:
            message = f"The catalog has no active item {wanted.sku}."
            raise Rejection("sku_unknown", field=f"{of}.sku", message=message)
        vendor = named or (held.find(Vendor, item.vendor_id) if item.vendor_id else None)
        if vendor is None or not vendor.active:
            message = f"{wanted.sku} has no active vendor."
            raise Rejection("vendor_unknown", field=f"{of}.sku", message=message)
        offer = item.offer_of(vendor.number, day) or item.preferred_on(day)
        if offer is None:
            message = f"{wanted.sku} has no agreed price today."
            raise Rejection("item_not_buyable", field=f"{of}.sku", message=message)
        if offer.currency != command.approved_total.currency:
            message = f"{wanted.sku} is priced in {offer.currency}, not in {command.approved_total.currency}."
            raise Rejection("currency_mismatch", field=f"{of}.sku", message=message)
        group = groups.setdefault((vendor, True), [])
        group.append(_catalog_line(command, wanted, item, vendor, offer, len(group) + 1))
    return groups


def _catalog_line(
    command: CreateOrder, wanted: LineToOrder, item: CatalogItem, vendor: Vendor, offer: Offer, position: int
) -> OrderLine:
    order_id = order_id_of(command.request_id, vendor.id)
    return OrderLine(
        id=derived_id("order_line", order_id, wanted.request_line_id),
        order_id=order_id,
        request_id=command.request_id,
        request_line_id=wanted.request_line_id,
        position=position,
        item_id=item.id,
        catalog_version=item.version,
        sku=item.sku,
        name=item.name,
        kind=item.kind,
        asset_creation=item.asset_creation,
        warranty_months=item.warranty_months,
        named_vendor=wanted.vendor_number,
        destination_kind=wanted.destination.kind if wanted.destination else None,
        destination=wanted.destination.name if wanted.destination else None,
        starts_on=wanted.starts_on,
        ends_on=wanted.ends_on,
        ordered=wanted.quantity,
        units_made=wanted.quantity,
        approved_unit_price=wanted.approved_unit_price,
        offered_price=offer.unit_price,
        unit_price=offer.unit_price,
        line_total=within_limit(line_total(offer.unit_price, wanted.quantity, offer.currency)),
    )


def _custom_line(command: CreateOrder, wanted: LineToOrder, *, position: int) -> OrderLine:
    """What the catalog doesn't know has a SKU of its own, so that it can be received like anything else."""
    order_id = custom_order_id_of(command.request_id, wanted.vendor_number)
    line_id = derived_id("order_line", order_id, wanted.request_line_id)
    if wanted.name is None or wanted.kind is None:
        raise RuntimeError("a line without a SKU says name and kind")
    return OrderLine(
        id=line_id,
        order_id=order_id,
        request_id=command.request_id,
        request_line_id=wanted.request_line_id,
        position=position,
        item_id=None,
        catalog_version=None,
        sku=f"{CUSTOM_SKU_PREFIX}{line_id.hex[:16].upper()}",
        name=wanted.name,
        kind=wanted.kind,
        asset_creation=AssetCreation.ON_SUBMISSION,
        warranty_months=0,
        named_vendor=wanted.vendor_number,
        destination_kind=wanted.destination.kind if wanted.destination else None,
        destination=wanted.destination.name if wanted.destination else None,
        starts_on=wanted.starts_on,
        ends_on=wanted.ends_on,
        ordered=wanted.quantity,
        units_made=wanted.quantity,
        approved_unit_price=wanted.approved_unit_price,
        unit_price=None,
        line_total=Decimal(0),
    )


def _drafted(
    command: CreateOrder,
    vendor: Vendor | None,
    lines: Sequence[OrderLine],
    ordinal: int,
    cause: Cause,
    *,
    from_catalog: bool,
) -> PurchaseOrder:
    if from_catalog and vendor:
        order_id = order_id_of(command.request_id, vendor.id)
    else:
        order_id = custom_order_id_of(command.request_id, vendor.number if vendor else None)
    total = within_limit(sum((line.line_total for line in lines), Decimal(0)))
    return PurchaseOrder(
        id=order_id,
        ordinal=ordinal,
        requisition_number=number_of(ordinal),
        status_since=cause.at,
        request_id=command.request_id,
        requests=(command.request_id,),
        request_number=command.request_number,
        requester=command.requester,
        vendor_id=vendor.id if vendor else None,
        vendor_number=vendor.number if vendor else None,
        vendor_name=vendor.name if vendor else None,
        deliver_to=command.deliver_to,
        currency=command.approved_total.currency,
        total=total,
        expected_cost=total,
    )


# Cancelling what is open


def cancel(command: CancelOrder, held: Records, cause: Cause) -> Decision:
    """Cancel whatever has not arrived of all the request's orders, now and later, drafts among them.

    What is here already, or was taken at the dock before it heard of this, stays. A cancellation that comes
    before the command to order forbids it. The answer names the orders that lost units, if any did.
    """
    before = held.find(RequestOrders, command.request_id)
    if before is not None and before.status is RequestOrdersStatus.CANCELLED:
        return Decision(duplicate=True, answer=before.cancellation)
    save: list[Record] = []
    publish: list[Message] = []
    losing: list[PurchaseOrder] = []
    for order in held.all(PurchaseOrder, request_id=command.request_id):
        lines = in_order(held.all(OrderLine, order_id=order.id))
        changed, less, said = called_off(order, lines, command.reason, cause)
        if any(now.cancelled > was.cancelled for now, was in zip(less, lines, strict=True)):
            losing.append(order)
        save += [changed, *less]
        publish += said
    answer = {"request_id": str(command.request_id), "orders": [_named(order) for order in losing]}
    if before is None:
        forbidden = RequestOrders(
            id=command.request_id,
            status=RequestOrdersStatus.CANCELLED,
            cancellation=answer,
            reason=command.reason,
        )
        return Decision(save=[forbidden], answer=answer)
    cancelled = before.become(RequestOrdersStatus.CANCELLED, cancellation=answer, reason=command.reason)
    return Decision(save=[cancelled, *save], publish=publish, answer=answer)


def cancel_one(command: CancelOneOrder, held: Records, cause: Cause) -> Decision:
    """Cancel whatever has not arrived of one order. Once nothing of it is open, there is nothing to cancel."""
    order = order_named(held, command)
    lines = in_order(held.all(OrderLine, order_id=order.id))
    if order.status is Status.CANCELLED:
        return Decision(duplicate=True, answer=_named(order))
    changed, less, said = called_off(order, lines, command.reason, cause)
    if all(now.cancelled == was.cancelled for now, was in zip(less, lines, strict=True)):
        message = f"Nothing of order {order.requisition_number} is open."
        raise Rejection("order_not_open", field="order_id", message=message)
    return Decision(save=[changed, *less], publish=said, answer=_named(order))


def _named(order: PurchaseOrder) -> dict[str, object]:
    return {"order_id": str(order.id), "requisition_number": order.requisition_number}


HANDLERS: Handlers = (
    Handler(
        on=CreateOrder,
        holds=orders_of,
        reads=items_and_vendors,
        numbers=lambda command: {NUMBER: len({(line.sku, line.vendor_number) for line in command.lines})},
        decide=create,
        weight=lambda command: len(command.lines),
    ),
    Handler(on=CancelOrder, holds=lambda command: all_of_request(command.request_id), decide=cancel),
    Handler(on=CancelOneOrder, holds=order_of, early=Early.WAIT_10_MINUTES, decide=cancel_one),
)
