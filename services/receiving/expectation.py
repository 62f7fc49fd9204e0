"""What the dock expects: orders, their lines, and every unit of hardware by the id its asset will have.

Built from facts alone, so deliveries can be taken while every other service is down. How an order is amended is told
in `amendment`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from libs.chassis.decision import (
    Cause,
    Decision,
    Early,
    Handler,
    Handlers,
    Key,
    Keys,
    Many,
    NamedBy,
    Record,
    Records,
)
from libs.contracts import purchasing
from libs.contracts.assets import TemplateAssetsCreated
from libs.contracts.purchasing import OrderCancelled, OrderSubmitted
from libs.contracts.units import Pool, amendment_id, to_come
from libs.contracts.values import AssetCreation, Kind, asset_id_of, derived_id


class UnitStatus(StrEnum):
    """Where a unit of an order line is, as the dock sees it."""

    OPEN = "open"
    RECEIVED = "received"
    CANCELLED = "cancelled"
    RETURNED = "returned"


RECEIVED_KINDS = (Kind.HARDWARE, Kind.CONSUMABLE)
"""What comes to a dock; software and services don't."""

# A wanted unit for which another one had come is open again when an amendment wants more. What was taken back is
# cancelled, or returned to the vendor, and open if it is to come again; it is received if it could not be taken back.
UNIT_TRANSITIONS: Mapping[UnitStatus, frozenset[UnitStatus]] = {
    UnitStatus.OPEN: frozenset({UnitStatus.RECEIVED, UnitStatus.CANCELLED, UnitStatus.RETURNED}),
    UnitStatus.RECEIVED: frozenset({UnitStatus.CANCELLED, UnitStatus.RETURNED}),
    UnitStatus.CANCELLED: frozenset({UnitStatus.OPEN, UnitStatus.RECEIVED}),
    UnitStatus.RETURNED: frozenset({UnitStatus.OPEN, UnitStatus.RECEIVED}),
}


@dataclass(frozen=True, kw_only=True)
class ExpectedOrder(Record):
    """An order whose goods will come; its id is the order's. One of several requests has no `request_id` of its own.

    `sequence` is that of the latest fact that told how it stands. The vendor's id and number are unknown of orders that
    were expected before they were told.
    """

    requisition_number: str
    purchase_order_number: str | None = None
    request_id: UUID | None
    vendor_id: UUID | None = None
    vendor_number: str | None = None
    vendor_name: str
    deliver_to: str
    expected_since: datetime
    sequence: int = 0


@dataclass(frozen=True, kw_only=True)
class OrderName(Record):
    """A number by which people and delivery notes name an order."""

    APPEND_ONLY: ClassVar[bool] = True

    order_id: UUID


def order_name_id(number: str) -> UUID:
    """Where a requisition number or purchase-order number leads to its order."""
    return derived_id("order-name", number)


@dataclass(frozen=True, kw_only=True)
class TakenAmendment(Record):
    """An amendment of an order that we have followed; its id derives from both."""

    APPEND_ONLY: ClassVar[bool] = True

    order_id: UUID


@dataclass(frozen=True, kw_only=True)
class ExpectedLine(Record):
    """One order line and its figures; its id is the order line's.

    `asked` is how many units somebody wanted cancelled, `credited` how many went back to the vendor and are wanted no
    more. The dock wins: what was accepted before the dock heard of a cancellation stands, so `cancelled` is only what
    is not here. `request_id` is told where the order has none. The units are numbered up to `units_made`; those wanted
    are the lowest of `pool`. Units that nobody ordered are numbered below zero, so many were made. `issued` is how much
    of a consumable was given out, as assets told.
    """

    order_id: UUID
    request_id: UUID | None = None
    request_line_id: UUID | None
    sku: str
    name: str
    kind: Kind
    asset_creation: AssetCreation
    expected_on: date | None = None
    ordered: int
    units_made: int
    pool: Pool = ()
    asked: int = 0
    accepted: int = 0
    rejected: int = 0
    returned: int = 0
    credited: int = 0
    surplus_made: int = 0
    issued: int = 0

    @property
    def wanted(self) -> int:
        """Units that are ordered and that nobody wanted cancelled."""
        return max(0, self.ordered - self.asked)

    @property
    def kept(self) -> int:
        """Units that are here."""
        return self.accepted - self.returned

    @property
    def cancelled(self) -> int:
        """Units that will not come."""
        return min(self.asked + self.credited, max(0, self.ordered - self.kept))

    @property
    def over(self) -> int:
        """Units that are here although nobody wants them."""
        return max(0, self.kept + self.cancelled - self.ordered)

    @property
    def is_received(self) -> bool:
        """Whether it comes to a dock at all."""
        return self.kind in RECEIVED_KINDS

    @property
    def open(self) -> int:
        """Units still to come to the dock; rejected ones are among them."""
        return max(0, self.ordered - self.cancelled - self.kept) if self.is_received else 0


