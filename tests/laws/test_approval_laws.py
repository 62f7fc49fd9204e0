"""Whatever happens to requests, orders and their approval, in whatever order and however often: what always holds.

A machine submits a request, lets random people decide, delegate, edit, withdraw and ask for more spending, fires timers
when they are due, late or cancelled, says things twice, and changes policies and who people are. After each step it
compares what is kept with a model of its own.
"""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from libs.chassis.decision import Actor
from libs.contracts.approvals import ApprovalDecided, DecideApproval, PolicyRule
from libs.contracts.message import Message
from libs.contracts.permissions import Role
from libs.contracts.purchasing import CreateOrder
from libs.contracts.requests import (
    SpendingApproved,
    SpendingRefused,
    WithdrawRequest,
)
from libs.contracts.values import derived_id
from services.requests import (
    approval,
    approval_decision,
    copies,
    delegation,
    directory,
    editing,
    order_approval,
    policy,
    spending,
    submission,
)
from services.requests.approval_round import (
    Approval,
    ApprovalRound,
    ApprovalSeat,
    Purpose,
    RoundStatus,
    StepDue,
    Verdict,
    steps_in,
)
from services.requests.order_to_approve import OrderToApprove
from services.requests.purchase_request import (
    BEFORE_APPROVAL,
    NEVER_APPROVED,
    TRANSITIONS,
    PurchaseRequest,
    RequestLine,
    Status,
    live,
)
from tests.builders_approval import (
    ADMINISTRATOR,
    a_policy,
    a_question,
    a_rule,
    an_edit,
)
from tests.builders_desk import STATION, Desk, a_location, a_request, an_entry
from tests.builders_dock import NOON, Ended
from tests.builders_people import a_cost_centre, a_delegation, a_group, a_person, day
from tests.laws.approval_orders import OrderQuestions, news_of, order_id_of, orders, some_news
from tests.laws.approval_world import (
    BUYERS,
    CENTRE,
    FINANCE,
    PEOPLE,
    WORKS_AS,
    Seen,
    World,
    person,
    some_lines,
    some_steps,
)


