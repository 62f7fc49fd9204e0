"""Locations over HTTP: define them, singly or from a file, and see them."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import select

from libs.chassis.http import JsonBody, Obeying, Reading, needs
from libs.chassis.imports import CsvFile, RowsRead, contents_of, import_rows
from libs.chassis.pages import After, Limit, Page, fields_of, page_of
from libs.contracts.assets import DefineLocation
from libs.contracts.permissions import Action
from services.assets.location import Location
from services.assets.tables import STORAGE

router = APIRouter()

_locations = STORAGE.tables[Location]


class LocationDefined(BaseModel):
    """A location exists as it was defined."""

    location_id: UUID
    code: str


class LocationSeen(BaseModel):
    """A location and its storage spaces."""

    location_id: UUID
    code: str
    name: str
    storage_spaces: list[str]
    active: bool


@router.post(
    "/locations",
    status_code=201,
    response_model=LocationDefined,
    dependencies=[needs(Action.MANAGE_LOCATIONS)],
)
async def define_location(location: JsonBody[DefineLocation], obey: Obeying) -> Response:
    """Create a location, or change the one with this code."""
    return await obey(location)


@router.get("/locations", dependencies=[needs(Action.SEE_LOCATIONS)])
async def list_locations(read: Reading, limit: Limit = 100, after: After = None) -> Page[LocationSeen]:
    """Where stock can be, by code."""
    rows, following = await page_of(read, select(_locations), _locations.c.code, limit, after)
    seen = [LocationSeen(location_id=row.id, **fields_of(row, "id", "version")) for row in rows]
    return Page(items=seen, next=following)


@router.post("/imports/locations", dependencies=[needs(Action.MANAGE_LOCATIONS)])
async def import_locations(file: CsvFile, obey: Obeying) -> RowsRead:
    """Define locations from a CSV file with the columns code, name, storage_space: a row per storage space.

    Every row is told what became of it; rows of one location that agree on its name stand or fall together.
    """
    locations: dict[tuple[str, str], tuple[list[int], dict[str, Any]]] = {}
    for numbers, row in contents_of(file, columns=("code", "name", "storage_space")):
        space = row.get("storage_space", "")
        said = {name: cell for name, cell in row.items() if name not in ("storage_space", "storage_spaces")}
        key = row.get("code", ""), row.get("name", "")
        rows, location = locations.setdefault(key, ([], {"storage_spaces": []}))
        rows += numbers
        location.update(said)
        location["storage_spaces"].append(space)
    return await import_rows(obey, DefineLocation, locations.values())
