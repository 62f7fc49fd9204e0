"""The board on terminals of usual widths: nothing is cut off, the last line is its own."""

import re
from collections import Counter
from io import StringIO
from typing import Any, cast

import pytest
from rich.console import Console

from deploy.demo.api import Api
from deploy.demo.board import Board

STATUSES = ("submitted", "approved", "ordered", "received", "being_assigned", "fulfilled", "rejected")


class Services:
    """Every list and every summary has something of everything, once it has begun."""

    begun = False

    async def all(self, service: str, path: str, **wanted: object) -> list[dict[str, Any]]:
        return [
            {"number": "REQ-1", "external_reference": f"run-{status}", "status": status}
            for status in STATUSES
            for _ in range(3)
            if self.begun
        ]

    async def get(self, service: str, path: str) -> dict[str, Any]:
        counted = Counter(dict.fromkeys(STATUSES, 1234 if self.begun else 0))
        return {"orders": counted, "assets": counted, "receipts": 5, "units_accepted": 6, "units_open": 7}


@pytest.mark.parametrize("width", [80, 120])
async def test_the_board_fits(width: int) -> None:
    written, services = StringIO(), Services()
    console = Console(file=written, force_terminal=True, color_system=None, soft_wrap=True, width=width)
    board = Board(cast(Api, services), console, run="run", wanted=3)
    await board.begin()
    services.begun = True

    await board.show()

    *_, last_picture = filter(str.strip, re.split(r"\r?\x1b\[[0-9;?]*[A-Za-z]", written.getvalue()))
    drawn = [line.rstrip() for line in last_picture.splitlines()]
    assert all(len(line) <= width for line in drawn), drawn
    assert any(line.startswith("3 of 3 fulfilled") and line.endswith(" s") for line in drawn), drawn
    for status in STATUSES:
        assert f"3 {status.replace('_', ' ')}" in " ".join(" ".join(drawn).split())
