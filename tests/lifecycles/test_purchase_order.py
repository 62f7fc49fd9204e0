"""Purchase orders, from what was approved until nothing is owed any more."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.message import Message
from libs.contracts.purchasing import (
    CancelledLine,
    OrderCancelled,
    OrderedLine,
    OrderPartiallyReceived,
    OrderReceived,
    OrderSubmitted,
    SurplusFound,
)
from libs.contracts.values import Kind, Money, derived_id
from services.purchasing.catalog import vendor_id_of
from services.purchasing.commitment import RequestOrders, RequestOrdersStatus
from services.purchasing.purchase_order import (
    TRANSITIONS,
    UNSUBMITTED,
    OrderLine,
    PurchaseOrder,
    Status,
    order_id_of,
)
from tests.builders_desk import (
    CABLE,
    LAPTOP,
    SERVER,
    STATION,
    Desk,
    a_purchasing_desk,
    a_receipt,
    a_vendor,
    an_item,
    cancel_order,
    create_order,
    every_order_of_arrival,
    orders,
)
from tests.builders_orders import close_short

REQUEST = derived_id("test-request", 1)


@pytest.fixture
def desk() -> Desk:
    return a_purchasing_desk()


def an_order_of(*quantities: int) -> tuple[Desk, list[OrderLine]]:
    """A desk with one order of lines with these quantities, and its lines."""
    desk = a_purchasing_desk()
    skus = (CABLE, LAPTOP, SERVER)
    assert desk.hear(create_order(dict(zip(skus, quantities, strict=False)))).verdict == "accepted"
    return desk, lines(desk)


def lines(desk: Desk) -> list[OrderLine]:
    return sorted(desk.all(OrderLine), key=lambda line: (str(line.order_id), line.position))


def status(desk: Desk) -> Status:
    return next(iter(orders(desk))).status


def figures(line: OrderLine) -> tuple[int, int, int, int]:
    return line.kept, line.cancelled, line.open, line.over


# Ordering


def test_what_was_approved_is_ordered_from_each_preferred_vendor(desk: Desk) -> None:
    desk.hear(an_item(LAPTOP, unit_price=Decimal("10.005"), warranty_months=24))
    command = create_order({LAPTOP: 3, STATION: 1, CABLE: 2})

    ended = desk.hear(command)

    first, second = orders(desk)
    assert [(order.id, order.status, order.vendor_name, order.total) for order in (first, second)] == [
        (order_id_of(REQUEST, vendor_id_of("V-1")), Status.SUBMITTED, "Vendor V-1", Decimal("31.12")),
        (order_id_of(REQUEST, vendor_id_of("V-2")), Status.SUBMITTED, "Vendor V-2", Decimal("149.50")),
    ]
    assert ended.decision.answer == {
        "request_id": str(REQUEST),
        "orders": [
            {
                "order_id": str(order.id),
                "requisition_number": order.requisition_number,
                "status": "submitted",
            }
            for order in (first, second)
        ],
    }
    laptop, cable = desk.all(OrderLine, order_id=first.id, sku=LAPTOP) + desk.all(OrderLine, sku=CABLE)
    assert (laptop.catalog_version, laptop.line_total, laptop.position) == (2, Decimal("30.02"), 1)
    assert desk.said[-2] == OrderSubmitted(
        order_id=first.id,
        requisition_number="PR-000001",
        request_id=REQUEST,
        vendor_id=vendor_id_of("V-1"),
        vendor_number="V-1",
        vendor_name="Vendor V-1",
        deliver_to="SITE-1",
        total=Money(amount=Decimal("31.12"), currency="EUR"),
        expected_cost=Money(amount=Decimal("31.12"), currency="EUR"),
        lines=tuple(
            OrderedLine(
                order_line_id=line.id,
                request_id=REQUEST,
                request_line_id=line.request_line_id,
                sku=line.sku,
                name=line.name,
                kind=Kind.HARDWARE,
                quantity=line.ordered,
                unit_price=line.unit_price,
                asset_creation=line.asset_creation,
                warranty_months=line.warranty_months,
            )
            for line in (laptop, cable)
        ),
    )


def test_an_item_that_stands_twice_in_a_request_makes_two_lines(desk: Desk) -> None:
    once = create_order({STATION: 2})
    twice = (once.lines[0], once.lines[0].model_copy(update={"request_line_id": derived_id("line", 2)}))

    desk.hear(once.model_copy(update={"lines": twice}))

    assert [(line.position, line.ordered) for line in lines(desk)] == [(1, 2), (2, 2)]
    assert orders(desk)[0].total == Decimal("598.00")


def test_a_request_is_ordered_once(desk: Desk) -> None:
    first = desk.hear(create_order())
    before = desk.fork()

    again = desk.hear(create_order())

    assert (again.verdict, again.decision.answer) == ("duplicate", first.decision.answer)
    assert (desk.records, desk.said) == (before.records, before.said)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (an_item(STATION, active=False), "sku_unknown"),
        (a_vendor("V-2", active=False), "vendor_unknown"),
        (an_item(STATION, currency="USD"), "currency_mismatch"),
    ],
)
def test_what_can_no_longer_be_bought_is_refused(desk: Desk, changed: Message, code: str) -> None:
    desk.hear(changed)

    ended = desk.hear(create_order({CABLE: 1, STATION: 1}))

    assert ended.rejection is not None
    assert (ended.code, ended.rejection.field) == (code, "lines[1].sku")
    assert desk.all(PurchaseOrder) == []


def test_an_item_that_was_never_in_the_catalog_is_refused(desk: Desk) -> None:
    assert desk.hear(create_order({"NOTHING": 1})).code == "sku_unknown"


# Cancelling


def test_a_cancellation_cancels_what_is_open_of_all_orders_of_a_request(desk: Desk) -> None:
    desk.hear(create_order({LAPTOP: 3, STATION: 1}))
    (laptop,) = desk.all(OrderLine, sku=LAPTOP)
    desk.hear(a_receipt((laptop, 2, 0)))

    ended = desk.hear(cancel_order())

    first, second = orders(desk)
    assert (first.status, second.status) == (Status.RECEIVED, Status.CANCELLED)
    assert [figures(line) for line in desk.all(OrderLine, sku=LAPTOP)] == [(2, 1, 0, 0)]
    said = {message.order_id: message for message in desk.said if isinstance(message, OrderCancelled)}
    assert said[first.id] == OrderCancelled(
        order_id=first.id,
        requisition_number=first.requisition_number,
        request_id=REQUEST,
        reason="not needed any more",
        whole=False,
        lines=(
            CancelledLine(
                order_line_id=laptop.id,
                request_id=REQUEST,
                request_line_id=laptop.request_line_id,
                cancelled=1,
                asked=3,
            ),
        ),
    )
    assert (set(said), ended.verdict) == ({first.id, second.id}, "accepted")


def test_a_second_cancellation_changes_nothing(desk: Desk) -> None:
    desk.hear(create_order())
    first = desk.hear(cancel_order())
    before = desk.fork()

    again = desk.hear(cancel_order())

    assert (again.verdict, again.decision.answer) == ("duplicate", first.decision.answer)
    assert (desk.records, desk.said) == (before.records, before.said)


def test_a_cancellation_that_overtakes_the_command_to_order_still_wins(desk: Desk) -> None:
    overtaking = desk.hear(cancel_order())

    late = desk.hear(create_order())

    assert overtaking.decision.answer == {"request_id": str(REQUEST), "orders": []}
    assert late.code == "order_cancelled"
    assert desk.all(PurchaseOrder) == []
    assert desk.hear(cancel_order()).verdict == "duplicate"


def test_a_repeated_command_to_order_is_answered_as_before_even_after_a_cancellation(desk: Desk) -> None:
    first = desk.hear(create_order())
    desk.hear(cancel_order())

    again = desk.hear(create_order())

    assert (again.verdict, again.decision.answer) == ("duplicate", first.decision.answer)
    assert desk.all(RequestOrders)[0].status is RequestOrdersStatus.CANCELLED


def test_there_is_nothing_to_cancel_of_what_has_arrived() -> None:
    desk, (line,) = an_order_of(2)
    desk.hear(a_receipt((line, 2, 0)))
    said = len(desk.said)

    ended = desk.hear(cancel_order())

    assert ended.decision.answer == {"request_id": str(REQUEST), "orders": []}
    assert (status(desk), desk.said[said:]) == (Status.RECEIVED, [])


# Counting what arrives


def test_an_order_is_received_once_everything_has_arrived() -> None:
    desk, (first, second) = an_order_of(2, 1)
    (order,) = orders(desk)
    about: dict[str, Any] = {
        "order_id": order.id,
        "requisition_number": order.requisition_number,
        "request_id": REQUEST,
        "request_ids": (REQUEST,),
    }

    desk.hear(a_receipt((first, 1, 1), name=1))
    partly = desk.said[-1]
    desk.hear(a_receipt((first, 1, 0), (second, 1, 0), name=2))

    assert (partly, desk.said[-1]) == (OrderPartiallyReceived(**about), OrderReceived(**about))
    assert status(desk) is Status.RECEIVED
    assert [(line.accepted, line.rejected) for line in lines(desk)] == [(2, 1), (1, 0)]


def test_rejected_units_stay_open() -> None:
    desk, (line,) = an_order_of(2)

    desk.hear(a_receipt((line, 0, 2)))

    assert [figures(line) for line in lines(desk)] == [(0, 0, 2, 0)]
    assert status(desk) is Status.SUBMITTED


def test_the_dock_wins_over_a_cancellation_it_had_not_heard_of() -> None:
    desk, (line,) = an_order_of(5)
    desk.hear(cancel_order())

    desk.hear(a_receipt((line, 2, 0)))

    assert [figures(line) for line in lines(desk)] == [(2, 3, 0, 0)]
    assert status(desk) is Status.RECEIVED
    assert isinstance(desk.said[-1], OrderReceived)


def test_more_than_was_ordered_is_kept_and_reported_each_time_it_grows() -> None:
    desk, (line,) = an_order_of(2)

    desk.hear(
        a_receipt((line, 3, 0), name=1), a_receipt((line, 2, 0), name=2), a_receipt((line, 0, 1), name=3)
    )

    (order,) = orders(desk)
    assert [figures(line) for line in lines(desk)] == [(5, 0, 0, 3)]
    assert [message for message in desk.said if isinstance(message, SurplusFound)] == [
        SurplusFound(order_id=order.id, order_line_id=line.id, over=over) for over in (1, 3)
    ]


def test_goods_for_an_order_not_heard_of_yet_wait_for_it(desk: Desk) -> None:
    other, (line,) = an_order_of(1)

    waits = desk.hear(a_receipt((line, 1, 0)))
    desk.hear(create_order({CABLE: 1}))

    assert waits.verdict == "waiting"
    assert status(desk) is Status.RECEIVED
    assert status(other) is Status.SUBMITTED


@pytest.mark.parametrize("before", [status for status in Status if status not in UNSUBMITTED])
@pytest.mark.parametrize("accepted", [0, 1, 9])
def test_goods_are_refused_in_no_status(before: Status, accepted: int) -> None:
    desk, (line,) = an_order_of(3)
    desk.hear(
        *{
            Status.SUBMITTED: (),
            Status.PARTIALLY_RECEIVED: (a_receipt((line, 1, 0)),),
            Status.RECEIVED: (a_receipt((line, 3, 0)),),
            Status.CLOSED: (a_receipt((line, 1, 0)), close_short(orders(desk)[0])),
            Status.CANCELLED: (cancel_order(),),
        }[before]
    )
    assert status(desk) is before
    kept = lines(desk)[0].kept

    ended = desk.hear(a_receipt((line, accepted, 1), name="more"))

    assert ended.verdict == "accepted"
    assert lines(desk)[0].kept == kept + accepted
    assert status(desk) is before or status(desk) in TRANSITIONS[before]


# Laws


def the_state(desk: Desk) -> tuple[Status, list[OrderLine]]:
    """What must not depend on the order in which things were told."""
    return status(desk), [replace(line, version=0) for line in lines(desk)]


def test_any_order_of_arrival_ends_in_the_same_numbers_over_every_step_of_the_table() -> None:
    desk, (first, second) = an_order_of(2, 1)
    told = (
        a_receipt((first, 1, 0), name=1),
        a_receipt((first, 1, 0), (second, 0, 1), name=2),
        a_receipt((second, 1, 0), name=3),
        a_receipt((first, 2, 0), (second, 1, 0), name=4),
        cancel_order(),
    )
    states = {frozenset[int](): the_state(desk)}
    taken: set[tuple[Status, Status]] = set()

    for before, _, after, heard in every_order_of_arrival(desk, told):
        assert states.setdefault(heard, the_state(after)) == the_state(after)
        if status(before) is not status(after):
            taken.add((status(before), status(after)))

    assert taken == {
        (Status.SUBMITTED, Status.PARTIALLY_RECEIVED),
        (Status.SUBMITTED, Status.RECEIVED),
        (Status.SUBMITTED, Status.CANCELLED),
        (Status.PARTIALLY_RECEIVED, Status.RECEIVED),
        (Status.CANCELLED, Status.RECEIVED),
    }


counts = st.tuples(st.integers(0, 4), st.integers(0, 2))


@given(st.integers(1, 6), st.lists(counts, max_size=5), st.booleans(), st.data())
def test_law_1_holds_however_receipts_and_a_cancellation_interleave(
    ordered: int, receipts: list[tuple[int, int]], cancels: bool, data: st.DataObject
) -> None:
    desk, (line,) = an_order_of(ordered)
    told: list[Message] = [a_receipt((line, *count), name=name) for name, count in enumerate(receipts)]
    told += [cancel_order()] * cancels
    other = desk.fork()

    desk.hear(*told)
    other.hear(*data.draw(st.permutations(told)))

    assert the_state(desk) == the_state(other)
    (line,) = lines(desk)
    kept = sum(accepted for accepted, _ in receipts)
    cancelled = min(ordered if cancels else 0, max(0, ordered - kept))
    assert figures(line) == (
        kept,
        cancelled,
        max(0, ordered - cancelled - kept),
        max(0, kept + cancelled - ordered),
    )
    assert line.kept + line.cancelled + line.open - line.over == ordered
    assert sum(isinstance(message, OrderReceived) for message in desk.said) == (kept > 0 and not line.open)
