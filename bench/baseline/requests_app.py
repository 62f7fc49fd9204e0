"""Requests: people's requests and the process that carries them through the other applications."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID, uuid4

from sqlalchemy import DateTime, ForeignKey, Identity, Numeric, UniqueConstraint, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from bench.baseline.messages import (
    AssetsAssigned,
    AssetsReceived,
    AssignAssets,
    CreateOrder,
    GoodsReceived,
    LineToOrder,
    Money,
    OrderSubmitted,
    RequestApproved,
    RequestFulfilled,
    RequestSubmitted,
    SubmitRequest,
)
from bench.baseline.plumbing import broker, commands, events, queue, say, sessions

APPROVED_AT_ONCE_BELOW = 1_000


class Base(DeclarativeBase):
    pass


class CatalogItem(Base):
    """This application's copy of what can be bought and at which price."""

    __tablename__ = "catalog_items"
    sku: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    vendor_name: Mapped[str]
    unit_price: Mapped[Decimal] = mapped_column(Numeric(19, 6))
    currency: Mapped[str]
    warranty_months: Mapped[int]


class Request(Base):
    __tablename__ = "requests"
    __table_args__ = (UniqueConstraint("external_reference"),)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    counter: Mapped[int] = mapped_column(Identity())
    external_reference: Mapped[str]
    requester: Mapped[str]
    deliver_to: Mapped[str]
    currency: Mapped[str]
    total: Mapped[Decimal] = mapped_column(Numeric(19, 4))
    status: Mapped[str]
    submitted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=lambda: datetime.now(UTC))
    lines: Mapped[list["RequestLine"]] = relationship()

    @property
    def number(self) -> str:
        return f"REQ-{self.counter:06}"


class RequestLine(Base):
    __tablename__ = "request_lines"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    request_id: Mapped[UUID] = mapped_column(ForeignKey(Request.id), index=True)
    sku: Mapped[str]
    quantity: Mapped[int]
    unit_price: Mapped[Decimal] = mapped_column(Numeric(19, 6))


class Process(Base):
    """How far the fulfilment of a request has come, in units."""

    __tablename__ = "processes"
    request_id: Mapped[UUID] = mapped_column(ForeignKey(Request.id), primary_key=True)
    units: Mapped[int]
    ordered: Mapped[int] = mapped_column(default=0)
    received: Mapped[int] = mapped_column(default=0)
    assigned: Mapped[int] = mapped_column(default=0)
    request: Mapped[Request] = relationship(lazy="joined", innerjoin=True)


class ProcessStep(Base):
    __tablename__ = "process_steps"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    request_id: Mapped[UUID] = mapped_column(ForeignKey(Request.id), index=True)
    request: Mapped[Request] = relationship()
    trigger: Mapped[str]
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=lambda: datetime.now(UTC))


@broker.subscriber(queue("requests", SubmitRequest), commands("requests"))
async def submit(asked: SubmitRequest) -> None:
    async with sessions.begin() as session:
        skus = {line.sku for line in asked.lines}
        found = await session.scalars(select(CatalogItem).where(CatalogItem.sku.in_(skus)))
        prices = {item.sku: item.unit_price for item in found}
        lines = [
            RequestLine(id=uuid4(), sku=line.sku, quantity=line.quantity, unit_price=prices[line.sku])
            for line in asked.lines
        ]
        total = sum((line.unit_price * line.quantity for line in lines), Decimal(0))
        if total >= APPROVED_AT_ONCE_BELOW:
            raise ValueError("only what is approved at once takes part in the comparison")
        request = Request(
            id=uuid4(),
            external_reference=asked.external_reference,
            requester=asked.requester,
            deliver_to=asked.deliver_to,
            currency=asked.currency,
            total=total,
            status="approved",
            lines=lines,
        )
        session.add(Process(request=request, units=sum(line.quantity for line in lines)))
        session.add(ProcessStep(request=request, trigger=asked.type))
    money = Money(amount=total, currency=asked.currency)
    await say(
        RequestSubmitted(
            request_id=request.id, number=request.number, requester=asked.requester, total=money
        ),
        events("requests"),
    )
    await say(
        RequestApproved(request_id=request.id, number=request.number, approved_by=[], total=money),
        events("requests"),
    )
    await say(
        CreateOrder(
            request_id=request.id,
            request_number=request.number,
            requester=asked.requester,
            deliver_to=asked.deliver_to,
            approved_total=money,
            lines=[
                LineToOrder(
                    request_line_id=line.id,
                    sku=line.sku,
                    quantity=line.quantity,
                    approved_unit_price=line.unit_price,
                )
                for line in lines
            ],
        ),
        commands("purchasing"),
    )


@broker.subscriber(queue("requests", OrderSubmitted), events("purchasing"))
async def follow_order(order: OrderSubmitted) -> None:
    async with sessions.begin() as session:
        process = await session.get_one(Process, order.request_id, with_for_update=True)
        request = process.request
        process.ordered += sum(line.quantity for line in order.lines)
        if request.status in ("approved", "partially_ordered"):
            request.status = "ordered" if process.ordered == process.units else "partially_ordered"
        session.add(ProcessStep(request=request, trigger=order.type))


@broker.subscriber(queue("requests", GoodsReceived), events("receiving"))
async def follow_goods(goods: GoodsReceived) -> None:
    async with sessions.begin() as session:
        process = await session.get_one(Process, goods.request_id, with_for_update=True)
        request = process.request
        process.received += sum(line.accepted for line in goods.lines)
        if request.status != "fulfilled":
            request.status = "received" if process.received == process.units else "partially_received"
        session.add(ProcessStep(request=request, trigger=goods.type))


@broker.subscriber(queue("requests", AssetsReceived), events("assets"))
async def hand_over(stocked: AssetsReceived) -> None:
    async with sessions.begin() as session:
        process = await session.get_one(Process, stocked.request_id, with_for_update=True)
        request = process.request
        session.add(ProcessStep(request=request, trigger=stocked.type))
    await say(
        AssignAssets(
            person=request.requester,
            request_id=stocked.request_id,
            asset_ids=[unit.asset_id for unit in stocked.assets],
        ),
        commands("assets"),
    )


@broker.subscriber(queue("requests", AssetsAssigned), events("assets"))
async def finish(handover: AssetsAssigned) -> None:
    async with sessions.begin() as session:
        process = await session.get_one(Process, handover.request_id, with_for_update=True)
        request = process.request
        process.assigned += len(handover.asset_ids)
        done = process.assigned == process.units
        if done:
            request.status = "fulfilled"
        session.add(ProcessStep(request=request, trigger=handover.type))
    if done:
        await say(RequestFulfilled(request_id=request.id, number=request.number), events("requests"))
