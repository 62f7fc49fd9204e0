"""Following an order that changes after it was submitted: amendments one after the other, or how it stands by now."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from libs.chassis.decision import Cause, Decision, Early, Handler, Handlers, Key, Keys, Record, Records
from libs.contracts.purchasing import AnnouncedLine, OrderAmended, OrderAnnounced
from libs.contracts.units import amendment_id, pool_amended
from services.receiving.expectation import (
    AWAY,
    ExpectedLine,
    ExpectedOrder,
    ExpectedUnit,
    TakenAmendment,
    UnitStatus,
    after_amendment,
    expected_line,
    names_held,
    names_of,
    units_away,
    units_followed,
    units_held,
    units_of,
)


def amend(fact: OrderAmended, held: Records, cause: Cause) -> Decision:
    """From now on the order's goods are expected as they were amended. What arrived of a reduced line stands."""
    if held.find(TakenAmendment, amendment_id(fact.order_id, fact.amendment)):
        return Decision()
    order = _renamed(held[ExpectedOrder, fact.order_id], fact, cause)
    names = names_of(order, held, fact.purchase_order_number)
    save: list[Record] = [order, *names, _taken(fact, fact.amendment)]
    for told in fact.lines:
        known = held[ExpectedLine, told.order_line_id]
        line = _amended(known, told.quantity, told.units_made, told.asked, told.expected_on)
        save += [line, *_units_followed(known, line, held)]
    for added in fact.added:
        line = expected_line(order, added)
        save += [line, *units_of(line)]
    return Decision(save=save)


def take_over(fact: OrderAnnounced, held: Records, cause: Cause) -> Decision:
    """An order as it stands by now: one that was not known is expected, one that was is brought up to date.

    Of one that was not known, what is here already came as its lowest units. What the dock itself has taken is not for
    others to tell.
    """
    known = held.find(ExpectedOrder, fact.order_id)
    order = known or ExpectedOrder(
        id=fact.order_id,
        requisition_number=fact.requisition_number,
        request_id=fact.request_id,
        vendor_id=fact.vendor_id,
        vendor_number=fact.vendor_number,
        vendor_name=fact.vendor_name,
        deliver_to=fact.deliver_to,
        expected_since=cause.at,
    )
    order = _renamed(order, fact, cause)
    names = names_of(order, held, fact.requisition_number, fact.purchase_order_number)
    save: list[Record] = [order, *names]
    save += [
        _taken(fact, number)
        for number in range(1, fact.amendment + 1)
        if held.find(TakenAmendment, amendment_id(fact.order_id, number)) is None
    ]
    for told in fact.lines:
        before = held.find(ExpectedLine, told.order_line_id)
        if before is None:
            save += _announced(order, told)
            continue
        line = _amended(before, told.quantity, told.units_made, told.asked, told.expected_on)
        save += [line, *_units_followed(before, line, held)]
    return Decision(save=save)


def _renamed(order: ExpectedOrder, fact: OrderAmended | OrderAnnounced, cause: Cause) -> ExpectedOrder:
    return replace(
        order,
        purchase_order_number=fact.purchase_order_number,
        sequence=max(order.sequence, cause.sequence or 0),
    )


def _taken(fact: OrderAmended | OrderAnnounced, amendment: int) -> TakenAmendment:
    return TakenAmendment(id=amendment_id(fact.order_id, amendment), order_id=fact.order_id)


def _amended(
    line: ExpectedLine, quantity: int, units_made: int, asked: int, expected_on: date | None
) -> ExpectedLine:
    asked = max(line.asked, asked)
    pool = pool_amended(
        line.pool,
        wanted_before=line.wanted,
        wanted_now=max(0, quantity - asked),
        made_before=line.units_made,
        made_now=units_made,
    )
    return replace(
        line,
        ordered=quantity,
        units_made=max(line.units_made, units_made),
        pool=pool,
        asked=asked,
        expected_on=expected_on,
    )


def _units_followed(before: ExpectedLine, line: ExpectedLine, held: Records) -> Iterator[ExpectedUnit]:
    """The units that are new or stand otherwise now."""
    return units_followed(line, [*units_away(held, line.id), *units_of(line, before.units_made + 1)])


def _announced(order: ExpectedOrder, told: AnnouncedLine) -> Iterator[Record]:
    """A line that was not known. A number that was never wanted is kept as cancelled: it must not be given again."""
    line = expected_line(order, told)
    line = replace(line, units_made=told.units_made, asked=told.asked)
    line = replace(line, accepted=told.kept if line.is_received else 0)
    yield line
    for unit in units_of(line):
        if unit.unit_number <= line.accepted:
            yield unit.become(UnitStatus.RECEIVED)
        else:
            yield unit if unit.unit_number <= line.accepted + line.open else unit.become(UnitStatus.CANCELLED)


def _order_and_lines(fact: OrderAmended) -> Keys:
    yield Key(ExpectedOrder, fact.order_id)
    yield from names_held(fact.purchase_order_number)
    yield from after_amendment(fact.order_id, fact.amendment - 1)
    yield Key(TakenAmendment, amendment_id(fact.order_id, fact.amendment), may_be_new=True)
    for told in fact.lines:
        yield Key(ExpectedLine, told.order_line_id)
        more = told.quantity > told.quantity_before
        yield from units_held(told.order_line_id, *(AWAY if more else (UnitStatus.OPEN,)))


def _order_as_known(fact: OrderAnnounced) -> Keys:
    yield Key(ExpectedOrder, fact.order_id, may_be_new=True)
    yield from names_held(fact.requisition_number, fact.purchase_order_number)
    for number in range(1, fact.amendment + 1):
        yield Key(TakenAmendment, amendment_id(fact.order_id, number), may_be_new=True)
    for told in fact.lines:
        yield Key(ExpectedLine, told.order_line_id, may_be_new=True)
        yield from units_held(told.order_line_id, *AWAY)


HANDLERS: Handlers = (
    Handler(
        on=OrderAmended,
        holds=_order_and_lines,
        early=Early.WAIT,
        decide=amend,
        weight=lambda fact: 1 + sum(line.quantity for line in (*fact.lines, *fact.added)),
    ),
    Handler(
        on=OrderAnnounced,
        holds=_order_as_known,
        decide=take_over,
        weight=lambda fact: sum(line.units_made for line in fact.lines),
    ),
)
