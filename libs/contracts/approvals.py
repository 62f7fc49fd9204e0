"""What the requests service says and obeys about approval: the policy, the decisions, and who is waited for.

Approvers are named by keys wherever it is told who may decide: `role:asset_manager`, `group:IT`, `person:person-17`,
`cost_centre:CC-100` (whoever owns it at the time).
"""

from decimal import Decimal
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from libs.contracts.message import Command, Event, Value
from libs.contracts.permissions import Action, Role
from libs.contracts.values import Amount, Code, Currency, Kind, LongText, Money, PersonId, Text

RULES_MAX = 50
STEPS_MAX = 10
APPROVERS_MAX = 20
WANTED_MAX = 100
DELAY_HOURS_MAX = 24 * 365

Hours = Annotated[int, Field(ge=1, le=DELAY_HOURS_MAX)]


# The policy


class RoleApproves(Value):
    """Whoever holds this role."""

    by: Literal["role"]
    role: Annotated[Role, Field(strict=False)]


class GroupApproves(Value):
    """Whoever is a member of this group."""

    by: Literal["group"]
    group: Code


class PersonApproves(Value):
    """This person."""

    by: Literal["person"]
    person: PersonId


class OwnerApproves(Value):
    """Whoever owns the request's cost centre when they decide."""

    by: Literal["cost_centre_owner"]


Approver = Annotated[RoleApproves | GroupApproves | PersonApproves | OwnerApproves, Field(discriminator="by")]


class PolicyConditions(Value):
    """What a request must be like for a rule to apply: all of it. What is empty asks for nothing.

    A list is met by any of its entries: a line of one of the kinds, a line of one of the vendors, the cost centre, the
    source the request came from. The total is stated in the policy's currency.
    """

    total_at_least: Annotated[Amount, Field(ge=0)] | None = None
    kinds: Annotated[tuple[Annotated[Kind, Field(strict=False)], ...], Field(max_length=len(Kind))] = ()
    cost_centres: Annotated[tuple[Code, ...], Field(max_length=WANTED_MAX)] = ()
    vendors: Annotated[tuple[Code, ...], Field(max_length=WANTED_MAX)] = ()
    sources: Annotated[tuple[Text, ...], Field(max_length=WANTED_MAX)] = ()


class PolicyStep(Value):
    """So many different people of those named must say yes.

    Who keeps silent is reminded, three times at most; after a while others may decide as well; at last it expires.
    """

    approvers: Annotated[tuple[Approver, ...], Field(min_length=1, max_length=APPROVERS_MAX)]
    quorum: Annotated[int, Field(ge=1, le=APPROVERS_MAX)] = 1
    remind_after_hours: Hours | None = None
    escalate_after_hours: Hours | None = None
    escalate_to: Annotated[tuple[Approver, ...], Field(max_length=APPROVERS_MAX)] = ()
    expire_after_hours: Hours | None = None


class PolicyRule(Value):
    """Requests like this need these steps, one after the other; without steps they are approved at once."""

    name: Text
    conditions: PolicyConditions = PolicyConditions()
    steps: Annotated[tuple[PolicyStep, ...], Field(max_length=STEPS_MAX)] = ()


class Policy(Value):
    """The rules in their order: the first one that matches applies. Amounts are stated in the currency."""

    currency: Currency
    rules: Annotated[tuple[PolicyRule, ...], Field(max_length=RULES_MAX)]


class DefineApprovalPolicy(Policy, Command):
    """Put another approval policy into force. What waits already goes on by the policy it began with.

    `expected_number` is the number of the policy its sender has seen; if another one is in force by now it is refused.
    """

    type: ClassVar[str] = "requests.define_approval_policy.v1"
    action: ClassVar[Action | None] = Action.MANAGE_POLICIES
    expected_number: Annotated[int, Field(ge=0)] | None = None


class ApprovalPolicyChanged(Event):
    """Another approval policy is in force; `rules` are the names of its rules, `number` counts the policies."""

    type: ClassVar[str] = "requests.approval_policy_changed.v1"
    subject: ClassVar[str] = "policy_id"
    policy_id: UUID
    number: int
    currency: str
    rules: tuple[str, ...]
    changed_by: str


