"""Where goods can be put, over HTTP."""

from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import select

from libs.chassis.http import Obeying, Reading, needs
from libs.chassis.pages import After, Limit, Page, fields_of, page_of
from libs.contracts.permissions import Action
from libs.contracts.receiving import RenewCopies
from services.receiving.place import Place
from services.receiving.tables import STORAGE

router = APIRouter()

_places = STORAGE.tables[Place]


class PlaceSeen(BaseModel):
    """A location and its storage spaces."""

    location_id: UUID
    code: str
    name: str
    storage_spaces: list[str]
    active: bool


@router.get("/places", dependencies=[needs(Action.SEE_LOCATIONS)])
async def list_places(read: Reading, limit: Limit = 100, after: After = None) -> Page[PlaceSeen]:
    """Where goods can be put, by code."""
    rows, following = await page_of(read, select(_places), _places.c.code, limit, after)
    places = [PlaceSeen(location_id=row.id, **fields_of(row, "id", "version", "sequence")) for row in rows]
    return Page(items=places, next=following)


@router.post(
    "/copies/renewal", status_code=202, response_model=None, dependencies=[needs(Action.RENEW_COPIES)]
)
async def renew_copies(obey: Obeying) -> Response:
    """Have every location and open order said again; what came of a known order stays as it is counted here."""
    return await obey(RenewCopies(), status=202)
