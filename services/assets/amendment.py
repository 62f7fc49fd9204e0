"""Following an order that changes after it was submitted: amendments one after the other, or how it stands by now."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from libs.chassis.decision import Cause, Decision, Early, Handler, Handlers, Key, Keys, Records
from libs.contracts.purchasing import AmendedLine, AnnouncedLine, OrderAmended, OrderAnnounced
from libs.contracts.units import amendment_id
from libs.contracts.values import Kind
from services.assets import entitlement, lot
from services.assets.asset import (
    GONE,
    started,
    tags_for,
    template,
    templates_of,
    together,
    what_it_made,
)
from services.assets.ordered_line import (
    FollowedOrder,
    OrderedLine,
    TakenAmendment,
    after_amendment,
    amended,
    ordered_line,
)
from services.assets.standing import templates_stand


def amend(fact: OrderAmended, held: Records, cause: Cause) -> Decision:
    """Templates, entitlements and lots follow the order's new quantities and prices. What arrived stands."""
    if held.find(TakenAmendment, amendment_id(fact.order_id, fact.amendment)):
        return Decision()
    tags = iter(cause.numbers.get("asset_tag", ()))
    done = [Decision(save=[_followed(fact, held, cause), _taken(fact, fact.amendment)])]
    done += [
        _line_amended(held[OrderedLine, told.order_line_id], told, held, tags, cause) for told in fact.lines
    ]
    done += [started(ordered_line(fact, added), added, fact.vendor_id, tags, cause) for added in fact.added]
    return together(done)


def take_over(fact: OrderAnnounced, held: Records, cause: Cause) -> Decision:
    """An order as it stands by now: what was not known of it is made, what was is brought up to date.

    What arrived is counted from the dock's facts alone, which come or came on their own.
    """
    tags = iter(cause.numbers.get("asset_tag", ()))
    taken = [
        _taken(fact, number)
        for number in range(1, fact.amendment + 1)
        if held.find(TakenAmendment, amendment_id(fact.order_id, number)) is None
    ]
    done = [Decision(save=[_followed(fact, held, cause), *taken])]
    for told in fact.lines:
        known = held.find(OrderedLine, told.order_line_id)
        done.append(
            _line_amended(known, told, held, tags, cause) if known else _announced(fact, told, tags, cause)
        )
    return together(done)


def _followed(fact: OrderAmended | OrderAnnounced, held: Records, cause: Cause) -> FollowedOrder:
    known = held.find(FollowedOrder, fact.order_id) or FollowedOrder(id=fact.order_id, sequence=0)
    return replace(known, sequence=max(known.sequence, cause.sequence or 0))


def _taken(fact: OrderAmended | OrderAnnounced, amendment: int) -> TakenAmendment:
    return TakenAmendment(id=amendment_id(fact.order_id, amendment), order_id=fact.order_id)


def _line_amended(
    before: OrderedLine,
    told: AmendedLine | AnnouncedLine,
    held: Records,
    tags: Iterator[int],
    cause: Cause,
) -> Decision:
    line = amended(before, told)
    if line.kind is Kind.SOFTWARE:
        return entitlement.follow(line, held, cause)
    done = [Decision(save=[line])]
    if line.makes_lot:
        done.append(lot.follow(line, held))
    elif line.has_templates:
        made = [
            template(line, number, next(tags)) for number in range(before.units_made + 1, line.units_made + 1)
        ]
        done.append(templates_stand(line, held, made=made))
    return together(done)


def _announced(fact: OrderAnnounced, told: AnnouncedLine, tags: Iterator[int], cause: Cause) -> Decision:
    """A line that was not known. A number that is not wanted any more is kept as cancelled: it is not given again."""
    line = replace(ordered_line(fact, told), units_made=told.units_made, asked=told.asked)
    if line.kind is Kind.SOFTWARE:
        line = replace(line, kept=line.wanted)
    if line.has_templates:
        made = [template(line, number, next(tags)) for number in range(1, line.units_made + 1)]
        return together([Decision(save=[line]), templates_stand(line, Records(), made=made)])
    return started(line, told, fact.vendor_id, tags, cause) if line.wanted else Decision(save=[line])


def _lines_and_templates(fact: OrderAmended) -> Keys:
    yield Key(FollowedOrder, fact.order_id, may_be_new=True)
    yield from after_amendment(fact.order_id, fact.amendment - 1)
    yield Key(TakenAmendment, amendment_id(fact.order_id, fact.amendment), may_be_new=True)
    for told in fact.lines:
        yield Key(OrderedLine, told.order_line_id)
        yield from what_it_made(told.order_line_id)
        if told.quantity > told.quantity_before:
            yield from templates_of(told.order_line_id, *GONE)


def _lines_as_known(fact: OrderAnnounced) -> Keys:
    yield Key(FollowedOrder, fact.order_id, may_be_new=True)
    for number in range(1, fact.amendment + 1):
        yield Key(TakenAmendment, amendment_id(fact.order_id, number), may_be_new=True)
    for told in fact.lines:
        yield Key(OrderedLine, told.order_line_id, may_be_new=True)
        yield from what_it_made(told.order_line_id)
        yield from templates_of(told.order_line_id, *GONE)


def _tags_for_amendment(fact: OrderAmended) -> Mapping[str, int]:
    more = sum(max(0, line.quantity - line.quantity_before) for line in fact.lines)
    return {"asset_tag": more + tags_for(fact.added)}


def _tags_for_announced(fact: OrderAnnounced) -> Mapping[str, int]:
    return {"asset_tag": sum(line.units_made for line in fact.lines if line.kind is Kind.HARDWARE)}


HANDLERS: Handlers = (
    Handler(
        on=OrderAmended,
        holds=_lines_and_templates,
        numbers=_tags_for_amendment,
        early=Early.WAIT,
        decide=amend,
        weight=lambda fact: 1 + sum(line.quantity for line in (*fact.lines, *fact.added)),
    ),
    Handler(
        on=OrderAnnounced,
        holds=_lines_as_known,
        numbers=_tags_for_announced,
        decide=take_over,
        weight=lambda fact: sum(line.units_made for line in fact.lines),
    ),
)
