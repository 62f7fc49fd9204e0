"""People, groups and cost centres, and whose approvals somebody may give."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from libs.chassis.decision import Announcement
from libs.contracts.message import Command
from libs.contracts.people import (
    MEMBERS_MAX,
    AnnounceAll,
    CostCentreChanged,
    DefineGroup,
    GroupChanged,
    PersonChanged,
)
from libs.contracts.permissions import Role
from services.requests.directory import (
    CostCentre,
    Group,
    Person,
    authority_of,
    cost_centre_id_of,
    cost_centre_key,
    group_id_of,
    group_key,
    own_key,
    person_key,
    role_key,
)
from tests.builders_people import a_cost_centre, a_directory, a_group, a_person, known, the_person

PEOPLE = ("person-1", "person-2", "person-3")


# People


def test_a_person_is_made_known_once_and_then_changed() -> None:
    desk = a_directory()

    created = desk.hear(a_person(roles=(Role.REQUESTER, Role.ASSET_MANAGER, Role.REQUESTER)))
    changed = desk.hear(a_person(name="Renamed", active=False))

    assert [end.decision.answer for end in (created, changed)] == [
        {"person_key": str(person_key("person-1")), "person_id": "person-1", "change": change}
        for change in ("created", "changed")
    ]
    assert created.decision.save == [
        Person(
            id=person_key("person-1"),
            person_id="person-1",
            name="Person-1",
            roles=(Role.ASSET_MANAGER, Role.REQUESTER),
            active=True,
        )
    ]
    assert the_person(desk) == Person(
        id=person_key("person-1"), version=2, person_id="person-1", name="Renamed", active=False
    )


def test_nothing_but_id_and_name_of_a_person_is_told_to_others() -> None:
    desk = a_directory()

    desk.hear(a_person(roles=(Role.ASSET_MANAGER,)), a_group("person-1"))

    told = PersonChanged(
        person_key=person_key("person-1"), person_id="person-1", name="Person-1", active=True
    )
    assert [said for said in desk.said if isinstance(said, PersonChanged)] == [told]


@pytest.mark.parametrize(
    "again",
    [
        a_person(roles=(Role.REQUESTER, Role.ASSET_MANAGER)),
        a_group("person-2", "person-1", "person-2"),
        a_cost_centre(),
    ],
)
def test_defining_what_is_known_already_changes_and_announces_nothing(again: Command) -> None:
    desk = a_directory()
    desk.hear(a_person(roles=(Role.ASSET_MANAGER, Role.REQUESTER)))
    desk.hear(a_group("person-1", "person-2"), a_cost_centre())
    before = desk.fork()

    ended = desk.hear(again)

    assert ended.decision.answer["change"] == "unchanged"
    assert (desk.records, desk.said) == (before.records, before.said)


def test_changing_a_person_leaves_their_groups_and_cost_centres_as_they_are() -> None:
    desk = a_directory()
    desk.hear(a_group("person-1"), a_cost_centre(), a_person(name="Renamed"))

    person = the_person(desk)

    assert (person.name, person.groups, person.cost_centres) == ("Renamed", ("FINANCE",), ("CC-110",))


# Groups


def test_a_group_is_told_to_its_members_and_to_everybody() -> None:
    desk = a_directory(*PEOPLE)

    ended = desk.hear(a_group("person-2", "person-1"))

    group = Group(
        id=group_id_of("FINANCE"),
        code="FINANCE",
        name="Finance",
        members=("person-1", "person-2"),
        active=True,
    )
    joined = [replace(the_person(desk, each), version=1) for each in group.members]
    assert ended.decision.save == [*joined, group]
    assert ended.decision.publish == [
        GroupChanged(group_id=group.id, code="FINANCE", name="Finance", members=group.members, active=True)
    ]
    assert ended.decision.answer == {"group_id": str(group.id), "code": "FINANCE", "change": "created"}
    assert {each: the_person(desk, each).groups for each in PEOPLE} == {
        "person-1": ("FINANCE",),
        "person-2": ("FINANCE",),
        "person-3": (),
    }


def test_who_leaves_a_group_does_not_belong_to_it_any_more() -> None:
    desk = a_directory(*PEOPLE)
    desk.hear(a_group("person-1", "person-2"))

    ended = desk.hear(a_group("person-2", "person-3"))

    assert {each: the_person(desk, each).groups for each in PEOPLE} == {
        "person-1": (),
        "person-2": ("FINANCE",),
        "person-3": ("FINANCE",),
    }
    saved = [each.person_id for each in ended.decision.save if isinstance(each, Person)]
    assert sorted(saved) == ["person-1", "person-3"]


def test_nobody_belongs_to_an_inactive_group_until_it_is_active_again() -> None:
    desk = a_directory("person-1")
    desk.hear(a_group("person-1"))

    desk.hear(a_group("person-1", active=False))
    inactive = the_person(desk).groups
    desk.hear(a_group("person-1"))

    assert (inactive, the_person(desk).groups) == ((), ("FINANCE",))


def test_a_member_nobody_has_told_us_of_becomes_known_by_their_id() -> None:
    desk = a_directory()

    ended = desk.hear(a_group("person-9"))

    assert the_person(desk, "person-9") == Person(
        id=person_key("person-9"), version=1, person_id="person-9", name="person-9", groups=("FINANCE",)
    )
    assert ended.decision.publish[0] == PersonChanged(
        person_key=person_key("person-9"), person_id="person-9", name="person-9", active=True
    )


def test_a_group_has_at_most_so_many_members() -> None:
    everybody = [f"person-{number}" for number in range(MEMBERS_MAX)]

    assert len(a_group(*everybody).members) == MEMBERS_MAX
    with pytest.raises(ValidationError):
        a_group(*everybody, "person-too-many")


# Cost centres


def test_a_cost_centre_is_told_to_its_owner_and_to_everybody() -> None:
    desk = a_directory("person-1")

    ended = desk.hear(a_cost_centre())

    centre = CostCentre(
        id=cost_centre_id_of("CC-110"), code="CC-110", name="Cc-110", owned_by="person-1", active=True
    )
    assert ended.decision.save == [replace(the_person(desk), version=1), centre]
    assert ended.decision.publish == [
        CostCentreChanged(
            cost_centre_id=centre.id, code="CC-110", name="Cc-110", owned_by="person-1", active=True
        )
    ]
    assert ended.decision.answer == {
        "cost_centre_id": str(centre.id),
        "code": "CC-110",
        "change": "created",
    }
    assert the_person(desk).cost_centres == ("CC-110",)


def test_a_cost_centre_has_one_owner_at_a_time() -> None:
    desk = a_directory("person-1")
    desk.hear(a_cost_centre(), a_cost_centre(code="CC-120"))

    desk.hear(a_cost_centre("person-2"))

    assert the_person(desk, "person-1").cost_centres == ("CC-120",)
    assert the_person(desk, "person-2").cost_centres == ("CC-110",)


def test_nobody_answers_for_an_inactive_cost_centre() -> None:
    desk = a_directory("person-1")
    desk.hear(a_cost_centre())

    desk.hear(a_cost_centre(active=False))

    assert the_person(desk).cost_centres == ()


# Whose approvals somebody may give


def test_the_keys_of_approvers_are_written_so() -> None:
    keys = [
        role_key(Role.PROCUREMENT_MANAGER),
        group_key("FINANCE"),
        own_key("person-17"),
        cost_centre_key("CC-110"),
    ]

    assert keys == [
        "role:procurement_manager",
        "group:FINANCE",
        "person:person-17",
        "cost_centre:CC-110",
    ]


def test_somebody_answers_for_themselves_their_roles_their_groups_and_their_cost_centres() -> None:
    desk = a_directory("person-1", "person-2")
    desk.hear(a_group("person-1", "person-2"), a_group("person-2", code="LEGAL"), a_cost_centre())

    keys = authority_of("person-1", [Role.REQUESTER, Role.ASSET_MANAGER], the_person(desk))

    assert keys == {
        "person:person-1",
        "role:requester",
        "role:asset_manager",
        "group:FINANCE",
        "cost_centre:CC-110",
    }


def test_somebody_unknown_answers_for_themselves_and_their_roles() -> None:
    assert authority_of("person-9", [Role.ASSET_MANAGER], None) == {"person:person-9", "role:asset_manager"}


def test_somebody_inactive_answers_for_nothing() -> None:
    desk = a_directory()
    desk.hear(a_person(active=False), a_group("person-1"), a_cost_centre())

    assert authority_of("person-1", [Role.ASSET_MANAGER], the_person(desk)) == frozenset()


# Said again


def test_everything_is_said_again_to_whoever_asks() -> None:
    desk = a_directory("person-1")
    desk.hear(a_group("person-1"), a_cost_centre())
    first = list(desk.said)

    told: list[Announcement] = []
    asked: list[Any] = [AnnounceAll()]
    while asked:
        decision = desk.hear(asked.pop(), sender="assets" if not told else "requests").decision
        told += decision.announce
        asked += decision.publish

    assert [said.fact for said in told] == first
    assert [said.to for said in told] == ["assets"] * 3
    # Joining the group and owning the cost centre made the person's record newer than what was said of them.
    assert [said.sequence for said in told] == [3, 1, 1]


# Any order


@st.composite
def definitions(draw: st.DrawFn) -> Command:
    """A group, a cost centre or a person among few, so that they meet."""
    active = draw(st.booleans())
    match draw(st.sampled_from(["person", "group", "cost centre"])):
        case "person":
            return a_person(draw(st.sampled_from(PEOPLE)), active=active)
        case "group":
            members = draw(st.lists(st.sampled_from(PEOPLE)))
            return a_group(*members, code=draw(st.sampled_from(["FINANCE", "LEGAL"])), active=active)
    owner, code = draw(st.sampled_from(PEOPLE)), draw(st.sampled_from(["CC-110", "CC-120"]))
    return a_cost_centre(owner, code=code, active=active)


@given(st.lists(definitions(), max_size=12))
def test_what_stands_on_people_is_what_groups_and_cost_centres_say(said: list[Command]) -> None:
    desk = a_directory()

    for definition in said:
        desk.hear(definition)

        groups: list[Group] = desk.all(Group, active=True)
        centres: list[CostCentre] = desk.all(CostCentre, active=True)
        for person in desk.all(Person):
            assert set(person.groups) == {each.code for each in groups if person.person_id in each.members}
            assert set(person.cost_centres) == {
                each.code for each in centres if each.owned_by == person.person_id
            }
        named = {member for group in desk.all(Group) for member in group.members}
        named |= {centre.owned_by for centre in desk.all(CostCentre)}
        assert named <= set(known(desk))


def test_a_group_without_members_can_be_defined() -> None:
    desk = a_directory()

    ended = desk.hear(DefineGroup(code="FINANCE", name="Finance"))

    assert [type(each) for each in ended.decision.save] == [Group]
