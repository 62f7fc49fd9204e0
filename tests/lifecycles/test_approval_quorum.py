"""How many different people must say yes, and who says it in whose name."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from services.requests.approval_round import (
    Approval,
)
from services.requests.purchase_request import Status
from tests.builders_approval import (
    BUYER,
    PROCUREMENT,
    SECOND_BUYER,
    a_desk_with_rule,
    a_step,
    a_waiting_desk,
    by_group,
    by_person,
    by_role,
    says,
)
from tests.builders_desk import (
    STATION,
    Desk,
    a_request,
    the_request,
)
from tests.builders_dock import NOON
from tests.builders_people import a_delegation, a_group, a_person, delegating

# Quorum


def test_a_quorum_takes_different_people() -> None:
    desk = a_waiting_desk(a_step(quorum=2))

    first = says(desk, BUYER)
    again = says(desk, BUYER)
    other = says(desk, BUYER, reason="on second thoughts")
    still = the_request(desk).status
    says(desk, SECOND_BUYER)

    assert (first.verdict, again.verdict, other.code) == ("accepted", "duplicate", "already_decided")
    assert again.decision.answer["round_status"] == "open"
    assert (still, the_request(desk).status) == (Status.AWAITING_APPROVAL, Status.APPROVED)
    assert [said.decided_by for said in desk.all(Approval)].count(BUYER) == 1


def test_who_said_yes_may_not_say_no_as_well() -> None:
    desk = a_waiting_desk(a_step(quorum=2))
    says(desk, BUYER)

    assert says(desk, BUYER, "reject").code == "already_decided"


def test_each_step_has_a_quorum_of_its_own() -> None:
    desk = a_waiting_desk(a_step(quorum=2), a_step())

    for person in (BUYER, SECOND_BUYER, BUYER):
        says(desk, person)

    assert the_request(desk).status is Status.APPROVED


# In somebody's name


def a_delegating_desk(*steps: Any, way: tuple[str, ...] = ("person-31", "person-32")) -> Desk:
    """The first of these people may take the step, and their approvals are delegated from one to the next."""
    desk = a_waiting_desk(*steps or (a_step(by_person(way[0])),))
    desk.hear(*map(a_person, way))
    steps_of_way = pairwise(way)
    assert delegating(desk, *(a_delegation(*each) for each in steps_of_way)).verdict == "accepted"
    return desk


def test_a_delegate_decides_in_the_name_of_who_delegated_and_both_are_told() -> None:
    desk = a_delegating_desk(way=("person-31", "person-32", "person-33"))

    for_nobody = says(desk, "person-33")
    ended = says(desk, "person-33", acting_for="person-31")

    (said,) = desk.all(Approval)
    assert (for_nobody.code, ended.verdict) == ("not_an_approver", "accepted")
    assert (said.decided_by, said.acting_for) == ("person-33", "person-31")
    assert said.path == ("person-31", "person-32", "person-33")
    assert the_request(desk).status is Status.APPROVED


@pytest.mark.parametrize("days", [-1, 8])
def test_a_delegation_counts_on_its_days_only(days: int) -> None:
    desk = a_delegating_desk()

    ended = says(desk, "person-32", acting_for="person-31", at=NOON + timedelta(days=days))

    assert ended.code == "not_an_approver"


def test_a_delegate_has_the_authority_of_the_delegator_and_not_their_own() -> None:
    desk = a_delegating_desk(a_step(by_role(PROCUREMENT)))

    ended = says(desk, "person-32", acting_for="person-31", roles={PROCUREMENT})

    assert ended.code == "not_an_approver"


def test_what_the_delegator_works_as_is_told_by_the_directory() -> None:
    desk = a_delegating_desk(a_step(by_role(PROCUREMENT)))
    desk.hear(a_person("person-31", roles=(PROCUREMENT,)))

    assert says(desk, "person-32", acting_for="person-31").verdict == "accepted"


@pytest.mark.parametrize("own", ["person-31", "person-32", "person-33"])
def test_nobody_on_the_way_from_delegator_to_delegate_may_own_the_request(own: str) -> None:
    way = ("person-31", "person-32", "person-33")
    desk = a_desk_with_rule(a_step(by_group("FINANCE")))
    desk.hear(a_group(*way), a_request({STATION: 1}, requester=own))
    delegating(desk, a_delegation(*way[:2]), a_delegation(*way[1:]))

    assert says(desk, "person-33", acting_for="person-31").code == "own_request"


def test_in_nobodys_name_is_it_said_twice() -> None:
    desk = a_delegating_desk(a_step(by_group("FINANCE"), quorum=2))
    desk.hear(a_group("person-31", "person-32", "person-33"))

    delegate = says(desk, "person-32", acting_for="person-31")
    delegator = says(desk, "person-31")
    themselves = says(desk, "person-32")
    other = says(desk, "person-33")

    assert (delegate.verdict, delegator.code) == ("accepted", "already_decided")
    assert (themselves.code, other.verdict) == ("already_decided", "accepted")
