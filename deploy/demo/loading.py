"""What must be known before anybody can ask for anything: people, vendors, catalog and locations."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Awaitable, Callable, Iterator, Mapping
from decimal import Decimal
from io import StringIO
from time import monotonic

from deploy.demo.api import Api, Refused

COPIES_SECONDS_MAX = 30
OWNERS = {
    "people": "requests",
    "groups": "requests",
    "cost-centres": "requests",
    "vendors": "purchasing",
    "catalog": "purchasing",
    "locations": "assets",
}
"""The files that there are, in the order in which they are loaded, and the service that each goes to."""


class TooLate(RuntimeError):
    """Something that had to happen did not happen in time; the message says how far it came."""


async def load(api: Api, files: Mapping[str, str]) -> None:
    """Import CSV files, by their names, and wait until the services that need copies have them."""
    for name, service in OWNERS.items():
        if name not in files:
            continue
        path = f"/imports/{name}"
        read = await api.post_csv(service, path, files[name])
        if read["rejected"]:
            refused = [row for row in read["rows"] if row["outcome"] == "rejected"]
            raise Refused(f"{path}: {len(refused)} row(s) were rejected, the first of them: {refused[0]}")

    prices = {row["sku"]: Decimal(row["unit_price"]) for row in _rows(files, "catalog")}
    places = {(row["code"], row["storage_space"]) for row in _rows(files, "locations")}

    async def missing_entries() -> set[str]:
        known = {
            entry["sku"]: Decimal(entry["unit_price"])
            for entry in await api.all("requests", "/catalog-entries")
            if entry["unit_price"] is not None
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


def _rows(files: Mapping[str, str], name: str) -> Iterator[dict[str, str]]:
    return iter(csv.DictReader(StringIO(files.get(name, ""))))


async def until_none(missing: Callable[[], Awaitable[set[str]]], what: str, seconds: float) -> None:
    """Return once nothing is missing any more."""
    deadline = monotonic() + seconds
    while still := await missing():
        if monotonic() > deadline:
            shown = ", ".join(sorted(still)[:5])
            raise TooLate(f"after {seconds:g} s {len(still)} {what} are missing: {shown}")
        await asyncio.sleep(0.1)
