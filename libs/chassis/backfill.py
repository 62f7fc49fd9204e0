"""Saying everything again to a sibling that lost its copy, or never had one: page by page, into its bulk queue.

The owner's facts keep their sequences, so a copy that is newer already skips them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from libs.chassis.decision import Announcement, Cause, Decision, Handler, Keys, Page, Record, Records
from libs.contracts.message import AnnounceAll, Answered, Event, RenewCopies

PAGE_SIZE = 200


@dataclass(frozen=True)
class Announced:
    """A kind of record that others keep copies of, and the `state` fact that carries one."""

    of: type[Record]
    fact: Callable[[Any], Event]


def announcing(command: type[AnnounceAll], *kinds: Announced) -> Handler[Any]:
    """The row for a service's `announce_all`: a page now, the following one by a command to ourselves."""

    def page(asked: AnnounceAll) -> Keys:
        return (Page(kinds[asked.kind].of, asked.after, PAGE_SIZE),) if asked.kind < len(kinds) else ()

    def announce(asked: AnnounceAll, held: Records, cause: Cause) -> Decision:
        if asked.kind >= len(kinds):
            return Decision()
        kind = kinds[asked.kind]
        asker = asked.asker if cause.sender == command.owner() and asked.asker else cause.sender
        records = held.all(kind.of)
        told = [Announcement(kind.fact(record), record.version, asker) for record in records]
        if len(records) == PAGE_SIZE:
            following = command(asker=asker, kind=asked.kind, after=records[-1].id)
        else:
            following = command(asker=asker, kind=asked.kind + 1)
        more = [following] if following.kind < len(kinds) else []
        return Decision(announce=told, publish=more, answer={"announced": len(told)})

    return Handler(on=command, reads=page, decide=announce)


def renewing(command: type[RenewCopies], *owners: type[AnnounceAll]) -> Handler[Any]:
    """The row for a service's `renew_copies`: ask every owner of what we keep copies of."""

    def renew(_: RenewCopies, __: Records, ___: Cause) -> Decision:
        return Decision(
            publish=[owner() for owner in owners], answer={"asked": [each.owner() for each in owners]}
        )

    return Handler(on=command, decide=renew)


def renewed(answer: type[Answered]) -> Handler[Any]:
    """The row for an owner's answer to that. A refusal is our own mistake: the owner announces to whoever may ask."""

    def hear(answered: Answered, _: Records, __: Cause) -> Decision:
        if answered.outcome == "rejected":
            raise RuntimeError(f"{answered.command_type} was refused: {answered.code} {answered.message}")
        return Decision()

    return Handler(on=answer, decide=hear)
