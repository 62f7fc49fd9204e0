"""What arrived is in stock: templates are converted, under the id they were ordered with, and lots grow.

What the dock took back can come again; the receipt then waits for what took it back, and what takes back waits for the
receipts it is about, so that all of it is taken in the order in which it happened.
"""

from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import Cause, Decision, Early, Handler, Handlers, Key, Keys, Record, Records
from libs.contracts.assets import ISSUED_TAG_PREFIX, AssetsReceived, StockedUnit
from libs.contracts.message import Message
from libs.contracts.receiving import GoodsReceived, ReceivedLine, ReceivedUnit, goods_id_of
from libs.contracts.values import AssetCreation, derived_id
from services.assets import lot
from services.assets.asset import (
    Asset,
    Status,
    followed,
    parts_of,
    template,
    templates_cancelled,
    templates_held,
    templates_of,
    together,
)
from services.assets.label import Label, label_id, label_on
from services.assets.ordered_line import OrderedLine
from services.assets.stock import InventoryTransaction, Movement, balances

BESIDE_NUMBERS_FROM = -(2**31)
"""Units that came beside another one's template have numbers from here on down."""


@dataclass(frozen=True, kw_only=True)
class TakenGoods(Record):
    """A fact about a receipt that we have taken, so that what undoes it can follow.

    `beside` tells of units, by the ids under which the dock had received them, which other assets they became.
    """

    APPEND_ONLY: ClassVar[bool] = True

    receipt_id: UUID
    beside: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TakeBack(Record):
    """A reversal or return at the dock that we have taken, under its id: what came again after it can follow."""

    APPEND_ONLY: ClassVar[bool] = True

    order_id: UUID


def receive(goods: GoodsReceived, held: Records, cause: Cause) -> Decision:
    """What arrived is in stock, under the id it was ordered with.

    The dock wins: a cancelled unit that arrives is revived, and if another was to come in its place, that one
    won't. A unit that is here stays as it is: the same thing cannot arrive twice.
    """
    unloading = _Unloading(goods, held, cause)
    done = []
    by_line: dict[UUID, list[ReceivedLine]] = {}
    for received in goods.lines:
        by_line.setdefault(received.order_line_id, []).append(received)
    for line_id, received_lines in by_line.items():
        line = held[OrderedLine, line_id]
        if line.makes_assets:
            done.append(unloading.units(line, received_lines))
        elif not goods.again:
            accepted = sum(received.accepted for received in received_lines)
            line = replace(line, kept=line.kept + accepted)
            done.append(Decision(save=[line]))
            if line.makes_lot:
                done.append(lot.receive(line, received_lines, goods.receipt_id, held, cause))
    moved = Decision(save=[*unloading.taken(), *unloading.moved], add=balances(unloading.moved))
    return together([*done, moved])


class _Unloading:
    """The units of one fact about a receipt, each as what it is."""

    def __init__(self, goods: GoodsReceived, held: Records, cause: Cause) -> None:
        self._goods, self._held, self._cause = goods, held, cause
        self._tags = iter(cause.numbers.get("asset_tag", ()))
        self._day = goods.received_on or cause.at.date()
        self._beside: dict[str, str] = {}
        self.moved: list[InventoryTransaction] = []

    def taken(self) -> list[TakenGoods]:
        """The note that this fact was taken."""
        id = goods_id_of(self._goods.receipt_id, self._goods.said)
        if self._held.find(TakenGoods, id) is not None:
            return []
        return [TakenGoods(id=id, receipt_id=self._goods.receipt_id, beside=self._beside)]

    def units(self, line: OrderedLine, received_lines: Sequence[ReceivedLine]) -> Decision:
        """The units that came of one order line."""
        arrived: dict[UUID, Asset] = {}
        stayed: list[Asset] = []
        after: dict[UUID, UUID | None] = {}
        labels: list[Label] = []
        named = {unit.asset_id for received in received_lines for unit in received.units}
        for received in received_lines:
            for unit in received.units:
                known = self._asset_of(unit, line, arrived, named)
                if known.is_here:
                    if self._is_again(unit, known):
                        line_id = received.receipt_line_id
                        stayed.append(
                            replace(known, receipt_id=self._goods.receipt_id, receipt_line_id=line_id)
                        )
                    continue
                label = label_on(known.id, unit, self._held)
                if label and not label.version:
                    labels.append(label)
                arrived[known.id] = self._arrived(known, unit, received, line, label)
                after[known.id] = unit.after
        line = replace(line, kept=line.kept + len(arrived))
        left = [asset for asset in templates_held(line.id, self._held) if asset.id not in arrived]
        changed = followed(line, left)
        publish = [
            *_assets_received(line, self._goods.receipt_id, list(arrived.values()), after),
            *templates_cancelled(line, changed),
        ]
        return Decision(save=[*labels, line, *arrived.values(), *stayed, *changed], publish=publish)

    def _is_again(self, unit: ReceivedUnit, known: Asset) -> bool:
        """Whether it is here because it could not be taken back: only its receipt is another one."""
        return self._goods.again or (unit.after is not None and unit.serial == known.serial)

    def _arrived(
        self,
        known: Asset,
        unit: ReceivedUnit,
        received: ReceivedLine,
        line: OrderedLine,
        label: Label | None,
    ) -> Asset:
        self.moved.append(
            InventoryTransaction(
                id=self._cause.id("transaction", len(self.moved)),
                movement=Movement.RECEIVED,
                asset_id=known.id,
                sku=known.sku,
                location=unit.location,
                storage_space=unit.storage_space,
                change=1,
                at=self._cause.at,
                receipt_line_id=received.receipt_line_id,
            )
        )
        return known.become(
            Status.IN_STOCK,
            cost=line.unit_price,
            tag=label.label if label else known.tag,
            serial=unit.serial,
            receipt_id=self._goods.receipt_id,
            receipt_line_id=received.receipt_line_id,
            warranty_until=_months_after(self._day, line.warranty_months),
            location=unit.location,
            storage_space=unit.storage_space,
            given_back=False,
        )

    def _asset_of(
        self, unit: ReceivedUnit, line: OrderedLine, arrived: Mapping[UUID, Asset], named: set[UUID]
    ) -> Asset:
        """The asset that a delivered unit is.

        What the dock took for a unit that it had taken back, but that is here all the same, is another thing: it gets
        an asset of its own. And a dock that was set up anew knows how many units are here, but not which. So what it
        takes with another receipt, under another serial number, for a unit that is here is another thing as well: the
        lowest unit to come that it did not name.
        """
        known = arrived.get(unit.asset_id) or self._held.find(Asset, unit.asset_id)
        if known is None:
            return self._made_on_receipt(line, unit.asset_id, unit.unit_number)
        is_other = known.is_here and known.serial not in (None, unit.serial)
        if not is_other or self._goods.again or known.receipt_id == self._goods.receipt_id:
            return known
        if unit.after is not None:
            id, number = beside(known.id, self._goods.receipt_id)
            self._beside[str(known.id)] = str(id)
            return self._made_on_receipt(line, id, number)
        to_come = [
            asset
            for asset in templates_held(line.id, self._held)
            if asset.id not in named and asset.id not in arrived
        ]
        return min(to_come, key=lambda asset: asset.unit_number, default=known)

    def _made_on_receipt(self, line: OrderedLine, id: UUID, number: int) -> Asset:
        """The asset of a unit that has no template; it is never seen on order."""
        if line.has_templates and number > 0:
            raise RuntimeError(f"unit {number} of order line {line.id} has no template")
        return replace(template(line, number, next(self._tags)), id=id)


