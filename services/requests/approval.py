"""What the rest of a request's life asks of approval, and what happens while nobody decides.

Which steps it needs is the policy's business (`policy`); how a step waits is told in `approval_round`, what a yes and
a no lead to in `approval_decision`, how spending beyond what was approved is in `spending`.
"""

from collections.abc import Sequence
from dataclasses import replace

from libs.chassis.decision import Cause, Decision, Handler, Handlers, Key, Keys, Records, joined
from libs.contracts.approvals import ApprovalEscalated, ApprovalReminded
from libs.contracts.requests import Wish
from services.requests import approval_outcome
from services.requests.approval_outcome import answer_about, approved
from services.requests.approval_round import (
    ApprovalEscalationDue,
    ApprovalExpiryDue,
    ApprovalReminderDue,
    ApprovalRound,
    Purpose,
    RoundStatus,
    StepDue,
    open_rounds,
    round_keys,
    with_subject,
)
from services.requests.approval_waiting import (
    Subject,
    a_round,
    close,
    close_all,
    escalated,
    remind_at,
    subject_of,
    wait,
)
from services.requests.directory import CostCentre, cost_centre_id_of
from services.requests.exchange_rate import KnownRate, rates_of
from services.requests.policy import POLICY_ID, ApprovalPolicy, Asked, in_force, needed
from services.requests.purchase_request import PurchaseRequest, RequestLine, Status, live

__all__ = ["HANDLERS", "after_edit", "begin", "policy_keys", "riskier", "round_keys", "stop"]

REMINDERS_MAX = 3


# What the rest of a request's life asks of approval


def policy_keys(wish: Wish) -> Keys:
    """What decides which steps a wish needs, apart from itself."""
    centre = wish.cost_centre
    return (
        Key(ApprovalPolicy, POLICY_ID, may_be_new=True),
        *rates_of(wish.currency),
        *((Key(CostCentre, cost_centre_id_of(centre), may_be_new=True),) if centre is not None else ()),
    )


def begin(request: PurchaseRequest, lines: Sequence[RequestLine], held: Records, cause: Cause) -> Decision:
    """Approve it at once, or wait for the first step that the policy wants. The request is saved first."""
    number, policy = in_force(held)
    asked = what_is_asked(request, lines, held)
    steps = needed(number, policy, asked, held.all(KnownRate), cause.at.date())
    if not steps.steps:
        return approved(request, lines, approved_by=(), cause=cause)
    request = replace(request, round=request.round + 1)
    if request.status is not Status.AWAITING_APPROVAL:
        request = request.become(Status.AWAITING_APPROVAL, status_since=cause.at, approved_total=None)
    waiting = wait(a_round(request, Purpose.REQUEST, request.money, steps, cause), request, cause)
    return replace(waiting, save=[request, *waiting.save], answer=answer_about(request))


def after_edit(
    before: PurchaseRequest,
    lines_before: Sequence[RequestLine],
    request: PurchaseRequest,
    lines: Sequence[RequestLine],
    held: Records,
    cause: Cause,
) -> Decision:
    """A riskier revision must be approved anew, by the policy of now. Any other keeps the yeses it has.

    Its approval stays bound to the revision that was seen; the latest revision it covers is noted.
    """
    counting = _counting(request, held)
    why = riskier(before, live(lines_before), request, live(lines))
    if why is None:
        noted = [replace(round, revision_now=request.revision) for round in counting]
        return Decision(save=[request, *noted], answer=answer_about(request))
    over = close_all(counting, RoundStatus.VOIDED, f"the request was changed: {why}", request, held, cause)
    anew = begin(request, live(lines), held, cause)
    # What is over is said first, what is waited for now afterwards.
    return replace(joined(anew, over), publish=[*over.publish, *anew.publish], answer=anew.answer)


def stop(request: PurchaseRequest, held: Records, cause: Cause) -> Decision:
    """The request was withdrawn or cancelled: nobody need decide any more. The request is saved first."""
    waiting = open_rounds(request.id, held)
    over = close_all(waiting, RoundStatus.STOPPED, f"the request is {request.status}", request, held, cause)
    return replace(over, save=[request, *over.save])


