"""What the requests service says and obeys: people's requests, their approval, and how they end."""

from datetime import date
from typing import Annotated, ClassVar, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from libs.contracts import message
from libs.contracts.message import Answered, Command, Event, Message, Value
from libs.contracts.permissions import Action
from libs.contracts.values import (
    Code,
    Currency,
    Destination,
    Kind,
    LongText,
    Money,
    PersonId,
    Quantity,
    Text,
    UnitPrice,
    derived_id,
)


class CustomItem(Value):
    """Something that no catalog lists; the unit price, in the request's currency, is the requester's estimate."""

    name: Text
    kind: Kind
    unit_price: UnitPrice


class RequestedLine(Value):
    """So many of one catalog item (by its SKU) or of one custom item, from a certain vendor if one is named.

    What has no destination is for the person the request is for.
    """

    sku: Code | None = None
    item: CustomItem | None = None
    quantity: Quantity
    vendor: Code | None = None
    destination: Destination | None = None

    @model_validator(mode="after")
    def is_one_thing(self) -> "RequestedLine":
        """A line is for a catalog item or a custom item."""
        if (self.sku is None) == (self.item is None):
            raise ValueError("name either a catalog item by its sku or a custom item")
        return self


class Wish(Value):
    """What somebody wants, as it can be changed until it is approved."""

    cost_centre: Code | None = None
    justification: LongText = ""
    needed_by: date | None = None
    deliver_to: Code
    currency: Currency
    lines: Annotated[tuple[RequestedLine, ...], Field(min_length=1, max_length=100)]


class SubmitRequest(Wish, Command):
    """Ask for something to be bought. Source (the sender) and external reference are unique together.

    The requester is whoever acts; who may ask for others names them in `on_behalf_of`. A system that may act for
    the requester names that person.
    """

    type: ClassVar[str] = "requests.submit_request.v1"
    action: ClassVar[Action | None] = Action.SUBMIT_REQUESTS
    external_reference: Text | None = None
    requester: PersonId
    on_behalf_of: PersonId | None = None


def request_id_of(source: str, external_reference: str) -> UUID:
    """The one request that this source can make under this reference."""
    return derived_id("request", source, external_reference)


class NamedRequest(Message):
    """A request, named by its id or by the external reference that the same sender gave it."""

    request_id: UUID | None = None
    external_reference: Text | None = None

    @model_validator(mode="after")
    def is_named_once(self) -> "NamedRequest":
        """Exactly one way to name the request."""
        if (self.request_id is None) == (self.external_reference is None):
            raise ValueError("name the request by either request_id or external_reference")
        return self

    def said_by(self, sender: str) -> Self:
        """With its id, whichever way it is named."""
        if self.external_reference is None:
            return self
        return self.model_copy(update={"request_id": request_id_of(sender, self.external_reference)})


class EditRequest(Wish, NamedRequest, Command):
    """Change a request that is not approved yet: the whole wish as it shall be, a new revision.

    `expected_version` is the version its sender has seen; a request that has changed since is left alone.
    """

    type: ClassVar[str] = "requests.edit_request.v1"
    subject: ClassVar[str] = "request_id"
    action: ClassVar[Action | None] = Action.EDIT_OWN_REQUESTS
    expected_version: int | None = None


class WithdrawRequest(NamedRequest, Command):
    """Take a request back before it is approved, even when this overtakes the request itself."""

    type: ClassVar[str] = "requests.withdraw_request.v1"
    subject: ClassVar[str] = "request_id"
    action: ClassVar[Action | None] = Action.EDIT_OWN_REQUESTS
    expected_version: int | None = None
    reason: LongText = ""


class CancelRequest(NamedRequest, Command):
    """Stop a request at whatever point it is: withdrawn before its approval, afterwards whatever is still open of
    its orders is cancelled; what has arrived stays. It may overtake the request itself."""

    type: ClassVar[str] = "requests.cancel_request.v1"
    subject: ClassVar[str] = "request_id"
    action: ClassVar[Action | None] = Action.CANCEL_REQUESTS
    reason: Annotated[LongText, Field(min_length=1)]


class RetryFulfilment(Command):
    """Give the commands once more that were refused or are unanswered, because what was wrong has been put right."""

    type: ClassVar[str] = "requests.retry_fulfilment.v1"
    subject: ClassVar[str] = "request_id"
    action: ClassVar[Action | None] = Action.MANAGE_PROCESSES
    request_id: UUID
    reason: LongText = ""


