"""An order as such is approved, whether it serves requests or none: purchasing asks where its policy wants that.

The policy is the one for requests, told the order's total, vendor and kinds, and `purchasing` as its source; an order
has no cost centre. Whoever drafted it, set its prices, submitted or amended it does not decide, nor does anybody
whose request it serves.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from uuid import UUID

from libs.chassis.decision import Cause, Decision, Handler, Handlers, Key, Keys, Records, Rejection, joined
from libs.contracts.requests import ApproveOrder
from libs.contracts.values import derived_id
from services.requests import approval_outcome
from services.requests.approval_round import ApprovalRound, Purpose, RoundStatus, open_rounds, round_keys
from services.requests.approval_waiting import a_round, close_all, wait
from services.requests.exchange_rate import KnownRate, rates_of
from services.requests.order_to_approve import OrderApprovalStatus, OrderToApprove
from services.requests.policy import POLICY_ID, ApprovalPolicy, Asked, in_force, needed
from services.requests.purchase_request import NUMBER, PurchaseRequest


def order_itself(command: ApproveOrder) -> Keys:
    """The order, if it was asked about before, and its rounds."""
    return order_and_rounds(command.order_id)


def order_and_rounds(order_id: UUID) -> Keys:
    """An order that people may be asked about."""
    return (Key(OrderToApprove, order_id, may_be_new=True), *round_keys(order_id))


def what_it_depends_on(command: ApproveOrder) -> Keys:
    """The policy and what it looks at, and the requests that the order serves."""
    return (
        Key(ApprovalPolicy, POLICY_ID, may_be_new=True),
        *rates_of(command.total.currency),
        *(Key(PurchaseRequest, request_id, may_be_new=True) for request_id in command.request_ids),
    )


def a_place(_: ApproveOrder) -> Mapping[str, int]:
    """Among all that waits."""
    return {NUMBER: 1}


def approve_order(command: ApproveOrder, held: Records, cause: Cause) -> Decision:
    """Approve it at once, or have people decide, as the policy wants it for what it costs.

    The same question again is a duplicate; another one takes the place of the one that waits, unless the order has
    changed since it was asked.
    """
    known = held.find(OrderToApprove, command.order_id)
    content = _content_of(command)
    if known is not None:
        if command.order_revision < known.revision:
            raise Rejection(
                "order_revision_outdated",
                field="order_revision",
                message=f"A later revision of {command.requisition_number} was asked about already.",
            )
        if content == known.content:
            (round,) = held.all(ApprovalRound, request_id=known.id, number=known.round)
            return Decision(duplicate=True, answer=_answer(known, round))
    order = _asked_about(command, known, content, held, cause)
    reason = f"revision {command.order_revision} of {command.requisition_number} is asked about instead"
    over = close_all(open_rounds(order.id, held), RoundStatus.VOIDED, reason, order, held, cause)

    steps = needed(*in_force(held), _asked(order), held.all(KnownRate), cause.at.date())
    round = replace(
        a_round(order, Purpose.ORDER, order.money, steps, cause),
        order_id=order.id,
        order_revision=order.revision,
        requisition_number=order.number,
        vendor=order.vendor,
    )
    if steps.steps:
        asked = wait(round, order, cause)
        asked = replace(asked, save=[order, *asked.save])
    else:
        round = round.become(RoundStatus.APPROVED, closed_at=cause.at)
        asked = approval_outcome.granted(round, order, (), held, cause)
        asked = replace(asked, save=[*asked.save, round])
    return replace(joined(asked, over), publish=[*over.publish, *asked.publish], answer=_answer(order, round))


def _content_of(command: ApproveOrder) -> UUID:
    return derived_id(
        "order_to_approve", command.model_dump_json(include={*ApproveOrder.model_fields} - {"request_ids"})
    )


def _asked_about(
    command: ApproveOrder, known: OrderToApprove | None, content: UUID, held: Records, cause: Cause
) -> OrderToApprove:
    served = [held.find(PurchaseRequest, request_id) for request_id in command.request_ids]
    people = {command.asked_by, *command.parties}.union(
        *(request.people for request in served if request is not None)
    )
    return OrderToApprove(
        id=command.order_id,
        version=known.version if known is not None else 0,
        ordinal=known.ordinal if known is not None else cause.numbers[NUMBER][0],
        number=command.requisition_number,
        status_since=cause.at,
        revision=command.order_revision,
        content=content,
        total=command.total.amount,
        currency=command.total.currency,
        vendor=command.vendor_number,
        kinds=tuple(sorted(set(command.kinds))),
        asked_by=command.asked_by,
        parties=tuple(sorted(people)),
        request_ids=tuple(map(str, command.request_ids)),
        round=(known.round if known is not None else 0) + 1,
    )


def _asked(order: OrderToApprove) -> Asked:
    """What of an order a policy looks at."""
    return Asked(
        total=order.money,
        kinds=frozenset(order.kinds),
        vendors=frozenset({order.vendor}),
        source=order.source,
        parties=order.people,
    )


def no_longer_asked(
    order_id: UUID,
    waiting: Iterable[ApprovalRound],
    status: RoundStatus,
    reason: str,
    held: Records,
    cause: Cause,
) -> Decision:
    """The order was changed, placed or cancelled: nobody need decide on these rounds of it any more."""
    waiting = list(waiting)
    order = held.find(OrderToApprove, order_id)
    if order is None or not waiting:
        return Decision()
    over = close_all(waiting, status, reason, order, held, cause)
    order = order.become(OrderApprovalStatus.OVER, status_since=cause.at)
    return replace(over, save=[order, *over.save])


def placed(order_id: UUID, revision: int, number: str, held: Records, cause: Cause) -> Decision:
    """The order stands at this revision with its vendor: what was asked about it until then is no question any more.

    Where that overtook the question, people may still be asked; purchasing takes no heed of the answer.
    """
    waiting = [round for round in open_rounds(order_id, held) if round.revision <= revision]
    return no_longer_asked(order_id, waiting, RoundStatus.VOIDED, f"{number} was placed", held, cause)


def _answer(order: OrderToApprove, round: ApprovalRound) -> Mapping[str, object]:
    return {
        "order_id": str(order.id),
        "number": order.number,
        "order_revision": order.revision,
        "round": round.number,
        "round_status": round.status.value,
    }


HANDLERS: Handlers = (
    Handler(
        on=ApproveOrder,
        holds=order_itself,
        reads=what_it_depends_on,
        numbers=a_place,
        decide=approve_order,
    ),
)