class NeededStep(Value):
    """One step as it applies to one request: who may decide, by their keys, and what happens if nobody does."""

    approvers: tuple[str, ...]
    quorum: int = 1
    remind_after_hours: int | None = None
    escalate_after_hours: int | None = None
    escalate_to: tuple[str, ...] = ()
    expire_after_hours: int | None = None


class CheckedCondition(Value):
    """Whether one condition of a rule is met, and why."""

    condition: str
    met: bool
    why: str


class CheckedRule(Value):
    """Whether a rule matches: all its conditions are met. Only the first one that matches applies."""

    name: str
    matches: bool
    conditions: tuple[CheckedCondition, ...]


class Assessment(Value):
    """Which steps a request needs by a policy, and why. Without a rule that applies it is a Procurement Manager."""

    policy_number: int | None
    applies: str | None
    why: str
    total_in_policy_currency: Decimal | None
    steps: tuple[NeededStep, ...]
    rules: tuple[CheckedRule, ...]


# The decisions


class DecideApproval(Command):
    """Say yes or no to a request or an order that waits for approval. A no needs a reason; nobody decides on their own.

    An order that needs an approval of its own is named in `request_id` by its id, as in all facts about its approval.
    `decided_by` is whoever acts; who decides for somebody who has delegated their approvals names that person in
    `acting_for`. `round` names which of several rounds is meant, if spending on orders is being approved as well;
    `step` or `role` which step of it, so that saying the same thing twice cannot take the next one; `revision` the
    revision that was seen, so that it is refused if the request has been changed since.
    """

    type: ClassVar[str] = "requests.decide_approval.v1"
    subject: ClassVar[str] = "request_id"
    action: ClassVar[Action | None] = Action.DECIDE_APPROVALS
    request_id: UUID
    verdict: Literal["approve", "reject"]
    decided_by: PersonId
    acting_for: PersonId | None = None
    role: Text | None = None
    round: Annotated[int, Field(ge=1)] | None = None
    step: Annotated[int, Field(ge=1)] | None = None
    revision: Annotated[int, Field(ge=1)] | None = None
    reason: LongText = ""


Purpose = Literal["request", "spending", "order"]


class ApprovalAwaited(Event):
    """A step of an approval waits for so many people of those who may decide.

    The purpose `spending` means an order that would cost more, or go to another vendor, than was approved for its
    request. The purpose `order` means an order as such: then `request_id` is its id, `number` its requisition number.
    """

    type: ClassVar[str] = "requests.approval_awaited.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    number: str
    purpose: Purpose
    round: int
    step: int
    approvers: tuple[str, ...]
    quorum: int
    total: Money


class ApprovalDecided(Event):
    """Somebody said yes or no, for themselves or for somebody whose approvals they may give."""

    type: ClassVar[str] = "requests.approval_decided.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    number: str
    purpose: Purpose
    round: int
    step: int
    verdict: Literal["approve", "reject"]
    decided_by: str
    acting_for: str | None
    revision: int
    reason: str


class ApprovalReminded(Event):
    """The step still waits; whoever may decide should be told again."""

    type: ClassVar[str] = "requests.approval_reminded.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    number: str
    purpose: Purpose
    round: int
    step: int
    approvers: tuple[str, ...]
    reminder: int


class ApprovalEscalated(Event):
    """Nobody has decided for long: from now on these may decide as well."""

    type: ClassVar[str] = "requests.approval_escalated.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    number: str
    purpose: Purpose
    round: int
    step: int
    approvers: tuple[str, ...]


class ApprovalVoided(Event):
    """The approval that was asked for, or given, counts no longer: what it was about has changed or is over."""

    type: ClassVar[str] = "requests.approval_voided.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    number: str
    purpose: Purpose
    round: int
    reason: str


class RequestExpired(Event):
    """Nobody decided in time; nothing will be bought."""

    type: ClassVar[str] = "requests.request_expired.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    number: str
    reason: str
