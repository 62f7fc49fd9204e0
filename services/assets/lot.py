"""Consumables: a lot per order line, from the order until it is used up. Every purchase is its own lot.

What of a lot is in which storage space is the sum of its movements, and never below zero.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from libs.chassis.decision import (
    Cause,
    Decision,
    Key,
    Many,
    Record,
    Records,
)
from libs.contracts.assets import (
    LotCreated,
    LotReceived,
    LotReduced,
    LotTakenBack,
    Purpose,
)
from libs.contracts.receiving import ReceivedLine
from libs.contracts.values import derived_id
from services.assets.ordered_line import OrderedLine
from services.assets.stock import InventoryTransaction, Movement, balances


class LotStatus(StrEnum):
    """Where a lot is in its life."""

    ON_ORDER = "on_order"
    IN_STOCK = "in_stock"
    USED_UP = "used_up"
    CANCELLED = "cancelled"


# The dock wins: a lot that was used up or cancelled is in stock again when more of it turns up. It is on order again
# when an amendment of its order wants more, or some of it is taken back.
TRANSITIONS: Mapping[LotStatus, frozenset[LotStatus]] = {
    LotStatus.ON_ORDER: frozenset({LotStatus.IN_STOCK, LotStatus.USED_UP, LotStatus.CANCELLED}),
    LotStatus.IN_STOCK: frozenset({LotStatus.ON_ORDER, LotStatus.USED_UP, LotStatus.CANCELLED}),
    LotStatus.USED_UP: frozenset({LotStatus.IN_STOCK, LotStatus.ON_ORDER}),
    LotStatus.CANCELLED: frozenset({LotStatus.IN_STOCK, LotStatus.ON_ORDER}),
}


@dataclass(frozen=True, kw_only=True)
class Lot(Record):
    """What one order line of a consumable brings: how many are to come, came, and were issued; from whom, for what."""

    TRANSITIONS: ClassVar[Mapping[Any, frozenset[Any]]] = TRANSITIONS

    order_line_id: UUID
    order_id: UUID
    requisition_number: str
    request_id: UUID | None
    request_line_id: UUID | None
    is_for_stock: bool
    sku: str
    name: str
    vendor_name: str | None
    cost: Decimal
    currency: str
    status: LotStatus = LotStatus.ON_ORDER
    on_order: int
    received: int = 0
    issued: int = 0

    @property
    def in_stock(self) -> int:
        """How many are in storage spaces."""
        return self.received - self.issued


@dataclass(frozen=True, kw_only=True)
class LotStock(Record):
    """How many of a lot are in one storage space. The lot's lock guards it."""

    lot_id: UUID
    location: str
    storage_space: str
    quantity: int


@dataclass(frozen=True, kw_only=True)
class LotReceipt(Record):
    """How many of a lot came with one receipt, how many of these were taken back, and how many issued as such."""

    lot_id: UUID
    receipt_id: UUID
    received: int = 0
    taken_back: int = 0
    issued: int = 0

    @property
    def left(self) -> int:
        """How many can still be issued as having come with it."""
        return max(0, self.received - self.taken_back - self.issued)


def lot_receipt_id(lot_id: UUID, receipt_id: UUID) -> UUID:
    """What of a lot came with one receipt."""
    return derived_id("lot_receipt", lot_id, receipt_id)


class TakenFromLot(NamedTuple):
    """So many are to leave a lot, of what came with these receipts and was put into these places, because of a reversal
    or return."""

    quantity: int
    receipts: frozenset[UUID]
    places: frozenset[tuple[str | None, str | None]]
    movement: Movement
    purpose: Purpose
    take_back_id: UUID


def lot_id_of(order_line_id: UUID) -> UUID:
    """The lot that an order line of a consumable brings."""
    return derived_id("lot", order_line_id)


def create(line: OrderedLine) -> Decision:
    """A consumable was ordered: its lot exists, On Order."""
    lot = _template(line)
    said = LotCreated(
        lot_id=lot.id,
        order_line_id=lot.order_line_id,
        order_id=lot.order_id,
        request_id=lot.request_id,
        request_line_id=lot.request_line_id,
        quantity=lot.on_order,
    )
    return Decision(save=[lot], publish=[said])


def receive(
    line: OrderedLine, received: Sequence[ReceivedLine], receipt_id: UUID, held: Records, cause: Cause
) -> Decision:
    """So many of a consumable were put into storage spaces; `line` has counted them already."""
    put: Counter[tuple[str, str]] = Counter()
    moved: list[InventoryTransaction] = []
    lot = held.find(Lot, lot_id_of(line.id)) or _template(line)
    for each in received:
        if not each.accepted or each.location is None or each.storage_space is None:
            continue
        put[each.location, each.storage_space] += each.accepted
        moved.append(
            InventoryTransaction(
                id=cause.id(f"lot_transaction of {lot.id}", len(moved)),
                movement=Movement.RECEIVED,
                lot_id=lot.id,
                sku=lot.sku,
                location=each.location,
                storage_space=each.storage_space,
                change=each.accepted,
                at=cause.at,
                receipt_line_id=each.receipt_line_id,
            )
        )
    if not moved:
        return Decision()
    quantity = put.total()
    lot = lot_followed(replace(lot, on_order=line.open, received=lot.received + quantity))
    spaces = [_space(lot, place, held) for place in put]
    fuller = [
        replace(space, quantity=space.quantity + put[space.location, space.storage_space]) for space in spaces
    ]
    came_with = held.find(LotReceipt, lot_receipt_id(lot.id, receipt_id)) or LotReceipt(
        id=lot_receipt_id(lot.id, receipt_id), lot_id=lot.id, receipt_id=receipt_id
    )
    came_with = replace(came_with, received=came_with.received + quantity)
    said = LotReceived(
        lot_id=lot.id,
        order_line_id=lot.order_line_id,
        order_id=lot.order_id,
        request_id=lot.request_id,
        request_line_id=lot.request_line_id,
        receipt_id=receipt_id,
        quantity=quantity,
    )
    return Decision(save=[lot, *fuller, came_with, *moved], add=balances(moved), publish=[said])


