"""Orders that need another yes, and orders that are cancelled before they are placed."""

from dataclasses import replace
from decimal import Decimal

import pytest

from libs.contracts.orders import RecallOrder
from libs.contracts.purchasing import (
    CancelledLine,
    OrderCancelled,
    OrderDrafted,
    OrderSubmitted,
    SpendingQuestionDropped,
)
from libs.contracts.requests import ApproveSpending, CommandAnswered
from libs.contracts.values import derived_id
from services.purchasing.commitment import RequestOrders
from services.purchasing.purchase_order import (
    Status,
)
from tests.builders_desk import (
    STATION,
    Desk,
    a_purchasing_desk,
    a_receipt,
    cancel_order,
    orders,
)
from tests.builders_orders import (
    REQUEST,
    a_command,
    a_line,
    a_no_to,
    a_yes_to,
    asked,
    cancel_one,
    completion,
    euros,
    lines_of,
    refusal,
    submission,
    the_order,
    waiting_for_approval,
)


@pytest.fixture
def desk() -> Desk:
    return a_purchasing_desk()


def test_an_approved_order_is_placed_and_what_was_approved_has_grown(desk: Desk) -> None:
    order = waiting_for_approval(desk)

    desk.hear(a_yes_to(asked(desk)[0]))

    assert the_order(desk).status is Status.SUBMITTED
    assert isinstance(desk.said[-1], OrderSubmitted)
    assert [(each.id, each.approved) for each in desk.all(RequestOrders)] == [(order.request_id, 300)]


def test_a_refused_order_is_cancelled_and_nobody_expected_it(desk: Desk) -> None:
    order = waiting_for_approval(desk)
    (line,) = lines_of(desk, order)

    desk.hear(a_no_to(asked(desk)[0]))

    assert the_order(desk).status is Status.CANCELLED
    assert desk.said[-1] == OrderCancelled(
        order_id=order.id,
        requisition_number=order.requisition_number,
        request_id=REQUEST,
        reason="too dear",
        was_submitted=False,
        lines=(
            CancelledLine(
                order_line_id=line.id,
                request_id=REQUEST,
                request_line_id=line.request_line_id,
                cancelled=2,
                asked=2,
            ),
        ),
    )


def test_a_verdict_on_what_the_order_no_longer_is_changes_nothing(desk: Desk) -> None:
    order = waiting_for_approval(desk)
    desk.hear(completion(desk, order, 120))
    before = desk.fork()

    desk.hear(a_yes_to(asked(desk)[0]), a_no_to(asked(desk)[0]))

    assert (desk.records, desk.said) == (before.records, before.said)
    assert the_order(desk).status is Status.DRAFT
    desk.hear(submission(order))
    assert [(each.order_revision, each.total) for each in asked(desk)] == [(2, euros(300)), (3, euros(240))]


def test_an_approval_that_others_have_used_up_is_asked_for_again(desk: Desk) -> None:
    waiting_for_approval(desk)
    (commanded,) = desk.all(RequestOrders)
    desk.records[RequestOrders][REQUEST] = replace(commanded, committed=Decimal(300))

    desk.hear(a_yes_to(asked(desk)[0]))

    assert the_order(desk).status is Status.AWAITING_APPROVAL
    assert [(each.order_revision, each.total) for each in asked(desk)] == [(2, euros(300)), (3, euros(600))]
    desk.hear(a_yes_to(asked(desk)[1]))
    assert the_order(desk).status is Status.SUBMITTED


def test_submitting_again_what_waits_is_a_duplicate_unless_it_has_come_to_fit(desk: Desk) -> None:
    order = waiting_for_approval(desk)
    said = len(desk.said)

    again = desk.hear(submission(order))

    assert (again.verdict, len(desk.said)) == ("duplicate", said)
    assert again.decision.answer["status"] == "awaiting_approval"
    (commanded,) = desk.all(RequestOrders)
    desk.records[RequestOrders][REQUEST] = replace(commanded, approved=Decimal(300))
    assert desk.hear(submission(order)).decision.answer["status"] == "submitted"


def an_opened_question(question: ApproveSpending) -> CommandAnswered:
    """Requests has people decide."""
    result = {"order_id": str(question.order_id), "order_revision": question.order_revision}
    return refusal("accepted").model_copy(update={"result": {**result, "round_status": "open"}, "code": None})


