"""People, groups, cost centres and delegations as others bring them: one by one, from files, and by queue."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from libs.contracts.people import DefineCostCentre, DefineGroup, DefinePerson
from libs.contracts.permissions import Role
from tests.conftest import unique_name
from tests.journeys.system import ADMINISTRATOR, REQUESTER, Seen, System, as_person


@pytest.fixture
def prefix() -> str:
    """What the ids and codes of a test begin with."""
    return unique_name().upper()


def today() -> date:
    return datetime.now(UTC).date()


def table(header: str, *rows: Sequence[str]) -> str:
    return "\n".join([header, *(",".join(row) for row in rows)]) + "\n"


async def groups_of(system: System, person_id: str) -> list[str]:
    person: Seen = await system.api.get("requests", f"/people/{person_id}")
    return list(person["groups"])


async def delegate(system: System, by: str, to: str, **changes: Any) -> tuple[int, Seen]:
    days = {"from_date": today().isoformat(), "until_date": (today() + timedelta(days=1)).isoformat()}
    answer = await system.post("requests", "/delegations", {"delegate": to} | days | changes, person=by)
    return answer.status_code, answer.json()


async def define(system: System, path: str, **content: Any) -> Seen:
    answer = await system.post("requests", path, content, person=ADMINISTRATOR)
    assert answer.status_code == 201
    return dict(answer.json())


async def delegations_of(system: System, seer: str, **wanted: str) -> list[Seen]:
    async with system.client("requests") as client:
        answer = await client.get("/delegations", params=wanted, headers=as_person(seer))
    return list(answer.json()["items"])


async def test_people_groups_and_cost_centres_are_defined_one_by_one(system: System, prefix: str) -> None:
    one, two, group, centre = f"{prefix}-1", f"{prefix}-2", f"{prefix}/FIN", f"CC-{prefix}"
    said: list[tuple[str, Seen]] = [
        ("/people", {"person_id": one, "name": "Person one", "roles": ["asset_manager"]}),
        ("/groups", {"code": group, "name": "Finance", "members": [two, one]}),
        ("/groups", {"code": group, "name": "Finance", "members": [two]}),
        ("/groups", {"code": group, "name": "Finance", "members": [two]}),
        ("/cost-centres", {"code": centre, "name": "Centre", "owned_by": one}),
    ]

    answers = [await define(system, path, **content) for path, content in said]

    assert [answer["change"] for answer in answers] == [
        "created", "created", "changed", "unchanged", "created",
    ]  # fmt: skip
    person = await system.api.get("requests", f"/people/{one}")
    assert person | {"person_key": "", "version": 0} == {
        "person_key": "",
        "version": 0,
        "person_id": one,
        "name": "Person one",
        "roles": ["asset_manager"],
        "active": True,
        "groups": [],
        "cost_centres": [centre],
    }
    assert await groups_of(system, two) == [group]
    assert (await system.api.get("requests", f"/groups/{group}"))["members"] == [two]
    assert (await system.api.get("requests", f"/cost-centres/{centre}"))["owned_by"] == one


async def test_lists_are_searched_by_how_an_id_or_a_name_begins(system: System, prefix: str) -> None:
    for number, name in enumerate((f"x{prefix}", f"Y{prefix}", f"z{prefix}")):
        await define(system, "/people", person_id=f"{prefix}-{number}", name=name, active=number != 1)

    async def found(**wanted: Any) -> list[str]:
        return [each["name"][0] for each in await system.api.all("requests", "/people", **wanted)]

    assert await found(search=prefix.lower()) == ["x", "Y", "z"]
    assert await found(search=prefix, active=True) == ["x", "z"]
    assert await found(search=f"y{prefix}") == ["Y"]
    assert await found(search=f"%{prefix}") == []
    async with system.client("requests") as client:
        headers = as_person(ADMINISTRATOR)
        first = await client.get("/people", params={"search": prefix, "limit": 2}, headers=headers)
    assert first.json()["next"] == f"{prefix}-1"


async def test_whoever_answers_for_a_key_can_be_found(system: System, prefix: str) -> None:
    one, two, gone = people = [f"{prefix}-{number}" for number in range(3)]
    for person_id in people:
        roles = ["storage_manager"] if person_id != two else []
        await define(
            system, "/people", person_id=person_id, name="Person", roles=roles, active=person_id != gone
        )
    await define(system, "/groups", code=prefix, name="Group", members=people)
    await define(system, "/cost-centres", code=prefix, name="Centre", owned_by=two)

    async def found(key: str) -> list[str]:
        seen = await system.api.all("requests", "/people", answers_for=key, search=prefix)
        return [each["person_id"] for each in seen]

    assert await found("role:storage_manager") == [one]
    assert await found(f"group:{prefix}") == [one, two]
    assert await found(f"cost_centre:{prefix}") == [two]
    assert [await found(f"person:{each}") for each in people] == [[one], [two], []]
    assert await found("group:NONE") == []


@pytest.mark.parametrize("path", ["/people", "/groups", "/cost-centres"])
async def test_who_asks_for_things_neither_sees_nor_changes_who_there_is(system: System, path: str) -> None:
    async with system.client("requests") as client:
        shown = await client.get(path, headers=as_person(REQUESTER))
        changed = await client.post(path, headers=as_person(REQUESTER), json={})

    assert [(each.status_code, each.json()["code"]) for each in (shown, changed)] == [
        (403, "not_entitled")
    ] * 2


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/people/nobody", "no_such_person"),
        ("/groups/NONE", "no_such_group"),
        ("/cost-centres/A/B", "no_such_cost_centre"),
    ],
)
async def test_what_nobody_has_defined_is_not_found(system: System, path: str, code: str) -> None:
    async with system.client("requests") as client:
        answer = await client.get(path, headers=as_person(ADMINISTRATOR))

    assert (answer.status_code, answer.json()["code"]) == (404, code)


async def test_files_are_read_row_by_row_and_may_be_read_again(system: System, prefix: str) -> None:
    people = table(
        "person_id,name,roles,active",
        (f"{prefix}-1", "Person one", "requester asset_manager", "yes"),
        (f"{prefix}-2", "Person two", "king", ""),
        (f"{prefix}-3", "Person three", "", "no"),
    )
    groups = table(
        "code,name,member",
        (f"{prefix}-A", "Group A", f"{prefix}-1"),
        (f"{prefix}-B", "Group B", "not a person"),
        (f"{prefix}-A", "Group A", f"{prefix}-3"),
        (f"{prefix}-C", "Group C", ""),
    )
    centres = table("code,name,owned_by", (f"CC-{prefix}", "Centre", f"{prefix}-1"))

    for _ in range(2):
        read = [
            await system.api.post_csv("requests", f"/imports/{name}", text)
            for name, text in (("people", people), ("groups", groups), ("cost-centres", centres))
        ]

        assert [(each["accepted"], each["rejected"]) for each in read] == [(2, 1), (3, 1), (1, 0)]
        assert [(row["row"], row["code"], row["field"]) for row in read[0]["rows"] if row["code"]] == [
            (2, "invalid_content", "roles.0")
        ]
        assert [row["row"] for row in read[1]["rows"] if row["outcome"] == "rejected"] == [2]
    person = await system.api.get("requests", f"/people/{prefix}-1")
    assert person["roles"] == ["asset_manager", "requester"]
    assert (person["groups"], person["cost_centres"]) == ([f"{prefix}-A"], [f"CC-{prefix}"])
    assert (await system.api.get("requests", f"/people/{prefix}-3"))["active"] is False


async def test_rows_of_one_group_that_contradict_each_other_are_refused(system: System, prefix: str) -> None:
    text = table("code,name,member", (prefix, "One", "person-1"), (prefix, "Two", "person-2"))

    async with system.client("requests") as client:
        answer = await client.post(
            "/imports/groups",
            content=text,
            headers=as_person(ADMINISTRATOR) | {"Content-Type": "text/csv"},
        )

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_content")
    assert "Rows 1 and 2" in answer.json()["detail"]


async def test_another_system_keeps_the_directory_by_queue(system: System, prefix: str) -> None:
    one, two = f"{prefix}-1", f"{prefix}-2"
    first_id = str(uuid4())
    person = DefinePerson(person_id=one, name="Person one", roles=(Role.REQUESTER,))

    made = await system.erp.ask(person, first_id)
    repeated = await system.erp.ask(person, first_id)
    reused = await system.erp.ask(person.model_copy(update={"name": "Another"}), first_id)
    group = DefineGroup(code=prefix, name="Group", members=(one, two))
    joined = await system.erp.ask(group, str(uuid4()))
    left = await system.erp.ask(group.model_copy(update={"members": (two,)}), str(uuid4()))
    owned = await system.erp.ask(DefineCostCentre(code=prefix, name="Centre", owned_by=two), str(uuid4()))

    assert [
        (each["outcome"], each.get("code")) for each in (made, repeated, reused, joined, left, owned)
    ] == [
        ("accepted", None),
        ("duplicate", None),
        ("rejected", "message_id_reused"),
        ("accepted", None),
        ("accepted", None),
        ("accepted", None),
    ]
    assert repeated["result"] == made["result"]
    assert made["result"]["change"] == "created"
    assert [await groups_of(system, each) for each in (one, two)] == [[], [prefix]]
    assert (await system.api.get("requests", f"/people/{two}"))["cost_centres"] == [prefix]


async def test_of_two_delegations_at_once_that_would_close_a_circle_one_is_refused(
    system: System, prefix: str
) -> None:
    pairs = [(f"{prefix}-{number}", f"{prefix}-{number}-other") for number in range(5)]
    for person_id in (each for pair in pairs for each in pair):
        await define(system, "/people", person_id=person_id, name=person_id)

    made = await asyncio.gather(
        *(delegate(system, *way) for one, two in pairs for way in ((one, two), (two, one)))
    )

    ended = [sorted(status for status, _ in made[first : first + 2]) for first in range(0, 10, 2)]
    assert ended == [[201, 409]] * 5
    assert {answer.get("code") for _, answer in made} == {None, "delegation_cycle"}


async def test_however_many_change_a_group_at_once_its_members_say_what_it_says(
    system: System, prefix: str
) -> None:
    people = [f"{prefix}-{number}" for number in range(6)]
    changes = [
        DefineGroup(code=prefix, name="Group", members=tuple(people[first : first + 3])) for first in range(4)
    ]

    answers = await asyncio.gather(*(system.erp.ask(change, str(uuid4())) for change in changes * 5))

    assert {answer["outcome"] for answer in answers} == {"accepted"}
    members = (await system.api.get("requests", f"/groups/{prefix}"))["members"]
    assert [each for each in people if await groups_of(system, each)] == members


async def test_approvals_are_delegated_until_the_last_day_has_passed(system: System, prefix: str) -> None:
    one, two, three = (f"{prefix}-{number}" for number in (1, 2, 3))
    for person_id in (one, two, three):
        await define(system, "/people", person_id=person_id, name=person_id)

    ended = [
        await delegate(system, one, two),
        await delegate(system, two, three),
        await delegate(system, three, one),
        await delegate(system, one, "nobody"),
        await delegate(system, one, two, until_date="2020-01-01"),
        await delegate(system, one, two, delegator=three),
    ]

    assert [(status, answer.get("code")) for status, answer in ended] == [
        (201, None),
        (201, None),
        (409, "delegation_cycle"),
        (422, "delegate_unknown"),
        (422, "delegation_dates_invalid"),
        (403, "not_entitled"),
    ]
    assert [each["delegation_id"] for each in await delegations_of(system, two)] == [
        ended[0][1]["delegation_id"], ended[1][1]["delegation_id"],
    ]  # fmt: skip
    assert await delegations_of(system, ADMINISTRATOR, person=two) == await delegations_of(system, two)
    assert await delegations_of(system, ADMINISTRATOR) == []
    assert len(await delegations_of(system, ADMINISTRATOR, everyone="true")) >= 2
    path = f"/delegations/{ended[1][1]['delegation_id']}/end"
    not_theirs = await system.post("requests", path, {}, person=one)
    taken_back = await system.post("requests", path, {"reason": "back early"}, person=two)
    assert (not_theirs.status_code, not_theirs.json()["code"]) == (404, "delegation_unknown")
    assert (taken_back.status_code, taken_back.json()["status"]) == (200, "ended")

    async with system.later("requests", timedelta(days=2)):
        await system.eventually(lambda: delegations_of(system, one), lambda found: found == [])

    (over,) = await delegations_of(system, one, status="ended")
    assert (over["delegation_id"], over["ended_by"]) == (ended[0][1]["delegation_id"], None)
