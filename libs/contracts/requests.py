"""What the requests service says and obeys: people's requests, their approval, and how they end."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from libs.contracts import message
from libs.contracts.message import Answered, Command, Event, Value
from libs.contracts.values import Code, Currency, LongText, Money, PersonId, Quantity, Text


class RequestedLine(Value):
    """So many of one catalog item."""

    sku: Code
    quantity: Quantity


class SubmitRequest(Command):
    """Ask for something to be bought. Source (the sender) and external reference are unique together."""

    type: ClassVar[str] = "requests.submit_request.v1"
    open_to_integrations: ClassVar[bool] = True
    external_reference: Text | None = None
    requester: PersonId
    on_behalf_of: PersonId | None = None
    cost_centre: Code | None = None
    justification: LongText = ""
    needed_by: date | None = None
    deliver_to: Code
    currency: Currency
    lines: Annotated[tuple[RequestedLine, ...], Field(min_length=1, max_length=100)]


class DecideApproval(Command):
    """Say yes or no to a request that waits for approval. A no needs a reason; nobody decides on their own request.

    Who names the role they decide for cannot decide a later step by saying the same thing twice.
    """

    type: ClassVar[str] = "requests.decide_approval.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    verdict: Literal["approve", "reject"]
    decided_by: PersonId
    role: Text | None = None
    reason: LongText = ""


class ApproveSpending(Command):
    """May this order be placed although it costs more, or goes to another vendor, than was approved? Purchasing asks.

    The order waits until `SpendingApproved` or `SpendingRefused` says how it ended.
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


class ApprovalAwaited(Event):
    """The request waits for a person of this role to decide."""

    type: ClassVar[str] = "requests.approval_awaited.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    number: str
    role: str
    total: Money


class ApprovalReminded(Event):
    """The request still waits; whoever may decide should be told again."""

    type: ClassVar[str] = "requests.approval_reminded.v1"
    subject: ClassVar[str] = "request_id"
    request_id: UUID
    number: str
    role: str


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