@dataclass(frozen=True, kw_only=True)
class ExpectedUnit(Record):
    """One unit of hardware to come; its id is that of its asset, its tag the one that assets gave it.

    `serial` is that of the unit when it was here last, `receipt_id` the receipt by which it is here. One that was taken
    back tells by which reversal or return, `reopened_by`, and while it is to come again its line, `line_again`. What
    was `given_back` for credit comes again only where nothing else is left to come. The dock doesn't take back what
    somebody `acknowledged`.
    """

    TRANSITIONS: ClassVar[Mapping[Any, frozenset[Any]]] = UNIT_TRANSITIONS

    order_line_id: UUID
    unit_number: int
    status: UnitStatus = UnitStatus.OPEN
    tag: str | None = None
    serial: str | None = None
    receipt_id: UUID | None = None
    reopened_by: UUID | None = None
    line_again: UUID | None = None
    given_back: bool = False
    acknowledged: bool = False


def expect(order: OrderSubmitted, held: Records, cause: Cause) -> Decision:
    """From now on the order's goods are expected: every line, and of hardware every unit."""
    if held.find(ExpectedOrder, order.order_id):
        return Decision()
    expected = ExpectedOrder(
        id=order.order_id,
        requisition_number=order.requisition_number,
        purchase_order_number=order.purchase_order_number,
        request_id=order.request_id,
        vendor_id=order.vendor_id,
        vendor_number=order.vendor_number,
        vendor_name=order.vendor_name,
        deliver_to=order.deliver_to,
        expected_since=cause.at,
        sequence=cause.sequence or 0,
    )
    names = names_of(expected, held, order.requisition_number, order.purchase_order_number)
    lines = [expected_line(expected, line) for line in order.lines]
    return Decision(save=[expected, *names, *lines, *(unit for line in lines for unit in units_of(line))])


def label(templates: TemplateAssetsCreated, held: Records, cause: Cause) -> Decision:
    """Note which tag each unit will bear, so that a scanned label tells its unit."""
    return Decision(
        save=[replace(held[ExpectedUnit, asset.asset_id], tag=asset.tag) for asset in templates.assets]
    )


def cancel(order: OrderCancelled, held: Records, cause: Cause) -> Decision:
    """Stop expecting what was cancelled and has not arrived: the highest-numbered open units go first."""
    save: list[Record] = []
    for told in order.lines if order.was_submitted else ():
        line = held[ExpectedLine, told.order_line_id]
        # What was asked only grows: an older cancellation that arrives late takes nothing back.
        less = replace(line, asked=max(line.asked, told.cancelled if told.asked is None else told.asked))
        save += [less, *units_followed(less, open_units(held, line.id))]
    return Decision(save=save)


def units_followed(line: ExpectedLine, units: Iterable[ExpectedUnit]) -> Iterator[ExpectedUnit]:
    """Of the line's units that are not here, those that are new or stand otherwise now: open are those to come.

    Where fewer are to come than before, the open units are enough to tell.
    """
    away = list(units)
    open_ones = to_come(
        line.pool,
        line.units_made,
        {unit.unit_number for unit in away},
        line.open,
        {unit.unit_number for unit in away if unit.given_back},
    )
    for unit in away:
        status = UnitStatus.RETURNED if unit.given_back else UnitStatus.CANCELLED
        status = UnitStatus.OPEN if unit.unit_number in open_ones else status
        if unit.status is not status:
            again = line.id if status is UnitStatus.OPEN and unit.reopened_by else None
            yield unit.become(status, line_again=again)
        elif not unit.version:
            yield unit


def is_here(unit: ExpectedUnit, receipt_id: UUID, serial: str) -> ExpectedUnit:
    """The unit came by this receipt."""
    return unit.become(
        UnitStatus.RECEIVED, receipt_id=receipt_id, serial=serial, line_again=None, given_back=False
    )


