"""Messages that cannot be handled: kept with the reason until a person replays or discards them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.chassis import schema
from libs.chassis.envelope import Envelope, decoded
from libs.chassis.ids import caused_id
from libs.chassis.inbox import CONSUMER_HTTP, Arrival
from libs.chassis.rows import as_json, bulk_values
from libs.contracts.values import derived_id

DETAIL_LENGTH_MAX = 8000


@dataclass(frozen=True, slots=True)
class Death:
    """Why a message died. Letters with the same `cause` are listed as one group."""

    reason: str
    detail: str
    cause: str


def letter_id(consumer: str, sender: str, message_key: UUID) -> UUID:
    """One letter per message and consumer, however often it dies."""
    return derived_id("letter", consumer, sender, message_key)


_COLUMNS = (
    "id",
    "reason",
    "detail",
    "fingerprint",
    "type",
    "sender",
    "consumer",
    "envelope",
    "body",
    "died_at",
)
_SOURCE, _SELECTED = bulk_values(schema.dead_letters, _COLUMNS)
_BURY = text(
    f"INSERT INTO chassis.dead_letters AS t ({', '.join(_COLUMNS)}) SELECT {_SELECTED} FROM {_SOURCE} ORDER BY v.id"
    " ON CONFLICT (id) DO UPDATE SET status = 'open', reason = excluded.reason, detail = excluded.detail,"
    " fingerprint = excluded.fingerprint, died_at = excluded.died_at, deaths = t.deaths + 1"
)
_MARK = text(
    "UPDATE chassis.dead_letters SET status = :status WHERE id = :id AND status = 'open'"
    " RETURNING consumer, sender, envelope, body, reason"
)
_AUDIT = text(
    "INSERT INTO chassis.dead_letter_audit (dead_letter_id, action, actor, detail)"
    " VALUES (:id, :action, :actor, CAST(:detail AS jsonb))"
)
_REVIVE = text(
    "INSERT INTO chassis.waiting (id, kind, key, due_at, since, consumer, envelope, body)"
    " VALUES (:id, :kind, :key, NULL, chassis.app_now(), :consumer, CAST(:envelope AS jsonb), :body)"
    " ON CONFLICT (id) DO NOTHING"
)

REPLAYED = "replayed"
"""The `kind` under which a replayed letter waits for the next sweep: it waits for nothing, and is not too late."""


NOT_REPLAYED = ("no_sender", "not_entitled", "wrong_exchange")


class NotReplayed(Exception):
    """A replay must not do what the check at the door refuses."""


async def bury(connection: AsyncConnection, dead: Sequence[tuple[Arrival, Death]]) -> None:
    """Keep the messages as dead letters; one that was replayed and died again counts its deaths."""
    rows = {
        id: (
            id,
            death.reason,
            death.detail.replace("\x00", "")[:DETAIL_LENGTH_MAX],
            fingerprint(envelope.type, death),
            envelope.type,
            envelope.sender,
            arrival.consumer,
            as_json(arrival.stored_envelope()),
            envelope.body,
            arrival.at,
        )
        for arrival, death in dead
        for envelope in (arrival.envelope,)
        for id in (letter_id(arrival.consumer, envelope.sender, envelope.message_key),)
    }
    columns = zip(*rows.values(), strict=True)
    await connection.execute(_BURY, dict(zip(_COLUMNS, map(list, columns), strict=True)))


def fingerprint(type: str, death: Death) -> str:
    """Equal for messages of one type that died of the same thing."""
    return sha256(f"{type}\x1f{death.reason}\x1f{death.cause}".encode()).hexdigest()[:16]


async def discard(connection: AsyncConnection, id: UUID, *, actor: str) -> bool:
    """Give a letter up for good; False if it isn't open any more."""
    if (await connection.execute(_MARK, {"id": id, "status": "discarded"})).first() is None:
        return False
    await _audit(connection, id, "discarded", actor, {})
    return True


async def replay(connection: AsyncConnection, id: UUID, *, actor: str, body: bytes | None = None) -> bool:
    """Have a letter decided once more, below the inbox; False if it isn't open any more.

    With another body it is a new message whose cause is the original; the body must satisfy the contract, else
    `InvalidContent` is raised. `NotReplayed` is raised for what its sender must not say in any wording.
    """
    letter = (await connection.execute(_MARK, {"id": id, "status": "replayed"})).first()
    if letter is None:
        return False
    consumer, sender, stored, original, reason = letter
    if reason in NOT_REPLAYED or (reason == "too_large" and body is None):
        raise NotReplayed(f"It was refused at the door: {reason}.")
    key = UUID(stored["envelope"]["message_key"])
    if body is not None and body != original:
        envelope = Envelope.restored(stored["envelope"], body)
        if envelope.actor.through is not None or envelope.exchange == CONSUMER_HTTP:
            raise NotReplayed(
                "A person said this: it is not reworded in their name. Discard it and ask them."
            )
        new = caused_id(UUID(stored["id"]), f"edited {sha256(body).hexdigest()}")
        envelope = replace(
            envelope,
            id=new,
            said_id=str(new),
            message_key=new,
            causation_id=stored["id"],
            body_hash=sha256(body).digest(),
        )
        decoded(envelope)
        stored |= {"envelope": envelope.stored(), "id": str(new)}
        key = new
    await connection.execute(
        _REVIVE,
        {
            "id": letter_id(consumer, sender, key),
            "kind": REPLAYED,
            "key": key,
            "consumer": consumer,
            "envelope": as_json(stored),
            "body": original if body is None else body,
        },
    )
    await _audit(connection, id, "replayed" if body is None else "edited", actor, {"message_key": str(key)})
    return True


async def _audit(
    connection: AsyncConnection, id: UUID, action: str, actor: str, detail: dict[str, Any]
) -> None:
    await connection.execute(_AUDIT, {"id": id, "action": action, "actor": actor, "detail": as_json(detail)})
