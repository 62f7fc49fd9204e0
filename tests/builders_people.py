"""What tests of people, groups, cost centres and delegations are built from."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from libs.chassis.decision import Actor
from libs.contracts.people import DefineCostCentre, DefineGroup, DefinePerson, DelegateApprovals
from libs.contracts.permissions import Role
from libs.contracts.values import derived_id
from services.requests import delegation, directory
from services.requests.delegation import Delegation
from services.requests.directory import Person
from tests.builders_desk import Desk
from tests.builders_dock import NOON, Ended

TODAY = NOON.date()
ADMINISTRATOR = Actor("person-admin", frozenset({Role.ASSET_ADMINISTRATOR}))


def a_directory(*people: str) -> Desk:
    """The requests service's directory and delegations, knowing these people."""
    desk = Desk(directory.HANDLERS, delegation.HANDLERS)
    desk.hear(*map(a_person, people))
    return desk


def a_person(person_id: str = "person-1", **changes: Any) -> DefinePerson:
    """A person to be made known."""
    return DefinePerson(**{"person_id": person_id, "name": person_id.title()} | changes)


def a_group(*members: str, code: str = "FINANCE", **changes: Any) -> DefineGroup:
    """A group to be defined."""
    return DefineGroup(**{"code": code, "name": code.title(), "members": members} | changes)


def a_cost_centre(owned_by: str = "person-1", code: str = "CC-110", **changes: Any) -> DefineCostCentre:
    """A cost centre to be defined."""
    return DefineCostCentre(**{"code": code, "name": code.title(), "owned_by": owned_by} | changes)


def day(number: int) -> date:
    """Today is day 0."""
    return TODAY + timedelta(days=number)


def a_delegation(
    delegator: str, delegate: str, first: int = 0, last: int = 7, **changes: Any
) -> DelegateApprovals:
    """A delegation to be made, on these days counted from today."""
    values: dict[str, Any] = {
        "delegator": delegator,
        "delegate": delegate,
        "from_date": day(first),
        "until_date": day(last),
    }
    return DelegateApprovals(**values | changes)


def a_made_delegation(delegator: str, delegate: str, first: int, last: int, **changes: Any) -> Delegation:
    """A delegation as it is kept, on these days counted from today."""
    values: dict[str, Any] = {
        "id": derived_id("test-delegation", delegator, delegate, first, last),
        "delegator": delegator,
        "delegate": delegate,
        "from_date": day(first),
        "until_date": day(last),
        "reason": "",
        "made_by": delegator,
        "made_at": NOON,
    }
    return Delegation(**values | changes)


def delegating(desk: Desk, *asked: DelegateApprovals) -> Ended:
    """Each delegates what is theirs; how the last of them ended."""
    ended = Ended("nothing")
    for each in asked:
        ended = desk.hear(each, actor=Actor(each.delegator))
    return ended


def the_person(desk: Desk, person_id: str = "person-1") -> Person:
    """The person with this id."""
    (found,) = desk.all(Person, person_id=person_id)
    assert isinstance(found, Person)
    return found


def delegations(desk: Desk) -> list[Delegation]:
    """All delegations of a desk."""
    return desk.all(Delegation)


def known(desk: Desk) -> Iterable[str]:
    """The ids of the people who are known."""
    return sorted(person.person_id for person in desk.all(Person))