class ApproveSpending(Command):
    """May this order be placed although it costs more, or goes to another vendor, than was approved? Purchasing asks.

    The order waits until `SpendingApproved` or `SpendingRefused` says how it ended. The `parties` submitted it, set its
    prices or amended it, and do not decide; nor do those whose request it is.
    """

    type: ClassVar[str] = "requests.approve_spending.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    order_id: UUID
    requisition_number: Text
    order_revision: int
    total: Money
    approved: Money
    vendor_number: Code
    reason: Text
    parties: tuple[Text, ...] = ()


class ApproveOrder(Command):
    """May this order be placed at all? Purchasing asks where orders of this size need an approval of their own.

    It waits until `OrderApproved` or `OrderRefused` says how it ended. The policy that applies is that for requests,
    with the order's total, vendor and kinds; a rule without steps approves it at once. `asked_by` submitted it and does
    not decide; nor do the `parties`, who drafted it, set its prices or amended it, nor anybody whose request it serves:
    `request_ids` are these, if any.
    """

    type: ClassVar[str] = "requests.approve_order.v1"
    subject: ClassVar[str] = "order_id"
    order_id: UUID
    requisition_number: Text
    order_revision: int
    total: Money
    vendor_number: Code
    kinds: tuple[Annotated[Kind, Field(strict=False)], ...]
    asked_by: Text
    request_ids: tuple[UUID, ...] = ()
    parties: tuple[Text, ...] = ()


class OrderApproved(Event):
    """The order may be placed at this total."""

    type: ClassVar[str] = "requests.order_approved.v1"
    subject: ClassVar[str] = "order_id"
    order_id: UUID
    order_revision: int
    total: Money


class OrderRefused(Event):
    """The order must not be placed."""

    type: ClassVar[str] = "requests.order_refused.v1"
    subject: ClassVar[str] = "order_id"
    order_id: UUID
    order_revision: int
    reason: str


class SpendingApproved(Event):
    """The order may be placed at this total."""

    type: ClassVar[str] = "requests.spending_approved.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    order_id: UUID
    order_revision: int
    total: Money


class SpendingRefused(Event):
    """The order must not be placed."""

    type: ClassVar[str] = "requests.spending_refused.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    order_id: UUID
    order_revision: int
    reason: str


class RequestSubmitted(Event):
    """Somebody asked for something."""

    type: ClassVar[str] = "requests.request_submitted.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    number: str
    requester: str
    total: Money


class RequestEdited(Event):
    """What somebody asks for was changed before its approval: another revision."""

    type: ClassVar[str] = "requests.request_edited.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    number: str
    revision: int
    edited_by: str
    total: Money


class RequestWithdrawn(Event):
    """The request was taken back before its approval; nothing will be bought."""

    type: ClassVar[str] = "requests.request_withdrawn.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    number: str
    withdrawn_by: str
    reason: str


class RequestApproved(Event):
    """The spending is approved; the request can be ordered."""

    type: ClassVar[str] = "requests.request_approved.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    number: str
    approved_by: tuple[str, ...]
    total: Money


class RequestProgressed(Event):
    """An approved request came a stage further, by what the other services said about its lines."""

    type: ClassVar[str] = "requests.request_progressed.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    number: str
    status: str


class RequestRejected(Event):
    """Somebody said no; nothing will be bought."""

    type: ClassVar[str] = "requests.request_rejected.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    number: str
    rejected_by: str
    reason: str


class RequestCancelled(Event):
    """What was requested will not come: its order was refused or cancelled."""

    type: ClassVar[str] = "requests.request_cancelled.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    number: str
    reason: str


class CancellationStarted(Event):
    """Somebody wants what was approved no longer; whatever is open of its orders is being cancelled."""

    type: ClassVar[str] = "requests.cancellation_started.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    number: str
    cancelled_by: str
    reason: str


class FulfilmentStuck(Event):
    """Another service refused what the workflow told it; a person must put it right, and retry or cancel."""

    type: ClassVar[str] = "requests.fulfilment_stuck.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    number: str
    command_type: str
    code: str
    message: str


class FulfilmentOverdue(Event):
    """Something should have happened by now: the order should be submitted, or everything should be here."""

    type: ClassVar[str] = "requests.fulfilment_overdue.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    number: str
    missing: Literal["order", "delivery"]


class RequestFulfilled(Event):
    """Everything requested is in the hands of whom it was for, or cancelled."""

    type: ClassVar[str] = "requests.request_fulfilled.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    number: str


class RenewCopies(message.RenewCopies):
    """Have every catalog item said again by purchasing, for instance after this database was restored."""

    type: ClassVar[str] = "requests.renew_copies.v1"


class CommandAnswered(Answered):
    """How a command given to requests ended."""

    type: ClassVar[str] = "requests.command_answered.v1"
