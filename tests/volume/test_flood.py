"""Fifty thousand invoices at once: how long orders take to be obeyed meanwhile, and requests to be ordered.

FLOOD says how many; nobody is judged by seconds, but all must be answered while most of the flood still waits.
"""

import os
from collections.abc import Awaitable, Callable
from statistics import median
from time import perf_counter
from uuid import uuid4

import pytest

from deploy.demo.erp import checked
from deploy.local.servers import Servers
from tests.conftest import eventually
from tests.journeys.flood import (
    INVOICES_PER_ORDER,
    SKU,
    an_order,
    cancellation,
    copies_of,
    invoices_for,
    pour,
    recorded,
)
from tests.journeys.system import System, the_system
from tests.volume.conftest import console

FLOOD = int(os.environ.get("FLOOD") or 50_000)
ASKED = 20
DRAINED_SECONDS_MAX = 3_000


async def test_a_flood_slows_neither_orders_nor_other_services(
    servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with the_system(servers, tmp_path_factory.mktemp("flood")) as system:
        like = await an_order(system)
        async with copies_of(system, like, max(1, FLOOD // INVOICES_PER_ORDER)) as copies:
            quiet = await asked(system)

            began = perf_counter()
            await pour(system, invoices_for(like["vendor_number"], copies, FLOOD))
            poured = perf_counter() - began
            busy = await asked(system)
            done, within = await recorded(system), perf_counter() - began

            console.print(f"\n{FLOOD:,} invoices were published in {poured:.0f} s")
            for what, before, during in zip(("cancelled", "ordered"), quiet, busy, strict=True):
                console.print(
                    f"{what}: median {before * 1000:.0f} ms without, {during * 1000:.0f} ms during it"
                )
            console.print(f"recorded meanwhile: {done:,}, {done / within:.0f} a second")
            assert done < FLOOD, "everybody stood behind the flood"
            await eventually(
                lambda: recorded(system), lambda found: found == FLOOD, within=DRAINED_SECONDS_MAX
            )
            console.print(f"all were recorded after {perf_counter() - began:.0f} s")
        assert await system.letters("purchasing") == []


async def asked(system: System) -> tuple[float, float]:
    """Medians: how long it takes until an order is cancelled, and until a request is ordered."""
    orders = [await an_order(system) for _ in range(ASKED)]

    async def cancel(number: int) -> None:
        checked(await system.erp.ask(cancellation(orders[number]), str(uuid4())))

    async def order(_: int) -> None:
        await system.reaches(await system.submit((SKU, 1)), "ordered")

    return await _median(cancel), await _median(order)


async def _median(what: Callable[[int], Awaitable[None]]) -> float:
    taken = []
    for number in range(ASKED):
        began = perf_counter()
        await what(number)
        taken.append(perf_counter() - began)
    return median(taken)
