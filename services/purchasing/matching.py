"""Matching: in what the invoices of an order differ from it and from what was received.

Pure arithmetic: net is compared with net, gross with gross, to the cent. Every difference is told. A tolerance decides
only whether a person must act; and one that will be gone when the rest of the order has come or is billed is `pending`:
nobody must act, and the order does not count as differing.

What is too much in all belongs to the invoice with which it became too much; what is missing to the latest one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Protocol
from uuid import UUID

from libs.contracts.invoices import Difference, DifferenceFound, MatchInvoices
from libs.contracts.message import Message
from services.purchasing.bill import (
    PRICE_STEP,
    Bill,
    Billed,
    BilledLine,
    LineWanted,
    OrderWanted,
    Standing,
    settled,
)
from services.purchasing.tolerance import NO_TOLERANCES, Bound, Tolerances

NAMED_MAX = 60
"""So many characters of what an unknown line is called are told with it."""


class Invoiced(Protocol):
    """An order as far as it is known by its invoices."""

    @property
    def id(self) -> UUID: ...
    @property
    def invoices(self) -> Sequence[UUID]: ...


def matching_again(order: Invoiced) -> list[Message]:
    """What purchasing tells itself when something happens to an order; nothing if it has no invoices."""
    return [MatchInvoices(order_id=order.id)] if order.invoices else []


@dataclass(frozen=True)
class Matched:
    """What matching an order's invoices found: units and amounts, net of credits, and the differences of each."""

    units: Mapping[UUID, int]
    net: Decimal
    net_beside_lines: Decimal
    freight: Decimal
    gross: Decimal
    differences: Mapping[UUID, tuple[DifferenceFound, ...]]

    @property
    def differs(self) -> bool:
        """Whether anything differs that time alone will not mend, tolerated or not."""
        return any(not each.pending for found in self.differences.values() for each in found)


def match(order: OrderWanted, bills: Iterable[Bill], tolerances: Tolerances = NO_TOLERANCES) -> Matched:
    """Compare the invoices and credit notes of an order, in the order in which they were recorded, with it."""
    return _Matching(order, settled(order, bills), tolerances).matched()


@dataclass
class _Until:
    """What all invoices until one of them come to."""

    net: Decimal = Decimal(0)
    gross: Decimal = Decimal(0)
    freight: Decimal = Decimal(0)
    units: Counter[UUID] = field(default_factory=Counter)

    def add(self, standing: Standing) -> None:
        """One more."""
        self.net += standing.net
        self.gross += standing.gross
        self.freight += standing.freight
        self.units.update(standing.units)


