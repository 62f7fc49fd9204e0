"""Lines as they come onto orders: from the catalog at the price of the day, or custom, at a price that is named.

Another price than the vendor's agreed one, or a vendor who is not approved for the item, needs a reason.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from libs.chassis.decision import Cause, Key, Keys, NamedBy, Records, Rejection
from libs.contracts.orders import LINES_MAX, ChangedLine, LineToDraft
from libs.contracts.purchasing import CUSTOM_SKU_PREFIX
from libs.contracts.values import QUANTITY_MAX, AssetCreation, Destination
from services.purchasing.catalog import CatalogItem, Vendor, item_id_of
from services.purchasing.purchase_order import OrderLine, PurchaseOrder


class Buying(NamedTuple):
    """From whom, in which currency and on which day something is bought; a draft may have no vendor yet."""

    vendor: Vendor | None
    currency: str
    day: date


def custom_sku(line_id: UUID) -> str:
    """What the catalog doesn't know has a SKU of its own, so that it can be received like anything else."""
    return f"{CUSTOM_SKU_PREFIX}{line_id.hex[:16].upper()}"


def from_catalog(item: CatalogItem) -> dict[str, Any]:
    """What a line takes over from its item."""
    return {
        "item_id": item.id,
        "catalog_version": item.version,
        "sku": item.sku,
        "name": item.name,
        "kind": item.kind,
        "metric": item.metric,
        "term_months": item.term_months,
        "asset_creation": item.asset_creation,
        "warranty_months": item.warranty_months,
    }


def bound_for(destination: Destination | None) -> dict[str, Any]:
    """Whom or what a line is for."""
    if destination is None:
        return {"destination_kind": None, "destination": None}
    return {"destination_kind": destination.kind, "destination": destination.name}


def lead_time_of(vendor: Vendor | None, offered: int | None) -> int | None:
    """In how many days a vendor delivers, as far as the offer or they have told."""
    return offered if offered is not None else (vendor.lead_time_days or None) if vendor else None


def drafted(
    wanted: Sequence[LineToDraft],
    order: PurchaseOrder,
    buying: Buying,
    held: Records,
    cause: Cause,
    *,
    of: str,
) -> list[OrderLine]:
    """New lines of an order that no request wants. A bundle becomes a line for each of its components."""
    known = held.all(OrderLine, order_id=order.id)
    position = max((line.position for line in known), default=0)
    made: list[OrderLine] = []
    for index, line in enumerate(wanted):
        for item, quantity in _bought(line, held, f"{of}[{index}]"):
            position += 1
            made.append(_new_line(line, item, quantity, order, position, cause.id("order_line", len(made))))
            made[-1] = _priced_at_first(made[-1], item, line, buying, f"{of}[{index}]")
        check_days(line, line.starts_on, line.ends_on, f"{of}[{index}]")
    if len(known) + len(made) > LINES_MAX:
        message = f"Order {order.requisition_number} would have {len(known) + len(made)} lines."
        raise Rejection("too_many_lines", field=of, message=message)
    return made


def _bought(line: LineToDraft, held: Records, of: str) -> list[tuple[CatalogItem | None, int]]:
    """What is to be bought for a line, and how many of it; no item stands for something custom."""
    if line.sku is None:
        return [(None, line.quantity)]
    item = _active_item(held, line.sku, of)
    if not item.components:
        return [(item, line.quantity)]
    if line.unit_price is not None:
        message = f"{line.sku} is a bundle and costs what its components do."
        raise Rejection("invalid_content", field=f"{of}.unit_price", message=message)
    for part in item.components:
        if line.quantity * part.quantity > QUANTITY_MAX:
            message = f"That is {line.quantity * part.quantity} of {part.sku}, more than {QUANTITY_MAX}."
            raise Rejection("invalid_content", field=f"{of}.quantity", message=message)
    return [(_active_item(held, part.sku, of), line.quantity * part.quantity) for part in item.components]


def _active_item(held: Records, sku: str, of: str) -> CatalogItem:
    item = held.find(CatalogItem, item_id_of(sku))
    if item is None or not item.active:
        raise Rejection("sku_unknown", field=f"{of}.sku", message=f"The catalog has no active item {sku}.")
    return item


