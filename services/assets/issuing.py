"""Issuing consumables: so many of a lot leave their storage spaces, to be used up."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar
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
from libs.contracts.assets import IssueStock, StockIssued
from libs.contracts.values import DestinationKind
from services.assets.holder import check_holder, holder_read
from services.assets.lot import Lot, LotReceipt, LotStock, lot_followed, lot_receipt_id, moved_out
from services.assets.stock import Movement, balances


@dataclass(frozen=True, kw_only=True)
class StockIssue(Record):
    """So many of a lot were given out, to be used up; `wanted` were more, if some of these had been taken back."""

    APPEND_ONLY: ClassVar[bool] = True

    lot_id: UUID
    request_id: UUID | None
    holder_kind: DestinationKind
    holder: str
    quantity: int
    wanted: int | None = None
    issued_by: str
    issued_at: datetime


def issue(command: IssueStock, held: Records, cause: Cause) -> Decision:
    """Give so many of a lot out of its storage spaces; what was ordered for a request, for that request.

    Of what came with a certain receipt only what was not taken back is given.
    """
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
    answer: dict[str, object] = {
        "issue_id": str(given.id),
        "lot_id": str(given.lot_id),
        "quantity": given.quantity,
    }
    earlier = held.find(StockIssue, given.id)
    if earlier is not None:
        if _content(earlier) != _content(given):
            message = f"Issue {given.id} was of {earlier.wanted or earlier.quantity} to {earlier.holder}."
            raise Rejection("issue_id_reused", field="issue_id", message=message)
        return Decision(duplicate=True, answer=answer | {"quantity": earlier.quantity})
    lot = _lot_to_issue(command, held)
    came_with = _came_with(command, held)
    if came_with is not None:
        quantity = min(given.quantity, came_with.left, lot.in_stock)
        if quantity < given.quantity:
            given = replace(given, quantity=quantity, wanted=given.quantity)
        answer["quantity"] = given.quantity
        if not given.quantity:
            return Decision(answer=answer)
    if given.quantity > lot.in_stock:
        message = f"{given.quantity} of {lot.name} are wanted but {lot.in_stock} are in stock."
        raise Rejection("stock_exceeded", field="quantity", message=message)
    check_holder(held, command.to, of="to")
    spaces = sorted(held.all(LotStock, lot_id=lot.id), key=lambda each: (each.location, each.storage_space))
    emptier, moved = moved_out(
        lot, spaces, given.quantity, cause, movement=Movement.ISSUED, issue_id=given.id
    )
    said = StockIssued(
        issue_id=given.id,
        lot_id=lot.id,
        order_line_id=lot.order_line_id,
        request_id=command.request_id,
        request_line_id=lot.request_line_id,
        quantity=given.quantity,
        to=command.to,
    )
    used: list[Record] = [lot_followed(replace(lot, issued=lot.issued + given.quantity)), *emptier]
    if came_with is not None:
        used.append(replace(came_with, issued=came_with.issued + given.quantity))
    return Decision(save=[*used, given, *moved], add=balances(moved), publish=[said], answer=answer)


def _came_with(command: IssueStock, held: Records) -> LotReceipt | None:
    """What of the lot came with the receipt that is named; nothing is known of what came long ago."""
    if command.receipt_id is None:
        return None
    return held.find(LotReceipt, lot_receipt_id(command.lot_id, command.receipt_id))


def _lot_to_issue(command: IssueStock, held: Records) -> Lot:
    lot = held.find(Lot, command.lot_id)
    if lot is None:
        raise Rejection("lot_unknown", field="lot_id", message=f"There is no lot {command.lot_id}.")
    bought_for = None if lot.is_for_stock else lot.request_id
    if bought_for is not None and bought_for != command.request_id:
        message = f"The lot was ordered for request {bought_for}; name that one."
        raise Rejection("lot_for_other_request", field="request_id", message=message)
    return lot


def _content(issue: StockIssue) -> tuple[object, ...]:
    return issue.lot_id, issue.request_id, issue.holder_kind, issue.holder, issue.wanted or issue.quantity


def _lot_to_hold(command: IssueStock) -> Keys:
    yield Key(Lot, command.lot_id, may_be_new=True)
    yield Many(LotStock, by="lot_id", value=command.lot_id)
    if command.receipt_id:
        yield Key(LotReceipt, lot_receipt_id(command.lot_id, command.receipt_id), may_be_new=True)
    if command.issue_id:
        yield Key(StockIssue, command.issue_id, may_be_new=True)


HANDLERS: Handlers = (
    Handler(on=IssueStock, holds=_lot_to_hold, reads=lambda command: holder_read(command.to), decide=issue),
)
