"""What happens to messages: admitted, loaded, decided one after another in memory, saved and published together.

One transaction for the batch, an outcome for each message: a refusal or a bug costs only its own message.
"""

import asyncio
import json
import random
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, cast
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from libs.chassis.crash import crash_point
from libs.chassis.dead_letters import Death
from libs.chassis.decision import Cause, Early, Handler, Record, Rejection
from libs.chassis.envelope import InvalidContent
from libs.chassis.identity import Grants, with_grants
from libs.chassis.ids import caused_id
from libs.chassis.inbox import Arrival, Earlier, admit, forget
from libs.chassis.metrics import BATCH_RETRIES
from libs.chassis.outage import Away, Stuck, Trouble, constraint_of, trouble
from libs.chassis.output import Output
from libs.chassis.service import Service
from libs.chassis.working_set import Needs, WorkingSet
from libs.contracts.codes import CODES
from libs.contracts.message import MESSAGES, Answered, Command, Event, Message
from libs.contracts.values import derived_id

_NOW = text("SELECT chassis.app_now()")
_DRAW = text("SELECT nextval(CAST(:name AS regclass)) FROM generate_series(1, :count)")

ATTEMPTS_MAX = 5
PATIENT_FROM_TRY = 2
"""A message that found its records busy twice waits for them the third time."""
COMMAND_WAITS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a message ended: accepted, rejected, duplicate (commands); done, skipped (facts); waiting, dead; busy (not
    handled: try again). `answer` has the fields of the contracts' `Answered`."""

    verdict: str
    answer: Mapping[str, Any] | None = None


BUSY = Outcome("busy")


