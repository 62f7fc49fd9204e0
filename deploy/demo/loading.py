"""What must be known before anybody can ask for anything: vendors, catalog and locations."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Awaitable, Callable
from decimal import Decimal
from io import StringIO
from time import monotonic

from deploy.demo.api import Api, Refused

COPIES_SECONDS_MAX = 30


class TooLate(RuntimeError):
    """Something that had to happen did not happen in time; the message says how far it came."""


async def load(api: Api, vendors: str, catalog: str, locations: str) -> None:
    """Import three CSV files and wait until the services that need copies have them."""
    for service, path, text in (
        ("purchasing", "/imports/vendors", vendors),
        ("purchasing", "/imports/catalog", catalog),
        ("assets", "/imports/locations", locations),
    ):
        read = await api.post_csv(service, path, text)
        if read["rejected"]:
            refused = [row for row in read["rows"] if row["outcome"] == "rejected"]
            raise Refused(f"{path}: {len(refused)} row(s) were rejected, the first of them: {refused[0]}")

    prices = {row["sku"]: Decimal(row["unit_price"]) for row in csv.DictReader(StringIO(catalog))}
    places = {(row["code"], row["storage_space"]) for row in csv.DictReader(StringIO(locations))}

    async def missing_entries() -> set[str]:
        known = {
            entry["sku"]: Decimal(entry["unit_price"])
            for entry in await api.all("requests", "/catalog-entries")
        }
        return {sku for sku, price in prices.items() if known.get(sku) != price}

    async def missing_places() -> set[str]:
        known = {
            (place["code"], space)
            for place in await api.all("receiving", "/places")
            for space in place["storage_spaces"]
        }
        return {f"{code}/{space}" for code, space in places - known}

    await until_none(missing_entries, "catalog entries in requests", COPIES_SECONDS_MAX)
    await until_none(missing_places, "places in receiving", COPIES_SECONDS_MAX)


async def until_none(missing: Callable[[], Awaitable[set[str]]], what: str, seconds: float) -> None:
    """Return once nothing is missing any more."""
    deadline = monotonic() + seconds
    while still := await missing():
        if monotonic() > deadline:
            shown = ", ".join(sorted(still)[:5])
            raise TooLate(f"after {seconds:g} s {len(still)} {what} are missing: {shown}")
        await asyncio.sleep(0.1)
