"""The catalog over HTTP: define and retire items, find them, and see what they cost on a day."""

from datetime import date
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel
from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.chassis.decision import Rejection
from libs.chassis.http import JsonBody, Obeying, Reading, needs
from libs.chassis.pages import After, Limit, Page, Plain, Wanted
from libs.chassis.preconditions import IfMatch, as_seen, etag
from libs.contracts.catalog import Component, DefineCatalogItem, DefineOffer, Offer, Pack, SetItemActive
from libs.contracts.permissions import Action
from libs.contracts.values import AssetCreation, Code, Kind
from services.purchasing.api import catalog_search
from services.purchasing.api.catalog_search import Wish
from services.purchasing.api.vendors import Change
from services.purchasing.catalog import CatalogItem, GtinClaim, claim_id_of
from services.purchasing.tables import STORAGE

router = APIRouter()

_items = STORAGE.tables[CatalogItem]
_claims = STORAGE.tables[GtinClaim]
_HIDDEN = ("id", "words")

On = Annotated[date | None, Query(description="The day whose prices are shown; today if none is given.")]


class ItemDefined(BaseModel):
    """The catalog item is as said, and what that took."""

    item_id: UUID
    sku: str
    change: Change


class ItemSeen(BaseModel):
    """Something that can be bought, from whom, at which price.

    `unit_price`, `currency` and `lead_time_days` are what the preferred vendor agreed to for the day `on`.
    """

    item_id: UUID
    version: int
    sku: str
    name: str
    kind: Kind
    unit: str
    vendor_id: UUID | None
    vendor_number: str | None
    on: date
    unit_price: Plain | None
    currency: str | None
    lead_time_days: int | None
    offers: list[Offer]
    components: list[Component]
    manufacturer: str | None
    model: str | None
    gtin: str | None
    packs: list[Pack]
    warranty_months: int
    metric: str | None
    term_months: int | None
    asset_creation: AssetCreation
    active: bool


@router.post(
    "/catalog-items", status_code=201, response_model=ItemDefined, dependencies=[needs(Action.MANAGE_CATALOG)]
)
async def define_catalog_item(
    item: JsonBody[DefineCatalogItem], obey: Obeying, if_match: IfMatch = None
) -> Response:
    """Create a catalog item, or change the one with this SKU; with If-Match only as it was seen."""
    return await obey(as_seen(item, if_match))


@router.post(
    "/catalog-offers",
    status_code=201,
    response_model=ItemDefined,
    dependencies=[needs(Action.MANAGE_CATALOG)],
)
async def define_offer(offer: JsonBody[DefineOffer], obey: Obeying) -> Response:
    """Approve a vendor for an item at a price, or change what was agreed with them from a day on."""
    return await obey(offer)


@router.post(
    "/catalog-item-activations",
    status_code=200,
    response_model=ItemDefined,
    dependencies=[needs(Action.MANAGE_CATALOG)],
)
async def set_catalog_item_active(activation: JsonBody[SetItemActive], obey: Obeying) -> Response:
    """Let an item be bought again, or retire it. What is ordered already stays ordered."""
    return await obey(activation, status=200)


@router.get("/catalog-items", dependencies=[needs(Action.SEE_CATALOG)])
async def list_catalog_items(
    read: Reading,
    kind: Kind | None = None,
    active: bool | None = None,
    vendor: Annotated[Code | None, Query(description="A vendor who is approved for it.")] = None,
    search: Annotated[
        Wanted, Query(description="How words of SKU, name, maker or model begin, or a whole GTIN.")
    ] = None,
    on: On = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[ItemSeen]:
    """Catalog items by SKU. A page of a search may hold less than `limit` and still have a `next`."""
    day = await _day(read, on)
    wish = Wish(kind=kind, active=active, vendor=vendor, search=search)
    rows, following = await catalog_search.find(read, wish, limit, after)
    return Page(items=[_seen(row, day) for row in rows], next=following)


@router.get("/catalog-items/{reference:path}", dependencies=[needs(Action.SEE_CATALOG)])
async def show_catalog_item(reference: str, read: Reading, response: Response, on: On = None) -> ItemSeen:
    """One catalog item by id, SKU or GTIN, of itself or of one of its packs."""
    for row in await read.execute(select(_items).where(await _named(read, reference))):
        response.headers["ETag"] = etag(row.version)
        return _seen(row, await _day(read, on))
    raise Rejection("no_such_catalog_item", message=f"The catalog has no item {reference}.")


async def _named(read: AsyncConnection, reference: str) -> Any:
    """A SKU may look like a GTIN; then it is one."""
    if "\x00" in reference:
        return _items.c.sku == ""
    try:
        return _items.c.id == UUID(reference)
    except ValueError:
        pass
    known = (await read.execute(select(_items.c.id).where(_items.c.sku == reference))).scalar_one_or_none()
    if known is None and reference.isascii() and reference.isdigit() and len(reference) <= 14:
        claimed = select(_claims.c.item_id).where(_claims.c.id == claim_id_of(reference))
        known = (await read.execute(claimed)).scalar_one_or_none()
    return _items.c.id == known


async def _day(read: AsyncConnection, on: date | None) -> date:
    """The day that is asked for, or today as the service counts days."""
    if on is not None:
        return on
    today: date = (
        await read.execute(text("SELECT CAST(chassis.app_now() AT TIME ZONE 'UTC' AS date)"))
    ).scalar_one()
    return today


def _seen(row: Row[Any], on: date) -> ItemSeen:
    item = cast(CatalogItem, STORAGE.rows[CatalogItem].decode(row))
    offer = item.preferred_on(on)
    return ItemSeen(
        item_id=item.id,
        on=on,
        unit_price=offer.unit_price if offer else None,
        currency=offer.currency if offer else None,
        lead_time_days=offer.lead_time_days if offer else None,
        **{name: value for name, value in vars(item).items() if name not in _HIDDEN},
    )
