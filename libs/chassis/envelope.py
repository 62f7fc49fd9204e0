"""What is around a message: checked on the way in, written on the way out as a CloudEvent in binary mode.

The checks say who may say what on which exchange; the broker vouches for the sender's name.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Any, Self, TypeVar
from uuid import UUID

from aiormq import spec
from aiormq.abc import FieldValue
from pydantic import ValidationError

from libs.chassis.cloudevents import (
    Attributes,
    optional,
    required,
    sequence,
    token,
    trace,
    unwrapped,
)
from libs.chassis.cloudevents import Properties as Properties
from libs.chassis.cloudevents import Undecodable as Undecodable
from libs.chassis.cloudevents import canonical_hash as canonical_hash
from libs.chassis.decision import Actor
from libs.chassis.schema import SHARDS
from libs.contracts.message import MESSAGES, Answered, Command, Event, Message, what_is_wrong
from libs.contracts.permissions import Role
from libs.contracts.values import MESSAGE_BYTES_MAX, derived_id

E = TypeVar("E", bound=Mapping[str, Any])


class InvalidContent(Undecodable):
    """The envelope is sound, the content breaks the message's contract; `field` says where."""

    def __init__(self, field: str | None, detail: str) -> None:
        super().__init__("invalid_content", detail)
        self.field = field


@dataclass(frozen=True, slots=True)
class Envelope:
    """An incoming message, checked. `sender` is the broker user; a `stranger` is none of our services.

    `message_key` is what the inbox knows it by: the id itself, or for strangers, who choose ids as they like,
    one derived from sender and id. `id` is the same until whoever knows `received_at` puts a timed one there.
    `body` is the JSON of the data; `body_hash` its SHA-256, for strangers of canonical JSON: a retry may be
    spaced otherwise or come in the other mode and is still the same. `actor` is who acts: the sender itself, or the
    person it acts for; `origin` where it came from, in words for the audit. `actas` is whom a system says it acts for,
    empty where only a token said so and was not believed.
    """

    id: UUID
    said_id: str
    message_key: UUID
    stranger: bool
    type: str
    sender: str
    source: str
    subject: str | None
    time: str | None
    sequence: int | None
    correlation_id: str
    causation_id: str | None
    traceparent: str | None
    tracestate: str | None
    reply_to: str | None
    exchange: str
    redelivered: bool
    body: bytes
    body_hash: bytes
    actor: Actor
    actas: str | None
    origin: str

    @property
    def from_us(self) -> bool:
        """Whether one of our own services says it: they alone act without a role, and never over HTTP."""
        return not self.actor.roles and self.actor.through is None and self.actor.id == self.sender

    def stored(self) -> dict[str, object]:
        """All but the body, as JSON: for messages that wait and for dead letters."""
        return {name: _AS_JSON.get(name, _same)(getattr(self, name)) for name in _STORED}

    @classmethod
    def restored(cls, stored: Mapping[str, Any], body: bytes) -> Self:
        """The envelope that was stored."""
        return cls(body=body, **{name: _FROM_JSON.get(name, _same)(stored[name]) for name in _STORED})


def _same(value: Any) -> Any:
    return value


_STORED = tuple(name for name in Envelope.__dataclass_fields__ if name != "body")


def _written(actor: Actor) -> dict[str, object]:
    return {"id": actor.id, "roles": sorted(actor.roles), "through": actor.through}


def _read(actor: Mapping[str, Any]) -> Actor:
    return Actor(actor["id"], frozenset(map(Role, actor["roles"])), actor["through"])


_AS_JSON: Mapping[str, Any] = {"id": str, "message_key": str, "body_hash": bytes.hex, "actor": _written}
_FROM_JSON: Mapping[str, Any] = {"id": UUID, "message_key": UUID, "body_hash": bytes.fromhex, "actor": _read}


