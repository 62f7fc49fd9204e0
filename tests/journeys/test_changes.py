"""What people may still change: a request is edited or withdrawn until it is approved."""

from uuid import UUID

import pytest

from libs.contracts.requests import WithdrawRequest
from tests.journeys.system import APPROVER, ASSET_MANAGER, ERP, REQUESTER, Seen, System, a_request, as_person
from tests.journeys.ways import Way, a_wish, custom

FIRST, SECOND = ["role:procurement_manager"], ["role:asset_manager"]


async def test_an_edit_keeps_the_yes_unless_it_is_riskier_and_the_last_revision_is_ordered(
    system: System, way: Way
) -> None:
    request_id = await way.submit(a_wish(("LAP-16-CAD", 10)))
    revisions: list[tuple[Seen, list[str]]] = []
    for wish in (
        a_wish(("LAP-16-CAD", 9), justification="One fewer."),
        a_wish(("LAP-16-CAD", 8), custom("Installation", "service", "80")),
        a_wish({"sku": "LAP-16-CAD", "quantity": 8, "vendor": "V-006"}),
        a_wish(("LAP-16-CAD", 9)),
    ):
        if await system.waits_for(request_id) == FIRST:
            assert (await way.decide(request_id, "approve")).done
        ended = await way.edit(request_id, wish)
        assert ended.done
        revisions.append((dict(ended.result), await system.waits_for(request_id)))

    for person in (APPROVER, ASSET_MANAGER):
        assert (await way.decide(request_id, "approve", person, revision=5)).done
    request, (order,) = await system.ordered(request_id)
    late = await way.edit(request_id, a_wish(("LAP-16-CAD", 1)))

    assert [(said["revision"], waits) for said, waits in revisions] == [
        (2, SECOND), (3, FIRST), (4, FIRST), (5, FIRST),
    ]  # fmt: skip
    assert late.refusal == ("request_not_editable", "request_id")
    assert (order["vendor_name"], order["lines"][0]["ordered"]) == ("Vendor 01 Computers", 9)
    assert request["approved_total"] == {"amount": "28800.00", "currency": "EUR"}
    shown = await system.api.get("requests", f"/requests/{request['number']}/revisions")
    assert [(each["number"], each["total"]["amount"], each["edited_by"]) for each in shown] == [
        (1, "32000.00", REQUESTER),
        (2, "28800.00", REQUESTER),
        (3, "25680.00", REQUESTER),
        (4, "25600.00", REQUESTER),
        (5, "28800.00", REQUESTER),
    ]
    rounds = (await system.api.get("requests", f"/requests/{request_id}/approvals"))["rounds"]
    assert [(each["status"], each["revision"], each["revision_now"]) for each in rounds] == [
        ("voided", 1, 2), ("voided", 3, 3), ("voided", 4, 4), ("approved", 5, 5),
    ]  # fmt: skip
    await way.cancel(request_id)
    await system.reaches(request_id, "cancelled")


async def test_an_inbox_shows_what_a_request_costs_now(system: System, way: Way) -> None:
    request_id = await way.submit(a_wish(("LAP-14-PRO", 3)))

    assert (await way.edit(request_id, a_wish(("LAP-14-PRO", 2)))).done

    waiting = await system.api.all("requests", "/approvals", all=True)
    assert [each["total"]["amount"] for each in waiting if each["request_id"] == request_id] == ["3098.00"]
    await way.cancel(request_id)


async def test_only_what_was_seen_is_edited(system: System, way: Way) -> None:
    request_id = await way.submit(a_wish(("LAP-14-PRO", 1)))
    seen = (await system.show(request_id))["version"]
    changed = await way.edit(request_id, a_wish(("LAP-14-PRO", 2)), version=seen)
    stale = await way.edit(request_id, a_wish(("LAP-14-PRO", 3)), version=seen)
    async with system.client("requests") as client:
        content = a_wish(("LAP-14-PRO", 3)).model_dump(mode="json")
        path, headers = f"/requests/{request_id}", as_person(REQUESTER)
        blind = await client.put(path, json=content, headers=headers)
        late = await client.put(path, json=content, headers=headers | {"If-Match": f'"{seen}"'})
        whole = await client.get(path, headers=headers)

    assert changed.done
    assert stale.refusal == ("precondition_failed", "expected_version")
    assert (blind.status_code, blind.json()["code"]) == (428, "precondition_missing")
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert whole.headers["ETag"] == f'"{whole.json()["version"]}"'
    assert [line["quantity"] for line in whole.json()["lines"]] == [2]


async def test_a_request_is_withdrawn_by_whom_it_is_and_nobody_need_decide_any_more(
    system: System, way: Way
) -> None:
    request_id = await way.submit(a_wish(("LAP-14-PRO", 1)))
    withdrawal = WithdrawRequest(request_id=UUID(request_id), reason="Found one.")

    stranger = await way.give(withdrawal, "person-18")
    withdrawn = [await way.give(withdrawal) for _ in range(2)]
    late = await way.decide(request_id, "approve")

    assert stranger.refusal == ("request_unknown", "request_id")
    assert [ended.done for ended in withdrawn] == [True, True]
    assert withdrawn[0] == withdrawn[1]
    assert late.code == "request_not_awaiting_approval"
    request = await system.show(request_id)
    assert (request["status"], request["reason"], request["stage"]) == ("withdrawn", "Found one.", None)
    assert await system.waits_for(request_id) == []


@pytest.mark.parametrize("said_by", [ERP, REQUESTER])
async def test_a_withdrawal_that_overtakes_its_request_wins(system: System, said_by: str) -> None:
    way, command = Way(system, "queue"), a_request(("MON-24", 1))

    withdrawn = await way.done(
        WithdrawRequest(external_reference=command.external_reference, reason="Sent by mistake."), said_by
    )
    submitted = [await way.give(command, said_by) for _ in range(2)]

    assert submitted[0].result == submitted[1].result == withdrawn
    request = await system.show(str(withdrawn["request_id"]))
    assert (request["status"], request["reason"]) == ("withdrawn", "Sent by mistake.")
    assert [line["quantity"] for line in request["lines"]] == [1]
    assert await system.api.all("purchasing", "/orders", request_id=request["request_id"]) == []
