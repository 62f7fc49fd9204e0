"""By what a need finds its records, and what names them."""

from collections.abc import Iterable
from uuid import UUID

from libs.chassis.decision import Key, Many, NamedBy, OfPage, Page, Via

Need = Key | Many | NamedBy | Page | OfPage


def names(needs: Iterable[Need]) -> Iterable[NamedBy]:
    """What names others, by itself or as the parents of what is wanted."""
    for need in needs:
        named = need.value if isinstance(need, Many) else need
        if isinstance(named, NamedBy):
            yield named


def way_of(need: Need) -> "UUID | str | Via | None":
    """By what a need finds its records."""
    if isinstance(need, Key):
        return need.id
    if isinstance(need, NamedBy):
        return way_of(need.id) if isinstance(need.id, Many) else need.id
    if not isinstance(need, Many):
        return None
    return way_of(need.value) if isinstance(need.value, NamedBy) else need.value


def ways_before(nearest: Via) -> Iterable[Via]:
    """The ways that lead to the beginning of this one."""
    while isinstance(nearest.id, Via):
        nearest = nearest.id
        yield nearest
