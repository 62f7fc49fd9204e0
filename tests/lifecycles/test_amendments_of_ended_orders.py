"""An amendment that waits is over with its order, is not made at a vendor who was retired, and those who were asked
about it hear why they need not decide."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from libs.contracts.orders import AmendmentRefused, CancelOneOrder, RecallOrder
from libs.contracts.purchasing import DefinePurchasingPolicy, SpendingQuestionDropped
from libs.contracts.requests import ApproveOrder, OrderRefused
from services.purchasing.amendment import AmendmentStatus
from services.purchasing.purchase_order import OrderLine, Status
from tests.builders_amending import amend, amendments, placed, the_line, the_order
from tests.builders_buying import a_draft, a_line_to_draft, an_amendment
from tests.builders_desk import (
    CABLE,
    LAPTOP,
    STATION,
    Desk,
    a_purchasing_desk,
    a_receipt,
    a_vendor,
    cancel_order,
    create_order,
    orders,
)
from tests.builders_invoices import a_line, an_invoice
from tests.builders_orders import a_yes_to, asked, cancel_one, euros, refusal, submission


@pytest.fixture
def desk() -> Desk:
    return a_purchasing_desk()


def waiting(desk: Desk) -> None:
    """An order of four stations; one more costs more than was approved."""
    placed(desk, approved="600")
    amend(desk, {"quantity": 5})
    assert the_order(desk).awaits == (the_order(desk).request_id,)


def recalls(desk: Desk) -> list[RecallOrder]:
    return [said for said in desk.said if isinstance(said, RecallOrder)]


def dropped(desk: Desk) -> list[str]:
    """What those hear who were asked."""
    return [said.reason for said in desk.said if isinstance(said, SpendingQuestionDropped)]


def its_last_invoice_comes(desk: Desk) -> None:
    desk.hear(a_receipt((the_line(desk), 4, 0)))
    desk.hear(an_invoice(a_line(4, "149.50"), vendor_number="V-2"))


def all_comes_and_no_invoices_are_used(desk: Desk) -> None:
    desk.hear(DefinePurchasingPolicy(uses_invoices=False))
    desk.hear(a_receipt((the_line(desk), 4, 0)))


def it_is_cancelled(desk: Desk) -> None:
    desk.hear(cancel_one(the_order(desk)))


def its_request_is_cancelled(desk: Desk) -> None:
    desk.hear(cancel_order())


@pytest.mark.parametrize(
    ("happens", "status"),
    [
        (its_last_invoice_comes, Status.CLOSED),
        (all_comes_and_no_invoices_are_used, Status.CLOSED),
        (it_is_cancelled, Status.CANCELLED),
        (its_request_is_cancelled, Status.CANCELLED),
    ],
)
def test_an_amendment_is_over_with_its_order_whatever_ends_that(
    desk: Desk, happens: Callable[[Desk], None], status: Status
) -> None:
    waiting(desk)

    happens(desk)
    desk.hear(*recalls(desk))

    assert (the_order(desk).status, the_order(desk).awaits) == (status, ())
    assert [each.status for each in amendments(desk)] == [AmendmentStatus.REFUSED]
    assert dropped(desk) == ["PR-000001 stays as it is: It was recalled, or nobody can be asked."]


def test_an_order_that_ends_without_an_amendment_recalls_nothing(desk: Desk) -> None:
    placed(desk, approved="600")

    its_last_invoice_comes(desk)

    assert (the_order(desk).status, recalls(desk)) == (Status.CLOSED, [])


def test_what_was_approved_is_not_ordered_from_a_vendor_who_was_retired_meanwhile(desk: Desk) -> None:
    waiting(desk)
    desk.hear(a_vendor("V-2", active=False))

    desk.hear(a_yes_to(asked(desk)[0]))

    assert (the_line(desk).ordered, the_order(desk).awaits) == (4, ())
    refused = [said.reason for said in desk.said if isinstance(said, AmendmentRefused)]
    assert refused == ["Nothing is bought from vendor V-2 any more."]


def test_only_orders_that_wait_for_a_request_are_recalled_when_nobody_can_be_asked_about_it(
    desk: Desk,
) -> None:
    desk.hear(create_order({STATION: 4, LAPTOP: 1}, approved_total=euros(1600)))
    _, stations = sorted(orders(desk), key=lambda order: order.vendor_number or "")
    (line,) = desk.all(OrderLine, order_id=stations.id)
    desk.hear(an_amendment(stations, (line, {"quantity": 5})))

    desk.hear(refusal(code="request_not_approved"))

    assert recalls(desk) == [RecallOrder(order_id=stations.id)]


def test_when_one_says_no_the_others_hear_that_the_order_stays_as_it_is(desk: Desk) -> None:
    desk.hear(DefinePurchasingPolicy(approve_orders_from=euros(700)))
    placed(desk, approved="600")
    amend(desk, {"quantity": 5})
    order = the_order(desk)
    assert order.awaits == (order.request_id, order.id)

    desk.hear(OrderRefused(order_id=order.id, order_revision=2, reason="too many"))

    assert dropped(desk) == ["PR-000001 stays as it is: too many"]


# What is asked about orders of a certain size


def test_what_was_cancelled_does_not_make_an_order_large(desk: Desk) -> None:
    desk.hear(DefinePurchasingPolicy(approve_orders_from=euros(2500)))
    desk.hear(a_draft(a_line_to_draft(LAPTOP, 2), a_line_to_draft(CABLE, 10)))
    desk.hear(submission(the_order(desk)))
    desk.hear(CancelOneOrder(order_id=the_order(desk).id, reason="no need", lines=(the_line(desk).id,)))

    ended = amend(desk, add=(a_line_to_draft(LAPTOP, 1),))

    assert ended.decision.answer["amendment"] == "applied"


def test_those_who_approve_orders_are_asked_for_what_is_not_cancelled(desk: Desk) -> None:
    desk.hear(DefinePurchasingPolicy(approve_orders_from=euros(2500)))
    desk.hear(a_draft(a_line_to_draft(LAPTOP, 2), a_line_to_draft(CABLE, 10)))
    desk.hear(submission(the_order(desk)))
    desk.hear(CancelOneOrder(order_id=the_order(desk).id, reason="no need", lines=(the_line(desk).id,)))

    amend(desk, add=(a_line_to_draft(LAPTOP, 3),))

    (question,) = [said for said in desk.said if isinstance(said, ApproveOrder)]
    assert question.total.amount == 10 * Decimal("0.55") + 3 * Decimal("999.90")
