"""Order lines as assets knows them: how many units were ordered, are here, and will not come."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import Key, Record
from libs.contracts import purchasing
from libs.contracts.units import Pool, amendment_id, pool_amended
from libs.contracts.values import AssetCreation, DestinationKind, Kind


@dataclass(frozen=True, kw_only=True)
class OrderedLine(Record):
    """One line of a submitted order; its id is the order line's.

    `asked` is how many units somebody wanted cancelled, `credited` how many went back to the vendor and are wanted no
    more. The dock wins: `cancelled` is only what of these is not here, so that units that arrive after all make it
    shrink. `on_way` is how many are in shipments. Software is `kept` from its order on, less what of it
    was cancelled before anybody was given it. The units are numbered up to `units_made`; those wanted are the lowest of
    `pool`.
    """

    order_id: UUID
    requisition_number: str
    request_id: UUID | None
    request_line_id: UUID | None
    sku: str
    name: str
    kind: Kind
    asset_creation: AssetCreation
    unit_price: Decimal
    currency: str
    warranty_months: int
    vendor_name: str | None = None
    destination_kind: DestinationKind | None = None
    destination: str | None = None
    ordered: int
    units_made: int
    pool: Pool = ()
    asked: int = 0
    credited: int = 0
    kept: int = 0
    on_way: int = 0

    @property
    def wanted(self) -> int:
        """Units that are ordered and that nobody wanted cancelled."""
        return max(0, self.ordered - self.asked)

    @property
    def cancelled(self) -> int:
        """Units that will not come."""
        return min(self.asked + self.credited, max(0, self.ordered - self.kept))

    @property
    def open(self) -> int:
        """Units still to come: as many template assets are On Order or In Transit. Software and services don't come to
        a place."""
        if self.kind in (Kind.SOFTWARE, Kind.SERVICE):
            return 0
        return max(0, self.ordered - self.cancelled - self.kept)

    @property
    def is_for_stock(self) -> bool:
        """Whether nobody waits for it: it can be given to whoever needs it."""
        return self.destination_kind is DestinationKind.STOCK

    @property
    def makes_lot(self) -> bool:
        """Whether its units are kept as a lot."""
        return self.kind is Kind.CONSUMABLE and self.asset_creation is not AssetCreation.NEVER

    @property
    def has_templates(self) -> bool:
        """Whether its units are template assets from the submission on."""
        return self.kind is Kind.HARDWARE and self.asset_creation is AssetCreation.ON_SUBMISSION

    @property
    def makes_assets(self) -> bool:
        """Whether its units become assets at all."""
        return self.kind is Kind.HARDWARE and self.asset_creation is not AssetCreation.NEVER


@dataclass(frozen=True, kw_only=True)
class FollowedOrder(Record):
    """An order that was amended, or announced again; its id is the order's, `sequence` that of the latest such fact."""

    sequence: int


@dataclass(frozen=True, kw_only=True)
class TakenAmendment(Record):
    """An amendment of an order that we have followed; its id derives from both."""

    APPEND_ONLY: ClassVar[bool] = True

    order_id: UUID


def after_amendment(order_id: UUID, amendment: int) -> Iterable[Key]:
    """What is said of an order after an amendment waits until that is taken."""
    return [Key(TakenAmendment, amendment_id(order_id, amendment))] if amendment else []


def ordered_line(
    order: purchasing.OrderSubmitted | purchasing.OrderAmended | purchasing.OrderAnnounced,
    line: purchasing.OrderedLine,
) -> OrderedLine:
    """What was ordered, as assets knows it."""
    return OrderedLine(
        id=line.order_line_id,
        order_id=order.order_id,
        requisition_number=order.requisition_number,
        request_id=line.request_id or order.request_id,
        request_line_id=line.request_line_id,
        sku=line.sku,
        name=line.name,
        kind=line.kind,
        asset_creation=line.asset_creation,
        unit_price=line.unit_price,
        currency=order.total.currency,
        warranty_months=line.warranty_months,
        vendor_name=order.vendor_name,
        destination_kind=line.destination.kind if line.destination else None,
        destination=line.destination.name if line.destination else None,
        ordered=line.quantity,
        units_made=line.quantity,
        kept=line.quantity if line.kind is Kind.SOFTWARE else 0,
    )


def amended(line: OrderedLine, told: purchasing.AmendedLine | purchasing.AnnouncedLine) -> OrderedLine:
    """The line as it stands since an amendment; what was asked to be cancelled only grows."""
    asked = max(line.asked, told.asked)
    pool = pool_amended(
        line.pool,
        wanted_before=line.wanted,
        wanted_now=max(0, told.quantity - asked),
        made_before=line.units_made,
        made_now=told.units_made,
    )
    return replace(
        line,
        ordered=told.quantity,
        units_made=max(line.units_made, told.units_made),
        pool=pool,
        asked=asked,
        unit_price=told.unit_price,
    )
