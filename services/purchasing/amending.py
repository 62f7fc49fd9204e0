"""What a submitted order becomes by an amendment: what may change of it, what stays, and the diff.

A quantity goes down at most to what is here, was invoiced or was cancelled. Units that are added get new numbers.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from libs.chassis.decision import Cause, Records, Rejection
from libs.contracts.message import Message
from libs.contracts.orders import AmendOrder, ChangedLine, Contract
from libs.contracts.purchasing import AmendedLine, OrderAmended, OrderChange
from libs.contracts.requests import ApproveOrder
from libs.contracts.values import Kind, money
from services.purchasing.catalog import Vendor
from services.purchasing.commitment import Commanded, share_of
from services.purchasing.order_facts import said_ordered
from services.purchasing.order_lines import Buying, check_days, check_reason, drafted
from services.purchasing.purchase_order import OrderLine, PurchaseOrder, in_order, lines_held, with_sums
from services.purchasing.spending import on_its_day, parties_of, size_of, spending_question

FIXED = ("vendor_number", "currency", "deliver_to")
FIXED_OF_LINES = ("asset_creation", "destination", "starts_on", "ends_on")
OF_LINES = ("unit_price", "price_reason", "tax_percent", "expected_on", "contract")


class Amended(NamedTuple):
    """An order as it would be: with all its lines, which of them are new, and what is different from before."""

    order: PurchaseOrder
    lines: Sequence[OrderLine]
    added: Sequence[OrderLine]
    changes: tuple[OrderChange, ...]


def amended(command: AmendOrder, order: PurchaseOrder, held: Records, cause: Cause) -> Amended:
    """The order as the command wants it, if it may be so. Without changes it is what it was."""
    known = {line.id: line for line in lines_held(held, order)}
    _check_what_stays(command, order, known)
    vendor = held.find(Vendor, order.vendor_id) if order.vendor_id else None
    buying = Buying(vendor, order.currency, cause.at.date())
    lines = dict(known)
    for index, change in enumerate(command.lines):
        lines[change.order_line_id] = _line_amended(
            known[change.order_line_id], change, buying, f"lines[{index}]"
        )
    added = [
        on_its_day(line, buying.day) for line in drafted(command.add, order, buying, held, cause, of="add")
    ]
    for line in added:
        if line.unit_price is None:
            message = f"{line.name} has no agreed price: say what it costs."
            raise Rejection("price_missing", field="add", message=message)
    given: dict[str, Any] = {
        "name": command.name,
        "purchase_order_number": command.new_purchase_order_number,
        "payment_terms": command.payment_terms,
        "freight": command.freight,
    }
    now = replace(order, **{name: value for name, value in given.items() if value is not None})
    changes = tuple(_differences(order, known, now, lines, added))
    if not changes:
        return Amended(order, in_order(known.values()), (), ())
    every = in_order((*lines.values(), *added))
    expected_on = max((line.expected_on for line in every if line.expected_on and line.open), default=None)
    now = replace(
        with_sums(now, every),
        items=order.items,
        revision=order.revision + 1,
        amendments=order.amendments + 1,
        expected_on=expected_on,
    )
    return Amended(now, every, added, changes)


def _check_what_stays(command: AmendOrder, order: PurchaseOrder, known: dict[UUID, OrderLine]) -> None:
    """What its vendor was told once and others rely on cannot become different."""
    for name in FIXED:
        if getattr(command, name) not in (None, getattr(order, name)):
            message = f"Order {order.requisition_number} was submitted: this cannot be changed any more."
            raise Rejection("order_not_amendable", field=name, message=message)
    if command.remove:
        message = "Lines of a submitted order are cancelled, not removed."
        raise Rejection("order_not_amendable", field="remove", message=message)
    named: set[UUID] = set()
    for index, change in enumerate(command.lines):
        of = f"lines[{index}]"
        line = known.get(change.order_line_id)
        if line is None:
            message = f"Order {order.requisition_number} has no line {change.order_line_id}."
            raise Rejection("order_line_not_known", field=f"{of}.order_line_id", message=message)
        if line.id in named:
            message = "This line was named before."
            raise Rejection("order_line_named_twice", field=f"{of}.order_line_id", message=message)
        named.add(line.id)
        if not line.living:
            message = f"All of line {line.position} was cancelled: add a line instead."
            raise Rejection("order_not_amendable", field=f"{of}.order_line_id", message=message)
        now = {"destination": line.bought_for}
        for name in FIXED_OF_LINES:
            if getattr(change, name) not in (None, now.get(name, getattr(line, name))):
                message = f"Line {line.position} was submitted: this cannot be changed any more."
                raise Rejection("order_not_amendable", field=f"{of}.{name}", message=message)


def _line_amended(line: OrderLine, change: ChangedLine, buying: Buying, of: str) -> OrderLine:
    now = {name: value for name in OF_LINES if (value := getattr(change, name)) is not None}
    after = replace(line, **now)
    check_days(change, None, None, of)
    if change.unit_price is not None and change.unit_price != line.unit_price:
        check_reason(after, of)
    if change.quantity is not None and change.quantity != line.ordered:
        after = _with_quantity(after, change.quantity, of)
    return line if after == line else after.costing(buying.currency)


def _with_quantity(line: OrderLine, quantity: int, of: str) -> OrderLine:
    least = lowest_quantity(line)
    if quantity < least:
        message = f"{line.name}: {least} are here, invoiced or cancelled, so {quantity} cannot be ordered."
        raise Rejection("quantity_below_received", field=f"{of}.quantity", message=message)
    after = replace(line, ordered=quantity, units_made=line.units_made + max(0, quantity - line.ordered))
    if line.kind is Kind.SOFTWARE:
        # Of software that is wanted no longer somebody may have so many: these are counted beyond what is wanted.
        in_use = line.entitled if line.entitled > line.ordered - line.asked else 0
        after = replace(after, entitled=max(in_use, quantity - line.asked))
    if after.cancelled != line.cancelled:
        # Some are here that were cancelled: one more unit would count as cancelled at once.
        message = (
            f"{line.name}: {line.asked + line.credited} were cancelled. Add a line for what is wanted now."
        )
        raise Rejection("order_not_amendable", field=f"{of}.quantity", message=message)
    return after


def lowest_quantity(line: OrderLine) -> int:
    """What a line's quantity cannot go below. Software goes back, but for what assets says is in use."""
    if line.kind is Kind.SOFTWARE:
        return max(line.asked + 1, line.invoiced)
    return max(line.kept + line.cancelled, line.invoiced, 1)


