"""Approval covers spending, not an estimate: may an order cost more, or go to another vendor, than was approved?

Purchasing asks and waits. What is covered already is granted at once, and so is what the policy would let anybody
spend; anything else is a round of its own, in which the people whom the policy names for the new total decide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from libs.chassis.decision import (
    Cause,
    Decision,
    Handler,
    Handlers,
    Key,
    Keys,
    Many,
    Records,
    Rejection,
    Via,
    joined,
)
from libs.contracts.purchasing import OrderCancelled, OrderDrafted, SpendingQuestionDropped
from libs.contracts.requests import ApproveSpending
from services.requests import approval_outcome, order_approval
from services.requests.approval import what_is_asked
from services.requests.approval_round import ApprovalRound, Purpose, RoundStatus, with_rounds
from services.requests.approval_waiting import a_round, close_all, wait
from services.requests.directory import CostCentre
from services.requests.exchange_rate import KnownRate, rates_of
from services.requests.policy import POLICY_ID, ApprovalPolicy, Needed, in_force, needed
from services.requests.purchase_request import PurchaseRequest, RequestLine, Status, live

SPENDING = frozenset(
    {
        Status.APPROVED,
        Status.PARTIALLY_ORDERED,
        Status.ORDERED,
        Status.PARTIALLY_RECEIVED,
        Status.RECEIVED,
        Status.FULFILLED,
    }
)
"""In these something may still be ordered for a request; its orders can be amended even when it is fulfilled."""


def what_is_spent_for(command: ApproveSpending) -> Keys:
    """The request and its rounds."""
    return with_rounds(command.request_id)


def what_it_depends_on(command: ApproveSpending) -> Keys:
    """The policy and what it looks at."""
    request_id = command.request_id
    return (
        Key(ApprovalPolicy, POLICY_ID, may_be_new=True),
        *rates_of(command.total.currency),
        Many(RequestLine, by="request_id", value=request_id),
        Many(CostCentre, by="code", value=Via(PurchaseRequest, request_id, "cost_centre")),
    )


def approve_spending(command: ApproveSpending, held: Records, cause: Cause) -> Decision:
    """Grant it at once or have people decide. The total is that of all the request's orders together.

    Each revision of an order is asked about once; a later one takes the place of those that still wait. Who raised what
    it costs does not decide.
    """
    request = held.find(PurchaseRequest, command.request_id)
    if request is None:
        raise Rejection("request_unknown", field="request_id", message="There is no such request.")
    earlier = held.all(ApprovalRound, request_id=request.id, order_id=command.order_id)
    for round in earlier:
        if round.order_revision == command.order_revision:
            return Decision(duplicate=True, answer=_answer(request, round))
    if any((round.order_revision or 0) > command.order_revision for round in earlier):
        raise Rejection(
            "order_revision_outdated",
            field="order_revision",
            message=f"A later revision of {command.requisition_number} was asked about already.",
        )
    if request.status not in SPENDING:
        raise Rejection(
            "request_not_approved",
            field="request_id",
            message=f"{request.number} is {request.status}; nothing is ordered for it.",
        )
    waiting = [round for round in earlier if round.status is RoundStatus.OPEN]
    reason = f"revision {command.order_revision} of {command.requisition_number} is asked about instead"
    over = close_all(waiting, RoundStatus.VOIDED, reason, request, held, cause)

    request = replace(request, round=request.round + 1)
    lines = live(held.all(RequestLine, request_id=request.id))
    steps = _steps(command, request, lines, earlier, held, cause)
    round = a_round(request, Purpose.SPENDING, command.total, steps, cause)
    round = replace(
        round,
        order_id=command.order_id,
        order_revision=command.order_revision,
        requisition_number=command.requisition_number,
        vendor=command.vendor_number,
        asked_because=command.reason,
        parties=command.parties,
    )
    if steps.steps:
        asked = wait(round, request, cause)
        asked = replace(asked, save=[request, *asked.save])
    else:
        asked = approval_outcome.granted(round, request, (), held, cause)
        round = round.become(RoundStatus.APPROVED, closed_at=cause.at)
        asked = replace(asked, save=[*asked.save, round])
    return replace(
        joined(asked, over), publish=[*over.publish, *asked.publish], answer=_answer(request, round)
    )


OrderNews = OrderDrafted | OrderCancelled | SpendingQuestionDropped


def order_over(fact: OrderNews, held: Records, cause: Cause) -> Decision:
    """An order that was asked about was changed, placed or cancelled: nobody need decide on it any more, neither for
    what it would cost a request nor for the order as such.

    Where that overtook the question, purchasing says it once more, when it hears that people are being asked.
    """
    together = Decision()
    for request_id in _asked_for(fact):
        request = held.find(PurchaseRequest, request_id)
        waiting, status, reason = _outdated(fact, request_id, held)
        if request is not None and waiting:
            over = close_all(waiting, status, reason, request, held, cause)
            together = joined(together, Decision(save=[request]), over)
    waiting, status, reason = _outdated(fact, fact.order_id, held)
    return joined(
        together, order_approval.no_longer_asked(fact.order_id, waiting, status, reason, held, cause)
    )


def _outdated(fact: OrderNews, about: UUID, held: Records) -> tuple[list[ApprovalRound], RoundStatus, str]:
    """The rounds about a request or the order itself that ask what is no question any more, and why."""
    waiting = held.all(ApprovalRound, request_id=about, order_id=fact.order_id, status=RoundStatus.OPEN)
    if isinstance(fact, OrderDrafted):
        changed = [round for round in waiting if (round.order_revision or 0) < fact.order_revision]
        return changed, RoundStatus.VOIDED, f"{fact.requisition_number} was changed"
    if isinstance(fact, SpendingQuestionDropped):
        meant = about == (fact.request_id or fact.order_id)
        known = [round for round in waiting if meant and (round.order_revision or 0) <= fact.order_revision]
        return known, RoundStatus.VOIDED, fact.reason
    if fact.was_submitted and not fact.whole:
        # The order goes on, and so does an amendment of it that waits.
        return [], RoundStatus.STOPPED, ""
    return waiting, RoundStatus.STOPPED, f"{fact.requisition_number} was cancelled"


def _asked_for(fact: OrderNews) -> list[UUID]:
    """The requests that the order serves."""
    if isinstance(fact, SpendingQuestionDropped) or fact.request_id is not None:
        return [fact.request_id] if fact.request_id is not None else []
    return sorted({line.request_id for line in fact.lines if line.request_id is not None})


def order_asked_about(fact: OrderNews) -> Keys:
    """The order, the requests that it serves, and the rounds of all of them."""
    return (
        *(key for request_id in _asked_for(fact) for key in with_rounds(request_id)),
        *order_approval.order_and_rounds(fact.order_id),
    )


def _steps(
    command: ApproveSpending,
    request: PurchaseRequest,
    lines: Sequence[RequestLine],
    earlier: Sequence[ApprovalRound],
    held: Records,
    cause: Cause,
) -> Needed:
    """None if it is covered already, else those that a request of this total and vendor would need."""
    number, policy = in_force(held)
    if _is_covered(command, request, lines, earlier):
        return Needed(number, None, ())
    asked = what_is_asked(request, lines, held)
    asked = replace(
        asked,
        total=command.total,
        vendors=asked.vendors | {command.vendor_number},
        parties=asked.parties.union(command.parties),
    )
    return needed(number, policy, asked, held.all(KnownRate), cause.at.date())


def _is_covered(
    command: ApproveSpending,
    request: PurchaseRequest,
    lines: Sequence[RequestLine],
    earlier: Sequence[ApprovalRound],
) -> bool:
    """Whether the total was approved meanwhile and the vendor is one that was approved.

    If it costs no more than purchasing knew to be approved it asks because of the vendor, so only a vendor that was
    approved for this very order will do; else it is enough that lines name this one, or that none names any.
    """
    total, approved = command.total, request.approved_total
    if total.currency != request.currency or approved is None or total.amount > approved:
        return False
    for round in earlier:
        if round.status is RoundStatus.APPROVED and round.vendor == command.vendor_number:
            return True
    because_of_vendor = (
        command.approved.currency == total.currency and total.amount <= command.approved.amount
    )
    named = {line.vendor for line in lines if line.vendor_named}
    return not because_of_vendor and (not named or command.vendor_number in named)


def _answer(request: PurchaseRequest, round: ApprovalRound) -> Mapping[str, object]:
    return {
        "request_id": str(request.id),
        "number": request.number,
        "order_id": str(round.order_id),
        "order_revision": round.order_revision,
        "round": round.number,
        "round_status": round.status.value,
    }


HANDLERS: Handlers = (
    Handler(on=ApproveSpending, holds=what_is_spent_for, reads=what_it_depends_on, decide=approve_spending),
    Handler(on=OrderDrafted, holds=order_asked_about, decide=order_over),
    Handler(on=OrderCancelled, holds=order_asked_about, decide=order_over),
    Handler(on=SpendingQuestionDropped, holds=order_asked_about, decide=order_over),
)