class Decider:
    """Runs a service's decisions. `wake_relay` is called after each commit that left something to publish,
    `wake_waiting` after one that made records of a kind that is `waited_for`, as far as this process knows; their
    ids are then among the `made`, until somebody takes them from there. `act_as` says for whom systems may act."""

    def __init__(
        self,
        service: Service,
        engine: AsyncEngine,
        *,
        act_as: Grants = MappingProxyType({}),
        wake_relay: Callable[[], None] = lambda: None,
        wake_waiting: Callable[[], None] = lambda: None,
    ) -> None:
        self.service, self.engine, self.act_as = service, engine, act_as
        self.wake_relay, self.wake_waiting = wake_relay, wake_waiting
        self.waited_for: set[str] = set()
        self.made: dict[str, set[UUID]] = {}
        self._handlers = {
            queue: {handler.on.type: handler for handler in handlers}
            for queue, handlers in service.queues.items()
        }
        self._handlers["http"] = {
            type: handler
            for handlers in self._handlers.values()
            for type, handler in handlers.items()
            if issubclass(handler.on, Command)
        }
        self.answer_type = cast(type[Answered], MESSAGES[f"{service.name}.command_answered.v1"])

    def handler_for(self, arrival: Arrival) -> Handler[Any] | None:
        """The row of the service's table that says what to do with this message."""
        return self._handlers[arrival.consumer].get(arrival.envelope.type)

    async def handle(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        """Handle a batch; the outcomes in its order. Raises `Away` when nothing could be decided."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                return await self._in_one_transaction(arrivals)
            except Exception as error:
                kind = trouble(error)
                if kind is Trouble.AWAY:
                    raise Away(str(error)) from error
                BATCH_RETRIES.labels(reason=kind.name.lower()).inc()
                if kind is Trouble.DATA or attempt == ATTEMPTS_MAX:
                    return await self._bisected(arrivals, error)
                await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311  # jitter
        raise AssertionError("unreachable")

    async def _bisected(self, arrivals: Sequence[Arrival], error: Exception) -> list[Outcome]:
        """Halve the batch until the message that spoils it is alone; that one is refused or buried."""
        if len(arrivals) > 1:
            middle = len(arrivals) // 2
            return [*await self.handle(arrivals[:middle]), *await self.handle(arrivals[middle:])]
        if trouble(error) is Trouble.CONFLICT and not (constraint_of(error) or "").endswith("_pkey"):
            return [BUSY]
        try:
            return await self._in_one_transaction(arrivals, spoilt=error)
        except Exception as again:
            if trouble(again) is Trouble.AWAY:
                raise Away(str(again)) from again
            raise Stuck(f"{type(again).__name__}: {again}") from again

    async def _in_one_transaction(
        self, arrivals: Sequence[Arrival], spoilt: Exception | None = None
    ) -> list[Outcome]:
        async with self.engine.connect() as connection:
            transaction = await connection.begin()
            crash_point("in the transaction")
            now: datetime = (await connection.execute(_NOW)).scalar_one()
            batch = _Batch(self, connection, arrivals, now)
            outcomes = await batch.run(spoilt)
            crash_point("before commit")
            await transaction.commit()
        crash_point("after commit")
        if batch.output.outbox:
            self.wake_relay()
        self.waited_for |= batch.output.waited_for
        if self.waited_for:
            self._tell_waiting(batch.working_set.created)
        return outcomes

    def _tell_waiting(self, created: Mapping[str, Iterable[UUID]]) -> None:
        for kind in self.waited_for & created.keys():
            self.made.setdefault(kind, set()).update(created[kind])
            self.wake_waiting()


@dataclass(slots=True)
class _Plan:
    """What is known of an admitted message before it is decided."""

    handler: Handler[Any]
    message: Message
    needs: Needs
    numbers: Mapping[str, int]


class _Batch:
    """One transaction's work."""

    def __init__(
        self, decider: Decider, connection: AsyncConnection, arrivals: Sequence[Arrival], now: datetime
    ) -> None:
        self.decider, self.service = decider, decider.service
        self.connection, self.arrivals, self.now = connection, arrivals, now
        self.working_set = WorkingSet(self.service.storage)
        self.output = Output(self.service.name, now)
        self.drawn: dict[str, list[int]] = {}

    async def run(self, spoilt: Exception | None) -> list[Outcome]:
        """Everything between BEGIN and COMMIT."""
        refused = await admit(self.connection, self.arrivals, self.now)
        plans: dict[int, _Plan | Death | Rejection] = {}
        for position, arrival in enumerate(self.arrivals):
            if position not in refused:
                plans[position] = self._plan(arrival) if spoilt is None else _verdict_on(arrival, spoilt)
        wanted = [plan for plan in plans.values() if isinstance(plan, _Plan)]
        patiently = any(arrival.tries >= PATIENT_FROM_TRY for arrival in self.arrivals)
        await self.working_set.load(self.connection, [plan.needs for plan in wanted], patiently=patiently)
        await self._draw(wanted)
        outcomes: list[Outcome] = []
        for position, arrival in enumerate(self.arrivals):
            plan = plans.get(position)
            if plan is None:
                outcomes.append(self._repeated(arrival, refused[position], outcomes))
            elif isinstance(plan, _Plan) and self.working_set.is_busy(plan.needs):
                outcomes.append(BUSY)
            else:
                outcomes.append(self._decided(arrival, plan))
        busy = [self.arrivals[position] for position in plans if outcomes[position] is BUSY]
        # Only what was admitted now: a repeat with worse papers must not have the first one forgotten.
        turned_away = [self.arrivals[position] for position in plans if self.arrivals[position].refusal]
        await forget(self.connection, [each for each in (*busy, *turned_away) if each.stored is None])
        for arrival in busy:
            if arrival.stored is not None:
                self.output.try_again(arrival, arrival.stored)
        await self.working_set.save(self.connection)
        await self.output.save(self.connection)
        return outcomes

    def _plan(self, arrival: Arrival) -> _Plan | Death | Rejection:
        fault = arrival.fault
        refusable = (fault is None or isinstance(fault, InvalidContent)) and _is_command(arrival)
        if refusable and (refusal := unwelcome(arrival)) is not None:
            arrival.refusal = refusal
            return refusal
        if isinstance(fault, InvalidContent) and refusable:
            return Rejection("invalid_content", field=fault.field, message=fault.detail)
        if fault is not None:
            return Death(fault.reason, fault.detail, fault.reason)
        handler = self.decider.handler_for(arrival)
        if handler is None:
            return Death("unknown_type", f"{arrival.envelope.type} is not handled here", "no handler")
        message = arrival.message = cast(Message, arrival.message).said_by(arrival.envelope.sender)
        try:
            needs = Needs(tuple(handler.holds(message)), tuple(handler.reads(message)))
            return _Plan(handler, message, needs, handler.numbers(message))
        except Rejection as rejection:
            return rejection
        except Exception as bug:
            return _bug(bug)

    async def _draw(self, plans: Iterable[_Plan]) -> None:
        """One block of each number sequence for the batch; gaps are allowed, repeats are not."""
        totals: dict[str, int] = {}
        for plan in plans:
            for name, count in plan.numbers.items():
                totals[name] = totals.get(name, 0) + count
        for name, total in totals.items():
            if name not in self.service.sequences:
                raise RuntimeError(f"{self.service.name} declares no sequence {name}")
            rows = await self.connection.execute(_DRAW, {"name": name, "count": total})
            self.drawn[name] = sorted((row[0] for row in rows), reverse=True)

    def _repeated(self, arrival: Arrival, earlier: Earlier | None, outcomes: Sequence[Outcome]) -> Outcome:
        """A message that was admitted before."""
        if earlier is None:
            return Outcome("skipped")
        outcome, answer = earlier.outcome, earlier.answer
        if earlier.position is not None:
            first = outcomes[earlier.position]
            forgotten = self.arrivals[earlier.position].refusal is not None
            if first is BUSY or (forgotten and _is_command(arrival) and unwelcome(arrival) is None):
                return BUSY
            outcome, answer = first.verdict, first.answer
        if earlier.body_hash != arrival.envelope.body_hash:
            return self._reused(arrival)
        if not _is_command(arrival):
            return Outcome("duplicate")
        if answer is None:
            # It waits or died; its answer comes when it is decided.
            return Outcome(outcome)
        original = answer.get("original") or answer["outcome"]
        return self._answered(arrival, {**answer, "outcome": "duplicate", "original": original}, keep=False)

    def _reused(self, arrival: Arrival) -> Outcome:
        """The same id with other content: a command is refused, a fact is kept as a dead letter of its own."""
        if _is_command(arrival):
            code = "idempotency_key_reused" if arrival.consumer == "http" else "message_id_reused"
            return self._answered(arrival, _rejected(Rejection(code, message=CODES[code][1])), keep=False)
        envelope = arrival.envelope
        key = derived_id("other content", envelope.message_key, envelope.body_hash.hex())
        # With an id of its own: what follows from a replay must not look like what followed from the first one.
        id = caused_id(cast(UUID, arrival.id), f"other content {envelope.body_hash.hex()}")
        another = replace(arrival, envelope=replace(envelope, message_key=key), id=id)
        self.output.die(
            another, Death("message_id_reused", CODES["message_id_reused"][1], "message_id_reused")
        )
        return Outcome("dead")

    def _decided(self, arrival: Arrival, plan: _Plan | Death | Rejection) -> Outcome:
        if isinstance(plan, Death):
            return self._died(arrival, plan)
        if isinstance(plan, Rejection):
            return self._answered(arrival, _rejected(plan))
        missing = self.working_set.missing(plan.needs)
        if missing is not None and plan.handler.early is not Early.DECIDE and not arrival.waited_out:
            return self._wait(arrival, plan.handler, *missing)
        if self._is_stale(arrival, plan):
            return Outcome("skipped")
        try:
            seen = self.working_set.seen_by(plan.needs)
            decision = plan.handler.decide(plan.message, seen, self._cause(arrival, plan.numbers))
            said = self.output.messages(arrival, decision, self.working_set.sequences(decision))
            result = json.loads(to_json(decision.answer))
        except Rejection as rejection:
            if _is_command(arrival):
                return self._answered(arrival, _rejected(rejection))
            return self._died(arrival, _bug(rejection))
        except Exception as bug:
            return self._died(arrival, _bug(bug))
        self.working_set.apply(decision)
        self.output.outbox += said
        self.output.time(arrival, decision)
        if not _is_command(arrival):
            if arrival.stored is not None:
                self.output.conclude(arrival, "done")
            return Outcome("done")
        answer = {"outcome": "accepted", "result": result}
        if decision.duplicate:
            answer |= {"outcome": "duplicate", "original": "accepted"}
        return self._answered(arrival, answer)

    def _cause(self, arrival: Arrival, numbers: Mapping[str, int]) -> Cause:
        return Cause(
            message_id=cast(UUID, arrival.id),
            at=cast(datetime, arrival.at),
            sender=arrival.envelope.sender,
            correlation_id=arrival.envelope.correlation_id,
            sequence=arrival.envelope.sequence,
            numbers={name: [self.drawn[name].pop() for _ in range(count)] for name, count in numbers.items()},
            waited_out=arrival.waited_out,
            actor=with_grants(arrival.envelope.actor, self.decider.act_as),
        )

    def _is_stale(self, arrival: Arrival, plan: _Plan) -> bool:
        """Whether a `state` fact is older than the copy we have. Increments are never stale."""
        sequence = arrival.envelope.sequence
        if sequence is None or not (isinstance(plan.message, Event) and plan.message.carries == "state"):
            return False
        copies = self.working_set.seen_by(Needs(plan.needs.holds[:1], ())).values()
        return any(copy.sequence >= sequence for copy in copies)

    def _wait(self, arrival: Arrival, handler: Handler[Any], of: type[Record], id: UUID) -> Outcome:
        due = self.now + COMMAND_WAITS if handler.early is Early.WAIT_10_MINUTES else None
        self.output.wait(arrival, self.service.storage.tables[of].name, id, due)
        self.output.conclude(arrival, "waiting")
        return Outcome("waiting")

    def _died(self, arrival: Arrival, death: Death) -> Outcome:
        self.output.die(arrival, death)
        self.output.audit(arrival, "dead", death.reason)
        self.output.conclude(arrival, "dead")
        return Outcome("dead")

    def _answered(self, arrival: Arrival, answer: Mapping[str, Any], *, keep: bool = True) -> Outcome:
        envelope = arrival.envelope
        about = arrival.message.subject_id() if arrival.message is not None else None
        answer = {**answer, "command_id": envelope.said_id, "command_type": envelope.type, "about": about}
        if arrival.consumer != "http" and envelope.sender != self.service.name:
            self.output.answer(arrival, self.decider.answer_type.type, answer)
        self.output.audit(arrival, answer["outcome"], answer.get("code"))
        if keep and (arrival.refusal is None or arrival.stored is not None):
            self.output.conclude(arrival, answer["outcome"], answer)
        return Outcome(answer["outcome"], answer)


def _is_command(arrival: Arrival) -> bool:
    kind = MESSAGES.get(arrival.envelope.type)
    return kind is not None and issubclass(kind, Command)


def unwelcome(arrival: Arrival) -> Rejection | None:
    """Why whoever gives a command may not give it; our own services may."""
    if arrival.refusal is not None:
        return arrival.refusal
    envelope = arrival.envelope
    if envelope.from_us:
        return None
    if envelope.actas is not None and envelope.actor.through is None:
        message = f"For whom {envelope.sender} acts here was never found out."
        return Rejection("not_entitled", field="actas", message=message)
    actor, action = envelope.actor, cast(type[Command], MESSAGES[envelope.type]).action
    if action is not None and actor.may(action):
        return None
    return Rejection("not_entitled", message=f"{actor.id} lacks a role that may do this: {action}.")


def _rejected(rejection: Rejection) -> dict[str, Any]:
    return {
        "outcome": "rejected",
        "code": rejection.code,
        "field": rejection.field,
        "message": rejection.message,
    }


def _bug(error: Exception) -> Death:
    where = traceback.extract_tb(error.__traceback__)
    last = f"{where[-1].name}:{where[-1].lineno}" if where else ""
    detail = "".join(traceback.format_exception(error))
    return Death("bug", detail, f"{type(error).__name__} in {last}")


def _verdict_on(arrival: Arrival, error: Exception) -> Death | Rejection:
    """What the database's refusal of a lone message means: a constraint named like an error code is that refusal."""
    constraint = constraint_of(error)
    if constraint in CODES and _is_command(arrival):
        return Rejection(constraint, message=CODES[constraint][1])
    return Death("data", f"{type(error).__name__}: {error}", constraint or type(error).__name__)
