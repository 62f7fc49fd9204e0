"""What the requests service says and obeys about people: who there is, their groups, who owns which cost centre,
and who decides for whom while they are away."""

from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from libs.contracts import message
from libs.contracts.message import Command, Event
from libs.contracts.permissions import Action, Role
from libs.contracts.values import Code, LongText, PersonId, Text

MEMBERS_MAX = 500

Day = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(3000, 1, 1))]
Roles = Annotated[tuple[Role, ...], Field(max_length=len(Role))]


class DefinePerson(Command):
    """Make a person known, or change the one with this id, which is the `sub` of their tokens.

    `roles` are what Quartermaster itself knows of them, for where no token speaks for them: whom to remind, and what a
    delegate may decide in their name. What they themselves may do is told by their token.
    """

    type: ClassVar[str] = "requests.define_person.v1"
    action: ClassVar[Action] = Action.MANAGE_PEOPLE
    person_id: PersonId
    name: Text
    roles: Roles = ()
    active: bool = True


class DefineGroup(Command):
    """Create a group, or change the one with this code. Its members are exactly those named."""

    type: ClassVar[str] = "requests.define_group.v1"
    action: ClassVar[Action] = Action.MANAGE_PEOPLE
    code: Code
    name: Text
    members: Annotated[tuple[PersonId, ...], Field(max_length=MEMBERS_MAX)] = ()
    active: bool = True


class DefineCostCentre(Command):
    """Create a cost centre, or change the one with this code. Its owner answers for what is spent on it."""

    type: ClassVar[str] = "requests.define_cost_centre.v1"
    action: ClassVar[Action] = Action.MANAGE_PEOPLE
    code: Code
    name: Text
    owned_by: PersonId
    active: bool = True


class DelegateApprovals(Command):
    """Let somebody decide in one's place, from one day to another, both included, at most a year apart.

    Whoever delegates for another person needs a permission to do so. It is refused if on some day it would lead,
    through others, back to the delegator.
    """

    type: ClassVar[str] = "requests.delegate_approvals.v1"
    action: ClassVar[Action] = Action.DELEGATE_APPROVALS
    delegator: PersonId
    delegate: PersonId
    from_date: Day
    until_date: Day
    reason: LongText = ""


class EndDelegation(Command):
    """Take a delegation back before its last day, or hand it back."""

    type: ClassVar[str] = "requests.end_delegation.v1"
    subject: ClassVar[str] = "delegation_id"
    action: ClassVar[Action] = Action.DELEGATE_APPROVALS
    delegation_id: UUID
    reason: LongText = ""


class PersonChanged(Event):
    """A person became known or changed; this is all that others are told of them. `person_key` follows from the id."""

    type: ClassVar[str] = "requests.person_changed.v1"
    subject: ClassVar[str] = "person_key"
    carries: ClassVar = "state"
    person_key: UUID
    person_id: PersonId
    name: str
    active: bool


class GroupChanged(Event):
    """A group was created or changed; this is all of it."""

    type: ClassVar[str] = "requests.group_changed.v1"
    subject: ClassVar[str] = "group_id"
    carries: ClassVar = "state"
    group_id: UUID
    code: str
    name: str
    members: tuple[PersonId, ...]
    active: bool


class CostCentreChanged(Event):
    """A cost centre was created or changed, or has another owner; this is all of it."""

    type: ClassVar[str] = "requests.cost_centre_changed.v1"
    subject: ClassVar[str] = "cost_centre_id"
    carries: ClassVar = "state"
    cost_centre_id: UUID
    code: str
    name: str
    owned_by: PersonId
    active: bool


class DelegationMade(Event):
    """Somebody's approvals may be given by another person, from one day to another, both included."""

    type: ClassVar[str] = "requests.delegation_made.v1"
    subject: ClassVar[str] = "delegation_id"
    delegation_id: UUID
    delegator: PersonId
    delegate: PersonId
    from_date: date
    until_date: date
    made_by: str


class DelegationEnded(Event):
    """A delegation is over: by a person, or, when `ended_by` names nobody, because its last day has passed."""

    type: ClassVar[str] = "requests.delegation_ended.v1"
    subject: ClassVar[str] = "delegation_id"
    delegation_id: UUID
    delegator: PersonId
    delegate: PersonId
    ended_by: str | None = None


class AnnounceAll(message.AnnounceAll):
    """Say every person, group and cost centre again into the asker's bulk queue."""

    type: ClassVar[str] = "requests.announce_all.v1"
