"""Message ids: UUIDv8 made of the cause's time and a hash of what they are for, so that a repeat repeats them."""

from datetime import UTC, datetime
from hashlib import blake2b
from uuid import UUID

from libs.contracts.values import versioned_uuid

_TIME_BITS = 48
_HASH_BITS = 128 - _TIME_BITS


def timed_id(at: datetime, *named: object) -> UUID:
    """The id of what happened at this time under this name; the milliseconds since 1970 lead."""
    digest = blake2b("\x1f".join(map(str, named)).encode(), digest_size=_HASH_BITS // 8).digest()
    return versioned_uuid(int(at.timestamp() * 1000) << _HASH_BITS | int.from_bytes(digest, "big"))


def caused_id(cause: UUID, name: str, index: int = 0) -> UUID:
    """The id of the index-th thing of this name that follows from a message; it inherits the cause's time."""
    digest = blake2b(cause.bytes + f"{name}\x1f{index}".encode(), digest_size=_HASH_BITS // 8).digest()
    milliseconds = cause.int >> _HASH_BITS
    return versioned_uuid(milliseconds << _HASH_BITS | int.from_bytes(digest, "big"))


def time_in(id: UUID) -> datetime:
    """The instant inside an id of ours (to the millisecond, UTC)."""
    return datetime.fromtimestamp((id.int >> _HASH_BITS) / 1000, tz=UTC)
