"""Assets over HTTP: hand assets over; see every asset with its trail, and what is in each storage space."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel
from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.chassis.decision import Actor, Rejection
from libs.chassis.http import JsonBody, Obeying, Person, Reading, needs
from libs.chassis.pages import After, Limit, Page, Wanted, fields_of, matching, page_of
from libs.contracts.assets import AcknowledgeHandover, AssignAssets
from libs.contracts.permissions import Action
from libs.contracts.values import AssetCreation, Destination, DestinationKind, Kind, Money, money
from services.assets.asset import Asset, Status
from services.assets.handover import Handover
from services.assets.label import Label, label_id
from services.assets.ordered_line import OrderedLine
from services.assets.stock import Balance, InventoryTransaction, Movement
from services.assets.tables import STORAGE, balances_against_ledger, lines_against_assets

router = APIRouter()

_assets = STORAGE.tables[Asset]
_lines = STORAGE.tables[OrderedLine]
_labels = STORAGE.tables[Label]
_handovers = STORAGE.tables[Handover]
_transactions = STORAGE.tables[InventoryTransaction]
_balances = STORAGE.tables[Balance]


class AssetsHandedOver(BaseModel):
    """Assets are with whom or what they were for."""

    handover_id: UUID | None


class Acknowledged(BaseModel):
    """The person to whom assets went said that they are there."""

    handover_id: UUID


class AssetSeen(BaseModel):
    """One unit of hardware: what it is, where it is, who has it, and what it came with."""

    asset_id: UUID
    status: Status
    tag: str
    issued_tag: str
    sku: str
    name: str
    serial: str | None
    cost: Money
    order_id: UUID
    requisition_number: str
    order_line_id: UUID
    unit_number: int
    request_id: UUID | None
    request_line_id: UUID | None
    receipt_id: UUID | None
    receipt_line_id: UUID | None
    warranty_until: date | None
    location: str | None
    storage_space: str | None
    custodian: str | None
    financial_owner: str | None
    handover_id: UUID | None
    acknowledged: bool


class Moved(BaseModel):
    """One movement of an asset into a storage space (1) or out of it (-1)."""

    transaction_id: UUID
    movement: Movement
    location: str
    storage_space: str
    change: int
    at: datetime
    receipt_line_id: UUID | None
    handover_id: UUID | None
    take_back_id: UUID | None


class HandedOver(BaseModel):
    """A person, a location or a financial owner was given the asset; `person` is set for a person."""

    handover_id: UUID
    person: str | None
    to: Destination
    request_id: UUID | None
    quantity: int
    assigned_by: str
    assigned_at: datetime
    acknowledged_at: datetime | None


class AssetInDetail(AssetSeen):
    """One asset with its other tags and its trail."""

    other_tags: list[str]
    transactions: list[Moved]
    handovers: list[HandedOver]


class LineSeen(BaseModel):
    """An order line and its figures: open = ordered - cancelled - kept, and none of what does not come to a place."""

    order_line_id: UUID
    order_id: UUID
    requisition_number: str
    request_id: UUID | None
    request_line_id: UUID | None
    sku: str
    name: str
    kind: Kind
    asset_creation: AssetCreation
    ordered: int
    cancelled: int
    kept: int
    open: int


class BalanceSeen(BaseModel):
    """How many of an item are in a storage space."""

    location: str
    storage_space: str
    sku: str
    quantity: int


class Difference(BaseModel):
    """A balance that is not the sum of its transactions."""

    location: str
    storage_space: str
    sku: str
    quantity: int
    recomputed: int


class LineDifference(BaseModel):
    """An order line whose figures are not what its assets say."""

    order_line_id: UUID
    open: int
    templates: int
    kept: int
    received: int


class LedgerVerification(BaseModel):
    """The balances against the sums of their transactions; no differences is how it must be."""

    balances: int
    transactions: int
    differences: list[Difference]


class LineVerification(BaseModel):
    """The order lines against their assets; no differences is how it must be."""

    lines: int
    assets: int
    differences: list[LineDifference]


class Summary(BaseModel):
    """Assets in figures."""

    assets: dict[Status, int]
    in_storage_spaces: int
    handovers: int


@router.post(
    "/assignments",
    status_code=201,
    response_model=AssetsHandedOver,
    dependencies=[needs(Action.ASSIGN_ASSETS)],
)
async def assign_assets(assignment: JsonBody[AssignAssets], obey: Obeying) -> Response:
    """Give assets that are in stock to a person, a location or a financial owner, all of them or none."""
    return await obey(assignment)


@router.post(
    "/handovers/{handover_id}/acknowledgement",
    status_code=201,
    response_model=Acknowledged,
    dependencies=[needs(Action.ACKNOWLEDGE_HANDOVERS)],
)
async def acknowledge_handover(handover_id: UUID, obey: Obeying) -> Response:
    """Say that one has what was handed over to one; the dock does not take it back any more."""
    return await obey(AcknowledgeHandover(handover_id=handover_id))


@router.get("/assets", dependencies=[needs(Action.SEE_ASSETS, Action.SEE_OWN_ASSETS)])
async def list_assets(
    read: Reading,
    actor: Person,
    request_id: UUID | None = None,
    order_id: UUID | None = None,
    order_line_id: UUID | None = None,
    status: Status | None = None,
    tag: Wanted = None,
    serial: Wanted = None,
    custodian: Wanted = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[AssetSeen]:
    """Assets in the order in which their tags were issued: one's own, or all for who may see them."""
    wanted = {
        _lines.c.request_id: request_id,
        _lines.c.order_id: order_id,
        _lines.c.id: order_line_id,
        _assets.c.status: status,
        _assets.c.serial: serial,
        _assets.c.custodian: custodian,
    }
    query = matching(_assets_with_lines().where(_seen_by(actor)), wanted)
    if tag is not None:
        query = query.where(_has_tag(tag))
    rows, following = await page_of(read, query, _assets.c.issued_tag, limit, after)
    return Page(items=[_asset_seen(row) for row in rows], next=following)


