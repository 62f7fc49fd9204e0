"""What journeys at the dock do and count: deliveries into a space, take-backs, and three services in figures."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from libs.contracts.message import Command
from libs.contracts.receiving import LineToReceive, RecordReceipt, ReturnGoods, ReverseReceipt, UnitToReceive
from tests.journeys.buying import order_is
from tests.journeys.system import APPROVER, DOCK, Seen, System
from tests.journeys.ways import Way

SITE = "SITE-NORTH"


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One order line by all accounts: open and kept units, and templates and assets that stand for them."""

    open: int
    kept: int
    on_order: int
    in_stock: int


async def counts(system: System, order: Seen, **until: int) -> Figures:
    """The order's one line, once all services agree that it is so."""

    async def look() -> tuple[Figures, bool]:
        bought = await order_is(system, order["order_id"], lambda _: True)
        dock = await system.expected_order(order["order_id"])
        assets = await system.api.all("assets", "/assets", order_id=order["order_id"])
        (line,), (expected,) = bought["lines"], dock["lines"]
        statuses = Counter(asset["status"] for asset in assets)
        templates = statuses["on_order"] + statuses["in_transit"]
        figures = Figures(
            open=line["open"], kept=line["kept"], on_order=templates, in_stock=statuses["in_stock"]
        )
        agree = line["open"] == expected["open"] == templates and line["kept"] == statuses["in_stock"]
        return figures, agree and all(getattr(figures, name) == value for name, value in until.items())

    figures, _ = await system.eventually(look, lambda seen: seen[1])
    return figures


def a_part(line: Seen, names: Sequence[str], space: str, **changes: Any) -> RecordReceipt:
    """These units of an order line, put into one space."""
    units = tuple(UnitToReceive(serial=name) for name in names)
    delivered = LineToReceive(
        order_line_id=UUID(line["order_line_id"]), units=units, location=SITE, storage_space=space
    )
    return RecordReceipt(lines=(delivered,), **changes)


async def take(way: Way, receipt: Command, person: str = DOCK) -> Seen:
    """Take a delivery; its numbers and ids."""
    return dict(await way.done(receipt, person))


def a_reversal_of(receipt_id: str) -> ReverseReceipt:
    """That receipt was a mistake."""
    return ReverseReceipt(receipt_id=UUID(receipt_id), reason="a mistake")


async def reverse(way: Way, receipt: Seen) -> Seen:
    """Take a receipt back."""
    return dict(await way.done(a_reversal_of(receipt["receipt_id"]), APPROVER))


def to_return(order: Seen, asset_ids: Sequence[str], purpose: Any) -> ReturnGoods:
    """Send these units of the order's one line back."""
    line = {
        "order_line_id": order["lines"][0]["order_line_id"],
        "asset_ids": list(asset_ids),
    }
    content = {"order_id": order["order_id"], "purpose": purpose, "reason": "broken", "lines": [line]}
    return ReturnGoods.model_validate(content, strict=False)
