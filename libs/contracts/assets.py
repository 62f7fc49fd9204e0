"""What the assets service says and obeys: assets, consumables, software, locations and custody."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from libs.contracts import message
from libs.contracts.message import Answered, Command, Event, Value
from libs.contracts.permissions import Action
from libs.contracts.values import (
    UNITS_PER_FACT,
    Code,
    Count,
    Destination,
    DestinationKind,
    PersonId,
    Quantity,
    Text,
)

ISSUED_TAG_PREFIX = "QM-"
"""Tags that we issue begin with this; a label printed elsewhere must not."""


def _somebodys(destination: Destination) -> Destination:
    if destination.kind is DestinationKind.STOCK:
        raise ValueError("what is for stock is given to nobody")
    return destination


Holder = Annotated[Destination, AfterValidator(_somebodys)]
"""Whom or what something is given to: a person, a location or a financial owner."""


class DefineLocation(Command):
    """Create a location with its storage spaces, or change the one with this code. Spaces are added, never removed."""

    type: ClassVar[str] = "assets.define_location.v1"
    action: ClassVar[Action | None] = Action.MANAGE_LOCATIONS
    code: Code
    name: Text
    storage_spaces: Annotated[tuple[Code, ...], Field(min_length=1, max_length=500)]
    active: bool = True


class LocationChanged(Event):
    """A location was created or changed; this is all of it."""

    type: ClassVar[str] = "assets.location_changed.v1"
    subject: ClassVar[str] = "location_id"
    carries: ClassVar = "state"
    location_id: UUID
    code: str
    name: str
    storage_spaces: tuple[str, ...]
    active: bool


class TaggedUnit(Value):
    """A unit and the tag that will be on it."""

    asset_id: UUID
    unit_number: int
    tag: str


class TemplateAssetsCreated(Event):
    """Units of an order line exist as template assets, On Order, each with its tag; labels can be printed."""

    type: ClassVar[str] = "assets.template_assets_created.v1"
    subject: ClassVar[str] = "order_line_id"
    order_line_id: UUID
    order_id: UUID
    request_id: UUID | None
    request_line_id: UUID | None
    assets: Annotated[tuple[TaggedUnit, ...], Field(max_length=UNITS_PER_FACT)]


class TemplateAssetsCancelled(Event):
    """These template assets will not arrive."""

    type: ClassVar[str] = "assets.template_assets_cancelled.v1"
    subject: ClassVar[str] = "order_line_id"
    order_line_id: UUID
    order_id: UUID
    request_id: UUID | None
    asset_ids: Annotated[tuple[UUID, ...], Field(max_length=UNITS_PER_FACT)]


class StockedUnit(Value):
    """A unit that is now in stock; `after` is the reversal or return by which it was to come again."""

    asset_id: UUID
    tag: str
    serial: str
    after: UUID | None = None


class AssetsReceived(Event):
    """Template assets of an order line became real assets, In Stock, with the same ids."""

    type: ClassVar[str] = "assets.assets_received.v1"
    subject: ClassVar[str] = "order_line_id"
    order_line_id: UUID
    order_id: UUID
    request_id: UUID | None
    request_line_id: UUID | None
    receipt_id: UUID
    assets: Annotated[tuple[StockedUnit, ...], Field(max_length=UNITS_PER_FACT)]


class UnitTakenBack(Value):
    """A unit that is not here any more. With `handover_id` it had been given to somebody; that handover is undone."""

    asset_id: UUID
    handover_id: UUID | None = None


Purpose = Literal["reversal", "replacement", "credit"]
"""Why something was taken back: its receipt was a mistake, or it went back to the vendor for one of these."""


class AssetsTakenBack(Event):
    """Units of an order line are not here any more: on order again, returned to the vendor, or cancelled.

    `take_back_id` is the reversal or the return at the dock.
    """

    type: ClassVar[str] = "assets.assets_taken_back.v1"
    subject: ClassVar[str] = "order_line_id"
    order_line_id: UUID
    order_id: UUID
    request_id: UUID | None
    request_line_id: UUID | None
    take_back_id: UUID
    purpose: Purpose
    units: Annotated[tuple[UnitTakenBack, ...], Field(max_length=UNITS_PER_FACT)]


class LotTakenBack(Event):
    """So many of a consumable, that had come with this receipt, are not in stock any more."""

    type: ClassVar[str] = "assets.lot_taken_back.v1"
    subject: ClassVar[str] = "lot_id"
    lot_id: UUID
    order_line_id: UUID
    order_id: UUID
    request_id: UUID | None
    request_line_id: UUID | None
    take_back_id: UUID
    receipt_id: UUID
    purpose: Purpose
    quantity: Quantity


class ReversalConflictFound(Event):
    """What the dock took back, or sent back, could not be: it was acknowledged, issued or disposed of. It is as before.

    `asset_ids` are the units, or `quantity` is how many of a consumable.
    """

    type: ClassVar[str] = "assets.reversal_conflict_found.v1"
    subject: ClassVar[str] = "order_line_id"
    order_line_id: UUID
    order_id: UUID
    take_back_id: UUID
    purpose: Purpose
    asset_ids: Annotated[tuple[UUID, ...], Field(max_length=UNITS_PER_FACT)] = ()
    quantity: Count = 0
    reason: str


class AssignAssets(Command):
    """Give assets that are in stock to a person, a location or a financial owner, all of them or none.

    A person can be named by `person` alone; else `to` tells whom or what. With `leave_out_taken_back` those that were
    taken back at the dock meanwhile are left out.
    """

    type: ClassVar[str] = "assets.assign_assets.v1"
    subject: ClassVar[str] = "request_id"
    action: ClassVar[Action | None] = Action.ASSIGN_ASSETS
    person: PersonId | None = None
    to: Holder | None = None
    request_id: UUID | None = None
    leave_out_taken_back: bool = False
    asset_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=UNITS_PER_FACT)]

    @model_validator(mode="after")
    def names_one_holder(self) -> "AssignAssets":
        """Exactly one way to say to whom."""
        if (self.person is None) == (self.to is None):
            raise ValueError("say to whom by either person or to")
        return self

    @property
    def holder(self) -> Destination:
        """Whom or what the assets are for."""
        return self.to or Destination(kind=DestinationKind.PERSON, name=self.person)


class AssetsAssigned(Event):
    """Assets were given to a person, a location or a financial owner: one handover. `person` is set for a person."""

    type: ClassVar[str] = "assets.assets_assigned.v1"
    subject: ClassVar[str] = "handover_id"
    handover_id: UUID
    person: str | None = None
    to: Destination | None = None
    request_id: UUID | None
    asset_ids: Annotated[tuple[UUID, ...], Field(max_length=UNITS_PER_FACT)]


class AcknowledgeHandover(Command):
    """Say that one has what was handed over. Only the person to whom it went can say so; again it changes nothing."""

    type: ClassVar[str] = "assets.acknowledge_handover.v1"
    subject: ClassVar[str] = "handover_id"
    action: ClassVar[Action | None] = Action.ACKNOWLEDGE_HANDOVERS
    handover_id: UUID


class HandoverAcknowledged(Event):
    """The person to whom assets were handed over has them: the dock does not take these back any more."""

    type: ClassVar[str] = "assets.handover_acknowledged.v1"
    subject: ClassVar[str] = "handover_id"
    handover_id: UUID
    person: str
    asset_ids: Annotated[tuple[UUID, ...], Field(max_length=UNITS_PER_FACT)]


class EntitlementCreated(Event):
    """Software was ordered: so many may use it. Until its start date, if it has one, it is pending."""

    type: ClassVar[str] = "assets.entitlement_created.v1"
    subject: ClassVar[str] = "entitlement_id"
    entitlement_id: UUID
    order_line_id: UUID
    order_id: UUID
    request_id: UUID | None
    request_line_id: UUID | None
    quantity: Quantity
    status: Literal["pending", "active"] = "active"


class EntitlementChanged(Event):
    """An entitlement shrank or grew, because its order was cancelled or amended, or started, ended or was cancelled."""

    type: ClassVar[str] = "assets.entitlement_changed.v1"
    subject: ClassVar[str] = "entitlement_id"
    entitlement_id: UUID
    order_line_id: UUID
    order_id: UUID
    request_id: UUID | None
    request_line_id: UUID | None
    quantity: Count
    allocated: Count
    status: Literal["pending", "active", "expired", "cancelled"]


class AllocateEntitlement(Command):
    """Let a person, a location or a financial owner use so many of what an entitlement allows.

    There is one allocation of an entitlement per request.
    """

    type: ClassVar[str] = "assets.allocate_entitlement.v1"
    subject: ClassVar[str] = "request_id"
    action: ClassVar[Action | None] = Action.ASSIGN_ASSETS
    entitlement_id: UUID
    holder: Holder
    quantity: Quantity
    request_id: UUID | None = None


class EntitlementAllocated(Event):
    """Somebody may use so many of what an entitlement allows."""

    type: ClassVar[str] = "assets.entitlement_allocated.v1"
    subject: ClassVar[str] = "allocation_id"
    allocation_id: UUID
    entitlement_id: UUID
    request_id: UUID | None
    request_line_id: UUID | None
    holder: Destination
    quantity: Quantity


class LotCreated(Event):
    """A consumable was ordered: its lot exists, On Order."""

    type: ClassVar[str] = "assets.lot_created.v1"
    subject: ClassVar[str] = "lot_id"
    lot_id: UUID
    order_line_id: UUID
    order_id: UUID
    request_id: UUID | None
    request_line_id: UUID | None
    quantity: Quantity


class LotReduced(Event):
    """More or less of a lot will come than was ordered, because its order was amended or cancelled: so many are still
    on order."""

    type: ClassVar[str] = "assets.lot_reduced.v1"
    subject: ClassVar[str] = "lot_id"
    lot_id: UUID
    order_line_id: UUID
    order_id: UUID
    request_id: UUID | None
    request_line_id: UUID | None
    on_order: Count


class LotReceived(Event):
    """So many units of a consumable are in stock, by this receipt."""

    type: ClassVar[str] = "assets.lot_received.v1"
    subject: ClassVar[str] = "lot_id"
    lot_id: UUID
    order_line_id: UUID
    order_id: UUID
    request_id: UUID | None
    request_line_id: UUID | None
    receipt_id: UUID
    quantity: Quantity


class IssueStock(Command):
    """Give so many units of a lot out of stock. Whoever repeats it with the same `issue_id` means the same issue.

    With `receipt_id`, goods that came with that receipt are meant: what of them was taken back at the dock meanwhile is
    left out. Answered with the `quantity` that was issued.
    """

    type: ClassVar[str] = "assets.issue_stock.v1"
    subject: ClassVar[str] = "request_id"
    action: ClassVar[Action | None] = Action.ISSUE_STOCK
    lot_id: UUID
    quantity: Quantity
    to: Holder
    request_id: UUID | None = None
    issue_id: UUID | None = None
    receipt_id: UUID | None = None


class StockIssued(Event):
    """Units of a lot left stock to be used up. `order_line_id` is the lot's."""

    type: ClassVar[str] = "assets.stock_issued.v1"
    subject: ClassVar[str] = "issue_id"
    issue_id: UUID
    lot_id: UUID
    order_line_id: UUID | None = None
    request_id: UUID | None
    request_line_id: UUID | None
    quantity: Quantity
    to: Destination


class AnnounceAll(message.AnnounceAll):
    """Say every location again into the asker's bulk queue."""

    type: ClassVar[str] = "assets.announce_all.v1"


class CommandAnswered(Answered):
    """How a command given to assets ended."""

    type: ClassVar[str] = "assets.command_answered.v1"
