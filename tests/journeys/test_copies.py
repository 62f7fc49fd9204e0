"""Copies of what purchasing knows, for whoever comes later: asked for once, said again into a queue of their own."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from deploy.demo.erp import checked
from libs.contracts.catalog import CatalogItemChanged, VendorChanged
from libs.contracts.purchasing import AnnounceAll, OrderAnnounced
from tests.journeys.system import ERP, Seen, System, a_receipt, serials

OPEN = ("submitted", "partially_received")


class Copies:
    """What another system keeps of what comes into its bulk queue: by the kind of fact, the latest of each subject."""

    def __init__(self) -> None:
        self.heard: dict[str, dict[str, tuple[int, Seen]]] = {}
        self.count = 0

    def keep(self, type: str, subject: str, sequence: int, fact: Seen) -> None:
        """An older state than the one that is known is skipped."""
        self.count += 1
        known = self.heard.setdefault(type, {})
        if subject not in known or known[subject][0] < sequence:
            known[subject] = (sequence, fact)

    def of(self, type: str) -> list[Seen]:
        """What is known of a kind, in no order."""
        return [fact for _, fact in self.heard.get(type, {}).values()]

    def versions(self, type: str, **equals: object) -> dict[str, int]:
        """How new what is known of each subject is."""
        return {
            subject: sequence
            for subject, (sequence, fact) in self.heard.get(type, {}).items()
            if all(fact[name] == value for name, value in equals.items())
        }


@asynccontextmanager
async def another_system(system: System) -> AsyncIterator[Copies]:
    """It keeps copies of what comes into its own queue."""
    copies = Copies()
    async with system.room.channel(ERP) as channel:
        queue = await channel.get_queue(f"{ERP}.bulk", ensure=False)
        # What an earlier one did not care for.
        while await queue.get(no_ack=True, fail=False):
            pass

        async def hear(message: Any) -> None:
            said = {name.removeprefix("ce-"): value for name, value in message.headers.items()}
            fact = json.loads(message.body)
            copies.keep(str(message.routing_key), str(said["subject"]), int(str(said["sequence"])), fact)
            await message.ack()

        await queue.consume(hear)
        yield copies


async def open_orders(system: System) -> list[Seen]:
    orders = [await system.api.all("purchasing", "/orders", status=status) for status in OPEN]
    return [order for some in orders for order in some]


def by_id(items: Sequence[Seen], id: str, version: str) -> dict[str, int]:
    return {item[id]: item[version] for item in items}


async def test_a_system_that_comes_later_asks_once_and_has_vendors_catalog_and_open_orders(
    system: System,
) -> None:
    _, (order,) = await system.submit_ordered(("PSU-65W", 3))
    await system.take(a_receipt(order, (order["lines"][0], serials(1))))
    await system.eventually(
        lambda: system.api.get("purchasing", f"/orders/{order['order_id']}"),
        lambda seen: seen["status"] == "partially_received",
    )
    vendors = await system.api.all("purchasing", "/vendors")
    items = await system.api.all("purchasing", "/catalog-items")
    orders = {each["order_id"] for each in await open_orders(system)}

    async with another_system(system) as copies:
        answer = checked(await system.erp.ask(AnnounceAll(), str(uuid4())))

        async def announced() -> set[str]:
            return {fact["order_id"] for fact in copies.of(OrderAnnounced.type)}

        await system.eventually(announced, lambda heard: heard == orders)

    assert answer["announced"] > 0
    told = copies.versions(VendorChanged.type, active=True)
    assert by_id([each for each in vendors if each["active"]], "vendor_id", "version") == told
    told = copies.versions(CatalogItemChanged.type, active=True)
    assert by_id([each for each in items if each["active"]], "item_id", "version") == told
    (copy,) = [fact for fact in copies.of(OrderAnnounced.type) if fact["order_id"] == order["order_id"]]
    (line,) = copy["lines"]
    assert (copy["status"], line["quantity"], line["kept"]) == ("partially_received", 3, 1)


async def test_who_wants_only_some_of_it_hears_no_more_and_asking_again_changes_nothing(
    system: System,
) -> None:
    vendors = await system.api.all("purchasing", "/vendors")

    async with another_system(system) as copies:

        async def count() -> int:
            return copies.count

        checked(await system.erp.ask(AnnounceAll(only=(VendorChanged.type,)), str(uuid4())))
        told = await system.eventually(count, lambda count: count >= len(vendors))
        first = copies.versions(VendorChanged.type)
        checked(await system.erp.ask(AnnounceAll(only=(VendorChanged.type,)), str(uuid4())))
        await system.eventually(count, lambda count: count >= 2 * told)

    assert list(copies.heard) == [VendorChanged.type]
    assert copies.versions(VendorChanged.type) == first
