"""What this service knows of what others own, over HTTP."""

from decimal import Decimal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import select

from libs.chassis.http import Obeying, Reading, needs
from libs.chassis.pages import After, Limit, Page, fields_of, page_of
from libs.contracts.permissions import Action
from libs.contracts.requests import RenewCopies
from libs.contracts.values import Kind
from services.requests.copies import CatalogEntry
from services.requests.tables import STORAGE

router = APIRouter()

_entries = STORAGE.tables[CatalogEntry]


class EntrySeen(BaseModel):
    """A catalog item as this service knows it; `version` is purchasing's."""

    item_id: UUID
    version: int
    sku: str
    name: str
    kind: Kind
    vendor_number: str | None
    unit_price: Decimal
    currency: str
    active: bool


@router.get("/catalog-entries", dependencies=[needs(Action.SEE_CATALOG)])
async def list_catalog_entries(read: Reading, limit: Limit = 100, after: After = None) -> Page[EntrySeen]:
    """What this service knows of the catalog, by SKU."""
    rows, following = await page_of(read, select(_entries), _entries.c.sku, limit, after)
    items = [EntrySeen(version=row.sequence, **fields_of(row, "version")) for row in rows]
    return Page(items=items, next=following)


@router.post(
    "/copies/renewal", status_code=202, response_model=None, dependencies=[needs(Action.RENEW_COPIES)]
)
async def renew_copies(obey: Obeying) -> Response:
    """Have everything said again that this service keeps copies of, for instance after its database was restored."""
    return await obey(RenewCopies(), status=202)
