"""What this service knows of what others own, over HTTP."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import Row, select

from libs.chassis.http import Obeying, Reading, needs
from libs.chassis.pages import After, Limit, Page, Plain, fields_of, page_of
from libs.contracts.catalog import Component, Offer
from libs.contracts.permissions import Action
from libs.contracts.requests import RenewCopies
from libs.contracts.values import Kind
from services.requests.copies import CatalogEntry, components_in, offers_in
from services.requests.tables import STORAGE

router = APIRouter()

_entries = STORAGE.tables[CatalogEntry]


class EntrySeen(BaseModel):
    """A catalog item as this service knows it; `version` is purchasing's. A bundle has components, and no price."""

    item_id: UUID
    version: int
    sku: str
    name: str
    kind: Kind
    vendor_number: str | None
    unit_price: Plain | None
    currency: str | None
    offers: tuple[Offer, ...]
    components: tuple[Component, ...]
    active: bool


@router.get("/catalog-entries", dependencies=[needs(Action.SEE_CATALOG)])
async def list_catalog_entries(read: Reading, limit: Limit = 100, after: After = None) -> Page[EntrySeen]:
    """What this service knows of the catalog, by SKU."""
    rows, following = await page_of(read, select(_entries), _entries.c.sku, limit, after)
    return Page(items=[_seen(row) for row in rows], next=following)


def _seen(row: Row[Any]) -> EntrySeen:
    return EntrySeen(
        version=row.sequence,
        offers=offers_in(row.offers),
        components=components_in(row.components),
        **fields_of(row, "version", "offers", "components"),
    )


@router.post(
    "/copies/renewal", status_code=202, response_model=None, dependencies=[needs(Action.RENEW_COPIES)]
)
async def renew_copies(obey: Obeying) -> Response:
    """Have everything said again that this service keeps copies of, for instance after its database was restored."""
    return await obey(RenewCopies(), status=202)
