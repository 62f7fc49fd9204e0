"""What is answered when purchasing asks whether an order may be placed at all, and who may say so."""

from decimal import Decimal
from typing import Any

import pytest

from libs.contracts.approvals import (
    ApprovalAwaited,
    ApprovalDecided,
    ApprovalEscalated,
    ApprovalReminded,
    ApprovalVoided,
)
from libs.contracts.purchasing import (
    CancelledLine,
    DraftedLine,
    OrderCancelled,
    OrderDrafted,
    SpendingQuestionDropped,
)
from libs.contracts.requests import OrderApproved, OrderRefused
from libs.contracts.values import Kind, Money, derived_id
from services.requests import order_approval, spending
from services.requests.approval_round import (
    ApprovalEscalationDue,
    ApprovalExpiryDue,
    ApprovalReminderDue,
    Purpose,
    RoundStatus,
)
from services.requests.order_to_approve import OrderApprovalStatus, OrderToApprove
from services.requests.purchase_request import PurchaseRequest
from tests.builders_approval import ASSETS as ASSET_MANAGER
from tests.builders_approval import (
    BUYER,
    KEEPER,
    OWNER,
    SECOND_BUYER,
    SUBMITTER,
    a_desk_with_policy,
    a_patient_step,
    a_question,
    a_rule,
    a_step,
    an_order_to_approve,
    by_person,
    by_role,
    due,
    open_seats,
    rounds,
    says,
    the_round,
)
from tests.builders_desk import STATION, Desk, a_request, a_requests_desk, the_request
from tests.builders_people import a_delegation, a_person, delegating

ORDER = derived_id("test-order", 1)


def an_asking_desk(*steps: Any, **question: Any) -> Desk:
    """An order waits for the first of these steps, as shipped for a Procurement Manager."""
    desk = a_desk_with_policy(a_rule(*steps)) if steps else a_requests_desk()
    desk.hear(an_order_to_approve(**question))
    assert the_order(desk).status is OrderApprovalStatus.AWAITING_APPROVAL
    return desk


def the_order(desk: Desk) -> OrderToApprove:
    (order,) = desk.all(OrderToApprove)
    assert isinstance(order, OrderToApprove)
    return order


def decides(desk: Desk, person: str, verdict: str = "approve", **said: Any) -> Any:
    return says(desk, person, verdict, **{"request_id": ORDER} | said)


def outcomes(desk: Desk) -> list[OrderApproved | OrderRefused]:
    return [said for said in desk.said if isinstance(said, OrderApproved | OrderRefused)]


# Asking


def test_an_order_that_the_policy_lets_anybody_place_is_approved_at_once() -> None:
    desk = a_requests_desk()

    ended = desk.hear(an_order_to_approve("999.99"))

    assert outcomes(desk) == [
        OrderApproved(order_id=ORDER, order_revision=1, total=Money(amount=Decimal("999.99"), currency="EUR"))
    ]
    assert ended.decision.answer == {
        "order_id": str(ORDER),
        "number": "PR-000001",
        "order_revision": 1,
        "round": 1,
        "round_status": "approved",
    }
    assert (the_order(desk).status, the_round(desk).status) == (
        OrderApprovalStatus.APPROVED,
        RoundStatus.APPROVED,
    )


def test_any_other_waits_for_those_whom_the_policy_names() -> None:
    desk = an_asking_desk()

    assert open_seats(desk) == ["role:procurement_manager"]
    (awaited,) = [said for said in desk.said if isinstance(said, ApprovalAwaited)]
    assert (awaited.request_id, awaited.number, awaited.purpose) == (ORDER, "PR-000001", "order")
    round = the_round(desk)
    assert (round.purpose, round.order_id, round.vendor, round.total) == (
        Purpose.ORDER,
        ORDER,
        "V-2",
        Decimal("1200.00"),
    )
    assert outcomes(desk) == []


@pytest.mark.parametrize(
    ("conditions", "matches"),
    [
        ({"sources": ("purchasing",)}, True),
        ({"vendors": ("V-2",)}, True),
        ({"kinds": (Kind.HARDWARE,)}, True),
        ({"total_at_least": Decimal(1_200)}, True),
        ({"vendors": ("V-1",)}, False),
        ({"kinds": (Kind.SOFTWARE,)}, False),
        ({"cost_centres": ("CC-1",)}, False),
    ],
    ids=lambda value: "" if isinstance(value, bool) else "-".join(value),
)
def test_a_policy_tells_orders_by_source_vendor_kind_and_total(
    conditions: dict[str, Any], *, matches: bool
) -> None:
    desk = a_desk_with_policy(
        a_rule(a_step(by_role(ASSET_MANAGER)), name="like this", **conditions), a_rule(name="any")
    )

    desk.hear(an_order_to_approve())

    assert open_seats(desk) == (["role:asset_manager"] if matches else [])


