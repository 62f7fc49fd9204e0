"""What an approver's inbox is read from: whose what is, and what waits for whom, however much there is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, exists, func, not_, select, text, tuple_, union
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.chassis.decision import Actor, Rejection
from libs.contracts.permissions import Action
from services.requests import delegation, directory
from services.requests.approval_round import ApprovalRound, ApprovalSeat, RoundStatus
from services.requests.delegation import Delegation
from services.requests.purchase_request import PurchaseRequest
from services.requests.tables import STORAGE

_requests = STORAGE.tables[PurchaseRequest]
_rounds = STORAGE.tables[ApprovalRound]
_seats = STORAGE.tables[ApprovalSeat]
_people = STORAGE.tables[directory.Person]
_delegations = STORAGE.tables[Delegation]


# Whose what is


async def may_see(read: AsyncConnection, actor: Actor, request: Row[Any]) -> bool:
    """Whether a request may be shown: one's own, one that one may decide on now, or any for who sees all."""
    own = actor.id in (request.requester, request.on_behalf_of, request.submitted_by, request.source)
    if own or actor.may(Action.SEE_ALL_REQUESTS):
        return True
    keys = await authority_of_actor(read, actor)
    for delegator in await _represented(read, actor.id):
        keys |= await _authority_of_other(read, delegator)
    return bool((await read.execute(select(awaits(request.id, keys)))).scalar_one())


def awaits(request_id: ColumnElement[UUID] | UUID, keys: Iterable[str]) -> ColumnElement[bool]:
    """Whether a request waits for somebody who holds one of these approver keys."""
    seat = select(_seats.c.id).where(
        _seats.c.request_id == request_id, _seats.c.open, _seats.c.approver.in_(sorted(keys))
    )
    return exists(seat)


async def authority_of_actor(read: AsyncConnection, actor: Actor) -> frozenset[str]:
    """The approver keys of who acts, in their own right."""
    return directory.authority_of(actor.id, actor.roles, await _person(read, actor.id))


async def _authority_of_other(read: AsyncConnection, person_id: str) -> frozenset[str]:
    person = await _person(read, person_id)
    return directory.authority_of(person_id, person.roles if person is not None else (), person)


async def _person(read: AsyncConnection, person_id: str) -> directory.Person | None:
    row = (await read.execute(select(_people).where(_people.c.person_id == person_id))).one_or_none()
    return directory.Person(**row._mapping) if row is not None else None


async def _represented(read: AsyncConnection, person_id: str) -> dict[str, tuple[str, ...]]:
    """All for whom this person may decide today, and by which way."""
    in_force = select(_delegations).where(
        _delegations.c.book_id == delegation.BOOK_ID, _delegations.c.status == delegation.Status.IN_FORCE
    )
    known = [
        Delegation(**{**row._mapping, "status": delegation.Status(row.status)})
        for row in await read.execute(in_force)
    ]
    if not known:
        return {}
    now = (await read.execute(text("SELECT chassis.app_now()"))).scalar_one()
    return dict(delegation.represented_by(known, delegate=person_id, on=now.date()))


async def authority(
    read: AsyncConnection, actor: Actor, acting_for: str | None
) -> tuple[tuple[str, ...], frozenset[str]]:
    """Everybody who takes part in deciding, first the one in whose name it is done; and the keys of that one."""
    if acting_for in (None, actor.id):
        return (actor.id,), await authority_of_actor(read, actor)
    assert acting_for is not None
    way = (await _represented(read, actor.id)).get(acting_for)
    if way is None:
        raise Rejection(
            "not_an_approver", field="acting_for", message=f"{acting_for} has not delegated to you for today."
        )
    return way, await _authority_of_other(read, acting_for)


# What waits


REQUEST_SHOWN = (
    "number",
    "requester",
    "on_behalf_of",
    "submitted_by",
    "cost_centre",
    "justification",
    "revision",
)


@dataclass(frozen=True)
class InboxPage:
    """A page of rounds that wait, by request number and round, after those of the page before."""

    wanted: Sequence[ColumnElement[bool]]
    after: tuple[int, ...] | None
    limit: int

    def of_keys(self, keys: Iterable[str]) -> Select[Any] | None:
        """What waits for one of these keys: the first of each key, as many as are shown at most, then merged.

        Each is read in the order of an index, so that it does not matter how much waits.
        """
        firsts = [self._of_key(key).subquery() for key in sorted(keys)]
        if not firsts:
            return None
        merged = union(*(select(each.c.round_id, each.c.ordinal, each.c.round) for each in firsts)).subquery()
        query = self._shown().join(merged, merged.c.round_id == _rounds.c.id)
        return query.order_by(merged.c.ordinal, merged.c.round).limit(self.limit + 1)

    def of_all(self) -> Select[Any]:
        """Whatever waits for anybody."""
        query = self._shown().where(_rounds.c.status == RoundStatus.OPEN, *self.wanted)
        return self._going_on(query, _rounds.c.ordinal, _rounds.c.number)

    def _of_key(self, key: str) -> Select[Any]:
        query = (
            select(_seats.c.round_id, _seats.c.ordinal, _seats.c.round)
            .join(_rounds, _rounds.c.id == _seats.c.round_id)
            .join(_requests, _requests.c.id == _seats.c.request_id)
            .where(_seats.c.approver == key, _seats.c.open, *self.wanted)
        )
        return self._going_on(query, _seats.c.ordinal, _seats.c.round)

    def _going_on(self, query: Select[Any], *key: ColumnElement[int]) -> Select[Any]:
        if self.after is not None:
            query = query.where(tuple_(*key) > tuple_(*self.after))
        return query.order_by(*key).limit(self.limit + 1)

    def _shown(self) -> Select[Any]:
        request = [_requests.c[name].label(f"request_{name}") for name in REQUEST_SHOWN]
        return select(_rounds, _rounds.c.number.label("round"), *request).join(
            _requests, _requests.c.id == _rounds.c.request_id
        )


def can_be_decided_by(people: tuple[str, ...]) -> list[ColumnElement[bool]]:
    """Nobody decides on what they, or whoever they decide for, have asked for or said yes to already."""
    return [
        _requests.c.requester.not_in(people),
        func.coalesce(_requests.c.on_behalf_of, "").not_in(people),
        func.coalesce(_requests.c.edited_by, "").not_in(people),
        _requests.c.submitted_by.not_in(people),
        not_(_rounds.c.voices.contains([people[0]])),
        not_(_rounds.c.yes.contains([people[-1]])),
    ]
