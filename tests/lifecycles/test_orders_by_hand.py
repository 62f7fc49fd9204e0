"""Orders that no request asks for: drafted, changed, split, put together and placed by people."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from libs.chassis.decision import Actor
from libs.contracts.catalog import Component, Offer
from libs.contracts.orders import Contract, DraftOrder, SubmitOrder
from libs.contracts.purchasing import OrderCancelled, OrderDrafted, OrderSubmitted
from libs.contracts.values import AssetCreation, Kind, derived_id
from services.purchasing.purchase_order import OrderLine, OrderName, PurchaseOrder, Status
from tests.builders_buying import a_draft, a_line_to_draft, an_amendment
from tests.builders_desk import (
    CABLE,
    LAPTOP,
    STATION,
    Desk,
    a_purchasing_desk,
    a_receipt,
    a_vendor,
    an_item,
    orders,
)
from tests.builders_orders import a_command, a_line, cancel_one, lines_of, submission

BUYER = Actor("person-17")


@pytest.fixture
def desk() -> Desk:
    return a_purchasing_desk()


def drafted(desk: Desk, *lines: Any, **changes: Any) -> PurchaseOrder:
    """A draft by hand."""
    assert desk.hear(a_draft(*lines, **changes), actor=BUYER).verdict == "accepted"
    return orders(desk)[-1]


def now(desk: Desk, order: PurchaseOrder) -> PurchaseOrder:
    (found,) = desk.all(PurchaseOrder, id=order.id)
    assert isinstance(found, PurchaseOrder)
    return found


# Drafting


def test_an_order_is_drafted_by_hand_at_the_price_of_the_day(desk: Desk) -> None:
    order = drafted(
        desk,
        a_line_to_draft(LAPTOP, tax_percent=Decimal(19)),
        a_line_to_draft(name="Chair", unit_price=Decimal("100.005"), tax_percent=Decimal(7)),
        freight=Decimal("12.50"),
        name="Spring",
        purchase_order_number="PO-7",
    )

    laptop, chair = lines_of(desk, order)
    assert (order.status, order.requests, order.drafted_by, order.vendor_number) == (
        Status.DRAFT, (), "person-17", "V-1",
    )  # fmt: skip
    assert (laptop.unit_price, laptop.line_total, laptop.tax) == (
        Decimal("999.90"), Decimal("1999.80"), Decimal("379.96"),
    )  # fmt: skip
    assert (chair.line_total, chair.tax, chair.item_id) == (Decimal("200.01"), Decimal("14.00"), None)
    assert (order.total, order.tax, order.expected_cost) == (
        Decimal("2199.81"), Decimal("393.96"), Decimal("2606.27"),
    )  # fmt: skip
    assert {name.name: name.order_id for name in desk.all(OrderName)} == {
        "PR-000001": order.id,
        "PO-7": order.id,
    }
    assert isinstance(desk.said[-1], OrderDrafted)
    assert desk.said[-1].request_id is None


def test_a_vendor_who_is_not_the_preferred_one_is_paid_their_own_price_of_that_day(desk: Desk) -> None:
    offers = (
        Offer(vendor_number="V-1", unit_price=Decimal(900), currency="EUR"),
        Offer(vendor_number="V-2", unit_price=Decimal(950), currency="EUR", lead_time_days=4),
        Offer(vendor_number="V-2", unit_price=Decimal(9), currency="EUR", valid_from=date(2027, 1, 1)),
    )
    desk.hear(an_item(LAPTOP, vendor_number="V-1", unit_price=None, currency=None, offers=offers))

    order = drafted(desk, a_line_to_draft(LAPTOP), vendor="V-2")
    desk.hear(submission(order))

    (line,) = lines_of(desk, order)
    assert (line.unit_price, line.expected_on, now(desk, order).expected_on) == (
        Decimal(950), date(2026, 4, 4), date(2026, 4, 4),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "vendor", "code"),
    [
        (a_line_to_draft("NOTHING"), "V-1", "sku_unknown"),
        (a_line_to_draft(LAPTOP, unit_price=Decimal(1)), "V-1", "price_reason_missing"),
        (a_line_to_draft(LAPTOP, unit_price=Decimal(999)), "V-2", "price_reason_missing"),
        (a_line_to_draft(LAPTOP, unit_price=Decimal(1), price_reason="a gift"), "V-1", None),
        (a_line_to_draft(LAPTOP, unit_price=Decimal("999.90")), "V-1", None),
        (a_line_to_draft(), "V-9", "vendor_unknown"),
    ],
)
def test_a_draft_holds_only_what_can_be_bought_and_why_it_costs_something_else(
    desk: Desk, line: Any, vendor: str, code: str | None
) -> None:
    assert desk.hear(a_draft(line, vendor=vendor)).code == code


def test_a_bundle_becomes_a_line_for_each_of_its_components(desk: Desk) -> None:
    parts = (Component(sku=LAPTOP), Component(sku=CABLE, quantity=3))
    bundle = {"vendor_number": None, "unit_price": None, "currency": None, "components": parts}
    desk.hear(an_item("DESK-SET", **bundle))

    order = drafted(desk, a_line_to_draft("DESK-SET"))

    assert [(line.sku, line.ordered, line.bundle, line.unit_price) for line in lines_of(desk, order)] == [
        (LAPTOP, 2, "DESK-SET", Decimal("999.90")),
        (CABLE, 6, "DESK-SET", Decimal("0.55")),
    ]


def test_of_no_component_of_a_bundle_more_is_ordered_than_of_a_line(desk: Desk) -> None:
    parts = (Component(sku=CABLE, quantity=1_000),)
    desk.hear(an_item("DRUM", vendor_number=None, unit_price=None, currency=None, components=parts))

    orders_of = [a_draft(a_line_to_draft("DRUM", quantity)) for quantity in (10, 11)]

    assert [desk.hear(each).code for each in orders_of] == [None, "invalid_content"]


def test_a_term_beyond_the_last_day_there_is_ends_on_it(desk: Desk) -> None:
    desk.hear(an_item("EDITOR", kind=Kind.SOFTWARE, term_months=12))
    order = drafted(desk, a_line_to_draft("EDITOR", starts_on=date(9999, 2, 1)))

    desk.hear(submission(order))

    assert lines_of(desk, order)[0].ends_on == date.max


def test_a_purchase_order_number_is_given_once(desk: Desk) -> None:
    first = drafted(desk, purchase_order_number="PO-7")
    other = drafted(desk)

    taken = desk.hear(a_draft(purchase_order_number="PO-7"))
    also = desk.hear(an_amendment(other, new_purchase_order_number="PO-7"))
    ours = desk.hear(an_amendment(other, new_purchase_order_number="PR-000077"))
    again = desk.hear(an_amendment(first, new_purchase_order_number="PO-8"))
    back = desk.hear(an_amendment(first, new_purchase_order_number="PO-7"))

    assert (taken.code, also.code, ours.code) == (
        "order_number_taken",
        "order_number_taken",
        "invalid_content",
    )
    assert (again.verdict, back.verdict, now(desk, first).purchase_order_number) == (
        "accepted",
        "accepted",
        "PO-7",
    )
    assert desk.hear(SubmitOrder(purchase_order_number="PO-8")).decision.answer["order_id"] == str(first.id)


# Changing a draft


def test_a_draft_is_changed_in_everything_and_each_change_is_a_revision(desk: Desk) -> None:
    order = drafted(desk, a_line_to_draft(), a_line_to_draft(LAPTOP))
    chair, laptop = lines_of(desk, order)

    desk.hear(
        an_amendment(
            order,
            (chair, {"quantity": 5, "tax_percent": Decimal(10), "contract": Contract(number="K-1")}),
            add=(a_line_to_draft(CABLE),),
            remove=(laptop.id,),
            freight=Decimal(9),
            deliver_to="SITE-2",
        )
    )

    after = now(desk, order)
    chair, laptop, cable = lines_of(desk, order)
    assert (chair.ordered, chair.units_made, chair.line_total, chair.tax) == (5, 5, Decimal(500), Decimal(50))
    assert (laptop.living, laptop.line_total, cable.line_total) == (0, Decimal(0), Decimal("1.10"))
    assert (after.revision, after.deliver_to, after.total, after.expected_cost) == (
        2, "SITE-2", Decimal("501.10"), Decimal("560.10"),
    )  # fmt: skip
    assert [type(said) for said in desk.said[-2:]] == [OrderCancelled, OrderDrafted]
    desk.hear(submission(order))
    (said,) = (said for said in desk.said if isinstance(said, OrderSubmitted))
    assert [line.sku for line in said.lines] == [chair.sku, CABLE]
    assert desk.hear(an_amendment(after, expected_revision=1)).verdict == "rejected"


def test_another_vendor_has_other_prices(desk: Desk) -> None:
    order = drafted(desk, a_line_to_draft(STATION), vendor=None)
    before = lines_of(desk, order)[0].unit_price

    desk.hear(an_amendment(order, vendor_number="V-2"))
    priced = lines_of(desk, order)[0].unit_price
    desk.hear(an_amendment(order, vendor_number="V-1"))

    assert (before, priced, lines_of(desk, order)[0].unit_price) == (None, Decimal("149.50"), None)
    assert desk.hear(submission(order)).code == "price_missing"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"expected_revision": 4}, "order_revision_unexpected"),
        ({"remove": (derived_id("no line"),)}, "order_line_not_known"),
        ({"add": tuple(a_line_to_draft() for _ in range(100))}, "too_many_lines"),
        ({"vendor_number": "V-9"}, "vendor_unknown"),
        ({"freight": Decimal("0.005")}, "invalid_content"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(desk: Desk, changes: dict[str, Any], code: str) -> None:
    order = drafted(desk)

    assert desk.hear(an_amendment(order, **changes)).code == code


def test_the_last_line_stays_on_a_draft(desk: Desk) -> None:
    order = drafted(desk)
    (line,) = lines_of(desk, order)

    assert desk.hear(an_amendment(order, remove=(line.id,))).code == "order_not_amendable"
    assert desk.hear(cancel_one(order)).decision.answer["status"] == "cancelled"


def test_how_many_a_request_wants_is_not_for_a_draft_to_change(desk: Desk) -> None:
    desk.hear(a_command(a_line()))
    (order,) = orders(desk)
    (line,) = lines_of(desk, order)

    assert desk.hear(an_amendment(order, (line, {"quantity": 3}))).code == "order_not_amendable"
    assert desk.hear(an_amendment(order, currency="USD")).code == "currency_mismatch"


# Placing


def test_an_order_without_a_request_needs_nobodys_approval(desk: Desk) -> None:
    order = drafted(desk)

    ended = desk.hear(submission(order), actor=BUYER)

    assert ended.decision.answer["status"] == "submitted"
    assert (now(desk, order).submitted_by, now(desk, order).base_currency, now(desk, order).rate) == (
        "person-17", "EUR", Decimal(1),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("draft", "code"),
    [
        (a_draft(vendor=None), "vendor_missing"),
        (a_draft(a_line_to_draft(unit_price=None)), "price_missing"),
        (a_draft(vendor="V-2"), "vendor_unknown"),
        (a_draft(a_line_to_draft(LAPTOP, unit_price=Decimal(1)), vendor=None), "vendor_missing"),
    ],
)
def test_only_what_is_complete_is_placed(desk: Desk, draft: DraftOrder, code: str) -> None:
    desk.hear(draft)
    desk.hear(a_vendor("V-2", active=False))

    assert desk.hear(submission(orders(desk)[-1])).code == code


def test_software_ends_when_its_term_does(desk: Desk) -> None:
    desk.hear(an_item("SUITE", kind=Kind.SOFTWARE, metric="user", term_months=12))
    order = drafted(
        desk,
        a_line_to_draft("SUITE"),
        a_line_to_draft("SUITE", starts_on=date(2026, 5, 31)),
        a_line_to_draft("SUITE", ends_on=date(2026, 6, 1)),
    )

    desk.hear(submission(order))

    (said,) = (said for said in desk.said if isinstance(said, OrderSubmitted))
    assert [(line.metric, line.ends_on) for line in said.lines] == [
        ("user", date(2027, 3, 30)),
        ("user", date(2027, 5, 30)),
        ("user", date(2026, 6, 1)),
    ]


def test_goods_of_an_order_without_a_request_are_counted(desk: Desk) -> None:
    order = drafted(desk, a_line_to_draft(asset_creation=AssetCreation.NEVER))
    desk.hear(submission(order))
    (line,) = lines_of(desk, order)

    desk.hear(a_receipt((line, 2, 0)))

    (line,) = desk.all(OrderLine)
    assert (now(desk, order).status, line.asset_creation, now(desk, order).receivers) == (
        Status.RECEIVED, AssetCreation.NEVER, ("dock",),
    )  # fmt: skip
