"""Saying everything again to a sibling that lost its copy, or never had one: page by page, into its bulk queue.

The owner's facts keep their sequences, so a copy that is newer already skips them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from libs.chassis.decision import (
    Announcement,
    Cause,
    Decision,
    Handler,
    Keys,
    OfPage,
    Page,
    Record,
    Records,
)
from libs.contracts.message import AnnounceAll, Answered, Event, RenewCopies

PAGE_SIZE = 200


@dataclass(frozen=True)
class Announced:
    """A kind of record that others keep copies of, and the `state` fact that carries one.

    The fact is made of the record; after it come its children (a kind of record, and their field that holds its id),
    where these are named, and the day, where what holds depends on it. Of records with a status only those in one of
    `statuses` are said, if any are named. Where not every asker keeps copies of all kinds, `says` names the fact.
    """

    of: type[Record]
    fact: Callable[..., Event]
    statuses: tuple[StrEnum, ...] = ()
    children: tuple[type[Record], str] | None = None
    dated: bool = False
    page_size: int = PAGE_SIZE
    says: type[Event] | None = None

    def is_wanted(self, asked: AnnounceAll) -> bool:
        """Whether who asks keeps copies of it."""
        return not asked.only or self.says is None or self.says.type in asked.only

    def told(self, record: Record, held: Records, cause: Cause) -> Event:
        """What is said of a record."""
        with_it: list[Any] = []
        if self.children is not None:
            of, by = self.children
            with_it.append(held.all(of, **{by: record.id}))
        if self.dated:
            with_it.append(cause.at.date())
        return self.fact(record, *with_it)


def announcing(command: type[AnnounceAll], *kinds: Announced) -> Handler[Any]:
    """The row for a service's `announce_all`: a page now, the following one by a command to ourselves."""

    def now(asked: AnnounceAll) -> int:
        """The kind that is said now; those that nobody wants are passed over."""
        wanted = (at for at in range(asked.kind, len(kinds)) if kinds[at].is_wanted(asked))
        return next(wanted, len(kinds))

    def page(asked: AnnounceAll) -> Keys:
        if now(asked) == len(kinds):
            return ()
        kind = kinds[now(asked)]
        next_ones = Page(kind.of, asked.after, kind.page_size, kind.statuses)
        return (next_ones, OfPage(*kind.children, page=next_ones)) if kind.children else (next_ones,)

    def announce(asked: AnnounceAll, held: Records, cause: Cause) -> Decision:
        at = now(asked)
        if at == len(kinds):
            return Decision()
        kind = kinds[at]
        asker = asked.asker if cause.sender == command.owner() and asked.asker else cause.sender
        records = held.all(kind.of)
        told = [Announcement(kind.told(record, held, cause), record.version, asker) for record in records]
        if len(records) == kind.page_size:
            following = command(asker=asker, only=asked.only, kind=at, after=records[-1].id)
        else:
            following = command(asker=asker, only=asked.only, kind=at + 1)
        more = [following] if now(following) < len(kinds) else []
        return Decision(announce=told, publish=more, answer={"announced": len(told)})

    return Handler(on=command, reads=page, decide=announce)


def renewing(command: type[RenewCopies], *owners: AnnounceAll) -> Handler[Any]:
    """The row for a service's `renew_copies`: ask every owner of what we keep copies of."""

    def renew(_: RenewCopies, __: Records, ___: Cause) -> Decision:
        return Decision(publish=list(owners), answer={"asked": [each.owner() for each in owners]})

    return Handler(on=command, decide=renew)


def renewed(answer: type[Answered]) -> Handler[Any]:
    """The row for an owner's answer to that. A refusal is our own mistake: the owner announces to whoever may ask."""

    def hear(answered: Answered, _: Records, __: Cause) -> Decision:
        if answered.outcome == "rejected":
            raise RuntimeError(f"{answered.command_type} was refused: {answered.code} {answered.message}")
        return Decision()

    return Handler(on=answer, decide=hear)
