"""Assets from the order on: a template per unit, converted when the unit arrives, cancelled when it won't.

Software becomes an entitlement instead, consumables a lot; services leave nothing behind. How an order is amended is
told in `amendment`.

A template's id follows from its order line and unit number and never changes, whatever happens to the unit.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from libs.chassis.decision import Cause, Decision, Early, Handler, Handlers, Key, Keys, Many, Record, Records
from libs.contracts import purchasing
from libs.contracts.assets import (
    ISSUED_TAG_PREFIX,
    AssetsReceived,
    StockedUnit,
    TaggedUnit,
    TemplateAssetsCancelled,
    TemplateAssetsCreated,
)
from libs.contracts.message import Message
from libs.contracts.purchasing import OrderCancelled, OrderSubmitted
from libs.contracts.receiving import GoodsReceived, ReceivedLine, ReceivedUnit
from libs.contracts.values import UNITS_PER_FACT, AssetCreation, Kind, asset_id_of
from services.assets import entitlement, lot
from services.assets.label import Label, label_id, label_on
from services.assets.ordered_line import OrderedLine, after_amendment, ordered_line
from services.assets.stock import InventoryTransaction, Movement, balances

T = TypeVar("T")


class Status(StrEnum):
    """Where an asset is in its life."""

    ON_ORDER = "on_order"
    IN_TRANSIT = "in_transit"
    IN_STOCK = "in_stock"
    RESERVED = "reserved"
    ASSIGNED = "assigned"
    IN_REPAIR = "in_repair"
    LOST = "lost"
    RETURNED_TO_VENDOR = "returned_to_vendor"
    AWAITING_DISPOSAL = "awaiting_disposal"
    DISPOSED = "disposed"
    CANCELLED = "cancelled"


TRANSITIONS: Mapping[Status, frozenset[Status]] = dict.fromkeys(Status, frozenset()) | {
    Status.ON_ORDER: frozenset({Status.IN_STOCK, Status.CANCELLED}),
    Status.IN_STOCK: frozenset({Status.ASSIGNED}),
    # The dock wins: a cancelled unit that turns up all the same is an asset, with the id it always had. A wanted one
    # for which another had come is on order again when an amendment wants more.
    Status.CANCELLED: frozenset({Status.IN_STOCK, Status.ON_ORDER}),
}


@dataclass(frozen=True, kw_only=True)
class Asset(Record):
    """One unit of hardware, from the moment it is ordered.

    `issued_tag` is the tag we gave it and finds it for ever; `tag` is what is stuck on it. Location and
    storage space are known while it is in stock. While it is assigned, one of custodian, location (without a space)
    and financial owner says to whom or what, and the handover since when.
    """

    TRANSITIONS: ClassVar[Mapping[Any, frozenset[Any]]] = TRANSITIONS

    order_line_id: UUID
    unit_number: int
    status: Status
    sku: str
    issued_tag: str
    tag: str
    cost: Decimal
    currency: str
    serial: str | None = None
    receipt_id: UUID | None = None
    receipt_line_id: UUID | None = None
    warranty_until: date | None = None
    location: str | None = None
    storage_space: str | None = None
    custodian: str | None = None
    financial_owner: str | None = None
    assigned_for: UUID | None = None
    handover_id: UUID | None = None


def order(submitted: OrderSubmitted, held: Records, cause: Cause) -> Decision:
    """Each unit of hardware ordered is a template asset, On Order, with the tag it will bear.

    A line of software is an entitlement, one of a consumable a lot.
    """
    if any(held.find(OrderedLine, ordered.order_line_id) for ordered in submitted.lines):
        return Decision()
    tags = iter(cause.numbers.get("asset_tag", ()))
    lines = ((ordered_line(submitted, ordered), ordered) for ordered in submitted.lines)
    return together(started(line, ordered, submitted.vendor_id, tags, cause) for line, ordered in lines)


def started(
    line: OrderedLine, ordered: purchasing.OrderedLine, vendor_id: UUID, tags: Iterator[int], cause: Cause
) -> Decision:
    """What a line that was ordered begins with."""
    if line.kind is Kind.SOFTWARE:
        return together([Decision(save=[line]), entitlement.create(line, ordered, vendor_id, cause)])
    if line.makes_lot and line.asset_creation is AssetCreation.ON_SUBMISSION:
        return together([Decision(save=[line]), lot.create(line)])
    if not line.has_templates:
        return Decision(save=[line])
    templates = [template(line, number, next(tags)) for number in range(1, line.units_made + 1)]
    return Decision(save=[line, *templates], publish=list(templates_created(line, templates)))


def receive(goods: GoodsReceived, held: Records, cause: Cause) -> Decision:
    """What arrived is in stock, under the id it was ordered with.

    The dock wins: a cancelled unit that arrives is revived, and if another was to come in its place, that one
    won't. A unit that has arrived before stays as it is: the same thing cannot arrive twice.
    """
    save: list[Record] = []
    publish: list[Message] = []
    moved: list[InventoryTransaction] = []
    others: list[Decision] = []
    tags = iter(cause.numbers.get("asset_tag", ()))
    for index, received in enumerate(goods.lines):
        line = held[OrderedLine, received.order_line_id]
        arrived: dict[UUID, Asset] = {}
        for unit in received.units if line.makes_assets else ():
            known = _asset_of(unit, received, line, arrived, goods, held) or _made_on_receipt(
                line, unit, tags
            )
            if known.status not in (Status.ON_ORDER, Status.CANCELLED):
                continue
            label = label_on(known.id, unit, held)
            asset = arrived[known.id] = known.become(
                Status.IN_STOCK,
                cost=line.unit_price,
                tag=label.label if label else known.tag,
                serial=unit.serial,
                receipt_id=goods.receipt_id,
                receipt_line_id=received.receipt_line_id,
                warranty_until=_months_after(cause.at.date(), line.warranty_months),
                location=unit.location,
                storage_space=unit.storage_space,
            )
            if label and not label.version:
                save.append(label)
            moved.append(
                InventoryTransaction(
                    id=cause.id("transaction", len(moved)),
                    movement=Movement.RECEIVED,
                    asset_id=asset.id,
                    sku=asset.sku,
                    location=unit.location,
                    storage_space=unit.storage_space,
                    change=1,
                    at=cause.at,
                    receipt_line_id=received.receipt_line_id,
                )
            )
        kept = len(arrived) if line.makes_assets else received.accepted
        line = replace(line, kept=line.kept + kept)
        surplus = _surplus(line, held, besides=arrived)
        save += [line, *arrived.values(), *surplus]
        publish += _assets_received(line, goods.receipt_id, list(arrived.values()))
        publish += templates_cancelled(line, surplus)
        if line.makes_lot:
            others.append(lot.receive(line, received, goods.receipt_id, held, cause, index=index))
    return together([Decision(save=[*save, *moved], add=balances(moved), publish=publish), *others])


def cancel(cancelled: OrderCancelled, held: Records, cause: Cause) -> Decision:
    """What was cancelled and has not arrived will not come: the highest-numbered templates are cancelled."""
    done: list[Decision] = []
    for told in cancelled.lines if cancelled.was_submitted else ():
        known = held[OrderedLine, told.order_line_id]
        # What was asked only grows: an older cancellation that arrives late takes nothing back.
        asked = max(known.asked, told.cancelled if told.asked is None else told.asked)
        line = replace(known, asked=asked)
        if line.kind is Kind.SOFTWARE:
            done.append(entitlement.follow(line, held, cause))
            continue
        surplus = _surplus(line, held)
        done.append(Decision(save=[line, *surplus], publish=list(templates_cancelled(line, surplus))))
        if line.makes_lot:
            done.append(lot.follow(line, held))
    return together(done)


def together(decisions: Iterable[Decision]) -> Decision:
    """One decision about several lines, and about hardware, software and consumables."""
    every = tuple(decisions)
    if len(every) == 1:
        return every[0]
    return Decision(
        save=[record for each in every for record in each.save],
        add=[delta for each in every for delta in each.add],
        publish=[message for each in every for message in each.publish],
        schedule=[timer for each in every for timer in each.schedule],
    )


def _surplus(line: OrderedLine, held: Records, besides: Mapping[UUID, Asset] | None = None) -> list[Asset]:
    """Cancel the highest-numbered templates beyond what is open, besides those that have just arrived."""
    on_order = [
        asset
        for asset in held.all(Asset, order_line_id=line.id, status=Status.ON_ORDER)
        if asset.id not in (besides or {})
    ]
    on_order.sort(key=lambda asset: asset.unit_number)
    return [asset.become(Status.CANCELLED) for asset in on_order[line.open :]]


def template(line: OrderedLine, unit_number: int, tag_number: int) -> Asset:
    """A unit on order, with the tag it will bear."""
    tag = f"{ISSUED_TAG_PREFIX}{tag_number:08d}"
    return Asset(
        id=asset_id_of(line.id, unit_number),
        order_line_id=line.id,
        unit_number=unit_number,
        status=Status.ON_ORDER,
        sku=line.sku,
        issued_tag=tag,
        tag=tag,
        cost=line.unit_price,
        currency=line.currency,
    )


def _asset_of(
    unit: ReceivedUnit,
    received: ReceivedLine,
    line: OrderedLine,
    arrived: Mapping[UUID, Asset],
    goods: GoodsReceived,
    held: Records,
) -> Asset | None:
    """The asset that a delivered unit is.

    A dock that was set up anew knows how many units are here, but not which. So what it takes with another receipt,
    under another serial number, for a unit that is here is another thing: the lowest unit to come that it did not name.
    """
    known = held.find(Asset, unit.asset_id)
    if known is None or known.serial in (None, unit.serial) or known.receipt_id == goods.receipt_id:
        return known
    named = {each.asset_id for each in received.units}
    to_come = [
        asset
        for asset in held.all(Asset, order_line_id=line.id, status=Status.ON_ORDER)
        if asset.id not in named and asset.id not in arrived
    ]
    return min(to_come, key=lambda asset: asset.unit_number, default=known)


def _made_on_receipt(line: OrderedLine, unit: ReceivedUnit, tags: Iterator[int]) -> Asset:
    """The asset of a line that has no templates; it is never seen on order."""
    if line.has_templates:
        raise RuntimeError(f"unit {unit.unit_number} of order line {line.id} has no template")
    return template(line, unit.unit_number, next(tags))


def _months_after(day: date, months: int) -> date | None:
    """The day so many months later, the last of a shorter month; None for none."""
    if not months:
        return None
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def templates_created(line: OrderedLine, assets: Sequence[Asset]) -> Iterator[Message]:
    """What is said of units that are on order."""
    for part in _parts(assets):
        yield TemplateAssetsCreated(
            order_line_id=line.id,
            order_id=line.order_id,
            request_id=line.request_id,
            request_line_id=line.request_line_id,
            assets=tuple(
                TaggedUnit(asset_id=asset.id, unit_number=asset.unit_number, tag=asset.tag) for asset in part
            ),
        )


def templates_cancelled(line: OrderedLine, assets: Sequence[Asset]) -> Iterator[Message]:
    """What is said of units that will not come."""
    for part in _parts(assets):
        yield TemplateAssetsCancelled(
            order_line_id=line.id,
            order_id=line.order_id,
            request_id=line.request_id,
            asset_ids=tuple(asset.id for asset in part),
        )


def _assets_received(line: OrderedLine, receipt_id: UUID, assets: Sequence[Asset]) -> Iterator[Message]:
    for part in _parts(assets):
        yield AssetsReceived(
            order_line_id=line.id,
            order_id=line.order_id,
            request_id=line.request_id,
            request_line_id=line.request_line_id,
            receipt_id=receipt_id,
            assets=tuple(
                StockedUnit(asset_id=asset.id, tag=asset.tag, serial=asset.serial or "") for asset in part
            ),
        )


def _parts(assets: Sequence[T]) -> Iterator[Sequence[T]]:
    """No fact is about more units than one message may carry."""
    for start in range(0, len(assets), UNITS_PER_FACT):
        yield assets[start : start + UNITS_PER_FACT]


def _lines_ordered(order: OrderSubmitted) -> Keys:
    return [Key(OrderedLine, line.order_line_id, may_be_new=True) for line in order.lines]


def _units_and_templates(goods: GoodsReceived) -> Keys:
    for line in goods.lines:
        yield Key(OrderedLine, line.order_line_id)
        if line.location:
            yield from lot.lot_and_spaces(line.order_line_id)
        # All that are on order, because a revived unit may make the highest-numbered of them superfluous.
        yield templates_of(line.order_line_id)
        # A unit that an amendment made may be here before the amendment is.
        is_template = line.asset_creation is AssetCreation.ON_SUBMISSION
        for unit in line.units:
            yield Key(Asset, unit.asset_id, may_be_new=not is_template)
            if unit.tag and not unit.tag.startswith(ISSUED_TAG_PREFIX):
                yield Key(Label, label_id(unit.tag), may_be_new=True)


def _lines_and_templates(order: OrderCancelled) -> Keys:
    # What was never submitted was never expected: nothing is to be waited for.
    if not order.was_submitted:
        return
    yield from after_amendment(order.order_id, order.amendment)
    for line in order.lines:
        yield Key(OrderedLine, line.order_line_id)
        yield from what_it_made(line.order_line_id)


def what_it_made(order_line_id: UUID) -> Keys:
    """What an order line has made so far and has not come."""
    yield Key(entitlement.Entitlement, entitlement.entitlement_id_of(order_line_id), may_be_new=True)
    yield Key(lot.Lot, lot.lot_id_of(order_line_id), may_be_new=True)
    yield templates_of(order_line_id)


def templates_of(order_line_id: UUID, status: Status = Status.ON_ORDER) -> Many:
    """The units of an order line that are in this status."""
    return Many(Asset, by="order_line_id", value=order_line_id, where={"status": status})


def tags_for(lines: Iterable[purchasing.OrderedLine]) -> int:
    """How many tags these lines need from the start."""
    return sum(
        line.quantity
        for line in lines
        if line.kind is Kind.HARDWARE and line.asset_creation is AssetCreation.ON_SUBMISSION
    )


def _tags_for_units(goods: GoodsReceived) -> Mapping[str, int]:
    return {
        "asset_tag": sum(
            len(line.units) for line in goods.lines if line.asset_creation is AssetCreation.ON_RECEIPT
        )
    }


HANDLERS: Handlers = (
    Handler(
        on=OrderSubmitted,
        holds=_lines_ordered,
        numbers=lambda submitted: {"asset_tag": tags_for(submitted.lines)},
        decide=order,
        weight=lambda submitted: sum(line.quantity for line in submitted.lines),
    ),
    Handler(
        on=GoodsReceived,
        holds=_units_and_templates,
        numbers=_tags_for_units,
        early=Early.WAIT,
        decide=receive,
        weight=lambda goods: max(1, sum(line.accepted for line in goods.lines)),
    ),
    Handler(on=OrderCancelled, holds=_lines_and_templates, early=Early.WAIT, decide=cancel),
)
