"""The whole company in one memory: four services that hear each other through queues, and timers.

Whoever plays decides which message is delivered next, whether it comes twice, and when a timer fires. Each service
decides by the rules that the runtime enforces: a message is handled once, an early one waits, facts go with state.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self, TypeVar, cast
from uuid import UUID

from libs.chassis.decision import Actor, Cause, Decision, Early, Handler, Record, Records, Rejection, Timer
from libs.chassis.ids import caused_id, timed_id
from libs.chassis.service import Service
from libs.contracts.message import MESSAGES, Answered, Command, Event, Message
from services.assets.__main__ import SERVICE as ASSETS
from services.purchasing.__main__ import SERVICE as PURCHASING
from services.receiving.__main__ import SERVICE as RECEIVING
from services.requests.__main__ import SERVICE as REQUESTS
from tests.builders_dock import NOON, House

SERVICES: Mapping[str, Service] = {each.name: each for each in (REQUESTS, PURCHASING, RECEIVING, ASSETS)}
HANDLERS: Mapping[tuple[str, str], Mapping[type[Message], Handler[Any]]] = {
    (service.name, queue): {row.on: row for row in rows}
    for service in SERVICES.values()
    for queue, rows in service.queues.items()
}
"""By service and queue, what each message leads to."""

NOBODY = Actor("")
R = TypeVar("R", bound=Record)


def _listeners(message: type[Message]) -> list[tuple[str, str]]:
    return [queue for queue, rows in HANDLERS.items() if message in rows]


LISTENERS = {message: _listeners(message) for rows in HANDLERS.values() for message in rows}


@dataclass(frozen=True, slots=True)
class Parcel:
    """One copy of a message on its way into one queue. `stored` tells that it was admitted before, and waited."""

    message: Message
    id: UUID
    to: tuple[str, str]
    sender: str
    actor: Actor = NOBODY
    sequence: int | None = None
    stored: bool = False
    waited_out: bool = False


class Office(House):
    """One service: what it keeps, which messages it has handled, and which of them wait."""

    def __init__(self) -> None:
        super().__init__()
        self.handled: dict[tuple[str, UUID], Answered | None] = {}
        self.early: list[Parcel] = []

    def every(self, of: type[R], **equals: object) -> list[R]:
        """The records of a type that have these values, in no order."""
        kept = self.records.get(of, {}).values()
        if not equals:
            return list(kept)
        wanted = equals.items()
        return [record for record in kept if all(getattr(record, name) == value for name, value in wanted)]

    def one(self, of: type[R], id: UUID | None) -> R | None:
        """The record with this id."""
        return self.records.get(of, {}).get(id)  # type: ignore[arg-type]

    def fork(self) -> Self:
        """An office in the same state that goes its own way."""
        other = type(self)()
        other.records = {of: dict(kept) for of, kept in self.records.items()}
        other.totals, other.handled = dict(self.totals), dict(self.handled)
        other.early, other._drawn = list(self.early), self._drawn
        return other

    def decide(self, handler: Handler[Any], message: Message, cause: Cause) -> Decision | None:
        """Decide and save; None if it must wait."""
        holds, reads = list(handler.holds(message)), list(handler.reads(message))
        if handler.early is not Early.DECIDE and not cause.waited_out and self._misses(holds + reads):
            return None
        numbers = handler.numbers(message)
        cause = replace(cause, numbers={name: self._draw(count) for name, count in numbers.items()})
        held = self._loaded(holds)
        if isinstance(message, Event) and message.carries == "state":
            copies = self._loaded(holds[:1])
            if any(getattr(copy, "sequence") >= cause.sequence for copy in copies):  # noqa: B009
                return Decision()
        loaded = Records((*self._loaded(reads), *held) if reads else held)
        decision: Decision = handler.decide(message, loaded, cause)
        self._check_steps(decision)
        self._apply(decision, {(type(record), record.id) for record in held})
        self.said.clear()
        return decision

    def _check_steps(self, decision: Decision) -> None:
        """Each status follows from the one before in at most three steps of the record's own table: software alone,
        where invoices are not used, is received and closed as soon as it is submitted."""
        for record in decision.save:
            if record.TRANSITIONS and record.version:
                before = getattr(self.records[type(record)][record.id], "status")  # noqa: B009
                status = getattr(record, "status")  # noqa: B009
                if status == before or status in record.TRANSITIONS[before]:
                    continue
                near = set(record.TRANSITIONS[before])
                for _ in range(2):
                    near |= {step for between in near for step in record.TRANSITIONS[between]}
                assert status in near, f"a {before} {type(record).__name__} became {status}"

    def released(self) -> list[Parcel]:
        """What need not wait any longer, because what it needs exists by now."""
        ready = []
        for parcel in self.early:
            handler = HANDLERS[parcel.to][type(parcel.message)]
            if not self._misses([*handler.holds(parcel.message), *handler.reads(parcel.message)]):
                ready.append(parcel)
        self.early = [parcel for parcel in self.early if parcel not in ready] if ready else self.early
        return [replace(parcel, stored=True) for parcel in ready]


@dataclass
class Company:
    """The services, what is on its way between them, and what is timed. `past` is what was ever sent."""

    now: datetime = NOON
    offices: dict[str, Office] = field(default_factory=lambda: {name: Office() for name in SERVICES})
    flight: list[Parcel] = field(default_factory=list)
    past: list[Parcel] = field(default_factory=list)
    timers: dict[UUID, tuple[str, Timer]] = field(default_factory=dict)
    answers: list[Answered] = field(default_factory=list)
    story: list[str] | None = None
    sent: int = 0

    def __getattr__(self, name: str) -> Office:
        """An office by its service's name."""
        try:
            return self.__dict__["offices"][name]  # type: ignore[no-any-return]
        except KeyError:
            raise AttributeError(name) from None

    def fork(self) -> "Company":
        """A company in the same state that goes its own way."""
        return replace(
            self,
            offices={name: office.fork() for name, office in self.offices.items()},
            flight=list(self.flight),
            past=list(self.past),
            timers=dict(self.timers),
            answers=[],
        )

    # What comes from outside

    def say(self, message: Command, actor: Actor, *, at_once: bool = True) -> None:
        """A person or another system gives a command; it is handled at once, or some time later."""
        self.sent += 1
        id = timed_id(self.now, "said", self.sent)
        (owner,) = (to for to in LISTENERS[type(message)] if to[0] == message.owner())
        parcel = Parcel(message, id, owner, sender=actor.id, actor=actor, waited_out=at_once)
        self.past.append(parcel)
        if at_once:
            self.deliver(parcel)
        else:
            self.flight.append(parcel)

    def fire(self, timer_id: UUID) -> None:
        """It is time: the message is said, and from now on it cannot be taken back."""
        service, timer = self.timers.pop(timer_id)
        self.now = max(self.now, timer.due_at)
        id = timed_id(timer.due_at, timer_id, timer.due_at)
        self._send(Parcel(timer.message, id, (service, "inbox"), sender=service))

    def again(self, parcel: Parcel, *, renamed: bool) -> None:
        """The same message comes once more; a command perhaps as a new one."""
        if renamed and isinstance(parcel.message, Command):
            self.sent += 1
            parcel = replace(parcel, id=timed_id(self.now, "renamed", self.sent))
        self.flight.append(parcel)

    # What happens inside

    def take(self, index: int) -> None:
        """Deliver one of the messages that are on their way."""
        if self.flight:
            self.deliver(self.flight.pop(index % len(self.flight)))

    def drain(self) -> None:
        """Deliver everything, and what it leads to; commands that wait in vain are decided in the end."""
        for _ in range(2000):
            if self.flight:
                self.take(0)
                continue
            in_vain = [
                (office, parcel)
                for office in self.offices.values()
                for parcel in office.early
                if isinstance(parcel.message, Command)
            ]
            if not in_vain:
                return
            for office, parcel in in_vain:
                office.early.remove(parcel)
                self.deliver(replace(parcel, stored=True, waited_out=True))
        raise AssertionError("messages lead to messages without an end")

    def deliver(self, parcel: Parcel) -> None:
        """Handle a message as the runtime does: once; a repeated command gets its first answer again."""
        service, queue = parcel.to
        office = self.offices[service]
        if not parcel.stored:
            key = (queue, parcel.id)
            if key in office.handled:
                earlier = office.handled[key]
                if earlier is not None:
                    self._answer(parcel, replace_outcome(earlier))
                return
            office.handled[key] = None
        if self.story is not None:
            self.story.append(f"    {service}.{queue} hears {parcel.message!r}")
        message = parcel.message.said_by(parcel.sender)
        cause = Cause(
            message_id=parcel.id,
            at=self.now,
            sender=parcel.sender,
            correlation_id="",
            sequence=parcel.sequence,
            waited_out=parcel.waited_out,
            actor=parcel.actor,
        )
        try:
            check_right(parcel)
            decision = office.decide(HANDLERS[parcel.to][type(message)], message, cause)
        except Rejection as rejection:
            self._refuse(parcel, rejection)
            return
        if decision is None:
            office.early.append(parcel)
            return
        self.noted(message, decision)
        self._follow(service, parcel.id, decision)
        if isinstance(message, Command):
            outcome = {"outcome": "duplicate", "original": "accepted"} if decision.duplicate else {}
            self._conclude(parcel, {"outcome": "accepted", "result": dict(decision.answer), **outcome})

    def noted(self, message: Message, decision: Decision) -> None:
        """A message was decided on; for those who keep books of their own."""

    def _refuse(self, parcel: Parcel, rejection: Rejection) -> None:
        said = parcel.message
        assert isinstance(said, Command), f"{said!r} is a fact, and was refused: {rejection.message}"
        answer = {"code": rejection.code, "field": rejection.field, "message": rejection.message}
        self._conclude(parcel, {"outcome": "rejected", **answer})

    def _follow(self, service: str, cause: UUID, decision: Decision) -> None:
        office = self.offices[service]
        for id in decision.cancel:
            self.timers.pop(id, None)
        for timer in decision.schedule:
            self.timers[timer.id] = (service, timer)
        sequences = {record.id: record.version for record in decision.save}
        for index, message in enumerate(decision.publish):
            kind, sequence = type(message), None
            if isinstance(message, Event) and (subject := message.subject_id()) is not None:
                sequence = sequences[subject] = sequences[subject] + 1
            elif isinstance(message, Command):
                assert kind in SERVICES[service].sends or message.owner() == service, f"sends {message.type}"
            id = caused_id(cause, message.type, index)
            for to in LISTENERS.get(kind, ()):
                if isinstance(message, Command) == (to[0] == message.owner()):
                    self._send(Parcel(message, id, to, sender=service, sequence=sequence))
        if decision.save and office.early:
            self.flight += office.released()

    def _conclude(self, parcel: Parcel, answer: dict[str, Any]) -> None:
        service, queue = parcel.to
        answer_type = cast(type[Answered], MESSAGES[f"{service}.command_answered.v1"])
        answered = answer_type(
            command_id=str(parcel.id),
            command_type=parcel.message.type,
            about=parcel.message.said_by(parcel.sender).subject_id(),
            **answer,
        )
        self.offices[service].handled[queue, parcel.id] = answered
        self._answer(parcel, answered)

    def _answer(self, parcel: Parcel, answered: Answered) -> None:
        if self.story is not None:
            self.story.append(f"      {answered.outcome} {answered.code or ''} {answered.message or ''}")
        if parcel.sender not in SERVICES:
            self.answers.append(answered)
            return
        self.sent += 1
        id = timed_id(self.now, parcel.id, "answer", self.sent)
        for to in LISTENERS.get(type(answered), ()):
            if to[0] == parcel.sender != parcel.to[0]:
                self._send(Parcel(answered, id, to, sender=parcel.to[0]))

    def _send(self, parcel: Parcel) -> None:
        self.flight.append(parcel)
        self.past.append(parcel)


def check_right(parcel: Parcel) -> None:
    """Strangers may do what their roles allow; our own services may do anything."""
    message = parcel.message
    if parcel.sender in SERVICES or not isinstance(message, Command):
        return
    if message.action is None or not parcel.actor.may(message.action):
        raise Rejection("not_entitled", message=f"{parcel.actor.id} lacks a role that may do this.")


def replace_outcome(answered: Answered) -> Answered:
    """The answer that a repeated command gets."""
    original = answered.original or answered.outcome
    return answered.model_copy(update={"outcome": "duplicate", "original": original})
