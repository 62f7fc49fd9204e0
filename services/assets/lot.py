"""Consumables: a lot per order line, from the order until it is used up. Every purchase is its own lot.

What of a lot is in which storage space is the sum of its movements, and never below zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from libs.chassis.decision import (
    Cause,
    Decision,
    Handler,
    Handlers,
    Key,
    Keys,
    Many,
    Record,
    Records,
    Rejection,
)
from libs.contracts.assets import IssueStock, LotCreated, LotReceived, LotReduced, StockIssued
from libs.contracts.receiving import ReceivedLine
from libs.contracts.values import DestinationKind, derived_id
from services.assets.holder import check_holder, holder_read
from services.assets.ordered_line import OrderedLine
from services.assets.stock import InventoryTransaction, Movement, balances


class LotStatus(StrEnum):
    """Where a lot is in its life."""

    ON_ORDER = "on_order"
    IN_STOCK = "in_stock"
    USED_UP = "used_up"
    CANCELLED = "cancelled"


# The dock wins: a lot that was used up or cancelled is in stock again when more of it turns up. It is on order again
# when an amendment of its order wants more.
TRANSITIONS: Mapping[LotStatus, frozenset[LotStatus]] = {
    LotStatus.ON_ORDER: frozenset({LotStatus.IN_STOCK, LotStatus.USED_UP, LotStatus.CANCELLED}),
    LotStatus.IN_STOCK: frozenset({LotStatus.ON_ORDER, LotStatus.USED_UP}),
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
class StockIssue(Record):
    """So many of a lot were given out, to be used up."""

    APPEND_ONLY: ClassVar[bool] = True

    lot_id: UUID
    request_id: UUID | None
    holder_kind: DestinationKind
    holder: str
    quantity: int
    issued_by: str
    issued_at: datetime


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
    line: OrderedLine, received: ReceivedLine, receipt_id: UUID, held: Records, cause: Cause, *, index: int
) -> Decision:
    """So many of a consumable were put into a storage space; `line` has counted them already."""
    if not received.accepted or received.location is None or received.storage_space is None:
        return Decision()
    lot = held.find(Lot, lot_id_of(line.id)) or _template(line)
    lot = _followed(replace(lot, on_order=line.open, received=lot.received + received.accepted))
    space_id = derived_id("lot_stock", lot.id, received.location, received.storage_space)
    space = held.find(LotStock, space_id) or LotStock(
        id=space_id,
        lot_id=lot.id,
        location=received.location,
        storage_space=received.storage_space,
        quantity=0,
    )
    moved = InventoryTransaction(
        id=cause.id("lot_transaction", index),
        movement=Movement.RECEIVED,
        lot_id=lot.id,
        sku=lot.sku,
        location=received.location,
        storage_space=received.storage_space,
        change=received.accepted,
        at=cause.at,
        receipt_line_id=received.receipt_line_id,
    )
    said = LotReceived(
        lot_id=lot.id,
        order_line_id=lot.order_line_id,
        order_id=lot.order_id,
        request_id=lot.request_id,
        request_line_id=lot.request_line_id,
        receipt_id=receipt_id,
        quantity=received.accepted,
    )
    fuller = replace(space, quantity=space.quantity + received.accepted)
    return Decision(save=[lot, fuller, moved], add=balances([moved]), publish=[said])


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
    lot = _followed(replace(known, on_order=line.open, cost=cost))
    said = LotReduced(
        lot_id=lot.id,
        order_line_id=lot.order_line_id,
        order_id=lot.order_id,
        request_id=lot.request_id,
        request_line_id=lot.request_line_id,
        on_order=lot.on_order,
    )
    return Decision(save=[lot], publish=[said])


def issue(command: IssueStock, held: Records, cause: Cause) -> Decision:
    """Give so many of a lot out of its storage spaces; what was ordered for a request, for that request."""
    given = StockIssue(
        id=command.issue_id or cause.id("issue"),
        lot_id=command.lot_id,
        request_id=command.request_id,
        holder_kind=command.to.kind,
        holder=command.to.name or "",
        quantity=command.quantity,
        issued_by=cause.actor.id or cause.sender,
        issued_at=cause.at,
    )
    answer = {"issue_id": str(given.id), "lot_id": str(given.lot_id)}
    earlier = held.find(StockIssue, given.id)
    if earlier is not None:
        if _content(earlier) != _content(given):
            message = f"Issue {given.id} was of {earlier.quantity} to {earlier.holder}."
            raise Rejection("issue_id_reused", field="issue_id", message=message)
        return Decision(duplicate=True, answer=answer)
    lot = _lot_to_issue(command, held)
    check_holder(held, command.to, of="to")
    emptier, moved = _taken(lot, given, held, cause)
    said = StockIssued(
        issue_id=given.id,
        lot_id=lot.id,
        request_id=command.request_id,
        request_line_id=lot.request_line_id,
        quantity=command.quantity,
        to=command.to,
    )
    used = _followed(replace(lot, issued=lot.issued + command.quantity))
    return Decision(save=[used, *emptier, given, *moved], add=balances(moved), publish=[said], answer=answer)


def _lot_to_issue(command: IssueStock, held: Records) -> Lot:
    lot = held.find(Lot, command.lot_id)
    if lot is None:
        raise Rejection("lot_unknown", field="lot_id", message=f"There is no lot {command.lot_id}.")
    bought_for = None if lot.is_for_stock else lot.request_id
    if bought_for is not None and bought_for != command.request_id:
        message = f"The lot was ordered for request {bought_for}; name that one."
        raise Rejection("lot_for_other_request", field="request_id", message=message)
    if command.quantity > lot.in_stock:
        message = f"{command.quantity} of {lot.name} are wanted but {lot.in_stock} are in stock."
        raise Rejection("stock_exceeded", field="quantity", message=message)
    return lot


def _taken(
    lot: Lot, given: StockIssue, held: Records, cause: Cause
) -> tuple[list[LotStock], list[InventoryTransaction]]:
    """The storage spaces that it is taken from, each emptied before the next."""
    spaces = sorted(held.all(LotStock, lot_id=lot.id), key=lambda each: (each.location, each.storage_space))
    wanted = given.quantity
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
                id=cause.id("transaction", len(moved)),
                movement=Movement.ISSUED,
                lot_id=lot.id,
                sku=lot.sku,
                location=space.location,
                storage_space=space.storage_space,
                change=-taken,
                at=cause.at,
                issue_id=given.id,
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


def _followed(lot: Lot) -> Lot:
    """The lot in the status that its figures say."""
    if lot.in_stock:
        status = LotStatus.IN_STOCK
    elif lot.on_order:
        status = LotStatus.ON_ORDER
    else:
        status = LotStatus.USED_UP if lot.received else LotStatus.CANCELLED
    return lot if status is lot.status else lot.become(status)


def _content(issue: StockIssue) -> tuple[object, ...]:
    return issue.lot_id, issue.request_id, issue.holder_kind, issue.holder, issue.quantity


def lot_and_spaces(order_line_id: UUID) -> tuple[Key | Many, ...]:
    """The lot of an order line, and what of it is where."""
    lot = lot_id_of(order_line_id)
    return Key(Lot, lot, may_be_new=True), Many(LotStock, by="lot_id", value=lot)


def _lot_to_hold(command: IssueStock) -> Keys:
    yield Key(Lot, command.lot_id, may_be_new=True)
    yield Many(LotStock, by="lot_id", value=command.lot_id)
    if command.issue_id:
        yield Key(StockIssue, command.issue_id, may_be_new=True)


HANDLERS: Handlers = (
    Handler(on=IssueStock, holds=_lot_to_hold, reads=lambda command: holder_read(command.to), decide=issue),
)