def _space(lot: Lot, place: tuple[str, str], held: Records) -> LotStock:
    id = derived_id("lot_stock", lot.id, *place)
    location, storage_space = place
    return held.find(LotStock, id) or LotStock(
        id=id, lot_id=lot.id, location=location, storage_space=storage_space, quantity=0
    )


def take_back(
    line: OrderedLine,
    lot: Lot,
    taken: TakenFromLot,
    held: Records,
    cause: Cause,
) -> Decision:
    """So many of a lot leave stock again, from where they were put as far as they are there; `line` has counted that.

    What was issued of it meanwhile came with other receipts, as far as there are any.
    """
    lot = lot_followed(replace(lot, on_order=line.open, received=lot.received - taken.quantity))
    spaces = sorted(
        held.all(LotStock, lot_id=lot.id),
        key=lambda each: (
            (each.location, each.storage_space) not in taken.places,
            each.location,
            each.storage_space,
        ),
    )
    emptier, moved = moved_out(
        lot, spaces, taken.quantity, cause, movement=taken.movement, take_back_id=taken.take_back_id
    )
    rest, smaller, said = taken.quantity, [], []
    came = held.all(LotReceipt, lot_id=lot.id)
    for came_with in sorted(came, key=lambda each: (each.receipt_id not in taken.receipts, each.id)):
        part = min(rest, came_with.received - came_with.taken_back)
        if not part:
            continue
        rest -= part
        smaller.append(replace(came_with, taken_back=came_with.taken_back + part))
        said.append(
            LotTakenBack(
                lot_id=lot.id,
                order_line_id=lot.order_line_id,
                order_id=lot.order_id,
                request_id=lot.request_id,
                request_line_id=lot.request_line_id,
                take_back_id=taken.take_back_id,
                receipt_id=came_with.receipt_id,
                purpose=taken.purpose,
                quantity=part,
            )
        )
    return Decision(save=[lot, *emptier, *smaller, *moved], add=balances(moved), publish=said)


def follow(line: OrderedLine, held: Records) -> Decision:
    """Its order was amended, or some of it cancelled: more or less is to come, at another price while nothing came.

    A lot that is made on receipt may not exist yet.
    """
    known = held.find(Lot, lot_id_of(line.id))
    if known is None:
        return Decision()
    cost = known.cost if known.received else line.unit_price
    if (known.on_order, known.cost) == (line.open, cost):
        return Decision()
    lot = lot_followed(replace(known, on_order=line.open, cost=cost))
    said = LotReduced(
        lot_id=lot.id,
        order_line_id=lot.order_line_id,
        order_id=lot.order_id,
        request_id=lot.request_id,
        request_line_id=lot.request_line_id,
        on_order=lot.on_order,
    )
    return Decision(save=[lot], publish=[said])


def moved_out(
    lot: Lot, spaces: Sequence[LotStock], quantity: int, cause: Cause, **how: Any
) -> tuple[list[LotStock], list[InventoryTransaction]]:
    """The storage spaces that it is taken from, each emptied before the next."""
    wanted = quantity
    emptier: list[LotStock] = []
    moved: list[InventoryTransaction] = []
    for space in spaces:
        taken = min(wanted, space.quantity)
        if not taken:
            continue
        wanted -= taken
        emptier.append(replace(space, quantity=space.quantity - taken))
        moved.append(
            InventoryTransaction(
                id=cause.id(f"transaction of {lot.id}", len(moved)),
                lot_id=lot.id,
                sku=lot.sku,
                location=space.location,
                storage_space=space.storage_space,
                change=-taken,
                at=cause.at,
                **how,
            )
        )
    if wanted:
        raise RuntimeError(f"lot {lot.id} counts {lot.in_stock} in stock but its spaces hold {wanted} less")
    return emptier, moved


def _template(line: OrderedLine) -> Lot:
    return Lot(
        id=lot_id_of(line.id),
        order_line_id=line.id,
        order_id=line.order_id,
        requisition_number=line.requisition_number,
        request_id=line.request_id,
        request_line_id=line.request_line_id,
        is_for_stock=line.is_for_stock,
        sku=line.sku,
        name=line.name,
        vendor_name=line.vendor_name,
        cost=line.unit_price,
        currency=line.currency,
        on_order=line.open,
    )


def lot_followed(lot: Lot) -> Lot:
    """The lot in the status that its figures say."""
    if lot.in_stock:
        status = LotStatus.IN_STOCK
    elif lot.on_order:
        status = LotStatus.ON_ORDER
    else:
        status = LotStatus.USED_UP if lot.received else LotStatus.CANCELLED
    return lot if status is lot.status else lot.become(status)


def lot_and_spaces(order_line_id: UUID) -> tuple[Key | Many, ...]:
    """The lot of an order line, and what of it is where."""
    lot = lot_id_of(order_line_id)
    return Key(Lot, lot, may_be_new=True), Many(LotStock, by="lot_id", value=lot)
