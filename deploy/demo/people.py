"""The people in the journey, approvers and the dock: they see and do only what the API lets them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Set
from typing import Any
from uuid import UUID

from deploy.demo.api import Api, each_of
from deploy.demo.erp import Erp, checked
from libs.contracts.receiving import LineToReceive, RecordReceipt, UnitToReceive
from libs.contracts.values import derived_id

APPROVERS = {"procurement_manager": "person-procurement", "asset_manager": "person-assets"}
LOOK_SECONDS = 0.2
IN_TWO_PARTS_EVERY = 4


class Approver:
    """Says yes to those of our requests that wait for their role; what others asked for is not theirs."""

    def __init__(self, api: Api, role: str, ours: Set[str]) -> None:
        self._api, self._role, self._ours = api, role, ours
        self.decided = 0

    async def work(self) -> None:
        """Look what waits, decide, look again; until cancelled."""
        while True:
            waiting = await self._api.all("requests", "/approvals", approver=f"role:{self._role}")
            await each_of([each for each in waiting if each["request_id"] in self._ours], self._decide)
            await asyncio.sleep(LOOK_SECONDS)

    async def _decide(self, waiting: Mapping[str, Any]) -> None:
        request_id = waiting["request_id"]
        await self._api.post(
            "requests",
            f"/requests/{request_id}/decisions",
            {"verdict": "approve", "role": self._role, "reason": "within this year's plan"},
            key=f"{self._role}-{request_id}",
        )
        self.decided += 1


class Dock:
    """Takes every delivery for our requests.

    About half of them come over HTTP and half by queue, some in two partial receipts.
    """

    def __init__(self, api: Api, erp: Erp, ours: Set[str]) -> None:
        self._api, self._erp, self._ours = api, erp, ours
        self._spaces: dict[str, str] = {}
        self._done: set[str] = set()
        self.over_http = self.by_queue = self.in_two_parts = 0
        self.sent_by_queue: list[tuple[str, RecordReceipt]] = []

    async def work(self) -> None:
        """Look which goods are expected, take them, look again; until cancelled."""
        self._spaces = {
            place["code"]: place["storage_spaces"][0] for place in await self._api.all("receiving", "/places")
        }
        while True:
            expected = await self._api.all("receiving", "/expected-orders", open_only=True)
            await each_of([order for order in expected if self._is_due(order)], self._take)
            await asyncio.sleep(LOOK_SECONDS)

    def _is_due(self, order: Mapping[str, Any]) -> bool:
        return order["request_id"] in self._ours and order["order_id"] not in self._done

    async def _take(self, order: Mapping[str, Any]) -> None:
        order_id = UUID(order["order_id"])
        parts: list[Part] = [
            [
                (line, line["accepted"] + 1, line["accepted"] + line["open"])
                for line in order["lines"]
                if line["open"]
            ]
        ]
        if order["open"] > 1 and order_id.int % IN_TWO_PARTS_EVERY == 0:
            parts = _halves(parts[0])
            self.in_two_parts += 1
        for part in parts:
            first_line, first_unit, _ = part[0]
            key = f"delivery-{first_line['order_line_id']}-{first_unit}"
            receipt = RecordReceipt(
                order_id=order_id,
                delivery_note=key,
                lines=tuple(self._line(order, *each) for each in part),
            )
            await self._record(receipt, key=key, by_queue=(order_id.int >> 2) % 2 == 0)
        self._done.add(order["order_id"])

    def _line(
        self, order: Mapping[str, Any], line: Mapping[str, Any], first: int, last: int
    ) -> LineToReceive:
        place = order["deliver_to"] if order["deliver_to"] in self._spaces else min(self._spaces)
        return LineToReceive(
            order_line_id=UUID(line["order_line_id"]),
            units=tuple(
                UnitToReceive(
                    serial=f"SN{derived_id('serial', line['order_line_id'], unit).hex[:12].upper()}",
                    location=place,
                    storage_space=self._spaces[place],
                )
                for unit in range(first, last + 1)
            ),
        )

    async def _record(self, receipt: RecordReceipt, *, key: str, by_queue: bool) -> None:
        if by_queue:
            checked(await self._erp.ask(receipt, key))
            self.sent_by_queue.append((key, receipt))
            self.by_queue += 1
        else:
            content = receipt.model_dump(mode="json", exclude_none=True)
            await self._api.post("receiving", "/receipts", content, key=key)
            self.over_http += 1


Part = list[tuple[Mapping[str, Any], int, int]]
"""Lines of an order, each with the first and the last of its units that arrive together."""


def _halves(whole: Part) -> list[Part]:
    """The first half of every line's units, and then the others."""
    first = [(line, low, (low + high) // 2) for line, low, high in whole if high > low]
    if not first:
        return [whole[:1], whole[1:]]
    taken = {line["order_line_id"]: last for line, _, last in first}
    rest = [(line, taken.get(line["order_line_id"], low - 1) + 1, high) for line, low, high in whole]
    return [first, rest]
