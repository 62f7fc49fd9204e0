"""What of an order line is on its way: the shipments that the dock tells of."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from libs.chassis.decision import Cause, Decision, Early, Handler, Handlers, Key, Keys, Record, Records
from libs.contracts.shipments import ShipmentMoved, ShipmentStatus
from services.assets.asset import followed, templates_held, templates_of
from services.assets.ordered_line import OrderedLine

ON_ITS_WAY = (ShipmentStatus.IN_TRANSIT, ShipmentStatus.ARRIVED)


@dataclass(frozen=True, kw_only=True)
class KnownShipment(Record):
    """How many units of which order lines a shipment still brings; its id is the shipment's.

    `sequence` is that of the latest fact about it.
    """

    sequence: int
    on_way: Mapping[str, int] = field(default_factory=dict)


def follow(fact: ShipmentMoved, held: Records, cause: Cause) -> Decision:
    """As many templates of each line as are on their way are in transit, the lowest-numbered."""
    known = held.find(KnownShipment, fact.shipment_id) or KnownShipment(id=fact.shipment_id, sequence=0)
    on_way: dict[UUID, int] = {}
    for told in fact.lines if fact.status in ON_ITS_WAY else ():
        left = max(0, told.quantity - told.received)
        on_way[told.order_line_id] = on_way.get(told.order_line_id, 0) + left
    now = replace(
        known, sequence=cause.sequence or 0, on_way={str(id): left for id, left in on_way.items() if left}
    )
    save: list[Record] = [now]
    for line_id in {told.order_line_id for told in fact.lines}:
        before: OrderedLine = held[OrderedLine, line_id]
        more = on_way.get(line_id, 0) - known.on_way.get(str(line_id), 0)
        if more:
            line = replace(before, on_way=before.on_way + more)
            save += [line, *followed(line, templates_held(line.id, held))]
    return Decision(save=save)


def _shipment_and_lines(fact: ShipmentMoved) -> Keys:
    yield Key(KnownShipment, fact.shipment_id, may_be_new=True)
    for told in fact.lines:
        yield Key(OrderedLine, told.order_line_id)
        yield from templates_of(told.order_line_id)


HANDLERS: Handlers = (
    Handler(
        on=ShipmentMoved,
        holds=_shipment_and_lines,
        early=Early.WAIT,
        decide=follow,
        weight=lambda fact: 1 + sum(line.quantity for line in fact.lines),
    ),
)
