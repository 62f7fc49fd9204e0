"""Who must say yes, and what a yes, a no and silence lead to."""

from decimal import Decimal
from typing import Any

import pytest

from libs.chassis.decision import Actor, Grant, timer_id
from libs.contracts.approvals import (
    ApprovalAwaited,
    ApprovalDecided,
)
from libs.contracts.permissions import Role
from libs.contracts.purchasing import CreateOrder
from libs.contracts.requests import EditRequest, RequestApproved, RequestRejected
from libs.contracts.values import derived_id
from services.requests.approval_round import (
    ESCALATION,
    EXPIRY,
    REMINDER,
    Approval,
    ApprovalRound,
    ApprovalSeat,
    RoundStatus,
    Verdict,
)
from services.requests.editing import wish_of
from services.requests.process import FulfilmentProcess
from services.requests.purchase_request import RequestLine, Status
from tests.builders_approval import (
    ASSETS,
    BUYER,
    KEEPER,
    OWNER,
    PROCUREMENT,
    SECOND_BUYER,
    a_desk_with_policy,
    a_desk_with_rule,
    a_rule,
    a_step,
    a_waiting_desk,
    an_expired_desk,
    by_group,
    by_person,
    open_seats,
    says,
    the_round,
)
from tests.builders_desk import (
    COLLEAGUE,
    LAPTOP,
    REQUESTER,
    SERVER,
    STATION,
    Desk,
    a_request,
    a_requests_desk,
    a_yes,
    the_request,
)
from tests.builders_dock import NOON
from tests.builders_people import a_cost_centre, a_group, a_person
from tests.builders_workflow import a_desk_with

BUYERS, KEEPERS = f"role:{PROCUREMENT}", f"role:{ASSETS}"


@pytest.fixture
def desk() -> Desk:
    """One request waits for its only approval."""
    desk = a_requests_desk()
    desk.hear(a_request({SERVER: 1}, on_behalf_of=COLLEAGUE))
    return desk


# Beginning


def test_a_request_that_needs_no_approval_leaves_no_trace_of_one() -> None:
    desk = a_requests_desk()

    ended = desk.hear(a_request({STATION: 2}))

    request = the_request(desk)
    assert (request.status, request.approved_total, request.round) == (Status.APPROVED, request.total, 0)
    assert [type(message) for message in desk.said[1:]] == [RequestApproved, CreateOrder]
    assert desk.said[1] == RequestApproved(
        request_id=request.id, number=request.number, approved_by=(), total=request.money
    )
    assert (desk.all(ApprovalRound), desk.all(ApprovalSeat), desk.all(Approval)) == ([], [], [])
    assert not ended.decision.cancel
    assert desk.all(FulfilmentProcess) != []


def test_a_larger_request_waits_for_a_procurement_manager(desk: Desk) -> None:
    request, round = the_request(desk), the_round(desk)

    assert (request.status, request.round, request.approved_total) == (Status.AWAITING_APPROVAL, 1, None)
    assert (round.content, round.revision, round.total) == (request.content, 1, request.total)
    assert (round.policy_number, round.rule) == (0, "1,000 and above")
    assert desk.said[1:] == [
        ApprovalAwaited(
            request_id=request.id,
            number=request.number,
            purpose="request",
            round=1,
            step=1,
            approvers=(BUYERS,),
            quorum=1,
            total=request.money,
        )
    ]
    assert open_seats(desk) == [BUYERS]
    assert desk.all(FulfilmentProcess) == []


# A yes and a no


def test_a_yes_approves_it_and_is_kept_as_it_was_said(desk: Desk) -> None:
    ended = says(desk, BUYER, reason="we need it")

    request, round = the_request(desk), the_round(desk)
    assert ended.decision.answer == {
        "request_id": str(request.id),
        "number": request.number,
        "status": "approved",
        "round": 1,
        "step": 1,
        "round_status": "approved",
    }
    assert (request.status, request.approved_total) == (Status.APPROVED, request.total)
    (said,) = desk.all(Approval)
    assert (said.round_id, said.step, said.verdict, said.decided_by, said.approver, said.reason) == (
        round.id,
        1,
        Verdict.APPROVE,
        BUYER,
        BUYERS,
        "we need it",
    )
    assert (said.revision, said.content, said.at) == (1, request.content, NOON)
    assert (round.status, round.closed_at, open_seats(desk)) == (RoundStatus.APPROVED, NOON, [])
    assert timer_id(round.id, REMINDER) in ended.decision.cancel


def test_the_largest_requests_need_two_yeses_one_after_the_other() -> None:
    desk = a_requests_desk()
    desk.hear(a_request({SERVER: 3}))

    says(desk, BUYER)
    between = open_seats(desk), the_round(desk).step
    says(desk, KEEPER)

    assert between == ([KEEPERS], 2)
    request = the_request(desk)
    approved = RequestApproved(
        request_id=request.id, number=request.number, approved_by=(BUYER, KEEPER), total=request.money
    )
    assert approved in desk.said
    assert [said.step for said in desk.said if isinstance(said, ApprovalDecided)] == [1, 2]


@pytest.mark.parametrize("yeses", [0, 1])
def test_one_no_stops_it_at_any_step(yeses: int) -> None:
    desk = a_requests_desk()
    desk.hear(a_request({SERVER: 3}))
    for _ in range(yeses):
        says(desk, BUYER)

    ended = says(desk, (BUYER, KEEPER)[yeses], "reject", reason="  too dear ")

    request = the_request(desk)
    assert request.status is Status.REJECTED
    assert desk.said[-1] == RequestRejected(
        request_id=request.id, number=request.number, rejected_by=(BUYER, KEEPER)[yeses], reason="too dear"
    )
    assert (the_round(desk).status, open_seats(desk)) == (RoundStatus.REJECTED, [])
    assert desk.all(FulfilmentProcess) == []
    names = (REMINDER, ESCALATION, EXPIRY)
    assert set(ended.decision.cancel) == {timer_id(the_round(desk).id, name) for name in names}


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_no_needs_a_reason(desk: Desk, reason: str) -> None:
    assert says(desk, BUYER, "reject", reason=reason).code == "reason_missing"


