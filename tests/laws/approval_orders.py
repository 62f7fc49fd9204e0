"""Orders that need an approval of their own, beside the request: who decides on the one may decide on the others."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from libs.chassis.decision import Actor
from libs.contracts.message import Message
from libs.contracts.purchasing import DraftedLine, OrderCancelled, OrderDrafted, SpendingQuestionDropped
from libs.contracts.requests import OrderApproved, OrderRefused
from libs.contracts.values import Money, derived_id
from services.requests.approval_round import ApprovalRound, Purpose, RoundStatus
from services.requests.order_to_approve import OrderApprovalStatus, OrderToApprove
from tests.builders_approval import an_order_to_approve
from tests.builders_desk import Desk
from tests.laws.approval_world import PEOPLE

orders = st.integers(1, 2)
some_news = st.sampled_from(["drafted", "cancelled", "dropped"])


class OrderQuestions(RuleBasedStateMachine):
    """What purchasing asks and says about two orders that serve no request."""

    desk: Desk

    def say(self, message: Message, actor: Actor, *, again: bool = False) -> None:
        """Let it be heard, and note what follows."""
        raise AssertionError("told by the machine that this is a part of")

    @rule(
        order=orders,
        revision=st.integers(1, 3),
        total=st.integers(50, 2_000),
        asked_by=st.sampled_from(PEOPLE),
    )
    def ask_about_an_order(self, order: int, revision: int, total: int, asked_by: str) -> None:
        """Purchasing asks whether an order may be placed at all."""
        question = an_order_to_approve(str(total), f"own-{order}", order_revision=revision, asked_by=asked_by)
        self.say(question.model_copy(update={"requisition_number": f"PR-10000{order}"}), Actor("purchasing"))

    @rule(order=orders, revision=st.integers(1, 4), news=some_news)
    def hear_of_an_order(self, order: int, revision: int, news: str) -> None:
        """It was changed, cancelled or placed."""
        fact = news_of(news, order_id_of(order), f"PR-10000{order}", None, revision)
        self.say(fact, Actor("purchasing"))

    @invariant()
    def an_order_waits_exactly_while_one_round_of_it_does(self) -> None:
        """That which was asked about last, by as much as it costs now."""
        rounds: list[ApprovalRound] = self.desk.all(ApprovalRound, purpose=Purpose.ORDER)
        asked: list[OrderToApprove] = self.desk.all(OrderToApprove)
        for order in asked:
            waits = [
                each for each in rounds if each.request_id == order.id and each.status is RoundStatus.OPEN
            ]
            assert len(waits) == (order.status is OrderApprovalStatus.AWAITING_APPROVAL)
            for each in waits:
                assert (each.number, each.revision, each.content, each.money) == (
                    order.round,
                    order.revision,
                    order.content,
                    order.money,
                )

    @invariant()
    def every_question_about_an_order_is_answered_once(self) -> None:
        """As soon as its round is over, and with yes only if everybody who was needed said so."""
        rounds: list[ApprovalRound] = self.desk.all(ApprovalRound, purpose=Purpose.ORDER)
        told = [said for said in self.desk.said if isinstance(said, OrderApproved | OrderRefused)]
        over = [each for each in rounds if each.status is not RoundStatus.OPEN]
        assert sorted(
            (str(said.order_id), said.order_revision, isinstance(said, OrderApproved)) for said in told
        ) == sorted(
            (str(each.request_id), each.revision, each.status is RoundStatus.APPROVED) for each in over
        )


def order_id_of(order: int) -> UUID:
    """The order that is asked about."""
    return derived_id("test-order", f"own-{order}")


def news_of(news: str, order_id: UUID, number: str, request_id: UUID | None, revision: int) -> Message:
    """An order was drafted anew, cancelled, or nobody need decide on it."""
    about: dict[str, Any] = {"order_id": order_id, "requisition_number": number, "request_id": request_id}
    if news == "cancelled":
        return OrderCancelled(**about, reason="not needed", lines=())
    if news == "dropped":
        return SpendingQuestionDropped(**about, order_revision=revision, reason="it was placed")
    line = DraftedLine(order_line_id=order_id, request_line_id=None, quantity=1)
    total = Money(amount=Decimal(1), currency="EUR")
    return OrderDrafted(**about, status="draft", order_revision=revision, total=total, lines=(line,))
