"""What requests knows of exchange rates: its own copies, kept from purchasing's facts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from libs.chassis.decision import Cause, Decision, Handler, Handlers, Key, Keys, Many, Record, Records
from libs.contracts.catalog import ExchangeRateChanged
from libs.contracts.values import Money, derived_id


@dataclass(frozen=True, kw_only=True)
class KnownRate(Record):
    """From a day on, one unit of the currency is worth so many of the base; its id is purchasing's."""

    sequence: int
    currency_id: UUID
    currency: str
    base: str
    rate: Decimal
    valid_from: date


def currency_id_of(currency: str) -> UUID:
    """What all rates of a currency share."""
    return derived_id("currency", currency)


def rates_of(currency: str) -> Keys:
    """All rates of a currency."""
    return (Many(KnownRate, by="currency_id", value=currency_id_of(currency)),)


def worth(amount: Money, currency: str, rates: Iterable[KnownRate], today: date) -> Decimal | None:
    """The amount in another currency, unrounded, by the latest rate that is valid today; None without one."""
    if amount.currency == currency:
        return amount.amount
    valid = [
        rate
        for rate in rates
        if rate.currency == amount.currency and rate.base == currency and rate.valid_from <= today
    ]
    return amount.amount * max(valid, key=lambda rate: rate.valid_from).rate if valid else None


def rate_of(fact: ExchangeRateChanged) -> Keys:
    """The copy that a change describes; the first one makes it."""
    return (Key(KnownRate, fact.rate_id, may_be_new=True),)


def copy(fact: ExchangeRateChanged, held: Records, cause: Cause) -> Decision:
    """Keep what is said now; what waits for approval goes on by the rate it began with."""
    known = held.find(KnownRate, fact.rate_id)
    rate = KnownRate(
        id=fact.rate_id,
        version=known.version if known else 0,
        sequence=cause.sequence or 0,
        currency_id=currency_id_of(fact.currency),
        currency=fact.currency,
        base=fact.base,
        rate=fact.rate,
        valid_from=fact.valid_from,
    )
    return Decision(save=[rate])


HANDLERS: Handlers = (Handler(on=ExchangeRateChanged, holds=rate_of, decide=copy),)