class _Matching:
    """One order and its invoices, while they are compared."""

    def __init__(self, order: OrderWanted, billed: Billed, tolerances: Tolerances) -> None:
        self.order, self.billed, self.tolerances = order, billed, tolerances
        self.standing = [each for each in billed.invoices if not each.is_void]
        self.with_lines = all(each.bill.lines for each in self.standing)
        self.known = all(each.bill.rate is not None for each in (*billed.invoices, *billed.credits))
        self.lines = {line.id: line for line in order.lines}
        # Credited beyond what was invoiced.
        self.credited = _Until()
        for each in billed.credits:
            self.credited.add(each)

    def matched(self) -> Matched:
        found: dict[UUID, tuple[DifferenceFound, ...]] = {}
        until = _Until()
        for standing in self.standing:
            until.add(standing)
            found[standing.bill.invoice] = (
                *self._currency(standing),
                *self._lines(standing),
                *self._tax(standing),
                *self._quantities(standing, until),
                *self._freight(standing, until),
                *self._too_much(standing, until),
                *(self._missing(standing, until) if standing is self.standing[-1] else ()),
            )
        for credit in self.billed.credits:
            found[credit.bill.invoice] = (*self._currency(credit), *self._credited_too_much(credit))
        return Matched(
            units={line: self.billed.units(line) for line in self.lines},
            net=self.billed.net,
            net_beside_lines=self.billed.net_beside_lines(self.order),
            freight=self.billed.freight,
            gross=self.billed.gross,
            differences={invoice: each for invoice, each in found.items() if each},
        )

    # What one invoice says

    def _currency(self, standing: Standing) -> Iterator[DifferenceFound]:
        bill = standing.bill
        if bill.currency != self.order.currency:
            # What it comes to is not known without a rate: that is no amount to tolerate.
            within = bill.rate is not None and self._bound(Difference.CURRENCY) != Bound()
            yield self._differs(
                Difference.CURRENCY, expected=self.order.currency, invoiced=bill.currency, within=within
            )

    def _lines(self, standing: Standing) -> Iterator[DifferenceFound]:
        """Lines that name nothing on the order, and prices: what was corrected by a credit note is right again."""
        bill = standing.bill
        corrected = standing.corrections(self.order)
        for at, billed in enumerate(bill.lines):
            line = self.lines.get(billed.line) if billed.line else None
            if line is None:
                yield self._unknown(bill, billed)
            elif bill.rate is not None and standing.units.get(line.id):
                yield from self._price(standing, billed, line, corrected.get(at, Decimal(0)))

    def _unknown(self, bill: Bill, billed: BilledLine) -> DifferenceFound:
        worth = bill.worth(billed.net, self.order)
        return self._differs(
            Difference.UNKNOWN_LINE,
            expected="nothing",
            invoiced=f"{billed.quantity} {billed.named[:NAMED_MAX]}".strip(),
            within=self._bound(Difference.UNKNOWN_LINE).covers(Decimal(0), worth),
            index=billed.index,
        )

    def _price(
        self, standing: Standing, billed: BilledLine, line: LineWanted, corrected: Decimal
    ) -> Iterator[DifferenceFound]:
        price = standing.bill.price(billed, self.order)
        if corrected:
            price -= (corrected / billed.quantity).quantize(PRICE_STEP, rounding=ROUND_HALF_UP)
        if price == line.unit_price or self._mended(standing):
            return
        yield self._differs(
            Difference.LINE_PRICE,
            expected=_written(line.unit_price),
            invoiced=_written(price),
            within=self._bound(Difference.LINE_PRICE, line).covers(line.unit_price, price),
            line=line,
            index=billed.index,
        )

    def _mended(self, standing: Standing) -> bool:
        """Whether a credit note without lines gave back exactly what its prices were too high."""
        if not standing.money_back:
            return False
        right = Decimal(0)
        for billed in standing.bill.lines:
            line = self.lines.get(billed.line) if billed.line else None
            if line is None:
                return False
            right += self.order.cost(line.unit_price, billed.quantity)
        return right + standing.bill.worth(standing.bill.freight, self.order) == (
            standing.bill.worth(standing.bill.net, self.order) - standing.money_back
        )

    def _tax(self, standing: Standing) -> Iterator[DifferenceFound]:
        """Tax is what the order's percentages make of the lines, rounded by line or by percentage."""
        bill = standing.bill
        if bill.rate is None or not bill.lines:
            return
        written, sums = dict[tuple[int, Decimal], Decimal](), dict[Decimal, Decimal]()
        for billed in bill.lines:
            line = self.lines.get(billed.line) if billed.line else None
            percent = line.tax_percent if line else billed.tax_percent or Decimal(0)
            net = bill.worth(billed.net, self.order)
            at = (billed.index, percent)
            written[at] = written.get(at, Decimal(0)) + net
            sums[percent] = sums.get(percent, Decimal(0)) + net
        by_line = sum((self.order.tax_on(net, percent) for (_, percent), net in written.items()), Decimal(0))
        by_percent = sum((self.order.tax_on(net, percent) for percent, net in sums.items()), Decimal(0))
        invoiced = bill.worth(bill.tax, self.order)
        if invoiced not in (by_line, by_percent):
            yield self._of_amounts(Difference.TAX, by_line, invoiced)

    # What all invoices until this one say

    def _quantities(self, standing: Standing, until: _Until) -> Iterator[DifferenceFound]:
        for line in self.order.lines:
            own = standing.units.get(line.id, 0)
            if not own:
                continue
            billed = until.units[line.id]
            if own > line.wanted or billed > line.wanted:
                # What this one alone bills too much needs only one of the two tolerances.
                quantity = self._bound(Difference.LINE_QUANTITY, line).covers(
                    Decimal(line.wanted), Decimal(own)
                )
                over = self._bound(Difference.OVER_INVOICED, line).covers(
                    Decimal(line.wanted), Decimal(billed)
                )
                either = billed == own and (quantity or over)
                if own > line.wanted:
                    yield self._of_units(Difference.LINE_QUANTITY, line, own, quantity or either)
                yield self._of_units(Difference.OVER_INVOICED, line, billed, over or either)
            if min(billed, line.wanted) > line.kept:
                within = self._bound(Difference.INVOICED_NOT_RECEIVED, line).covers(
                    Decimal(line.kept), Decimal(billed)
                )
                yield self._differs(
                    Difference.INVOICED_NOT_RECEIVED,
                    expected=str(line.kept),
                    invoiced=str(billed),
                    within=within,
                    line=line,
                )

    def _freight(self, standing: Standing, until: _Until) -> Iterator[DifferenceFound]:
        if standing.freight and until.freight > self.order.freight:
            yield self._of_amounts(Difference.FREIGHT, self.order.freight, until.freight)

    def _too_much(self, standing: Standing, until: _Until) -> Iterator[DifferenceFound]:
        """More than the order may cost. Where there are lines, these tell why, and are what is judged."""
        if not self.known:
            return
        net, gross = until.net - self.credited.net, until.gross - self.credited.gross
        for what, expected, invoiced in (("net", self.order.net, net), ("gross", self.order.gross, gross)):
            if invoiced > expected:
                yield self._total(what, expected, invoiced, within=self.with_lines)
        if not standing.bill.lines and min(net, self.order.net) > self.order.received:
            yield self._of_amounts(Difference.INVOICED_NOT_RECEIVED, self.order.received, net)

    # What is missing from all invoices

    def _missing(self, standing: Standing, until: _Until) -> Iterator[DifferenceFound]:
        is_billed = self.with_lines and all(
            self.billed.units(line.id) >= line.wanted for line in self.order.lines
        )
        if self.with_lines:
            for line in self.order.lines:
                yield from self._missing_units(standing, line)
            if self.known and until.freight < self.order.freight:
                yield self._of_amounts(
                    Difference.FREIGHT, self.order.freight, until.freight, pending=not is_billed
                )
        if not self.known:
            return
        pending = not self.order.is_complete or (self.with_lines and not is_billed)
        for what, expected, invoiced in (
            ("net", self.order.net, self.billed.net),
            ("gross", self.order.gross, self.billed.gross),
        ):
            if invoiced < expected:
                yield self._total(what, expected, invoiced, within=self.with_lines, pending=pending)

    def _missing_units(self, standing: Standing, line: LineWanted) -> Iterator[DifferenceFound]:
        billed = self.billed.units(line.id)
        if standing.units.get(line.id) and billed < line.wanted:
            yield self._of_units(Difference.LINE_QUANTITY, line, billed, True, pending=True)
        if billed < line.kept:
            pending = bool(line.open) or billed >= line.wanted
            within = self._bound(Difference.RECEIVED_NOT_INVOICED, line).covers(
                Decimal(line.kept), Decimal(billed)
            )
            yield self._differs(
                Difference.RECEIVED_NOT_INVOICED,
                expected=str(line.kept),
                invoiced=str(billed),
                within=within,
                line=line,
                pending=pending,
            )

    def _credited_too_much(self, credit: Standing) -> Iterator[DifferenceFound]:
        """A credit note takes back no more than was invoiced."""
        for billed in credit.bill.lines:
            if billed.line is None or billed.line not in self.lines:
                yield self._unknown(credit.bill, billed)
        for id, units in credit.units.items():
            if units and (line := self.lines.get(id)) is not None:
                all_units = sum(billed.quantity for billed in credit.bill.lines if billed.line == id)
                yield self._differs(
                    Difference.LINE_QUANTITY,
                    expected=str(all_units - units),
                    invoiced=str(all_units),
                    within=self._bound(Difference.LINE_QUANTITY, line).covers(
                        Decimal(all_units - units), Decimal(all_units)
                    ),
                    line=line,
                )
        if credit.bill.rate is not None and (credit.net or credit.gross):
            net = credit.bill.worth(credit.bill.net, self.order)
            yield self._total("net", net - credit.net, net)

    # How it is told

    def _bound(self, difference: Difference, line: LineWanted | None = None) -> Bound:
        return self.tolerances.of(difference, self.order.vendor_number, line.sku if line else None)

    def _of_units(
        self, difference: Difference, line: LineWanted, invoiced: int, within: bool, *, pending: bool = False
    ) -> DifferenceFound:
        return self._differs(
            difference,
            expected=str(line.wanted),
            invoiced=str(invoiced),
            within=within,
            line=line,
            pending=pending,
        )

    def _of_amounts(
        self, difference: Difference, expected: Decimal, invoiced: Decimal, *, pending: bool = False
    ) -> DifferenceFound:
        return self._differs(
            difference,
            expected=self._amount(expected),
            invoiced=self._amount(invoiced),
            within=self._bound(difference).covers(expected, invoiced),
            pending=pending,
        )

    def _total(
        self,
        what: str,
        expected: Decimal,
        invoiced: Decimal,
        *,
        within: bool = False,
        pending: bool = False,
    ) -> DifferenceFound:
        return self._differs(
            Difference.TOTAL,
            expected=f"{self._amount(expected)} {what}",
            invoiced=f"{self._amount(invoiced)} {what}",
            within=within or self._bound(Difference.TOTAL).covers(expected, invoiced),
            pending=pending,
        )

    def _amount(self, amount: Decimal) -> str:
        return str(self.order.cost(amount, 1))

    def _differs(
        self,
        difference: Difference,
        *,
        expected: str,
        invoiced: str,
        within: bool,
        line: LineWanted | None = None,
        index: int | None = None,
        pending: bool = False,
    ) -> DifferenceFound:
        return DifferenceFound(
            difference=difference,
            order_id=self.order.id,
            order_line_id=line.id if line else None,
            invoice_line=index,
            expected=expected,
            invoiced=invoiced,
            within_tolerance=within or pending,
            pending=pending,
        )


def _written(price: Decimal) -> str:
    """As people write prices: with two places, or as many as it needs."""
    shortest = price.normalize()
    return str(price.quantize(Decimal("0.01")) if shortest == price.quantize(Decimal("0.01")) else shortest)
