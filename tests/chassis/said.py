"""Messages as they arrive, for tests that need no broker."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID, uuid4

from libs.chassis.decision import Actor
from libs.chassis.envelope import Envelope, canonical_hash, exchange_for
from libs.chassis.ids import timed_id
from libs.chassis.inbox import Arrival
from libs.contracts.message import Command, Event, Message
from libs.contracts.permissions import Role
from libs.contracts.values import derived_id


def said(
    message: Message,
    *,
    by: str | None = None,
    id: str | UUID | None = None,
    sequence: int | None = None,
    consumer: str = "inbox",
    roles: Iterable[Role] = (Role.INTEGRATION,),
) -> Arrival:
    """An arrival: facts come from their owner, commands from the integration `erp` unless `by` says otherwise."""
    sender = by or (message.owner() if isinstance(message, Event) else "erp")
    stranger = isinstance(message, Command) and by is None
    said_id = str(id or (uuid4() if stranger else timed_id(datetime.now(UTC), uuid4())))
    key = derived_id("message", sender, said_id) if stranger else UUID(said_id)
    body = message.model_dump_json().encode()
    envelope = Envelope(
        id=key,
        said_id=said_id,
        message_key=key,
        stranger=stranger,
        type=message.type,
        sender=sender,
        source=f"/{sender}",
        subject=None,
        time=None,
        sequence=sequence,
        correlation_id="correlation",
        causation_id=None,
        traceparent=None,
        tracestate=None,
        reply_to="token" if stranger else None,
        exchange=exchange_for(type(message), sender),
        redelivered=False,
        body=body,
        body_hash=canonical_hash(body) if stranger else sha256(body).digest(),
        actor=Actor(sender, frozenset(roles) if stranger else frozenset()),
        actas=None,
        origin=f"queue {sender}",
    )
    return Arrival(consumer, envelope, message)


def envelope_of_type(type: str, actor: Actor) -> Envelope:
    """A message of the system `erp`, of which nothing matters but its type and who acts."""
    key = derived_id("message", "erp", type)
    return Envelope(
        id=key,
        said_id="A-1",
        message_key=key,
        stranger=bool(actor.roles) or actor.through is not None,
        type=type,
        sender="erp",
        source="/erp",
        subject=None,
        time=None,
        sequence=None,
        correlation_id="correlation",
        causation_id=None,
        traceparent=None,
        tracestate=None,
        reply_to=None,
        exchange="",
        redelivered=False,
        body=b"{}",
        body_hash=b"",
        actor=actor,
        actas=None,
        origin="queue erp",
    )


def again(arrival: Arrival) -> Arrival:
    """The same message, delivered once more."""
    return Arrival(arrival.consumer, replace(arrival.envelope, redelivered=True), arrival.message)
