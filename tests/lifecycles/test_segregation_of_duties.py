"""Whoever drafted an order, set its prices, submitted or amended it does not approve what it costs more."""

from decimal import Decimal

import pytest

from libs.chassis.decision import Actor
from libs.contracts.permissions import Role
from libs.contracts.requests import ApproveSpending
from services.purchasing.purchase_order import PurchaseOrder
from tests.builders_amending import placed, the_line
from tests.builders_approval import (
    BUYER,
    KEEPER,
    SECOND_BUYER,
    a_desk_with_rule,
    a_question,
    a_step,
    by_person,
    open_seats,
    says,
)
from tests.builders_buying import a_split, an_amendment
from tests.builders_desk import STATION, Desk, a_purchasing_desk, a_request, a_requests_desk, the_request
from tests.builders_orders import a_command, asked, completion, lines_of, submission, the_order
from tests.builders_people import a_delegation, a_person, delegating


def somebody(person: str) -> Actor:
    return Actor(person, frozenset({Role.PROCUREMENT_MANAGER}))


def test_whoever_amends_an_order_is_told_with_the_question() -> None:
    desk = a_purchasing_desk()
    line = placed(desk, approved="600")
    (order,) = desk.all(PurchaseOrder)

    desk.hear(
        an_amendment(order, (line, {"unit_price": Decimal(200), "price_reason": "x"})), actor=somebody(BUYER)
    )

    assert [question.parties for question in asked(desk)] == [(BUYER,)]
    assert the_line(desk).unit_price == Decimal("149.50")


def test_whoever_sets_prices_is_told_beside_whoever_submits() -> None:
    desk = a_purchasing_desk()
    desk.hear(a_command())
    desk.hear(completion(desk, the_order(desk), 150), actor=somebody(BUYER))

    desk.hear(submission(the_order(desk)), actor=somebody(SECOND_BUYER))

    (question,) = asked(desk)
    assert {BUYER, SECOND_BUYER} <= set(question.parties)


def test_who_set_the_prices_of_a_draft_is_known_of_what_is_split_off() -> None:
    desk = a_purchasing_desk()
    desk.hear(a_command())
    desk.hear(completion(desk, the_order(desk), 500), actor=somebody(BUYER))
    (line,) = lines_of(desk, the_order(desk))

    split = desk.hear(a_split(the_order(desk), (line, 1)), actor=somebody(KEEPER))
    (part,) = (each for each in split.decision.save if isinstance(each, PurchaseOrder) and each.revision == 1)
    desk.hear(submission(part), actor=somebody(SECOND_BUYER))

    assert {BUYER, SECOND_BUYER} <= set(asked(desk)[-1].parties)


# Where it is decided


def a_question_by(person: str) -> tuple[Desk, ApproveSpending]:
    """Somebody made an order cost 1,200, where 149.50 was approved."""
    desk = a_requests_desk()
    desk.hear(a_request({STATION: 1}))
    question = a_question(the_request(desk), "1200.00", parties=(person,))
    desk.hear(question)
    return desk, question


def test_whoever_raised_the_price_does_not_approve_it_but_others_do() -> None:
    desk, _ = a_question_by(BUYER)

    assert says(desk, BUYER).code == "own_request"
    assert says(desk, SECOND_BUYER).verdict == "accepted"


@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_nor_does_their_deputy_in_their_name_or_they_in_anothers(verdict: str) -> None:
    desk, _ = a_question_by(BUYER)
    for person in (BUYER, SECOND_BUYER, KEEPER):
        desk.hear(a_person(person))
    delegating(desk, a_delegation(BUYER, KEEPER), a_delegation(SECOND_BUYER, BUYER))

    assert says(desk, KEEPER, verdict, acting_for=BUYER).code == "own_request"
    assert says(desk, BUYER, verdict, acting_for=SECOND_BUYER).code == "own_request"


def test_a_policy_that_names_only_them_has_a_procurement_manager_decide() -> None:
    desk = a_desk_with_rule(a_step(by_person(BUYER)))
    desk.hear(a_request({STATION: 1}))
    says(desk, BUYER)

    desk.hear(a_question(the_request(desk), "1200.00", parties=(BUYER,)))

    assert open_seats(desk) == ["role:procurement_manager"]
