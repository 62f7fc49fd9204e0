"""Who may see and do what, with real tokens at the doors of the services."""

from typing import Any

import pytest

from libs.contracts.permissions import Role
from libs.contracts.requests import RenewCopies
from tests.journeys.system import (
    ADMINISTRATOR,
    APPROVER,
    DOCK,
    REQUESTER,
    System,
    a_request,
    an_event,
    as_person,
)
from tests.tokens import bearer

SOMEBODY_ELSE = "person-18"


async def seen(
    system: System, path: str, headers: dict[str, str], service: str = "requests"
) -> tuple[int, Any]:
    async with system.client(service) as client:
        answer = await client.get(path, headers=headers)
        return answer.status_code, answer.json()


async def test_people_see_their_own_requests_and_managers_all(system: System) -> None:
    theirs = await system.submit(("PSU-65W", 1))
    on_behalf = await system.submit(("PSU-65W", 1), requester=SOMEBODY_ELSE, on_behalf_of=REQUESTER)
    others = await system.submit(("PSU-65W", 1), requester=SOMEBODY_ELSE)
    wanted = {theirs, on_behalf, others}

    async def visible(headers: dict[str, str]) -> tuple[set[str], set[str], int]:
        """What of these is in the list, what can be shown, and how many there are of all."""
        shown = {each for each in wanted if (await seen(system, f"/requests/{each}", headers))[0] == 200}
        listed: set[str] = set()
        after = ""
        while True:
            _, page = await seen(system, f"/requests?limit=500{after}", headers)
            listed |= {item["request_id"] for item in page["items"]} & wanted
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        _, summary = await seen(system, "/summary", headers)
        return listed, shown, sum(summary["requests"].values())

    own, all_of_them = await visible(as_person(REQUESTER)), await visible(as_person(APPROVER))
    nobodys = await visible(as_person("person-stranger"))

    assert own[:2] == ({theirs, on_behalf},) * 2
    assert all_of_them[:2] == (wanted,) * 2
    assert nobodys == (set(), set(), 0)
    assert 2 <= own[2] < all_of_them[2]


async def test_what_one_may_not_see_is_as_unknown_as_what_is_not(system: System) -> None:
    request_id = await system.submit(("PSU-65W", 1))

    hidden = await seen(system, f"/requests/{request_id}", as_person(SOMEBODY_ELSE))
    missing = await seen(system, "/requests/REQ-999999", as_person(SOMEBODY_ELSE))

    assert (hidden[0], hidden[1]["code"]) == (missing[0], missing[1]["code"]) == (404, "request_unknown")


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("purchasing", "/orders"),
        ("receiving", "/receipts"),
        ("assets", "/balances"),
        ("requests", "/people"),
        ("requests", "/audit"),
    ],
)
async def test_a_requester_sees_nothing_of_the_work_behind(system: System, service: str, path: str) -> None:
    status, problem = await seen(system, path, as_person(REQUESTER), service)

    assert (status, problem["code"]) == (403, "not_entitled")


async def test_roles_add_up(system: System) -> None:
    both = bearer("person-19", Role.REQUESTER, Role.MOBILE_ASSET_MANAGER)

    assert (await seen(system, "/requests", both))[0] == 200
    assert (await seen(system, "/receipts", both, "receiving"))[0] == 200
    assert (await seen(system, "/requests", as_person(DOCK)))[0] == 403


async def test_one_sees_assets_in_ones_own_hands_alone(system: System) -> None:
    status, page = await seen(system, "/assets", as_person("person-stranger"), "assets")

    assert (status, page["items"]) == (200, [])


async def test_the_audit_tells_who_asked_as_whom_and_from_where(system: System) -> None:
    event = an_event(a_request(), actas=SOMEBODY_ELSE) | {"id": "as somebody else"}
    event["data"]["requester"] = SOMEBODY_ELSE
    answer = await system.erp.ask_event(event)

    status, page = await seen(
        system, f"/audit?actor={SOMEBODY_ELSE}&action=requests.submit", as_person(ADMINISTRATOR)
    )

    assert (answer["outcome"], status) == ("accepted", 200)
    (done,) = [item for item in page["items"] if item["message_id"] == event["id"]]
    assert (done["actor"], done["through"], done["origin"], done["outcome"], done["type"]) == (
        SOMEBODY_ELSE,
        "erp",
        "queue erp",
        "accepted",
        "requests.submit_request.v1",
    )


async def test_whom_a_system_acts_for_is_who_asks(system: System) -> None:
    event = an_event(a_request(), actas=SOMEBODY_ELSE)

    answer = await system.erp.ask_event(event)

    assert (answer["outcome"], answer["code"], answer["field"]) == ("rejected", "not_entitled", "requester")


async def test_with_a_persons_token_a_system_does_what_the_person_may(system: System) -> None:
    denied = await system.erp.ask_event(_a_renewal())
    allowed = await system.erp.ask_event(
        _a_renewal(), authorization=as_person(ADMINISTRATOR)["Authorization"]
    )

    assert (denied["outcome"], denied["code"]) == ("rejected", "not_entitled")
    assert allowed["outcome"] == "accepted"


def _a_renewal() -> dict[str, Any]:
    """Only administrators have copies renewed."""
    return an_event(RenewCopies())
