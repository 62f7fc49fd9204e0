"""Delegations never lead round in a circle, and it can be told through whom somebody acts for another."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise, permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.chassis.decision import Actor
from libs.contracts.people import EndDelegation
from services.requests.delegation import (
    Delegation,
    DelegationLastDayPassed,
    Status,
    path,
    represented_by,
)
from tests.builders_desk import Desk
from tests.builders_dock import Ended
from tests.builders_people import (
    a_delegation,
    a_directory,
    a_made_delegation,
    day,
    delegating,
    delegations,
)

A, B, C, D = PEOPLE = "person-1", "person-2", "person-3", "person-4"


@pytest.fixture
def desk() -> Desk:
    return a_directory(*PEOPLE)


# Circles


@pytest.mark.parametrize("order", list(permutations([(A, B), (B, C), (C, A)])))
def test_the_last_of_three_cannot_close_a_circle(desk: Desk, order: Sequence[tuple[str, str]]) -> None:
    ended = [delegating(desk, a_delegation(*each)) for each in order]

    assert [end.code for end in ended] == [None, None, "delegation_cycle"]


@pytest.mark.parametrize(
    ("days", "codes"),
    [
        (((0, 3), (4, 6), (0, 6)), [None, None, None]),
        (((0, 3), (3, 6), (0, 6)), [None, None, "delegation_cycle"]),
        (((0, 3), (3, 6), (4, 6)), [None, None, None]),
        (((2, 9), (5, 9), (0, 4)), [None, None, None]),
        (((2, 9), (5, 9), (0, 5)), [None, None, "delegation_cycle"]),
    ],
)
def test_it_is_a_circle_only_on_a_day_on_which_all_are_in_force(
    desk: Desk, days: Sequence[tuple[int, int]], codes: Sequence[str | None]
) -> None:
    pairs = [(A, B), (B, C), (C, A)]

    ended = [delegating(desk, a_delegation(*pair, *when)) for pair, when in zip(pairs, days, strict=True)]

    assert [end.code for end in ended] == codes


def test_what_has_ended_closes_no_circle(desk: Desk) -> None:
    delegating(desk, a_delegation(A, B))
    (made,) = delegations(desk)
    desk.hear(EndDelegation(delegation_id=made.id), actor=Actor(A))

    assert delegating(desk, a_delegation(B, A)).verdict == "accepted"


# Who acts for whom


def test_a_delegate_may_act_for_their_delegators_delegator() -> None:
    made = [a_made_delegation(A, B, 0, 3), a_made_delegation(B, C, 2, 5), a_made_delegation(D, C, 0, 9)]

    ways = [represented_by(made, delegate=C, on=day(number)) for number in (1, 2, 3, 4)]

    assert ways == [
        {D: (D, C)},
        {B: (B, C), A: (A, B, C), D: (D, C)},
        {B: (B, C), A: (A, B, C), D: (D, C)},
        {B: (B, C), D: (D, C)},
    ]


def test_of_two_ways_the_shorter_is_told() -> None:
    made = [a_made_delegation(*pair, 0, 3) for pair in ((A, B), (B, C), (C, D), (A, D))]

    assert path(made, delegator=A, delegate=D, on=day(0)) == (A, D)


@pytest.mark.parametrize(("delegator", "delegate"), [(B, A), (A, A), (A, C)])
def test_nobody_acts_for_somebody_who_has_not_delegated_to_them(delegator: str, delegate: str) -> None:
    made = [a_made_delegation(A, B, 0, 3), a_made_delegation(B, C, 0, 3, status=Status.ENDED)]

    assert path(made, delegator=delegator, delegate=delegate, on=day(1)) is None


DAYS = range(-1, 8)


def acts_for(made: Sequence[Delegation], delegator: str, delegate: str, on: date) -> int | None:
    """Tried out: over how many delegations in a row, or None."""
    valid = {(each.delegator, each.delegate) for each in made if each.is_on(on)}
    reached = {delegator}
    for steps in range(1, len(PEOPLE) + 1):
        reached = {to for who, to in valid if who in reached}
        if delegate in reached:
            return steps
    return None


Step = tuple[str, Any]
people = st.sampled_from(PEOPLE)
spans = st.tuples(st.integers(-1, 6), st.integers(0, 4))
makings = st.tuples(st.just("make"), st.tuples(people, people, spans))
endings = st.tuples(st.just("end"), st.integers(0, 20))
expiries = st.tuples(st.just("expire"), st.integers(0, 20))


def take(desk: Desk, step: Step) -> Ended | None:
    """Make a delegation, or end one of those there are, by a person or by its timer."""
    what, said = step
    if what == "make":
        delegator, delegate, (first, length) = said
        return delegating(desk, a_delegation(delegator, delegate, first, first + length))
    if (made := delegations(desk)) and (chosen := made[said % len(made)]):
        if what == "end":
            return desk.hear(EndDelegation(delegation_id=chosen.id), actor=Actor(chosen.delegator))
        return desk.hear(DelegationLastDayPassed(delegation_id=chosen.id), sender="requests")
    return None


@given(st.lists(st.one_of(makings, makings, endings, expiries), max_size=20))
def test_however_delegations_are_made_and_ended_nobody_acts_for_themselves(steps: list[Step]) -> None:
    desk = a_directory(*PEOPLE)

    for step in steps:
        before: dict[UUID, Delegation] = {each.id: each for each in delegations(desk)}
        ended = take(desk, step)

        made = delegations(desk)
        for number in DAYS:
            assert [who for who in PEOPLE if acts_for(made, who, who, day(number))] == []
        if ended is not None and ended.code == "delegation_cycle":
            # Not refused for nothing: on some day it would have been a circle.
            delegator, delegate, (first, length) = step[1]
            new = a_made_delegation(delegator, delegate, first, first + length)
            assert {each.id: each for each in made} == before
            assert any(acts_for([*made, new], delegator, delegator, day(number)) for number in range(-1, 11))


@given(st.lists(makings, max_size=12), people, people, st.sampled_from(DAYS))
def test_the_way_from_one_person_to_another_is_the_one_that_trying_finds(
    steps: list[Step], delegator: str, delegate: str, number: int
) -> None:
    desk = a_directory(*PEOPLE)
    for step in steps:
        take(desk, step)
    made, on = delegations(desk), day(number)

    found = path(made, delegator=delegator, delegate=delegate, on=on)

    tried = acts_for(made, delegator, delegate, on)
    assert (found is None) == (tried is None)
    if found is not None:
        assert (found[0], found[-1], len(found)) == (delegator, delegate, (tried or 0) + 1)
        assert all(acts_for(made, *pair, on) == 1 for pair in pairwise(found))
