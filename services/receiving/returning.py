"""Goods that go back to their vendor: for replacement, which is to come, or for credit."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar
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
    Rejection,
    Via,
)
from libs.contracts.receiving import (
    REFERENCES_MAX,
    GoodsReturned,
    LineToReturn,
    ReturnedLine,
    ReturnGoods,
    goods_id_of,
)
from libs.contracts.values import Kind
from services.receiving.expectation import (
    AWAY,
    ExpectedLine,
    ExpectedOrder,
    ExpectedUnit,
    OrderName,
    UnitStatus,
    order_name_id,
    units_held,
)
from services.receiving.receipt import Receipt, ReceiptLine
from services.receiving.taking_back import reversed_line_id, take_back

NUMBER = "return_number"
RECEIPTS_PER_LINE = 100
"""So many receipts fit what one fact can refer to, however many facts told of each."""


@dataclass(frozen=True, kw_only=True)
class Return(Record):
    """Goods of an order that went back to their vendor; `credited` of them are wanted no more."""

    APPEND_ONLY: ClassVar[bool] = True

    number: str
    order_id: UUID
    purpose: str
    reason: str
    rma: str | None
    returned_by: str
    returned_at: datetime
    quantity: int
    credited: int


@dataclass(frozen=True, kw_only=True)
class ReturnLine(Record):
    """How many of an order line went back: units, or a quantity that had come with a receipt line."""

    APPEND_ONLY: ClassVar[bool] = True

    return_id: UUID
    order_line_id: UUID
    sku: str
    quantity: int
    credited: int
    receipt_id: UUID | None = None
    receipt_line_id: UUID | None = None
    location: str | None = None
    storage_space: str | None = None


def return_goods(command: ReturnGoods, held: Records, cause: Cause) -> Decision:
    """Send goods back. What is credited makes a surplus smaller first; what is replaced is to come again."""
    return _Return(command, held, cause).decided()


class _Return:
    """One return as it is made up, line by line; an order line can stand in it several times."""

    def __init__(self, command: ReturnGoods, held: Records, cause: Cause) -> None:
        self._command, self._held, self._cause = command, held, cause
        self._id = cause.id("return")
        self._order = _order_named(command, held)
        self._lines: dict[UUID, ExpectedLine] = {}
        self._units: dict[UUID, list[ExpectedUnit]] = {}
        self._gone: Counter[UUID] = Counter()
        self._kept: list[ReturnLine] = []
        self._said: list[tuple[ReturnedLine, set[UUID]]] = []

    def decided(self) -> Decision:
        """All of it, or a refusal."""
        credit = self._command.purpose == "credit"
        for index, told in enumerate(self._command.lines):
            self._go(told, credit=credit, of=f"lines[{index}]")
        save: list[Record] = [*self._kept]
        for id, line in self._lines.items():
            save.append(line)
            if units := self._units.get(id):
                save += take_back(line, units, self._id, self._held, credited=credit)
        number = f"RTV-{self._cause.numbers[NUMBER][0]:06d}"
        by = self._cause.actor.id or self._cause.sender
        record = Return(
            id=self._id,
            number=number,
            order_id=self._order.id,
            purpose=self._command.purpose,
            reason=self._command.reason,
            rma=self._command.rma,
            returned_by=by,
            returned_at=self._cause.at,
            quantity=sum(line.quantity for line in self._kept),
            credited=sum(line.credited for line in self._kept),
        )
        facts = [
            GoodsReturned(
                return_id=self._id,
                return_number=number,
                goods=goods,
                order_id=self._order.id,
                purpose=self._command.purpose,
                returned_by=by,
                reason=self._command.reason,
                rma=self._command.rma,
                lines=lines,
            )
            for lines, goods in self._parts()
        ]
        answer = {"return_id": str(self._id), "return_number": number, "order_id": str(self._order.id)}
        return Decision(save=[record, *save], publish=facts, answer=answer)

    def _go(self, told: LineToReturn, *, credit: bool, of: str) -> None:
        line = self._line_named(told, of=of)
        came = None
        units: list[ExpectedUnit] = []
        if told.receipt_line_id is None:
            units = list(self._units_named(told, line, of=of))
            self._units.setdefault(line.id, []).extend(units)
        else:
            came = self._receipt_line(told, line, of=of)
        quantity = told.quantity or len(told.asset_ids)
        credited = max(0, quantity - line.over) if credit else 0
        self._lines[line.id] = replace(
            line, returned=line.returned + quantity, credited=line.credited + credited
        )
        location, storage_space = (came.location, came.storage_space) if came else (None, None)
        self._kept.append(
            ReturnLine(
                id=self._cause.id("return_line", len(self._kept)),
                return_id=self._id,
                order_line_id=line.id,
                sku=line.sku,
                quantity=quantity,
                credited=credited,
                receipt_id=came.receipt_id if came else None,
                receipt_line_id=came.id if came else None,
                location=location,
                storage_space=storage_space,
            )
        )
        for group in _groups(units) or [()]:
            now = len(group) or quantity
            returned = ReturnedLine(
                order_line_id=line.id,
                request_id=line.request_id or self._order.request_id,
                request_line_id=line.request_line_id,
                quantity=now,
                credited=min(credited, now),
                asset_creation=line.asset_creation,
                asset_ids=tuple(unit.id for unit in group),
                location=location,
                storage_space=storage_space,
            )
            credited -= min(credited, now)
            receipts = {came.receipt_id} if came else {unit.receipt_id for unit in group if unit.receipt_id}
            self._said.append((returned, receipts))

    def _line_named(self, told: LineToReturn, *, of: str) -> ExpectedLine:
        """A line of the order; units go back of hardware, a quantity of anything that is counted."""
        line = self._lines.get(told.order_line_id) or self._held.find(ExpectedLine, told.order_line_id)
        if line is None or line.order_id != self._order.id:
            message = f"Order {self._order.requisition_number} has no line {told.order_line_id}."
            raise Rejection("order_line_unknown", field=f"{of}.order_line_id", message=message)
        if (line.kind is Kind.HARDWARE) != bool(told.asset_ids):
            message = f"{line.sku} is {line.kind}: hardware goes back unit by unit, all else by quantity."
            raise Rejection("kind_not_received", field=of, message=message)
        return line

    def _units_named(self, told: LineToReturn, line: ExpectedLine, *, of: str) -> Iterator[ExpectedUnit]:
        """Units that are here, in nobody's hands, and stand in the return once."""
        named = {unit.id for unit in self._units.get(line.id, ())}
        for position, asset_id in enumerate(told.asset_ids):
            field = f"{of}.asset_ids[{position}]"
            unit = self._held.find(ExpectedUnit, asset_id)
            if unit is not None and (unit.status is UnitStatus.RETURNED or unit.id in named):
                raise Rejection("unit_returned", field=field, message=f"Unit {asset_id} went back already.")
            if unit is None or unit.order_line_id != line.id or unit.status is not UnitStatus.RECEIVED:
                message = f"Unit {asset_id} of {line.sku} is not here."
                raise Rejection("unit_not_here", field=field, message=message)
            if unit.acknowledged:
                message = f"Somebody has acknowledged unit {asset_id}."
                raise Rejection("unit_acknowledged", field=field, message=message)
            yield unit

    def _receipt_line(self, told: LineToReturn, line: ExpectedLine, *, of: str) -> ReceiptLine:
        """The receipt line that the quantity had come with, of which so many are here and not issued."""
        assert told.receipt_line_id is not None  # told together with the quantity
        assert told.quantity is not None
        came = self._held.find(ReceiptLine, told.receipt_line_id)
        if came is None or came.order_line_id != line.id or came.accepted < 0:
            message = f"No receipt line {told.receipt_line_id} is of this order line."
            raise Rejection("receipt_line_unknown", field=f"{of}.receipt_line_id", message=message)
        went = self._held.all(ReturnLine, receipt_line_id=came.id)
        taken_back = self._held.find(ReceiptLine, reversed_line_id(came.id)) is not None
        here = 0 if taken_back else came.accepted - sum(each.quantity for each in went) - self._gone[came.id]
        if told.quantity > here:
            message = f"Of {line.sku} {here} are here that came with the receipt line."
            raise Rejection("return_exceeds_kept", field=f"{of}.quantity", message=message)
        if line.kept - told.quantity < line.issued:
            message = f"Of {line.sku} {line.issued} were issued already."
            raise Rejection("unit_issued", field=f"{of}.quantity", message=message)
        self._gone[came.id] += told.quantity
        return came

    def _parts(self) -> Iterator[tuple[tuple[ReturnedLine, ...], tuple[UUID, ...]]]:
        """The lines with the facts that told of their receipts, in as many facts as refer to so many."""
        lines: list[ReturnedLine] = []
        goods: dict[UUID, None] = {}
        for line, receipts in self._said:
            known = {receipt: self._held.find(Receipt, receipt) for receipt in receipts}
            told = {
                goods_id_of(receipt, said): None
                for receipt, record in sorted(known.items())
                for said in range(1, (record.said if record else 1) + 1)
            }
            if lines and len(goods | told) > REFERENCES_MAX:
                yield tuple(lines), tuple(goods)
                lines, goods = [], {}
            lines.append(line)
            goods |= told
        yield tuple(lines), tuple(goods)


