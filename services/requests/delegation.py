"""Deciding in somebody's place while they are away: from one day to another, and never round in a circle.

Days are days of UTC, as in all that is dated here.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import (
    Cause,
    Decision,
    Handler,
    Handlers,
    Key,
    Keys,
    Many,
    Record,
    Records,
    Rejection,
    Timer,
    timer_id,
)
from libs.contracts.message import Message
from libs.contracts.people import DelegateApprovals, DelegationEnded, DelegationMade, EndDelegation
from libs.contracts.permissions import Action
from libs.contracts.values import derived_id
from services.requests.directory import Person, person_key

BOOK_ID = derived_id("delegation_book")
IN_FORCE_MAX = 1_000
DAYS_APART_MAX = 366
LAST_DAY = "last_day"


class Status(StrEnum):
    """Whether a delegation still counts; one that does may start on a day to come."""

    IN_FORCE = "in_force"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True)
class DelegationBook(Record):
    """The one record that every change of a delegation holds and saves: two at once cannot close a circle unseen."""


@dataclass(frozen=True, kw_only=True)
class Delegation(Record):
    """`delegate` decides in the place of `delegator`, from one day to another, both included."""

    TRANSITIONS: ClassVar = {Status.IN_FORCE: frozenset({Status.ENDED}), Status.ENDED: frozenset()}

    book_id: UUID = BOOK_ID
    delegator: str
    delegate: str
    from_date: date
    until_date: date
    status: Status = Status.IN_FORCE
    reason: str
    made_by: str
    made_at: datetime
    ended_by: str | None = None
    ended_at: datetime | None = None
    end_reason: str = ""

    def is_on(self, day: date) -> bool:
        """Whether it counts on this day."""
        return self.status is Status.IN_FORCE and self.from_date <= day <= self.until_date


class DelegationLastDayPassed(Message):
    """The day after a delegation's last has begun. Said by the service to itself."""

    type: ClassVar[str] = "requests.delegation_last_day_passed.v1"
    subject: ClassVar[str] = "delegation_id"
    delegation_id: UUID


# Who acts for whom


def represented_by(
    delegations: Iterable[Delegation], *, delegate: str, on: date
) -> Mapping[str, tuple[str, ...]]:
    """All for whom this person may act on a day, each with the shortest way from them to the person."""
    delegators: dict[str, list[str]] = {}
    for each in delegations:
        if each.is_on(on):
            delegators.setdefault(each.delegate, []).append(each.delegator)
    ways: dict[str, tuple[str, ...]] = {delegate: (delegate,)}
    pending = deque([delegate])
    while pending:
        person = pending.popleft()
        # Sorted, so that of two ways of one length always the same one is told.
        for delegator in sorted(delegators.get(person, ())):
            if delegator not in ways:
                ways[delegator] = (delegator, *ways[person])
                pending.append(delegator)
    del ways[delegate]
    return ways


def path(
    delegations: Iterable[Delegation], *, delegator: str, delegate: str, on: date
) -> tuple[str, ...] | None:
    """Through whom `delegate` may act for `delegator` on a day: A, B, C if A delegated to B, and B to C."""
    return represented_by(delegations, delegate=delegate, on=on).get(delegator)


def closes_a_circle(delegations: Sequence[Delegation], new: Delegation) -> bool:
    """Whether on some day the new one would lead back to its delegator.

    Between two first days what is in force only shrinks, so the first days are all that must be looked at.
    """
    days = {each.from_date for each in delegations if new.from_date < each.from_date <= new.until_date}
    return any(
        path(delegations, delegator=new.delegate, delegate=new.delegator, on=day) is not None
        for day in sorted({new.from_date, *days})
    )


# Decisions


def book(_: DelegateApprovals) -> Keys:
    """The guard of all delegations."""
    return (Key(DelegationBook, BOOK_ID, may_be_new=True),)


def in_force() -> Keys:
    """All delegations that count, now or on a day to come."""
    return (Many(Delegation, by="book_id", value=BOOK_ID, where={"status": Status.IN_FORCE}),)


def delegations_and_people(command: DelegateApprovals) -> Keys:
    """What is in force already, and who is named."""
    return (
        *in_force(),
        *(
            Key(Person, person_key(person_id), may_be_new=True)
            for person_id in dict.fromkeys((command.delegator, command.delegate))
        ),
    )


def delegate_approvals(command: DelegateApprovals, held: Records, cause: Cause) -> Decision:
    """Put a delegation in force. One's own approvals are one's own to delegate; others' need a permission."""
    if command.delegator != cause.actor.id and not cause.actor.may(Action.DELEGATE_FOR_OTHERS):
        raise Rejection(
            "not_entitled", field="delegator", message="Approvals are delegated by the person whose they are."
        )
    in_force = held.all(Delegation)
    for each in in_force:
        if _says(each) == (command.delegator, command.delegate, command.from_date, command.until_date):
            return Decision(duplicate=True, answer=_answer(each))
    delegation = Delegation(
        id=cause.id("delegation"),
        delegator=command.delegator,
        delegate=command.delegate,
        from_date=command.from_date,
        until_date=command.until_date,
        reason=command.reason.strip(),
        made_by=cause.actor.id,
        made_at=cause.at,
    )
    _check(delegation, in_force, held, cause)
    made = DelegationMade(
        delegation_id=delegation.id,
        delegator=delegation.delegator,
        delegate=delegation.delegate,
        from_date=delegation.from_date,
        until_date=delegation.until_date,
        made_by=delegation.made_by,
    )
    over = datetime.combine(delegation.until_date + timedelta(days=1), time(), UTC)
    last_day = DelegationLastDayPassed(delegation_id=delegation.id)
    return Decision(
        save=[_turned(held), delegation],
        publish=[made],
        schedule=[Timer(of=delegation.id, name=LAST_DAY, due_at=over, message=last_day)],
        answer=_answer(delegation),
    )


