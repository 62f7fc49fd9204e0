"""The approval policy: which steps a request needs, and why. It is data; the shipped one has the same shape."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import Cause, Decision, Handler, Handlers, Key, Keys, Record, Records, Rejection
from libs.contracts.approvals import (
    ApprovalPolicyChanged,
    Approver,
    Assessment,
    CheckedCondition,
    CheckedRule,
    DefineApprovalPolicy,
    GroupApproves,
    NeededStep,
    OwnerApproves,
    PersonApproves,
    Policy,
    PolicyConditions,
    PolicyRule,
    PolicyStep,
    RoleApproves,
)
from libs.contracts.permissions import Action, Role, permitted
from libs.contracts.values import Kind, Money, derived_id, money
from services.requests.exchange_rate import KnownRate, worth

POLICY_ID = derived_id("approval_policy", "in force")
REMIND_AFTER_HOURS = 24

_PROCUREMENT = RoleApproves(by="role", role=Role.PROCUREMENT_MANAGER)
_ASSETS = RoleApproves(by="role", role=Role.ASSET_MANAGER)


def _step(approver: RoleApproves) -> PolicyStep:
    return PolicyStep(approvers=(approver,), remind_after_hours=REMIND_AFTER_HOURS)


SHIPPED = Policy(
    currency="EUR",
    rules=(
        PolicyRule(
            name="25,000 and above",
            conditions=PolicyConditions(total_at_least=Decimal(25_000)),
            steps=(_step(_PROCUREMENT), _step(_ASSETS)),
        ),
        PolicyRule(
            name="1,000 and above",
            conditions=PolicyConditions(total_at_least=Decimal(1_000)),
            steps=(_step(_PROCUREMENT),),
        ),
        PolicyRule(name="below 1,000"),
    ),
)
"""In force, as number 0, until somebody defines another one."""

STAND_IN = f"role:{Role.PROCUREMENT_MANAGER}"
"""Who decides where a policy leaves nobody who could."""
FALLBACK = (NeededStep(approvers=(STAND_IN,), remind_after_hours=REMIND_AFTER_HOURS),)
"""What a request needs that no rule matches, or whose total cannot be told in the policy's currency."""


@dataclass(frozen=True, kw_only=True)
class ApprovalPolicy(Record):
    """The policy in force, the only one of its kind; `number` counts the policies. `content` is its JSON."""

    number: int
    content: str
    changed_by: str
    changed_at: datetime


@dataclass(frozen=True, kw_only=True)
class ApprovalPolicyVersion(Record):
    """A policy as it was put into force; never changed."""

    APPEND_ONLY: ClassVar[bool] = True

    number: int
    content: str
    changed_by: str
    changed_at: datetime


def version_id_of(number: int) -> UUID:
    """The id of the policy with this number."""
    return derived_id("approval_policy_version", number)


@lru_cache(maxsize=16)
def policy_in(content: str) -> Policy:
    """A policy as it is stored; read once, because every request asks for it."""
    return Policy.model_validate_json(content)


def in_force(held: Records) -> tuple[int, Policy]:
    """The policy in force and its number."""
    known = held.find(ApprovalPolicy, POLICY_ID)
    return (known.number, policy_in(known.content)) if known is not None else (0, SHIPPED)


# Which steps a request needs


@dataclass(frozen=True)
class Asked:
    """What a policy looks at. `parties` are those whose request it is: they cannot decide on it.

    `owner` is who owns the cost centre, if that is known.
    """

    total: Money
    kinds: frozenset[Kind]
    vendors: frozenset[str]
    source: str
    cost_centre: str | None = None
    owner: str | None = None
    parties: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Needed:
    """The steps, the rule they come from (None: no rule applies) and the number of its policy."""

    policy_number: int
    rule: str | None
    steps: tuple[NeededStep, ...]


def needed(number: int, policy: Policy, asked: Asked, rates: Sequence[KnownRate], today: date) -> Needed:
    """The steps of the first rule that matches.

    A Procurement Manager decides if none does, and if a rule depends on a total that cannot be told for want of an
    exchange rate.
    """
    total = worth(asked.total, policy.currency, rates, today)
    rule = _applying(policy, asked, total)
    steps = tuple(_needed_step(step, asked) for step in rule.steps) if rule is not None else FALLBACK
    return Needed(number, rule.name if rule is not None else None, steps)


def _applying(policy: Policy, asked: Asked, total: Decimal | None) -> PolicyRule | None:
    for rule in policy.rules:
        wanted = rule.conditions
        if (
            _kinds_met(wanted, asked)
            and _cost_centre_met(wanted, asked)
            and _vendors_met(wanted, asked)
            and _source_met(wanted, asked)
        ):
            if wanted.total_at_least is None:
                return rule
            if total is None:
                return None
            if total >= wanted.total_at_least:
                return rule
    return None


