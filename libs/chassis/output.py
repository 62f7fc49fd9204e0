"""Everything a batch leaves behind besides records: messages to say, timers, messages that wait, dead letters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.chassis import audit, schema
from libs.chassis.dead_letters import REPLAYED, Death, bury
from libs.chassis.decision import Decision, Timer
from libs.chassis.envelope import Outgoing, answer_route, exchange_for, outbox_row
from libs.chassis.ids import caused_id, timed_id
from libs.chassis.inbox import Arrival, conclude
from libs.chassis.rows import as_json, insert_rows, insert_statement
from libs.chassis.tracing import child
from libs.contracts.message import Event, Message
from libs.contracts.values import MESSAGE_BYTES_MAX

_OUTBOX = ("shard", "ordering_key", "message_id", "exchange", "routing_key", "headers", "body")
_INSERT_OUTBOX = insert_statement(schema.outbox, _OUTBOX)
_TIMERS = ("id", "due_at", "ordering_key", "type", "correlation_id", "traceparent", "body")
_INSERT_TIMERS = insert_statement(schema.timers, _TIMERS)
_CANCEL_TIMERS = text("DELETE FROM chassis.timers WHERE id = ANY(:ids)")
_WAITING = ("id", "kind", "key", "due_at", "since", "consumer", "envelope", "body")
_INSERT_WAITING = insert_statement(schema.waiting, _WAITING)


@dataclass(slots=True)
class Output:
    """Collected message by message in memory, written in bulk at the end; `service` says it, `now` is the batch's."""

    service: str
    now: datetime
    outbox: list[dict[str, object]] = field(default_factory=list)
    _timers: dict[UUID, tuple[Timer, Arrival] | None] = field(default_factory=dict)
    _waiting: list[tuple[Any, ...]] = field(default_factory=list)
    _dead: list[tuple[Arrival, Death]] = field(default_factory=list)
    _audited: list[audit.Entry] = field(default_factory=list)
    _concluded: list[tuple[Arrival, str, Mapping[str, Any] | None]] = field(default_factory=list)

    def messages(
        self, arrival: Arrival, decision: Decision, sequences: Mapping[int, int]
    ) -> list[dict[str, object]]:
        """The outbox rows of what a decision publishes; nothing is kept yet, because a bug may still show."""
        rows = []
        for position, message in enumerate(decision.publish):
            if isinstance(message, Event) and message.owner() != self.service:
                raise RuntimeError(f"{self.service} does not own {message.type}")
            rows.append(
                self._row(
                    arrival,
                    id=caused_id(cast(UUID, arrival.id), message.type, position),
                    type=message.type,
                    exchange=exchange_for(type(message), self.service),
                    routing_key=message.type,
                    body=encoded(message),
                    subject=message.subject_id(),
                    sequence=sequences.get(position),
                )
            )
        for position, told in enumerate(decision.announce):
            rows.append(
                self._row(
                    arrival,
                    id=caused_id(cast(UUID, arrival.id), f"announce {told.fact.type} to {told.to}", position),
                    type=told.fact.type,
                    exchange=f"{told.to}.bulk",
                    routing_key=told.fact.type,
                    body=encoded(told.fact),
                    subject=told.fact.subject_id(),
                    sequence=told.sequence,
                )
            )
        return rows

    def time(self, arrival: Arrival, decision: Decision) -> None:
        """Set and cancel timers; the last word of the batch on a timer counts."""
        for id in decision.cancel:
            self._timers[id] = None
        for timer in decision.schedule:
            self._timers[timer.id] = (timer, arrival)

    def answer(self, arrival: Arrival, type: str, answer: Mapping[str, Any]) -> None:
        """Tell the sender of a command how it ended."""
        # Each repeat is answered anew, and so is other content under the same id: none may look like the first answer.
        repeat = self.now if answer["outcome"] == "duplicate" else ""
        row = self._row(
            arrival,
            id=timed_id(self.now, arrival.id, "answer", arrival.envelope.body_hash.hex(), repeat),
            type=type,
            exchange=f"{self.service}.replies",
            routing_key=answer_route(arrival.envelope),
            body=to_json(answer),
        )
        self.outbox.append(row)

    def conclude(self, arrival: Arrival, outcome: str, answer: Mapping[str, Any] | None = None) -> None:
        """Note in the inbox how a message ended; `done` is what it says from the start."""
        self._concluded.append((arrival, outcome, answer))

    def wait(self, arrival: Arrival, kind: str, key: UUID, due_at: datetime | None) -> None:
        """Keep a message until the record `key` of table `kind` exists, or until `due_at`."""
        id = arrival.stored or caused_id(cast(UUID, arrival.id), f"waiting in {arrival.consumer}")
        stored = as_json(arrival.stored_envelope())
        self._waiting.append(
            (id, kind, key, due_at, self.now, arrival.consumer, stored, arrival.envelope.body)
        )

    @property
    def waited_for(self) -> set[str]:
        """The kinds of record that messages of this batch wait for."""
        return {kind for _, kind, *_ in self._waiting}

    def try_again(self, arrival: Arrival, id: UUID) -> None:
        """Put a message that came from the waiting row `id` back there for the next sweep."""
        self.wait(
            arrival, "" if arrival.waited_out else REPLAYED, id, self.now if arrival.waited_out else None
        )

    def audit(self, arrival: Arrival, outcome: str, code: object = None) -> None:
        """Note who did this, if it was a person or another system."""
        entry = audit.entry(arrival, self.now, outcome, code)
        if entry is not None:
            self._audited.append(entry)

    def die(self, arrival: Arrival, death: Death) -> None:
        """Keep a message as a dead letter."""
        self._dead.append((arrival, death))

    async def save(self, connection: AsyncConnection) -> None:
        """Write it all."""
        if self._timers:
            await self._save_timers(connection)
        if self._waiting:
            await insert_rows(connection, _INSERT_WAITING, _WAITING, self._waiting)
        if self._dead:
            await bury(connection, self._dead)
        if self._audited:
            await audit.save(connection, self._audited)
        if self._concluded:
            await conclude(connection, self._concluded)
        await save_outbox(connection, self.outbox)

    async def _save_timers(self, connection: AsyncConnection) -> None:
        await connection.execute(_CANCEL_TIMERS, {"ids": sorted(self._timers)})
        rows = [
            (
                id,
                timer.due_at,
                timer.of,
                timer.message.type,
                arrival.envelope.correlation_id,
                arrival.envelope.traceparent,
                encoded(timer.message),
            )
            for id, (timer, arrival) in (
                (id, scheduled) for id, scheduled in self._timers.items() if scheduled
            )
        ]
        if rows:
            await insert_rows(connection, _INSERT_TIMERS, _TIMERS, rows)

    def _row(
        self,
        arrival: Arrival,
        *,
        id: UUID,
        type: str,
        exchange: str,
        routing_key: str,
        body: bytes,
        subject: UUID | None = None,
        sequence: int | None = None,
    ) -> dict[str, object]:
        return outbox_row(
            Outgoing(
                message_id=id,
                type=type,
                sender=self.service,
                exchange=exchange,
                routing_key=routing_key,
                ordering_key=subject or id,
                time=cast(datetime, arrival.at),
                correlation_id=arrival.envelope.correlation_id,
                body=body,
                subject=subject,
                sequence=sequence,
                causation_id=str(arrival.id),
                traceparent=child(arrival.envelope.traceparent),
                tracestate=arrival.envelope.tracestate,
            )
        )


async def save_outbox(connection: AsyncConnection, rows: Sequence[Mapping[str, object]]) -> None:
    """Hand messages to the relay, in this order, with the commit of this transaction."""
    if rows:
        columns = [
            tuple(as_json(row[name]) if name == "headers" else row[name] for name in _OUTBOX) for row in rows
        ]
        await insert_rows(connection, _INSERT_OUTBOX, _OUTBOX, columns)


def encoded(message: Message) -> bytes:
    """A message as the JSON that is sent; too much of it is our own mistake."""
    body = message.__pydantic_serializer__.to_json(message)
    if len(body) > MESSAGE_BYTES_MAX:
        raise RuntimeError(f"{message.type} takes {len(body)} bytes; say it in chunks")
    return body
