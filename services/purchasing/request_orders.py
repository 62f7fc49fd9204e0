"""The orders of a request: made once from what was approved.

Catalog lines make one order per vendor, placed at once; custom lines make drafts that wait for vendor and prices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from libs.chassis.decision import Cause, Decision, Handler, Handlers, Key, Keys, Records, Rejection, Via
from libs.contracts.catalog import Offer
from libs.contracts.purchasing import CreateOrder, LineToOrder
from libs.contracts.values import AssetCreation, derived_id
from services.purchasing.catalog import CatalogItem, Vendor, active_vendor, item_id_of, vendor_id_of
from services.purchasing.commitment import RequestOrders, RequestOrdersStatus
from services.purchasing.draft import NUMBER
from services.purchasing.order_facts import said_drafted
from services.purchasing.order_lines import bound_for, custom_sku, from_catalog, lead_time_of
from services.purchasing.purchase_order import (
    OrderLine,
    OrderName,
    PurchaseOrder,
    custom_order_id_of,
    number_of,
    order_id_of,
    order_name_id,
    with_sums,
)
from services.purchasing.spending import (
    Placed,
    Terms,
    missing_approvals,
    place,
    size_is_known,
    terms_held,
    terms_in,
)

Group = tuple[Vendor | None, bool]
"""Lines of one order: their vendor, if it is known, and whether they are from the catalog."""


def orders_of(command: CreateOrder) -> Keys:
    """What was commanded for the request before."""
    return (Key(RequestOrders, command.request_id, may_be_new=True),)


def read_to_create(command: CreateOrder) -> Keys:
    """The catalog items of the lines, their preferred vendors, those that were named, and how orders are placed."""
    items = [item_id_of(sku) for sku in dict.fromkeys(line.sku for line in command.lines) if sku]
    vendors = dict.fromkeys(line.vendor_number for line in command.lines if line.vendor_number)
    return [
        *(Key(CatalogItem, item, may_be_new=True) for item in items),
        *(Key(Vendor, Via(CatalogItem, item, "vendor_id"), may_be_new=True) for item in items),
        *(Key(Vendor, vendor_id_of(number), may_be_new=True) for number in vendors),
        *terms_held(command),
    ]


def create(command: CreateOrder, held: Records, cause: Cause) -> Decision:
    """Order what was approved: from the catalog one order per vendor, placed at once; the rest as drafts.

    What would make all that is submitted cost more than was approved awaits approval, after what fits was placed. A
    request is ordered once; cancelled before, not at all.
    """
    before = held.find(RequestOrders, command.request_id)
    if before is not None and before.answer:
        return Decision(duplicate=True, answer=before.answer)
    if before is not None:
        raise Rejection(
            "order_cancelled", field="request_id", message=f"It was cancelled before: {before.reason}"
        )

    groups = _by_order(command, held, cause.at.date())
    drafts = [
        Placed(
            order := _drafted(command, group, lines, ordinal, cause), lines, {}, [said_drafted(order, lines)]
        )
        for (group, lines), ordinal in zip(groups.items(), cause.numbers[NUMBER], strict=False)
    ]
    made = RequestOrders(
        id=command.request_id,
        status=RequestOrdersStatus.ORDERED,
        request_number=command.request_number,
        requester=command.requester,
        approved=command.approved_total.amount,
    )
    at_once = [from_catalog for _, from_catalog in groups]
    orders, made = _placed(drafts, at_once, made, terms_in(held), cause)
    answer = {
        "request_id": str(command.request_id),
        "orders": [
            {
                "order_id": str(each.order.id),
                "requisition_number": each.order.requisition_number,
                "status": each.order.status.value,
            }
            for each in orders
        ],
    }
    made = replace(made, answer=answer)
    return Decision(
        save=[
            made,
            *(_named(each.order) for each in orders),
            *(each.order for each in orders),
            *(line for each in orders for line in each.lines),
        ],
        publish=[said for each in orders for said in each.said],
        answer=answer,
    )


def _placed(
    drafts: Sequence[Placed], at_once: Sequence[bool], made: RequestOrders, terms: Terms, cause: Cause
) -> tuple[Sequence[Placed], RequestOrders]:
    """The drafts that need no person are placed, those that fit into what was approved before those that don't."""
    results = list(drafts)
    waiting = [
        index
        for index, draft in enumerate(drafts)
        if at_once[index] and terms.policy.submits_by_itself and size_is_known(draft.order, terms, cause)
    ]
    for only_fitting in (True, False):
        for index in list(waiting):
            order, lines = drafts[index].order, drafts[index].lines
            if only_fitting and missing_approvals(order, lines, {made.id: made}, terms.policy):
                continue
            waiting.remove(index)
            results[index] = place(order, lines, {made.id: made}, terms, cause)
            made = results[index].commanded.get(made.id, made)
    return results, made


