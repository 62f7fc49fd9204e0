"""What an order was to cost, what its invoices bill of it, and what its credit notes take back. Figures only.

A credit note takes back from the invoice it corrects, then from the latest ones. A line of it at the price that was
billed, or at the order's, gives units back; at any other price it corrects the price and gives only money back. One
without lines that is as large as the invoice takes all of it back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from functools import cached_property
from uuid import UUID

from libs.contracts.values import MINOR_UNITS, line_total

PRICE_STEP = Decimal("0.000001")


@dataclass(frozen=True, kw_only=True)
class LineWanted:
    """A line of an order: `kept` are the units we have, without those that were rejected or went back."""

    id: UUID
    sku: str
    ordered: int
    cancelled: int = 0
    kept: int = 0
    unit_price: Decimal
    tax_percent: Decimal = Decimal(0)

    @property
    def wanted(self) -> int:
        """Units that may be billed."""
        return self.ordered - self.cancelled

    @property
    def open(self) -> int:
        """Units that are still to come."""
        return max(0, self.wanted - self.kept)


@dataclass(frozen=True, kw_only=True)
class OrderWanted:
    """An order: what it may cost is what its lines cost without what was cancelled, freight, and tax on the lines."""

    id: UUID
    vendor_number: str
    currency: str
    freight: Decimal = Decimal(0)
    lines: tuple[LineWanted, ...]

    def cost(self, unit_price: Decimal, units: int) -> Decimal:
        """What so many units cost, net, rounded half up to the cent."""
        return line_total(unit_price, units, self.currency)

    def tax_on(self, net: Decimal, percent: Decimal) -> Decimal:
        """The tax on an amount, rounded half up to the cent."""
        return line_total(net * percent / 100, 1, self.currency)

    @cached_property
    def net(self) -> Decimal:
        """What it may cost, net, with freight."""
        return sum((self.cost(line.unit_price, line.wanted) for line in self.lines), self.freight)

    @cached_property
    def gross(self) -> Decimal:
        """That with tax."""
        return sum(
            (self.tax_on(self.cost(each.unit_price, each.wanted), each.tax_percent) for each in self.lines),
            self.net,
        )

    @cached_property
    def received(self) -> Decimal:
        """What we have is worth, at most what is wanted, with freight."""
        return sum(
            (self.cost(each.unit_price, min(each.kept, each.wanted)) for each in self.lines), self.freight
        )

    @property
    def is_complete(self) -> bool:
        """Whether nothing more is to come."""
        return not any(line.open for line in self.lines)


@dataclass(frozen=True, kw_only=True)
class BilledLine:
    """A line of an invoice as the vendor wrote it; `line` is the order line it names, if there is one.

    Where several order lines have its SKU it is spread over them: `whole` are quantity and net of all of it.
    """

    index: int
    line: UUID | None
    named: str = ""
    quantity: int
    unit_price: Decimal
    net: Decimal
    tax_percent: Decimal | None = None
    whole: tuple[int, Decimal] | None = None


@dataclass(frozen=True, kw_only=True)
class Bill:
    """The share of an invoice, or of a credit note, that is for one order. Its amounts are positive on both.

    `rate` is what one unit of its currency is worth in the order's; None if that is not known.
    """

    invoice: UUID
    credit: bool = False
    corrects: UUID | None = None
    currency: str
    rate: Decimal | None = Decimal(1)
    net: Decimal
    tax: Decimal = Decimal(0)
    freight: Decimal = Decimal(0)
    lines: tuple[BilledLine, ...] = ()

    @property
    def gross(self) -> Decimal:
        """With tax."""
        return self.net + self.tax

    def worth(self, amount: Decimal, order: OrderWanted) -> Decimal:
        """An amount in the order's currency, rounded half up to its cent."""
        if self.currency == order.currency or self.rate is None:
            return amount
        return line_total(amount * self.rate, 1, order.currency)

    def price(self, line: BilledLine, order: OrderWanted) -> Decimal:
        """The unit price that a line comes to, in the order's currency: the vendor may have said another net."""
        price = line.unit_price
        quantity, net = line.whole or (line.quantity, line.net)
        if net != line_total(price, quantity, self.currency):
            price = net / quantity
        if self.currency != order.currency and self.rate is not None:
            price *= self.rate
        return price.quantize(PRICE_STEP, rounding=ROUND_HALF_UP)


