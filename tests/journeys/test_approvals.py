"""Approval on real servers: several steps, several people, in somebody's name, in time or too late, many at once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest_asyncio

from deploy.demo.erp import checked
from libs.contracts.orders import CompletedLine, CompleteOrder, SubmitOrder
from libs.contracts.permissions import Role
from libs.contracts.requests import EditRequest, RequestedLine
from tests.conftest import unique_name
from tests.journeys.system import ADMINISTRATOR, APPROVER, REQUESTER, Seen, System, a_request, as_person
from tests.tokens import bearer

POLICY = "/approval-policies/current"
LAPTOP = ("LAP-14-PRO", 1)


class Approvals:
    """People, a group and a cost centre of this test alone, and a policy for what is charged to it."""

    def __init__(self, system: System, name: str) -> None:
        self.system, self.name = system, name
        self.one, self.two, self.boss, self.deputy = (
            f"{name}-{each}" for each in ("1", "2", "boss", "deputy")
        )

    async def begin(self) -> None:
        """Make everybody known."""
        roles = {self.boss: ["asset_manager"]}
        for person in (self.one, self.two, self.boss, self.deputy):
            content = {"person_id": person, "name": person, "roles": roles.get(person, [])}
            await self._define("/people", content)
        members = [self.one, self.two, REQUESTER]
        await self._define("/groups", {"code": self.name, "name": "Finance", "members": members})
        await self._define("/cost-centres", {"code": self.name, "name": "Tests", "owned_by": self.boss})

    async def _define(self, path: str, content: Seen) -> None:
        answer = await self.system.post("requests", path, content, person=ADMINISTRATOR)
        assert answer.status_code == 201, answer.text

    async def ask(self, method: str, path: str, person: str, **said: Any) -> httpx2.Response:
        """Whatever is answered."""
        async with self.system.client("requests") as client:
            headers = as_person(person) | said.pop("headers", {})
            return await client.request(method, path, headers=headers, **said)

    async def put_into_force(self, *steps: Seen) -> httpx2.Response:
        """These steps for what is charged to our cost centre; the policy that was there before for all else."""
        now = await self.ask("GET", POLICY, ADMINISTRATOR)
        policy = now.json()
        rule = {"name": self.name, "conditions": {"cost_centres": [self.name]}, "steps": steps}
        rules = [rule, *(each for each in policy["rules"] if each["name"] != self.name)]
        answer = await self.ask(
            "PUT",
            POLICY,
            ADMINISTRATOR,
            json={"currency": policy["currency"], "rules": rules},
            headers={"If-Match": now.headers["ETag"]},
        )
        assert answer.status_code == 200, answer.text
        return answer

    async def end(self) -> None:
        """Take our rule away again."""
        policy = (await self.ask("GET", POLICY, ADMINISTRATOR)).json()
        rules = [each for each in policy["rules"] if each["name"] != self.name]
        content = {"currency": policy["currency"], "rules": rules}
        headers = {"If-Match": f'"{policy["number"]}"'}
        answer = await self.ask("PUT", POLICY, ADMINISTRATOR, json=content, headers=headers)
        assert answer.status_code == 200

    async def submit(self, *lines: tuple[str, int], **changes: Any) -> str:
        """A request that is charged to our cost centre."""
        return await self.system.submit(*lines or (LAPTOP,), cost_centre=self.name, **changes)

    async def inbox(self, person: str, **wanted: str) -> list[str]:
        """What waits for somebody, by the ids of the requests."""
        answer = await self.ask("GET", "/approvals", person, params=wanted)
        assert answer.status_code == 200, answer.text
        return [each["request_id"] for each in answer.json()["items"]]

    async def rounds(self, request_id: str) -> list[Seen]:
        """All rounds of a request."""
        answer = await self.ask("GET", f"/requests/{request_id}/approvals", APPROVER)
        return list(answer.json()["rounds"])


@pytest_asyncio.fixture
async def approvals(system: System) -> AsyncIterator[Approvals]:
    """People and a policy of this test alone."""
    mine = Approvals(system, unique_name().upper())
    await mine.begin()
    yield mine
    await mine.end()


def by_group(name: str, quorum: int = 1, **delays: Any) -> Seen:
    """A step of this group."""
    return {"approvers": [{"by": "group", "group": name}], "quorum": quorum, **delays}


OWNER: Seen = {"approvers": [{"by": "cost_centre_owner"}]}


async def test_two_of_a_group_and_then_the_deputy_of_the_owner_approve(
    system: System, approvals: Approvals
) -> None:
    one, two, boss, deputy = approvals.one, approvals.two, approvals.boss, approvals.deputy
    await approvals.put_into_force(by_group(approvals.name, quorum=2), OWNER)
    request_id = await approvals.submit()
    number = (await system.show(request_id))["number"]
    days = {
        "from_date": str(datetime.now(UTC).date()),
        "until_date": str(datetime.now(UTC).date() + timedelta(1)),
    }
    await system.post("requests", "/delegations", {"delegate": deputy, **days}, person=boss)

    before = [await approvals.inbox(person) for person in (one, two, boss, deputy, REQUESTER)]
    own = await system.decide(request_id, "approve", person=REQUESTER)
    first = await system.decide(number, "approve", person=one, reason="needed")
    between = [await approvals.inbox(person) for person in (one, two)]
    again = await system.decide(request_id, "approve", person=one)
    await system.decide(request_id, "approve", person=two)
    early = await system.decide(request_id, "approve", person=deputy)
    in_their_name = await approvals.inbox(deputy, acting_for=boss)
    last = await system.decide(request_id, "approve", person=deputy, acting_for=boss)

    assert before == [[request_id], [request_id], [], [], []]
    assert (own.status_code, own.json()["code"]) == (409, "own_request")
    assert (first.status_code, first.json()["round_status"]) == (201, "open")
    assert between == [[], [request_id]]
    assert (again.status_code, again.json()["code"]) == (409, "already_decided")
    assert (early.status_code, early.json()["code"]) == (403, "not_an_approver")
    assert in_their_name == [request_id]
    assert (last.status_code, last.json()["status"]) == (201, "approved")
    await system.ordered(request_id)
    (round,) = await approvals.rounds(number)
    assert (round["status"], round["rule"], round["step"]) == ("approved", approvals.name, 2)
    assert [(said["decided_by"], said["acting_for"], said["approver"]) for said in round["approvals"]] == [
        (one, None, f"group:{approvals.name}"),
        (two, None, f"group:{approvals.name}"),
        (deputy, boss, f"cost_centre:{approvals.name}"),
    ]


async def test_one_no_empties_every_inbox(system: System, approvals: Approvals) -> None:
    await approvals.put_into_force(by_group(approvals.name, quorum=2))
    request_id = await approvals.submit()
    await system.decide(request_id, "approve", person=approvals.one)

    no = await system.decide(request_id, "reject", person=approvals.two, reason="not this year")

    assert (no.status_code, no.json()["status"]) == (201, "rejected")
    assert [await approvals.inbox(each) for each in (approvals.one, approvals.two)] == [[], []]
    (round,) = await approvals.rounds(request_id)
    assert [said["verdict"] for said in round["approvals"]] == ["approve", "reject"]


async def test_who_keeps_silent_is_reminded_then_others_are_asked_and_then_it_is_too_late(
    system: System, approvals: Approvals
) -> None:
    boss = {"by": "person", "person": approvals.boss}
    delays = {"remind_after_hours": 1, "escalate_after_hours": 3, "expire_after_hours": 5}
    await approvals.put_into_force(by_group(approvals.name, **delays, escalate_to=[boss]))
    request_id = await approvals.submit()

    async def the_round() -> Seen:
        (round,) = await approvals.rounds(request_id)
        return round

    async with system.later("requests", timedelta(hours=1, minutes=30)):
        await system.eventually(the_round, lambda round: round["reminders"] == 1)
    before = await approvals.inbox(approvals.boss)
    async with system.later("requests", timedelta(hours=3, minutes=30)):
        await system.eventually(the_round, lambda round: round["escalated"] and round["reminders"] == 2)
        asked = await approvals.inbox(approvals.boss)
    async with system.later("requests", timedelta(hours=5, minutes=30)):
        expired = await system.reaches(request_id, "expired")

    assert (before, asked) == ([], [request_id])
    assert expired["reason"] == "nobody decided on step 1 within 5 hours"
    assert (await the_round())["status"] == "expired"
    assert [await approvals.inbox(each) for each in (approvals.one, approvals.boss)] == [[], []]
    late = await system.decide(request_id, "approve", person=approvals.one)
    assert (late.status_code, late.json()["code"]) == (409, "request_not_awaiting_approval")


async def test_a_riskier_edit_is_approved_anew_and_any_other_is_not(
    system: System, approvals: Approvals
) -> None:
    await approvals.put_into_force(by_group(approvals.name), OWNER)
    request_id = await approvals.submit(LAPTOP, ("MON-24", 1))

    async def edit(*lines: tuple[str, int]) -> Seen:
        command = EditRequest(
            request_id=UUID(request_id),
            cost_centre=approvals.name,
            deliver_to="SITE-NORTH",
            currency="EUR",
            lines=tuple(RequestedLine(sku=sku, quantity=quantity) for sku, quantity in lines),
        )
        return dict(await system.erp.ask(command, str(uuid4())))

    await system.decide(request_id, "approve", person=approvals.one)
    less = await edit(LAPTOP)
    kept = await system.waits_for(request_id)
    more = await edit((LAPTOP[0], 2))
    anew = await system.waits_for(request_id)
    outdated = await system.decide(request_id, "approve", person=approvals.one, revision=2)
    await system.decide(request_id, "approve", person=approvals.one, revision=3)
    await system.decide(request_id, "approve", person=approvals.boss)

    assert [answer["outcome"] for answer in (less, more)] == ["accepted", "accepted"]
    assert kept == [f"cost_centre:{approvals.name}"]
    assert anew == [f"group:{approvals.name}"]
    assert (outdated.status_code, outdated.json()["code"]) == (409, "revision_outdated")
    await system.reaches(request_id, "ordered")
    assert [round["status"] for round in await approvals.rounds(request_id)] == ["voided", "approved"]


async def test_three_hundred_are_decided_on_in_one_call_and_each_ends_for_itself(
    system: System, approvals: Approvals
) -> None:
    await approvals.put_into_force(by_group(approvals.name))
    many = await asyncio.gather(*(approvals.submit(("PSU-65W", 1)) for _ in range(297)))
    own = await approvals.submit(("PSU-65W", 1), requester=approvals.one)
    shown = await approvals.ask("GET", "/approvals", approvals.one, params={"limit": 200})
    rest = await approvals.ask("GET", "/approvals", approvals.one, params={"after": shown.json()["next"]})
    decisions = [{"request_id": each, "verdict": "approve"} for each in (*many, own, str(uuid4()))]
    decisions.append({"request_id": many[0], "verdict": "reject"})

    answer = await approvals.ask("POST", "/approvals/decisions", approvals.one, json={"decisions": decisions})

    seen = [each["request_id"] for page in (shown, rest) for each in page.json()["items"]]
    assert (sorted(seen), rest.json()["next"]) == (sorted(many), None)
    ended = answer.json()
    assert (answer.status_code, ended["accepted"], ended["refused"]) == (200, 297, 3)
    assert [(each["status"], each["code"]) for each in ended["items"][297:]] == [
        (409, "own_request"),
        (404, "request_unknown"),
        (409, "request_not_awaiting_approval"),
    ]
    assert {each["decided"]["status"] for each in ended["items"][:297]} == {"approved"}
    assert await approvals.inbox(approvals.one) == []
    assert await approvals.inbox(approvals.two) == [own]
    await asyncio.gather(*(system.reaches(each, "ordered") for each in many[::50]))


async def test_a_policy_is_changed_by_whoever_has_seen_it(approvals: Approvals) -> None:
    await approvals.put_into_force(by_group(approvals.name))
    seen = await approvals.ask("GET", POLICY, APPROVER)
    content = {"currency": "EUR", "rules": seen.json()["rules"]}
    wrong = {
        **content,
        "rules": [*content["rules"], {"name": "new", "steps": [by_group("X") | {"quorum": 0}]}],
    }
    person = {"approvers": [{"by": "person", "person": "p"}], "quorum": 2}
    never = {**content, "rules": [{"name": "new", "steps": [person]}]}
    etag = {"If-Match": seen.headers["ETag"]}

    async def put(content: Seen, person: str = ADMINISTRATOR, **headers: str) -> tuple[int, str, str | None]:
        answer = await approvals.ask("PUT", POLICY, person, json=content, headers=headers)
        said = answer.json()
        return answer.status_code, said.get("code", ""), said.get("field")

    assert await put(content) == (428, "precondition_missing", None)
    assert await put(content, **{"If-Match": '"0"'}) == (412, "precondition_failed", "expected_number")
    assert await put(content, **{"If-Match": '"x"'}) == (412, "precondition_failed", None)
    assert await put(wrong, **etag) == (
        422,
        "invalid_content",
        f"rules[{len(wrong['rules']) - 1}].steps[0].quorum",
    )
    assert await put(never, **etag) == (422, "policy_invalid", "rules[0].steps[0].quorum")
    assert (await put(content, APPROVER, **etag))[:2] == (403, "not_entitled")
    assert (await put(content, **etag))[0] == 200
    number = seen.json()["number"]
    kept = await approvals.ask("GET", f"/approval-policies/versions/{number}", APPROVER)
    assert kept.json() == seen.json()
    shipped = await approvals.ask("GET", "/approval-policies/versions/0", APPROVER)
    assert [rule["name"] for rule in shipped.json()["rules"]][-1] == "below 1,000"
    listed = await approvals.ask("GET", "/approval-policies/versions", APPROVER, params={"after": number - 1})
    assert [each["number"] for each in listed.json()["items"]] == [number]


async def test_what_a_policy_would_ask_for_is_told_with_the_reasons(
    system: System, approvals: Approvals
) -> None:
    await approvals.put_into_force(OWNER)
    request_id = await approvals.submit()
    draft = {"currency": "EUR", "rules": [{"name": "nobody"}]}
    described = {"total": {"amount": "30000.00", "currency": "EUR"}, "kinds": ["hardware"]}

    async def dry_run(**content: Any) -> Seen:
        answer = await approvals.ask("POST", "/approval-dry-runs", APPROVER, json=content)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    existing = await dry_run(request_id=request_id)
    drafted = await dry_run(request_id=request_id, policy=draft)
    shipped = await dry_run(request=described)
    charged = await dry_run(request=described | {"cost_centre": approvals.name, "requester": approvals.boss})

    assert existing["applies"] == approvals.name
    assert [step["approvers"] for step in existing["steps"]] == [[f"cost_centre:{approvals.name}"]]
    assert existing["rules"][0]["conditions"][0]["met"] is True
    assert (drafted["applies"], drafted["policy_number"], drafted["steps"]) == ("nobody", None, [])
    assert shipped["applies"] == "25,000 and above"
    assert shipped["rules"][0]["conditions"][0]["why"].startswith("the cost centre is not named")
    assert charged["steps"][0]["approvers"] == [f"cost_centre:{approvals.name}", "role:procurement_manager"]
    assert (await approvals.rounds(request_id))[0]["status"] == "open"


async def test_an_inbox_is_private_but_for_who_may_see_everything(
    system: System, approvals: Approvals
) -> None:
    await approvals.put_into_force(by_group(approvals.name))
    request_id = await approvals.submit()
    path = f"/requests/{request_id}/approvals"

    everybody = await approvals.ask("GET", "/approvals", approvals.one, params={"all": "true"})
    stranger = await approvals.ask("GET", path, approvals.deputy)
    approver = await approvals.ask("GET", path, approvals.one)
    requester = await approvals.ask("GET", path, REQUESTER)
    not_delegated = await approvals.ask(
        "GET", "/approvals", approvals.deputy, params={"acting_for": approvals.boss}
    )
    by_key = await approvals.inbox(APPROVER, all="true", approver=f"group:{approvals.name}")
    by_requester = await approvals.inbox(APPROVER, all="true", requester=REQUESTER, purpose="request")
    dock = await approvals.ask(
        "GET", "/approvals", "nobody", headers=bearer("person-mobile", Role.MOBILE_ASSET_MANAGER)
    )

    assert (everybody.status_code, everybody.json()["code"]) == (403, "not_entitled")
    assert (stranger.status_code, stranger.json()["code"]) == (404, "request_unknown")
    assert (approver.status_code, requester.status_code) == (200, 200)
    assert (not_delegated.status_code, not_delegated.json()["code"]) == (403, "not_an_approver")
    assert by_key == [request_id]
    assert request_id in by_requester
    assert dock.status_code == 403


async def test_an_order_that_costs_more_than_was_approved_waits_for_another_yes(
    system: System, approvals: Approvals
) -> None:
    chair = {"name": "Chair", "kind": "hardware", "unit_price": "100.00"}
    await approvals.put_into_force(by_group(approvals.name))
    command = a_request(cost_centre=approvals.name, lines=[{"item": chair, "quantity": 2}])
    request_id = str(checked(await system.erp.ask(command, str(uuid4())))["request_id"])
    await system.decide(request_id, "approve", person=approvals.one)

    async def orders() -> list[Seen]:
        return await system.api.all("purchasing", "/orders", request_id=request_id)

    (order,) = await system.eventually(orders)
    detail = await system.api.get("purchasing", f"/orders/{order['order_id']}")
    vendor = (await system.api.all("purchasing", "/vendors"))[0]
    priced = tuple(
        CompletedLine(order_line_id=UUID(line["order_line_id"]), unit_price=Decimal("150.00"))
        for line in detail["lines"]
    )
    order_id = UUID(order["order_id"])
    complete = CompleteOrder(order_id=order_id, currency="EUR", vendor_number=vendor["number"], lines=priced)
    checked(await system.erp.ask(complete, str(uuid4())))
    checked(await system.erp.ask(SubmitOrder(order_id=order_id), str(uuid4())))
    waiting = await system.eventually(lambda: approvals.inbox(approvals.two, purpose="spending"))
    yes = await system.decide(request_id, "approve", person=approvals.two)
    request = await system.reaches(request_id, "ordered")

    assert waiting == [request_id]
    assert (yes.status_code, yes.json()["round_status"]) == (201, "approved")
    first, second = await approvals.rounds(request_id)
    assert (first["purpose"], first["total"]["amount"]) == ("request", "200.00")
    assert (second["purpose"], second["total"]["amount"], second["vendor"]) == (
        "spending",
        "300.00",
        vendor["number"],
    )
    assert request["approved_total"]["amount"] == "300.00"
