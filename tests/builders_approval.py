"""What tests of approval are built from: policies, people who decide, and a desk where requests wait for them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from libs.chassis.decision import Actor
from libs.contracts.approvals import (
    Approver,
    DecideApproval,
    DefineApprovalPolicy,
    GroupApproves,
    OwnerApproves,
    PersonApproves,
    PolicyConditions,
    PolicyRule,
    PolicyStep,
    RoleApproves,
)
from libs.contracts.permissions import Role
from libs.contracts.requests import ApproveOrder, ApproveSpending, EditRequest, RequestedLine
from libs.contracts.values import Kind, Money, derived_id
from services.requests.approval_round import ApprovalExpiryDue, ApprovalRound, ApprovalSeat
from services.requests.purchase_request import PurchaseRequest, Status
from tests.builders_desk import STATION, Desk, a_request, a_requests_desk, the_request
from tests.builders_dock import Ended

PROCUREMENT, ASSETS = Role.PROCUREMENT_MANAGER, Role.ASSET_MANAGER
BUYER, KEEPER, SECOND_BUYER = "person-11", "person-12", "person-13"
SUBMITTER = "person-14"
ADMINISTRATOR = Actor("person-admin", frozenset({Role.ASSET_ADMINISTRATOR}))
WORKS_AS = {BUYER: {PROCUREMENT}, SECOND_BUYER: {PROCUREMENT}, KEEPER: {ASSETS}, SUBMITTER: {PROCUREMENT}}


def by_role(role: Role) -> RoleApproves:
    """Whoever works as this."""
    return RoleApproves(by="role", role=role)


def by_person(person: str) -> PersonApproves:
    """This person."""
    return PersonApproves(by="person", person=person)


def by_group(group: str) -> GroupApproves:
    """Any member of the group."""
    return GroupApproves(by="group", group=group)


OWNER = OwnerApproves(by="cost_centre_owner")


def a_step(*approvers: Approver, **changes: Any) -> PolicyStep:
    """A step that these may take; a Procurement Manager if nobody is named."""
    return PolicyStep(approvers=approvers or (by_role(PROCUREMENT),), **changes)


def a_rule(*steps: PolicyStep, name: str = "everything", **conditions: Any) -> PolicyRule:
    """A rule for requests like this, by default for all."""
    return PolicyRule(name=name, conditions=PolicyConditions(**conditions), steps=steps)


def a_policy(*rules: PolicyRule, **changes: Any) -> DefineApprovalPolicy:
    """The command to put these rules into force."""
    return DefineApprovalPolicy(**{"currency": "EUR", "rules": rules} | changes)


def a_desk_with_rule(*steps: PolicyStep, **conditions: Any) -> Desk:
    """The requests service with a policy of one rule, for everything."""
    return a_desk_with_policy(a_rule(*steps, **conditions))


def a_desk_with_policy(*rules: PolicyRule) -> Desk:
    """The requests service with these rules."""
    desk = a_requests_desk()
    assert desk.hear(a_policy(*rules), actor=ADMINISTRATOR).verdict == "accepted"
    return desk


def says(desk: Desk, person: str, verdict: str = "approve", **said: Any) -> Ended:
    """Somebody, who works as what is usual here or as `roles`, decides on the only request, or on what is named."""
    roles = frozenset(said.pop("roles", WORKS_AS.get(person, {Role.REQUESTER})))
    cause = {name: said.pop(name) for name in ("at",) if name in said}
    values: dict[str, Any] = {
        "request_id": said["request_id"] if "request_id" in said else the_request(desk).id,
        "verdict": verdict,
        "decided_by": person,
        "reason": "no money" if verdict == "reject" else "",
    }
    return desk.hear(DecideApproval(**values | said), actor=Actor(person, roles), **cause)


def an_edit(request: PurchaseRequest, lines: Sequence[RequestedLine], **changes: Any) -> EditRequest:
    """The request shall be for these lines."""
    values: dict[str, Any] = {
        "request_id": request.id,
        "cost_centre": request.cost_centre,
        "deliver_to": request.deliver_to,
        "currency": request.currency,
        "lines": tuple(lines),
    }
    return EditRequest(**values | changes)


def rounds(desk: Desk) -> list[ApprovalRound]:
    """All rounds of a desk, by their numbers."""
    found: list[ApprovalRound] = desk.all(ApprovalRound)
    return sorted(found, key=lambda round: round.number)


def the_round(desk: Desk) -> ApprovalRound:
    """The only round of a desk."""
    (round,) = rounds(desk)
    return round


def open_seats(desk: Desk) -> list[str]:
    """Whom a desk waits for, by their keys."""
    seats: list[ApprovalSeat] = desk.all(ApprovalSeat, open=True)
    return sorted(seat.approver for seat in seats)


def a_question(request: PurchaseRequest, total: str, order: object = 1, **changes: Any) -> ApproveSpending:
    """Purchasing asks whether the request's orders may cost so much, because of one of them."""
    approved = request.approved_total if request.approved_total is not None else Decimal(0)
    values: dict[str, Any] = {
        "request_id": request.id,
        "order_id": derived_id("test-order", order),
        "requisition_number": f"PR-00000{order}",
        "order_revision": 1,
        "total": Money(amount=Decimal(total), currency=changes.pop("currency", request.currency)),
        "approved": Money(amount=approved, currency=request.currency),
        "vendor_number": "V-2",
        "reason": "it costs more",
    }
    return ApproveSpending(**values | changes)


def an_order_to_approve(total: str = "1200.00", order: object = 1, **changes: Any) -> ApproveOrder:
    """Purchasing asks whether an order, which somebody submitted, may be placed at all."""
    values: dict[str, Any] = {
        "order_id": derived_id("test-order", order),
        "requisition_number": f"PR-00000{order}",
        "order_revision": 1,
        "total": Money(amount=Decimal(total), currency=changes.pop("currency", "EUR")),
        "vendor_number": "V-2",
        "kinds": (Kind.HARDWARE,),
        "asked_by": SUBMITTER,
    }
    return ApproveOrder(**values | changes)


def a_waiting_desk(*steps: Any, **request: Any) -> Desk:
    """A request waits for the first of these steps."""
    desk = a_desk_with_rule(*steps)
    desk.hear(a_request({STATION: 1}, **request))
    assert the_request(desk).status is Status.AWAITING_APPROVAL
    return desk


def due(desk: Desk, kind: Any, **changes: Any) -> Any:
    """It is time to look at the only round."""
    round = the_round(desk)
    return kind(**{"request_id": round.request_id, "round_id": round.id, "step": round.step} | changes)


def a_patient_step(**changes: Any) -> Any:
    """A step that is timed in every way."""
    delays = {"remind_after_hours": 1, "escalate_after_hours": 5, "expire_after_hours": 9}
    return a_step(**delays | {"escalate_to": (by_role(ASSETS),)} | changes)


def an_expired_desk() -> Desk:
    """Nobody decided in time."""
    desk = a_waiting_desk(a_patient_step())
    desk.hear(due(desk, ApprovalExpiryDue))
    return desk