def beside(asset_id: UUID, receipt_id: UUID) -> tuple[UUID, int]:
    """The id and number of what a receipt brought for a unit that another thing is already."""
    id = derived_id("beside", asset_id, receipt_id)
    return id, BESIDE_NUMBERS_FROM - id.int % 2**31


def _months_after(day: date, months: int) -> date | None:
    """The day so many months later, the last of a shorter month; None for none."""
    if not months:
        return None
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _assets_received(
    line: OrderedLine, receipt_id: UUID, assets: Sequence[Asset], after: Mapping[UUID, UUID | None]
) -> Iterator[Message]:
    for part in parts_of(assets):
        yield AssetsReceived(
            order_line_id=line.id,
            order_id=line.order_id,
            request_id=line.request_id,
            request_line_id=line.request_line_id,
            receipt_id=receipt_id,
            assets=tuple(
                StockedUnit(
                    asset_id=asset.id, tag=asset.tag, serial=asset.serial or "", after=after[asset.id]
                )
                for asset in part
            ),
        )


def _units_and_templates(goods: GoodsReceived) -> Keys:
    yield Key(TakenGoods, goods_id_of(goods.receipt_id, goods.said), may_be_new=True)
    for line in goods.lines:
        yield Key(OrderedLine, line.order_line_id)
        if line.location and not line.units:
            yield from lot.lot_and_spaces(line.order_line_id)
            came_with = lot.lot_receipt_id(lot.lot_id_of(line.order_line_id), goods.receipt_id)
            yield Key(lot.LotReceipt, came_with, may_be_new=True)
        # All that are to come, because a revived unit may make the highest-numbered of them superfluous.
        yield from templates_of(line.order_line_id)
        # A unit that an amendment made may be here before the amendment is.
        is_template = line.asset_creation is AssetCreation.ON_SUBMISSION
        for unit in line.units:
            yield Key(Asset, unit.asset_id, may_be_new=not is_template or unit.unit_number < 0)
            if unit.after is not None:
                yield Key(TakeBack, unit.after)
            if unit.tag and not unit.tag.startswith(ISSUED_TAG_PREFIX):
                yield Key(Label, label_id(unit.tag), may_be_new=True)


def _tags_for_units(goods: GoodsReceived) -> Mapping[str, int]:
    """As many as may be made on receipt; what comes again may turn out to be another thing."""
    return {
        "asset_tag": sum(
            line.asset_creation is AssetCreation.ON_RECEIPT or unit.unit_number < 0 or unit.after is not None
            for line in goods.lines
            for unit in line.units
        )
    }


HANDLERS: Handlers = (
    Handler(
        on=GoodsReceived,
        holds=_units_and_templates,
        numbers=_tags_for_units,
        early=Early.WAIT,
        decide=receive,
        weight=lambda goods: max(1, sum(line.accepted for line in goods.lines)),
    ),
)