def test_nobody_need_decide_on_what_was_placed_after_all(desk: Desk) -> None:
    order = waiting_for_approval(desk)
    (commanded,) = desk.all(RequestOrders)
    desk.records[RequestOrders][REQUEST] = replace(commanded, approved=Decimal(300))

    desk.hear(an_opened_question(asked(desk)[0]), submission(order))

    (dropped,) = (message for message in desk.said if isinstance(message, SpendingQuestionDropped))
    assert (dropped.order_id, dropped.order_revision) == (order.id, order.revision)


@pytest.mark.parametrize("what", ["cancelled", "changed", "placed"])
def test_news_of_an_order_that_overtook_the_question_is_told_again_when_people_are_asked(
    desk: Desk, what: str
) -> None:
    order = waiting_for_approval(desk)
    news = {
        "cancelled": cancel_one(order),
        "changed": completion(desk, order, 120),
        "placed": a_yes_to(asked(desk)[0]),
    }
    desk.hear(news[what])

    desk.hear(an_opened_question(asked(desk)[0]))

    assert isinstance(desk.said[-1], SpendingQuestionDropped)
    assert what in desk.said[-1].reason


def test_an_order_that_requests_refuses_to_look_at_is_a_draft_again(desk: Desk) -> None:
    order = waiting_for_approval(desk)

    desk.hear(refusal())
    assert desk.said[-1] == RecallOrder(order_id=order.id)
    desk.hear(RecallOrder(order_id=order.id))

    assert the_order(desk).status is Status.DRAFT
    assert isinstance(desk.said[-1], OrderDrafted)
    desk.hear(submission(order))
    assert len(asked(desk)) == 2


@pytest.mark.parametrize(
    "answer",
    [
        refusal("accepted"),
        refusal("duplicate"),
        refusal(command="other"),
        refusal(code="order_revision_outdated"),
    ],
)
def test_an_accepted_question_is_waited_for(desk: Desk, answer: CommandAnswered) -> None:
    waiting_for_approval(desk)
    before = desk.fork()

    desk.hear(answer)

    assert (desk.records, desk.said) == (before.records, before.said)


# Cancelling


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("whole", [False, True])
def test_what_waits_is_cancelled_with_its_request_or_alone(desk: Desk, waits: bool, whole: bool) -> None:
    if waits:
        waiting_for_approval(desk)
    else:
        desk.hear(a_command())
    order = the_order(desk)

    first = desk.hear(cancel_order() if whole else cancel_one(order))
    again = desk.hear(cancel_order() if whole else cancel_one(order))

    assert the_order(desk).status is Status.CANCELLED
    said = desk.said[-1]
    assert isinstance(said, OrderCancelled)
    assert (said.was_submitted, [line.cancelled for line in said.lines]) == (False, [2])
    assert (again.verdict, again.decision.answer) == ("duplicate", first.decision.answer)
    assert sum(isinstance(message, OrderCancelled) for message in desk.said) == 1


def test_one_order_is_cancelled_and_the_others_stay_and_are_cancelled_later(desk: Desk) -> None:
    desk.hear(a_command(a_line(1, sku=STATION), a_line(2), approved=1000))
    placed, draft = orders(desk)

    desk.hear(cancel_one(placed))
    before = [order.status for order in orders(desk)]
    ended = desk.hear(cancel_order())

    assert before == [Status.CANCELLED, Status.DRAFT]
    assert [order.status for order in orders(desk)] == [Status.CANCELLED, Status.CANCELLED]
    assert ended.decision.answer["orders"] == [
        {"order_id": str(draft.id), "requisition_number": draft.requisition_number}
    ]
    said = [message.order_id for message in desk.said if isinstance(message, OrderCancelled)]
    assert said == [placed.id, draft.id]


def test_there_is_nothing_to_cancel_of_an_order_that_has_arrived(desk: Desk) -> None:
    desk.hear(a_command(a_line(sku=STATION), approved=1000))
    (order,) = orders(desk)
    desk.hear(a_receipt((lines_of(desk, order)[0], 2, 0)))

    assert desk.hear(cancel_one(order)).code == "order_not_open"


@pytest.mark.parametrize("name", ["completion", "submission", "cancel_one"])
def test_an_order_that_does_not_exist_is_waited_for_and_then_refused(desk: Desk, name: str) -> None:
    desk.hear(a_command())
    order = replace(the_order(desk), id=derived_id("no order"))
    command = {
        "completion": completion(desk, order),
        "submission": submission(order),
        "cancel_one": cancel_one(order),
    }[name]

    waits, refused = desk.hear(command), desk.give_up(command)

    assert (waits.verdict, refused.code) == ("waiting", "order_unknown")
