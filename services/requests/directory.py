"""People, groups and cost centres with their owners, and whose approvals somebody may give in their own right."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from libs.chassis.backfill import Announced, announcing
from libs.chassis.decision import Cause, Decision, Handler, Handlers, Key, Keys, NamedBy, Record, Records
from libs.contracts.message import Event
from libs.contracts.people import (
    AnnounceAll,
    CostCentreChanged,
    DefineCostCentre,
    DefineGroup,
    DefinePerson,
    GroupChanged,
    PersonChanged,
)
from libs.contracts.permissions import Role
from libs.contracts.values import derived_id


@dataclass(frozen=True, kw_only=True)
class Person(Record):
    """Somebody, by the `sub` of their tokens; `roles` are what we know of them where no token speaks for them.

    `groups` are the codes of the active groups they belong to, `cost_centres` of the active cost centres they own:
    kept by those who define these, so that one record tells whose approvals somebody may give.
    """

    person_id: str
    name: str
    roles: tuple[Role, ...] = ()
    active: bool = True
    groups: tuple[str, ...] = ()
    cost_centres: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Group(Record):
    """People who may stand for each other; the members are in the order of their ids."""

    code: str
    name: str
    members: tuple[str, ...]
    active: bool


@dataclass(frozen=True, kw_only=True)
class CostCentre(Record):
    """What spending is charged to, and who answers for it."""

    code: str
    name: str
    owned_by: str
    active: bool


def person_key(person_id: str) -> UUID:
    """The key of the record of the person with this id."""
    return derived_id("person", person_id)


def group_id_of(code: str) -> UUID:
    """The group with this code."""
    return derived_id("group", code)


def cost_centre_id_of(code: str) -> UUID:
    """The cost centre with this code."""
    return derived_id("cost_centre", code)


# Approver keys: texts by which a step of an approval names who may take it.


def role_key(role: Role) -> str:
    """Anybody who works as this: `role:procurement_manager`."""
    return f"role:{role}"


def group_key(code: str) -> str:
    """Any member of the group: `group:FINANCE`."""
    return f"group:{code}"


def own_key(person_id: str) -> str:
    """This person: `person:person-17`."""
    return f"person:{person_id}"


def cost_centre_key(code: str) -> str:
    """The owner of the cost centre: `cost_centre:CC-110`."""
    return f"cost_centre:{code}"


def authority_of(person_id: str, roles: Iterable[Role], person: Person | None) -> frozenset[str]:
    """All approver keys that this person may answer for in their own right; somebody inactive answers for none.

    `roles` are those of their token, or those of the record where somebody else acts in their place. Of somebody
    who isn't known nothing but the roles and the name can be told.
    """
    named = {own_key(person_id), *map(role_key, roles)}
    if person is None:
        return frozenset(named)
    if not person.active:
        return frozenset()
    return frozenset(
        named | set(map(group_key, person.groups)) | set(map(cost_centre_key, person.cost_centres))
    )


# Decisions


def person_of(command: DefinePerson) -> Keys:
    """The person with the id, if known."""
    return (Key(Person, person_key(command.person_id), may_be_new=True),)


def define_person(command: DefinePerson, held: Records, cause: Cause) -> Decision:
    """Make a person known or change them. Saying again what is known already changes nothing and announces nothing."""
    known = held.find(Person, person_key(command.person_id))
    person = replace(
        known or _named(command.person_id),
        name=command.name,
        roles=tuple(sorted(set(command.roles))),
        active=command.active,
    )
    answer = {
        "person_key": str(person.id),
        "person_id": person.person_id,
        "change": _change(known, person),
    }
    if person == known:
        return Decision(answer=answer)
    return Decision(save=[person], publish=[_person_said(person)], answer=answer)


def members_of(group: Group) -> list[UUID]:
    """The members of a group."""
    return [person_key(member) for member in group.members]


def group_of(command: DefineGroup) -> Keys:
    """The group with the code, and all who belong to it before or after."""
    id = group_id_of(command.code)
    joining = [Key(Person, person_key(member), may_be_new=True) for member in dict.fromkeys(command.members)]
    return (*joining, NamedBy(Person, by=Group, id=id, ids=members_of), Key(Group, id, may_be_new=True))


def define_group(command: DefineGroup, held: Records, cause: Cause) -> Decision:
    """Create or change a group; who joins or leaves it is told so on their own record at the same time.

    Members whom nobody has told us of yet become known by their ids.
    """
    known = held.find(Group, group_id_of(command.code))
    group = Group(
        id=group_id_of(command.code),
        version=known.version if known else 0,
        code=command.code,
        name=command.name,
        members=tuple(sorted(set(command.members))),
        active=command.active,
    )
    answer = {"group_id": str(group.id), "code": group.code, "change": _change(known, group)}
    if group == known:
        return Decision(answer=answer)
    people = _people(held, group.members, known.members if known else ())
    now = [
        replace(
            person,
            groups=_with(person.groups, group.code, group.active and person.person_id in group.members),
        )
        for person in people
    ]
    return _defined(group, _group_said(group), now, held, answer)


def owner_of(cost_centre: CostCentre) -> list[UUID]:
    """The owner of a cost centre."""
    return [person_key(cost_centre.owned_by)]


def cost_centre_of(command: DefineCostCentre) -> Keys:
    """The cost centre with the code, its owner to be, and its owner so far."""
    id = cost_centre_id_of(command.code)
    return (
        Key(Person, person_key(command.owned_by), may_be_new=True),
        NamedBy(Person, by=CostCentre, id=id, ids=owner_of),
        Key(CostCentre, id, may_be_new=True),
    )


def define_cost_centre(command: DefineCostCentre, held: Records, cause: Cause) -> Decision:
    """Create or change a cost centre; both owners are told so on their own records at the same time."""
    known = held.find(CostCentre, cost_centre_id_of(command.code))
    centre = CostCentre(
        id=cost_centre_id_of(command.code),
        version=known.version if known else 0,
        code=command.code,
        name=command.name,
        owned_by=command.owned_by,
        active=command.active,
    )
    answer = {"cost_centre_id": str(centre.id), "code": centre.code, "change": _change(known, centre)}
    if centre == known:
        return Decision(answer=answer)
    people = _people(held, (centre.owned_by,), (known.owned_by,) if known else ())
    now = [
        replace(
            person,
            cost_centres=_with(
                person.cost_centres, centre.code, centre.active and person.person_id == centre.owned_by
            ),
        )
        for person in people
    ]
    return _defined(centre, _cost_centre_said(centre), now, held, answer)


def _named(person_id: str) -> Person:
    """Somebody of whom nothing is known but the id."""
    return Person(id=person_key(person_id), person_id=person_id, name=person_id)


def _people(held: Records, *named: Sequence[str]) -> list[Person]:
    ids = dict.fromkeys(person_id for some in named for person_id in some)
    return [held.find(Person, person_key(person_id)) or _named(person_id) for person_id in ids]


def _with(codes: tuple[str, ...], code: str, belongs: bool) -> tuple[str, ...]:
    return tuple(sorted({*codes, code} if belongs else {*codes} - {code}))


def _defined(
    record: Group | CostCentre, said: Event, people: Sequence[Person], held: Records, answer: dict[str, str]
) -> Decision:
    """Only people for whom something changed are saved, and only new ones are announced."""
    changed = [person for person in people if person != held.find(Person, person.id)]
    new = [_person_said(person) for person in changed if person.version == 0]
    return Decision(save=[*changed, record], publish=[*new, said], answer=answer)


def _change(known: Record | None, now: Record) -> str:
    if known is None:
        return "created"
    return "unchanged" if known == now else "changed"


def _person_said(person: Person) -> PersonChanged:
    return PersonChanged(
        person_key=person.id, person_id=person.person_id, name=person.name, active=person.active
    )


def _group_said(group: Group) -> GroupChanged:
    return GroupChanged(
        group_id=group.id, code=group.code, name=group.name, members=group.members, active=group.active
    )


def _cost_centre_said(centre: CostCentre) -> CostCentreChanged:
    return CostCentreChanged(
        cost_centre_id=centre.id,
        code=centre.code,
        name=centre.name,
        owned_by=centre.owned_by,
        active=centre.active,
    )


HANDLERS: Handlers = (
    Handler(on=DefinePerson, holds=person_of, decide=define_person),
    Handler(on=DefineGroup, holds=group_of, decide=define_group),
    Handler(on=DefineCostCentre, holds=cost_centre_of, decide=define_cost_centre),
    announcing(
        AnnounceAll,
        Announced(Person, _person_said),
        Announced(Group, _group_said),
        Announced(CostCentre, _cost_centre_said),
    ),
)
