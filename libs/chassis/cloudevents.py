"""CloudEvents 1.0 as they come over AMQP 0-9-1: binary mode (`ce-` headers) and structured mode, made one.

Every attribute is checked to be short and printable: PostgreSQL cannot keep NUL, and logs stay readable.
"""

import json
from base64 import b64decode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal, Protocol

ATTRIBUTE_LENGTH_MAX = 512
TOKEN_LENGTH_MAX = 128
"""Ids that travel in AMQP's short strings or in routing keys, which end at 255 bytes."""

Reason = Literal[
    "malformed",
    "too_large",
    "no_sender",
    "unknown_type",
    "wrong_exchange",
    "not_entitled",
    "invalid_content",
    "poison",
    "given_up",
    "too_old",
    "from_the_future",
    "bug",
]


class Undecodable(Exception):
    """A message that cannot be handled, however often it is tried; its place is among the dead letters."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class Properties(Protocol):
    """The AMQP properties that matter here; an `aio_pika.IncomingMessage` has them."""

    @property
    def content_type(self) -> str | None: ...
    @property
    def content_encoding(self) -> str | None: ...
    @property
    def correlation_id(self) -> str | None: ...
    @property
    def reply_to(self) -> str | None: ...
    @property
    def type(self) -> str | None: ...
    @property
    def user_id(self) -> str | None: ...


def canonical_hash(body: bytes) -> bytes:
    """SHA-256 of JSON without its spacing and order of fields."""
    try:
        return sha256(_json(json.loads(body.decode()))).digest()
    except (ValueError, RecursionError):
        raise Undecodable("malformed", "the data is not JSON in UTF-8") from None


class _Prefixed:
    """The `ce-` headers as attributes; their names may be written in any case."""

    __slots__ = ("_headers",)

    def __init__(self, headers: Mapping[str, Any]) -> None:
        if "ce-id" not in headers:
            headers = {name.lower(): value for name, value in headers.items()}
        self._headers = headers

    def get(self, name: str) -> Any:
        return self._headers.get("ce-" + name)


class Attributes(Protocol):
    """The attributes of one CloudEvent, by name."""

    def get(self, name: str, /) -> Any: ...


def unwrapped(body: bytes, headers: Mapping[str, Any], properties: Properties) -> tuple[Attributes, bytes]:
    """The CloudEvents attributes and the JSON of the data."""
    said, data = _in_either_mode(body, headers, properties)
    if said.get("specversion") != "1.0":
        raise Undecodable("malformed", "the CloudEvents specversion must be 1.0")
    return said, data


def _in_either_mode(
    body: bytes, headers: Mapping[str, Any], properties: Properties
) -> tuple[Attributes, bytes]:
    if properties.content_encoding:
        raise Undecodable("malformed", "the body must not be compressed")
    content_type = properties.content_type
    if content_type in {None, "", "application/json"}:
        return _Prefixed(headers), body
    media_type = _media_type(content_type)
    if media_type == "application/cloudevents+json":
        return _structured(body)
    if not _is_json(media_type):
        raise Undecodable(
            "malformed", "the content type must be application/json or application/cloudevents+json"
        )
    return _Prefixed(headers), body


def _media_type(content_type: Any) -> str:
    return str(content_type).partition(";")[0].strip().lower()


def _is_json(media_type: str) -> bool:
    if media_type.startswith("application/cloudevents"):
        return False
    return media_type in {"application/json", "text/json"} or media_type.endswith("+json")


def _structured(body: bytes) -> tuple[Attributes, bytes]:
    try:
        event = json.loads(body.decode())
        if not isinstance(event, dict):
            raise Undecodable("malformed", "a structured CloudEvent is a JSON object")
        if not _is_json(_media_type(event.get("datacontenttype") or "application/json")):
            raise Undecodable("malformed", "datacontenttype must be application/json")
        if "data_base64" in event:
            return event, b64decode(event["data_base64"], validate=True)
        if "data" not in event:
            raise Undecodable("malformed", "data is missing")
        return event, _json(event["data"])
    except (ValueError, TypeError, RecursionError):
        raise Undecodable("malformed", "the body is not a CloudEvent in JSON") from None


def _json(value: object) -> bytes:
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def optional(said: Attributes, name: str) -> str | None:
    """An attribute, or None where it is not said."""
    value = said.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > ATTRIBUTE_LENGTH_MAX or not value.isprintable():
        raise Undecodable("malformed", f"{name} must be printable text, at most {ATTRIBUTE_LENGTH_MAX} long")
    return value


def required(said: Attributes, name: str) -> str:
    """An attribute that must be said."""
    value = optional(said, name)
    if not value:
        raise Undecodable("malformed", f"the CloudEvents attribute {name} is missing")
    return value


def token(name: str, value: Any) -> str | None:
    """An id that travels in short strings and routing keys, or None."""
    if not value:
        return None
    if isinstance(value, str) and len(value) <= TOKEN_LENGTH_MAX and value.isascii() and value.isprintable():
        return value
    raise Undecodable("malformed", f"{name} must be printable ASCII, at most {TOKEN_LENGTH_MAX} long")


def trace(headers: Mapping[str, Any], said: Attributes, name: str) -> str | None:
    """Trace context from the plain header or the attribute; a broken one is dropped, not fatal."""
    value = headers.get(name) or said.get(name)
    if not isinstance(value, str) or len(value) > ATTRIBUTE_LENGTH_MAX:
        return None
    return value if value.isascii() and value.isprintable() else None


def sequence(value: Any) -> int | None:
    """The sender's count of what it said about the subject; the SDKs write it as text."""
    if value is None:
        return None
    text = str(value)
    if isinstance(value, str | int) and len(text) <= 18 and text.isascii() and text.isdigit():
        return int(text)
    raise Undecodable("malformed", "sequence must be a number counted from 0")
