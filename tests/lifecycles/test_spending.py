"""What is answered when purchasing asks whether an order may cost more, or go elsewhere, than was approved."""

from decimal import Decimal
from typing import Any

import pytest

from libs.contracts.approvals import ApprovalAwaited, ApprovalVoided
from libs.contracts.purchasing import DraftedLine, OrderCancelled, OrderDrafted, SpendingQuestionDropped
from libs.contracts.requests import SpendingApproved, SpendingRefused
from libs.contracts.values import Money, derived_id
from services.requests import spending
from services.requests.approval_round import ApprovalExpiryDue, ApprovalRound, Purpose, RoundStatus
from services.requests.purchase_request import PurchaseRequest, Status
from services.requests.spending import SPENDING
from tests.builders_approval import (
    BUYER,
    KEEPER,
    SECOND_BUYER,
    a_desk_with_rule,
    a_question,
    a_step,
    an_expired_desk,
    open_seats,
    rounds,
    says,
)
from tests.builders_desk import (
    SERVER,
    STATION,
    Desk,
    a_purchasing_desk,
    a_request,
    a_requests_desk,
    the_request,
)
from tests.builders_orders import asked, waiting_for_approval
from tests.builders_workflow import a_desk_with


def an_approved_desk(**request: Any) -> Desk:
    """A request for 149.50 is approved."""
    desk = a_requests_desk()
    desk.hear(a_request({STATION: 1}, **request))
    assert the_request(desk).status is Status.APPROVED
    return desk


def an_asking_desk(total: str = "1200.00", **question: Any) -> Desk:
    """An order of it would cost so much that a Procurement Manager must decide."""
    desk = an_approved_desk()
    desk.hear(a_question(the_request(desk), total, **question))
    assert open_seats(desk) == ["role:procurement_manager"]
    return desk


def outcomes(desk: Desk) -> list[SpendingApproved | SpendingRefused]:
    """What purchasing was told."""
    return [said for said in desk.said if isinstance(said, SpendingApproved | SpendingRefused)]


def test_what_purchasing_asks_can_be_answered() -> None:
    purchasing = a_purchasing_desk()
    waiting_for_approval(purchasing)
    desk = an_approved_desk()
    request = the_request(desk)
    question = asked(purchasing)[0].model_copy(update={"request_id": request.id})

    desk.hear(question)

    assert outcomes(desk) == [
        SpendingApproved(
            request_id=request.id,
            order_id=question.order_id,
            order_revision=question.order_revision,
            total=question.total,
        )
    ]


def test_what_the_policy_lets_anybody_spend_needs_no_person() -> None:
    desk = an_approved_desk()

    desk.hear(a_question(the_request(desk), "999.99"))

    assert [type(said) for said in outcomes(desk)] == [SpendingApproved]
    assert (the_request(desk).approved_total, open_seats(desk)) == (Decimal("999.99"), [])
    assert [(round.purpose, round.status) for round in rounds(desk)] == [
        (Purpose.SPENDING, RoundStatus.APPROVED)
    ]


def test_more_waits_for_those_whom_the_policy_names_for_the_new_total() -> None:
    desk = an_asking_desk()

    (round,) = rounds(desk)
    assert (round.purpose, round.total, round.vendor) == (Purpose.SPENDING, Decimal("1200.00"), "V-2")
    assert (round.requisition_number, round.asked_because) == ("PR-000001", "it costs more")
    assert [said.purpose for said in desk.said if isinstance(said, ApprovalAwaited)] == ["spending"]
    assert outcomes(desk) == []
    assert (the_request(desk).status, the_request(desk).approved_total) == (
        Status.APPROVED,
        Decimal("149.50"),
    )


def test_a_yes_raises_what_may_be_spent() -> None:
    desk = an_asking_desk()

    says(desk, BUYER)

    request = the_request(desk)
    assert outcomes(desk) == [
        SpendingApproved(
            request_id=request.id,
            order_id=derived_id("test-order", 1),
            order_revision=1,
            total=Money(amount=Decimal("1200.00"), currency="EUR"),
        )
    ]
    assert (request.approved_total, request.status) == (Decimal("1200.00"), Status.APPROVED)
    assert open_seats(desk) == []


