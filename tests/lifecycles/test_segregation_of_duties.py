"""Whoever drafted an order, set its prices, submitted or amended it does not approve it, nor what it costs more."""

from decimal import Decimal

import pytest

from libs.chassis.decision import Actor
from libs.contracts.orders import CombineOrders
from libs.contracts.permissions import Role
from libs.contracts.purchasing import DefinePurchasingPolicy
from libs.contracts.requests import ApproveOrder, ApproveSpending
from services.purchasing.draft import CHANGERS_MAX
from services.purchasing.purchase_order import PurchaseOrder
from tests.builders_amending import placed, the_line
from tests.builders_approval import (
    BUYER,
    KEEPER,
    SECOND_BUYER,
    SUBMITTER,
    a_desk_with_rule,
    a_question,
    a_step,
    an_order_to_approve,
    by_person,
    open_seats,
    says,
)
from tests.builders_buying import a_draft, a_split, an_amendment
from tests.builders_desk import (
    STATION,
    Desk,
    a_purchasing_desk,
    a_request,
    a_requests_desk,
    orders,
    the_request,
)
from tests.builders_orders import a_command, asked, completion, euros, lines_of, submission, the_order
from tests.builders_people import a_delegation, a_person, delegating


def somebody(person: str) -> Actor:
    return Actor(person, frozenset({Role.PROCUREMENT_MANAGER}))


def a_desk_for_large_orders(approve_from: int = 100) -> Desk:
    """From so much on orders need an approval of their own."""
    desk = a_purchasing_desk()
    desk.hear(DefinePurchasingPolicy(approve_orders_from=euros(approve_from)))
    return desk


def a_draft_by(desk: Desk, person: str) -> PurchaseOrder:
    """Two chairs at 100 each that somebody drafted."""
    desk.hear(a_draft(), actor=somebody(person))
    return orders(desk)[-1]


def about_orders(desk: Desk) -> list[ApproveOrder]:
    """What purchasing asked about orders as such."""
    return [said for said in desk.said if isinstance(said, ApproveOrder)]


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


def test_who_drafted_what_is_split_off_by_another_is_told_of_the_part_too() -> None:
    desk = a_desk_for_large_orders()
    order = a_draft_by(desk, BUYER)
    (line,) = lines_of(desk, order)

    desk.hear(a_split(order, (line, 1)), actor=somebody(KEEPER))
    desk.hear(submission(orders(desk)[-1]), actor=somebody(SECOND_BUYER))

    assert about_orders(desk)[-1].parties == (BUYER, KEEPER, SECOND_BUYER)


def test_who_drafts_or_prices_a_large_order_is_told_beside_whoever_submits() -> None:
    desk = a_desk_for_large_orders()
    order = a_draft_by(desk, KEEPER)
    (line,) = lines_of(desk, order)
    desk.hear(
        an_amendment(order, (line, {"unit_price": Decimal(150), "price_reason": "x"})), actor=somebody(BUYER)
    )

    desk.hear(submission(order), actor=somebody(SECOND_BUYER))

    (question,) = about_orders(desk)
    assert (question.asked_by, question.parties) == (SECOND_BUYER, (BUYER, KEEPER, SECOND_BUYER))


def test_who_made_an_order_is_told_beside_whoever_amends_it_to_a_large_one() -> None:
    desk = a_desk_for_large_orders(approve_from=250)
    order = a_draft_by(desk, KEEPER)
    desk.hear(submission(order), actor=somebody(SECOND_BUYER))
    (line,) = lines_of(desk, order)

    desk.hear(an_amendment(orders(desk)[0], (line, {"quantity": 3})), actor=somebody(BUYER))

    (question,) = about_orders(desk)
    assert (question.asked_by, question.parties) == (BUYER, (BUYER, KEEPER, SECOND_BUYER))


def test_whoever_drafted_or_combined_drafts_is_told_of_the_dearer_one() -> None:
    desk = a_desk_for_large_orders(approve_from=300)
    first, second = a_draft_by(desk, BUYER), a_draft_by(desk, KEEPER)

    desk.hear(CombineOrders(order_ids=(first.id, second.id)), actor=somebody("person-15"))
    desk.hear(submission(first), actor=somebody(SECOND_BUYER))

    (question,) = about_orders(desk)
    assert question.parties == (BUYER, KEEPER, SECOND_BUYER, "person-15")


def test_of_very_many_who_made_combined_drafts_the_latest_are_remembered() -> None:
    desk = a_purchasing_desk()
    drafts = [a_draft_by(desk, f"person-{number}") for number in range(100, 120)]
    for number in range(3):
        for place, draft in enumerate(drafts):
            changed = an_amendment(draft, name=f"{number}")
            desk.hear(changed, actor=somebody(f"person-{200 + 20 * number + place}"))

    desk.hear(CombineOrders(order_ids=tuple(draft.id for draft in drafts)), actor=somebody(BUYER))

    (into,) = desk.all(PurchaseOrder, id=drafts[0].id)
    assert (len(into.changed_by), into.changed_by[-1]) == (CHANGERS_MAX, BUYER)


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


def test_whoever_set_the_prices_of_a_large_order_does_not_approve_it_but_others_do() -> None:
    desk = a_requests_desk()
    question = an_order_to_approve(asked_by=SECOND_BUYER, parties=(BUYER, SECOND_BUYER))
    desk.hear(question)

    for person in question.parties:
        assert says(desk, person, request_id=question.order_id).code == "own_request"
    assert says(desk, SUBMITTER, request_id=question.order_id).verdict == "accepted"


def test_a_policy_that_names_only_whoever_drafted_a_large_order_has_a_procurement_manager_decide() -> None:
    desk = a_desk_with_rule(a_step(by_person(BUYER)))

    desk.hear(an_order_to_approve(parties=(BUYER,)))

    assert open_seats(desk) == ["role:procurement_manager"]
