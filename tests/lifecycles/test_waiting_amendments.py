"""Amendments of submitted orders that wait for approval, and what becomes of them."""

from decimal import Decimal

import pytest

from libs.contracts.orders import AmendmentAwaited, AmendmentRefused, CancelOneOrder, RecallOrder
from libs.contracts.purchasing import (
    DefinePurchasingPolicy,
    SpendingQuestionDropped,
)
from libs.contracts.requests import ApproveOrder, CommandAnswered, OrderApproved
from services.purchasing.amendment import AmendmentStatus
from services.purchasing.commitment import RequestOrders
from services.purchasing.purchase_order import Status
from tests.builders_amending import amend, amendments, committed, placed, the_line, the_order, told
from tests.builders_buying import a_draft, a_line_to_draft, an_amendment
from tests.builders_desk import LAPTOP, Desk, a_purchasing_desk, a_receipt, cancel_order
from tests.builders_orders import (
    a_no_to,
    a_yes_to,
    asked,
    cancel_one,
    close_short,
    euros,
    refusal,
    submission,
)


@pytest.fixture
def desk() -> Desk:
    return a_purchasing_desk()


# What costs more than was approved


def test_what_costs_more_than_was_approved_waits(desk: Desk) -> None:
    placed(desk, approved="600")

    ended = amend(desk, {"quantity": 5})

    assert ended.decision.answer["amendment"] == "waiting"
    assert (the_line(desk).ordered, the_order(desk).revision, told(desk)) == (4, 1, [])
    (question,) = asked(desk)
    assert (question.total.amount, question.approved.amount) == (Decimal("747.50"), Decimal("600"))
    assert question.order_revision == 2
    assert [said.order_revision for said in desk.said if isinstance(said, AmendmentAwaited)] == [2]


def test_it_is_made_when_it_is_approved(desk: Desk) -> None:
    placed(desk, approved="600")
    amend(desk, {"quantity": 5}, new_purchase_order_number="PO-7")

    desk.hear(a_yes_to(asked(desk)[0]))

    assert (the_line(desk).ordered, the_order(desk).revision) == (5, 2)
    assert the_order(desk).purchase_order_number == "PO-7"
    assert amendments(desk)[0].status is AmendmentStatus.APPLIED
    assert committed(desk) == Decimal("747.50")


def test_it_is_dropped_when_it_is_refused_and_another_one_can_follow(desk: Desk) -> None:
    placed(desk, approved="600")
    amend(desk, {"quantity": 5})

    desk.hear(a_no_to(asked(desk)[0]))
    amend(desk, {"quantity": 6})

    assert the_line(desk).ordered == 4
    assert [each.status for each in amendments(desk)] == [AmendmentStatus.REFUSED, AmendmentStatus.WAITING]
    assert [question.order_revision for question in asked(desk)] == [2, 3]
    assert [said.reason for said in desk.said if isinstance(said, AmendmentRefused)] == ["too dear"]


def test_one_amendment_waits_at_a_time(desk: Desk) -> None:
    placed(desk, approved="600")
    amend(desk, {"quantity": 5})

    assert amend(desk, {"quantity": 3}).code == "amendment_waits"


@pytest.mark.parametrize("quantity", [2, 4])
def test_what_costs_no_more_need_not_wait(desk: Desk, quantity: int) -> None:
    placed(desk, approved="600")

    amend(desk, {"quantity": quantity}, name="Spring")

    assert asked(desk) == []


def test_it_is_dropped_when_the_order_was_cancelled_meanwhile(desk: Desk) -> None:
    placed(desk, approved="600")
    amend(desk, {"quantity": 5})
    desk.hear(cancel_one(the_order(desk)))

    desk.hear(a_yes_to(asked(desk)[0]))

    assert (the_order(desk).status, the_line(desk).ordered) == (Status.CANCELLED, 4)
    assert amendments(desk)[0].status is AmendmentStatus.REFUSED


def test_it_is_dropped_when_it_cannot_be_made_any_more(desk: Desk) -> None:
    line = placed(desk, approved="600")
    desk.hear(an_amendment(the_order(desk), (line, {"quantity": 3}), freight=Decimal(900)))
    desk.hear(a_receipt((line, 4, 0)))

    desk.hear(a_yes_to(asked(desk)[0]))

    assert amendments(desk)[0].status is AmendmentStatus.REFUSED
    assert (the_line(desk).ordered, the_order(desk).freight) == (4, Decimal(0))


def test_an_answer_that_comes_twice_changes_nothing(desk: Desk) -> None:
    placed(desk, approved="600")
    amend(desk, {"quantity": 5})

    desk.hear(a_yes_to(asked(desk)[0]), a_yes_to(asked(desk)[0]), a_no_to(asked(desk)[0]))

    assert (the_line(desk).ordered, len(told(desk))) == (5, 1)


