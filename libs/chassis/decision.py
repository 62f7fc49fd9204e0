"""The words that decisions are written in: records, keys, handlers, rejections. Pure: no clock, no IO, no randomness.

A decision is `decide(message, held, cause) -> Decision`: what to save and publish because this message arrived.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any, ClassVar, Generic, Self, TypeVar
from uuid import UUID

from libs.chassis.ids import caused_id
from libs.contracts.codes import CODES
from libs.contracts.message import Event, Message
from libs.contracts.permissions import Action, Role, permitted
from libs.contracts.values import derived_id


@dataclass(frozen=True, kw_only=True)
class Record:
    """Something a service keeps: one row. `version` 0 was never saved; it is also the sequence of its latest fact.

    A record with a `status` changes it only through `become`, which reads `TRANSITIONS`.
    An `APPEND_ONLY` record is inserted and never changed.
    """

    TRANSITIONS: ClassVar[Mapping[Any, frozenset[Any]]] = {}
    APPEND_ONLY: ClassVar[bool] = False

    id: UUID
    version: int = 0

    def become(self, status: StrEnum, **changes: Any) -> Self:
        """This record in another status; a step that the transition table doesn't list is a bug and raises."""
        now: StrEnum = getattr(self, "status")  # noqa: B009  # only some records have one
        if status not in self.TRANSITIONS[now]:
            raise RuntimeError(f"a {now} {type(self).__name__} cannot become {status}")
        return replace(self, **{"status": status, **changes})


R = TypeVar("R", bound=Record)
M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class Via:
    """The id stored in `field` of the record `of` with this id: how a number or a name leads to what it names.

    The id can be found in the same way: a number leads to an order, and the order to its request. With `by` the record
    is the one whose column `by` holds this text; what is named so is not waited for.
    """

    of: type[Record]
    id: "UUID | str | Via"
    field: str
    by: str = "id"


@dataclass(frozen=True)
class Key:
    """One record by its id. A missing one makes the message early, unless it `may_be_new`."""

    of: type[Record]
    id: UUID | Via
    may_be_new: bool = False


@dataclass(frozen=True)
class Many:
    """The records whose column `by` holds `value`, with `where` equalities.

    A value that is a NamedBy stands for each id that it names. With `limit` the first so many by `order_by` are loaded,
    unlocked: their parent, which is held too, guards them. Without it all are locked.
    """

    of: type[Record]
    by: str
    value: "UUID | str | Via | NamedBy"
    where: Mapping[str, object] = field(default_factory=dict, hash=False)
    order_by: str = "id"
    limit: int | None = None


@dataclass(frozen=True)
class NamedBy:
    """The records that another one, the `by` with this `id`, names now: `ids` reads them from it.

    The `id` can be a Many, which is declared as well: then they are what all of these name.

    Both are to be held, or both read. If one that is held names others by the time it is locked, the message counts
    as busy and is tried again; of what is only read, one that was named a moment later may be missing.
    """

    of: type[Record]
    by: type[Record]
    id: UUID | Via | Many
    ids: Callable[[Any], Iterable[UUID]]


@dataclass(frozen=True)
class Page:
    """The next so many records after this id, in one of these statuses if any are named; to be read, not held."""

    of: type[Record]
    after: UUID | None
    limit: int
    statuses: tuple[StrEnum, ...] = ()


@dataclass(frozen=True)
class OfPage:
    """The records whose column `by` holds the id of a record on the page; declared after it, to be read as well."""

    of: type[Record]
    by: str
    page: Page


Keys = Iterable[Key | Many | NamedBy | Page | OfPage]


class Records(Mapping[tuple[type[Record], UUID], Any]):
    """The records a decision may look at, by (type, id); `find` answers None where there is none."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._by_type: dict[type[Record], dict[UUID, Record]] = {}
        for record in records:
            self.put(record)

    def put(self, record: Record) -> None:
        """Let this record stand for its id from now on."""
        self._by_type.setdefault(type(record), {})[record.id] = record

    def find(self, of: type[R], id: UUID) -> R | None:
        """The record with this id, or None."""
        return self._by_type.get(of, {}).get(id)  # type: ignore[return-value]

    def all(self, of: type[R], **equals: object) -> list[R]:
        """All loaded records of a type whose fields have these values, in the order of their ids."""
        found = [
            record
            for record in self._by_type.get(of, {}).values()
            if all(getattr(record, name) == value for name, value in equals.items())
        ]
        return sorted(found, key=lambda record: record.id)  # type: ignore[arg-type]

    def __getitem__(self, key: tuple[type[R], UUID]) -> R:
        of, id = key
        return self._by_type[of][id]  # type: ignore[return-value]

    def __iter__(self) -> Iterator[tuple[type[Record], UUID]]:
        return ((of, id) for of, records in self._by_type.items() for id in records)

    def __len__(self) -> int:
        return sum(map(len, self._by_type.values()))


@dataclass(frozen=True)
class Grant:
    """For whom a system may act, and as what; `*` among the persons stands for everybody."""

    persons: frozenset[str]
    roles: frozenset[Role]


@dataclass(frozen=True)
class Actor:
    """Who acts: a person, another system in its own name, or one of our services (which has no roles).

    `through` names the system that acts for the person; `grants` say for whom a system in its own name could act.
    """

    id: str
    roles: frozenset[Role] = frozenset()
    through: str | None = None
    grants: tuple[Grant, ...] = ()

    def may(self, action: Action) -> bool:
        """Whether any of the actor's roles may do this."""
        return permitted(self.roles, action)

    def acting_for(self, person: str) -> "Actor | None":
        """This system as the person, with the roles it was granted for that; None where nothing was granted."""
        granted = [grant.roles for grant in self.grants if not grant.persons.isdisjoint((person, "*"))]
        return Actor(person, frozenset().union(*granted), through=self.id) if granted else None


