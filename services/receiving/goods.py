"""How a receipt is said: in as many facts as it needs."""

from collections.abc import Iterator, Sequence

from libs.contracts.receiving import ReceivedLine

UNITS_PER_GOODS_RECEIVED = 250
"""Half of what a fact may carry: with 100 lines and the longest texts allowed, more would pass 256 KiB."""


def in_parts(lines: Sequence[ReceivedLine]) -> Iterator[tuple[ReceivedLine, ...]]:
    """The receipt's lines in parts that fit a message; a split line counts its rejected units once."""
    part: list[ReceivedLine] = []
    room = UNITS_PER_GOODS_RECEIVED
    for line in lines:
        rest = line
        while len(rest.units) > room:
            now = rest.units[:room]
            part.append(rest.model_copy(update={"units": now, "accepted": len(now)}))
            rest = rest.model_copy(
                update={"units": rest.units[room:], "accepted": rest.accepted - len(now), "rejected": 0}
            )
            yield tuple(part)
            part, room = [], UNITS_PER_GOODS_RECEIVED
        part.append(rest)
        room -= len(rest.units)
    yield tuple(part)
