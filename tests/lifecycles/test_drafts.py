"""Orders that wait: for their vendor and prices, or for the approval of what they would cost."""

from decimal import Decimal
from typing import Any

import pytest

from libs.contracts.purchasing import CUSTOM_SKU_PREFIX, DraftedLine, OrderDrafted, OrderSubmitted
from libs.contracts.requests import ApproveSpending
from libs.contracts.values import derived_id
from services.purchasing.catalog import vendor_id_of
from services.purchasing.purchase_order import (
    Status,
    custom_order_id_of,
    order_id_of,
)
from tests.builders_desk import (
    CABLE,
    STATION,
    Desk,
    a_purchasing_desk,
    a_vendor,
    orders,
)
from tests.builders_orders import (
    REQUEST,
    a_command,
    a_line,
    a_yes_to,
    asked,
    completion,
    euros,
    lines_of,
    submission,
    the_order,
)


@pytest.fixture
def desk() -> Desk:
    return a_purchasing_desk()


# What becomes a draft


def test_custom_lines_are_drafted_per_named_vendor_and_catalog_lines_are_placed(desk: Desk) -> None:
    lines = (
        a_line(1),
        a_line(2, vendor_number="V-2", name="Desk"),
        a_line(3, sku=CABLE, name=None, kind=None),
        a_line(4, name="Lamp"),
        a_line(5, sku=STATION, name=None, kind=None, vendor_number="V-1"),
    )

    ended = desk.hear(a_command(*lines, approved=10_000))

    made = {order.id: order for order in orders(desk)}
    assert {id: (order.status, order.vendor_number) for id, order in made.items()} == {
        custom_order_id_of(REQUEST, None): (Status.DRAFT, None),
        custom_order_id_of(REQUEST, "V-2"): (Status.DRAFT, "V-2"),
        order_id_of(REQUEST, vendor_id_of("V-1")): (Status.SUBMITTED, "V-1"),
    }
    assert ended.decision.answer["orders"] == [
        {
            "order_id": str(order.id),
            "requisition_number": order.requisition_number,
            "status": order.status.value,
        }
        for order in orders(desk)
    ]
    chair, lamp = lines_of(desk, the_order(desk))
    assert chair.unit_price is None
    assert (str(chair.line_total), lamp.position) == ("0", 2)
    assert chair.sku.startswith(CUSTOM_SKU_PREFIX)
    assert chair.sku != lamp.sku
    drafted = [message for message in desk.said if isinstance(message, OrderDrafted)]
    assert drafted[0] == OrderDrafted(
        order_id=the_order(desk).id,
        requisition_number="PR-000001",
        request_id=REQUEST,
        status="draft",
        total=euros(0),
        lines=tuple(
            DraftedLine(
                order_line_id=line.id, request_id=REQUEST, request_line_id=line.request_line_id, quantity=2
            )
            for line in (chair, lamp)
        ),
    )


@pytest.mark.parametrize("vendor", ["V-9", "V-2"])
def test_a_named_vendor_must_be_one_we_buy_from(desk: Desk, vendor: str) -> None:
    desk.hear(a_vendor("V-2", active=False))

    ended = desk.hear(a_command(a_line(vendor_number=vendor)))

    assert ended.rejection is not None
    assert (ended.code, ended.rejection.field) == ("vendor_unknown", "lines[0].vendor_number")


def test_a_line_is_from_the_catalog_or_says_what_it_is() -> None:
    with pytest.raises(ValueError, match="name and kind"):
        a_line(kind=None)


@pytest.mark.parametrize(("approved", "placed"), [("299.00", True), ("298.99", False)])
def test_what_costs_more_than_was_approved_waits_and_requests_is_asked(
    desk: Desk, approved: str, placed: bool
) -> None:
    desk.hear(a_command(a_line(sku=STATION), approved=approved))

    (order,) = orders(desk)
    assert order.status is (Status.SUBMITTED if placed else Status.AWAITING_APPROVAL)
    assert asked(desk) == (
        []
        if placed
        else [
            ApproveSpending(
                request_id=REQUEST,
                order_id=order.id,
                requisition_number="PR-000001",
                order_revision=1,
                total=euros("299.00"),
                approved=euros("298.99"),
                vendor_number="V-2",
                reason="it costs 299.00 EUR in all, 298.99 EUR was approved",
                parties=("dock",),
            )
        ]
    )


def test_an_order_that_does_not_fit_into_what_is_left_waits_while_the_others_are_placed(desk: Desk) -> None:
    command = a_command(
        a_line(1, sku=STATION),
        a_line(2, sku=CABLE),
        a_line(3, sku=STATION, vendor_number="V-1"),
        approved=400,
    )

    desk.hear(command)

    first, second = orders(desk)
    assert (first.status, second.status) == (Status.SUBMITTED, Status.AWAITING_APPROVAL)
    assert [question.total for question in asked(desk)] == [euros("599.10")]


