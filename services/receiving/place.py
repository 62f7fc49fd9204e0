"""Where goods can be put: the dock's own copy of the locations that assets owns."""

from dataclasses import dataclass

from libs.chassis.decision import Cause, Decision, Handler, Handlers, Key, Keys, Record, Records, Rejection
from libs.contracts.assets import LocationChanged
from libs.contracts.values import location_id_of


@dataclass(frozen=True, kw_only=True)
class Place(Record):
    """A location and its storage spaces as last announced; its id is the location's."""

    sequence: int
    code: str
    name: str
    storage_spaces: tuple[str, ...]
    active: bool


def learn(location: LocationChanged, held: Records, cause: Cause) -> Decision:
    """Keep what assets says of the location."""
    assert cause.sequence is not None  # every fact about a record has one
    known = held.find(Place, location.location_id)
    place = Place(
        id=location.location_id,
        version=known.version if known else 0,
        sequence=cause.sequence,
        code=location.code,
        name=location.name,
        storage_spaces=location.storage_spaces,
        active=location.active,
    )
    return Decision(save=[place])


def check_place(held: Records, location: str, storage_space: str, *, of: str) -> None:
    """Goods are put into a known storage space of an active location; `of` is the field that says where, if any."""
    within = f"{of}." if of else ""
    place = held.find(Place, location_id_of(location))
    if place is None or not place.active:
        raise Rejection(
            "location_unknown", field=f"{within}location", message=f"No active location is called {location}."
        )
    if storage_space not in place.storage_spaces:
        raise Rejection(
            "storage_space_unknown",
            field=f"{within}storage_space",
            message=f"Location {location} has no storage space {storage_space}.",
        )


def check_destination(held: Records, location: str, storage_space: str | None) -> None:
    """Goods are sent to an active location, and into one of its storage spaces if that is said."""
    place = held.find(Place, location_id_of(location))
    if place is None or not place.active:
        message = f"No active location is called {location}."
        raise Rejection("location_unknown", field="location", message=message)
    if storage_space is not None:
        check_place(held, location, storage_space, of="storage_space")


def place_key(location: str) -> Key:
    """The place with this code, which need not exist."""
    return Key(Place, location_id_of(location), may_be_new=True)


def _the_place(location: LocationChanged) -> Keys:
    return [Key(Place, location.location_id, may_be_new=True)]


HANDLERS: Handlers = (Handler(on=LocationChanged, holds=_the_place, decide=learn),)