def _kinds_met(wanted: PolicyConditions, asked: Asked) -> bool:
    return not wanted.kinds or not asked.kinds.isdisjoint(wanted.kinds)


def _cost_centre_met(wanted: PolicyConditions, asked: Asked) -> bool:
    return not wanted.cost_centres or asked.cost_centre in wanted.cost_centres


def _vendors_met(wanted: PolicyConditions, asked: Asked) -> bool:
    return not wanted.vendors or not asked.vendors.isdisjoint(wanted.vendors)


def _source_met(wanted: PolicyConditions, asked: Asked) -> bool:
    return not wanted.sources or asked.source in wanted.sources


def _needed_step(step: PolicyStep, asked: Asked) -> NeededStep:
    """Who may decide on this request. Where those left are too few for the quorum, a Procurement Manager may too."""
    approvers = _keys(step.approvers, asked)
    persons = [key for key in approvers if _is_one_person(key)]
    if len(persons) == len(approvers) < step.quorum and STAND_IN not in approvers:
        approvers = (*approvers, STAND_IN)
    return NeededStep(
        approvers=approvers or (STAND_IN,),
        quorum=step.quorum,
        remind_after_hours=step.remind_after_hours,
        escalate_after_hours=step.escalate_after_hours,
        escalate_to=tuple(
            key for key in _keys(step.escalate_to, asked) or (STAND_IN,) if key not in approvers
        ),
        expire_after_hours=step.expire_after_hours,
    )


def _keys(approvers: Sequence[Approver], asked: Asked) -> tuple[str, ...]:
    """The keys of these approvers, but for those whose request it is.

    Where nobody owns the cost centre, or one of them does, a Procurement Manager may decide as well.
    """
    keys: list[str] = []
    for approver in approvers:
        key = key_of(approver, asked.cost_centre)
        if key is not None and key not in {f"person:{person}" for person in asked.parties}:
            keys.append(key)
        if isinstance(approver, OwnerApproves) and (asked.owner is None or asked.owner in asked.parties):
            keys.append(STAND_IN)
    return tuple(dict.fromkeys(keys))


def key_of(approver: Approver, cost_centre: str | None) -> str | None:
    """How it is written who may decide; None for the owner of a cost centre where there is none."""
    if isinstance(approver, RoleApproves):
        return f"role:{approver.role}"
    if isinstance(approver, GroupApproves):
        return f"group:{approver.group}"
    if isinstance(approver, PersonApproves):
        return f"person:{approver.person}"
    return f"cost_centre:{cost_centre}" if cost_centre is not None else None


def _is_one_person(key: str) -> bool:
    return key.startswith(("person:", "cost_centre:"))


# Why


def assess(
    number: int | None, policy: Policy, asked: Asked, rates: Sequence[KnownRate], today: date
) -> Assessment:
    """The steps that a request needs, and for every rule whether it matches and why."""
    total = worth(asked.total, policy.currency, rates, today)
    found = needed(number or 0, policy, asked, rates, today)
    if found.rule is not None:
        why = f"“{found.rule}” is the first rule that matches."
    elif total is None:
        why = f"There is no exchange rate from {asked.total.currency} to {policy.currency}."
    else:
        why = "No rule matches."
    if found.rule is None:
        why += " A Procurement Manager decides."
    return Assessment(
        policy_number=number,
        applies=found.rule,
        why=why,
        total_in_policy_currency=None if total is None else money(total, policy.currency).amount,
        steps=found.steps,
        rules=tuple(_checked(rule, asked, total, policy.currency) for rule in policy.rules),
    )


def _checked(rule: PolicyRule, asked: Asked, total: Decimal | None, currency: str) -> CheckedRule:
    conditions = tuple(_conditions(rule.conditions, asked, total, currency))
    return CheckedRule(name=rule.name, matches=all(each.met for each in conditions), conditions=conditions)


