"""Purchasing: an approved request becomes a submitted order; receipts are counted against it."""

from decimal import Decimal
from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Identity, Numeric, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload

from bench.baseline.messages import (
    CreateOrder,
    GoodsReceived,
    Money,
    OrderedLine,
    OrderReceived,
    OrderSubmitted,
)
from bench.baseline.plumbing import broker, commands, events, queue, say, sessions


class Base(DeclarativeBase):
    pass


class CatalogItem(Base):
    __tablename__ = "catalog_items"
    sku: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    vendor_name: Mapped[str]
    unit_price: Mapped[Decimal] = mapped_column(Numeric(19, 6))
    currency: Mapped[str]
    warranty_months: Mapped[int]


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    counter: Mapped[int] = mapped_column(Identity())
    request_id: Mapped[UUID] = mapped_column(index=True)
    vendor_name: Mapped[str]
    deliver_to: Mapped[str]
    currency: Mapped[str]
    total: Mapped[Decimal] = mapped_column(Numeric(19, 4))
    status: Mapped[str]
    lines: Mapped[list["OrderLine"]] = relationship()

    @property
    def requisition_number(self) -> str:
        return f"PR-{self.counter:06}"


class OrderLine(Base):
    __tablename__ = "order_lines"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    order_id: Mapped[UUID] = mapped_column(ForeignKey(Order.id), index=True)
    request_line_id: Mapped[UUID]
    sku: Mapped[str]
    name: Mapped[str]
    quantity: Mapped[int]
    received: Mapped[int] = mapped_column(default=0)
    unit_price: Mapped[Decimal] = mapped_column(Numeric(19, 6))
    warranty_months: Mapped[int]


@broker.subscriber(queue("purchasing", CreateOrder), commands("purchasing"))
async def create(approved: CreateOrder) -> None:
    """One order per preferred vendor."""
    orders = []
    async with sessions.begin() as session:
        skus = {line.sku for line in approved.lines}
        found = await session.scalars(select(CatalogItem).where(CatalogItem.sku.in_(skus)))
        items = {item.sku: item for item in found}
        for vendor_name in sorted({item.vendor_name for item in items.values()}):
            lines = [
                OrderLine(
                    id=uuid4(),
                    request_line_id=line.request_line_id,
                    sku=line.sku,
                    name=items[line.sku].name,
                    quantity=line.quantity,
                    unit_price=items[line.sku].unit_price,
                    warranty_months=items[line.sku].warranty_months,
                )
                for line in approved.lines
                if items[line.sku].vendor_name == vendor_name
            ]
            order = Order(
                request_id=approved.request_id,
                vendor_name=vendor_name,
                deliver_to=approved.deliver_to,
                currency=approved.approved_total.currency,
                total=sum((line.unit_price * line.quantity for line in lines), Decimal(0)),
                status="submitted",
                lines=lines,
            )
            orders.append(order)
            session.add(order)
    for order in orders:
        await say(
            OrderSubmitted(
                order_id=order.id,
                requisition_number=order.requisition_number,
                request_id=order.request_id,
                vendor_name=order.vendor_name,
                deliver_to=order.deliver_to,
                total=Money(amount=order.total, currency=order.currency),
                lines=[
                    OrderedLine(
                        order_line_id=line.id,
                        request_line_id=line.request_line_id,
                        sku=line.sku,
                        name=line.name,
                        quantity=line.quantity,
                        unit_price=line.unit_price,
                        warranty_months=line.warranty_months,
                    )
                    for line in order.lines
                ],
            ),
            events("purchasing"),
        )


@broker.subscriber(queue("purchasing", GoodsReceived), events("receiving"))
async def count(goods: GoodsReceived) -> None:
    async with sessions.begin() as session:
        order = await session.get_one(
            Order, goods.order_id, with_for_update={"of": Order}, options=[selectinload(Order.lines)]
        )
        lines = {line.id: line for line in order.lines}
        for received in goods.lines:
            lines[received.order_line_id].received += received.accepted
        complete = all(line.received >= line.quantity for line in order.lines)
        order.status = "received" if complete else "partially_received"
    if complete:
        await say(
            OrderReceived(
                order_id=order.id,
                requisition_number=order.requisition_number,
                request_id=order.request_id,
            ),
            events("purchasing"),
        )