def _groups(units: list[ExpectedUnit]) -> list[tuple[ExpectedUnit, ...]]:
    """The units, those of a receipt together, in as few groups as can be said."""
    by_receipt: dict[UUID | None, list[ExpectedUnit]] = {}
    for unit in units:
        by_receipt.setdefault(unit.receipt_id, []).append(unit)
    receipts = list(by_receipt.values())
    return [
        tuple(unit for receipt in receipts[first : first + RECEIPTS_PER_LINE] for unit in receipt)
        for first in range(0, len(receipts), RECEIPTS_PER_LINE)
    ]


def _order_named(command: ReturnGoods, held: Records) -> ExpectedOrder:
    for order in held.all(ExpectedOrder):
        return order
    names = ("order_id", "requisition_number", "purchase_order_number")
    field = next(name for name in names if getattr(command, name) is not None)
    message = f"No submitted order is called {command.order_id or command.number}."
    raise Rejection("order_unknown", field=field, message=message)


def _receipt_of_unit(unit: ExpectedUnit) -> list[UUID]:
    return [unit.receipt_id] if unit.receipt_id else []


def _receipt_of_line(line: ReceiptLine) -> list[UUID]:
    return [line.receipt_id]


def _what_it_changes(command: ReturnGoods) -> Keys:
    for line in command.lines:
        # The line's lock guards its units and what went back of it.
        yield Key(ExpectedLine, line.order_line_id, may_be_new=True)
        if line.asset_ids:
            yield from units_held(line.order_line_id, *AWAY)
        for asset_id in line.asset_ids:
            yield Key(ExpectedUnit, asset_id, may_be_new=True)
            yield NamedBy(Receipt, by=ExpectedUnit, id=asset_id, ids=_receipt_of_unit)
        if line.receipt_line_id is not None:
            receipt = NamedBy(Receipt, by=ReceiptLine, id=line.receipt_line_id, ids=_receipt_of_line)
            yield receipt
            yield Key(ReceiptLine, line.receipt_line_id, may_be_new=True)
            yield Many(ReturnLine, by="receipt_id", value=receipt)


def _what_it_reads(command: ReturnGoods) -> Keys:
    if command.order_id:
        yield Key(ExpectedOrder, command.order_id)
    elif command.number:
        yield Key(ExpectedOrder, Via(OrderName, order_name_id(command.number), "order_id"))
    for line in command.lines:
        if line.receipt_line_id is not None:
            yield Key(ReceiptLine, reversed_line_id(line.receipt_line_id), may_be_new=True)


HANDLERS: Handlers = (
    Handler(
        on=ReturnGoods,
        holds=_what_it_changes,
        reads=_what_it_reads,
        numbers=lambda _: {NUMBER: 1},
        early=Early.WAIT_10_MINUTES,
        decide=return_goods,
        weight=lambda command: sum(max(1, len(line.asset_ids)) for line in command.lines),
    ),
)
