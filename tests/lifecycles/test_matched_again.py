"""Invoices that wait for a person are matched again once more is tolerated, or what they are worth is known."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from libs.contracts.catalog import DefineExchangeRate
from libs.contracts.invoices import (
    ORDERS_PER_INVOICE_MAX,
    DefineTolerance,
    Difference,
    InvoicedOrder,
    InvoiceMatched,
    MatchInvoices,
    MatchRecordedInvoices,
)
from libs.contracts.values import derived_id
from services.purchasing import rematching
from services.purchasing.invoice import Invoice, Status
from services.purchasing.purchase_order import OrderLine, PurchaseOrder
from services.purchasing.rematching import LOST, InvoiceWalk
from tests.builders_desk import LAPTOP, STATION, a_receipt, an_item, create_order
from tests.builders_dock import NOON
from tests.builders_invoices import (
    TODAY,
    InvoiceDesk,
    a_line,
    an_invoice,
    an_invoice_desk,
    order_lines,
    the_invoice,
)

PRICE = Difference.LINE_PRICE
GENEROUS = DefineTolerance(difference=PRICE, percent=Decimal(5))
DOLLARS = DefineExchangeRate(currency="USD", base="EUR", rate=Decimal("0.5"), valid_from=TODAY)


def too_dear(**changes: Any) -> InvoiceDesk:
    """All of an order is here, and was billed at 101 instead of 100."""
    desk = an_invoice_desk()
    desk.hear(a_receipt((order_lines(desk)[0], 10, 0)))
    desk.hear(an_invoice(a_line(10, "101"), **changes))
    desk.said.clear()
    return desk


def many(count: int) -> InvoiceDesk:
    """So many orders, each with an invoice that is too dear."""
    desk = an_invoice_desk({LAPTOP: 1})
    for number in range(2, count + 1):
        desk.hear(create_order({LAPTOP: 1}, request_id=derived_id("test-request", number)))
    for number, order in enumerate(desk.all(PurchaseOrder)):
        (line,) = desk.all(OrderLine, order_id=order.id)
        desk.hear(a_receipt((line, line.ordered, 0), name=number))
        desk.hear(
            an_invoice(a_line(1, "101"), number=f"R-{number}", orders=(InvoicedOrder(order_id=order.id),))
        )
    desk.said.clear()
    return desk


@pytest.mark.parametrize("of", [{}, {"vendor_number": "V-1"}, {"sku": LAPTOP}], ids=["all", "vendor", "item"])
def test_an_invoice_that_waits_matches_once_its_difference_is_tolerated(of: dict[str, Any]) -> None:
    desk = too_dear()
    assert the_invoice(desk).status is Status.RECORDED

    desk.hear(DefineTolerance(difference=PRICE, percent=Decimal(5), **of))
    desk.walk()

    assert the_invoice(desk).status is Status.MATCHED
    assert len(desk.facts(InvoiceMatched)) == 1


def test_what_is_tolerated_of_another_vendor_matches_no_invoice_of_this_one_again() -> None:
    desk = too_dear()

    desk.hear(DefineTolerance(difference=PRICE, percent=Decimal(5), vendor_number="V-2"))

    assert [type(each) for each in desk.walk()] == [MatchRecordedInvoices]


def test_a_tolerance_that_is_as_it_was_matches_nothing_again() -> None:
    desk = too_dear()
    desk.hear(GENEROUS)
    desk.walk()

    desk.hear(GENEROUS)

    assert desk.walk() == []


def test_what_need_not_be_looked_at_by_a_person_is_not_matched_again() -> None:
    desk = an_invoice_desk()
    desk.hear(a_receipt((order_lines(desk)[0], 10, 0)), an_invoice(a_line(10)))
    assert the_invoice(desk).status is Status.MATCHED

    desk.hear(GENEROUS)

    assert [type(each) for each in desk.walk()] == [MatchRecordedInvoices]


def test_page_by_page_each_order_is_matched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rematching, "PAGE_SIZE", 2)
    desk = many(5)

    desk.hear(GENEROUS)
    heard = desk.walk()

    matched = [each.order_id for each in heard if isinstance(each, MatchInvoices)]
    assert sorted(matched) == [order.id for order in desk.all(PurchaseOrder)]
    assert {invoice.status for invoice in desk.all(Invoice)} == {Status.MATCHED}
    assert desk.all(InvoiceWalk)[0].went_on_at is None


def test_a_flood_of_changes_is_for_one_walk() -> None:
    desk = too_dear()

    desk.hear(*(DefineTolerance(difference=PRICE, percent=Decimal(n)) for n in range(10, 60)))

    assert [type(each) for each in desk.walk()] == [MatchRecordedInvoices, MatchInvoices]


def test_what_changes_while_a_walk_goes_on_is_for_one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rematching, "PAGE_SIZE", 2)
    desk = many(3)
    desk.hear(DefineTolerance(difference=Difference.TAX, percent=Decimal(5)))
    (begun,) = desk.timers.values()
    desk.timers.clear()
    desk.hear(begun.message)

    for percent in range(3, 50):
        desk.hear(DefineTolerance(difference=PRICE, percent=Decimal(percent)))
    assert not desk.timers
    heard = desk.walk()

    pages = [each for each in heard if isinstance(each, MatchRecordedInvoices)]
    assert [(page.walk, page.after is None) for page in pages] == [(1, False), (2, True)]
    assert {invoice.status for invoice in desk.all(Invoice)} == {Status.MATCHED}


def test_a_walk_that_was_lost_is_begun_anew_and_then_ends_if_it_turns_up() -> None:
    desk = too_dear()
    desk.hear(DefineTolerance(difference=Difference.TAX, percent=Decimal(5)))
    (lost,) = desk.timers.values()
    desk.timers.clear()

    desk.hear(GENEROUS, at=NOON + LOST + timedelta(minutes=1))
    (anew,) = desk.timers.values()
    desk.hear(lost.message)

    assert desk.facts(MatchInvoices) == []
    assert anew.message == MatchRecordedInvoices(walk=2)


def the_walk(desk: InvoiceDesk) -> InvoiceWalk:
    (walk,) = desk.all(InvoiceWalk)
    assert isinstance(walk, InvoiceWalk)
    return walk


def first_page(desk: InvoiceDesk) -> None:
    """A walk has begun; whatever it says is late."""
    (begun,) = desk.timers.values()
    desk.timers.clear()
    desk.hear(begun.message)
    desk.said.clear()


NARROWER = DefineTolerance(difference=Difference.TAX, percent=Decimal(5), vendor_number="V-2")


def test_a_walk_that_was_lost_on_its_way_is_made_up_for_by_the_next_though_that_is_about_less(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rematching, "PAGE_SIZE", 2)
    desk = many(3)
    desk.hear(GENEROUS)
    first_page(desk)

    desk.hear(NARROWER, at=NOON + LOST + timedelta(minutes=1))
    desk.walk()

    assert {invoice.status for invoice in desk.all(Invoice)} == {Status.MATCHED}
    walk = the_walk(desk)
    assert (walk.number, walk.is_wanted, walk.went_on_at, walk.walking_vendors) == (2, False, None, ())


def test_so_is_one_for_what_nobody_knew_the_worth_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rematching, "PAGE_SIZE", 1)
    desk = an_invoice_desk()
    desk.hear(DefineTolerance(difference=Difference.CURRENCY, percent=Decimal(100)))
    desk.hear(a_receipt((order_lines(desk)[0], 10, 0)))
    desk.hear(an_invoice(a_line(10, "200"), currency="USD"))
    desk.walk()
    desk.hear(DOLLARS)
    first_page(desk)

    desk.hear(NARROWER, at=NOON + LOST + timedelta(minutes=1))
    desk.walk()

    assert the_invoice(desk).status is Status.MATCHED
    assert not the_walk(desk).walking_unrated


def test_what_a_walk_that_ended_was_about_is_not_for_the_next_one() -> None:
    desk = too_dear()
    desk.hear(DefineTolerance(difference=Difference.TAX, percent=Decimal(5)))
    desk.walk()

    desk.hear(NARROWER)

    assert the_walk(desk).vendors == ("V-2",)
    assert [type(each) for each in desk.walk()] == [MatchRecordedInvoices]


def test_a_page_sends_only_so_many_commands_even_if_each_invoice_is_for_many_orders() -> None:
    desk = too_dear()
    known = the_invoice(desk)
    for number in range(30):
        orders = tuple(derived_id("test-order", number, index) for index in range(ORDERS_PER_INVOICE_MAX))
        copy = replace(known, id=derived_id("test-invoice", number), orders=orders)
        desk.records[Invoice][copy.id] = copy
    desk.hear(GENEROUS)
    (begun,) = desk.timers.values()

    desk.hear(begun.message)

    assert 400 < len(desk.facts(MatchInvoices)) <= 500
    assert len(desk.facts(MatchRecordedInvoices)) == 1


def test_an_invoice_in_a_currency_that_nobody_knew_is_matched_once_its_worth_is_known() -> None:
    desk = an_invoice_desk()
    desk.hear(DefineTolerance(difference=Difference.CURRENCY, percent=Decimal(100)))
    desk.hear(a_receipt((order_lines(desk)[0], 10, 0)))
    desk.hear(an_invoice(a_line(10, "200"), currency="USD"))
    desk.walk()
    assert the_invoice(desk).status is Status.RECORDED

    desk.hear(DOLLARS)
    desk.walk()

    invoice, (order,) = the_invoice(desk), desk.all(PurchaseOrder)
    assert (invoice.status, order.invoiced_net) == (Status.MATCHED, Decimal(1000))
    assert invoice.shares[0]["rate"] == "0.5"


def test_a_rate_of_a_later_day_is_not_that_of_an_invoice() -> None:
    desk = an_invoice_desk()
    desk.hear(an_invoice(a_line(10, "200"), currency="USD"))

    desk.hear(DOLLARS.model_copy(update={"valid_from": TODAY + timedelta(days=1)}))
    desk.walk()

    assert the_invoice(desk).shares[0]["rate"] is None


def test_a_rate_matches_only_those_again_whose_worth_was_not_known() -> None:
    desk = too_dear()

    desk.hear(DOLLARS)

    assert [type(each) for each in desk.walk()] == [MatchRecordedInvoices]


def test_what_an_invoice_is_worth_for_each_of_its_orders_becomes_known() -> None:
    desk = an_invoice_desk()
    desk.hear(an_item(STATION, vendor_number="V-1"))
    desk.hear(create_order({STATION: 2}, request_id=derived_id("test-request", 2)))
    shares = tuple(InvoicedOrder(order_id=order.id, net=Decimal(100)) for order in desk.all(PurchaseOrder))
    desk.hear(an_invoice(net=200, currency="USD", orders=shares))

    desk.hear(DOLLARS)
    desk.walk()

    assert [share["rate"] for share in the_invoice(desk).shares] == ["0.5", "0.5"]
    assert {order.invoiced_net for order in desk.all(PurchaseOrder)} == {Decimal(50)}