def test_an_order_has_no_cost_centre_so_a_procurement_manager_stands_in_for_its_owner() -> None:
    assert open_seats(an_asking_desk(a_step(OWNER))) == ["role:procurement_manager"]


def test_the_same_question_again_is_a_duplicate() -> None:
    desk = an_asking_desk()
    before = desk.fork()

    ended = desk.hear(an_order_to_approve())

    assert (ended.verdict, ended.decision.answer["round_status"]) == ("duplicate", "open")
    assert desk.records == before.records


@pytest.mark.parametrize("change", [{"order_revision": 2}, {"total": "1300.00"}], ids=["later", "dearer"])
def test_another_question_takes_the_place_of_the_one_before(change: dict[str, Any]) -> None:
    desk = an_asking_desk()

    desk.hear(an_order_to_approve(**change))

    assert [round.status for round in rounds(desk)] == [RoundStatus.VOIDED, RoundStatus.OPEN]
    assert [said.order_revision for said in outcomes(desk)] == [1]
    assert open_seats(desk) == ["role:procurement_manager"]


def test_a_question_about_an_earlier_revision_is_refused() -> None:
    desk = an_asking_desk(order_revision=2)

    assert desk.hear(an_order_to_approve(order_revision=1)).code == "order_revision_outdated"


def test_a_placed_order_is_asked_about_again_when_it_shall_cost_more() -> None:
    desk = an_asking_desk()
    decides(desk, BUYER)

    desk.hear(an_order_to_approve("2000.00", order_revision=2))
    decides(desk, SECOND_BUYER)

    assert [said.order_revision for said in outcomes(desk)] == [1, 2]
    assert the_order(desk).status is OrderApprovalStatus.APPROVED


# Deciding


def test_a_yes_lets_the_order_be_placed() -> None:
    desk = an_asking_desk()

    ended = decides(desk, BUYER)

    assert ended.decision.answer == {
        "request_id": str(ORDER),
        "number": "PR-000001",
        "status": "approved",
        "round": 1,
        "step": 1,
        "round_status": "approved",
    }
    assert [type(said) for said in outcomes(desk)] == [OrderApproved]
    (told,) = [said for said in desk.said if isinstance(said, ApprovalDecided)]
    assert (told.request_id, told.purpose, told.revision) == (ORDER, "order", 1)
    assert open_seats(desk) == []


@pytest.mark.parametrize("how", ["no", "silence"])
def test_without_a_yes_the_order_is_refused(how: str) -> None:
    desk = an_asking_desk(a_step(expire_after_hours=3))

    if how == "no":
        decides(desk, BUYER, "reject", reason="too dear")
    else:
        desk.hear(due(desk, ApprovalExpiryDue))

    assert outcomes(desk) == [
        OrderRefused(
            order_id=ORDER,
            order_revision=1,
            reason="too dear" if how == "no" else "expired: nobody decided on step 1 within 3 hours",
        )
    ]
    assert the_order(desk).status is OrderApprovalStatus.REFUSED
    assert open_seats(desk) == []


def test_whoever_submitted_the_order_does_not_decide_on_it() -> None:
    desk = an_asking_desk()

    assert decides(desk, SUBMITTER).code == "own_request"
    assert decides(desk, BUYER).verdict == "accepted"


def test_nor_does_their_deputy_in_their_name_or_they_in_anothers() -> None:
    desk = an_asking_desk()
    for person in (SUBMITTER, BUYER, KEEPER):
        desk.hear(a_person(person))
    delegating(desk, a_delegation(SUBMITTER, KEEPER), a_delegation(BUYER, SUBMITTER))

    assert decides(desk, KEEPER, acting_for=SUBMITTER).code == "own_request"
    assert decides(desk, SUBMITTER, acting_for=BUYER).code == "own_request"


def test_nor_does_anybody_whose_request_the_order_serves() -> None:
    desk = a_requests_desk()
    desk.hear(a_request({STATION: 1}, on_behalf_of=SECOND_BUYER))

    desk.hear(an_order_to_approve(request_ids=(the_request(desk).id, derived_id("not known"))))

    assert the_order(desk).people == {SUBMITTER, "person-1", SECOND_BUYER}
    assert decides(desk, SECOND_BUYER).code == "own_request"
    assert decides(desk, BUYER).verdict == "accepted"


def test_a_policy_that_names_only_the_submitter_has_a_procurement_manager_decide() -> None:
    assert open_seats(an_asking_desk(a_step(by_person(SUBMITTER)))) == ["role:procurement_manager"]


