"""What an order is bound by: whose terms it gets, on which days it begins and ends, how often it is changed."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from libs.contracts.orders import (
    CancelOneOrder,
    CombineOrders,
    CompletedLine,
    CompleteOrder,
    Contract,
    LineToDraft,
    RecallOrder,
    SubmitOrder,
)
from libs.contracts.purchasing import DefinePurchasingPolicy
from libs.contracts.values import Kind
from services.purchasing.bill import spread
from services.purchasing.draft import REVISIONS_MAX
from services.purchasing.purchase_order import PurchaseOrder, Status
from tests.builders_amending import amend, placed, the_line, the_order
from tests.builders_buying import a_draft, a_line_to_draft, a_split, an_amendment
from tests.builders_desk import LAPTOP, Desk, a_purchasing_desk, a_vendor
from tests.builders_orders import euros, lines_of

SPRING, AUTUMN = date(2026, 4, 1), date(2026, 10, 1)


@pytest.fixture
def desk() -> Desk:
    """A draft at V-1, which is paid in 30 days; V-2 is paid in 60."""
    desk = a_purchasing_desk()
    desk.hear(a_vendor("V-1", payment_terms="30 days"), a_vendor("V-2", payment_terms="60 days"))
    desk.hear(a_draft(a_line_to_draft(LAPTOP, 4), a_line_to_draft()))
    return desk


def split_off(desk: Desk) -> PurchaseOrder:
    (other,) = desk.all(PurchaseOrder, requisition_number="PR-000002")
    assert isinstance(other, PurchaseOrder)
    return other


# Payment terms


@pytest.mark.parametrize(
    ("vendor", "said", "terms"),
    [
        ("V-2", None, "60 days"),
        ("V-2", "at once", "at once"),
        ("V-1", None, "30 days"),
        (None, None, "30 days"),
    ],
)
def test_what_is_split_off_for_another_vendor_has_that_ones_terms_unless_others_are_said(
    desk: Desk, vendor: str | None, said: str | None, terms: str
) -> None:
    order = the_order(desk)
    (line, *_) = lines_of(desk, order)

    desk.hear(a_split(order, (line, 1), vendor=vendor).model_copy(update={"payment_terms": said}))

    assert split_off(desk).payment_terms == terms


def test_terms_that_were_agreed_for_this_draft_stay_with_its_vendor() -> None:
    desk = a_purchasing_desk()
    desk.hear(a_draft(a_line_to_draft(LAPTOP, 4), payment_terms="14 days"))

    desk.hear(a_split(the_order(desk), (the_line(desk), 1), vendor="V-1"))

    assert split_off(desk).payment_terms == "14 days"


# Days


BACKWARDS: dict[str, dict[str, Any]] = {
    "ends_on": {"starts_on": AUTUMN, "ends_on": SPRING},
    "contract.ends_on": {"contract": Contract(number="C-1", starts_on=AUTUMN, ends_on=SPRING)},
}


@pytest.mark.parametrize("field", BACKWARDS)
def test_nothing_is_drafted_that_ends_before_it_starts(field: str) -> None:
    line = LineToDraft(
        name="Hosting", kind=Kind.SOFTWARE, quantity=1, unit_price=Decimal(10), **BACKWARDS[field]
    )

    refused = a_purchasing_desk().hear(a_draft(a_line_to_draft(), line))

    assert refused.rejection is not None
    assert (refused.code, refused.rejection.field) == ("invalid_content", f"lines[1].{field}")


@pytest.mark.parametrize("field", BACKWARDS)
def test_nor_does_a_draft_become_such(desk: Desk, field: str) -> None:
    refused = desk.hear(an_amendment(the_order(desk), (the_line(desk), BACKWARDS[field])))

    assert refused.rejection is not None
    assert refused.rejection.field == f"lines[0].{field}"


def test_the_day_that_is_named_is_compared_with_the_one_that_is_known(desk: Desk) -> None:
    order = the_order(desk)
    desk.hear(an_amendment(order, (the_line(desk), {"ends_on": SPRING})))

    refused = desk.hear(an_amendment(order, (the_line(desk), {"starts_on": AUTUMN})))
    allowed = desk.hear(an_amendment(order, (the_line(desk), {"starts_on": SPRING})))

    assert refused.rejection is not None
    assert (refused.rejection.field, allowed.verdict) == ("lines[0].starts_on", "accepted")


def test_nor_does_a_submitted_order_come_under_such_a_contract() -> None:
    desk = a_purchasing_desk()
    placed(desk)

    refused = amend(desk, BACKWARDS["contract.ends_on"])

    assert refused.rejection is not None
    assert refused.rejection.field == "lines[0].contract.ends_on"


# How often

APPROVED_FROM_ONE = DefinePurchasingPolicy(approve_orders_from=euros(1))


def often_changed(desk: Desk) -> PurchaseOrder:
    """The only order, changed as often as one may be."""
    order = replace(the_order(desk), revision=REVISIONS_MAX)
    desk.records[PurchaseOrder][order.id] = order
    return order


def test_an_order_is_changed_and_split_only_so_often(desk: Desk) -> None:
    order = often_changed(desk)
    line = the_line(desk)

    amended = desk.hear(an_amendment(order, (line, {"quantity": 5})))
    split = desk.hear(a_split(order, (line, 1)))

    assert (amended.code, split.code) == ("too_many_revisions", "too_many_revisions")


def test_a_draft_is_completed_only_so_often_but_as_it_is_it_can_be_said_again(desk: Desk) -> None:
    order = often_changed(desk)
    line = the_line(desk)

    as_it_is = CompleteOrder(order_id=order.id, vendor_number="V-1", currency="EUR")
    dearer = CompletedLine(order_line_id=line.id, unit_price=Decimal(3), price_reason="as agreed")

    refused, again = desk.hear(as_it_is.model_copy(update={"lines": (dearer,)})), desk.hear(as_it_is)

    assert refused.rejection is not None
    assert (refused.code, refused.rejection.field) == ("too_many_revisions", "order_id")
    assert (again.verdict, the_order(desk).revision) == ("accepted", REVISIONS_MAX)


def test_others_are_combined_into_a_draft_only_so_often(desk: Desk) -> None:
    often = often_changed(desk)
    desk.hear(a_draft())
    (other,) = desk.all(PurchaseOrder, requisition_number="PR-000002")

    refused = desk.hear(CombineOrders(order_ids=(often.id, other.id)))
    allowed = desk.hear(CombineOrders(order_ids=(other.id, often.id)))

    assert refused.rejection is not None
    assert (refused.code, refused.rejection.field) == ("too_many_revisions", "order_ids[0]")
    assert allowed.verdict == "accepted"


def test_whether_a_draft_may_be_placed_is_asked_and_recalled_only_so_often(desk: Desk) -> None:
    desk.hear(APPROVED_FROM_ONE)
    order = often_changed(desk)
    last = replace(order, revision=REVISIONS_MAX - 1)
    desk.records[PurchaseOrder][order.id] = last
    submission = SubmitOrder(order_id=order.id)
    assert desk.hear(submission).verdict == "accepted"
    assert the_order(desk).status is Status.AWAITING_APPROVAL
    assert desk.hear(RecallOrder(order_id=order.id)).verdict == "accepted"

    refused = desk.hear(submission)

    assert refused.rejection is not None
    assert (refused.code, refused.rejection.field) == ("too_many_revisions", "order_id")
    assert the_order(desk).status is Status.DRAFT


def test_what_needs_no_approval_is_placed_however_often_it_was_changed(desk: Desk) -> None:
    order = often_changed(desk)

    desk.hear(SubmitOrder(order_id=order.id))

    assert the_order(desk).status is Status.SUBMITTED


def test_what_was_changed_very_often_can_be_recalled_and_cancelled_in_part_and_wholly(desk: Desk) -> None:
    desk.hear(APPROVED_FROM_ONE, SubmitOrder(order_id=the_order(desk).id))
    order = often_changed(desk)
    assert order.status is Status.AWAITING_APPROVAL

    ended = [
        desk.hear(RecallOrder(order_id=order.id)),
        desk.hear(CancelOneOrder(order_id=order.id, reason="not wanted", lines=(the_line(desk).id,))),
        desk.hear(CancelOneOrder(order_id=order.id, reason="not wanted")),
    ]

    assert [each.verdict for each in ended] == ["accepted"] * 3
    assert the_order(desk).status is Status.CANCELLED


def test_a_submitted_order_is_amended_only_so_often() -> None:
    desk = a_purchasing_desk()
    placed(desk)
    often_changed(desk)

    assert amend(desk, {"quantity": 3}).code == "too_many_revisions"


def test_an_order_has_only_so_many_lines(desk: Desk) -> None:
    order = the_order(desk)
    more = tuple(a_line_to_draft() for _ in range(99))

    refused = desk.hear(an_amendment(order).model_copy(update={"add": more}))

    assert refused.rejection is not None
    assert (refused.code, refused.rejection.field) == ("too_many_lines", "add")


# Shares


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [
        ("10.00", (1, 1, 1), ("3.34", "3.33", "3.33")),
        ("0.02", (1, 1, 1), ("0.01", "0.01", "0.00")),
        ("10.00", (1, 1, 4), ("1.67", "1.67", "6.66")),
        ("0.05", (5, 5, 90), ("0.00", "0.00", "0.05")),
        ("7.00", (0, 0), ("7.00", "0")),
    ],
)
def test_shares_add_up_and_the_cents_that_are_left_go_where_most_is_missing(
    amount: str, weights: tuple[int, ...], parts: tuple[str, ...]
) -> None:
    shares = spread(Decimal(amount), [Decimal(weight) for weight in weights], "EUR")

    assert shares == [Decimal(part) for part in parts]
    assert sum(shares) == Decimal(amount)
