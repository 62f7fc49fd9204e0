"""Exchange rates, and all that purchasing says again to whoever asks."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from libs.contracts.catalog import CatalogItemChanged, DefineExchangeRate, ExchangeRateChanged, VendorChanged
from libs.contracts.purchasing import AnnounceAll
from libs.contracts.values import derived_id
from services.purchasing.exchange_rate import ExchangeRate
from services.purchasing.rate_book import RATE_BOOK_ID, RateBook
from tests.builders_desk import PRICES, VENDORS, Desk, a_purchasing_desk


def a_rate(rate: str = "0.9212345678", **changes: Any) -> DefineExchangeRate:
    values: dict[str, Any] = {
        "currency": "USD",
        "base": "EUR",
        "rate": Decimal(rate),
        "valid_from": date(2026, 1, 1),
    }
    return DefineExchangeRate(**values | changes)


def test_a_rate_is_set_corrected_and_announced() -> None:
    desk = a_purchasing_desk()
    said = len(desk.said)

    ended = [desk.hear(each) for each in (a_rate(), a_rate("0.92"), a_rate("0.920"))]

    rate_id = derived_id("exchange_rate", "USD", "EUR", date(2026, 1, 1))
    assert [each.decision.answer for each in ended] == [
        {"rate_id": str(rate_id), "change": change} for change in ("created", "changed", "unchanged")
    ]
    assert desk.said[said:] == [
        ExchangeRateChanged(
            rate_id=rate_id, currency="USD", base="EUR", rate=Decimal(rate), valid_from=date(2026, 1, 1)
        )
        for rate in ("0.9212345678", "0.92")
    ]


def test_each_day_and_each_pair_has_a_rate_of_its_own() -> None:
    desk = a_purchasing_desk()

    desk.hear(a_rate(), a_rate(valid_from=date(2026, 2, 1)), a_rate(base="CHF"))

    assert len(desk.all(ExchangeRate)) == 3


def test_with_a_rate_a_day_one_of_last_month_is_still_known() -> None:
    book, today = RateBook(id=RATE_BOOK_ID), date(2026, 3, 31)

    for ago in range(60):
        book = book.with_rate("USD", "EUR", today - timedelta(days=ago), Decimal(ago + 1), today=today)

    assert book.holding("USD", "EUR", today - timedelta(days=45)) == Decimal(46)


@pytest.mark.parametrize(
    "changes", [{"base": "USD"}, {"rate": Decimal(0)}, {"rate": Decimal("0.00000000001")}]
)
def test_a_rate_that_cannot_be_is_refused_at_the_door(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        a_rate(**changes)


def test_items_vendors_and_rates_are_announced_again() -> None:
    desk = a_purchasing_desk()
    desk.hear(a_rate())

    told = everything_announced(desk)

    assert told == {
        CatalogItemChanged: len(PRICES),
        VendorChanged: len(set(VENDORS.values())),
        ExchangeRateChanged: 1,
    }


def everything_announced(desk: Desk) -> dict[type, int]:
    """How many facts of which type follow from one question."""
    told: dict[type, int] = {}
    ask: AnnounceAll | None = AnnounceAll()
    while ask is not None:
        decision = desk.hear(ask, sender="requests" if ask.asker is None else "purchasing").decision
        for announcement in decision.announce:
            assert announcement.to == "requests"
            told[type(announcement.fact)] = told.get(type(announcement.fact), 0) + 1
        ask = next((each for each in decision.publish if isinstance(each, AnnounceAll)), None)
    return told