# Completing and placing


def test_a_draft_with_vendor_and_prices_is_placed(desk: Desk) -> None:
    desk.hear(a_command(a_line(), a_line(2), approved=300))
    order = the_order(desk)

    completed = desk.hear(completion(desk, order, "99.995", 50))
    drafted = desk.said[-1]
    placed = desk.hear(submission(order))

    named = {"order_id": str(order.id), "requisition_number": order.requisition_number, "revision": 2}
    assert completed.decision.answer == named | {"status": "draft"}
    assert placed.decision.answer == named | {"status": "submitted"}
    assert isinstance(drafted, OrderDrafted)
    assert (drafted.vendor_number, drafted.total, drafted.order_revision) == ("V-1", euros("299.99"), 2)
    said = desk.said[-1]
    assert isinstance(said, OrderSubmitted)
    assert (said.vendor_id, said.total) == (vendor_id_of("V-1"), euros("299.99"))
    assert [line.unit_price for line in said.lines] == [Decimal("99.995"), Decimal(50)]


@pytest.mark.parametrize(
    ("vendor", "prices", "code"), [(None, (1, 1), "vendor_missing"), ("V-1", (1,), "price_missing")]
)
def test_a_draft_is_placed_only_when_it_is_complete(
    desk: Desk, vendor: str | None, prices: tuple[int, ...], code: str
) -> None:
    desk.hear(a_command(a_line(), a_line(2)))
    order = the_order(desk)
    desk.hear(completion(desk, order, *prices, vendor=vendor))

    assert desk.hear(submission(order)).code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"vendor_number": "V-9"}, "vendor_unknown"),
        ({"currency": "USD"}, "currency_mismatch"),
        ({"lines": ((derived_id("no line"), 1),)}, "order_line_unknown"),
        ({"lines": ((None, 1), (None, 2))}, "order_line_repeated"),
        ({"lines": ((None, "9999999999999"),), "quantity": 10_000}, "total_too_large"),
    ],
)
def test_a_draft_is_completed_by_what_makes_sense(desk: Desk, changes: dict[str, Any], code: str) -> None:
    desk.hear(a_command(a_line(quantity=changes.pop("quantity", 2))))
    order = the_order(desk)
    (line,) = lines_of(desk, order)
    command = completion(desk, order)
    if "lines" in changes:
        changes["lines"] = tuple(
            {"order_line_id": str(named or line.id), "unit_price": str(price)}
            for named, price in changes["lines"]
        )
    command = type(command).model_validate(command.model_dump() | changes, strict=False)

    assert desk.hear(command).code == code


def test_completing_an_order_as_it_is_changes_nothing(desk: Desk) -> None:
    desk.hear(a_command())
    desk.hear(completion(desk, the_order(desk), 100))
    before = desk.fork()

    again = desk.hear(completion(desk, the_order(desk), "100.00"))

    assert again.verdict == "accepted"
    assert (desk.records, desk.said) == (before.records, before.said)


def test_an_order_to_another_vendor_than_was_named_waits_for_approval(desk: Desk) -> None:
    desk.hear(a_command(a_line(vendor_number="V-2")))
    order = the_order(desk, custom_order_id_of(REQUEST, "V-2"))

    desk.hear(completion(desk, order, 10, vendor="V-1"), submission(order))

    (question,) = asked(desk)
    assert (question.vendor_number, question.reason) == ("V-1", "it goes to vendor V-1 instead of V-2")
    desk.hear(a_yes_to(question))
    assert the_order(desk, order.id).status is Status.SUBMITTED


def test_the_question_tells_amounts_as_people_write_them(desk: Desk) -> None:
    desk.hear(a_command(approved="200.0000"))

    desk.hear(completion(desk, the_order(desk), "150.000000"), submission(the_order(desk)))

    assert asked(desk)[0].reason == "it costs 300.00 EUR in all, 200.00 EUR was approved"


def test_the_longest_reason_fits_the_question(desk: Desk) -> None:
    here, there = "V" * 64, "W" * 64
    desk.hear(a_vendor(here), a_vendor(there))
    desk.hear(a_command(a_line(vendor_number=here, quantity=1), approved="999999999999999.9999"))
    order = the_order(desk, custom_order_id_of(REQUEST, here))

    desk.hear(completion(desk, order, 10, vendor=there), submission(order))

    assert len(asked(desk)[0].reason) <= 200


def test_a_command_to_order_names_at_least_one_line() -> None:
    with pytest.raises(ValueError, match="at least 1 item"):
        type(a_command())(**{**dict(a_command()), "lines": ()})
