"""Along which indexes requests are found, for who may see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.chassis.decision import Actor
from libs.chassis.finding import Filter, Finder, Found, PageWanted, Way
from libs.contracts.permissions import Action
from services.requests.purchase_request import PurchaseRequest, Status
from services.requests.tables import STORAGE

_requests = STORAGE.tables[PurchaseRequest]
_finder = Finder(_requests)


@dataclass(frozen=True)
class Wish:
    """Which requests are wanted: columns that have a value, statuses (none: any), and what else they must be like."""

    equal: Mapping[str, Any]
    statuses: Sequence[Status] = ()
    filters: Sequence[Filter] = ()
    search: str | None = None


async def find(read: AsyncConnection, actor: Actor, wish: Wish, page: PageWanted) -> Found:
    """The next requests that are wanted: one's own, unless all may be seen."""
    ways, left = _ways(actor, wish)
    return await _finder.find(read, ways, page, (*wish.filters, *left), wish.search)


async def of_reference(
    read: AsyncConnection, actor: Actor, reference_id: UUID, wish: Wish, page: PageWanted
) -> Found:
    """Those that another system knows by this reference: one of each system."""
    some = select(_requests).where(_requests.c.reference_id == reference_id)
    ways, left = _ways(actor, wish)
    return await _finder.among(read, some, ways, page, (*wish.filters, *left), wish.search)


async def count(read: AsyncConnection, actor: Actor) -> Mapping[Status, int]:
    """How many there are in each status, of one's own or of all; of many not exactly."""
    everything = actor.may(Action.SEE_ALL_REQUESTS)
    ways = [Way({"status": status}) for status in Status] if everything else _own(actor.id, ())
    found = await _finder.count(read, ways, by="status")
    return {status: found.get(status, 0) for status in Status}


def _ways(actor: Actor, wish: Wish) -> tuple[list[Way], list[Filter]]:
    """The ways to all that is wanted, and what must still be looked up."""
    equal = dict(wish.equal)
    if not actor.may(Action.SEE_ALL_REQUESTS):
        return _own(actor.id, wish.statuses), _filters(equal, wish.statuses)
    for name in ("requester", "on_behalf_of", "cost_centre"):
        if name in equal:
            return [_by(name, equal.pop(name))], _filters(equal, wish.statuses)
    if "source" in equal:
        return _by_source(equal.pop("source"), wish.statuses), _filters(equal, ())
    if wish.statuses:
        return [Way({"status": status}) for status in wish.statuses], _filters(equal, ())
    return [Way()], _filters(equal, ())


def _own(person: str, statuses: Sequence[Status]) -> list[Way]:
    """By each of the names that one can have in a request."""
    return [
        _by("requester", person),
        _by("on_behalf_of", person),
        # What one submitted under one's own name, or for oneself, is found by that already.
        Way(
            {"submitted_by": person},
            lambda columns: and_(
                columns.submitted_by != columns.source, columns.submitted_by != columns.requester
            ),
        ),
        *_by_source(person, statuses),
    ]


def _by(name: str, value: str) -> Way:
    return Way(
        {name: value}, (lambda columns: columns[name].is_not(None)) if name == "on_behalf_of" else None
    )


def _by_source(source: str, statuses: Sequence[Status]) -> list[Way]:
    """Each status for itself: a system hands in most of what there is, and asks for what is rare in it."""
    return [Way({"source": source, "status": status}) for status in statuses or Status]


def _filters(equal: Mapping[str, Any], statuses: Sequence[Status]) -> list[Filter]:
    found: list[Filter] = []
    if equal:
        found.append(lambda columns: and_(*(columns[name] == value for name, value in equal.items())))
    if statuses:
        found.append(lambda columns: columns.status.in_(statuses))
    return found