@router.get("/assets/{reference:path}", dependencies=[needs(Action.SEE_ASSETS, Action.SEE_OWN_ASSETS)])
async def show_asset(
    reference: str,
    read: Reading,
    actor: Person,
    sku: Annotated[Wanted, Query(description="Which item, if several have the serial number.")] = None,
) -> AssetInDetail:
    """One asset by its id, one of its tags or its serial number, with everything that happened to it."""
    row = await _one_asset(read, actor, reference, sku)
    transactions = select(_transactions).where(_transactions.c.asset_id == row.id)
    moves = (await read.execute(transactions.order_by(_transactions.c.at, _transactions.c.id))).all()
    handovers = select(_handovers).where(_handovers.c.id.in_({move.handover_id for move in moves} - {None}))
    labels = await read.execute(select(_labels.c.label).where(_labels.c.asset_id == row.id))
    return AssetInDetail(
        **_asset_seen(row).model_dump(),
        other_tags=sorted({row.issued_tag, *labels.scalars()} - {row.tag}),
        transactions=[
            Moved(
                transaction_id=move.id,
                **fields_of(move, "id", "version", "asset_id", "sku", "lot_id", "issue_id"),
            )
            for move in moves
        ],
        handovers=[
            _handed_over(given) for given in await read.execute(handovers.order_by(_handovers.c.assigned_at))
        ],
    )


@router.get("/order-lines", dependencies=[needs(Action.SEE_ASSETS)])
async def list_order_lines(
    read: Reading,
    order_id: UUID | None = None,
    request_id: UUID | None = None,
    limit: Limit = 100,
    after: Annotated[UUID | None, Query(description="`next` of the page before.")] = None,
) -> Page[LineSeen]:
    """What was ordered, how much of it is here, and how much is open."""
    query = matching(select(_lines), {_lines.c.order_id: order_id, _lines.c.request_id: request_id})
    rows, following = await page_of(read, query, _lines.c.id, limit, after)
    return Page(items=[_line_seen(row) for row in rows], next=following)


@router.get("/balances", dependencies=[needs(Action.SEE_ASSETS)])
async def list_balances(
    read: Reading,
    location: Wanted = None,
    storage_space: Wanted = None,
    sku: Wanted = None,
    limit: Limit = 100,
    after: Annotated[UUID | None, Query(description="`next` of the page before.")] = None,
) -> Page[BalanceSeen]:
    """How many of which item are in which storage space."""
    wanted = {
        _balances.c.location: location,
        _balances.c.storage_space: storage_space,
        _balances.c.sku: sku,
    }
    rows, following = await page_of(read, matching(select(_balances), wanted), _balances.c.id, limit, after)
    return Page(items=[BalanceSeen(**fields_of(row, "id", "version")) for row in rows], next=following)


