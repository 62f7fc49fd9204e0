"""The people of the demo act for its own requests: what others asked for is not theirs to decide."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from deploy.demo.api import Api
from deploy.demo.erp import Erp
from deploy.demo.people import Approver, Dock

OURS, ANOTHERS = "request-1", "request-2"
# An odd id makes the delivery come over HTTP.
ORDERS = {OURS: "00000000-0000-0000-0000-000000000007", ANOTHERS: "00000000-0000-0000-0000-00000000000f"}
LINE = {"order_line_id": ORDERS[OURS], "accepted": 0, "open": 1}


class SeenTwice(Exception):
    """They have looked, acted and come to look again."""


class Services:
    """Show one thing of ours and one of another's, and note what is asked of them."""

    def __init__(self) -> None:
        self.looked: list[str] = []
        self.asked: list[str] = []

    async def all(self, service: str, path: str, **_: object) -> list[dict[str, Any]]:
        if path == "/places":
            return [{"code": "SITE", "storage_spaces": ["GOODS-IN"]}]
        if path in self.looked:
            raise SeenTwice
        self.looked.append(path)
        return [
            {
                "request_id": each,
                "order_id": ORDERS[each],
                "open": 1,
                "deliver_to": "SITE",
                "lines": [LINE],
            }
            for each in (ANOTHERS, OURS)
        ]

    async def post(self, service: str, path: str, content: Mapping[str, Any], *, key: str) -> None:
        self.asked.append(str(content.get("order_id", path)))


async def test_an_approver_decides_our_requests_only() -> None:
    services = Services()

    with pytest.raises(SeenTwice):
        await Approver(cast(Api, services), "asset_manager", {OURS}).work()

    assert services.asked == [f"/requests/{OURS}/decisions"]


async def test_the_dock_takes_deliveries_for_our_requests_only() -> None:
    services = Services()

    with pytest.raises(SeenTwice):
        await Dock(cast(Api, services), cast(Erp, None), {OURS}).work()

    assert services.asked == [ORDERS[OURS]]
