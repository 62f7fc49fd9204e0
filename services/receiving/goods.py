"""How a receipt is said: in as many facts as it needs."""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from libs.chassis.ids import caused_id
from libs.contracts.message import Event
from libs.contracts.receiving import GoodsReceived, LineToReceive, ReceivedLine, ReceivedUnit
from services.receiving.expectation import ExpectedLine, ExpectedOrder
from services.receiving.shipment import Shipment

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
                update={
                    "units": rest.units[room:],
                    "accepted": rest.accepted - len(now),
                    "rejected": 0,
                    "beyond_shipped": 0,
                    "beyond_invoiced": 0,
                }
            )
            yield tuple(part)
            part, room = [], UNITS_PER_GOODS_RECEIVED
        part.append(rest)
        room -= len(rest.units)
    yield tuple(part)


def counted_against(lines: Sequence[ReceivedLine], left: Mapping[UUID, int], name: str) -> list[ReceivedLine]:
    """The lines, each telling under this name how many more came than were left to come of its order line."""
    rest = dict(left)
    counted: list[ReceivedLine] = []
    for line in lines:
        expected = rest.get(line.order_line_id, 0)
        rest[line.order_line_id] = max(0, expected - line.accepted)
        counted.append(line.model_copy(update={name: max(0, line.accepted - expected)}))
    return counted


def beyond_told(facts: Sequence[Event]) -> Mapping[str, int]:
    """How many more came than was shipped or invoiced, where that is so."""
    lines = [line for fact in facts if isinstance(fact, GoodsReceived) for line in fact.lines]
    sums = {
        name: sum(getattr(line, name) for line in lines) for name in ("beyond_shipped", "beyond_invoiced")
    }
    return {name: count for name, count in sums.items() if count}


def received_line(
    receipt_id: UUID,
    index: int,
    delivered: LineToReceive,
    order: ExpectedOrder,
    line: ExpectedLine,
    units: tuple[ReceivedUnit, ...],
) -> ReceivedLine:
    """What is said of one line of a receipt."""
    return ReceivedLine(
        receipt_line_id=caused_id(receipt_id, "receipt_line", index),
        order_line_id=line.id,
        request_id=line.request_id or order.request_id,
        request_line_id=line.request_line_id,
        sku=line.sku,
        accepted=delivered.quantity or len(units),
        rejected=delivered.rejected,
        rejection_reason=delivered.rejection_reason if delivered.rejected else None,
        asset_creation=line.asset_creation,
        location=delivered.location,
        storage_space=delivered.storage_space,
        units=units,
    )


def left_of(shipment: Shipment) -> dict[UUID, int]:
    """How many units of each order line are in it and were not taken yet."""
    lines = zip(shipment.lines, shipment.received, strict=True)
    return {line.order_line_id: max(0, line.quantity - here) for line, here in lines}
