"""Exchange rates over HTTP: set and list them."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel
from sqlalchemy import select

from libs.chassis.http import JsonBody, Obeying, Reading, needs
from libs.chassis.pages import Limit, Page, Plain, Wanted, fields_of, matching, page_of
from libs.contracts.catalog import DefineExchangeRate
from libs.contracts.permissions import Action
from services.purchasing import exchange_rate
from services.purchasing.api.vendors import Change
from services.purchasing.tables import STORAGE

router = APIRouter()

_rates = STORAGE.tables[exchange_rate.ExchangeRate]


class RateDefined(BaseModel):
    """The exchange rate is as defined, and what that took."""

    rate_id: UUID
    change: Change


class RateSeen(BaseModel):
    """From a day on, one unit of the currency is worth so many of the base currency."""

    rate_id: UUID
    currency: str
    base: str
    rate: Plain
    valid_from: date


@router.post(
    "/exchange-rates",
    status_code=201,
    response_model=RateDefined,
    dependencies=[needs(Action.MANAGE_CATALOG)],
)
async def define_exchange_rate(rate: JsonBody[DefineExchangeRate], obey: Obeying) -> Response:
    """Set what a currency is worth in another from a day on, or correct it."""
    return await obey(rate)


@router.get("/exchange-rates", dependencies=[needs(Action.SEE_CATALOG)])
async def list_exchange_rates(
    read: Reading,
    currency: Wanted = None,
    base: Wanted = None,
    limit: Limit = 100,
    after: Annotated[UUID | None, Query(description="`next` of the page before.")] = None,
) -> Page[RateSeen]:
    """Exchange rates that were ever set."""
    query = matching(select(_rates), {_rates.c.currency: currency, _rates.c.base: base})
    rows, following = await page_of(read, query, _rates.c.id, limit, after)
    rates = [RateSeen(rate_id=row.id, **fields_of(row, "id", "version")) for row in rows]
    return Page(items=rates, next=following)
