"""Deciding in somebody's place: who may, on which days, through whom, and never round in a circle."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from libs.chassis.decision import Actor, Timer, timer_id
from libs.contracts.people import DelegateApprovals, DelegationEnded, DelegationMade, EndDelegation
from libs.contracts.values import derived_id
from services.requests.delegation import (
    BOOK_ID,
    DAYS_APART_MAX,
    IN_FORCE_MAX,
    Delegation,
    DelegationBook,
    DelegationLastDayPassed,
    Status,
)
from tests.builders_desk import Desk
from tests.builders_dock import NOON
from tests.builders_people import (
    ADMINISTRATOR,
    TODAY,
    a_delegation,
    a_directory,
    a_made_delegation,
    a_person,
    day,
    delegating,
    delegations,
)

A, B, C, D = PEOPLE = "person-1", "person-2", "person-3", "person-4"


@pytest.fixture
def desk() -> Desk:
    return a_directory(*PEOPLE)


def the_delegation(desk: Desk) -> Delegation:
    (found,) = delegations(desk)
    return found


def ending(delegation: Delegation, reason: str = "") -> EndDelegation:
    return EndDelegation(delegation_id=delegation.id, reason=reason)


# Made


def test_a_person_delegates_their_approvals_for_some_days(desk: Desk) -> None:
    ended = delegating(desk, a_delegation(A, B, 1, 3, reason=" on leave "))

    delegation = replace(the_delegation(desk), version=0)
    assert delegation == Delegation(
        id=delegation.id,
        delegator=A,
        delegate=B,
        from_date=day(1),
        until_date=day(3),
        status=Status.IN_FORCE,
        reason="on leave",
        made_by=A,
        made_at=NOON,
    )
    assert ended.decision.save == [DelegationBook(id=BOOK_ID), delegation]
    assert ended.decision.publish == [
        DelegationMade(
            delegation_id=delegation.id,
            delegator=A,
            delegate=B,
            from_date=day(1),
            until_date=day(3),
            made_by=A,
        )
    ]
    assert ended.decision.answer == {"delegation_id": str(delegation.id), "status": "in_force"}


def test_the_day_after_its_last_a_delegation_is_looked_at(desk: Desk) -> None:
    ended = delegating(desk, a_delegation(A, B, 0, 2))

    delegation = the_delegation(desk)
    assert ended.decision.schedule == [
        Timer(
            of=delegation.id,
            name="last_day",
            due_at=datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC) + timedelta(days=3),
            message=DelegationLastDayPassed(delegation_id=delegation.id),
        )
    ]


def test_the_same_delegation_again_is_the_same_delegation(desk: Desk) -> None:
    first = delegating(desk, a_delegation(A, B))
    before = desk.fork()

    again = delegating(desk, a_delegation(A, B, reason="said again"))

    assert (again.verdict, again.decision.answer) == ("duplicate", first.decision.answer)
    assert desk.records == before.records


def test_every_change_turns_a_page_of_the_book(desk: Desk) -> None:
    delegating(desk, a_delegation(A, B))
    desk.hear(ending(the_delegation(desk)), actor=Actor(A))

    (book,) = desk.all(DelegationBook)

    assert book.version == 2


REFUSED: Mapping[str, tuple[DelegateApprovals, str, str | None]] = {
    "to oneself": (a_delegation(A, A), "delegation_to_oneself", "delegate"),
    "to somebody unknown": (a_delegation(A, "person-9"), "delegate_unknown", "delegate"),
    "to somebody inactive": (a_delegation(A, "person-gone"), "delegate_unknown", "delegate"),
    "that ends before it begins": (a_delegation(A, B, 3, 2), "delegation_dates_invalid", "until_date"),
    "longer than a year": (
        a_delegation(A, B, 0, DAYS_APART_MAX + 1),
        "delegation_dates_invalid",
        "until_date",
    ),
    "that is over": (a_delegation(A, B, -3, -1), "delegation_over", "until_date"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_no_delegation(desk: Desk, name: str) -> None:
    asked, code, field = REFUSED[name]
    desk.hear(a_person("person-gone", active=False))
    before = desk.fork()

    ended = delegating(desk, asked)

    assert ended.rejection is not None
    assert (ended.code, ended.rejection.field) == (code, field)
    assert desk.records == before.records


@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, DAYS_APART_MAX), (-3, 0), (500, 501)])
def test_a_delegation_may_be_for_a_day_or_a_year_and_may_have_begun(
    desk: Desk, first: int, last: int
) -> None:
    assert delegating(desk, a_delegation(A, B, first, last)).verdict == "accepted"


def test_who_delegates_their_own_need_not_be_known_to_us(desk: Desk) -> None:
    assert delegating(desk, a_delegation("person-9", B)).verdict == "accepted"


def test_only_an_administrator_delegates_for_others(desk: Desk) -> None:
    refused = desk.hear(a_delegation(A, B), actor=Actor(C))
    made = desk.hear(a_delegation(A, B), actor=ADMINISTRATOR)

    assert refused.code == "not_entitled"
    assert made.verdict == "accepted"
    assert (the_delegation(desk).delegator, the_delegation(desk).made_by) == (A, ADMINISTRATOR.id)


@pytest.mark.parametrize("delegator", ["person-9", "person-gone"])
def test_who_is_delegated_for_must_be_known_and_active(desk: Desk, delegator: str) -> None:
    desk.hear(a_person("person-gone", active=False))

    ended = desk.hear(a_delegation(delegator, B), actor=ADMINISTRATOR)

    assert ended.code == "delegator_unknown"


def test_so_many_delegations_are_in_force_at_most(desk: Desk) -> None:
    desk.records[Delegation] = {
        each.id: each
        for each in (
            a_made_delegation(f"person-a-{number}", "person-boss", 0, 1, version=1)
            for number in range(IN_FORCE_MAX)
        )
    }
    refused = delegating(desk, a_delegation(A, B))

    desk.hear(ending(delegations(desk)[0]), actor=ADMINISTRATOR)

    assert refused.code == "too_many_delegations"
    assert delegating(desk, a_delegation(A, B)).verdict == "accepted"


# Ended


@pytest.mark.parametrize("by", [Actor(A), Actor(B), ADMINISTRATOR])
def test_a_delegation_is_taken_back_or_handed_back(desk: Desk, by: Actor) -> None:
    delegating(desk, a_delegation(A, B))
    made = the_delegation(desk)

    ended = desk.hear(ending(made, " back early "), actor=by)

    assert replace(the_delegation(desk), version=1) == replace(
        made, status=Status.ENDED, ended_by=by.id, ended_at=NOON, end_reason="back early"
    )
    assert ended.decision.publish == [
        DelegationEnded(delegation_id=made.id, delegator=A, delegate=B, ended_by=by.id)
    ]
    assert ended.decision.cancel == [timer_id(made.id, "last_day")]
    assert ended.decision.answer == {"delegation_id": str(made.id), "status": "ended"}


def test_who_has_no_part_in_a_delegation_is_not_told_of_it(desk: Desk) -> None:
    delegating(desk, a_delegation(A, B))

    theirs = desk.hear(ending(the_delegation(desk)), actor=Actor(C))
    nobodys = desk.hear(EndDelegation(delegation_id=derived_id("test", "nothing")), actor=ADMINISTRATOR)

    assert [end.code for end in (theirs, nobodys)] == ["delegation_unknown"] * 2


def test_a_delegation_ends_once(desk: Desk) -> None:
    delegating(desk, a_delegation(A, B))
    desk.hear(ending(the_delegation(desk)), actor=Actor(A))

    assert desk.hear(ending(the_delegation(desk)), actor=Actor(B)).code == "delegation_not_in_force"


def test_after_its_last_day_a_delegation_ends_by_itself(desk: Desk) -> None:
    delegating(desk, a_delegation(A, B))
    made = the_delegation(desk)

    ended = desk.hear(DelegationLastDayPassed(delegation_id=made.id), sender="requests")

    assert replace(the_delegation(desk), version=1) == replace(
        made, status=Status.ENDED, ended_by=None, ended_at=NOON
    )
    assert ended.decision.publish == [DelegationEnded(delegation_id=made.id, delegator=A, delegate=B)]


@pytest.mark.parametrize("known", [True, False])
def test_a_last_day_of_what_has_ended_or_never_was_means_nothing(desk: Desk, known: bool) -> None:
    delegating(desk, a_delegation(A, B))
    made = the_delegation(desk)
    desk.hear(ending(made), actor=Actor(A))
    before = desk.fork()
    id = made.id if known else derived_id("test", "nothing")

    ended = desk.hear(DelegationLastDayPassed(delegation_id=id), sender="requests")

    assert ended.decision.save == ()
    assert (desk.records, desk.said) == (before.records, before.said)


@pytest.mark.parametrize("status", Status)
def test_only_the_steps_of_the_table_are_possible(status: Status) -> None:
    for following in Status:
        delegation = a_made_delegation(A, B, 0, 1, status=status)
        if following in Delegation.TRANSITIONS[status]:
            assert delegation.become(following).status is following
        else:
            with pytest.raises(RuntimeError):
                delegation.become(following)