def _new_line(
    line: LineToDraft,
    item: CatalogItem | None,
    quantity: int,
    order: PurchaseOrder,
    position: int,
    line_id: UUID,
) -> OrderLine:
    if item is not None:
        what = from_catalog(item)
    else:
        what = {
            "item_id": None,
            "catalog_version": None,
            "sku": custom_sku(line_id),
            "name": line.name,
            "kind": line.kind,
            "asset_creation": AssetCreation.ON_SUBMISSION,
            "warranty_months": 0,
        }
    if line.asset_creation is not None:
        what["asset_creation"] = line.asset_creation
    return OrderLine(
        id=line_id,
        order_id=order.id,
        request_id=None,
        request_line_id=None,
        position=position,
        bundle=line.sku if item is not None and item.sku != line.sku else None,
        **what,
        **bound_for(line.destination),
        starts_on=line.starts_on,
        ends_on=line.ends_on,
        expected_on=line.expected_on,
        contract=line.contract,
        ordered=quantity,
        units_made=quantity,
        approved_unit_price=None,
        unit_price=None,
        price_reason=line.price_reason,
        line_total=Decimal(0),
        tax_percent=line.tax_percent,
    )


def _priced_at_first(
    line: OrderLine, item: CatalogItem | None, wanted: LineToDraft, buying: Buying, of: str
) -> OrderLine:
    line = offered(line, item, buying)
    price = wanted.unit_price if wanted.unit_price is not None else line.offered_price
    line = replace(line, unit_price=price)
    if wanted.unit_price is not None and buying.vendor is not None:
        check_reason(line, of)
    return line.costing(buying.currency)


def offered(line: OrderLine, item: CatalogItem | None, buying: Buying) -> OrderLine:
    """The line with what its vendor offers for it that day; a price that was the offer's follows the offer."""
    offer = None
    if item is not None and buying.vendor is not None:
        offer = item.offer_of(buying.vendor.number, buying.day)
    if offer is not None and offer.currency != buying.currency:
        offer = None
    price = offer.unit_price if offer else None
    follows = item is not None and line.unit_price == line.offered_price
    return replace(
        line,
        catalog_version=item.version if item is not None else line.catalog_version,
        offered_price=price,
        unit_price=price if follows else line.unit_price,
        lead_time_days=lead_time_of(buying.vendor, offer.lead_time_days if offer else None),
    )


def check_reason(line: OrderLine, of: str) -> None:
    """Another price than the agreed one, or a vendor without one, needs a reason; of custom things none is agreed."""
    if line.item_id is None or line.unit_price in (None, line.offered_price) or line.price_reason:
        return
    agreed = "has no agreed price" if line.offered_price is None else f"is agreed at {line.offered_price}"
    message = f"{line.sku} {agreed} with this vendor: say why it costs {line.unit_price}."
    raise Rejection("price_reason_missing", field=of, message=message)


def check_days(wanted: LineToDraft | ChangedLine, starts: date | None, ends: date | None, of: str) -> None:
    """Nothing ends before it starts: neither what is bought nor the contract that it is bought under."""
    contract = wanted.contract
    if contract and contract.starts_on and contract.ends_on and contract.starts_on > contract.ends_on:
        message = f"Contract {contract.number} would end on {contract.ends_on}, before {contract.starts_on}."
        raise Rejection("invalid_content", field=f"{of}.contract.ends_on", message=message)
    if starts and ends and starts > ends:
        field = "ends_on" if wanted.ends_on else "starts_on"
        message = f"It would start on {starts} and end on {ends}."
        raise Rejection("invalid_content", field=f"{of}.{field}", message=message)


def changed(line: OrderLine, change: ChangedLine, buying: Buying, of: str) -> OrderLine:
    """The line with what of it is to become different; what is not named stays as it is."""
    given = {
        name: value
        for name in (
            "unit_price", "price_reason", "tax_percent", "asset_creation", "expected_on", "contract", "starts_on",
            "ends_on",
        )
        if (value := getattr(change, name)) is not None
    }  # fmt: skip
    if change.destination is not None:
        given |= bound_for(change.destination)
    if change.quantity is not None:
        given |= {"ordered": change.quantity, "units_made": change.quantity}
    line = replace(line, **given)
    check_days(change, line.starts_on, line.ends_on, of)
    if change.unit_price is not None and buying.vendor is not None:
        check_reason(line, f"{of}.price_reason")
    return line.costing(buying.currency)


def items_of(item: CatalogItem) -> Iterable[UUID]:
    """The components of a bundle."""
    return [item_id_of(part.sku) for part in item.components]


def items_wanted(lines: Iterable[LineToDraft]) -> Keys:
    """The catalog items of new lines, with the components of bundles."""
    ids = [item_id_of(sku) for sku in dict.fromkeys(line.sku for line in lines) if sku]
    return [
        *(Key(CatalogItem, id, may_be_new=True) for id in ids),
        *(NamedBy(CatalogItem, by=CatalogItem, id=id, ids=items_of) for id in ids),
    ]