def _differences(
    order: PurchaseOrder,
    known: dict[UUID, OrderLine],
    now: PurchaseOrder,
    lines: dict[UUID, OrderLine],
    added: Iterable[OrderLine],
) -> Iterator[OrderChange]:
    for name in ("name", "purchase_order_number", "payment_terms", "freight"):
        before, after = getattr(order, name), getattr(now, name)
        if before != after:
            yield OrderChange(what=name, before=_written(before), after=_written(after))
    for line in in_order(known.values()):
        for name in ("ordered", *OF_LINES):
            before, after = getattr(line, name), getattr(lines[line.id], name)
            if before != after:
                what = "quantity" if name == "ordered" else name
                yield OrderChange(
                    what=what, order_line_id=line.id, before=_written(before), after=_written(after)
                )
    for line in added:
        written = f"{line.ordered} of {line.sku} ({line.name}) at {_written(line.unit_price)}"
        yield OrderChange(what="line", order_line_id=line.id, before=None, after=written)


def _written(value: object) -> str | None:
    """As people write it, not as it is stored."""
    if value is None:
        return None
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return value.number if isinstance(value, Contract) else str(value)


def said_amended(before: Sequence[OrderLine], now: Amended, reason: str, by: str) -> OrderAmended:
    """A submitted order is another one now."""
    order = now.order
    if order.vendor_id is None or order.vendor_name is None:
        raise RuntimeError(f"order {order.requisition_number} was submitted without a vendor")
    known = {line.id: line for line in before}
    return OrderAmended(
        order_id=order.id,
        requisition_number=order.requisition_number,
        purchase_order_number=order.purchase_order_number,
        request_id=order.request_id,
        amendment=order.amendments,
        order_revision=order.revision,
        vendor_id=order.vendor_id,
        vendor_name=order.vendor_name,
        amended_by=by,
        reason=reason,
        total=money(order.total, order.currency),
        expected_cost=money(order.expected_cost, order.currency),
        changes=now.changes,
        lines=tuple(
            AmendedLine(
                order_line_id=line.id,
                request_id=line.request_id,
                request_line_id=line.request_line_id,
                quantity_before=known[line.id].ordered,
                quantity=line.ordered,
                units_made=line.units_made,
                asked=line.asked,
                unit_price=line.agreed_price,
                expected_on=line.expected_on,
            )
            for line in now.lines
            if line.id in known and line != known[line.id]
        ),
        added=tuple(said_ordered(line) for line in now.added),
    )


def questions_about(
    now: Amended,
    before: Sequence[OrderLine],
    order: PurchaseOrder,
    commanded: Commanded,
    unasked: Iterable[UUID],
    by: str,
) -> Iterable[Message]:
    """May it cost as much as that? The revision is the one that the amendment would make."""
    for asked in unasked:
        if asked != order.id:
            more = share_of(now.order, now.lines, asked) - share_of(order, before, asked)
            total = commanded[asked].committed + more
            yield spending_question(now.order, now.lines, commanded[asked], total, (by,))
            continue
        yield ApproveOrder(
            order_id=order.id,
            requisition_number=order.requisition_number,
            order_revision=now.order.revision,
            total=money(size_of(now.order, now.lines), order.currency),
            vendor_number=order.vendor_number or "",
            kinds=tuple(sorted({line.kind for line in now.lines if line.living})),
            asked_by=by,
            request_ids=order.requests,
            parties=parties_of(order, by),
        )