@dataclass
class Standing:
    """What stands of an invoice, or was too much of a credit note, after what was taken back."""

    bill: Bill
    units: dict[UUID, int] = field(default_factory=dict)
    corrected: dict[UUID, Decimal] = field(default_factory=dict)
    money_back: Decimal = Decimal(0)
    net: Decimal = Decimal(0)
    gross: Decimal = Decimal(0)
    freight: Decimal = Decimal(0)

    @property
    def is_void(self) -> bool:
        """Whether all of it was taken back. What cannot be compared, or names nothing on the order, still stands."""
        if self.net or self.gross or any(self.units.values()):
            return False
        is_known = all(line.line is not None for line in self.bill.lines)
        if self.bill.rate is None:
            return bool(self.bill.lines) and is_known
        return is_known or bool(self.bill.gross)

    def beside_lines(self, order: OrderWanted) -> Decimal:
        """What is left of it that bills no line of the order and no freight."""
        left = max(Decimal(0), self.net - self.freight)
        if not self.bill.lines:
            return left
        named_nothing = (line.net for line in self.bill.lines if line.line is None)
        return min(left, self.bill.worth(sum(named_nothing, Decimal(0)), order))

    def corrections(self, order: OrderWanted) -> Mapping[int, Decimal]:
        """What was credited of the price of each line as it was written: of an order line that stands on several as
        much as each is too high, one after another, and the rest of the last."""
        found: dict[int, Decimal] = {}
        prices = {line.id: line.unit_price for line in order.lines}
        for id, left in self.corrected.items():
            places = [at for at, billed in enumerate(self.bill.lines) if billed.line == id and id in prices]
            for at in places:
                billed = self.bill.lines[at]
                too_high = self.bill.worth(billed.net, order) - order.cost(prices[id], billed.quantity)
                found[at] = left if at == places[-1] else min(left, max(Decimal(0), too_high))
                left -= found[at]
        return found


@dataclass(frozen=True)
class Billed:
    """What the invoices of an order come to, in the order in which they were recorded."""

    invoices: Sequence[Standing]
    credits: Sequence[Standing]

    @property
    def net(self) -> Decimal:
        """The sum of all, less what was credited."""
        return sum((each.net for each in self.invoices), Decimal(0)) - sum(
            (each.net for each in self.credits), Decimal(0)
        )

    def net_beside_lines(self, order: OrderWanted) -> Decimal:
        """What is left of all that bills no line of the order and no freight: totals, and lines that name nothing."""
        return sum((each.beside_lines(order) for each in self.invoices), Decimal(0))

    @property
    def freight(self) -> Decimal:
        """What is left of the freight on them."""
        return sum((each.freight for each in self.invoices), Decimal(0))

    @property
    def gross(self) -> Decimal:
        """That with tax."""
        return sum((each.gross for each in self.invoices), Decimal(0)) - sum(
            (each.gross for each in self.credits), Decimal(0)
        )

    def units(self, line: UUID) -> int:
        """Units billed of an order line, less what was credited."""
        return sum(each.units.get(line, 0) for each in self.invoices) - sum(
            each.units.get(line, 0) for each in self.credits
        )


def settled(order: OrderWanted, bills: Iterable[Bill]) -> Billed:
    """What stands of the invoices after the credit notes, and what of these took back more than there was."""
    bills = tuple(bills)
    invoices = [_as_billed(bill, order) for bill in bills if not bill.credit]
    credits = [_as_billed(bill, order) for bill in bills if bill.credit]
    for credit in credits:
        _take_back(credit, _from_whom(credit.bill, invoices), order)
    return Billed(invoices, credits)


