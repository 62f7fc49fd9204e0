"""Locations and the storage spaces in them: where stock can be."""

from dataclasses import dataclass

from libs.chassis.backfill import Announced, announcing
from libs.chassis.decision import Cause, Decision, Handler, Handlers, Key, Keys, Record, Records, Rejection
from libs.contracts.assets import AnnounceAll, DefineLocation, LocationChanged
from libs.contracts.values import location_id_of

STORAGE_SPACES_MAX = 500
"""A location says all its storage spaces in one fact."""


@dataclass(frozen=True, kw_only=True)
class Location(Record):
    """A place with storage spaces; its id follows from its code."""

    code: str
    name: str
    storage_spaces: tuple[str, ...]
    active: bool


def define(command: DefineLocation, held: Records, cause: Cause) -> Decision:
    """Create a location, or change the one with this code.

    Spaces are added, never removed: something may be in them.
    """
    location_id = location_id_of(command.code)
    known = held.find(Location, location_id)
    spaces = tuple(dict.fromkeys((*(known.storage_spaces if known else ()), *command.storage_spaces)))
    if len(spaces) > STORAGE_SPACES_MAX:
        message = (
            f"{command.code} would have {len(spaces)} storage spaces; {STORAGE_SPACES_MAX} are the most."
        )
        raise Rejection("invalid_content", field="storage_spaces", message=message)
    location = Location(
        id=location_id,
        version=known.version if known else 0,
        code=command.code,
        name=command.name,
        storage_spaces=spaces,
        active=command.active,
    )
    answer = {"location_id": str(location_id), "code": command.code}
    if location == known:
        return Decision(answer=answer)
    return Decision(save=[location], publish=[_changed(location)], answer=answer)


def _changed(location: Location) -> LocationChanged:
    return LocationChanged(
        location_id=location.id,
        code=location.code,
        name=location.name,
        storage_spaces=location.storage_spaces,
        active=location.active,
    )


def _the_location(command: DefineLocation) -> Keys:
    return [Key(Location, location_id_of(command.code), may_be_new=True)]


HANDLERS: Handlers = (
    Handler(on=DefineLocation, holds=_the_location, decide=define),
    announcing(AnnounceAll, Announced(Location, _changed)),
)
