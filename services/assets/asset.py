"""Assets from the order on: a template per unit, converted when the unit arrives, cancelled when it won't.

Software becomes an entitlement instead, consumables a lot; services leave nothing behind. What arrives is told in
`arrival`, what is taken back in `taking_back`, how an order is amended in `amendment`.

A template's id follows from its order line and unit number and never changes, whatever happens to the unit.
"""

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
    TaggedUnit,
    TemplateAssetsCancelled,
    TemplateAssetsCreated,
)
from libs.contracts.message import Message
from libs.contracts.purchasing import OrderCancelled, OrderSubmitted
from libs.contracts.values import UNITS_PER_FACT, AssetCreation, Kind, asset_id_of
from services.assets import entitlement, lot
from services.assets.ordered_line import OrderedLine, after_amendment, ordered_line

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


TEMPLATES = (Status.ON_ORDER, Status.IN_TRANSIT)
"""What is to come."""
GONE = (Status.CANCELLED, Status.RETURNED_TO_VENDOR)
"""What is not here and is not to come, unless things change."""

_TAKEN_BACK = frozenset({*TEMPLATES, *GONE})
TRANSITIONS: Mapping[Status, frozenset[Status]] = dict.fromkeys(Status, frozenset()) | {
    Status.ON_ORDER: frozenset({Status.IN_TRANSIT, Status.IN_STOCK, Status.CANCELLED}),
    Status.IN_TRANSIT: frozenset({Status.ON_ORDER, Status.IN_STOCK, Status.CANCELLED}),
    Status.IN_STOCK: frozenset({Status.ASSIGNED}) | _TAKEN_BACK,
    # Until somebody has acknowledged it, the dock can take a unit back that was given to them.
    Status.ASSIGNED: _TAKEN_BACK,
    # The dock wins: a cancelled unit that turns up all the same is an asset, with the id it always had. A wanted one
    # for which another had come is on order again when an amendment wants more, or the other is taken back.
    Status.CANCELLED: frozenset({Status.IN_STOCK, *TEMPLATES}),
    Status.RETURNED_TO_VENDOR: frozenset({Status.IN_STOCK, *TEMPLATES}),
}


@dataclass(frozen=True, kw_only=True)
class Asset(Record):
    """One unit of hardware, from the moment it is ordered.

    `issued_tag` is the tag we gave it and finds it for ever; `tag` is what is stuck on it. Location and
    storage space are known while it is in stock. While it is assigned, one of custodian, location (without a space)
    and financial owner says to whom or what, and the handover since when; `acknowledged` that they said so.
    `given_back` tells that it went back to the vendor for credit, and has not come again.
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
    acknowledged: bool = False
    given_back: bool = False

    @property
    def is_here(self) -> bool:
        """Whether it came and was not taken back."""
        return self.status not in (*TEMPLATES, *GONE)


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
        changed = followed(line, templates_held(line.id, held))
        done.append(Decision(save=[line, *changed], publish=list(templates_cancelled(line, changed))))
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


def followed(line: OrderedLine, templates: Iterable[Asset]) -> list[Asset]:
    """Those of a line's templates that change, because fewer are open, or others are on their way by now.

    The highest-numbered beyond what is open will not come, first among them what went back for credit before. The
    lowest of the rest, as many as are on their way, are in transit.
    """
    templates = sorted(templates, key=lambda asset: (asset.given_back, asset.unit_number))
    if len(templates) <= line.open and not line.on_way:
        coming = [asset for asset in templates if asset.status is Status.IN_TRANSIT]
        return [asset.become(Status.ON_ORDER) for asset in coming]
    dropped = [asset.become(Status.CANCELLED) for asset in templates[line.open :]]
    left = sorted(templates[: line.open], key=lambda asset: asset.unit_number)
    moved = [
        asset.become(now)
        for place, asset in enumerate(left)
        if asset.status is not (now := Status.IN_TRANSIT if place < line.on_way else Status.ON_ORDER)
    ]
    return [*moved, *dropped]


def templates_held(line_id: UUID, held: Records) -> list[Asset]:
    """The units of a line that are to come, as they were until now."""
    return [asset for status in TEMPLATES for asset in held.all(Asset, order_line_id=line_id, status=status)]


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


def templates_created(line: OrderedLine, assets: Sequence[Asset]) -> Iterator[Message]:
    """What is said of units that are on order."""
    for part in parts_of(assets):
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
    """What is said of those of the units that will not come."""
    for part in parts_of([asset for asset in assets if asset.status is Status.CANCELLED]):
        yield TemplateAssetsCancelled(
            order_line_id=line.id,
            order_id=line.order_id,
            request_id=line.request_id,
            asset_ids=tuple(asset.id for asset in part),
        )


def parts_of(assets: Sequence[T]) -> Iterator[Sequence[T]]:
    """No fact is about more units than one message may carry."""
    for start in range(0, len(assets), UNITS_PER_FACT):
        yield assets[start : start + UNITS_PER_FACT]


def _lines_ordered(order: OrderSubmitted) -> Keys:
    return [Key(OrderedLine, line.order_line_id, may_be_new=True) for line in order.lines]


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
    yield from templates_of(order_line_id)


def templates_of(order_line_id: UUID, *statuses: Status) -> Keys:
    """The units of an order line that are in one of these statuses; those to come, if none is named."""
    for status in statuses or TEMPLATES:
        yield Many(Asset, by="order_line_id", value=order_line_id, where={"status": status})


def tags_for(lines: Iterable[purchasing.OrderedLine]) -> int:
    """How many tags these lines need from the start."""
    return sum(
        line.quantity
        for line in lines
        if line.kind is Kind.HARDWARE and line.asset_creation is AssetCreation.ON_SUBMISSION
    )


HANDLERS: Handlers = (
    Handler(
        on=OrderSubmitted,
        holds=_lines_ordered,
        numbers=lambda submitted: {"asset_tag": tags_for(submitted.lines)},
        decide=order,
        weight=lambda submitted: sum(line.quantity for line in submitted.lines),
    ),
    Handler(on=OrderCancelled, holds=_lines_and_templates, early=Early.WAIT, decide=cancel),
)
