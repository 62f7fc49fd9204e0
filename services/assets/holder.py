"""Whom or what things are given to: a person, a location or a financial owner."""

from libs.chassis.decision import Key, Keys, Records, Rejection
from libs.contracts.values import Destination, DestinationKind, location_id_of
from services.assets.location import Location


def holder_read(holder: Destination) -> Keys:
    """The location, if it is one; persons and financial owners are known to others."""
    if holder.kind is DestinationKind.LOCATION and holder.name:
        return (Key(Location, location_id_of(holder.name), may_be_new=True),)
    return ()


def check_holder(held: Records, holder: Destination, *, of: str) -> None:
    """A location that something is given to is there and active."""
    if holder.kind is not DestinationKind.LOCATION:
        return
    location = held.find(Location, location_id_of(holder.name or ""))
    if location is None or not location.active:
        message = f"No active location is called {holder.name}."
        raise Rejection("location_unknown", field=f"{of}.name", message=message)