def _named(order: PurchaseOrder) -> OrderName:
    number = order.requisition_number
    return OrderName(id=order_name_id(number), name=number, order_id=order.id)


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
            group.append(_custom_line(command, wanted, named, len(group) + 1))
            continue
        item = held.find(CatalogItem, item_id_of(wanted.sku))
        if item is None or not item.active:
            message = f"The catalog has no active item {wanted.sku}."
            raise Rejection("sku_unknown", field=f"{of}.sku", message=message)
        vendor = named or (held.find(Vendor, item.vendor_id) if item.vendor_id else None)
        if vendor is None or not vendor.active:
            message = f"{wanted.sku} has no active vendor."
            raise Rejection("vendor_unknown", field=f"{of}.sku", message=message)
        own = item.offer_of(vendor.number, day)
        offer = own or item.preferred_on(day)
        if offer is None:
            message = f"{wanted.sku} has no agreed price today."
            raise Rejection("item_not_buyable", field=f"{of}.sku", message=message)
        if offer.currency != command.approved_total.currency:
            message = f"{wanted.sku} is priced in {offer.currency}, not in {command.approved_total.currency}."
            raise Rejection("currency_mismatch", field=f"{of}.sku", message=message)
        group = groups.setdefault((vendor, True), [])
        group.append(_catalog_line(command, wanted, item, vendor, own, offer, len(group) + 1))
    return groups


def _catalog_line(
    command: CreateOrder,
    wanted: LineToOrder,
    item: CatalogItem,
    vendor: Vendor,
    own: Offer | None,
    offer: Offer,
    position: int,
) -> OrderLine:
    """A line at its vendor's own price; one who was named though not approved is paid what the preferred one is."""
    order_id = order_id_of(command.request_id, vendor.id)
    line = OrderLine(
        id=derived_id("order_line", order_id, wanted.request_line_id),
        order_id=order_id,
        position=position,
        **from_catalog(item),
        **_wanted(command, wanted),
        lead_time_days=lead_time_of(vendor, own.lead_time_days if own else None),
        offered_price=own.unit_price if own else None,
        unit_price=offer.unit_price,
        price_reason=None if own else "the request names this vendor",
        line_total=Decimal(0),
    )
    return line.costing(offer.currency)


def _custom_line(
    command: CreateOrder, wanted: LineToOrder, vendor: Vendor | None, position: int
) -> OrderLine:
    """What the catalog doesn't know waits for its price."""
    order_id = custom_order_id_of(command.request_id, wanted.vendor_number)
    line_id = derived_id("order_line", order_id, wanted.request_line_id)
    if wanted.name is None or wanted.kind is None:
        raise RuntimeError("a line without a SKU says name and kind")
    return OrderLine(
        id=line_id,
        order_id=order_id,
        position=position,
        item_id=None,
        catalog_version=None,
        sku=custom_sku(line_id),
        name=wanted.name,
        kind=wanted.kind,
        asset_creation=AssetCreation.ON_SUBMISSION,
        warranty_months=0,
        **_wanted(command, wanted),
        lead_time_days=lead_time_of(vendor, None),
        unit_price=None,
        line_total=Decimal(0),
    )


def _wanted(command: CreateOrder, wanted: LineToOrder) -> dict[str, Any]:
    """What a line takes over from what was approved."""
    return {
        "request_id": command.request_id,
        "request_line_id": wanted.request_line_id,
        "named_vendor": wanted.vendor_number,
        **bound_for(wanted.destination),
        "starts_on": wanted.starts_on,
        "ends_on": wanted.ends_on,
        "ordered": wanted.quantity,
        "units_made": wanted.quantity,
        "approved_unit_price": wanted.approved_unit_price,
    }


def _drafted(
    command: CreateOrder, group: Group, lines: Sequence[OrderLine], ordinal: int, cause: Cause
) -> PurchaseOrder:
    vendor, from_catalog = group
    order = PurchaseOrder(
        id=_order_id(command.request_id, vendor, from_catalog=from_catalog),
        ordinal=ordinal,
        requisition_number=number_of(ordinal),
        status_since=cause.at,
        request_id=command.request_id,
        request_number=command.request_number,
        requester=command.requester,
        drafted_by=cause.actor.id or cause.sender,
        vendor_id=vendor.id if vendor else None,
        vendor_number=vendor.number if vendor else None,
        vendor_name=vendor.name if vendor else None,
        deliver_to=command.deliver_to,
        currency=command.approved_total.currency,
        payment_terms=vendor.payment_terms if vendor else None,
        total=Decimal(0),
    )
    return with_sums(order, lines)


def _order_id(request_id: UUID, vendor: Vendor | None, *, from_catalog: bool) -> UUID:
    if from_catalog and vendor:
        return order_id_of(request_id, vendor.id)
    return custom_order_id_of(request_id, vendor.number if vendor else None)


HANDLERS: Handlers = (
    Handler(
        on=CreateOrder,
        holds=orders_of,
        reads=read_to_create,
        numbers=lambda command: {NUMBER: len({(line.sku, line.vendor_number) for line in command.lines})},
        decide=create,
        weight=lambda command: len(command.lines),
    ),
)
