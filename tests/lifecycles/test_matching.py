"""Invoices are compared with orders and receipts: a table of cases, and what holds in every one of them."""

from decimal import Decimal

import pytest

from libs.contracts.invoices import DifferenceFound
from libs.contracts.values import derived_id
from services.purchasing.matching import Matched, match
from services.purchasing.tolerance import Tolerances
from tests.lifecycles import matching_deliveries, matching_money, matching_prices
from tests.lifecycles.matching_words import Case

CASES = (*matching_deliveries.CASES, *matching_money.CASES, *matching_prices.CASES)
NAMES = {derived_id("invoice", name): name for name in ("I", "J", "G")}
SKUS = {derived_id("line", sku): sku for sku in ("A", "B")}


def matched(case: Case) -> Matched:
    return match(case.order, case.bills, Tolerances(case.tolerances))


def as_written(found: Matched) -> list[str]:
    """Where net and gross differ by the same they are written as one."""
    lines = [
        f"{NAMES[invoice]}: {_as_written(each)}"
        for invoice, differences in found.differences.items()
        for each in differences
    ]
    both = {line for line in lines if line.replace("net", "gross") in lines and "net" in line}
    same = {line.replace("net", "gross") for line in both}
    return [line.replace(" net", "") if line in both else line for line in lines if line not in same]


def _as_written(found: DifferenceFound) -> str:
    line = SKUS[found.order_line_id] if found.order_line_id else "-"
    ending = " later" if found.pending else " ok" if found.within_tolerance else ""
    return f"{found.difference} {line} {found.expected} -> {found.invoiced}{ending}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_differs_is_found(case: Case) -> None:
    found = matched(case)

    assert as_written(found) == list(case.differences)
    assert (found.net, found.gross) == tuple(map(Decimal, case.sums))
    assert list(found.units.values()) == list(case.units)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_tolerance_never_decides_what_is_shown(case: Case) -> None:
    shown = [
        (each.difference, each.expected) for found in matched(case).differences.values() for each in found
    ]

    untolerated = match(case.order, case.bills)

    assert [
        (each.difference, each.expected) for found in untolerated.differences.values() for each in found
    ] == shown


def test_each_case_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 45
