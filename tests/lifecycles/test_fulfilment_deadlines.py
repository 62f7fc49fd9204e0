"""By when an approved request should be ordered and delivered, and what happens when it is not."""

from datetime import UTC, date, datetime, timedelta

import pytest

from libs.chassis.decision import timer_id
from services.requests.fulfilment import ORDER_WITHIN
from services.requests.process import (
    DEADLINE,
    DELIVER_WITHIN,
    DeliveryOverdue,
    FulfilmentProcess,
    OrderNotSubmitted,
)
from services.requests.purchase_request import Status
from tests.builders_desk import STATION, a_request, a_requests_desk, an_entry, the_request
from tests.builders_dock import NOON
from tests.builders_workflow import Told, an_approved, summaries


def test_an_order_is_due_within_the_hour_and_the_goods_by_the_day_they_are_needed() -> None:
    desk = a_requests_desk()
    started = desk.hear(a_request(needed_by=date(2026, 5, 1)))
    told = Told(the_request(desk).id)

    ordered = desk.hear(told.submitted())
    received = desk.hear(told.received())

    (order_by,), (deliver_by,) = started.decision.schedule, ordered.decision.schedule
    assert (order_by.name, order_by.due_at) == (DEADLINE, NOON + ORDER_WITHIN)
    assert (deliver_by.id, deliver_by.due_at) == (order_by.id, datetime(2026, 5, 1, 23, 59, 59, tzinfo=UTC))
    assert received.decision.cancel == [timer_id(told.request_id, DEADLINE)]


def test_as_long_as_anything_is_not_ordered_the_order_is_awaited_whatever_has_arrived() -> None:
    desk = a_requests_desk(an_entry("CABLE"))
    desk.hear(a_request({STATION: 1, "CABLE": 1}))
    first, second = (Told(the_request(desk).id, position) for position in (1, 2))

    arrived = desk.hear(first.submitted(), first.received())
    ordered = desk.hear(second.submitted())

    assert the_request(desk).status is Status.PARTIALLY_RECEIVED
    assert arrived.decision.schedule == []
    assert [type(timer.message) for timer in ordered.decision.schedule] == [DeliveryOverdue]


@pytest.mark.parametrize(
    ("needed_by", "within"),
    [(None, DELIVER_WITHIN), (date(2026, 1, 1), timedelta(days=1)), (date.min, timedelta(days=1))],
)
def test_without_a_day_to_come_the_goods_are_due_in_good_time(
    needed_by: date | None, within: timedelta
) -> None:
    desk, (told,) = an_approved(needed_by=needed_by)

    ended = desk.hear(told.submitted())

    assert [timer.due_at for timer in ended.decision.schedule] == [NOON + within]


def test_a_day_at_the_end_of_time_is_a_day_too() -> None:
    desk, (told,) = an_approved(needed_by=date.max)

    assert desk.hear(told.submitted()).decision.schedule[0].due_at.year == date.max.year


def test_a_missed_deadline_is_counted_and_recorded() -> None:
    desk, (told,) = an_approved()
    not_ordered, overdue = (
        OrderNotSubmitted(request_id=told.request_id),
        DeliveryOverdue(request_id=told.request_id),
    )

    desk.hear(not_ordered, told.submitted(), overdue)

    assert desk.all(FulfilmentProcess)[0].overdue == 2
    assert [summary for summary in summaries(desk) if "deadline" in summary] == [
        "deadline passed: 1 of 1 line(s) not on a submitted order",
        "deadline passed: 1 of 1 line(s) not completely received",
    ]


def test_a_deadline_that_was_kept_after_all_says_nothing() -> None:
    desk, (told,) = an_approved()
    desk.hear(told.submitted(), told.received())
    before = desk.fork()

    desk.hear(OrderNotSubmitted(request_id=told.request_id), DeliveryOverdue(request_id=told.request_id))

    assert (desk.records, desk.said) == (before.records, before.said)


def test_goods_that_are_here_were_ordered_even_if_the_order_is_still_to_be_heard_of() -> None:
    desk, (told,) = an_approved()
    desk.hear(told.received())

    desk.hear(OrderNotSubmitted(request_id=told.request_id))

    assert desk.all(FulfilmentProcess)[0].overdue == 0