def test_an_unknown_request_cannot_be_decided_on(desk: Desk) -> None:
    ended = says(desk, BUYER, request_id=derived_id("test-request", "unknown"))

    assert ended.code == "request_unknown"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"role": ASSETS.value}, "request_not_awaiting_approval"),
        ({"step": 2}, "request_not_awaiting_approval"),
        ({"round": 2}, "request_not_awaiting_approval"),
        ({"revision": 2}, "revision_outdated"),
        ({"role": PROCUREMENT.value, "step": 1, "round": 1, "revision": 1}, None),
    ],
)
def test_who_says_what_they_decide_on_decides_on_nothing_else(
    desk: Desk, said: dict[str, Any], code: str | None
) -> None:
    assert says(desk, BUYER, **said).code == code


def test_nobody_decides_in_another_name_without_saying_so(desk: Desk) -> None:
    ended = desk.hear(a_yes(the_request(desk), BUYER), actor=Actor(SECOND_BUYER, frozenset({PROCUREMENT})))

    assert ended.code == "not_entitled"


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.SUBMITTED])
@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_only_what_waits_can_be_decided_on(status: Status, verdict: str) -> None:
    desk = an_expired_desk() if status is Status.EXPIRED else a_desk_with(status)
    before = desk.fork()

    ended = says(desk, BUYER, verdict)

    if status is Status.AWAITING_APPROVAL:
        assert ended.verdict == "accepted"
    else:
        assert ended.code == "request_not_awaiting_approval"
        assert desk.records == before.records


# Who may


@pytest.mark.parametrize(
    ("person", "roles"),
    [(BUYER, {ASSETS}), (KEEPER, {ASSETS}), ("person-11x", {ASSETS})],
)
def test_only_those_who_are_named_decide(desk: Desk, person: str, roles: Any) -> None:
    assert says(desk, person, roles=roles).code == "not_an_approver"


def test_a_request_is_unknown_to_whom_it_is_no_business(desk: Desk) -> None:
    assert says(desk, BUYER, roles={}).code == "request_unknown"


def test_what_needed_nobody_is_no_business_of_an_approver_either() -> None:
    desk = a_desk_with_rule()
    desk.hear(a_request({STATION: 1}))

    assert the_request(desk).status is Status.APPROVED
    assert says(desk, "person-31").code == "request_unknown"


def test_a_member_of_the_group_decides_as_long_as_they_belong_to_it() -> None:
    desk = a_waiting_desk(a_step(by_group("FINANCE")))
    desk.hear(a_group("person-31", "person-32"))
    desk.hear(a_group("person-32"))

    gone, member = says(desk, "person-31"), says(desk, "person-32")

    assert (gone.code, member.verdict) == ("request_unknown", "accepted")
    assert desk.all(Approval)[0].approver == "group:FINANCE"


def test_the_cost_centre_is_decided_on_by_whoever_owns_it_then() -> None:
    desk = a_desk_with_rule(a_step(OWNER))
    desk.hear(a_cost_centre("person-41", "CC-1"))
    desk.hear(a_request({STATION: 1}, cost_centre="CC-1"))
    desk.hear(a_cost_centre("person-42", "CC-1"))

    before, now = says(desk, "person-41"), says(desk, "person-42")

    assert (before.code, now.verdict) == ("request_unknown", "accepted")


def test_an_inactive_person_decides_nothing() -> None:
    desk = a_waiting_desk(a_step(by_person("person-31")))
    desk.hear(a_person("person-31", active=False))

    assert says(desk, "person-31").code == "request_unknown"


@pytest.mark.parametrize("disguise", ["requester", "on_behalf_of", "submitted_by"])
@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_nobody_decides_on_their_own_request(disguise: str, verdict: str) -> None:
    desk = a_requests_desk()
    for_anybody = (Grant(frozenset({"*"}), frozenset({Role.REQUESTER})),)
    stand_in = Actor(BUYER, frozenset({PROCUREMENT}), grants=for_anybody)
    submitter = {"actor": stand_in} if disguise == "submitted_by" else {}
    names = {disguise: BUYER} if disguise != "submitted_by" else {}
    desk.hear(a_request({SERVER: 1}, **names), **submitter)

    ended = says(desk, BUYER, verdict)

    assert ended.code == "own_request"


def test_nobody_decides_on_what_they_have_changed_it_into() -> None:
    desk = a_requests_desk()
    desk.hear(a_request({SERVER: 1}))
    request = the_request(desk)
    wish = wish_of(request, desk.all(RequestLine)).model_copy(update={"justification": "twice as good"})
    edit = EditRequest(request_id=request.id, **dict(wish))

    changed = desk.hear(edit, actor=Actor(BUYER, frozenset({PROCUREMENT})))

    assert changed.verdict == "accepted"
    assert says(desk, BUYER).code == "own_request"
    assert says(desk, SECOND_BUYER).verdict == "accepted"


def test_where_the_only_approver_asks_themselves_a_procurement_manager_decides() -> None:
    desk = a_desk_with_policy(a_rule(a_step(by_person(REQUESTER))))

    desk.hear(a_request({LAPTOP: 1}))

    assert open_seats(desk) == [BUYERS]
    assert the_request(desk).total == Decimal("999.90")
