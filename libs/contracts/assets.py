"""What the assets service says and obeys: assets, locations and custody."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from libs.contracts import message
from libs.contracts.message import Answered, Command, Event, Value
from libs.contracts.values import UNITS_PER_FACT, Code, PersonId, Text

ISSUED_TAG_PREFIX = "QM-"
"""Tags that we issue begin with this; a label printed elsewhere must not."""


class DefineLocation(Command):
    """Create a location with its storage spaces, or change the one with this code. Spaces are added, never removed."""

    type: ClassVar[str] = "assets.define_location.v1"
    open_to_integrations: ClassVar[bool] = True
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
    """A unit that is now in stock."""

    asset_id: UUID
    tag: str
    serial: str


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


class AssignAssets(Command):
    """Put assets that are in stock into a person's hands, all of them or none."""

    type: ClassVar[str] = "assets.assign_assets.v1"
    subject: ClassVar[str] = "request_id"
    open_to_integrations: ClassVar[bool] = True
    person: PersonId
    request_id: UUID | None = None
    asset_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=UNITS_PER_FACT)]


class AssetsAssigned(Event):
    """Assets are in a person's hands: one handover."""

    type: ClassVar[str] = "assets.assets_assigned.v1"
    subject: ClassVar[str] = "handover_id"
    handover_id: UUID
    person: str
    request_id: UUID | None
    asset_ids: Annotated[tuple[UUID, ...], Field(max_length=UNITS_PER_FACT)]


class AnnounceAll(message.AnnounceAll):
    """Say every location again into the asker's bulk queue."""

    type: ClassVar[str] = "assets.announce_all.v1"


class CommandAnswered(Answered):
    """How a command given to assets ended."""

    type: ClassVar[str] = "assets.command_answered.v1"