def test_the_question_is_not_dropped_while_the_amendment_waits(desk: Desk) -> None:
    placed(desk, approved="600")
    amend(desk, {"quantity": 5})
    (question,) = asked(desk)
    said_before = len(desk.said)

    desk.hear(
        CommandAnswered(
            outcome="accepted",
            command_id="1",
            command_type=question.type,
            about=question.request_id,
            result={"round_status": "open", "order_id": str(question.order_id), "order_revision": 2},
        )
    )

    assert len(desk.said) == said_before


def test_an_order_that_becomes_large_waits_for_those_who_approve_orders(desk: Desk) -> None:
    desk.hear(DefinePurchasingPolicy(approve_orders_from=euros(1000)))
    desk.hear(a_draft(a_line_to_draft(LAPTOP, 1)))
    desk.hear(submission(the_order(desk)))

    amend(desk, {"quantity": 2})

    (question,) = [said for said in desk.said if isinstance(said, ApproveOrder)]
    assert (question.total.amount, question.order_revision) == (Decimal("1999.80"), 2)
    desk.hear(OrderApproved(order_id=question.order_id, order_revision=2, total=question.total))
    assert the_line(desk).ordered == 2


def test_a_waiting_line_comes_at_the_price_it_was_approved_at(desk: Desk) -> None:
    desk.hear(DefinePurchasingPolicy(approve_orders_from=euros(1000)))
    desk.hear(a_draft(a_line_to_draft(LAPTOP, 1)))
    desk.hear(submission(the_order(desk)))
    amend(desk, add=(a_line_to_draft(LAPTOP, 1),))
    (question,) = [said for said in desk.said if isinstance(said, ApproveOrder)]

    desk.hear(OrderApproved(order_id=question.order_id, order_revision=2, total=question.total))

    assert (the_line(desk, 2).unit_price, the_order(desk).total) == (Decimal("999.90"), Decimal("1999.80"))


def test_it_is_dropped_when_the_order_is_closed(desk: Desk) -> None:
    line = placed(desk, approved="600")
    amend(desk, {"quantity": 5})

    desk.hear(a_receipt((line, 4, 0)), close_short(the_order(desk)))
    desk.hear(*(said for said in desk.said if isinstance(said, RecallOrder)))

    assert (the_order(desk).status, amendments(desk)[0].status) == (Status.CLOSED, AmendmentStatus.REFUSED)
    (dropped,) = [said for said in desk.said if isinstance(said, SpendingQuestionDropped)]
    assert dropped.request_id == asked(desk)[0].request_id


@pytest.mark.parametrize("what", ["one order", "one line", "the request"])
def test_it_is_dropped_when_all_of_the_order_is_cancelled(desk: Desk, what: str) -> None:
    line = placed(desk, approved="600")
    amend(desk, {"quantity": 5})
    order = the_order(desk)

    desk.hear(
        {
            "one order": cancel_one(order),
            "one line": CancelOneOrder(order_id=order.id, reason="not needed", lines=(line.id,)),
            "the request": cancel_order(),
        }[what]
    )
    desk.hear(*(said for said in desk.said if isinstance(said, RecallOrder)))

    assert amendments(desk)[0].status is AmendmentStatus.REFUSED
    (dropped,) = [said for said in desk.said if isinstance(said, SpendingQuestionDropped)]
    assert (dropped.request_id, dropped.order_revision) == (asked(desk)[0].request_id, 2)


def test_what_we_recall_ourselves_need_not_wait_for_anything(desk: Desk) -> None:
    placed(desk)

    by_us = desk.hear(RecallOrder(order_id=the_order(desk).id), sender="purchasing")
    by_a_person = desk.hear(RecallOrder(order_id=the_order(desk).id))

    assert (by_us.verdict, by_a_person.code) == ("accepted", "order_not_draft")


def test_when_it_is_recalled_those_who_approve_orders_need_not_decide(desk: Desk) -> None:
    desk.hear(DefinePurchasingPolicy(approve_orders_from=euros(1000)))
    desk.hear(a_draft(a_line_to_draft(LAPTOP, 1)))
    desk.hear(submission(the_order(desk)))
    amend(desk, {"quantity": 2})

    desk.hear(RecallOrder(order_id=the_order(desk).id))

    assert amendments(desk)[0].status is AmendmentStatus.REFUSED
    (dropped,) = [said for said in desk.said if isinstance(said, SpendingQuestionDropped)]
    assert (dropped.request_id, dropped.order_revision) == (None, 2)


def test_a_request_knows_its_order_after_a_line_for_nobody_was_added(desk: Desk) -> None:
    placed(desk)

    amend(desk, add=(a_line_to_draft(),))

    (commanded,) = desk.all(RequestOrders)
    assert (the_order(desk).request_id, commanded.elsewhere) == (None, (the_order(desk).id,))


def test_it_is_dropped_when_requests_would_not_even_look_at_it(desk: Desk) -> None:
    placed(desk, approved="600")
    amend(desk, {"quantity": 5})

    desk.hear(refusal(code="request_not_approved"))
    recalls = [said for said in desk.said if isinstance(said, RecallOrder)]
    desk.hear(*recalls)

    assert amendments(desk)[0].status is AmendmentStatus.REFUSED
    assert amend(desk, {"quantity": 3}).decision.answer["amendment"] == "applied"