def _as_billed(bill: Bill, order: OrderWanted) -> Standing:
    standing = Standing(bill)
    for line in bill.lines:
        if line.line is not None:
            standing.units[line.line] = standing.units.get(line.line, 0) + line.quantity
    if bill.rate is not None:
        standing.net, standing.freight = bill.worth(bill.net, order), bill.worth(bill.freight, order)
        standing.gross = standing.net + bill.worth(bill.tax, order)
    return standing


def _from_whom(credit: Bill, invoices: Sequence[Standing]) -> list[Standing]:
    """From the invoice that is corrected, then from the latest ones."""
    latest_first = list(reversed(invoices))
    return sorted(latest_first, key=lambda each: each.bill.invoice != credit.corrects)


def _take_back(credit: Standing, invoices: Sequence[Standing], order: OrderWanted) -> None:
    billing: list[Standing] = []
    if credit.bill.lines:
        for line in credit.bill.lines:
            billing += _take_line_back(credit, line, invoices, order)
    else:
        _take_sum_back(credit, invoices)
    # The money for units goes back where these were billed.
    corrects = credit.bill.corrects
    where = sorted(invoices, key=lambda each: (each.bill.invoice != corrects, each not in billing))
    for name in ("net", "gross", "freight"):
        for each in where:
            taken = min(getattr(each, name), getattr(credit, name))
            setattr(each, name, getattr(each, name) - taken)
            setattr(credit, name, getattr(credit, name) - taken)


def _take_line_back(
    credit: Standing, line: BilledLine, invoices: Sequence[Standing], order: OrderWanted
) -> Sequence[Standing]:
    """The invoices from which it was taken."""
    if line.line is None:
        return ()
    billing = [each for each in invoices if each.units.get(line.line)]
    prices = {wanted.unit_price for wanted in order.lines if wanted.id == line.line}
    prices |= {
        each.bill.price(billed, order)
        for each in billing
        for billed in each.bill.lines
        if billed.line == line.line
    }
    if credit.bill.price(line, order) not in prices:
        credit.units[line.line] -= line.quantity
        if billing:
            back = credit.bill.worth(line.net, order)
            billing[0].corrected[line.line] = billing[0].corrected.get(line.line, Decimal(0)) + back
        return billing[:1]
    left = line.quantity
    taken_from = []
    for each in billing:
        if taken := min(each.units[line.line], left):
            taken_from.append(each)
        each.units[line.line] -= taken
        credit.units[line.line] -= taken
        left -= taken
    return taken_from


def _take_sum_back(credit: Standing, invoices: Sequence[Standing]) -> None:
    corrects = credit.bill.corrects
    meant = [each for each in invoices if corrects is None or each.bill.invoice == corrects]
    whole = next((each for each in meant if each.net and each.net == credit.net), None)
    if whole is not None:
        whole.units = dict.fromkeys(whole.units, 0)
    elif meant:
        meant[0].money_back += credit.net


def spread(amount: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """An amount in parts as large as these are to each other, which add up to it to the cent: each is what it comes to
    rounded down, and the cents that are left go to those that lost most by that."""
    whole, amount = sum(weights, Decimal(0)), line_total(amount, 1, currency)
    if not whole:
        return [amount, *(Decimal(0) for _ in weights[1:])]
    cent = Decimal(1).scaleb(-MINOR_UNITS.get(currency, 2))
    exact = [amount * weight / whole for weight in weights]
    parts = [each.quantize(cent, rounding=ROUND_FLOOR) for each in exact]
    left = int((amount - sum(parts)) / cent)
    for place in sorted(range(len(parts)), key=lambda place: parts[place] - exact[place])[:left]:
        parts[place] += cent
    return parts
