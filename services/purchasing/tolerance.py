"""Tolerances: from how much on a difference between an invoice and its order needs a person.

It never decides whether a difference is shown. How they are used is told in `matching`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
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
from libs.contracts.invoices import DefineTolerance, Difference, ToleranceChanged
from libs.contracts.values import derived_id
from services.purchasing.rematching import EVERY_VENDOR, WALK_KEY, to_walk

TOLERANCES_MAX = 1_000
"""All of them are looked at with every batch of invoices."""


@dataclass(frozen=True)
class Bound:
    """So much is tolerated: percent of what is expected, or an amount; of both the one that is less."""

    percent: Decimal | None = None
    amount: Decimal | None = None

    def covers(self, expected: Decimal, invoiced: Decimal) -> bool:
        """Whether it differs by no more."""
        limits = [self.amount] if self.amount is not None else []
        if self.percent is not None:
            limits.append(abs(expected) * self.percent / 100)
        return bool(limits) and abs(invoiced - expected) <= min(limits)


@dataclass(frozen=True)
class Tolerances:
    """All bounds, by difference, SKU and vendor number; what is for all has neither of the two."""

    bounds: Mapping[tuple[Difference, str | None, str | None], Bound]

    def of(self, difference: Difference, vendor: str, sku: str | None = None) -> Bound:
        """The most particular one: of the item, else of the vendor, else for all; shipped is nothing."""
        for_item = ((difference, sku, None),) if sku else ()
        keys = (*for_item, (difference, None, vendor), (difference, None, None))
        return next((self.bounds[key] for key in keys if key in self.bounds), Bound())


NO_TOLERANCES = Tolerances({})


@dataclass(frozen=True, kw_only=True)
class Tolerance(Record):
    """How much of one difference is tolerated: for an item, for a vendor, or for all.

    With neither bound it was taken back, and the next wider one holds again.
    """

    difference: Difference
    sku: str | None = None
    vendor_number: str | None = None
    percent: Decimal | None = None
    amount: Decimal | None = None


ALL_TOLERANCES = Page(Tolerance, None, TOLERANCES_MAX)


def tolerance_id_of(difference: Difference, sku: str | None, vendor_number: str | None) -> UUID:
    """The one tolerance of this difference for this item, or this vendor, or all."""
    return derived_id("tolerance", difference.value, sku or "", vendor_number or "")


def define(command: DefineTolerance, held: Records, cause: Cause) -> Decision:
    """Set how much is tolerated. Saying again what is known changes nothing and announces nothing.

    It holds for what is matched from now on, and invoices that wait for a person are matched again with it. What
    matched before is looked at again when something happens to its order.
    """
    tolerance_id = tolerance_id_of(command.difference, command.sku, command.vendor_number)
    known = held.find(Tolerance, tolerance_id)
    if known is None and len(held.all(Tolerance)) >= TOLERANCES_MAX:
        message = f"There are {TOLERANCES_MAX} tolerances already."
        raise Rejection("too_many_tolerances", message=message)
    tolerance = Tolerance(
        id=tolerance_id,
        version=known.version if known else 0,
        difference=command.difference,
        sku=command.sku,
        vendor_number=command.vendor_number,
        percent=command.percent,
        amount=command.amount,
    )
    change = "created" if known is None else "unchanged" if known == tolerance else "changed"
    answer = {"tolerance_id": str(tolerance_id), "change": change}
    if tolerance == known:
        return Decision(answer=answer)
    walk = to_walk(held, cause, vendor_number=command.vendor_number or EVERY_VENDOR)
    return replace(walk, save=[tolerance, *walk.save], publish=[_said(tolerance)], answer=answer)


def every_tolerance(_: object) -> Keys:
    """All that are defined."""
    return (ALL_TOLERANCES,)


def tolerances_in(held: Records) -> Tolerances:
    """All that hold."""
    return Tolerances(
        {
            (each.difference, each.sku, each.vendor_number): Bound(each.percent, each.amount)
            for each in held.all(Tolerance)
            if each.percent is not None or each.amount is not None
        }
    )


def tolerance_of(command: DefineTolerance) -> Keys:
    """The one that is defined, if it was before, and the walk through what is matched again."""
    id = tolerance_id_of(command.difference, command.sku, command.vendor_number)
    return (Key(Tolerance, id, may_be_new=True), WALK_KEY)


def _said(tolerance: Tolerance) -> ToleranceChanged:
    return ToleranceChanged(
        tolerance_id=tolerance.id,
        difference=tolerance.difference,
        sku=tolerance.sku,
        vendor_number=tolerance.vendor_number,
        percent=tolerance.percent,
        amount=tolerance.amount,
    )


HANDLERS: Handlers = (Handler(on=DefineTolerance, holds=tolerance_of, reads=every_tolerance, decide=define),)