class Approvals(OrderQuestions):
    """One request, two orders, and everybody."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(
            submission.HANDLERS,
            editing.HANDLERS,
            approval.HANDLERS,
            approval_decision.HANDLERS,
            spending.HANDLERS,
            order_approval.HANDLERS,
            policy.HANDLERS,
            directory.HANDLERS,
            delegation.HANDLERS,
            copies.HANDLERS,
        )
        self.world = World()
        self.now = NOON
        self.heard: list[tuple[Message, Actor]] = []
        self.timers: list[StepDue] = []
        self.seen: dict[UUID, Seen] = {}
        self.statuses = [Status.SUBMITTED]
        self.questions = 0

    # What happens

    @initialize(
        steps=some_steps,
        lines=some_lines,
        requester=person,
        receiver=st.none() | person,
        finance=st.sets(person, max_size=5),
    )
    def submit(
        self,
        steps: Any,
        lines: Any,
        requester: str,
        receiver: str | None,
        finance: set[str],
    ) -> None:
        """A request comes in, of somebody for somebody."""
        self.desk.hear(an_entry(STATION), a_location())
        self.desk.hear(*(a_person(each, roles=tuple(WORKS_AS.get(each, ()))) for each in PEOPLE))
        self.desk.hear(a_cost_centre(self.world.owner, CENTRE))
        self.join(finance)
        self.delegate("person-0", "person-5", 0, 4)
        self.delegate("person-5", "person-4", 0, 4)
        self.delegate("person-2", "person-1", 0, 1)
        self.put_into_force(steps)
        actor = Actor(requester, frozenset({Role.STORAGE_MANAGER}))
        request = a_request(lines=lines, requester=requester, on_behalf_of=receiver, cost_centre=CENTRE)
        ended = self.desk.hear(request, actor=actor)
        assert ended.verdict == "accepted", ended
        self.take(ended)

    @rule(
        who=person,
        verdict=st.sampled_from(["approve", "approve", "approve", "approve", "reject"]),
        acting_for=st.none() | person,
        named=st.sampled_from(["", "", "round", "step", "revision", "role"]),
        number=st.integers(1, 3),
        order=st.sampled_from([0, 0, 1, 2]),
    )
    def decide(
        self, who: str, verdict: Any, acting_for: str | None, named: str, number: int, order: int
    ) -> None:
        """Somebody decides on the request or on one of the orders, for themselves or for somebody else."""
        about: dict[str, Any] = {}
        if named == "role":
            about = {"role": BUYERS.value}
        elif named:
            about = {named: number}
        command = DecideApproval(
            request_id=order_id_of(order) if order else self.request.id,
            verdict=verdict,
            decided_by=who,
            acting_for=acting_for,
            reason="no" if verdict == "reject" else "",
            **about,
        )
        self.say(command, Actor(who, WORKS_AS.get(who, frozenset({Role.REQUESTER}))))

    @rule(index=st.integers(0, 20))
    def be_asked(self, index: int) -> None:
        """Somebody who may decide says yes, so that rounds come to their end more often than by chance."""
        waiting = [each for each in self.rounds if each.status is RoundStatus.OPEN]
        entitled = [
            (who, each.number, self.place_of(each))
            for each in waiting
            for who in PEOPLE
            if self.world.authority(who) & {*each.approvers}
        ]
        if entitled:
            who, number, order = entitled[index % len(entitled)]
            self.decide(who, "approve", None, "round", number, order)

    @rule(index=st.integers(0, 20), number=st.integers(1, 3), order=st.integers(0, 2))
    def stand_in(self, index: int, number: int, order: int) -> None:
        """Somebody to whom another has delegated says yes in their name."""
        if self.world.delegations:
            one, other, _, _ = self.world.delegations[index % len(self.world.delegations)]
            farther = [last for first, last, _, _ in self.world.delegations if first == other]
            self.decide(farther[0] if farther and index % 2 else other, "approve", one, "", number, order)

    @rule(index=st.integers(0, 30))
    def repeat(self, index: int) -> None:
        """Something is said once more, perhaps much later."""
        if self.heard:
            self.say(*self.heard[index % len(self.heard)], again=True)

    @rule(index=st.integers(0, 30), late=st.booleans())
    def fire(self, index: int, late: bool) -> None:
        """A timer fires, whether or not it was cancelled meanwhile."""
        if self.timers:
            timer = self.timers[index % len(self.timers)] if late else self.timers[-1]
            round = self.desk.records[ApprovalRound][timer.round_id]
            before = self.desk.fork().records
            self.take(self.desk.hear(timer, at=self.now))
            if (round.status, round.step) != (RoundStatus.OPEN, timer.step):
                assert self.desk.records == before

    @rule(lines=some_lines, centre=st.sampled_from([CENTRE, CENTRE, None]))
    def edit(self, lines: Any, centre: str | None) -> None:
        """The request is changed."""
        command = an_edit(self.request, lines, cost_centre=centre)
        self.say(command, Actor(self.request.requester, frozenset({Role.REQUESTER})))

    @rule(sure=st.integers(0, 5))
    def withdraw(self, sure: int) -> None:
        """The request is taken back, but not often."""
        if sure == 0:
            command = WithdrawRequest(request_id=self.request.id)
            self.say(command, Actor(self.request.requester, frozenset({Role.REQUESTER})))

    @rule(one=person, other=person, first=st.integers(0, 2), last=st.integers(0, 4))
    def delegate(self, one: str, other: str, first: int, last: int) -> None:
        """Somebody's approvals may be given by somebody else for some days."""
        command = a_delegation(one, other, min(first, last), max(first, last))
        if self.desk.hear(command, actor=Actor(one), at=self.now).verdict == "accepted":
            self.world.delegations.append((one, other, day(min(first, last)), day(max(first, last))))

    @rule(members=st.sets(person, max_size=5))
    def join(self, members: set[str]) -> None:
        """Others belong to the group."""
        self.desk.hear(a_group(*sorted(members), code=FINANCE))
        self.world.finance = frozenset(members)

    @rule(owner=person)
    def hand_over(self, owner: str) -> None:
        """Somebody else owns the cost centre."""
        self.desk.hear(a_cost_centre(owner, CENTRE))
        self.world.owner = owner

    @rule(steps=some_steps)
    def put_into_force(self, steps: tuple[Any, ...]) -> None:
        """Another policy applies to what comes."""
        free = a_rule(name="cheap")
        rules: tuple[PolicyRule, ...] = (a_rule(*steps, name="dear", total_at_least=Decimal(100)), free)
        assert self.desk.hear(a_policy(*rules), actor=ADMINISTRATOR).verdict == "accepted"

    @rule(
        order=st.integers(1, 2),
        revision=st.integers(1, 3),
        total=st.integers(50, 2_000),
        vendor=st.booleans(),
    )
    def ask(self, order: int, revision: int, total: int, vendor: bool) -> None:
        """Purchasing asks for more."""
        number = "V-2" if vendor else "V-9"
        question = a_question(self.request, str(total), order, order_revision=revision, vendor_number=number)
        self.say(question, Actor("purchasing"))

    @rule(order=orders, revision=st.integers(1, 4), news=some_news)
    def order_over(self, order: int, revision: int, news: str) -> None:
        """An order of the request was changed, cancelled or placed."""
        about = derived_id("test-order", order), f"PR-00000{order}", self.request.id
        self.say(news_of(news, *about, revision), Actor("purchasing"))

    @rule(hours=st.integers(1, 40))
    def wait(self, hours: int) -> None:
        """Time passes."""
        self.now += timedelta(hours=hours)

    # What is noted of it

    @property
    def request(self) -> PurchaseRequest:
        (request,) = self.desk.all(PurchaseRequest)
        assert isinstance(request, PurchaseRequest)
        return request

    @property
    def rounds(self) -> list[ApprovalRound]:
        return self.desk.all(ApprovalRound)

    def say(self, message: Message, actor: Actor, *, again: bool = False) -> None:
        before = {said.id for said in self.desk.all(Approval)}
        ended = self.desk.hear(message, actor=actor, at=self.now)
        assert ended.verdict in ("accepted", "duplicate") or ended.code is not None
        if not again:
            self.heard.append((message, actor))
        for said in self.desk.all(Approval):
            if said.id not in before:
                self.note(said)
        self.take(ended)

    def take(self, ended: Ended) -> None:
        timers = (timer.message for timer in ended.decision.schedule)
        self.timers += [timer for timer in timers if isinstance(timer, StepDue)]
        if self.request.status is not self.statuses[-1]:
            assert self.request.status in TRANSITIONS[self.statuses[-1]]
            self.statuses.append(self.request.status)

    def note(self, said: Approval) -> None:
        """Somebody's word was taken: they were entitled to it there and then, and it was not their own request."""
        today = self.now.date()
        about = self.desk.records.get(OrderToApprove, {}).get(said.request_id, self.request)
        way = said.path or (said.decided_by,)
        assert (way[0], way[-1]) == (said.acting_for or said.decided_by, said.decided_by)
        assert all(self.world.may_act(one, other, today) for one, other in pairwise(way))
        assert about.people.isdisjoint(way)
        assert said.approver in self.world.authority(way[0])
        self.seen[said.id] = self.picture()

    def place_of(self, round: ApprovalRound) -> int:
        return next((order for order in (1, 2) if order_id_of(order) == round.request_id), 0)

    def picture(self) -> Seen:
        lines: list[RequestLine] = live(self.desk.all(RequestLine))
        vendors, kinds = frozenset(line.vendor for line in lines), frozenset(line.kind for line in lines)
        return Seen(self.request.total, self.request.currency, vendors, kinds)

    # What always holds

    @invariant()
    def a_request_waits_exactly_while_one_round_of_it_does(self) -> None:
        """And whoever may decide has a seat as long as they may."""
        if not self.desk.all(PurchaseRequest):
            return
        waiting = [each for each in self.rounds if each.status is RoundStatus.OPEN]
        of_request = [each for each in waiting if each.purpose is Purpose.REQUEST]
        assert len(of_request) == (self.request.status is Status.AWAITING_APPROVAL)
        beyond = [each for each in waiting if each.purpose is Purpose.SPENDING]
        assert not beyond or self.request.status in spending.SPENDING
        for each in of_request:
            assert (each.revision_now, each.currency) == (self.request.revision, self.request.currency)
            assert self.request.total <= each.total
        seats: list[ApprovalSeat] = self.desk.all(ApprovalSeat, open=True)
        assert sorted((seat.round_id, seat.approver) for seat in seats) == sorted(
            (each.id, key) for each in waiting for key in each.approvers
        )
        assert all(len(each.yes) == len(each.voices) < each.now.quorum for each in waiting)
        assert all((each.closed_at is None) == (each.status is RoundStatus.OPEN) for each in self.rounds)

    @invariant()
    def whoever_approved_was_enough_different_people_who_saw_no_less(self) -> None:
        """Every step of a granted round has its quorum, in the names of as many, none of whom it belongs to."""
        granted = [
            each for each in self.rounds if each.status is RoundStatus.APPROVED and steps_in(each.steps)
        ]
        for each in granted:
            for number, step in enumerate(steps_in(each.steps), 1):
                said: list[Approval] = self.desk.all(Approval, round_id=each.id, step=number)
                assert {one.verdict for one in said} == {Verdict.APPROVE}
                assert len({one.decided_by for one in said}) == len(said) == step.quorum
                assert len({one.acting_for or one.decided_by for one in said}) == step.quorum
                assert {one.approver for one in said} <= {*step.approvers, *step.escalate_to}
                if each.purpose is Purpose.REQUEST:
                    assert all(self.seen[one.id].covers(self.picture()) for one in said)

    @invariant()
    def nothing_is_ordered_without_being_approved(self) -> None:
        """Once, and for no more than was approved."""
        if not self.desk.all(PurchaseRequest):
            return
        ordered = [said for said in self.desk.said if isinstance(said, CreateOrder)]
        was_approved = Status.APPROVED in self.statuses
        assert len(ordered) == was_approved
        assert (self.request.approved_total is not None) == was_approved
        if was_approved:
            assert self.request.approved_total is not None
            assert ordered[0].approved_total.amount <= self.request.approved_total
        else:
            assert self.request.status in BEFORE_APPROVAL | NEVER_APPROVED

    @invariant()
    def every_question_of_purchasing_is_answered_once(self) -> None:
        """As soon as its round is over."""
        told = [
            (said.order_id, said.order_revision)
            for said in self.desk.said
            if isinstance(said, SpendingApproved | SpendingRefused)
        ]
        over = [
            (each.order_id, each.order_revision)
            for each in self.rounds
            if each.purpose is Purpose.SPENDING and each.status is not RoundStatus.OPEN
        ]
        assert sorted(map(str, told)) == sorted(map(str, over))
        assert len(set(over)) == len(over)

    @invariant()
    def every_word_is_kept_and_told(self) -> None:
        """As often as it was said."""
        told = [said for said in self.desk.said if isinstance(said, ApprovalDecided)]
        assert len(told) == len(self.desk.all(Approval))


Approvals.TestCase.settings = settings(max_examples=2_500, stateful_step_count=25, deadline=None)
TestApprovals = pytest.mark.timeout(600)(Approvals.TestCase)
