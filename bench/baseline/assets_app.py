"""Assets: a template per unit ordered, in stock when received, then in somebody's hands."""

from uuid import UUID, uuid4

from sqlalchemy import ForeignKey, Identity, UniqueConstraint, select
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from bench.baseline.messages import (
    AssetsAssigned,
    AssetsReceived,
    AssignAssets,
    GoodsReceived,
    OrderSubmitted,
    StockedUnit,
    TaggedUnit,
    TemplateAssetsCreated,
)
from bench.baseline.plumbing import broker, commands, events, patiently, queue, say, sessions


class Base(DeclarativeBase):
    pass


class Asset(Base):
    __tablename__ = "assets"
    __table_args__ = (UniqueConstraint("order_line_id", "unit_number"),)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    counter: Mapped[int] = mapped_column(Identity())
    order_id: Mapped[UUID]
    order_line_id: Mapped[UUID]
    unit_number: Mapped[int]
    sku: Mapped[str]
    status: Mapped[str]
    serial: Mapped[str | None]
    location: Mapped[str | None]
    storage_space: Mapped[str | None]
    custodian: Mapped[str | None]

    @property
    def tag(self) -> str:
        return f"QM-{self.counter:08}"


class InventoryTransaction(Base):
    __tablename__ = "inventory_transactions"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    asset_id: Mapped[UUID] = mapped_column(ForeignKey(Asset.id), index=True)
    kind: Mapped[str]
    location: Mapped[str | None]
    storage_space: Mapped[str | None]
    cause: Mapped[UUID]


class Handover(Base):
    __tablename__ = "handovers"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    person: Mapped[str]
    request_id: Mapped[UUID]


@broker.subscriber(queue("assets", OrderSubmitted), events("purchasing"))
async def create_templates(order: OrderSubmitted) -> None:
    async with sessions.begin() as session:
        templates = {
            line.order_line_id: [
                Asset(
                    id=uuid4(),
                    order_id=order.order_id,
                    order_line_id=line.order_line_id,
                    unit_number=number,
                    sku=line.sku,
                    status="on_order",
                )
                for number in range(1, line.quantity + 1)
            ]
            for line in order.lines
        }
        session.add_all(asset for assets in templates.values() for asset in assets)
    for order_line_id, assets in templates.items():
        await say(
            TemplateAssetsCreated(
                order_line_id=order_line_id,
                order_id=order.order_id,
                request_id=order.request_id,
                assets=[
                    TaggedUnit(asset_id=asset.id, unit_number=asset.unit_number, tag=asset.tag)
                    for asset in assets
                ],
            ),
            events("assets"),
        )


@broker.subscriber(queue("assets", GoodsReceived), events("receiving"))
@patiently
async def put_in_stock(goods: GoodsReceived) -> None:
    stocked: dict[UUID, list[StockedUnit]] = {}
    async with sessions.begin() as session:
        found = await session.scalars(
            select(Asset)
            .where(Asset.order_line_id.in_([line.order_line_id for line in goods.lines]))
            .order_by(Asset.id)
            .with_for_update()
        )
        assets = {(asset.order_line_id, asset.unit_number): asset for asset in found}
        if not assets:
            raise NoResultFound
        for line in goods.lines:
            for unit in line.units:
                asset = assets[line.order_line_id, unit.unit_number]
                asset.status = "in_stock"
                asset.serial = unit.serial
                asset.location, asset.storage_space = unit.location, unit.storage_space
                session.add(
                    InventoryTransaction(
                        asset_id=asset.id,
                        kind="received",
                        location=unit.location,
                        storage_space=unit.storage_space,
                        cause=goods.receipt_id,
                    )
                )
                stocked.setdefault(line.order_line_id, []).append(
                    StockedUnit(asset_id=asset.id, tag=asset.tag, serial=unit.serial)
                )
    for order_line_id, units in stocked.items():
        await say(
            AssetsReceived(
                order_line_id=order_line_id,
                order_id=goods.order_id,
                request_id=goods.request_id,
                receipt_id=goods.receipt_id,
                assets=units,
            ),
            events("assets"),
        )


@broker.subscriber(queue("assets", AssignAssets), commands("assets"))
async def assign(wanted: AssignAssets) -> None:
    async with sessions.begin() as session:
        found = await session.scalars(
            select(Asset).where(Asset.id.in_(wanted.asset_ids)).order_by(Asset.id).with_for_update()
        )
        handover = Handover(id=uuid4(), person=wanted.person, request_id=wanted.request_id)
        session.add(handover)
        for asset in found:
            if asset.status != "in_stock":
                raise ValueError("only an asset in stock can be assigned")
            asset.status, asset.custodian = "assigned", wanted.person
            asset.location = asset.storage_space = None
            session.add(InventoryTransaction(asset_id=asset.id, kind="assigned", cause=handover.id))
    await say(
        AssetsAssigned(
            handover_id=handover.id,
            person=wanted.person,
            request_id=wanted.request_id,
            asset_ids=wanted.asset_ids,
        ),
        events("assets"),
    )