@pytest.mark.parametrize("how", ["no", "silence"])
def test_without_a_yes_it_is_refused_and_the_request_stays_as_it_is(how: str) -> None:
    desk = a_desk_with_rule(a_step(expire_after_hours=3), total_at_least=Decimal(1_000))
    desk.hear(a_request({SERVER: 1}))
    says(desk, BUYER)
    before = the_request(desk)
    desk.hear(a_question(before, "13000.00"))
    round = rounds(desk)[-1]

    if how == "no":
        says(desk, BUYER, "reject", reason="too dear")
    else:
        desk.hear(ApprovalExpiryDue(request_id=before.id, round_id=round.id, step=1))

    (refused,) = outcomes(desk)
    assert isinstance(refused, SpendingRefused)
    assert refused.reason == (
        "too dear" if how == "no" else "expired: nobody decided on step 1 within 3 hours"
    )
    assert rounds(desk)[-1].status is (RoundStatus.REJECTED if how == "no" else RoundStatus.EXPIRED)
    assert (the_request(desk).status, the_request(desk).approved_total) == (before.status, before.total)


def test_nobody_approves_spending_on_their_own_request() -> None:
    desk = an_approved_desk(on_behalf_of=BUYER)
    desk.hear(a_question(the_request(desk), "1200.00"))

    assert says(desk, BUYER).code == "own_request"
    assert says(desk, SECOND_BUYER).verdict == "accepted"


def test_what_was_approved_for_one_order_meanwhile_covers_another() -> None:
    desk = an_asking_desk()
    question = a_question(the_request(desk), "1100.00", order=2)
    says(desk, BUYER)

    desk.hear(question)

    assert [type(said) for said in outcomes(desk)] == [SpendingApproved, SpendingApproved]
    assert the_request(desk).approved_total == Decimal("1200.00")


def test_another_vendor_is_approved_by_a_person_though_it_costs_no_more() -> None:
    desk = a_desk_with_rule(a_step())
    desk.hear(a_request({STATION: 1}))
    says(desk, BUYER)
    cheaper = a_question(the_request(desk), "100.00", vendor_number="V-9")

    desk.hear(cheaper)
    says(desk, BUYER)
    desk.hear(cheaper.model_copy(update={"order_revision": 2}))

    assert [type(said) for said in outcomes(desk)] == [SpendingApproved, SpendingApproved]
    assert the_request(desk).approved_total == Decimal("149.50")
    assert len(rounds(desk)) == 3


def test_several_orders_may_be_asked_about_at_once_and_each_is_named_by_its_round() -> None:
    desk = an_asking_desk()
    desk.hear(a_question(the_request(desk), "26000.00", order=2))

    unclear = says(desk, BUYER)
    says(desk, BUYER, round=2)
    says(desk, KEEPER, round=2)
    only_one_left = says(desk, BUYER)

    assert (unclear.code, only_one_left.verdict) == ("round_missing", "accepted")
    assert [said.order_id for said in outcomes(desk)] == [derived_id("test-order", n) for n in (2, 1)]
    assert the_request(desk).approved_total == Decimal(26_000)


def test_the_same_question_again_is_a_duplicate() -> None:
    desk = an_asking_desk()
    before = desk.fork()

    ended = desk.hear(a_question(the_request(desk), "1200.00"))

    assert (ended.verdict, ended.decision.answer["round_status"]) == ("duplicate", "open")
    assert desk.records == before.records


def test_a_later_revision_of_the_order_takes_the_place_of_the_one_before() -> None:
    desk = an_asking_desk()

    desk.hear(a_question(the_request(desk), "1300.00", order_revision=2))
    late = desk.hear(a_question(the_request(desk), "1250.00", order_revision=0))

    assert [round.status for round in rounds(desk)] == [RoundStatus.VOIDED, RoundStatus.OPEN]
    assert [said.order_revision for said in outcomes(desk)] == [1]
    assert late.code == "order_revision_outdated"


