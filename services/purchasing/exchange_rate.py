"""Exchange rates: what a currency is worth in another from a day on."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from libs.chassis.decision import Cause, Decision, Handler, Handlers, Key, Keys, Record, Records
from libs.contracts.catalog import DefineExchangeRate, ExchangeRateChanged
from libs.contracts.values import derived_id
from services.purchasing.rate_book import RATE_BOOK_KEY, rate_book_in
from services.purchasing.rematching import WALK_KEY, to_walk


@dataclass(frozen=True, kw_only=True)
class ExchangeRate(Record):
    """One unit of the currency is worth so many of the base currency, from a day until the next rate's."""

    currency: str
    base: str
    rate: Decimal
    valid_from: date


def define(command: DefineExchangeRate, held: Records, cause: Cause) -> Decision:
    """Set the rate of a day on. Saying again what is known changes nothing and announces nothing.

    Invoices that wait because nobody knew what they are worth are matched again.
    """
    rate_id = derived_id("exchange_rate", command.currency, command.base, command.valid_from)
    known = held.find(ExchangeRate, rate_id)
    rate = ExchangeRate(
        id=rate_id,
        version=known.version if known else 0,
        currency=command.currency,
        base=command.base,
        rate=command.rate,
        valid_from=command.valid_from,
    )
    change = "created" if known is None else "unchanged" if known == rate else "changed"
    answer = {"rate_id": str(rate_id), "change": change}
    if rate == known:
        return Decision(answer=answer)
    book = rate_book_in(held).with_rate(
        rate.currency, rate.base, rate.valid_from, rate.rate, today=cause.at.date()
    )
    walk = to_walk(held, cause, unrated=True)
    return replace(walk, save=[rate, book, *walk.save], publish=[said(rate)], answer=answer)


def said(rate: ExchangeRate) -> ExchangeRateChanged:
    """All of a rate."""
    return ExchangeRateChanged(
        rate_id=rate.id,
        currency=rate.currency,
        base=rate.base,
        rate=rate.rate,
        valid_from=rate.valid_from,
    )


def rate_of(command: DefineExchangeRate) -> Keys:
    """The rate of that day, if there is one, the book of those that hold, and the walk through recorded invoices."""
    rate_id = derived_id("exchange_rate", command.currency, command.base, command.valid_from)
    return (Key(ExchangeRate, rate_id, may_be_new=True), RATE_BOOK_KEY, WALK_KEY)


HANDLERS: Handlers = (Handler(on=DefineExchangeRate, holds=rate_of, decide=define),)
