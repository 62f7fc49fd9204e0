"""How this company buys: one policy, defined as a whole; what holds without one is what its fields begin with."""

from dataclasses import dataclass
from decimal import Decimal

from libs.chassis.decision import Cause, Decision, Handler, Handlers, Key, Keys, Record, Records
from libs.contracts.purchasing import DefinePurchasingPolicy, PurchasingPolicyChanged
from libs.contracts.values import Money, derived_id

POLICY_ID = derived_id("purchasing_policy")


@dataclass(frozen=True, kw_only=True)
class PurchasingPolicy(Record):
    """Whether invoices and approvals of orders are used, and what stands on order documents."""

    uses_invoices: bool = True
    submits_by_itself: bool = True
    approve_orders_from: Decimal | None = None
    approval_currency: str | None = None
    spending_tolerance: Decimal = Decimal(0)
    separates_duties: bool = True
    base_currency: str = "EUR"
    company: str | None = None
    address: str = ""
    terms: str = ""

    @property
    def threshold(self) -> Money | None:
        """From how much on orders need an approval of their own, if they do."""
        if self.approve_orders_from is None or self.approval_currency is None:
            return None
        return Money(amount=self.approve_orders_from, currency=self.approval_currency)


POLICY_KEY = Key(PurchasingPolicy, POLICY_ID, may_be_new=True)


def policy_in(held: Records) -> PurchasingPolicy:
    """The policy that holds, whether or not somebody defined it."""
    return held.find(PurchasingPolicy, POLICY_ID) or PurchasingPolicy(id=POLICY_ID)


def policy_held(_: object) -> Keys:
    """The policy."""
    return (POLICY_KEY,)


def define(command: DefinePurchasingPolicy, held: Records, cause: Cause) -> Decision:
    """Set the policy. It holds for whatever happens from now on; saying it again changes nothing."""
    known = policy_in(held)
    threshold = command.approve_orders_from
    policy = PurchasingPolicy(
        id=POLICY_ID,
        version=known.version,
        uses_invoices=command.uses_invoices,
        submits_by_itself=command.submits_by_itself,
        approve_orders_from=threshold.amount if threshold else None,
        approval_currency=threshold.currency if threshold else None,
        spending_tolerance=command.spending_tolerance,
        separates_duties=command.separates_duties,
        base_currency=command.base_currency,
        company=command.company,
        address=command.address,
        terms=command.terms,
    )
    if policy == known:
        return Decision(answer={"change": "unchanged"})
    change = "changed" if known.version else "created"
    changed = PurchasingPolicyChanged(policy_id=POLICY_ID, defined_by=cause.actor.id or cause.sender)
    return Decision(save=[policy], publish=[changed], answer={"change": change})


HANDLERS: Handlers = (Handler(on=DefinePurchasingPolicy, holds=policy_held, decide=define),)
