"""Which messages are new: each is admitted once per consumer and sender; a repeat gets the first one's outcome."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.chassis import schema
from libs.chassis.cloudevents import Reason
from libs.chassis.decision import Rejection
from libs.chassis.envelope import Envelope, Undecodable
from libs.chassis.ids import time_in, timed_id
from libs.chassis.rows import as_json, insert_statement
from libs.contracts.message import Message

CONSUMER_HTTP = "http"
"""What persons command over HTTP is a consumer of its own."""
KEPT_DAYS = 30
"""How long our own messages are remembered, by the day inside their id."""
TIMELY = timedelta(days=1)
"""A message that waited or lay dead for longer is decided under an id of today; it was never decided before."""
GENERATION_DAYS = 30
"""Strangers may restamp a retried message, so its bucket is a whole generation; the one before is looked into too."""


@dataclass(slots=True)
class Arrival:
    """A message on its way through one consumer. `fault` says why it cannot be decided, `refusal` why its sender
    may not have it decided: that is answered and not remembered, because the same message may come with better papers.

    `stored` names the waiting row it comes from, if it was admitted earlier; `waited_out` that its time is over.
    """

    consumer: str
    envelope: Envelope
    message: Message | None = None
    fault: Undecodable | None = None
    refusal: Rejection | None = None
    stored: UUID | None = None
    waited_out: bool = False
    tries: int = 0
    id: UUID | None = None
    at: datetime | None = None
    bucket: date | None = None

    def admitted_at(self, now: datetime) -> None:
        """Stamp the time and the id that everything it causes will derive from."""
        if self.at is not None:
            assert self.id is not None
            if now - time_in(self.id) > TIMELY:
                # What follows inherits this time, and nobody listens to messages from long ago.
                self.id = timed_id(now, self.id)
            return
        self.at = now
        if not self.envelope.stranger:
            self.id = self.envelope.id
            self.bucket = time_in(self.envelope.id).date()
            if -KEPT_DAYS < (self.bucket - now.date()).days <= 1:
                return
            # There is no partition to tell whether it was handled, so a person must.
            reason: Reason = "too_old" if self.bucket < now.date() else "from_the_future"
            self.fault = Undecodable(
                reason, f"its id says that it is of {self.bucket}, today is {now.date()}"
            )
            self.envelope = replace(self.envelope, stranger=True)
        self.id = timed_id(now, self.envelope.sender, self.envelope.said_id)
        self.bucket = generation_of(now)

    def stored_envelope(self) -> dict[str, object]:
        """All but the body, as JSON, with the id and time it was admitted under: a replay keeps them."""
        return {
            "envelope": self.envelope.stored(),
            "id": str(self.id),
            "at": self.at.isoformat() if self.at else None,
            "bucket": self.bucket.isoformat() if self.bucket else None,
        }

    @classmethod
    def restored(
        cls, consumer: str, stored: Mapping[str, Any], body: bytes, *, id: UUID, waited_out: bool
    ) -> "Arrival":
        """A message that was admitted before and comes from the waiting row `id`."""
        return cls(
            consumer,
            Envelope.restored(stored["envelope"], body),
            stored=id,
            waited_out=waited_out,
            id=UUID(stored["id"]),
            at=datetime.fromisoformat(stored["at"]),
            bucket=date.fromisoformat(stored["bucket"]),
        )

    @property
    def key(self) -> tuple[UUID, str]:
        """What makes it the same message again, within a consumer."""
        return self.envelope.message_key, self.envelope.sender


@dataclass(frozen=True, slots=True)
class Earlier:
    """How the same message ended the first time; `position` when that was earlier in the same batch."""

    body_hash: bytes
    outcome: str
    answer: Mapping[str, Any] | None = None
    position: int | None = None


def generation_of(now: datetime) -> date:
    """The first day of the generation that this instant belongs to."""
    days = now.astimezone(UTC).date().toordinal()
    return date.fromordinal(days - days % GENERATION_DAYS)


_COLUMNS = ("message_id", "consumer", "sender", "bucket", "body_hash", "outcome", "received_at")


class _Ledger:
    """The statements for one of the two inbox tables."""

    def __init__(self, table: Table) -> None:
        name = table.fullname
        ending = "ORDER BY v.message_id, v.sender ON CONFLICT DO NOTHING RETURNING message_id, sender"
        self.insert = insert_statement(table, _COLUMNS, ending)
        self.select = text(
            f"SELECT message_id, sender, body_hash, outcome, answer FROM {name}"
            " WHERE message_id = ANY(:ids) AND consumer = ANY(:consumers) AND bucket = ANY(:buckets)"
        )
        self.conclude = text(
            f"UPDATE {name} AS t SET outcome = v.outcome, answer = v.answer::jsonb FROM"
            " unnest(CAST(:ids AS uuid[]), CAST(:consumers AS text[]), CAST(:senders AS text[]),"
            " CAST(:buckets AS date[]), CAST(:outcomes AS text[]), CAST(:answers AS text[]))"
            " AS v(message_id, consumer, sender, bucket, outcome, answer) WHERE t.message_id = v.message_id"
            " AND t.consumer = v.consumer AND t.sender = v.sender AND t.bucket = v.bucket"
            # These name the partitions and, whatever is known of them, the index, which the join does not.
            " AND t.bucket = ANY(:buckets) AND t.message_id = ANY(:ids)"
        )
        self.forget = text(
            f"DELETE FROM {name} AS t USING unnest(CAST(:ids AS uuid[]), CAST(:consumers AS text[]),"
            " CAST(:senders AS text[])) AS v(message_id, consumer, sender) WHERE t.message_id = v.message_id"
            " AND t.consumer = v.consumer AND t.sender = v.sender AND t.bucket = ANY(:buckets)"
        )


_OURS, _STRANGERS = _Ledger(schema.inbox), _Ledger(schema.stranger_inbox)
_CLAIM = text("DELETE FROM chassis.waiting WHERE id = ANY(:ids) RETURNING id")


async def admit(
    connection: AsyncConnection, arrivals: Sequence[Arrival], now: datetime
) -> dict[int, Earlier | None]:
    """Admit each arrival once. Returns, by position, those not admitted: how they ended earlier.

    None stands for a stored message that another worker has taken already.
    """
    for arrival in arrivals:
        arrival.admitted_at(now)
    refused: dict[int, Earlier | None] = {}
    for ledger, stranger in ((_OURS, False), (_STRANGERS, True)):
        some = [
            (position, arrival)
            for position, arrival in enumerate(arrivals)
            if arrival.stored is None and arrival.envelope.stranger is stranger
        ]
        if some:
            refused |= await _insert(connection, ledger, some)
    stored = {
        arrival.stored: position for position, arrival in enumerate(arrivals) if arrival.stored is not None
    }
    if stored:
        claimed = {row[0] for row in await connection.execute(_CLAIM, {"ids": sorted(stored)})}
        refused |= {position: None for id, position in stored.items() if id not in claimed}
    return refused


async def _insert(
    connection: AsyncConnection, ledger: _Ledger, some: Sequence[tuple[int, Arrival]]
) -> dict[int, Earlier | None]:
    known: dict[tuple[UUID, str], Earlier] = {}
    if ledger is _STRANGERS:
        known = await _look(connection, ledger, some, days_ago=GENERATION_DAYS)
    first: dict[tuple[UUID, str], int] = {}
    for position, arrival in some:
        if arrival.key not in known:
            first.setdefault(arrival.key, position)
    admitted: set[tuple[UUID, str]] = set()
    if first:
        arrivals = dict(some)
        rows = [
            (
                arrival.envelope.message_key,
                arrival.consumer,
                arrival.envelope.sender,
                arrival.bucket,
                arrival.envelope.body_hash,
                "done",
                arrival.at,
            )
            for arrival in (arrivals[position] for position in first.values())
        ]
        columns = dict(zip(_COLUMNS, map(list, zip(*rows, strict=True)), strict=True))
        admitted = {(row[0], row[1]) for row in await connection.execute(ledger.insert, columns)}
    if len(admitted) < len(first):
        known |= await _look(connection, ledger, some, days_ago=0)
    refused: dict[int, Earlier | None] = {}
    for position, arrival in some:
        if arrival.key not in admitted:
            refused[position] = known[arrival.key]
        elif first[arrival.key] != position:
            # Twice in one batch: the second sees how the first ends once that is decided.
            refused[position] = Earlier(
                arrivals[first[arrival.key]].envelope.body_hash, "done", position=first[arrival.key]
            )
    return refused


async def _look(
    connection: AsyncConnection, ledger: _Ledger, some: Iterable[tuple[int, Arrival]], *, days_ago: int
) -> dict[tuple[UUID, str], Earlier]:
    arrivals = [arrival for _, arrival in some]
    found = await connection.execute(
        ledger.select,
        {
            "ids": [arrival.envelope.message_key for arrival in arrivals],
            "consumers": list({arrival.consumer for arrival in arrivals}),
            "buckets": list(
                {arrival.bucket - timedelta(days=days_ago) for arrival in arrivals if arrival.bucket}
            ),
        },
    )
    return {(row[0], row[1]): Earlier(row[2], row[3], row[4]) for row in found}


async def conclude(
    connection: AsyncConnection, ended: Sequence[tuple[Arrival, str, Mapping[str, Any] | None]]
) -> None:
    """Write how messages ended (and what was answered) where it isn't simply done."""
    for ledger, stranger in ((_OURS, False), (_STRANGERS, True)):
        some = [row for row in ended if row[0].envelope.stranger is stranger]
        if some:
            await connection.execute(
                ledger.conclude,
                {
                    "ids": [arrival.envelope.message_key for arrival, _, _ in some],
                    "consumers": [arrival.consumer for arrival, _, _ in some],
                    "senders": [arrival.envelope.sender for arrival, _, _ in some],
                    "buckets": [arrival.bucket for arrival, _, _ in some],
                    "outcomes": [outcome for _, outcome, _ in some],
                    "answers": [as_json(answer) for _, _, answer in some],
                },
            )


async def forget(connection: AsyncConnection, arrivals: Sequence[Arrival]) -> None:
    """Take back the admission of messages that will come again."""
    for ledger, stranger in ((_OURS, False), (_STRANGERS, True)):
        some = [arrival for arrival in arrivals if arrival.envelope.stranger is stranger]
        if some:
            await connection.execute(
                ledger.forget,
                {
                    "ids": [arrival.envelope.message_key for arrival in some],
                    "consumers": [arrival.consumer for arrival in some],
                    "senders": [arrival.envelope.sender for arrival in some],
                    "buckets": list({arrival.bucket for arrival in some}),
                },
            )
