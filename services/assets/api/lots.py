"""Consumables over HTTP: see every lot and where it is, and give some of it out."""

from collections import defaultdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel
from sqlalchemy import Row, func, select

from libs.chassis.decision import Rejection
from libs.chassis.http import JsonBody, Obeying, Reading, needs
from libs.chassis.pages import Limit, Page, Wanted, fields_of, matching, page_of
from libs.contracts.assets import Holder, IssueStock
from libs.contracts.message import Value
from libs.contracts.permissions import Action
from libs.contracts.values import Destination, DestinationKind, Money, Quantity, money
from services.assets.issuing import StockIssue
from services.assets.lot import Lot, LotStatus, LotStock
from services.assets.stock import InventoryTransaction, Movement
from services.assets.tables import STORAGE, lots_against_ledger

router = APIRouter()

_lots = STORAGE.tables[Lot]
_stocks = STORAGE.tables[LotStock]
_issues = STORAGE.tables[StockIssue]
_transactions = STORAGE.tables[InventoryTransaction]


class NewIssue(Value):
    """Who gets how many, and for which request, if it is for one. The same `issue_id` means the same issue."""

    quantity: Quantity
    to: Holder
    request_id: UUID | None = None
    issue_id: UUID | None = None


class Issued(BaseModel):
    """Units of a lot left stock."""

    issue_id: UUID
    lot_id: UUID
    quantity: int


class InSpace(BaseModel):
    """How many of a lot are in a storage space."""

    location: str
    storage_space: str
    quantity: int


class LotSeen(BaseModel):
    """What one order line of a consumable brought: in_stock = received - issued."""

    lot_id: UUID
    status: LotStatus
    sku: str
    name: str
    vendor_name: str | None
    cost: Money
    order_id: UUID
    requisition_number: str
    order_line_id: UUID
    request_id: UUID | None
    request_line_id: UUID | None
    is_for_stock: bool
    on_order: int
    received: int
    issued: int
    in_stock: int
    spaces: list[InSpace]


class IssueSeen(BaseModel):
    """Somebody was given so many."""

    issue_id: UUID
    to: Destination
    quantity: int
    request_id: UUID | None
    issued_by: str
    issued_at: datetime


class LotMoved(BaseModel):
    """So many came into a storage space (+) or left it (-)."""

    transaction_id: UUID
    movement: Movement
    location: str
    storage_space: str
    change: int
    at: datetime
    receipt_line_id: UUID | None
    issue_id: UUID | None
    take_back_id: UUID | None


class LotInDetail(LotSeen):
    """A lot with everything that happened to it."""

    issues: list[IssueSeen]
    transactions: list[LotMoved]


class LotDifference(BaseModel):
    """A lot whose figures are not what its order line, its storage spaces and its movements say."""

    lot_id: UUID
    on_order: int
    open: int
    received: int
    kept: int
    in_stock: int
    in_spaces: int
    moved: int


class LotVerification(BaseModel):
    """The lots against order lines and ledger; no differences is how it must be."""

    lots: int
    differences: list[LotDifference]


@router.get("/lots", dependencies=[needs(Action.SEE_ASSETS)])
async def list_lots(
    read: Reading,
    request_id: UUID | None = None,
    status: LotStatus | None = None,
    sku: Wanted = None,
    limit: Limit = 100,
    after: Annotated[UUID | None, Query(description="`next` of the page before.")] = None,
) -> Page[LotSeen]:
    """Lots, and where what is left of them is."""
    wanted = {_lots.c.request_id: request_id, _lots.c.status: status, _lots.c.sku: sku}
    rows, following = await page_of(read, matching(select(_lots), wanted), _lots.c.id, limit, after)
    spaces: dict[UUID, list[InSpace]] = defaultdict(list)
    stocks = select(_stocks).where(_stocks.c.lot_id.in_([row.id for row in rows]))
    for stock in await read.execute(stocks.order_by(_stocks.c.location, _stocks.c.storage_space)):
        spaces[stock.lot_id].append(InSpace(**fields_of(stock, "id", "version", "lot_id")))
    return Page(items=[_lot_seen(row, spaces[row.id]) for row in rows], next=following)


@router.get("/lots/verification", dependencies=[needs(Action.SEE_ASSETS)])
async def verify_lots(read: Reading) -> LotVerification:
    """Derive every lot's figures again."""
    differences = [LotDifference(**row._mapping) for row in await read.execute(lots_against_ledger())]
    lots = (await read.execute(select(func.count()).select_from(_lots))).scalar_one()
    return LotVerification(lots=lots, differences=differences)


@router.get("/lots/{lot_id}", dependencies=[needs(Action.SEE_ASSETS)])
async def show_lot(lot_id: UUID, read: Reading) -> LotInDetail:
    """One lot: where it is, and who was given some of it."""
    row = (await read.execute(select(_lots).where(_lots.c.id == lot_id))).one_or_none()
    if row is None:
        raise Rejection("lot_unknown", message=f"There is no lot {lot_id}.")
    stocks = select(_stocks).where(_stocks.c.lot_id == lot_id)
    spaces = [
        InSpace(**fields_of(stock, "id", "version", "lot_id"))
        for stock in await read.execute(stocks.order_by(_stocks.c.location, _stocks.c.storage_space))
    ]
    issues = select(_issues).where(_issues.c.lot_id == lot_id)
    moves = select(_transactions).where(_transactions.c.lot_id == lot_id)
    return LotInDetail(
        **dict(_lot_seen(row, spaces)),
        issues=[
            _issue_seen(issue)
            for issue in await read.execute(issues.order_by(_issues.c.issued_at, _issues.c.id))
        ],
        transactions=[
            LotMoved(
                transaction_id=move.id,
                **fields_of(move, "id", "version", "asset_id", "lot_id", "sku", "handover_id"),
            )
            for move in await read.execute(moves.order_by(_transactions.c.at, _transactions.c.id))
        ],
    )


@router.post(
    "/lots/{lot_id}/issues",
    status_code=201,
    response_model=Issued,
    dependencies=[needs(Action.ISSUE_STOCK)],
)
async def issue_stock(lot_id: UUID, wanted: JsonBody[NewIssue], obey: Obeying) -> Response:
    """Give so many of a lot out of stock."""
    return await obey(IssueStock(lot_id=lot_id, **dict(wanted)))


def _lot_seen(row: Row[Any], spaces: list[InSpace]) -> LotSeen:
    return LotSeen(
        lot_id=row.id,
        cost=money(row.cost, row.currency),
        in_stock=row.received - row.issued,
        spaces=spaces,
        **fields_of(row, "id", "version", "cost", "currency"),
    )


def _issue_seen(row: Row[Any]) -> IssueSeen:
    return IssueSeen(
        issue_id=row.id,
        to=Destination(kind=DestinationKind(row.holder_kind), name=row.holder),
        **fields_of(row, "id", "version", "lot_id", "holder_kind", "holder", "wanted"),
    )
