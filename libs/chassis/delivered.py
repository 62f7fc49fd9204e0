"""What a delivered message tells from outside: how it came, whom it speaks for, and what to call one that is broken."""

from collections.abc import Collection
from hashlib import sha256
from typing import Any

from aio_pika import IncomingMessage

from libs.chassis.envelope import Envelope, system_named
from libs.contracts.values import derived_id


def came_by(raw: IncomingMessage) -> tuple[str, str, str]:
    """The queue that a message was in before the broker gave it up, and how it came there: exchange, routing key."""
    deaths: Any = raw.headers.get("x-death")
    if isinstance(deaths, list) and deaths and isinstance(deaths[-1], dict):
        first = deaths[-1]
        keys = first.get("routing-keys") or [raw.routing_key]
        return str(first.get("queue") or ""), str(first.get("exchange") or ""), str(keys[0] or "")
    return "", raw.exchange or "", raw.routing_key or ""


def envelope_of_undecodable(raw: IncomingMessage, ours: Collection[str]) -> Envelope:
    """What can be said of a message without believing it. Its id is not used up: it may come again, mended."""
    sender, body_hash = raw.user_id or "unknown", sha256(raw.body).digest()
    key = derived_id("undecodable", sender, raw.message_id, body_hash.hex())
    return Envelope(
        id=key,
        said_id=_printable(raw.message_id) or str(key),
        message_key=key,
        stranger=True,
        type=_printable(raw.routing_key) or "unknown",
        sender=_printable(sender) or "unknown",
        source="",
        subject=None,
        time=None,
        sequence=None,
        correlation_id=_printable(raw.correlation_id) or str(key),
        causation_id=None,
        traceparent=None,
        tracestate=None,
        reply_to=None,
        exchange=raw.exchange or "",
        redelivered=bool(raw.redelivered),
        body=raw.body,
        body_hash=body_hash,
        actor=system_named(sender, stranger=sender not in ours),
        # In its own name a system is not to do what it wanted to do in a person's.
        actas="" if authorization(raw) is not None or "ce-actas" in map(str.lower, raw.headers) else None,
        origin=f"queue {_printable(sender)}",
    )


def _printable(text: object) -> str:
    return "".join(character for character in str(text or "")[:200] if character.isprintable())


def speaks_for_somebody(envelope: Envelope, raw: IncomingMessage) -> bool:
    """Whether a system says that it acts for a person; our own services never do."""
    return envelope.stranger and (envelope.actas is not None or authorization(raw) is not None)


def authorization(raw: IncomingMessage) -> object:
    """The token header as it came, if one did."""
    return raw.headers.get("authorization") or raw.headers.get("Authorization")
