"""The demo's judges: each law passes a sound journey and catches a broken one."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import fields
from typing import Any
from uuid import UUID

import pytest

from deploy.demo import laws
from deploy.demo.laws import LAWS, Evidence
from libs.contracts.values import asset_id_of

LINE = UUID(int=7)
FIRST, SECOND = (str(asset_id_of(LINE, number)) for number in (1, 2))


def an_asset(number: int) -> dict[str, Any]:
    return {
        "asset_id": str(asset_id_of(LINE, number)),
        "status": "assigned",
        "tag": f"QM-0000000{number}",
        "sku": "LAPTOP",
        "serial": f"SN{number}",
        "order_line_id": str(LINE),
        "unit_number": number,
        "request_id": "request",
        "request_line_id": "request-line",
        "receipt_line_id": "receipt-line",
        "custodian": "person-1",
        "handover_id": "handover",
        "transactions": [{"change": 1}, {"change": -1}],
    }


def a_sound_journey() -> Evidence:
    """Two laptops for one person, ordered, received and handed over."""
    total = {"amount": "1000.01", "currency": "EUR"}
    figures = {"ordered": 2, "accepted": 2, "rejected": 0, "kept": 2, "cancelled": 0, "open": 0}
    priced = {"position": 1, "unit_price": "500.005000", "line_total": total}
    return Evidence(
        requests=[
            {
                "request_id": "request",
                "number": "REQ-1",
                "status": "fulfilled",
                "requester": "person-1",
                "on_behalf_of": None,
                "total": total,
                "lines": [{"request_line_id": "request-line", "quantity": 2, "done": True, **priced}],
                "steps": [{"number": 1}, {"number": 2}],
                "units": [
                    {"unit_id": FIRST, "status": "assigned", "serial": "SN1"},
                    {"unit_id": SECOND, "status": "assigned", "serial": "SN2"},
                ],
                "refusals": 0,
                "overdue": 0,
            }
        ],
        orders=[
            {
                "order_id": "order",
                "requisition_number": "PR-1",
                "request_id": "request",
                "status": "closed",
                "total": total,
                "lines": [{"order_line_id": str(LINE), "over": 0, **figures, **priced}],
            }
        ],
        expected=[{"order_id": "order", "lines": [{"order_line_id": str(LINE), **figures}]}],
        receipts=[
            {
                "receipt_number": "RCV-1",
                "order_id": "order",
                "lines": [
                    {
                        "receipt_line_id": "receipt-line",
                        "order_line_id": str(LINE),
                        "accepted": 2,
                        "rejected": 0,
                        "units": [
                            {"asset_id": FIRST, "serial": "SN1"},
                            {"asset_id": SECOND, "serial": "SN2"},
                        ],
                    }
                ],
            }
        ],
        lines=[{"order_line_id": str(LINE), "requisition_number": "PR-1", "sku": "LAPTOP", **figures}],
        assets=[an_asset(1), an_asset(2)],
        trails=[an_asset(1)],
        balances=[
            {"quantity": 0, "sku": "LAPTOP", "location": "SITE-NORTH", "storage_space": "GOODS-IN"},
        ],
        invoiced=[
            {
                "requisition_number": "PR-1",
                "status": "closed",
                "expected_net": total,
                "invoiced_net": total,
                "difference_net": {"amount": "0.00", "currency": "EUR"},
                "lines": [{"kept": 2, "invoiced": 2}],
                "invoices": [{"net": total}],
            }
        ],
        verifications={
            what: {"differences": []}
            for what in ("purchasing orders", "assets order lines", "assets balances")
        },
    )


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_a_sound_journey_breaks_no_law(law: Callable[[Evidence], list[str]]) -> None:
    assert law(a_sound_journey()) == []


BREAKS: list[tuple[Callable[[Evidence], list[str]], str, Any]] = [
    (laws.every_request_is_fulfilled, "requests.0.status", "received"),
    (laws.every_request_is_fulfilled, "assets.0.custodian", "person-2"),
    (laws.law_1_counts_agree, "receipts.0.lines.0.accepted", 1),
    (laws.law_1_counts_agree, "orders.0.lines.0.open", 1),
    (laws.law_1_counts_agree, "expected.0.lines.0.accepted", 1),
    (laws.law_1_counts_agree, "lines.0.kept", 1),
    (laws.law_1_statuses_follow, "orders.0.status", "submitted"),
    (laws.law_1_statuses_follow, "requests.0.lines.0.done", False),
    (laws.law_1_statuses_follow, "verifications.purchasing orders.differences", ["PR-1"]),
    (laws.law_2_trails_are_unbroken, "requests.0.steps.1.number", 3),
    (laws.law_2_trails_are_unbroken, "trails.0.transactions", [{"change": 1}]),
    (laws.law_3_units_are_accounted_for, "assets.1.status", "on_order"),
    (laws.law_3_units_are_accounted_for, "assets.1.receipt_line_id", None),
    (laws.law_3_units_are_accounted_for, "assets.1.serial", "SN9"),
    (laws.law_3_units_are_accounted_for, "assets.1.request_line_id", "another"),
    (laws.law_3_units_are_accounted_for, "assets.1.asset_id", FIRST),
    (laws.law_3_units_are_accounted_for, "verifications.assets order lines.differences", ["PR-1"]),
    (laws.law_3_serials_and_tags_are_unique, "assets.1.serial", "SN1"),
    (laws.law_3_serials_and_tags_are_unique, "assets.1.tag", "QM-00000001"),
    (laws.law_4_balances_add_up, "balances.0.quantity", -1),
    (laws.law_4_balances_add_up, "verifications.assets balances.differences", ["LAPTOP"]),
    (laws.law_6_money_is_exact, "orders.0.lines.0.line_total", {"amount": "1000.00", "currency": "EUR"}),
    (laws.law_6_money_is_exact, "requests.0.total", {"amount": "999.99", "currency": "EUR"}),
    (laws.law_6_invoices_add_up, "invoiced.0.invoices.0.net", {"amount": "1000.00", "currency": "EUR"}),
    (laws.law_6_invoices_add_up, "invoiced.0.difference_net", {"amount": "0.01", "currency": "EUR"}),
    (laws.law_6_invoices_add_up, "invoiced.0.status", "received"),
    (laws.law_6_invoices_add_up, "invoiced.0.lines.0.invoiced", 1),
    (laws.law_7_facts_reached_everybody, "requests.0.units.1.status", "being_assigned"),
    (laws.law_7_facts_reached_everybody, "assets.1.handover_id", None),
    (laws.law_7_facts_reached_everybody, "receipts.0.order_id", "another"),
    (laws.law_7_facts_reached_everybody, "requests.0.refusals", 1),
]


@pytest.mark.parametrize(("law", "where", "wrong"), BREAKS, ids=lambda each: getattr(each, "__name__", None))
def test_a_broken_journey_is_caught(law: Callable[[Evidence], list[str]], where: str, wrong: object) -> None:
    assert law(_with(a_sound_journey(), where, wrong)) != []


def test_every_law_is_broken_by_some_journey() -> None:
    assert {law for law, _, _ in BREAKS} == set(LAWS)


def _with(sound: Evidence, where: str, wrong: object) -> Evidence:
    """The journey with one value changed, named by its path."""
    found = {field.name: deepcopy(getattr(sound, field.name)) for field in fields(sound)}
    *path, last = where.split(".")
    holder: Any = found
    for step in path:
        holder = holder[int(step)] if isinstance(holder, list) else holder[step]
    holder[last] = wrong
    return Evidence(**found)
