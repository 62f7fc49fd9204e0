"""An amendment waits as long as its order lives: some lines of it can be cancelled meanwhile, or goods go back."""

import pytest

from libs.contracts.orders import CancelOneOrder
from libs.contracts.purchasing import OrderCancelled
from libs.contracts.values import derived_id
from services.purchasing.amendment import AmendmentStatus
from services.purchasing.purchase_order import Status
from services.requests import order_approval, spending
from services.requests.approval_round import RoundStatus
from tests.builders_amending import amendments, the_line, the_order
from tests.builders_approval import a_question, an_order_to_approve, rounds
from tests.builders_buying import a_return, an_amendment
from tests.builders_desk import (
    CABLE,
    LAPTOP,
    STATION,
    Desk,
    a_purchasing_desk,
    a_receipt,
    a_request,
    a_requests_desk,
    create_order,
    the_request,
)
from tests.builders_orders import a_yes_to, asked, cancel_one, euros


@pytest.fixture
def desk() -> Desk:
    """An order of two laptops and two cables, of which an amendment waits: a third laptop is too much."""
    desk = a_purchasing_desk()
    desk.hear(create_order({LAPTOP: 2, CABLE: 2}, approved_total=euros(2100)))
    desk.hear(an_amendment(the_order(desk), (the_line(desk), {"quantity": 3})))
    assert [each.status for each in amendments(desk)] == [AmendmentStatus.WAITING]
    return desk


def told(desk: Desk) -> OrderCancelled:
    """What was said of what will not come."""
    (said,) = [said for said in desk.said if isinstance(said, OrderCancelled)]
    return said


def one_line_is_cancelled(desk: Desk) -> None:
    desk.hear(CancelOneOrder(order_id=the_order(desk).id, reason="no need", lines=(the_line(desk, 2).id,)))


def some_went_back_for_credit(desk: Desk) -> None:
    desk.hear(a_receipt((the_line(desk, 2), 2, 0)))
    desk.hear(a_return(the_order(desk).id, (the_line(desk, 2).id, 1), purpose="credit"))


@pytest.mark.parametrize("happens", [one_line_is_cancelled, some_went_back_for_credit])
def test_that_some_of_an_order_will_not_come_is_not_told_as_its_end(desk: Desk, happens: object) -> None:
    assert callable(happens)
    happens(desk)

    assert (told(desk).whole, told(desk).was_submitted) == (False, True)
    assert amendments(desk)[0].status is AmendmentStatus.WAITING


def test_that_nothing_of_an_order_will_come_is_told_as_its_end(desk: Desk) -> None:
    desk.hear(cancel_one(the_order(desk)))

    assert (told(desk).whole, the_order(desk).status) == (True, Status.CANCELLED)


@pytest.mark.parametrize("happens", [one_line_is_cancelled, some_went_back_for_credit])
def test_an_amendment_that_is_granted_afterwards_is_made(desk: Desk, happens: object) -> None:
    assert callable(happens)
    happens(desk)

    desk.hear(a_yes_to(asked(desk)[0]))

    assert (the_line(desk).ordered, amendments(desk)[0].status) == (3, AmendmentStatus.APPLIED)


# On the other side people are still being asked


def an_asking_desk() -> Desk:
    """People are asked what an order would cost its request, and about the order as such."""
    asking = a_requests_desk()
    asking.hear(a_request({STATION: 1}))
    request = the_request(asking)
    asking.hear(a_question(request, "1200.00"), an_order_to_approve(request_ids=(request.id,)))
    assert [round.status for round in rounds(asking)][-2:] == [RoundStatus.OPEN] * 2
    desk = Desk(spending.HANDLERS, order_approval.HANDLERS)
    desk.records = asking.records
    return desk


@pytest.mark.parametrize(
    ("whole", "was_submitted", "stops"), [(False, True, False), (True, True, True), (False, False, True)]
)
def test_people_go_on_deciding_about_an_order_that_was_submitted_and_lives(
    whole: bool, was_submitted: bool, stops: bool
) -> None:
    desk = an_asking_desk()
    desk.hear(
        OrderCancelled(
            order_id=derived_id("test-order", 1),
            requisition_number="PR-000001",
            request_id=the_request(desk).id,
            reason="no need",
            whole=whole,
            was_submitted=was_submitted,
            lines=(),
        )
    )

    status = RoundStatus.STOPPED if stops else RoundStatus.OPEN
    assert {round.status for round in rounds(desk) if round.order_id is not None} == {status}
