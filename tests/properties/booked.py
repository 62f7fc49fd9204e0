"""What stands in the books: lines, orders and bills, in units, whole cents, and prices in millionths."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from libs.contracts.orders import AmendOrder
from libs.contracts.values import Kind


def millionths(amount: Decimal) -> int:
    """A price or a percentage in whole millionths."""
    whole = amount * 1_000_000
    assert whole == int(whole), f"{amount} has more than six decimals"
    return int(whole)


def cents(price: int, units: int) -> int:
    """What so many units cost at a price in millionths: in whole cents, half a cent up."""
    assert price >= 0
    assert units >= 0
    return (price * units + 5_000) // 10_000


def in_cents(amount: Decimal) -> int:
    """An amount that has no fraction of a cent."""
    whole = amount * 100
    assert whole == int(whole), f"{amount} is not exact to the cent"
    return int(whole)


def in_euros(amount: int) -> Decimal:
    """So many cents as an amount."""
    return Decimal(amount) / 100


@dataclass
class BookedLine:
    """So many units of one thing at a price; `dropped` if it was taken off the draft, and never ordered."""

    order_id: UUID
    request_id: UUID | None
    request_line_id: UUID | None
    kind: Kind
    ordered: int
    price: int | None
    tax: int
    asked: int = 0
    credited: int = 0
    made: int = 0
    accepted: int = 0
    rejected: int = 0
    returned: int = 0
    confirmed: int = 0
    entitled: int = 0
    dropped: bool = False

    @property
    def kept(self) -> int:
        """What we have: nothing, as long as only what takes back was heard of."""
        return max(0, self.accepted - self.returned) + self.confirmed + self.entitled

    @property
    def cancelled(self) -> int:
        """What will not come: of what somebody wanted cancelled, whatever is not here."""
        missing = self.ordered - self.kept
        return min(self.asked + self.credited, missing) if missing > 0 else 0

    @property
    def living(self) -> int:
        """What is here or will come."""
        return self.ordered - self.cancelled

    @property
    def open(self) -> int:
        """What is to come."""
        return max(0, self.ordered - self.cancelled - self.kept)

    @property
    def over(self) -> int:
        """What is too much."""
        return max(0, self.kept + self.cancelled - self.ordered)

    @property
    def total(self) -> int:
        """What is ordered costs, in cents."""
        return 0 if self.price is None or self.dropped else cents(self.price, self.ordered)

    @property
    def net(self) -> int:
        """What of it will come costs, in cents."""
        return self.net_of(self.living)

    def net_of(self, units: int) -> int:
        """What so many units cost, in cents."""
        return 0 if self.price is None else cents(self.price, units)

    def tax_on(self, units: int) -> int:
        """The tax on so many units, in cents: on the net of the line, which is in whole cents itself."""
        net = self.net_of(units)
        return (net * self.tax + 50_000_000) // 100_000_000

    def check_between(self, submitted: bool) -> None:
        """Law 1, as it is written."""
        if submitted:
            assert self.open + self.cancelled + self.kept == self.ordered + self.over
            assert self.made >= self.ordered


@dataclass
class BookedBill:
    """What an invoice or a credit note says of one order, in cents; its lines with units and prices."""

    number: str
    credit: bool
    corrects: str | None
    net: int
    gross: int
    lines: tuple[tuple[UUID, int, int], ...] = ()
    freight: int = 0

    def units_of(self, line_id: UUID) -> int:
        """Units of a line on it."""
        return sum(units for line, units, _ in self.lines if line == line_id)


@dataclass
class StandingBill:
    """What is left of an invoice."""

    bill: BookedBill
    net: int
    units: Counter[UUID]


@dataclass
class BookedOrder:
    """Some lines at one vendor; `dead` if it was cancelled before it was ever submitted; `wish` is an
    amendment that waits."""

    submitted: bool = False
    dead: bool = False
    closed: bool = False
    short: bool = False
    freight: int = 0
    amendments: int = 0
    wish: AmendOrder | None = None
    bills: list[BookedBill] = field(default_factory=list)

    @property
    def billed_net(self) -> int:
        """What all its bills come to, in cents."""
        return sum(-bill.net if bill.credit else bill.net for bill in self.bills)

    @property
    def billed_gross(self) -> int:
        """That with tax."""
        return sum(-bill.gross if bill.credit else bill.gross for bill in self.bills)

    def units_of(self, line_id: UUID) -> int:
        """Units of a line that all its bills come to."""
        return sum(
            -units if bill.credit else units
            for bill in self.bills
            for line, units, _ in bill.lines
            if line == line_id
        )

    def standing_units(self, prices: Mapping[UUID, int | None]) -> Counter[UUID]:
        """Units that stand on its bills, at these prices by now. A credit note takes back from the invoice that it
        names, then from the latest; at a price that neither stands on a bill nor is ordered it takes back money alone.
        One without lines takes all of what is as large as it is.
        """
        left, beyond = self._standing(prices)
        total: Counter[UUID] = Counter()
        for each in left:
            total.update(each.units)
        total.subtract(beyond)
        return total

    def standing_totals(self, prices: Mapping[UUID, int | None]) -> int:
        """What stands of its invoices that say only a total, in cents, without freight that is on none."""
        left, _ = self._standing(prices)
        freight = max(0, self.freight - sum(each.bill.freight for each in left))
        return max(0, sum(each.net for each in left if not each.bill.lines) - freight)

    def _standing(self, prices: Mapping[UUID, int | None]) -> tuple[list[StandingBill], Counter[UUID]]:
        left = [
            StandingBill(bill, bill.net, Counter({line: bill.units_of(line) for line, _, _ in bill.lines}))
            for bill in self.bills
            if not bill.credit
        ]
        beyond: Counter[UUID] = Counter()
        for credit in (bill for bill in self.bills if bill.credit):
            latest = left[::-1]
            latest.sort(key=lambda each: each.bill.number != credit.corrects)
            gave: list[StandingBill] = []
            for line, units, price in credit.lines:
                billing = [each for each in latest if each.units[line]]
                known = {at for each in billing for of, _, at in each.bill.lines if of == line}
                if price not in known | {prices[line]}:
                    gave += billing[:1]
                    continue
                for each in billing:
                    taken = min(units, each.units[line])
                    each.units[line] -= taken
                    units -= taken
                    gave += [each] * (taken > 0)
                beyond[line] += units
            named = [each for each in left if each.bill.number == credit.corrects]
            if not credit.lines and named and named[0].net == credit.net:
                named[0].units.clear()
            rest = credit.net
            latest.sort(key=lambda each: (each.bill.number != credit.corrects, each not in gave))
            for each in latest:
                taken = min(rest, each.net)
                each.net -= taken
                rest -= taken
        return left, beyond

    def share(self, lines: list[BookedLine], request_id: UUID) -> int:
        """What of it is spent for a request, in cents: its lines, and a part of the freight that is as large."""
        living = [line for line in lines if line.living]
        mine = [line for line in living if line.request_id == request_id]
        if not living or not mine:
            return 0
        whole, part = sum(line.net for line in living), sum(line.net for line in mine)
        part, whole = (part, whole) if whole else (len(mine), len(living))
        return sum(line.net for line in mine) + (2 * self.freight * part + whole) // (2 * whole)
