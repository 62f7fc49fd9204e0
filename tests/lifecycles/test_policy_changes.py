"""Putting another policy into force: which ones there can be, and what becomes of what waits."""

from typing import Any

import pytest

from libs.contracts.approvals import (
    ApprovalPolicyChanged,
    PolicyRule,
)
from libs.contracts.permissions import Role
from services.requests.approval_round import ApprovalRound, RoundStatus
from services.requests.policy import (
    POLICY_ID,
    SHIPPED,
    ApprovalPolicy,
    ApprovalPolicyVersion,
)
from tests.builders_approval import (
    ADMINISTRATOR,
    ASSETS,
    BUYER,
    OWNER,
    PROCUREMENT,
    a_desk_with_policy,
    a_policy,
    a_rule,
    a_step,
    by_group,
    by_person,
    by_role,
    open_seats,
    rounds,
    says,
)
from tests.builders_desk import STATION, a_request, a_requests_desk

BUYERS, KEEPERS = f"role:{PROCUREMENT}", f"role:{ASSETS}"


def test_another_policy_applies_from_now_on_and_what_waits_goes_on_by_its_own() -> None:
    desk = a_desk_with_policy(a_rule(a_step(by_role(ASSETS))))
    desk.hear(a_request({STATION: 1}))

    ended = desk.hear(a_policy(a_rule(a_step(), name="other")), actor=ADMINISTRATOR)
    desk.hear(a_request({STATION: 1}))

    assert ended.decision.answer == {"number": 2}
    assert ended.decision.publish == [
        ApprovalPolicyChanged(
            policy_id=POLICY_ID, number=2, currency="EUR", rules=("other",), changed_by="person-admin"
        )
    ]
    assert open_seats(desk) == [KEEPERS, BUYERS]
    assert sorted((round.policy_number, round.rule) for round in desk.all(ApprovalRound)) == [
        (1, "everything"),
        (2, "other"),
    ]
    assert [policy.number for policy in desk.all(ApprovalPolicy)] == [2]
    assert sorted(version.number for version in desk.all(ApprovalPolicyVersion)) == [1, 2]


def test_saying_again_what_is_in_force_changes_nothing() -> None:
    desk = a_desk_with_policy(a_rule())

    ended = desk.hear(a_policy(a_rule()), actor=ADMINISTRATOR)

    assert (ended.decision.save, ended.decision.answer) == ((), {"number": 1})
    shipped = a_requests_desk().hear(a_policy(*SHIPPED.rules), actor=ADMINISTRATOR)
    assert shipped.decision.answer == {"number": 0}


@pytest.mark.parametrize(("expected", "code"), [(None, None), (1, None), (0, "precondition_failed")])
def test_who_says_which_policy_they_have_seen_changes_no_other(expected: int, code: str | None) -> None:
    desk = a_desk_with_policy(a_rule())

    ended = desk.hear(a_policy(expected_number=expected), actor=ADMINISTRATOR)

    assert ended.code == code


def rule_of(**step: Any) -> PolicyRule:
    """A rule with this as its second step."""
    return a_rule(a_step(), a_step(*step.pop("approvers", ()), **step))


BY_TWO = (by_person("p-1"), by_person("p-2"))
CONTRADICTIONS: dict[str, tuple[PolicyRule, str]] = {
    "more people than are named": (rule_of(approvers=BY_TWO, quorum=3), "quorum"),
    "one person twice": (rule_of(approvers=(BY_TWO[0], BY_TWO[0]), quorum=2), "quorum"),
    "two owners of one cost centre": (rule_of(approvers=(OWNER,), quorum=2), "quorum"),
    "escalated to nobody": (rule_of(escalate_after_hours=2), "escalate_to"),
    "escalated at no time": (rule_of(escalate_to=BY_TWO), "escalate_after_hours"),
    "escalated before a reminder": (
        rule_of(remind_after_hours=2, escalate_after_hours=2, escalate_to=BY_TWO),
        "escalate_after_hours",
    ),
    "expired before it is escalated": (
        rule_of(escalate_after_hours=3, expire_after_hours=2, escalate_to=BY_TWO),
        "expire_after_hours",
    ),
    "expired before a reminder": (
        rule_of(remind_after_hours=3, expire_after_hours=3),
        "expire_after_hours",
    ),
    "a role that may not decide": (
        rule_of(approvers=(by_role(PROCUREMENT), by_role(Role.INTEGRATION))),
        "approvers[1].role",
    ),
    "escalated to a role that may not decide": (
        rule_of(escalate_after_hours=1, escalate_to=(by_role(Role.MOBILE_ASSET_MANAGER),)),
        "escalate_to[0].role",
    ),
}


@pytest.mark.parametrize(("rule", "field"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_policy_that_contradicts_itself_is_refused_where_it_does(rule: PolicyRule, field: str) -> None:
    ended = a_requests_desk().hear(a_policy(a_rule(name="fine"), rule), actor=ADMINISTRATOR)

    assert ended.rejection is not None
    assert (ended.code, ended.rejection.field) == ("policy_invalid", f"rules[1].steps[1].{field}")


def test_no_two_rules_have_one_name() -> None:
    ended = a_requests_desk().hear(a_policy(a_rule(), a_rule()), actor=ADMINISTRATOR)

    assert ended.rejection is not None
    assert (ended.code, ended.rejection.field) == ("policy_invalid", "rules[1].name")


@pytest.mark.parametrize(
    "step",
    [
        a_step(*BY_TWO, quorum=2),
        a_step(by_group("IT"), quorum=5),
        a_step(remind_after_hours=1, escalate_after_hours=2, expire_after_hours=3, escalate_to=BY_TWO),
        a_step(*BY_TWO, OWNER, quorum=3),
    ],
)
def test_a_policy_that_can_be_followed_is_put_into_force(step: Any) -> None:
    assert a_requests_desk().hear(a_policy(a_rule(step)), actor=ADMINISTRATOR).verdict == "accepted"


def test_a_rule_without_steps_approves_at_once() -> None:
    desk = a_desk_with_policy(a_rule(name="nothing to decide"))

    desk.hear(a_request({STATION: 900}))

    assert rounds(desk) == []


def test_a_policy_that_is_changed_meanwhile_leaves_the_quorum_of_a_round_alone() -> None:
    desk = a_desk_with_policy(a_rule(a_step(quorum=1)))
    desk.hear(a_request({STATION: 1}))
    desk.hear(a_policy(a_rule(a_step(quorum=3))), actor=ADMINISTRATOR)

    says(desk, BUYER)

    assert [round.status for round in rounds(desk)] == [RoundStatus.APPROVED]