@router.get("/order-lines/verification", dependencies=[needs(Action.SEE_ASSETS)])
async def verify_order_lines(read: Reading) -> LineVerification:
    """Count the templates and the received assets of every order line again."""
    differences = [LineDifference(**row._mapping) for row in await read.execute(lines_against_assets())]
    lines, assets = (await read.execute(select(_count(_lines), _count(_assets)))).one()
    return LineVerification(lines=lines, assets=assets, differences=differences)


@router.get("/balances/verification", dependencies=[needs(Action.SEE_ASSETS)])
async def verify_balances(read: Reading) -> LedgerVerification:
    """Derive every balance from the ledger again."""
    differences = [Difference(**row._mapping) for row in await read.execute(balances_against_ledger())]
    balances, transactions = (await read.execute(select(_count(_balances), _count(_transactions)))).one()
    return LedgerVerification(balances=balances, transactions=transactions, differences=differences)


@router.get("/summary", dependencies=[needs(Action.SEE_ASSETS)])
async def summarise(read: Reading) -> Summary:
    """How many assets are in which status, and how many are in storage spaces."""
    statuses = await read.execute(select(_assets.c.status, func.count()).group_by(_assets.c.status))
    counted = {Status(status): count for status, count in statuses}
    in_spaces = select(func.coalesce(func.sum(_balances.c.quantity), 0))
    return Summary(
        assets={status: counted.get(status, 0) for status in Status},
        in_storage_spaces=int((await read.execute(in_spaces)).scalar_one()),
        handovers=(await read.execute(select(_count(_handovers)))).scalar_one(),
    )


def _assets_with_lines() -> Select[Any]:
    about_line = (
        _lines.c.name,
        _lines.c.order_id,
        _lines.c.requisition_number,
        _lines.c.request_id,
        _lines.c.request_line_id,
    )
    return select(_assets, *about_line).join(_lines, _lines.c.id == _assets.c.order_line_id)


def _has_tag(tag: str) -> Any:
    """Every asset is found by the tag we issued and by any label that was ever stuck on it."""
    labelled = select(_labels.c.asset_id).where(_labels.c.id == label_id(tag)).scalar_subquery()
    return or_(_assets.c.issued_tag == tag, _assets.c.id == labelled)


def _seen_by(actor: Actor) -> ColumnElement[bool]:
    """What is in one's own hands, unless all may be seen."""
    return true() if actor.may(Action.SEE_ASSETS) else _assets.c.custodian == actor.id


async def _one_asset(read: AsyncConnection, actor: Actor, reference: str, sku: str | None) -> Row[Any]:
    for found in _meanings(reference, sku):
        query = _assets_with_lines().where(_seen_by(actor), found)
        rows: Sequence[Row[Any]] = (await read.execute(query.limit(2))).all()
        if len(rows) > 1:
            message = f"Several items have the serial number {reference}; say which by its SKU."
            raise Rejection("asset_ambiguous", field="sku", message=message)
        if rows:
            return rows[0]
    raise Rejection("asset_unknown", message=f"No asset is called {reference}.")


def _meanings(reference: str, sku: str | None) -> Sequence[Any]:
    """What a reference may mean, the likeliest first."""
    if "\x00" in reference:
        return []
    try:
        return [_assets.c.id == UUID(reference)]
    except ValueError:
        of_item = () if sku is None else (_assets.c.sku == sku,)
        return [_has_tag(reference), and_(_assets.c.serial == reference, *of_item)]


def _asset_seen(row: Row[Any]) -> AssetSeen:
    return AssetSeen(
        asset_id=row.id,
        cost=money(row.cost, row.currency),
        **fields_of(row, "id", "version", "cost", "currency", "assigned_for", "given_back"),
    )


def _handed_over(row: Row[Any]) -> HandedOver:
    to = Destination(kind=DestinationKind(row.holder_kind), name=row.holder)
    return HandedOver(
        handover_id=row.id,
        person=row.holder if to.kind is DestinationKind.PERSON else None,
        to=to,
        **fields_of(row, "id", "version", "holder_kind", "holder"),
    )


def _line_seen(row: Row[Any]) -> LineSeen:
    line = OrderedLine(**row._mapping)
    hidden = {"id", "version", "unit_price", "currency", "warranty_months", "asked", "units_made", "pool"}
    hidden |= {"credited", "on_way"}
    seen = fields_of(row, *hidden, "vendor_name", "destination_kind", "destination")
    return LineSeen(order_line_id=line.id, cancelled=line.cancelled, open=line.open, **seen)


def _count(table: Any) -> Any:
    return select(func.count()).select_from(table).scalar_subquery()