def _check(delegation: Delegation, in_force: Sequence[Delegation], held: Records, cause: Cause) -> None:
    if delegation.delegator == delegation.delegate:
        raise Rejection("delegation_to_oneself", field="delegate", message="Nobody delegates to themselves.")
    if not 0 <= (delegation.until_date - delegation.from_date).days <= DAYS_APART_MAX:
        raise Rejection(
            "delegation_dates_invalid",
            field="until_date",
            message="The last day is not before the first, and at most a year after it.",
        )
    if delegation.until_date < cause.at.astimezone(UTC).date():
        raise Rejection("delegation_over", field="until_date", message="The last day has passed already.")
    # Somebody whose token lets them in need not be known to us to delegate what is theirs.
    delegator = held.find(Person, person_key(delegation.delegator))
    if delegation.delegator != cause.actor.id and (delegator is None or not delegator.active):
        raise Rejection(
            "delegator_unknown",
            field="delegator",
            message=f"There is no active person {delegation.delegator}.",
        )
    delegate = held.find(Person, person_key(delegation.delegate))
    if delegate is None or not delegate.active:
        raise Rejection(
            "delegate_unknown", field="delegate", message=f"There is no active person {delegation.delegate}."
        )
    if len(in_force) >= IN_FORCE_MAX:
        raise Rejection(
            "too_many_delegations", message=f"{IN_FORCE_MAX} delegations are in force; end one of them first."
        )
    if closes_a_circle(in_force, delegation):
        raise Rejection(
            "delegation_cycle",
            field="delegate",
            message=f"On some of these days {delegation.delegator} acts for {delegation.delegate} already.",
        )


def delegation_and_book(message: EndDelegation | DelegationLastDayPassed) -> Keys:
    """The delegation, and the guard of all of them."""
    return (
        Key(DelegationBook, BOOK_ID, may_be_new=True),
        Key(Delegation, message.delegation_id, may_be_new=True),
    )


def end_delegation(command: EndDelegation, held: Records, cause: Cause) -> Decision:
    """Either of the two takes it back or hands it back; a third needs the permission to delegate for others."""
    delegation = held.find(Delegation, command.delegation_id)
    may_end = cause.actor.may(Action.DELEGATE_FOR_OTHERS)
    # Who may not see it is not told that it exists.
    if delegation is None or not (may_end or cause.actor.id in (delegation.delegator, delegation.delegate)):
        raise Rejection("delegation_unknown", field="delegation_id", message="There is no such delegation.")
    if delegation.status is not Status.IN_FORCE:
        raise Rejection(
            "delegation_not_in_force", field="delegation_id", message="The delegation has ended already."
        )
    return _ended(delegation, held, cause, by=cause.actor.id, reason=command.reason.strip())


def end_with_last_day(timer: DelegationLastDayPassed, held: Records, cause: Cause) -> Decision:
    """Its last day has passed, and nobody ended it before."""
    delegation = held.find(Delegation, timer.delegation_id)
    if delegation is None or delegation.status is not Status.IN_FORCE:
        return Decision()
    return _ended(delegation, held, cause, by=None, reason="")


def _ended(delegation: Delegation, held: Records, cause: Cause, *, by: str | None, reason: str) -> Decision:
    ended = delegation.become(Status.ENDED, ended_by=by, ended_at=cause.at, end_reason=reason)
    said = DelegationEnded(
        delegation_id=ended.id, delegator=ended.delegator, delegate=ended.delegate, ended_by=by
    )
    return Decision(
        save=[_turned(held), ended],
        publish=[said],
        cancel=[timer_id(ended.id, LAST_DAY)],
        answer=_answer(ended),
    )


def _turned(held: Records) -> DelegationBook:
    """The book, a page further: saving it makes whoever changes delegations at the same moment wait or try again."""
    return held.find(DelegationBook, BOOK_ID) or DelegationBook(id=BOOK_ID)


def _says(delegation: Delegation) -> tuple[str, str, date, date]:
    return delegation.delegator, delegation.delegate, delegation.from_date, delegation.until_date


def _answer(delegation: Delegation) -> Mapping[str, object]:
    return {"delegation_id": str(delegation.id), "status": delegation.status.value}


HANDLERS: Handlers = (
    Handler(on=DelegateApprovals, holds=book, reads=delegations_and_people, decide=delegate_approvals),
    Handler(on=EndDelegation, holds=delegation_and_book, decide=end_delegation),
    Handler(on=DelegationLastDayPassed, holds=delegation_and_book, decide=end_with_last_day),
)
