"""What the end of a round leads to: a yes of all who were needed, a no, silence; for each thing one can approve."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from libs.chassis.decision import Cause, Decision, Records
from libs.contracts.approvals import RequestExpired
from libs.contracts.requests import OrderApproved, RequestApproved, RequestRejected, SpendingApproved
from services.requests import fulfilment
from services.requests.approval_round import ApprovalRound, Purpose
from services.requests.approval_waiting import Subject, refusals
from services.requests.order_to_approve import OrderApprovalStatus, OrderToApprove
from services.requests.purchase_request import PurchaseRequest, RequestLine, Status, live

Voices = tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What follows for what a round was about; each saves it, as its first record.

    `granted` is told who said yes, `refused` who said no and why, `expired` why it is too late.
    """

    granted: Callable[[ApprovalRound, Subject, Voices, Records, Cause], Decision]
    refused: Callable[[ApprovalRound, Subject, str, str, Cause], Decision]
    expired: Callable[[ApprovalRound, Subject, str, Cause], Decision]


def granted(round: ApprovalRound, about: Subject, by: Voices, held: Records, cause: Cause) -> Decision:
    """Everybody who was needed has said yes, or nobody was needed."""
    return _OUTCOMES[round.purpose].granted(round, about, by, held, cause)


def refused(round: ApprovalRound, about: Subject, by: str, reason: str, cause: Cause) -> Decision:
    """Somebody has said no."""
    return _OUTCOMES[round.purpose].refused(round, about, by, reason, cause)


def expired(round: ApprovalRound, about: Subject, reason: str, cause: Cause) -> Decision:
    """Nobody has decided in time."""
    return _OUTCOMES[round.purpose].expired(round, about, reason, cause)


def answer_about(about: Subject, round: ApprovalRound | None = None) -> Mapping[str, object]:
    """Where a decision has brought the request or the order, and the round if there is one."""
    answer = {"request_id": str(about.id), "number": about.number, "status": about.status.value}
    if round is None:
        return answer
    return {**answer, "round": round.number, "step": round.step, "round_status": round.status.value}


# A request


def approved(
    request: PurchaseRequest, lines: Sequence[RequestLine], *, approved_by: Voices, cause: Cause
) -> Decision:
    """The spending is approved, up to what the request costs now; fulfilment begins."""
    granted = request.become(Status.APPROVED, status_since=cause.at, approved_total=request.total)
    said = RequestApproved(
        request_id=request.id, number=request.number, approved_by=approved_by, total=request.money
    )
    started = fulfilment.start(granted, lines, approved_by=approved_by, cause=cause)
    return replace(
        started,
        save=[granted, *started.save],
        publish=[said, *started.publish],
        answer=answer_about(granted),
    )


def _request_granted(_: ApprovalRound, about: Subject, by: Voices, held: Records, cause: Cause) -> Decision:
    assert isinstance(about, PurchaseRequest)
    lines = live(held.all(RequestLine, request_id=about.id))
    return approved(about, lines, approved_by=by, cause=cause)


def _request_refused(_: ApprovalRound, about: Subject, by: str, reason: str, cause: Cause) -> Decision:
    assert isinstance(about, PurchaseRequest)
    request = about.become(Status.REJECTED, status_since=cause.at, reason=reason)
    said = RequestRejected(request_id=request.id, number=request.number, rejected_by=by, reason=reason)
    return Decision(save=[request], publish=[said])


def _request_expired(_: ApprovalRound, about: Subject, reason: str, cause: Cause) -> Decision:
    assert isinstance(about, PurchaseRequest)
    request = about.become(Status.EXPIRED, status_since=cause.at, reason=reason)
    said = RequestExpired(request_id=request.id, number=request.number, reason=reason)
    return Decision(save=[request], publish=[said])


# What an order would cost beyond what was approved: the request stays as it is


def _spending_granted(round: ApprovalRound, about: Subject, _: Voices, __: Records, ___: Cause) -> Decision:
    """The order may be placed. From now on the request is approved up to this total."""
    assert isinstance(about, PurchaseRequest)
    assert round.order_id is not None
    assert round.order_revision is not None
    request = about
    if round.currency == request.currency:
        request = replace(request, approved_total=max(request.approved_total or round.total, round.total))
    said = SpendingApproved(
        request_id=request.id,
        order_id=round.order_id,
        order_revision=round.order_revision,
        total=round.money,
    )
    return Decision(save=[request], publish=[said])


def _spending_refused(round: ApprovalRound, about: Subject, _: str, reason: str, __: Cause) -> Decision:
    return Decision(save=[about], publish=refusals(round, reason))


def _spending_expired(round: ApprovalRound, about: Subject, reason: str, _: Cause) -> Decision:
    return Decision(save=[about], publish=refusals(round, f"expired: {reason}"))


# An order as such


def _order_granted(round: ApprovalRound, about: Subject, _: Voices, __: Records, cause: Cause) -> Decision:
    assert isinstance(about, OrderToApprove)
    order = about.become(OrderApprovalStatus.APPROVED, status_since=cause.at)
    said = OrderApproved(order_id=order.id, order_revision=round.revision, total=round.money)
    return Decision(save=[order], publish=[said])


def _order_refused(round: ApprovalRound, about: Subject, _: str, reason: str, cause: Cause) -> Decision:
    assert isinstance(about, OrderToApprove)
    order = about.become(OrderApprovalStatus.REFUSED, status_since=cause.at)
    return Decision(save=[order], publish=refusals(round, reason))


def _order_expired(round: ApprovalRound, about: Subject, reason: str, cause: Cause) -> Decision:
    return _order_refused(round, about, "", f"expired: {reason}", cause)


_OUTCOMES: Mapping[Purpose, Outcome] = {
    Purpose.REQUEST: Outcome(_request_granted, _request_refused, _request_expired),
    Purpose.SPENDING: Outcome(_spending_granted, _spending_refused, _spending_expired),
    Purpose.ORDER: Outcome(_order_granted, _order_refused, _order_expired),
}