def _conditions(
    wanted: PolicyConditions, asked: Asked, total: Decimal | None, currency: str
) -> Iterator[CheckedCondition]:
    """Every condition that asks for something, whether it is met and by what."""
    if wanted.total_at_least is not None:
        bound = f"{money(wanted.total_at_least, currency).amount} {currency}"
        if total is None:
            why = f"{asked.total.currency} has no exchange rate to {currency}, so it cannot be compared with {bound}"
        else:
            shown = f"{money(total, currency).amount} {currency}"
            why = f"{shown} is {'at least' if total >= wanted.total_at_least else 'less than'} {bound}"
        met = total is not None and total >= wanted.total_at_least
        yield CheckedCondition(condition="total_at_least", met=met, why=why)
    if wanted.kinds:
        why = f"the lines are of {_named(asked.kinds)}; asked for is {_named(wanted.kinds)}"
        yield CheckedCondition(condition="kinds", met=_kinds_met(wanted, asked), why=why)
    if wanted.cost_centres:
        why = f"the cost centre is {asked.cost_centre or 'not named'}; asked for is {_named(wanted.cost_centres)}"
        yield CheckedCondition(condition="cost_centres", met=_cost_centre_met(wanted, asked), why=why)
    if wanted.vendors:
        why = f"the vendors are {_named(asked.vendors)}; asked for is {_named(wanted.vendors)}"
        yield CheckedCondition(condition="vendors", met=_vendors_met(wanted, asked), why=why)
    if wanted.sources:
        why = f"the source is {asked.source}; asked for is {_named(wanted.sources)}"
        yield CheckedCondition(condition="sources", met=_source_met(wanted, asked), why=why)


def _named(names: Sequence[str] | frozenset[str]) -> str:
    return " or ".join(sorted(names)) or "none"


# Putting another policy into force


def policy_itself(_: DefineApprovalPolicy) -> Keys:
    """The policy in force, if it is not the shipped one."""
    return (Key(ApprovalPolicy, POLICY_ID, may_be_new=True),)


def define(command: DefineApprovalPolicy, held: Records, cause: Cause) -> Decision:
    """From now on this policy applies. Saying again what is in force changes nothing."""
    known = held.find(ApprovalPolicy, POLICY_ID)
    number, policy = in_force(held)
    if command.expected_number not in (None, number):
        raise Rejection(
            "precondition_failed",
            field="expected_number",
            message=f"Policy {number} is in force, not {command.expected_number}.",
        )
    check(command)
    wanted = Policy(currency=command.currency, rules=command.rules)
    if wanted == policy:
        return Decision(answer={"number": number})
    content = wanted.model_dump_json()
    number += 1
    changed = ApprovalPolicy(
        id=POLICY_ID,
        version=known.version if known is not None else 0,
        number=number,
        content=content,
        changed_by=cause.actor.id,
        changed_at=cause.at,
    )
    version = ApprovalPolicyVersion(
        id=version_id_of(number),
        number=number,
        content=content,
        changed_by=cause.actor.id,
        changed_at=cause.at,
    )
    said = ApprovalPolicyChanged(
        policy_id=POLICY_ID,
        number=number,
        currency=wanted.currency,
        rules=tuple(rule.name for rule in wanted.rules),
        changed_by=cause.actor.id,
    )
    return Decision(save=[changed, version], publish=[said], answer={"number": number})


def check(policy: Policy) -> None:
    """Refuse a policy that contradicts itself, naming the field that does."""
    names: set[str] = set()
    for place, rule in enumerate(policy.rules):
        if rule.name in names:
            raise _invalid(f"rules[{place}].name", f"Two rules are called {rule.name}.")
        names.add(rule.name)
        for number, step in enumerate(rule.steps):
            _check_step(step, f"rules[{place}].steps[{number}]")


def _check_step(step: PolicyStep, path: str) -> None:
    for name, approvers in (("approvers", step.approvers), ("escalate_to", step.escalate_to)):
        for place, approver in enumerate(approvers):
            if isinstance(approver, RoleApproves) and not permitted([approver.role], Action.DECIDE_APPROVALS):
                raise _invalid(f"{path}.{name}[{place}].role", f"A {approver.role} may not decide.")
    keys = {key_of(approver, "") for approver in step.approvers}
    if all(key is not None and _is_one_person(key) for key in keys) and len(keys) < step.quorum:
        raise _invalid(f"{path}.quorum", f"{len(keys)} person(s) cannot say yes {step.quorum} times.")
    if step.escalate_after_hours is not None and not step.escalate_to:
        raise _invalid(f"{path}.escalate_to", "Say who may decide once it is escalated.")
    if step.escalate_to and step.escalate_after_hours is None:
        raise _invalid(f"{path}.escalate_after_hours", "Say when others may decide.")
    delays = [
        (name, hours)
        for name in ("remind_after_hours", "escalate_after_hours", "expire_after_hours")
        if (hours := getattr(step, name)) is not None
    ]
    for (earlier, sooner), (later, hours) in pairwise(delays):
        if sooner >= hours:
            raise _invalid(f"{path}.{later}", f"It must be more than {earlier}, which is {sooner}.")


def _invalid(field: str, message: str) -> Rejection:
    return Rejection("policy_invalid", field=field, message=message)


HANDLERS: Handlers = (Handler(on=DefineApprovalPolicy, holds=policy_itself, decide=define),)
