"""Every status of a shipment and whatever can happen to it: only the steps of the table, and each status is reached."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.message import Message
from libs.contracts.receiving import TakenBackLine
from libs.contracts.shipments import (
    RegisterShipment,
    ShipmentMoved,
    ShipmentStatus,
    ShippedLine,
    TrackShipment,
)
from services.receiving import expectation, place, receipt, shipment, tracking
from services.receiving.punctuality import ShipmentOverdueDue, ShipmentStaleDue
from services.receiving.shipment import Shipment, taken_back
from tests.builders_dock import (
    LINE,
    NOON,
    ORDER,
    House,
    a_delivery,
    a_place,
    an_order,
    an_ordered_line,
    units,
)

ANNOUNCED, IN_TRANSIT, ARRIVED, RECEIVED = ShipmentStatus
SHIPPED = RegisterShipment(
    order_id=ORDER,
    shipment_number="DN-77",
    expected_on=NOON.date(),
    lines=(ShippedLine(order_line_id=LINE, quantity=2),),
)


class Dock:
    """Nine laptops are expected, and two of them are announced."""

    def __init__(self) -> None:
        self.house = House(
            expectation.HANDLERS, receipt.HANDLERS, shipment.HANDLERS, tracking.HANDLERS, place.HANDLERS
        )
        self.house.hear(a_place(), an_order(an_ordered_line(9)), SHIPPED)
        self._serials = iter(range(1, 10))

    @property
    def shipment(self) -> Shipment:
        (found,) = self.house.all(Shipment)
        assert isinstance(found, Shipment)
        return found

    def hear(self, message: Message) -> str | None:
        return self.house.hear(message).code

    def register(self) -> str | None:
        return self.hear(SHIPPED)

    def dispatch(self) -> str | None:
        return self.hear(TrackShipment(shipment_id=self.shipment.id, status=ShipmentStatus.IN_TRANSIT))

    def arrive(self) -> str | None:
        return self.hear(TrackShipment(shipment_id=self.shipment.id, status=ShipmentStatus.ARRIVED))

    def take_one(self) -> str | None:
        return self._take(1)

    def take_two(self) -> str | None:
        return self._take(2)

    def _take(self, count: int) -> str | None:
        serials = [f"S-{next(self._serials)}" for _ in range(count)]
        return self.hear(a_delivery(*units(*serials), shipment_id=self.shipment.id))

    def take_back_one(self) -> str | None:
        if sum(self.shipment.received) < 1:
            return None
        line = TakenBackLine(order_line_id=LINE, request_line_id=None, accepted=1)
        less, messages = taken_back(self.shipment, [line])
        self.house.records[Shipment][less.id] = replace(less, version=less.version + 1)
        self.house.said += messages
        return None

    def be_late(self) -> str | None:
        return self.hear(ShipmentOverdueDue(shipment_id=self.shipment.id, expected_on=NOON.date()))

    def be_forgotten(self) -> str | None:
        return self.hear(ShipmentStaleDue(shipment_id=self.shipment.id))


Step = Callable[[Dock], str | None]
PATHS: dict[ShipmentStatus, list[Step]] = {
    ANNOUNCED: [],
    IN_TRANSIT: [Dock.dispatch],
    ARRIVED: [Dock.take_one],
    RECEIVED: [Dock.take_two],
}
REFUSED = "shipment_not_movable"
AFTER: dict[Step, dict[ShipmentStatus, ShipmentStatus | str]] = {
    Dock.register: {each: each for each in ShipmentStatus},
    Dock.dispatch: {ANNOUNCED: IN_TRANSIT, IN_TRANSIT: IN_TRANSIT, ARRIVED: REFUSED, RECEIVED: REFUSED},
    Dock.arrive: {ANNOUNCED: ARRIVED, IN_TRANSIT: ARRIVED, ARRIVED: ARRIVED, RECEIVED: REFUSED},
    Dock.take_one: {ANNOUNCED: ARRIVED, IN_TRANSIT: ARRIVED, ARRIVED: RECEIVED, RECEIVED: RECEIVED},
    Dock.take_two: dict.fromkeys(ShipmentStatus, RECEIVED),
    Dock.take_back_one: {ANNOUNCED: ANNOUNCED, IN_TRANSIT: IN_TRANSIT, ARRIVED: ARRIVED, RECEIVED: ARRIVED},
    Dock.be_late: {each: each for each in ShipmentStatus},
    Dock.be_forgotten: {each: each for each in ShipmentStatus},
}


@pytest.mark.parametrize("status", ShipmentStatus)
@pytest.mark.parametrize("step", AFTER, ids=lambda step: step.__name__)
def test_whatever_happens_in_whichever_status_is_foreseen(status: ShipmentStatus, step: Step) -> None:
    dock = Dock()
    for earlier in PATHS[status]:
        earlier(dock)
    assert dock.shipment.status is status

    code = step(dock)

    wanted: Any = AFTER[step][status]
    if wanted == REFUSED:
        assert (code, dock.shipment.status) == (REFUSED, status)
    else:
        assert (code, dock.shipment.status) == (None, wanted)


@given(st.lists(st.sampled_from(list(AFTER)), max_size=6))
def test_what_is_said_of_a_shipment_always_adds_up(steps: list[Step]) -> None:
    dock = Dock()
    taken = 0
    for step in steps:
        if (step is Dock.take_one and taken < 7) or (step is Dock.take_two and taken < 6):
            taken += 1 if step is Dock.take_one else 2
        elif step in (Dock.take_one, Dock.take_two):
            continue
        step(dock)

    found = dock.shipment
    moved = [each for each in dock.house.said if isinstance(each, ShipmentMoved)]
    assert moved[-1] == shipment.moved(found)
    assert (found.status is RECEIVED) == found.is_here
    assert all(
        after.status is before.status or after.status in Shipment.TRANSITIONS[before.status]
        for before, after in pairwise(moved)
    )
