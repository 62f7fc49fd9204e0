"""How strict the dock is: how much more than is wanted it accepts, and of what it takes only full deliveries."""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from libs.chassis.decision import (
    Cause,
    Decision,
    Handler,
    Handlers,
    Key,
    Keys,
    Page,
    Record,
    Records,
    Rejection,
)
from libs.contracts.deliveries import (
    DefineReceiptTolerance,
    DefineReceivingPolicy,
    ReceiptToleranceChanged,
    ReceivingPolicyChanged,
)
from libs.contracts.values import Kind, derived_id
from services.receiving.expectation import ExpectedLine, ExpectedOrder

TOLERANCES_MAX = 1_000
"""All of them are looked at with every batch of deliveries."""
POLICY_ID = derived_id("receiving_policy")


@dataclass(frozen=True, kw_only=True)
class ReceiptTolerance(Record):
    """How many percent more than is wanted may be accepted: of an item, of a vendor, or of all.

    Without `percent` it was taken back, and the next wider one holds again.
    """

    sku: str | None = None
    vendor_number: str | None = None
    percent: Decimal | None = None
    needs_approval: bool = False


@dataclass(frozen=True, kw_only=True)
class ReceivingPolicy(Record):
    """Of which kinds only full deliveries are taken, and when a shipment is stale."""

    full_delivery_only: tuple[Kind, ...] = ()
    stale_after_days: int = 14


class Allowed(NamedTuple):
    """So many units of a line may be accepted at once, so many when somebody attaches what is more."""

    at_once: int
    in_the_end: int


ALL_TOLERANCES = Page(ReceiptTolerance, None, TOLERANCES_MAX)
POLICY_KEY = Key(ReceivingPolicy, POLICY_ID, may_be_new=True)


def tolerance_id_of(sku: str | None, vendor_number: str | None) -> UUID:
    """The one tolerance of this item, or this vendor, or of all."""
    return derived_id("receipt_tolerance", sku or "", vendor_number or "")


def allowed_of(line: ExpectedLine, order: ExpectedOrder, held: Records) -> Allowed:
    """What one receipt may accept of a line: what is open, and what is tolerated beyond, less what is over already."""
    tolerance = _tolerance_of(line, order, held)
    if tolerance is None or tolerance.percent is None:
        return Allowed(line.open, line.open)
    tolerated = int(tolerance.percent * (line.ordered - line.cancelled) / 100)
    most = max(0, line.open + tolerated - line.over)
    return Allowed(min(line.open, most) if tolerance.needs_approval else most, most)


def check_full(line: ExpectedLine, came: int, accepted: int, index: int, held: Records) -> None:
    """Of some kinds a delivery is taken only if it brings all that is open of its lines, rejected units among it."""
    if accepted and came < line.open and line.kind in policy_in(held).full_delivery_only:
        message = (
            f"{line.open} of {line.sku} are open and {came} came: {line.kind} is taken only all at once."
        )
        raise Rejection("delivery_not_full", field=f"lines[{index}]", message=message)


def policy_in(held: Records) -> ReceivingPolicy:
    """The policy that holds, whether or not somebody defined it."""
    return held.find(ReceivingPolicy, POLICY_ID) or ReceivingPolicy(id=POLICY_ID)


def how_strict(_: object) -> Keys:
    """Everything that says so."""
    return (ALL_TOLERANCES, POLICY_KEY)


def define_tolerance(command: DefineReceiptTolerance, held: Records, cause: Cause) -> Decision:
    """Set how much more may be accepted from now on. Saying again what is known changes nothing."""
    tolerance_id = tolerance_id_of(command.sku, command.vendor_number)
    known = held.find(ReceiptTolerance, tolerance_id)
    if known is None and len(held.all(ReceiptTolerance)) >= TOLERANCES_MAX:
        message = f"There are {TOLERANCES_MAX} tolerances already."
        raise Rejection("too_many_receipt_tolerances", message=message)
    tolerance = ReceiptTolerance(
        id=tolerance_id,
        version=known.version if known else 0,
        sku=command.sku,
        vendor_number=command.vendor_number,
        percent=command.percent,
        needs_approval=command.needs_approval,
    )
    change = "created" if known is None else "unchanged" if known == tolerance else "changed"
    answer = {"tolerance_id": str(tolerance_id), "change": change}
    if tolerance == known:
        return Decision(answer=answer)
    said = ReceiptToleranceChanged(
        tolerance_id=tolerance_id,
        sku=tolerance.sku,
        vendor_number=tolerance.vendor_number,
        percent=tolerance.percent,
        needs_approval=tolerance.needs_approval,
    )
    return Decision(save=[tolerance], publish=[said], answer=answer)


def define_policy(command: DefineReceivingPolicy, held: Records, cause: Cause) -> Decision:
    """Set the policy. It holds for whatever comes from now on; saying it again changes nothing."""
    known = policy_in(held)
    policy = ReceivingPolicy(
        id=POLICY_ID,
        version=known.version,
        full_delivery_only=tuple(dict.fromkeys(command.full_delivery_only)),
        stale_after_days=command.stale_after_days,
    )
    if policy == known:
        return Decision(answer={"change": "unchanged"})
    said = ReceivingPolicyChanged(
        policy_id=POLICY_ID,
        full_delivery_only=policy.full_delivery_only,
        stale_after_days=policy.stale_after_days,
        defined_by=cause.actor.id or cause.sender,
    )
    change = "changed" if known.version else "created"
    return Decision(save=[policy], publish=[said], answer={"change": change})


def _tolerance_of(line: ExpectedLine, order: ExpectedOrder, held: Records) -> ReceiptTolerance | None:
    """The most particular one: the item's, else the vendor's, else that for all."""
    vendor = ((None, order.vendor_number),) if order.vendor_number else ()
    for sku, vendor_number in ((line.sku, None), *vendor, (None, None)):
        tolerance = held.find(ReceiptTolerance, tolerance_id_of(sku, vendor_number))
        if tolerance is not None and tolerance.percent is not None:
            return tolerance
    return None


def _tolerance_defined(command: DefineReceiptTolerance) -> Keys:
    return (Key(ReceiptTolerance, tolerance_id_of(command.sku, command.vendor_number), may_be_new=True),)


HANDLERS: Handlers = (
    Handler(
        on=DefineReceiptTolerance,
        holds=_tolerance_defined,
        reads=lambda _: (ALL_TOLERANCES,),
        decide=define_tolerance,
    ),
    Handler(on=DefineReceivingPolicy, holds=lambda _: (POLICY_KEY,), decide=define_policy),
)
