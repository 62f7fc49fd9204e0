"""What currencies are worth in each other from day to day, all in one place: orders are placed with a look at it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from libs.chassis.decision import Key, Record, Records
from libs.contracts.values import derived_id

RATE_BOOK_ID = derived_id("rate_book")
PAST_RATES_KEPT = 100
"""Rates of a pair of currencies that are over by now: of a rate a day, as far back as invoices are dated."""

SMALLEST_TURNED = Decimal("1e-8")
"""Turned round, a smaller rate is more than a rate can be."""


@dataclass(frozen=True, kw_only=True)
class RateBook(Record):
    """Per pair of currencies ("USD/EUR") the days from which a rate holds, with the rates, the latest day first."""

    rates: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)

    def holding(self, currency: str, base: str, day: date) -> Decimal | None:
        """What one unit of the currency is worth in the base currency that day, told directly or the other way."""
        if currency == base:
            return Decimal(1)
        if (direct := self._told(f"{currency}/{base}", day)) is not None:
            return direct
        inverse = self._told(f"{base}/{currency}", day)
        if inverse is None or inverse < SMALLEST_TURNED:
            return None
        return (1 / inverse).quantize(Decimal("1e-10"), rounding=ROUND_HALF_UP)

    def _told(self, pair: str, day: date) -> Decimal | None:
        for since, rate in self.rates.get(pair, ()):
            if date.fromisoformat(since) <= day:
                return Decimal(rate)
        return None

    def with_rate(self, currency: str, base: str, since: date, rate: Decimal, *, today: date) -> "RateBook":
        """The book with one more rate; of those that are long over nothing is kept."""
        pair = f"{currency}/{base}"
        told = {date.fromisoformat(day): known for day, known in self.rates.get(pair, ())}
        days = sorted(told | {since: str(rate)}, reverse=True)
        coming = sum(day > today for day in days)
        kept = {**told, since: str(rate)}
        entries = [[day.isoformat(), kept[day]] for day in days[: coming + PAST_RATES_KEPT]]
        return replace(self, rates={**self.rates, pair: entries})


RATE_BOOK_KEY = Key(RateBook, RATE_BOOK_ID, may_be_new=True)


def rate_book_in(held: Records) -> RateBook:
    """The book, empty before the first rate."""
    return held.find(RateBook, RATE_BOOK_ID) or RateBook(id=RATE_BOOK_ID)