@dataclass(frozen=True, kw_only=True)
class Cause:
    """What made this decision necessary: the message's envelope as far as a decision may know it.

    `at` is when we received it; `sequence` the sender's count of facts about the subject; `numbers` the blocks the
    handler asked for; `waited_out` tells that a record it needs did not come in time; `actor` is who acts.
    """

    message_id: UUID
    at: datetime
    sender: str
    correlation_id: str
    sequence: int | None = None
    numbers: Mapping[str, Sequence[int]] = field(default_factory=dict)
    waited_out: bool = False
    actor: Actor = Actor("")

    def id(self, name: str, index: int = 0) -> UUID:
        """An id for something this message brings about: the same one whenever the decision is repeated."""
        return caused_id(self.message_id, name, index)


class Rejection(Exception):
    """A command the business denies: nothing of it is saved, and its sender is told why."""

    def __init__(self, code: str, *, field: str | None = None, message: str) -> None:
        if code not in CODES:
            raise RuntimeError(f"error code {code} is not registered in libs.contracts.codes")
        super().__init__(message)
        self.code, self.field, self.message = code, field, message


@dataclass(frozen=True)
class Timer:
    """Say `message` to ourselves at `due_at`. A timer of the same record and name replaces the one before."""

    of: UUID
    name: str
    due_at: datetime
    message: Message

    @property
    def id(self) -> UUID:
        """One per record and name."""
        return timer_id(self.of, self.name)


def timer_id(of: UUID, name: str) -> UUID:
    """The id by which a record's timer is cancelled."""
    return derived_id("timer", of, name)


@dataclass(frozen=True)
class Delta:
    """Add to number columns of a total that many messages change at once; applied last, created from nothing.

    `record` carries the id and the descriptive fields a new total starts with; `amounts` are added to its columns.
    """

    record: Record
    amounts: Mapping[str, int]


@dataclass(frozen=True)
class Announcement:
    """A `state` fact said once more, to one sibling's bulk queue, with the sequence it had."""

    fact: Event
    sequence: int
    to: str


@dataclass(frozen=True)
class Decision:
    """What follows from a message. `answer` goes back to a command's sender: numbers and ids.

    `duplicate` says that the command repeats an earlier one under another message id; the answer is the original's.
    """

    save: Sequence[Record] = ()
    add: Sequence[Delta] = ()
    publish: Sequence[Message] = ()
    announce: Sequence[Announcement] = ()
    schedule: Sequence[Timer] = ()
    cancel: Sequence[UUID] = ()
    answer: Mapping[str, object] = field(default_factory=dict)
    duplicate: bool = False


def joined(*decisions: Decision) -> Decision:
    """Several decisions as one; the answer is the last one's that has one."""
    return Decision(
        save=[record for each in decisions for record in each.save],
        add=[delta for each in decisions for delta in each.add],
        publish=[message for each in decisions for message in each.publish],
        announce=[said for each in decisions for said in each.announce],
        schedule=[timer for each in decisions for timer in each.schedule],
        cancel=[timer for each in decisions for timer in each.cancel],
        answer=next((each.answer for each in reversed(decisions) if each.answer), {}),
    )


class Early(Enum):
    """What to do with a message that names a record we don't have yet."""

    DECIDE = "decide: the decision deals with the missing record itself"
    WAIT = "wait until the record exists, however long"
    WAIT_10_MINUTES = "wait, then let the decision reject it"


def nothing(_: Any) -> Keys:
    """No keys."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Handler(Generic[M]):
    """One thing that can happen. `holds` are records locked and saved, `reads` reference data, unlocked.

    `numbers` says how many of each number sequence the decision may draw. A listener's copy of a `state` fact is
    the first key it holds, and must have a `sequence` field: an older fact than the copy's is skipped.
    """

    on: type[M]
    decide: Callable[[M, Records, Cause], Decision]
    holds: Callable[[M], Keys] = nothing
    reads: Callable[[M], Keys] = nothing
    numbers: Callable[[M], Mapping[str, int]] = field(default=lambda _: {})
    early: Early = Early.DECIDE
    weight: Callable[[M], int] = field(default=lambda _: 1)

    def __post_init__(self) -> None:
        if issubclass(self.on, Event) and self.early is Early.WAIT_10_MINUTES:
            raise TypeError(f"{self.on.type} is a fact: it waits as long as it takes, it is never rejected")


Handlers = tuple[Handler[Any], ...]