def riskier(
    before: PurchaseRequest,
    lines_before: Sequence[RequestLine],
    request: PurchaseRequest,
    lines: Sequence[RequestLine],
) -> str | None:
    """What was not approved with the revision before: more money, another vendor, kind, budget or receiver; or None.

    Lines of one item are compared with each other, so that it does not matter in which order they stand.
    """
    if request.currency != before.currency:
        return f"the currency is {request.currency} instead of {before.currency}"
    if request.total > before.total:
        return f"the total is {request.total} instead of {before.total} {before.currency}"
    if request.cost_centre != before.cost_centre:
        return "another cost centre pays"
    if request.on_behalf_of != before.on_behalf_of:
        return "it is for somebody else"
    known = {(line.kind, line.vendor) for line in lines_before}
    of_item: dict[str, set[tuple[str, str | None]]] = {}
    for line in lines_before:
        of_item.setdefault(line.sku or line.name, set()).add((line.kind, line.vendor))
    receivers = {line.destination for line in lines_before}
    for line in lines:
        if (line.kind, line.vendor) not in of_item.get(line.sku or line.name, known):
            return f"{line.name} is {line.kind} from {line.vendor or 'any vendor'}"
        if line.destination not in receivers:
            return f"{line.name} is for {line.destination_name or line.destination_kind}"
    return None


def what_is_asked(request: PurchaseRequest, lines: Sequence[RequestLine], held: Records) -> Asked:
    """What of a request a policy looks at."""
    centre = request.cost_centre
    known = held.all(CostCentre, code=centre) if centre is not None else []
    return Asked(
        total=request.money,
        kinds=frozenset(line.kind for line in lines),
        vendors=frozenset(line.vendor for line in lines if line.vendor is not None),
        source=request.source,
        cost_centre=centre,
        owner=next((each.owned_by for each in known if each.active), None),
        parties=request.people,
    )


def _counting(request: PurchaseRequest, held: Records) -> list[ApprovalRound]:
    """The rounds that wait, and the one by which the request was approved."""
    granted = held.all(
        ApprovalRound, request_id=request.id, purpose=Purpose.REQUEST, status=RoundStatus.APPROVED
    )
    return [*granted, *open_rounds(request.id, held)]


# What happens while nobody decides


def remind(timer: ApprovalReminderDue, held: Records, cause: Cause) -> Decision:
    """If the same step still waits, say so again, three times at most."""
    if (waiting := _waiting(timer, held)) is None or waiting[0].reminders >= REMINDERS_MAX:
        return Decision()
    round, about = waiting
    round = replace(round, reminders=round.reminders + 1)
    said = ApprovalReminded(
        request_id=about.id,
        number=about.number,
        purpose=round.purpose.value,
        round=round.number,
        step=round.step,
        approvers=round.approvers,
        reminder=round.reminders,
    )
    again = remind_at(round, cause) if round.reminders < REMINDERS_MAX else None
    return Decision(save=[about, round], publish=[said], schedule=[again] if again is not None else [])


def escalate(timer: ApprovalEscalationDue, held: Records, cause: Cause) -> Decision:
    """If the same step still waits, others may take it as well from now on."""
    if (waiting := _waiting(timer, held)) is None or waiting[0].escalated:
        return Decision()
    round, about = waiting
    round, seats = escalated(round, about)
    said = ApprovalEscalated(
        request_id=about.id,
        number=about.number,
        purpose=round.purpose.value,
        round=round.number,
        step=round.step,
        approvers=round.now.escalate_to,
    )
    return Decision(save=[about, round, *seats], publish=[said])


def expire(timer: ApprovalExpiryDue, held: Records, cause: Cause) -> Decision:
    """If the same step still waits it is too late: nothing is bought, or the order is not placed."""
    if (waiting := _waiting(timer, held)) is None:
        return Decision()
    round, about = waiting
    reason = f"nobody decided on step {round.step} within {round.now.expire_after_hours} hours"
    closed = close(round, RoundStatus.EXPIRED, held, cause)
    return joined(approval_outcome.expired(round, about, reason, cause), closed)


def timed(timer: StepDue) -> Keys:
    """The request or the order, and its rounds."""
    return with_subject(timer.request_id)


def _waiting(timer: StepDue, held: Records) -> tuple[ApprovalRound, Subject] | None:
    """The round that the timer was set for, if it still waits for the same step, and what it is about."""
    round, about = held.find(ApprovalRound, timer.round_id), subject_of(timer.request_id, held)
    if round is None or about is None or round.status is not RoundStatus.OPEN or round.step != timer.step:
        return None
    return round, about


HANDLERS: Handlers = (
    Handler(on=ApprovalReminderDue, holds=timed, decide=remind),
    Handler(on=ApprovalEscalationDue, holds=timed, decide=escalate),
    Handler(on=ApprovalExpiryDue, holds=timed, decide=expire),
)
