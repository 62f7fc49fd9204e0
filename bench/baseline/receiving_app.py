"""Receiving: what is expected at the dock, and what was taken there."""

from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Identity, UniqueConstraint, select
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from bench.baseline.messages import (
    GoodsReceived,
    OrderSubmitted,
    ReceivedLine,
    ReceivedUnit,
    RecordReceipt,
)
from bench.baseline.plumbing import broker, commands, events, patiently, queue, say, sessions


class Base(DeclarativeBase):
    pass


class ExpectedLine(Base):
    __tablename__ = "expected_lines"
    order_line_id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(index=True)
    request_id: Mapped[UUID]
    request_line_id: Mapped[UUID]
    sku: Mapped[str]
    quantity: Mapped[int]
    received: Mapped[int] = mapped_column(default=0)


class Receipt(Base):
    __tablename__ = "receipts"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    counter: Mapped[int] = mapped_column(Identity())
    order_id: Mapped[UUID] = mapped_column(index=True)
    lines: Mapped[list["ReceiptLine"]] = relationship()

    @property
    def number(self) -> str:
        return f"RCV-{self.counter:06}"


class ReceiptLine(Base):
    __tablename__ = "receipt_lines"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    receipt_id: Mapped[UUID] = mapped_column(ForeignKey(Receipt.id), index=True)
    order_line_id: Mapped[UUID]
    accepted: Mapped[int]
    units: Mapped[list["ReceiptUnit"]] = relationship()


class ReceiptUnit(Base):
    __tablename__ = "receipt_units"
    __table_args__ = (UniqueConstraint("sku", "serial"),)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    receipt_line_id: Mapped[UUID] = mapped_column(ForeignKey(ReceiptLine.id), index=True)
    unit_number: Mapped[int]
    sku: Mapped[str]
    serial: Mapped[str]
    condition: Mapped[str]
    location: Mapped[str]
    storage_space: Mapped[str]


@broker.subscriber(queue("receiving", OrderSubmitted), events("purchasing"))
async def expect(order: OrderSubmitted) -> None:
    async with sessions.begin() as session:
        session.add_all(
            ExpectedLine(
                order_line_id=line.order_line_id,
                order_id=order.order_id,
                request_id=order.request_id,
                request_line_id=line.request_line_id,
                sku=line.sku,
                quantity=line.quantity,
            )
            for line in order.lines
        )


@broker.subscriber(queue("receiving", RecordReceipt), commands("receiving"))
@patiently
async def record(delivery: RecordReceipt) -> None:
    async with sessions.begin() as session:
        found = await session.scalars(
            select(ExpectedLine)
            .where(ExpectedLine.order_id == delivery.order_id)
            .order_by(ExpectedLine.order_line_id)
            .with_for_update()
        )
        expected = {line.order_line_id: line for line in found}
        if not expected:
            raise NoResultFound
        receipt = Receipt(id=uuid4(), order_id=delivery.order_id)
        lines = []
        for delivered in delivery.lines:
            line = expected[delivered.order_line_id]
            if len(delivered.units) > line.quantity - line.received:
                raise ValueError("more was received than is open on the order line")
            units = [
                ReceivedUnit(unit_number=number, **unit.model_dump())
                for number, unit in enumerate(delivered.units, line.received + 1)
            ]
            line.received += len(units)
            receipt_line = ReceiptLine(
                id=uuid4(),
                order_line_id=line.order_line_id,
                accepted=len(units),
                units=[ReceiptUnit(sku=line.sku, **unit.model_dump()) for unit in units],
            )
            receipt.lines.append(receipt_line)
            lines.append(
                ReceivedLine(
                    receipt_line_id=receipt_line.id,
                    order_line_id=line.order_line_id,
                    request_line_id=line.request_line_id,
                    sku=line.sku,
                    accepted=len(units),
                    units=units,
                )
            )
        session.add(receipt)
    request_id = next(iter(expected.values())).request_id
    await say(
        GoodsReceived(
            receipt_id=receipt.id,
            receipt_number=receipt.number,
            order_id=delivery.order_id,
            request_id=request_id,
            lines=lines,
        ),
        events("receiving"),
    )
