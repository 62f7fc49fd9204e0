"""Every command that others may give to requests is answered, whatever becomes of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.contracts.approvals import DecideApproval, DefineApprovalPolicy, Policy
from libs.contracts.catalog import DefineVendor
from libs.contracts.message import MESSAGES, Command
from libs.contracts.people import (
    DefineCostCentre,
    DefineGroup,
    DefinePerson,
    DelegateApprovals,
    EndDelegation,
)
from libs.contracts.requests import (
    CancelRequest,
    EditRequest,
    RenewCopies,
    RetryFulfilment,
    SubmitRequest,
    WithdrawRequest,
)
from tests.conftest import unique_name
from tests.journeys.system import ADMINISTRATOR, APPROVER, ERP, REQUESTER, System, a_request, an_event
from tests.journeys.ways import Way, a_wish, an_item, ask

Made = Callable[[Way], Awaitable[Command]]
NOBODY = UUID(int=0)
LAPTOP = ("LAP-14-PRO", 1)


@dataclass(frozen=True)
class Case:
    """A command that can be obeyed, what its answer tells, one that is refused for which reason, and broken content."""

    good: Made
    told: set[str]
    refused: Command
    refusal: tuple[str, str | None]
    broken: tuple[str, Any]
    person: str = ERP


async def a_submission(way: Way) -> Command:
    return a_request()


async def an_edit(way: Way) -> Command:
    request_id = await way.submit(a_wish(LAPTOP))
    return EditRequest(request_id=UUID(request_id), **dict(a_wish(("LAP-14-PRO", 2))))


async def a_withdrawal(way: Way) -> Command:
    return WithdrawRequest(request_id=UUID(await way.submit(a_wish(LAPTOP))))


async def a_cancellation(way: Way) -> Command:
    return CancelRequest(request_id=UUID(await way.submit(a_wish(LAPTOP))), reason="No.")


async def a_decision(way: Way) -> Command:
    request_id = UUID(await way.submit(a_wish(LAPTOP)))
    return DecideApproval(request_id=request_id, verdict="reject", decided_by=APPROVER, reason="No.")


async def a_retry(way: Way) -> Command:
    """What is stuck is no longer what it needs: its vendor delivers again."""
    name = unique_name()
    vendor = DefineVendor(number=f"V-{name}", name=name, currency="EUR")
    await way.done(vendor, APPROVER)
    sku = await an_item(way, name, "1000.00", vendor=vendor.number)
    request_id = await way.submit(a_wish((sku, 1)))
    await way.done(vendor.model_copy(update={"active": False}), APPROVER)
    await way.done(
        DecideApproval(request_id=UUID(request_id), verdict="approve", decided_by=APPROVER), APPROVER
    )
    await way.system.eventually(lambda: way.system.show(request_id), lambda seen: seen["stage"] == "stuck")
    await way.done(vendor, APPROVER)
    return RetryFulfilment(request_id=UUID(request_id))


async def a_person(way: Way) -> Command:
    return DefinePerson(person_id=unique_name(), name="Person")


async def a_group(way: Way) -> Command:
    return DefineGroup(code=unique_name(), name="Group", members=(REQUESTER,))


async def a_cost_centre(way: Way) -> Command:
    return DefineCostCentre(code=unique_name(), name="Cost centre", owned_by=REQUESTER)


async def a_delegation(way: Way) -> Command:
    one, two = unique_name(), unique_name()
    for person_id in (one, two):
        await way.done(DefinePerson(person_id=person_id, name=person_id), ERP)
    today = datetime.now(UTC).date()
    return DelegateApprovals(delegator=one, delegate=two, from_date=today, until_date=today)


async def the_end_of_one(way: Way) -> Command:
    made = await way.done(await a_delegation(way), ADMINISTRATOR)
    return EndDelegation(delegation_id=UUID(str(made["delegation_id"])))


async def the_same_policy(way: Way) -> Command:
    now = await way.system.api.get("requests", "/approval-policies/current")
    policy = Policy.model_validate({name: now[name] for name in Policy.model_fields}, strict=False)
    return DefineApprovalPolicy(**dict(policy))


async def a_renewal(way: Way) -> Command:
    return RenewCopies()


def days(**changes: int) -> dict[str, Any]:
    today = datetime.now(UTC).date()
    return {"from_date": today, "until_date": today + timedelta(**changes)}


NAMED = {"request_id", "number"}
UNKNOWN = ("request_unknown", "request_id")
CASES: dict[type[Command], Case] = {
    SubmitRequest: Case(
        a_submission, NAMED, a_request(("NO-SUCH", 1)), ("sku_unknown", "lines[0].sku"), ("lines", [])
    ),
    EditRequest: Case(
        an_edit,
        NAMED | {"revision"},
        EditRequest(request_id=NOBODY, **dict(a_wish(LAPTOP))),
        UNKNOWN,
        ("currency", "euros"),
    ),
    WithdrawRequest: Case(
        a_withdrawal, NAMED, WithdrawRequest(request_id=NOBODY), UNKNOWN, ("expected_version", "x")
    ),
    CancelRequest: Case(
        a_cancellation, NAMED, CancelRequest(request_id=NOBODY, reason="No."), UNKNOWN, ("reason", "")
    ),
    DecideApproval: Case(
        a_decision,
        NAMED | {"status", "round", "step", "round_status"},
        DecideApproval(request_id=NOBODY, verdict="approve", decided_by=APPROVER),
        UNKNOWN,
        ("verdict", "perhaps"),
        APPROVER,
    ),
    RetryFulfilment: Case(
        a_retry,
        NAMED | {"commands"},
        RetryFulfilment(request_id=NOBODY),
        UNKNOWN,
        ("request_id", "REQ-1"),
        ADMINISTRATOR,
    ),
    DefineApprovalPolicy: Case(
        the_same_policy,
        {"number"},
        DefineApprovalPolicy(currency="EUR", rules=(), expected_number=1_000_000),
        ("precondition_failed", "expected_number"),
        ("currency", "euros"),
        ADMINISTRATOR,
    ),
    DefinePerson: Case(
        a_person,
        {"person_key", "person_id", "change"},
        DefinePerson(person_id="x", name="x"),
        ("not_entitled", None),
        ("roles", ["king"]),
    ),
    DefineGroup: Case(
        a_group,
        {"group_id", "code", "change"},
        DefineGroup(code="x", name="x"),
        ("not_entitled", None),
        ("members", "all"),
    ),
    DefineCostCentre: Case(
        a_cost_centre,
        {"cost_centre_id", "code", "change"},
        DefineCostCentre(code="x", name="x", owned_by="x"),
        ("not_entitled", None),
        ("owned_by", None),
    ),
    DelegateApprovals: Case(
        a_delegation,
        {"delegation_id", "status"},
        DelegateApprovals(delegator=REQUESTER, delegate=REQUESTER, **days(days=1)),
        ("delegation_to_oneself", "delegate"),
        ("until_date", "some day"),
        ADMINISTRATOR,
    ),
    EndDelegation: Case(
        the_end_of_one,
        {"delegation_id", "status"},
        EndDelegation(delegation_id=NOBODY),
        ("delegation_unknown", "delegation_id"),
        ("delegation_id", 7),
        ADMINISTRATOR,
    ),
    RenewCopies: Case(a_renewal, {"asked"}, RenewCopies(), ("not_entitled", None), ("", None), ADMINISTRATOR),
}
"""Where no content is refused, it is a requester who is."""


def test_the_cases_are_all_that_requests_obeys_when_others_say_it() -> None:
    open_to_others = {
        message
        for message in MESSAGES.values()
        if issubclass(message, Command) and message.owner() == "requests" and message.action is not None
    }

    assert open_to_others == set(CASES)


@pytest.mark.parametrize("command_type", CASES, ids=lambda command: command.type)
async def test_a_command_by_queue_is_answered_whatever_becomes_of_it(
    system: System, command_type: type[Command]
) -> None:
    case = CASES[command_type]
    event = an_event(await case.good(Way(system, "queue")))
    field, value = case.broken
    no_content = {**event["data"], field: value} if field else "nothing"
    nobody = case.refusal[0] == "not_entitled"

    obeyed, repeated = [await ask(system, event, case.person) for _ in range(2)]
    refused = await ask(system, an_event(case.refused), "person-18" if nobody else case.person)
    broken = await ask(system, event | {"id": str(uuid4()), "data": no_content}, case.person)

    assert (obeyed["outcome"], obeyed["command_id"]) == ("accepted", event["id"])
    assert set(obeyed["result"]) == case.told
    assert (repeated["outcome"], repeated["original"]) == ("duplicate", "accepted")
    assert repeated["result"] == obeyed["result"]
    assert (refused["outcome"], refused["code"], refused.get("field")) == ("rejected", *case.refusal)
    assert refused["message"].endswith(".") or ": " in refused["message"]
    assert (broken["outcome"], broken["code"]) == ("rejected", "invalid_content")
    assert (broken.get("field") or "").startswith(field)
    assert broken["message"]
