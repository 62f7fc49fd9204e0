"""Orders of what does not come to a dock: software is there with its submission, services are confirmed by people."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.chassis.decision import Actor
from libs.contracts.assets import EntitlementChanged
from libs.contracts.message import Message
from libs.contracts.orders import ConfirmService
from libs.contracts.purchasing import (
    OrderCancelled,
    OrderDrafted,
    OrderPartiallyReceived,
    OrderReceived,
    OrderSubmitted,
    ServiceConfirmed,
)
from libs.contracts.values import Destination, DestinationKind, Kind, derived_id
from services.purchasing.purchase_order import OrderLine, PurchaseOrder, Status, status_of
from tests.builders_buying import an_amendment
from tests.builders_desk import Desk, a_purchasing_desk, a_receipt, an_item, cancel_order, orders
from tests.builders_orders import (
    REQUEST,
    a_command,
    a_line,
    cancel_one,
    completion,
    lines_of,
    submission,
    the_order,
)

EDITOR, CLEANING, LAMP = "EDITOR", "CLEANING", "LAMP"
KINDS = {EDITOR: Kind.SOFTWARE, CLEANING: Kind.SERVICE, LAMP: Kind.HARDWARE}


def a_desk(**quantities: int) -> tuple[Desk, PurchaseOrder, dict[str, OrderLine]]:
    """A desk with one submitted order of so many of these, and its lines by SKU."""
    desk = a_purchasing_desk()
    desk.hear(*(an_item(sku, kind=kind) for sku, kind in KINDS.items()))
    wanted = (
        a_line(number, sku=sku, name=None, kind=None, quantity=quantity)
        for number, (sku, quantity) in enumerate(quantities.items())
    )
    desk.hear(a_command(*wanted, approved=10_000))
    (order,) = orders(desk)
    return desk, order, {line.sku: line for line in lines_of(desk, order)}


def a_confirmation(line: OrderLine, quantity: int | None = None, **changes: Any) -> ConfirmService:
    values: dict[str, Any] = {"order_id": line.order_id, "order_line_id": line.id, "quantity": quantity}
    return ConfirmService(**values | changes)


def figures(desk: Desk, sku: str) -> tuple[int, int, int, int]:
    (line,) = desk.all(OrderLine, sku=sku)
    return line.kept, line.cancelled, line.open, line.over


def status(desk: Desk) -> Status:
    (order,) = orders(desk)
    return order.status


# Software


def test_software_is_there_with_its_submission() -> None:
    desk, order, _ = a_desk(EDITOR=5)

    assert status(desk) is Status.RECEIVED
    assert [type(said) for said in desk.said if getattr(said, "order_id", None) == order.id] == [
        OrderSubmitted,
        OrderReceived,
    ]
    assert figures(desk, EDITOR) == (5, 0, 0, 0)


def test_software_alone_makes_no_order_partially_received() -> None:
    desk, _, lines = a_desk(EDITOR=5, LAMP=1)
    before = status(desk)

    desk.hear(a_receipt((lines[LAMP], 1, 0)))

    assert (before, status(desk)) == (Status.SUBMITTED, Status.RECEIVED)


def test_software_is_given_back_when_its_order_is_cancelled() -> None:
    desk, _, lines = a_desk(EDITOR=5)

    ended = desk.hear(cancel_order())

    assert (status(desk), figures(desk, EDITOR)) == (Status.CANCELLED, (0, 5, 0, 0))
    (said,) = [each for each in desk.said if isinstance(each, OrderCancelled)]
    assert (said.was_submitted, said.lines[0].order_line_id, said.lines[0].cancelled) == (
        True,
        lines[EDITOR].id,
        5,
    )
    assert len(ended.decision.answer["orders"]) == 1  # type: ignore[arg-type]


def test_a_cancellation_gives_software_back_and_leaves_what_arrived() -> None:
    desk, _, lines = a_desk(EDITOR=5, LAMP=2)
    desk.hear(a_receipt((lines[LAMP], 1, 0)))

    desk.hear(cancel_order())

    assert status(desk) is Status.RECEIVED
    assert (figures(desk, EDITOR), figures(desk, LAMP)) == ((0, 5, 0, 0), (1, 1, 0, 0))


@pytest.mark.parametrize("in_use", [2, 5])
def test_software_that_is_in_use_is_not_given_back(in_use: int) -> None:
    desk, order, lines = a_desk(EDITOR=5)
    shrunk = a_shrinking(lines[EDITOR], in_use)

    desk.hear(shrunk)
    before = figures(desk, EDITOR)
    desk.hear(cancel_one(order), shrunk)
    again = desk.hear(cancel_one(order))

    assert before == (5, 0, 0, 0)
    assert (status(desk), figures(desk, EDITOR)) == (Status.RECEIVED, (in_use, 5 - in_use, 0, 0))
    assert again.code == "order_not_open"
    assert isinstance(desk.said[-1], OrderReceived)


@pytest.mark.parametrize(("quantity", "code"), [(6, "order_not_amendable"), (5, None)])
def test_what_is_in_use_though_it_was_cancelled_is_not_had_once_more(quantity: int, code: str | None) -> None:
    desk, order, lines = a_desk(EDITOR=5, LAMP=2)
    some = cancel_one(order).model_copy(update={"lines": (lines[EDITOR].id,)})
    desk.hear(some, a_shrinking(lines[EDITOR], 2))

    ended = desk.hear(an_amendment(order, (lines[EDITOR], {"quantity": quantity, "price_reason": "agreed"})))

    assert ended.code == code
    assert figures(desk, EDITOR) == (2, 3, 0, 0)


def a_shrinking(line: OrderLine, in_use: int) -> EntitlementChanged:
    return EntitlementChanged(
        entitlement_id=derived_id("entitlement", line.id),
        order_line_id=line.id,
        order_id=line.order_id,
        request_id=line.request_id,
        request_line_id=line.request_line_id,
        quantity=in_use,
        allocated=in_use,
        status="active",
    )


def test_a_draft_of_software_entitles_to_nothing_yet() -> None:
    desk = a_purchasing_desk()

    desk.hear(a_command(a_line(kind=Kind.SOFTWARE)))

    (line,) = lines_of(desk, the_order(desk))
    assert (line.kept, line.open, isinstance(desk.said[-1], OrderDrafted)) == (0, 2, True)
    desk.hear(completion(desk, the_order(desk), 10), submission(the_order(desk)))
    assert (the_order(desk).status, lines_of(desk, the_order(desk))[0].kept) == (Status.RECEIVED, 2)


def test_whom_it_is_for_and_how_long_it_runs_goes_along_with_the_order() -> None:
    desk = a_purchasing_desk()
    desk.hear(an_item(EDITOR, kind=Kind.SOFTWARE))
    person = Destination(kind=DestinationKind.PERSON, name="person-7")
    term = {"starts_on": "2026-05-01", "ends_on": "2027-04-30"}
    line = a_line(sku=EDITOR, destination=person)
    line = type(line).model_validate(line.model_dump() | term, strict=False)

    desk.hear(a_command(line))

    said = next(message for message in desk.said if isinstance(message, OrderSubmitted))
    assert (said.lines[0].destination, str(said.lines[0].starts_on), str(said.lines[0].ends_on)) == (
        person,
        *term.values(),
    )


# Services


def test_a_service_is_done_as_far_as_somebody_says_so() -> None:
    desk, order, lines = a_desk(CLEANING=3)

    first = desk.hear(a_confirmation(lines[CLEANING], 1), actor=Actor("person-2"))
    partly = status(desk)
    desk.hear(a_confirmation(lines[CLEANING]))

    assert first.decision.answer == {
        "order_id": str(order.id),
        "order_line_id": str(lines[CLEANING].id),
        "confirmed": 1,
        "open": 2,
    }
    assert first.decision.publish == [
        ServiceConfirmed(
            order_id=order.id,
            order_line_id=lines[CLEANING].id,
            request_id=REQUEST,
            request_line_id=lines[CLEANING].request_line_id,
            quantity=1,
            confirmed_by="person-2",
        ),
        OrderPartiallyReceived(
            order_id=order.id,
            requisition_number=order.requisition_number,
            request_id=REQUEST,
            request_ids=(REQUEST,),
        ),
    ]
    assert (partly, status(desk), figures(desk, CLEANING)) == (
        Status.PARTIALLY_RECEIVED,
        Status.RECEIVED,
        (3, 0, 0, 0),
    )


@pytest.mark.parametrize(
    ("sku", "changes", "refusal"),
    [
        (CLEANING, {"quantity": 4}, ("confirmation_exceeds_open", "quantity")),
        (LAMP, {}, ("kind_not_confirmed", "order_line_id")),
        (EDITOR, {}, ("kind_not_confirmed", "order_line_id")),
        (CLEANING, {"order_line_id": derived_id("none")}, ("order_line_unknown", "order_line_id")),
    ],
)
def test_what_was_not_rendered_is_not_confirmed(
    sku: str, changes: dict[str, Any], refusal: tuple[str, str]
) -> None:
    desk, _, lines = a_desk(CLEANING=3, LAMP=1, EDITOR=1)

    ended = desk.hear(a_confirmation(lines[sku], **changes))

    assert ended.rejection is not None
    assert (ended.code, ended.rejection.field) == refusal


@pytest.mark.parametrize("done", [True, False], ids=["confirmed", "cancelled"])
def test_nothing_more_is_confirmed_once_nothing_is_open(done: bool) -> None:
    desk, _, lines = a_desk(CLEANING=3)
    desk.hear(a_confirmation(lines[CLEANING]) if done else cancel_order())

    assert desk.hear(a_confirmation(lines[CLEANING])).code == "confirmation_exceeds_open"


def test_a_service_that_was_not_ordered_yet_is_not_confirmed() -> None:
    desk = a_purchasing_desk()
    desk.hear(a_command(a_line(kind=Kind.SERVICE)))
    (line,) = lines_of(desk, the_order(desk))

    assert desk.hear(a_confirmation(line)).code == "order_not_submitted"


def test_a_confirmation_for_an_order_not_heard_of_waits_and_is_then_refused() -> None:
    desk, _, lines = a_desk(CLEANING=3)
    command = a_confirmation(lines[CLEANING], order_id=derived_id("no order"))

    waits, refused = desk.hear(command), desk.give_up(command)

    assert (waits.verdict, refused.code) == ("waiting", "order_unknown")


# Laws


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.integers(1, 4), st.tuples(st.integers(0, 3)), st.just("cancel")), max_size=7))
def test_law_1_holds_for_orders_of_all_kinds(happened: list[Any]) -> None:
    desk, _, lines = a_desk(EDITOR=2, CLEANING=4, LAMP=4)

    for number, what in enumerate(happened):
        message: Message = cancel_order()
        if isinstance(what, int):
            message = a_confirmation(lines[CLEANING], what)
        elif isinstance(what, tuple):
            message = a_receipt((lines[LAMP], what[0], 1), name=number)
        desk.hear(message)
        (order,) = orders(desk)
        held = lines_of(desk, order)
        assert order.status is status_of(held)
        for line in held:
            assert line.kept + line.cancelled + line.open - line.over == line.ordered
        assert figures(desk, EDITOR)[0] == (0 if "cancel" in happened[: number + 1] else 2)
        assert figures(desk, CLEANING)[3] == 0