def opened(
    body: bytes,
    headers: Mapping[str, Any],
    properties: Properties,
    *,
    exchange: str,
    routing_key: str,
    redelivered: bool,
    service: str,
    siblings: Collection[str],
) -> Envelope:
    """Check what the broker delivered to `service`; raises `Undecodable` when it must not be handled."""
    sender = properties.user_id
    if not sender:
        raise Undecodable("no_sender", "the property user_id must say who sends this")
    stranger = sender != service and sender not in siblings
    if stranger and not is_a_name(sender):
        raise Undecodable("no_sender", "a sender's name is made of letters, digits, - and _")
    # Only now: what nobody has sent is never replayed, however it is broken besides.
    if exchange == f"{service}.dead_letters":
        raise Undecodable(
            "given_up", f"by the broker: {headers.get('x-first-death-reason', 'reason unknown')}"
        )
    if len(body) > MESSAGE_BYTES_MAX:
        raise Undecodable("too_large", f"{len(body)} bytes, {MESSAGE_BYTES_MAX} are allowed")
    said, body = unwrapped(body, headers, properties)
    said_id, said_type = required(said, "id"), required(said, "type")
    if properties.type is not None and properties.type != said_type:
        raise Undecodable("malformed", "the property type and the CloudEvents type differ")
    _check_entitled(said_type, sender, stranger, exchange=exchange, routing_key=routing_key, service=service)
    if stranger:
        key = derived_id("message", sender, said_id)
        body_hash = canonical_hash(body)
    else:
        try:
            key = UUID(said_id)
        except ValueError:
            raise Undecodable("malformed", "our own services use UUIDs as ids") from None
        body_hash = sha256(body).digest()
    return Envelope(
        id=key,
        said_id=said_id,
        message_key=key,
        stranger=stranger,
        type=said_type,
        sender=sender,
        source=required(said, "source"),
        subject=optional(said, "subject"),
        time=optional(said, "time"),
        sequence=sequence(said.get("sequence")),
        correlation_id=_correlation(said, properties) or str(key),
        causation_id=optional(said, "causationid"),
        traceparent=trace(headers, said, "traceparent"),
        tracestate=trace(headers, said, "tracestate"),
        reply_to=token("reply_to", properties.reply_to),
        exchange=exchange,
        redelivered=redelivered,
        body=body,
        body_hash=body_hash,
        actor=system_named(sender, stranger=stranger),
        actas=optional(said, "actas") if stranger else None,
        origin=f"queue {sender}",
    )


@cache
def system_named(name: str, *, stranger: bool) -> Actor:
    """A system in its own name; our own services need no role."""
    return Actor(name, frozenset({Role.INTEGRATION}) if stranger else frozenset())


def _correlation(said: Attributes, properties: Properties) -> str | None:
    return token("correlationid", said.get("correlationid") or properties.correlation_id)


def is_a_name(sender: str) -> bool:
    """Whether a broker user can take part: answers are routed by the name, so it is one plain word."""
    return len(sender) <= 64 and sender.isascii() and sender.replace("-", "").replace("_", "").isalnum()


def decoded(envelope: Envelope) -> Message:
    """The content as its contract's class; raises `InvalidContent` with a sentence fit for the sender."""
    try:
        return MESSAGES[envelope.type].model_validate_json(envelope.body)
    except ValidationError as invalid:
        raise invalid_content(invalid) from None


def invalid_content(invalid: ValidationError) -> InvalidContent:
    """The first few breaches as `lines[0].quantity: Input should be …`, and the field of the first."""
    found = invalid.errors(include_url=False, include_context=False, include_input=False)
    breaches = innermost(found)
    fields = [field_path(breach["loc"]) for breach in breaches[:3]]
    sentences = [
        f"{field}: {what_is_wrong(breach)}"[:200] if field else what_is_wrong(breach)[:200]
        for field, breach in zip(fields, breaches, strict=False)
    ]
    if len(breaches) > len(sentences):
        sentences.append(f"and {len(breaches) - len(sentences)} more")
    return InvalidContent(fields[0] or None, "; ".join(sentences))


def innermost(breaches: Sequence[E]) -> list[E]:
    """Without those that only follow: a list with a broken item is also called too short, which would mislead."""
    inside = {tuple(each["loc"][:depth]) for each in breaches for depth in range(1, len(each["loc"]))}
    return [each for each in breaches if tuple(each["loc"]) not in inside]


def field_path(location: Sequence[int | str]) -> str:
    """`lines[0].quantity`: how fields are named in rejections and answers."""
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
    return path.removeprefix(".")[:200]


@dataclass(frozen=True, slots=True)
class _Kind:
    """What the entitlement check needs to know of a contract class."""

    owner: str
    event: bool
    answer: bool
    open_to_strangers: bool


_KINDS: dict[str, _Kind] = {}


def _kind(name: str) -> _Kind:
    kind = _KINDS.get(name)
    if kind is None:
        message = MESSAGES.get(name)
        if message is None:
            raise Undecodable("unknown_type", f"{name} is not a message we know")
        kind = _KINDS[name] = _Kind(
            owner=message.owner(),
            event=issubclass(message, Event),
            answer=issubclass(message, Answered),
            open_to_strangers=issubclass(message, Command) and message.action is not None,
        )
    return kind


