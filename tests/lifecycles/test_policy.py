"""Which steps a request needs by which policy, and why."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from libs.contracts.approvals import (
    CheckedCondition,
    NeededStep,
    Policy,
)
from libs.contracts.catalog import ExchangeRateChanged
from libs.contracts.values import Kind, Money, derived_id
from services.requests.exchange_rate import KnownRate, currency_id_of
from services.requests.policy import (
    FALLBACK,
    SHIPPED,
    Asked,
    assess,
    needed,
)
from tests.builders_approval import (
    ASSETS,
    OWNER,
    PROCUREMENT,
    a_rule,
    a_step,
    by_group,
    by_person,
    by_role,
)
from tests.builders_desk import REQUESTER, a_requests_desk
from tests.builders_dock import NOON

TODAY = NOON.date()
BUYERS, KEEPERS = f"role:{PROCUREMENT}", f"role:{ASSETS}"


def what_is_asked(total: str = "100.00", currency: str = "EUR", **changes: Any) -> Asked:
    """A request for so much, of hardware from V-1, if nothing else is said."""
    values: dict[str, Any] = {
        "total": Money(amount=Decimal(total), currency=currency),
        "kinds": frozenset({Kind.HARDWARE}),
        "vendors": frozenset({"V-1"}),
        "source": "erp",
        "parties": frozenset({REQUESTER}),
    }
    return Asked(**values | changes)


def a_rate(rate: str, currency: str = "CHF", base: str = "EUR", valid_from: date = TODAY) -> KnownRate:
    """One unit of the currency is worth so many of the base."""
    return KnownRate(
        id=derived_id("test-rate", currency, base, valid_from),
        sequence=1,
        currency_id=currency_id_of(currency),
        currency=currency,
        base=base,
        rate=Decimal(rate),
        valid_from=valid_from,
    )


def approvers(steps: tuple[NeededStep, ...]) -> list[tuple[str, ...]]:
    """Who may take each step."""
    return [step.approvers for step in steps]


# Which rule applies


@pytest.mark.parametrize(
    ("total", "steps"),
    [
        ("0", []),
        ("999.99", []),
        ("1000.00", [(BUYERS,)]),
        ("24999.99", [(BUYERS,)]),
        ("25000.00", [(BUYERS,), (KEEPERS,)]),
        ("99999999.00", [(BUYERS,), (KEEPERS,)]),
    ],
)
def test_the_shipped_policy_goes_by_the_total(total: str, steps: list[tuple[str, ...]]) -> None:
    assert approvers(needed(0, SHIPPED, what_is_asked(total), [], TODAY).steps) == steps


CONDITIONS: dict[str, tuple[dict[str, Any], Asked, bool]] = {
    "no condition asks for nothing": ({}, what_is_asked(), True),
    "the total is just enough": ({"total_at_least": Decimal(100)}, what_is_asked(), True),
    "the total is a cent too small": ({"total_at_least": Decimal(100)}, what_is_asked("99.99"), False),
    "a line is of the kind": (
        {"kinds": (Kind.SOFTWARE,)},
        what_is_asked(kinds=frozenset({Kind.SOFTWARE, Kind.HARDWARE})),
        True,
    ),
    "no line is of the kind": ({"kinds": (Kind.SOFTWARE, Kind.SERVICE)}, what_is_asked(), False),
    "it is one of the cost centres": ({"cost_centres": ("A", "B")}, what_is_asked(cost_centre="B"), True),
    "it is another cost centre": ({"cost_centres": ("A", "B")}, what_is_asked(cost_centre="C"), False),
    "it has no cost centre": ({"cost_centres": ("A", "B")}, what_is_asked(), False),
    "a line is from the vendor": (
        {"vendors": ("V-2",)},
        what_is_asked(vendors=frozenset({"V-1", "V-2"})),
        True,
    ),
    "no line is from the vendor": ({"vendors": ("V-2",)}, what_is_asked(), False),
    "no vendor is named at all": ({"vendors": ("V-2",)}, what_is_asked(vendors=frozenset()), False),
    "it comes from the source": ({"sources": ("erp",)}, what_is_asked(), True),
    "it comes from elsewhere": ({"sources": ("shop",)}, what_is_asked(), False),
    "all of several are met": (
        {"total_at_least": Decimal(50), "kinds": (Kind.HARDWARE,), "sources": ("erp",)},
        what_is_asked(),
        True,
    ),
    "one of several is not": (
        {"total_at_least": Decimal(50), "kinds": (Kind.HARDWARE,), "sources": ("shop",)},
        what_is_asked(),
        False,
    ),
}


@pytest.mark.parametrize(("conditions", "asked", "matches"), CONDITIONS.values(), ids=CONDITIONS)
def test_a_rule_matches_if_all_its_conditions_do(
    conditions: dict[str, Any], asked: Asked, matches: bool
) -> None:
    policy = Policy(currency="EUR", rules=(a_rule(a_step(by_role(ASSETS)), **conditions),))

    found = needed(1, policy, asked, [], TODAY)
    why = assess(1, policy, asked, [], TODAY)

    assert found.rule == ("everything" if matches else None)
    assert approvers(found.steps) == [(KEEPERS,) if matches else (BUYERS,)]
    assert (why.applies, why.steps, why.rules[0].matches) == (found.rule, found.steps, matches)
    assert len(why.rules[0].conditions) == len(conditions)


def test_the_first_rule_that_matches_applies() -> None:
    rules = (
        a_rule(a_step(by_person("a")), name="dear", total_at_least=Decimal(1_000)),
        a_rule(a_step(by_person("b")), name="some", total_at_least=Decimal(10)),
        a_rule(a_step(by_person("c")), name="all"),
    )
    policy = Policy(currency="EUR", rules=rules)

    found = [needed(1, policy, what_is_asked(total), [], TODAY).rule for total in ("1000", "999", "9")]

    assert found == ["dear", "some", "all"]


def test_without_any_rule_a_procurement_manager_decides() -> None:
    found = needed(1, Policy(currency="EUR", rules=()), what_is_asked(), [], TODAY)

    assert (found.rule, found.steps) == (None, FALLBACK)


# Other currencies


@pytest.mark.parametrize(
    ("rates", "rule"),
    [
        ([], None),
        ([a_rate("1.05")], "1,000 and above"),
        ([a_rate("0.95")], "below 1,000"),
        ([a_rate("1.05", valid_from=date(2026, 4, 1))], None),
        ([a_rate("1.05", valid_from=date(2026, 1, 1)), a_rate("0.95")], "below 1,000"),
        (
            [a_rate("0.95", valid_from=date(2026, 1, 1)), a_rate("1.05", valid_from=date(2026, 4, 1))],
            "below 1,000",
        ),
        ([a_rate("1.05", base="USD"), a_rate("1.05", currency="USD")], None),
    ],
)
def test_amounts_are_compared_by_the_latest_rate_that_is_valid_today(
    rates: list[KnownRate], rule: str | None
) -> None:
    found = needed(0, SHIPPED, what_is_asked("1000.00", "CHF"), rates, TODAY)

    assert found.rule == rule
    assert rule is not None or found.steps == FALLBACK


def test_a_rule_that_asks_for_no_amount_needs_no_rate() -> None:
    rules = (a_rule(a_step(by_role(ASSETS)), kinds=(Kind.HARDWARE,)), *SHIPPED.rules)

    found = needed(1, Policy(currency="EUR", rules=rules), what_is_asked("1.00", "CHF"), [], TODAY)

    assert approvers(found.steps) == [(KEEPERS,)]


def test_rates_are_kept_from_what_purchasing_says() -> None:
    desk = a_requests_desk()
    rate = ExchangeRateChanged(
        rate_id=derived_id("rate", 1), currency="CHF", base="EUR", rate=Decimal("1.05"), valid_from=TODAY
    )

    desk.hear(rate)
    desk.hear(rate.model_copy(update={"rate": Decimal("0.95")}), sequence=2)

    (known,) = desk.all(KnownRate)
    assert (known.rate, known.sequence, known.currency_id) == (Decimal("0.95"), 2, currency_id_of("CHF"))


# Who may take a step


STEPS: dict[str, tuple[Any, Asked, tuple[str, ...]]] = {
    "a role": (a_step(by_role(ASSETS)), what_is_asked(), (KEEPERS,)),
    "a group": (a_step(by_group("IT")), what_is_asked(), ("group:IT",)),
    "a person": (a_step(by_person("p-1")), what_is_asked(), ("person:p-1",)),
    "the owner": (a_step(OWNER), what_is_asked(cost_centre="C", owner="p-1"), ("cost_centre:C",)),
    "an owner who asks themselves": (
        a_step(OWNER),
        what_is_asked(cost_centre="C", owner=REQUESTER),
        ("cost_centre:C", BUYERS),
    ),
    "an owner whom nobody knows": (a_step(OWNER), what_is_asked(cost_centre="C"), ("cost_centre:C", BUYERS)),
    "the owner of no cost centre": (a_step(OWNER), what_is_asked(), (BUYERS,)),
    "a person who asks themselves": (a_step(by_person(REQUESTER)), what_is_asked(), (BUYERS,)),
    "two of two, one of whom asks": (
        a_step(by_person(REQUESTER), by_person("p-1"), quorum=2),
        what_is_asked(),
        ("person:p-1", BUYERS),
    ),
    "two of three, one of whom asks": (
        a_step(by_person(REQUESTER), by_person("p-1"), by_person("p-2"), quorum=2),
        what_is_asked(),
        ("person:p-1", "person:p-2"),
    ),
    "one who is named twice": (a_step(by_group("IT"), by_group("IT")), what_is_asked(), ("group:IT",)),
}


@pytest.mark.parametrize(("step", "asked", "keys"), STEPS.values(), ids=STEPS)
def test_there_is_always_somebody_who_may_decide(step: Any, asked: Asked, keys: tuple[str, ...]) -> None:
    policy = Policy(currency="EUR", rules=(a_rule(step),))

    (found,) = needed(1, policy, asked, [], TODAY).steps

    assert found.approvers == keys


def test_only_others_than_those_who_may_decide_already_are_escalated_to() -> None:
    step = a_step(by_group("IT"), escalate_after_hours=1, escalate_to=(by_group("IT"), by_role(ASSETS)))

    (found,) = needed(1, Policy(currency="EUR", rules=(a_rule(step),)), what_is_asked(), [], TODAY).steps

    assert found.escalate_to == (KEEPERS,)


# Why


def test_every_rule_says_why_it_matches_or_does_not() -> None:
    why = assess(0, SHIPPED, what_is_asked("1000.00", "CHF"), [a_rate("1.05")], TODAY)

    assert (why.policy_number, why.applies) == (0, "1,000 and above")
    assert why.why == "“1,000 and above” is the first rule that matches."
    assert why.total_in_policy_currency == Decimal("1050.00")
    assert [rule.matches for rule in why.rules] == [False, True, True]
    assert why.rules[0].conditions == (
        CheckedCondition(condition="total_at_least", met=False, why="1050.00 EUR is less than 25000.00 EUR"),
    )


def test_without_a_rate_it_says_so() -> None:
    why = assess(None, SHIPPED, what_is_asked("1000.00", "CHF"), [], TODAY)

    assert why.why == "There is no exchange rate from CHF to EUR. A Procurement Manager decides."
    assert (why.applies, why.total_in_policy_currency, why.steps) == (None, None, FALLBACK)
