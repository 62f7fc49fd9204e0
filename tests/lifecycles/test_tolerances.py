"""Tolerances are defined for an item, for a vendor or for all, and taken back."""

from decimal import Decimal

from libs.contracts.invoices import DefineTolerance, Difference, ToleranceChanged
from services.purchasing import tolerance
from services.purchasing.tolerance import TOLERANCES_MAX, Tolerance
from tests.builders_desk import Desk

PRICE = Difference.LINE_PRICE


def test_a_tolerance_is_known_by_what_it_is_for() -> None:
    desk = Desk(tolerance.HANDLERS)

    desk.hear(
        DefineTolerance(difference=PRICE, percent=Decimal(5)),
        DefineTolerance(difference=PRICE, vendor_number="V-1", percent=Decimal(2)),
        DefineTolerance(difference=PRICE, sku="CABLE-1M", amount=Decimal(1)),
        DefineTolerance(difference=PRICE, percent=Decimal(3)),
    )

    found = {(each.sku, each.vendor_number, each.percent, each.amount) for each in desk.all(Tolerance)}
    assert found == {
        (None, None, Decimal(3), None),
        (None, "V-1", Decimal(2), None),
        ("CABLE-1M", None, None, Decimal(1)),
    }


def test_what_was_said_before_is_not_announced_again() -> None:
    desk = Desk(tolerance.HANDLERS)
    command = DefineTolerance(difference=PRICE, percent=Decimal(5))

    first, again = desk.hear(command), desk.hear(command)

    assert (first.decision.answer["change"], again.decision.answer["change"]) == ("created", "unchanged")
    assert [type(each) for each in desk.said] == [ToleranceChanged]


def test_a_tolerance_without_bounds_is_taken_back() -> None:
    desk = Desk(tolerance.HANDLERS)

    desk.hear(DefineTolerance(difference=PRICE, percent=Decimal(5)), DefineTolerance(difference=PRICE))

    (taken_back,) = desk.all(Tolerance)
    assert (taken_back.percent, taken_back.amount) == (None, None)


def test_there_are_only_so_many_tolerances() -> None:
    desk = Desk(tolerance.HANDLERS)
    desk.hear(
        *(DefineTolerance(difference=PRICE, sku=f"SKU-{n}", amount=Decimal(1)) for n in range(TOLERANCES_MAX))
    )

    refused = desk.hear(DefineTolerance(difference=PRICE, sku="ONE-MORE", amount=Decimal(1)))
    changed = desk.hear(DefineTolerance(difference=PRICE, sku="SKU-7", amount=Decimal(2)))

    assert (refused.code, changed.verdict) == ("too_many_tolerances", "accepted")
