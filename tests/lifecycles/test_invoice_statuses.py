"""What people decide about invoices, and what may happen to one in each of its statuses."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from libs.chassis.decision import Actor
from libs.contracts.invoices import (
    AcceptInvoice,
    DefineTolerance,
    Difference,
    DisputeInvoice,
    InvoiceAccepted,
    InvoiceDifferenceFound,
    InvoiceDisputed,
    InvoiceDisputeResolved,
    InvoiceMatched,
    InvoiceRecorded,
    ResolveInvoice,
)
from libs.contracts.message import Message
from libs.contracts.permissions import Role
from libs.contracts.purchasing import DefinePurchasingPolicy, OrderClosed
from services.purchasing.invoice import TRANSITIONS, Status
from services.purchasing.purchase_order import Status as OrderStatus
from services.purchasing.settlement import InvoiceDecision, Verdict
from tests.builders_buying import a_return
from tests.builders_desk import a_receipt, cancel_order
from tests.builders_invoices import (
    BUYER,
    InvoiceDesk,
    a_credit_note,
    a_line,
    an_invoice,
    an_invoice_desk,
    order_lines,
    the_invoice,
    the_order,
)

NAMED: dict[str, Any] = {"vendor_number": "V-1", "number": "R-1"}
DOCK = Actor("dock", frozenset({Role.STORAGE_MANAGER}))
ACCEPT = AcceptInvoice(**NAMED, reason="agreed by telephone")
DISPUTE = DisputeInvoice(**NAMED, reason="too dear")
RESOLVE = ResolveInvoice(**NAMED, resolution="they insist")


def received(desk: InvoiceDesk, quantity: int = 10, name: object = 1) -> None:
    desk.hear(a_receipt((order_lines(desk)[0], quantity, 0), name=name))
    desk.settle()


def recorded() -> InvoiceDesk:
    """An invoice that is too dear."""
    desk = an_invoice_desk()
    received(desk)
    desk.hear(an_invoice(a_line(10, "101")))
    return desk


def matched() -> InvoiceDesk:
    desk = an_invoice_desk()
    received(desk)
    desk.hear(an_invoice(a_line(10)))
    return desk


def disputed() -> InvoiceDesk:
    desk = recorded()
    desk.hear(DISPUTE, actor=BUYER)
    return desk


def accepted() -> InvoiceDesk:
    desk = recorded()
    desk.hear(ACCEPT, actor=BUYER)
    return desk


DESKS: dict[Status, Callable[[], InvoiceDesk]] = {
    Status.RECORDED: recorded,
    Status.MATCHED: matched,
    Status.DISPUTED: disputed,
    Status.ACCEPTED: accepted,
}


@pytest.mark.parametrize("status", Status)
def test_every_status_is_reached(status: Status) -> None:
    assert the_invoice(DESKS[status]()).status is status


COMMANDS: dict[str, tuple[Message, dict[Status, object]]] = {
    "accept": (
        ACCEPT,
        {
            Status.RECORDED: Status.ACCEPTED,
            Status.MATCHED: "invoice_not_open",
            Status.DISPUTED: Status.ACCEPTED,
            Status.ACCEPTED: "duplicate",
        },
    ),
    "dispute": (
        DISPUTE,
        {
            Status.RECORDED: Status.DISPUTED,
            Status.MATCHED: Status.DISPUTED,
            Status.DISPUTED: "duplicate",
            Status.ACCEPTED: "invoice_not_open",
        },
    ),
    "resolve": (
        RESOLVE,
        {
            Status.RECORDED: "invoice_not_disputed",
            Status.MATCHED: "invoice_not_disputed",
            Status.DISPUTED: Status.RECORDED,
            Status.ACCEPTED: "invoice_not_disputed",
        },
    ),
}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("name", COMMANDS)
def test_each_decision_in_each_status(name: str, status: Status) -> None:
    command, outcomes = COMMANDS[name]
    desk = DESKS[status]()

    ended = desk.hear(command, actor=BUYER)
    desk.settle()

    now = the_invoice(desk).status
    if isinstance(outcomes[status], Status):
        assert (ended.verdict, now) == ("accepted", outcomes[status])
    else:
        assert (ended.code or ended.verdict, now) == (outcomes[status], status)


def a_return_of_the_price(desk: InvoiceDesk) -> Message:
    return a_credit_note(a_line(10, "1"))


def a_cancellation(desk: InvoiceDesk) -> Message:
    return cancel_order()


def one_more(desk: InvoiceDesk) -> Message:
    return a_receipt((order_lines(desk)[0], 1, 0), name="one more")


def another_invoice(desk: InvoiceDesk) -> Message:
    return an_invoice(a_line(1), number="R-2")


AFTERWARDS: dict[Callable[[InvoiceDesk], Message], dict[Status, Status]] = {
    # A discount that nobody expected is a difference as well.
    a_return_of_the_price: {Status.RECORDED: Status.MATCHED, Status.MATCHED: Status.RECORDED},
    a_cancellation: {},
    one_more: {},
    another_invoice: {},
}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("what", AFTERWARDS)
def test_each_thing_that_happens_to_its_order_in_each_status(
    what: Callable[[InvoiceDesk], Message], status: Status
) -> None:
    desk = DESKS[status]()

    ended = desk.hear(what(desk))
    desk.settle()

    assert ended.verdict == "accepted"
    assert the_invoice(desk).status is AFTERWARDS[what].get(status, status)


def test_no_status_changes_but_by_the_table() -> None:
    assert {
        Status.RECORDED: {Status.MATCHED, Status.DISPUTED, Status.ACCEPTED},
        Status.MATCHED: {Status.RECORDED, Status.DISPUTED},
        Status.DISPUTED: {Status.RECORDED, Status.MATCHED, Status.ACCEPTED},
        Status.ACCEPTED: set(),
    } == TRANSITIONS


def test_a_whole_dispute_is_told_and_kept() -> None:
    desk = recorded()

    desk.hear(DISPUTE, RESOLVE, ACCEPT, actor=BUYER)

    assert [type(each) for each in desk.facts()] == [
        InvoiceRecorded,
        InvoiceDifferenceFound,
        InvoiceDisputed,
        InvoiceDisputeResolved,
        InvoiceAccepted,
    ]
    assert {(each.verdict, each.decided_by, each.reason) for each in desk.all(InvoiceDecision)} == {
        (Verdict.DISPUTED, "person-8", "too dear"),
        (Verdict.RESOLVED, "person-8", "they insist"),
        (Verdict.ACCEPTED, "person-8", "agreed by telephone"),
    }


def test_what_is_tolerated_by_now_matches_when_the_dispute_is_over() -> None:
    desk = disputed()
    desk.hear(DefineTolerance(difference=Difference.LINE_PRICE, percent=Decimal(1)))

    desk.hear(RESOLVE, actor=BUYER)
    desk.settle()

    assert the_invoice(desk).status is Status.MATCHED
    assert isinstance(desk.facts()[-1], InvoiceMatched)


def test_who_received_the_goods_does_not_accept_the_invoice_unless_the_policy_says_so() -> None:
    desk = recorded()

    refused = desk.hear(ACCEPT, actor=DOCK)
    desk.hear(DefinePurchasingPolicy(separates_duties=False))
    allowed = desk.hear(ACCEPT, actor=DOCK)

    assert (refused.code, allowed.verdict) == ("received_by_oneself", "accepted")


def test_an_invoice_that_matched_waits_for_a_person_again_when_goods_are_billed_that_nobody_has() -> None:
    desk = an_invoice_desk()
    received(desk, 4)
    desk.hear(an_invoice(a_line(4)))
    before = the_invoice(desk).status

    desk.hear(an_invoice(a_line(3), number="R-2"))
    second = the_invoice(desk, "R-2").status
    received(desk, 6, name=2)

    assert (before, second) == (Status.MATCHED, Status.RECORDED)
    assert the_invoice(desk, "R-2").status is Status.RECORDED, "three units are received and not invoiced"
    desk.hear(an_invoice(a_line(3), number="R-3"))
    assert {the_invoice(desk, number).status for number in ("R-1", "R-2", "R-3")} == {Status.MATCHED}


def test_what_differs_in_more_than_was_accepted_is_said_but_changes_nothing() -> None:
    desk = accepted()
    desk.said.clear()

    desk.hear(a_return(the_order(desk).id, (order_lines(desk)[0].id, 1), purpose="credit"))
    desk.settle()

    (said,) = desk.facts(InvoiceDifferenceFound)
    assert isinstance(said, InvoiceDifferenceFound)
    assert {each.difference for each in said.differences} >= {Difference.OVER_INVOICED, Difference.LINE_PRICE}
    assert the_invoice(desk).status is Status.ACCEPTED


def test_an_order_is_closed_once_it_is_received_and_invoiced_in_whatever_order() -> None:
    invoiced_last, received_last = an_invoice_desk(), an_invoice_desk()

    received(invoiced_last)
    before = the_order(invoiced_last).status
    invoiced_last.hear(an_invoice(a_line(10)))
    received_last.hear(an_invoice(a_line(10)))
    received(received_last)

    assert before is OrderStatus.RECEIVED
    for desk in (invoiced_last, received_last):
        assert the_order(desk).status is OrderStatus.CLOSED
        assert [type(each) for each in desk.facts(OrderClosed)] == [OrderClosed]


def test_a_name_that_no_invoice_has_is_unknown() -> None:
    desk = an_invoice_desk()

    refused = desk.give_up(ACCEPT)

    assert refused.rejection is not None
    assert (refused.code, refused.rejection.field) == ("invoice_unknown", "number")
