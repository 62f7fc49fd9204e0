"""Splitting drafts and putting them together: lines move from order to order and keep the request lines they serve, so
that every unit that comes is still traced to who wanted it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from libs.chassis.decision import (
    Cause,
    Decision,
    Early,
    Handler,
    Handlers,
    Keys,
    NamedBy,
    Records,
    Rejection,
)
from libs.contracts.message import Message
from libs.contracts.orders import LINES_MAX, CombineOrders, SplitOrder
from services.purchasing.catalog import CatalogItem, Vendor, active_vendor
from services.purchasing.commitment import (
    Commanded,
    RequestOrdersStatus,
    commanded_in,
    order_and_requests,
    tracked,
    whole_order,
)
from services.purchasing.draft import (
    CHANGERS_MAX,
    NUMBER,
    changed_by,
    items_and_vendor,
    not_a_draft,
    revised,
)
from services.purchasing.order_facts import said_cancelled, said_drafted
from services.purchasing.order_lines import Buying, offered
from services.purchasing.purchase_order import (
    UNSUBMITTED,
    OrderLine,
    OrderName,
    PurchaseOrder,
    Status,
    as_named,
    in_order,
    lines_held,
    number_of,
    order_name_id,
    order_named,
    with_sums,
)
from services.purchasing.spending import said_dropped


def split(command: SplitOrder, held: Records, cause: Cause) -> Decision:
    """Lines, or some units of them, go to a draft of their own, perhaps for another vendor; something is left."""
    order = order_named(held, command)
    if order.status not in UNSUBMITTED:
        raise not_a_draft(order, "split")
    known = {line.id: line for line in lines_held(held, order)}
    commanded = commanded_in(held)
    _check_wanted(known.values(), commanded)
    ordinal = cause.numbers[NUMBER][0]
    other = replace(
        order,
        id=cause.id("order"),
        version=0,
        ordinal=ordinal,
        requisition_number=number_of(ordinal),
        purchase_order_number=None,
        status=Status.DRAFT,
        status_since=cause.at,
        revision=0,
        freight=Decimal(0),
        drafted_by=cause.actor.id or cause.sender,
        changed_by=_makers_of([order]),
    )
    stay, go = _parted(command, order, other, known, cause)
    if command.vendor_number is not None:
        vendor = active_vendor(held, command.vendor_number, of="vendor_number")
        terms = other.payment_terms if vendor.id == order.vendor_id else vendor.payment_terms
        other = replace(
            other,
            vendor_id=vendor.id,
            vendor_number=vendor.number,
            vendor_name=vendor.name,
            payment_terms=terms,
        )
        other = changed_by(other, cause)
        go = [_offered(line, other, vendor, held, cause) for line in go]
    if command.payment_terms is not None:
        other = replace(other, payment_terms=command.payment_terms)
    left = _identified(revised(order, stay, cause), stay, commanded)
    other = _identified(revised(other, go, cause), go, commanded)
    served = tracked(commanded, (left, other))
    name = OrderName(
        id=order_name_id(other.requisition_number), name=other.requisition_number, order_id=other.id
    )
    lines = [line for line in (*stay, *go) if line != known.get(line.id)]
    # Of the draft that is left these hear nothing more.
    dropped = [
        said_dropped(left, asked, order.revision)
        for asked in order.awaits
        if asked not in (order.id, *left.requests)
    ]
    return Decision(
        save=[*served, name, left, other, *lines],
        publish=[said_drafted(left, stay), said_drafted(other, go), *dropped],
        answer={**as_named(left), "split_off": as_named(other)},
    )


def _parted(
    command: SplitOrder,
    order: PurchaseOrder,
    other: PurchaseOrder,
    known: Mapping[UUID, OrderLine],
    cause: Cause,
) -> tuple[Sequence[OrderLine], list[OrderLine]]:
    """The lines that stay and those that go."""
    stay, go = dict(known), list[OrderLine]()
    for index, moved in enumerate(command.lines):
        of = f"lines[{index}]"
        line = known.get(moved.order_line_id)
        if line is None or not line.living:
            message = f"Order {order.requisition_number} has no line {moved.order_line_id}."
            raise Rejection("order_line_not_known", field=f"{of}.order_line_id", message=message)
        if any(each.order_line_id == line.id for each in command.lines[:index]):
            message = "This line was named before."
            raise Rejection("order_line_named_twice", field=f"{of}.order_line_id", message=message)
        quantity = moved.quantity or line.ordered
        if quantity > line.ordered:
            message = f"{quantity} of {line.name} would go but {line.ordered} are ordered."
            raise Rejection("order_not_amendable", field=f"{of}.quantity", message=message)
        if quantity == line.ordered:
            del stay[line.id]
            go.append(replace(line, order_id=other.id, position=index + 1))
            continue
        rest = line.ordered - quantity
        stay[line.id] = replace(line, ordered=rest, units_made=rest).costing(order.currency)
        part = replace(
            line,
            id=cause.id("order_line", index),
            version=0,
            order_id=other.id,
            position=index + 1,
            ordered=quantity,
            units_made=quantity,
        )
        go.append(part.costing(order.currency))
    if not any(line.living for line in stay.values()):
        message = f"Nothing of order {order.requisition_number} would be left."
        raise Rejection("order_not_amendable", field="lines", message=message)
    return in_order(stay.values()), go


def combine(command: CombineOrders, held: Records, cause: Cause) -> Decision:
    """The lines of all drafts go onto the first of them; the others are cancelled without anything being lost."""
    orders = _combinable(command, held)
    first, others = orders[0], orders[1:]
    commanded = commanded_in(held)
    known = [line for order in orders for line in lines_held(held, order)]
    _check_wanted(known, commanded)
    if len(known) > LINES_MAX:
        message = f"Together they have {len(known)} lines."
        raise Rejection("too_many_lines", field="order_ids", message=message)
    named = next((order for order in orders if order.vendor_id is not None), first)
    vendor = held.find(Vendor, named.vendor_id) if named.vendor_id else None
    into = replace(
        first,
        vendor_id=named.vendor_id,
        vendor_number=named.vendor_number,
        vendor_name=named.vendor_name,
        payment_terms=first.payment_terms or named.payment_terms,
        freight=sum((order.freight for order in orders), Decimal(0)),
        changed_by=_makers_of(orders),
    )
    into = changed_by(into, cause)
    without_vendor = {order.id for order in orders if order.vendor_id is None and vendor is not None}
    lines = []
    for position, line in enumerate(known, 1):
        moved = replace(line, order_id=first.id, position=position)
        if line.order_id in without_vendor and vendor is not None:
            moved = _offered(moved, into, vendor, held, cause)
        lines.append(moved)
    into = _identified(revised(into, lines, cause, of="order_ids[0]"), lines, commanded)
    save: list[OrderName | PurchaseOrder] = [into]
    publish: list[Message] = [said_drafted(into, lines)]
    for order in others:
        gone = replace(
            order.become(Status.CANCELLED, status_since=cause.at, awaits=()),
            freight=Decimal(0),
            total=Decimal(0),
            tax=Decimal(0),
            expected_cost=Decimal(0),
        )
        save.append(gone)
        publish.append(said_cancelled(gone, (), f"combined into {first.requisition_number}"))
        if gone.request_id is None:
            publish += [
                said_dropped(gone, asked, order.revision) for asked in order.awaits if asked != order.id
            ]
    changed = [now for now, was in zip(lines, known, strict=True) if now != was]
    served = tracked(commanded, (into,), gone=[order.id for order in others])
    return Decision(save=[*served, *save, *changed], publish=publish, answer=as_named(into))


def _makers_of(orders: Iterable[PurchaseOrder]) -> tuple[str, ...]:
    """Who drafted or changed these: what becomes of them is theirs too. Of very many, the latest."""
    makers = (who for order in orders for who in (order.drafted_by, *order.changed_by) if who)
    return tuple(dict.fromkeys(makers))[-CHANGERS_MAX:]


def _check_wanted(lines: Iterable[OrderLine], commanded: Commanded) -> None:
    """A line whose cancellation is on its way stays where that looks for it."""
    for line in lines:
        known = commanded.get(line.request_id) if line.request_id is not None and line.living else None
        if known is not None and known.status is RequestOrdersStatus.CANCELLED:
            message = f"{line.name} is wanted for request {known.request_number}, which was cancelled."
            raise Rejection("order_not_amendable", field="lines", message=message)


def _combinable(command: CombineOrders, held: Records) -> Sequence[PurchaseOrder]:
    """The drafts that were named, in that order."""
    orders: list[PurchaseOrder] = []
    for index, order_id in enumerate(command.order_ids):
        of = f"order_ids[{index}]"
        order = held.find(PurchaseOrder, order_id)
        if order is None:
            raise Rejection("order_unknown", field=of, message=f"There is no order {order_id}.")
        if order.status not in UNSUBMITTED:
            raise not_a_draft(order, "combined")
        if order in orders:
            message = f"Order {order.requisition_number} was named before."
            raise Rejection("orders_not_combinable", field=of, message=message)
        orders.append(order)
    vendors = {order.vendor_id for order in orders} - {None}
    if len({(order.deliver_to, order.currency) for order in orders}) > 1 or len(vendors) > 1:
        message = "They are for several places, in several currencies or for several vendors."
        raise Rejection("orders_not_combinable", field="order_ids", message=message)
    return orders


def _offered(line: OrderLine, order: PurchaseOrder, vendor: Vendor, held: Records, cause: Cause) -> OrderLine:
    """A line that another vendor is to bring."""
    item = held.find(CatalogItem, line.item_id) if line.item_id else None
    line = offered(line, item, Buying(vendor, order.currency, cause.at.date()))
    return line.costing(order.currency) if line.living else line


def _identified(order: PurchaseOrder, lines: Iterable[OrderLine], commanded: Commanded) -> PurchaseOrder:
    """The order with the number and requester of the one request that all of it is for, if there is one."""
    only = commanded.get(order.request_id) if order.request_id else None
    order = replace(
        order,
        request_number=only.request_number if only else None,
        requester=only.requester if only else None,
    )
    return with_sums(order, lines)


def items_on(command: CombineOrders) -> Keys:
    """The catalog items that are on the drafts, and their vendors."""
    return [
        need
        for order_id in command.order_ids
        for need in (
            NamedBy(CatalogItem, by=PurchaseOrder, id=order_id, ids=lambda order: order.items),
            NamedBy(Vendor, by=PurchaseOrder, id=order_id, ids=lambda order: filter(None, [order.vendor_id])),
        )
    ]


HANDLERS: Handlers = (
    Handler(
        on=SplitOrder,
        holds=order_and_requests,
        reads=items_and_vendor,
        numbers=lambda _: {NUMBER: 1},
        early=Early.WAIT_10_MINUTES,
        decide=split,
    ),
    Handler(
        on=CombineOrders,
        holds=lambda command: [need for id in command.order_ids for need in whole_order(id)],
        reads=items_on,
        early=Early.WAIT_10_MINUTES,
        decide=combine,
        weight=lambda command: len(command.order_ids),
    ),
)