def test_another_currency_is_never_covered() -> None:
    desk = an_approved_desk()

    desk.hear(a_question(the_request(desk), "1.00", currency="CHF"))
    says(desk, BUYER)

    assert [said.total.currency for said in outcomes(desk) if isinstance(said, SpendingApproved)] == ["CHF"]
    assert the_request(desk).approved_total == Decimal("149.50")


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.SUBMITTED])
def test_only_for_an_approved_request_is_more_spent(status: Status) -> None:
    desk = an_expired_desk() if status is Status.EXPIRED else a_desk_with(status)

    ended = desk.hear(a_question(the_request(desk), "1200.00"))

    assert ended.code == (None if status in SPENDING else "request_not_approved")


def test_a_question_about_a_request_nobody_knows_is_refused() -> None:
    question = a_question(the_request(an_approved_desk()), "1.00", request_id=derived_id("nothing"))

    assert Desk(spending.HANDLERS).hear(question).code == "request_unknown"


# What becomes of the order


def a_listening_desk() -> Desk:
    """An order is asked about, and what becomes of it is heard."""
    asking = an_asking_desk()
    desk = Desk(spending.HANDLERS)
    desk.records = asking.records
    return desk


def drafted(desk: Desk, revision: int, **changes: Any) -> OrderDrafted:
    """The order was changed and waits for something else."""
    request_id = the_request(desk).id
    line = DraftedLine(order_line_id=request_id, request_line_id=None, quantity=1)
    values: dict[str, Any] = {
        "order_id": derived_id("test-order", 1),
        "requisition_number": "PR-000001",
        "request_id": request_id,
        "status": "draft",
        "order_revision": revision,
        "total": Money(amount=Decimal(1), currency="EUR"),
        "lines": (line,),
    }
    return OrderDrafted(**values | changes)


def cancelled(desk: Desk, **changes: Any) -> OrderCancelled:
    """The order will not be placed."""
    values: dict[str, Any] = {
        "order_id": derived_id("test-order", 1),
        "requisition_number": "PR-000001",
        "request_id": the_request(desk).id,
        "reason": "not needed",
        "lines": (),
    }
    return OrderCancelled(**values | changes)


def dropped(desk: Desk, revision: int = 1) -> SpendingQuestionDropped:
    """Nobody need decide on the order."""
    return SpendingQuestionDropped(
        order_id=derived_id("test-order", 1),
        requisition_number="PR-000001",
        request_id=the_request(desk).id,
        order_revision=revision,
        reason="PR-000001 was placed",
    )


@pytest.mark.parametrize("how", ["changed", "cancelled", "dropped"])
def test_nobody_decides_on_an_order_that_is_not_what_was_asked_about(how: str) -> None:
    desk = a_listening_desk()
    news = {"changed": drafted(desk, 2), "cancelled": cancelled(desk), "dropped": dropped(desk)}

    desk.hear(news[how])

    (round,) = rounds(desk)
    assert round.status is (RoundStatus.STOPPED if how == "cancelled" else RoundStatus.VOIDED)
    assert open_seats(desk) == []
    assert [type(said) for said in desk.said] == [ApprovalVoided, SpendingRefused]


def test_other_news_of_orders_change_nothing() -> None:
    desk = a_listening_desk()
    before = desk.fork()
    other = derived_id("test-order", 2)

    desk.hear(
        drafted(desk, 1),
        drafted(desk, 2, order_id=other),
        cancelled(desk, order_id=other),
        cancelled(desk, request_id=None),
        drafted(desk, 2, request_id=derived_id("nothing")),
        dropped(desk, 0),
    )

    assert desk.records == before.records
    assert {type(record) for kept in desk.records.values() for record in kept.values()} >= {
        PurchaseRequest,
        ApprovalRound,
    }
