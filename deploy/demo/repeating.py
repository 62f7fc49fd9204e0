"""Law 5, tried: repeated commands are answered `duplicate`, a reused id with other content is rejected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deploy.demo.erp import Answer, Erp

REPEATED_MAX = 10


async def law_5_repeats_change_nothing(
    erp: Erp, said: Sequence[tuple[Mapping[str, Any], Answer]]
) -> list[str]:
    """The same message handled again gets `duplicate` and the original answer; other content is rejected."""
    found = []
    for event, original in said[:REPEATED_MAX]:
        again = await erp.ask_event(event)
        if (again["outcome"], again["result"]) != ("duplicate", original["result"]):
            found.append(
                f"{event['id']} said again: {again['outcome']} {again['result']},"
                f" the original was {original['outcome']} {original['result']}"
            )
        changed = {**event, "data": altered(event["data"])}
        other = await erp.ask_event(changed)
        if (other["outcome"], other["code"]) != ("rejected", "message_id_reused"):
            found.append(f"{event['id']} with other content: {other['outcome']} {other['code']}")
    return found


def altered(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Content that is as sound as before, and different."""
    if "delivery_note" in data:
        return {**data, "delivery_note": "another"}
    return {**data, "justification": "another"}