def test_all_steps_are_taken_by_as_many_as_they_want() -> None:
    desk = an_asking_desk(a_step(quorum=2), a_step(by_role(ASSET_MANAGER)))

    verdicts = [decides(desk, who).decision.answer["step"] for who in (BUYER, SECOND_BUYER, KEEPER)]

    assert verdicts == [1, 2, 2]
    assert [type(said) for said in outcomes(desk)] == [OrderApproved]


def test_who_keeps_silent_is_reminded_and_others_are_asked_as_well() -> None:
    desk = an_asking_desk(a_patient_step())

    desk.hear(due(desk, ApprovalReminderDue), due(desk, ApprovalEscalationDue))

    told = [said for said in desk.said if isinstance(said, ApprovalReminded | ApprovalEscalated)]
    assert [(type(said), said.request_id, said.purpose) for said in told] == [
        (ApprovalReminded, ORDER, "order"),
        (ApprovalEscalated, ORDER, "order"),
    ]
    assert open_seats(desk) == ["role:asset_manager", "role:procurement_manager"]


def test_to_strangers_the_order_is_as_unknown_as_one_that_does_not_exist() -> None:
    assert decides(an_asking_desk(), "person-77").code == "request_unknown"


def test_a_decision_about_a_revision_that_was_not_seen_is_refused() -> None:
    desk = an_asking_desk(order_revision=2)

    assert decides(desk, BUYER, revision=1).code == "revision_outdated"


def test_orders_wait_among_requests_in_the_order_in_which_they_came() -> None:
    desk = an_asking_desk()

    desk.hear(a_request({STATION: 1}))

    assert the_order(desk).ordinal < the_request(desk).ordinal


# What becomes of the order


def drafted(revision: int) -> OrderDrafted:
    line = DraftedLine(order_line_id=derived_id("line"), request_line_id=None, quantity=1)
    return OrderDrafted(
        order_id=ORDER,
        requisition_number="PR-000001",
        request_id=None,
        status="draft",
        order_revision=revision,
        total=Money(amount=Decimal(1), currency="EUR"),
        lines=(line,),
    )


def cancelled() -> OrderCancelled:
    line = CancelledLine(order_line_id=derived_id("line"), cancelled=1)
    return OrderCancelled(
        order_id=ORDER, requisition_number="PR-000001", request_id=None, reason="no need", lines=(line,)
    )


def dropped(revision: int = 1) -> SpendingQuestionDropped:
    return SpendingQuestionDropped(
        order_id=ORDER,
        requisition_number="PR-000001",
        request_id=None,
        order_revision=revision,
        reason="PR-000001 was placed",
    )


def a_listening_desk() -> Desk:
    asking = an_asking_desk()
    desk = Desk(spending.HANDLERS, order_approval.HANDLERS)
    desk.records = asking.records
    return desk


@pytest.mark.parametrize("how", ["changed", "cancelled", "dropped"])
def test_nobody_decides_on_an_order_that_is_not_what_was_asked_about(how: str) -> None:
    desk = a_listening_desk()

    desk.hear({"changed": drafted(2), "cancelled": cancelled(), "dropped": dropped()}[how])

    assert the_round(desk).status is (RoundStatus.STOPPED if how == "cancelled" else RoundStatus.VOIDED)
    assert the_order(desk).status is OrderApprovalStatus.OVER
    assert open_seats(desk) == []
    assert [type(said) for said in desk.said] == [ApprovalVoided, OrderRefused]


def test_that_it_waits_is_no_news() -> None:
    desk = a_listening_desk()
    before = desk.fork()

    desk.hear(drafted(1), dropped(0))

    assert desk.records == before.records


def test_a_changed_order_is_asked_about_anew() -> None:
    desk = a_listening_desk()
    desk.hear(drafted(2))

    desk.hear(an_order_to_approve(order_revision=3))

    assert the_order(desk).status is OrderApprovalStatus.AWAITING_APPROVAL
    assert [round.status for round in rounds(desk)] == [RoundStatus.VOIDED, RoundStatus.OPEN]


def test_an_order_and_what_it_costs_its_request_are_decided_apart() -> None:
    desk = a_requests_desk()
    desk.hear(a_request({STATION: 1}))
    request = the_request(desk)
    desk.hear(a_question(request, "1200.00"), an_order_to_approve(request_ids=(request.id,)))

    says(desk, BUYER, "reject")
    decides(desk, BUYER)

    assert [type(said) for said in outcomes(desk)] == [OrderApproved]
    assert desk.all(PurchaseRequest)[0].approved_total == Decimal("149.50")
