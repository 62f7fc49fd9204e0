"""Amending submitted orders: what may change, what stays, and the diff."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from libs.contracts import orders as order_words
from libs.contracts.purchasing import (
    OrderCancelled,
    OrderReopened,
    OrderSubmitted,
)
from libs.contracts.values import Kind
from services.purchasing.amendment import AmendmentStatus
from services.purchasing.purchase_order import Status
from tests.builders_amending import amend, amendments, committed, placed, the_line, the_order, told
from tests.builders_buying import a_draft, a_line_to_draft, an_amendment
from tests.builders_desk import CABLE, LAPTOP, Desk, a_purchasing_desk, a_receipt
from tests.builders_orders import cancel_one, submission


@pytest.fixture
def desk() -> Desk:
    return a_purchasing_desk()


def test_a_quantity_goes_up_with_new_units_and_a_diff(desk: Desk) -> None:
    line = placed(desk)

    ended = amend(desk, {"quantity": 6})

    order, now = the_order(desk), the_line(desk)
    assert (order.revision, order.amendments, order.total) == (2, 1, Decimal("897.00"))
    assert (now.ordered, now.units_made, now.open) == (6, 6, 6)
    assert ended.decision.answer["amendment"] == "applied"
    (said,) = told(desk)
    (amended,) = said.lines
    assert (amended.quantity_before, amended.quantity, amended.units_made) == (4, 6, 6)
    assert [(change.what, change.order_line_id, change.before, change.after) for change in said.changes] == [
        ("quantity", line.id, "4", "6")
    ]
    (record,) = amendments(desk)
    assert (record.number, record.revision, record.status) == (1, 2, AmendmentStatus.APPLIED)
    assert record.changes == said.changes
    assert committed(desk) == Decimal("897.00")


def test_a_quantity_goes_down_and_its_numbers_are_not_made_again(desk: Desk) -> None:
    placed(desk)

    amend(desk, {"quantity": 2})
    amend(desk, {"quantity": 3})

    assert (the_line(desk).ordered, the_line(desk).units_made) == (3, 5)
    assert [said.amendment for said in told(desk)] == [1, 2]
    assert committed(desk) == Decimal("448.50")


def test_a_quantity_goes_down_to_what_is_here_and_the_order_is_received(desk: Desk) -> None:
    line = placed(desk)
    desk.hear(a_receipt((line, 2, 0)))

    refused = amend(desk, {"quantity": 1})
    amend(desk, {"quantity": 2})

    assert refused.code == "quantity_below_received"
    assert the_order(desk).status is Status.RECEIVED


def test_more_of_what_was_received_is_to_come(desk: Desk) -> None:
    line = placed(desk)
    desk.hear(a_receipt((line, 4, 0)))

    amend(desk, {"quantity": 5})

    assert the_order(desk).status is Status.PARTIALLY_RECEIVED
    assert [said for said in desk.said if isinstance(said, OrderReopened)]


def test_a_late_receipt_beyond_a_reduction_is_a_surplus(desk: Desk) -> None:
    line = placed(desk)
    amend(desk, {"quantity": 2})

    desk.hear(a_receipt((line, 3, 0)))

    assert (the_line(desk).over, the_order(desk).status) == (1, Status.RECEIVED)


def test_what_was_cancelled_stays_so(desk: Desk) -> None:
    placed(desk)
    desk.hear(an_amendment(the_order(desk), add=(a_line_to_draft(CABLE),)))
    desk.hear(
        order_words.CancelOneOrder(
            order_id=the_order(desk).id, reason="enough", lines=(the_line(desk, 1).id,)
        )
    )

    ended = amend(desk, {"quantity": 9})

    assert ended.code == "order_not_amendable"


@pytest.mark.parametrize(
    ("changes", "what", "after"),
    [
        ({"unit_price": Decimal("99.5"), "price_reason": "rebate"}, "unit_price", "99.5"),
        ({"tax_percent": Decimal(19)}, "tax_percent", "19"),
        ({"expected_on": date(2026, 5, 1)}, "expected_on", "2026-05-01"),
        ({"contract": order_words.Contract(number="K-1")}, "contract", "K-1"),
    ],
)
def test_other_things_of_a_line_can_change(
    desk: Desk, changes: dict[str, Any], what: str, after: str
) -> None:
    placed(desk)

    amend(desk, changes)

    (said,) = told(desk)
    assert (what, after) in [(change.what, change.after) for change in said.changes]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"name": "Spring"}, "name"),
        ({"new_purchase_order_number": "PO-7"}, "purchase_order_number"),
        ({"payment_terms": "30 days"}, "payment_terms"),
        ({"freight": Decimal("12.50")}, "freight"),
    ],
)
def test_things_of_the_order_can_change(desk: Desk, changes: dict[str, Any], what: str) -> None:
    placed(desk)

    amend(desk, **changes)

    (said,) = told(desk)
    assert [change.what for change in said.changes] == [what]
    assert said.lines == ()


def test_the_expected_cost_is_exact_after_an_amendment(desk: Desk) -> None:
    placed(desk)

    amend(desk, {"quantity": 3, "tax_percent": Decimal(19)}, freight=Decimal("9.99"))

    order = the_order(desk)
    assert (order.total, order.tax, order.expected_cost) == (
        Decimal("448.50"),
        Decimal("85.22"),
        Decimal("543.71"),
    )


def test_a_line_is_added_at_the_price_of_the_day(desk: Desk) -> None:
    desk.hear(a_draft(a_line_to_draft(LAPTOP, 1)))
    desk.hear(submission(the_order(desk)))

    amend(desk, add=(a_line_to_draft(CABLE, 10),))

    added = the_line(desk, 2)
    assert (added.unit_price, added.ordered, added.units_made) == (Decimal("0.55"), 10, 10)
    (said,) = told(desk)
    assert [line.order_line_id for line in said.added] == [added.id]
    assert the_order(desk).total == Decimal("1005.40")


def test_another_price_needs_a_reason(desk: Desk) -> None:
    placed(desk)

    assert amend(desk, {"unit_price": Decimal(1)}).code == "price_reason_missing"


def test_software_that_is_added_or_taken_away_is_there_at_once(desk: Desk) -> None:
    desk.hear(a_draft(a_line_to_draft(None, 3, kind=Kind.SOFTWARE, name="CAD")))
    desk.hear(submission(the_order(desk)))

    amend(desk, {"quantity": 5})
    assert (the_line(desk).entitled, the_line(desk).open) == (5, 0)

    amend(desk, {"quantity": 1})

    assert (the_line(desk).entitled, the_line(desk).open, the_line(desk).over) == (1, 0, 0)


@pytest.mark.parametrize(
    ("of_line", "of_order", "code"),
    [
        ({}, {"vendor_number": "V-1"}, "order_not_amendable"),
        ({}, {"currency": "USD"}, "order_not_amendable"),
        ({}, {"deliver_to": "SITE-9"}, "order_not_amendable"),
        ({"starts_on": date(2026, 1, 1)}, {}, "order_not_amendable"),
        ({}, {"expected_revision": 7}, "order_revision_unexpected"),
    ],
)
def test_what_its_vendor_relies_on_stays(
    desk: Desk, of_line: dict[str, Any], of_order: dict[str, Any], code: str
) -> None:
    placed(desk)

    assert amend(desk, of_line, **of_order).code == code


def test_lines_are_cancelled_not_removed(desk: Desk) -> None:
    line = placed(desk)

    assert amend(desk, remove=(line.id,)).code == "order_not_amendable"


def test_saying_what_is_so_changes_nothing(desk: Desk) -> None:
    placed(desk)

    ended = amend(desk, {"quantity": 4}, vendor_number="V-2", deliver_to="SITE-1")

    assert (ended.verdict, ended.decision.save, the_order(desk).revision) == ("accepted", (), 1)


def test_a_cancelled_order_is_not_amended(desk: Desk) -> None:
    placed(desk)
    desk.hear(cancel_one(the_order(desk)))

    assert amend(desk, {"quantity": 9}).code == "order_not_amendable"


def test_a_draft_is_changed_as_drafts_are(desk: Desk) -> None:
    desk.hear(a_draft(a_line_to_draft(LAPTOP, 1)))

    amend(desk, {"quantity": 2}, name="Spring")

    assert (the_order(desk).status, the_line(desk).ordered) == (Status.DRAFT, 2)
    assert amendments(desk) == []


def test_a_line_that_was_taken_off_the_draft_is_not_told_when_the_order_is_cancelled(desk: Desk) -> None:
    desk.hear(a_draft(a_line_to_draft(LAPTOP, 1), a_line_to_draft(CABLE, 1)))
    amend(desk, remove=(the_line(desk, 2).id,))
    desk.hear(submission(the_order(desk)))

    desk.hear(cancel_one(the_order(desk)))

    (submitted,) = [said for said in desk.said if isinstance(said, OrderSubmitted)]
    (cancelled,) = [said for said in desk.said if isinstance(said, OrderCancelled) and said.was_submitted]
    assert {line.order_line_id for line in cancelled.lines} == {
        line.order_line_id for line in submitted.lines
    }