def units_away(held: Records, order_line_id: UUID) -> list[ExpectedUnit]:
    """The loaded units of a line that are not here."""
    units = held.all(ExpectedUnit, order_line_id=order_line_id)
    return [unit for unit in units if unit.status is not UnitStatus.RECEIVED]


def units_held(order_line_id: "UUID | NamedBy", *statuses: UnitStatus) -> Iterator[Many]:
    """All units of a line in these statuses; or of all lines that something names."""
    for status in statuses:
        yield Many(ExpectedUnit, by="order_line_id", value=order_line_id, where={"status": status})


AWAY = (UnitStatus.OPEN, UnitStatus.CANCELLED, UnitStatus.RETURNED)
"""Where a unit is that is not here."""


def open_units(held: Records, order_line_id: UUID) -> list[ExpectedUnit]:
    """The loaded units of a line that are still to come, lowest number first."""
    units = held.all(ExpectedUnit, order_line_id=order_line_id, status=UnitStatus.OPEN)
    return sorted(units, key=lambda unit: unit.unit_number)


def expected_line(order: ExpectedOrder, line: purchasing.OrderedLine) -> ExpectedLine:
    """A line that was ordered, as the dock knows it."""
    return ExpectedLine(
        id=line.order_line_id,
        order_id=order.id,
        request_id=line.request_id if order.request_id is None else None,
        request_line_id=line.request_line_id,
        sku=line.sku,
        name=line.name,
        kind=line.kind,
        asset_creation=line.asset_creation,
        expected_on=line.expected_on,
        ordered=line.quantity,
        units_made=line.quantity,
    )


def units_of(line: ExpectedLine, first: int = 1) -> Iterator[ExpectedUnit]:
    """The line's units of hardware from this number on."""
    if line.kind is Kind.HARDWARE:
        for number in range(first, line.units_made + 1):
            yield ExpectedUnit(id=asset_id_of(line.id, number), order_line_id=line.id, unit_number=number)


def names_of(order: ExpectedOrder, held: Records, *numbers: str | None) -> Iterator[OrderName]:
    """Those of these numbers that do not lead to the order yet."""
    for number in numbers:
        if number is not None and held.find(OrderName, order_name_id(number)) is None:
            yield OrderName(id=order_name_id(number), order_id=order.id)


def names_held(*numbers: str | None) -> Iterable[Key]:
    """Where these numbers lead, if they do."""
    return [
        Key(OrderName, order_name_id(number), may_be_new=True) for number in numbers if number is not None
    ]


def after_amendment(order_id: UUID, amendment: int) -> Iterable[Key]:
    """What is said of an order after an amendment waits until that is taken."""
    return [Key(TakenAmendment, amendment_id(order_id, amendment))] if amendment else []


def _the_order(order: OrderSubmitted) -> Keys:
    yield Key(ExpectedOrder, order.order_id, may_be_new=True)
    # A requisition number is its order's from the start; the other number may have led to another one before.
    yield from names_held(order.purchase_order_number)


def _labelled_units(templates: TemplateAssetsCreated) -> Keys:
    # The line first: its lock guards all its units.
    yield Key(ExpectedLine, templates.order_line_id)
    for asset in templates.assets:
        yield Key(ExpectedUnit, asset.asset_id)


def _open_units_of_lines(order: OrderCancelled) -> Keys:
    # What was never submitted was never expected: nothing is to be waited for.
    if not order.was_submitted:
        return
    yield from after_amendment(order.order_id, order.amendment)
    for line in order.lines:
        yield Key(ExpectedLine, line.order_line_id)
        yield from units_held(line.order_line_id, UnitStatus.OPEN)


def _hardware_units(order: OrderSubmitted) -> int:
    return max(1, sum(line.quantity for line in order.lines if line.kind is Kind.HARDWARE))


HANDLERS: Handlers = (
    Handler(on=OrderSubmitted, holds=_the_order, decide=expect, weight=_hardware_units),
    Handler(
        on=TemplateAssetsCreated,
        holds=_labelled_units,
        early=Early.WAIT,
        decide=label,
        weight=lambda templates: len(templates.assets),
    ),
    Handler(on=OrderCancelled, holds=_open_units_of_lines, early=Early.WAIT, decide=cancel),
)