def _check_entitled(
    name: str, sender: str, stranger: bool, *, exchange: str, routing_key: str, service: str
) -> None:
    """Who may say what where: facts and answers their owner, commands to us our siblings, open ones all."""
    kind = _kind(name)
    place, _, door = exchange.partition(".")
    ours = place == service and kind.owner == service
    if door == "events":
        fits = place == kind.owner and kind.event and not kind.answer
        entitled = sender == kind.owner
    elif door == "replies":
        fits = place == kind.owner and kind.answer and routing_key.startswith(f"{service}.")
        entitled = sender == kind.owner
    elif door == "inbox":
        fits = ours and not kind.answer
        entitled = sender == service or not (stranger or kind.event)
    elif door == "commands":
        fits = ours and not kind.event
        entitled = kind.open_to_strangers
    elif door == "bulk":
        fits = place == service and not kind.answer and (kind.event or ours)
        entitled = sender == kind.owner if kind.event else not stranger
    else:
        fits = entitled = False
    if not fits:
        raise Undecodable("wrong_exchange", f"{name} does not belong to the exchange {exchange}"[:300])
    if door != "replies" and routing_key != name:
        raise Undecodable("wrong_exchange", f"{name} was sent with the routing key {routing_key}"[:300])
    if not entitled:
        raise Undecodable("not_entitled", f"{sender} may not say {name} on {exchange}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message to be said. `ordering_key`: messages of the same key leave in order; usually the record's id.

    `sender` is the service that says it.
    """

    message_id: UUID
    type: str
    sender: str
    exchange: str
    routing_key: str
    ordering_key: UUID
    time: datetime
    correlation_id: str
    body: bytes
    subject: UUID | None = None
    sequence: int | None = None
    causation_id: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None
    reply_to: str | None = None


def exchange_for(message: type[Message], sender: str) -> str:
    """Facts go to their owner's events, commands and timers to the inbox of the service that obeys."""
    if issubclass(message, Event) and message.owner() == sender:
        return f"{sender}.events"
    return f"{message.owner()}.inbox"


def answer_route(command: Envelope) -> str:
    """The routing key that brings an answer on our replies exchange to whoever gave the command."""
    return f"{command.sender}.{command.reply_to or '-'}"


def outbox_row(outgoing: Outgoing) -> dict[str, object]:
    """The row of `chassis.outbox`; `headers` holds the CloudEvents attributes as they will be sent."""
    headers: dict[str, str] = {
        "ce-specversion": "1.0",
        "ce-id": str(outgoing.message_id),
        "ce-type": outgoing.type,
        "ce-source": f"/quartermaster/{outgoing.sender}",
        "ce-time": _instant(outgoing.time),
        "ce-dataschema": f"/schemas/{outgoing.type}",
        "ce-correlationid": outgoing.correlation_id,
    }
    if outgoing.subject is not None:
        headers["ce-subject"] = str(outgoing.subject)
    if outgoing.sequence is not None:
        headers["ce-sequence"] = str(outgoing.sequence)
    if outgoing.causation_id is not None:
        headers["ce-causationid"] = outgoing.causation_id
    if outgoing.traceparent is not None:
        headers["ce-traceparent"] = outgoing.traceparent
    if outgoing.tracestate is not None:
        headers["ce-tracestate"] = outgoing.tracestate
    if outgoing.reply_to is not None:
        headers["reply_to"] = outgoing.reply_to
    return {
        "shard": outgoing.ordering_key.int % SHARDS,
        "ordering_key": outgoing.ordering_key,
        "message_id": outgoing.message_id,
        "exchange": outgoing.exchange,
        "routing_key": outgoing.routing_key,
        "headers": headers,
        "body": outgoing.body,
    }


def _instant(at: datetime) -> str:
    """RFC 3339 in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def amqp_properties(message_id: UUID, stored: Mapping[str, str], user_id: str) -> spec.Basic.Properties:
    """The AMQP properties of an outbox row: persistent, signed with the user we are logged in as."""
    headers: dict[str, FieldValue] = dict(stored)
    reply_to = headers.pop("reply_to", None)
    if "ce-traceparent" in headers:
        # Where tracing libraries look for it.
        headers["traceparent"] = headers["ce-traceparent"]
        if "ce-tracestate" in headers:
            headers["tracestate"] = headers["ce-tracestate"]
    return spec.Basic.Properties(
        content_type="application/json",
        headers=headers,
        delivery_mode=2,
        correlation_id=stored["ce-correlationid"],
        reply_to=reply_to if isinstance(reply_to, str) else None,
        message_id=str(message_id),
        message_type=stored["ce-type"],
        user_id=user_id,
    )
