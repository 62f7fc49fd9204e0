"""What an approver's inbox is read from: whose what is, and what waits for whom, however much there is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    exists,
    false,
    func,
    literal,
    not_,
    select,
    text,
    tuple_,
    union,
    union_all,
)
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.chassis.decision import Actor, Rejection
from libs.contracts.permissions import Action
from services.requests import delegation, directory
from services.requests.approval_round import ApprovalRound, ApprovalSeat, RoundStatus
from services.requests.delegation import Delegation
from services.requests.order_to_approve import OrderToApprove
from services.requests.purchase_request import PurchaseRequest
from services.requests.tables import STORAGE

_requests = STORAGE.tables[PurchaseRequest]
_orders = STORAGE.tables[OrderToApprove]
_rounds = STORAGE.tables[ApprovalRound]
_seats = STORAGE.tables[ApprovalSeat]
_people = STORAGE.tables[directory.Person]
_delegations = STORAGE.tables[Delegation]


# Whose what is


async def may_see(read: AsyncConnection, actor: Actor, request: Row[Any]) -> bool:
    """Whether a request may be shown: one's own, one that one may decide on now, or any for who sees all."""
    own = actor.id in (request.requester, request.on_behalf_of, request.submitted_by, request.source)
    return own or await may_decide_on(read, actor, request.id)


async def may_decide_on(read: AsyncConnection, actor: Actor, id: UUID) -> bool:
    """Whether a request or an order waits for who acts, or they may see whatever waits."""
    if actor.may(Action.SEE_ALL_REQUESTS):
        return True
    keys = await authority_of_actor(read, actor)
    for delegator in await _represented(read, actor.id):
        keys |= await _authority_of_other(read, delegator)
    return bool((await read.execute(select(awaits(id, keys)))).scalar_one())


def awaits(request_id: ColumnElement[UUID] | UUID, keys: Iterable[str]) -> ColumnElement[bool]:
    """Whether a request or an order waits for somebody who holds one of these approver keys."""
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


SHOWN: Mapping[str, ColumnElement[Any]] = {
    "number": func.coalesce(_requests.c.number, _orders.c.number),
    "requester": func.coalesce(_requests.c.requester, _orders.c.asked_by),
    "on_behalf_of": _requests.c.on_behalf_of,
    "submitted_by": func.coalesce(_requests.c.submitted_by, _orders.c.asked_by),
    "cost_centre": _requests.c.cost_centre,
    "justification": func.coalesce(_requests.c.justification, ""),
    "revision": func.coalesce(_requests.c.revision, _orders.c.revision),
}
"""What is shown of a request or an order that waits; the requester of an order is who submitted it."""


LOOKED_AT_MAX = 1_000
"""Rounds that are looked at for one page, of each key."""
_LAST = 2**63 - 1
Place = tuple[int, ...]
"""Of a round: the place of what it is about, and its own number."""


Way = tuple[ColumnElement[Any], tuple[ColumnElement[Any], ...], str, ColumnElement[bool]]
"""The round's id, an index's columns, the value of the first of them, and which rows it holds."""


@dataclass(frozen=True)
class InboxPage:
    """A page of rounds that wait, as what they are about came, and by round, after those of the page before.

    What is asked for beyond a key is looked up in the rounds and their requests, a limited number of them; so a page
    may hold less than was asked for and still have a `next`.
    """

    wanted: Sequence[ColumnElement[bool]]
    after: Place | None
    limit: int

    async def of_keys(
        self, read: AsyncConnection, keys: Iterable[str]
    ) -> tuple[Sequence[Row[Any]], Place | None]:
        """What waits for one of these keys."""
        seats = _seats.c
        place = (seats.approver, seats.ordinal, seats.round)
        return await self._found(read, [(seats.round_id, place, key, seats.open) for key in sorted(keys)])

    async def of_all(
        self, read: AsyncConnection, purposes: Iterable[str]
    ) -> tuple[Sequence[Row[Any]], Place | None]:
        """Whatever waits for anybody, for these purposes."""
        rounds = _rounds.c
        place, is_open = (rounds.purpose, rounds.ordinal, rounds.number), rounds.status == RoundStatus.OPEN
        return await self._found(read, [(rounds.id, place, purpose, is_open) for purpose in sorted(purposes)])

    async def _found(
        self, read: AsyncConnection, ways: Sequence[Way]
    ) -> tuple[Sequence[Row[Any]], Place | None]:
        """The first of each way, as many as are shown at most, then merged.

        Each is read in the order of an index, so that it does not matter how much waits.
        """
        if not ways:
            return [], None
        until = await self._horizon(read, ways) if self.wanted else None
        firsts = [self._first(way, until) for way in ways]
        merged = union(*(select(each.subquery()) for each in firsts)).subquery()
        first = select(merged).order_by(merged.c.ordinal, merged.c.round).limit(self.limit + 1).subquery()
        query = self._shown().join(first, first.c.round_id == _rounds.c.id)
        rows = (await read.execute(query.order_by(first.c.ordinal, first.c.round))).all()
        if len(rows) <= self.limit:
            return rows, until
        last = rows[self.limit - 1]
        return rows[: self.limit], (last.ordinal, last.round)

    async def _horizon(self, read: AsyncConnection, ways: Sequence[Way]) -> Place | None:
        """How far all ways are followed, so that nothing is missed in between; None: to their ends."""
        lasts = [self._along(way, None).offset(LOOKED_AT_MAX - 1).limit(1).subquery() for way in ways]
        ends = union_all(*(select(last.c.ordinal, last.c.round) for last in lasts)).subquery()
        nearest = select(ends).order_by(ends.c.ordinal, ends.c.round).limit(1)
        end = (await read.execute(nearest)).one_or_none()
        return (end.ordinal, end.round) if end is not None else None

    def _along(self, way: Way, until: Place | None) -> Select[Any]:
        """Rounds in the order of an index. A bound on its whole key, because no other index is in this order."""
        id, (key, ordinal, round), value, is_open = way
        first, last = self.after or (0, 0), until or (_LAST, _LAST)
        rows = select(
            id.label("round_id"), key.label("key"), ordinal.label("ordinal"), round.label("round")
        ).where(
            is_open,
            tuple_(key, ordinal, round) > tuple_(value, *_bigints(first)),
            tuple_(key, ordinal, round) <= tuple_(value, *_bigints(last)),
        )
        return rows.order_by(key, ordinal, round)

    def _first(self, way: Way, until: Place | None) -> Select[Any]:
        rows = self._along(way, until)
        if not self.wanted:
            some = rows.limit(self.limit + 1).subquery()
            return select(some.c.round_id, some.c.ordinal, some.c.round)
        some = rows.limit(LOOKED_AT_MAX).subquery()
        found = (
            select(some.c.round_id, some.c.ordinal, some.c.round)
            .join(_rounds, _rounds.c.id == some.c.round_id)
            .outerjoin(_requests, _requests.c.id == _rounds.c.request_id)
            .outerjoin(_orders, _orders.c.id == _rounds.c.request_id)
            .where(*self.wanted)
        )
        return found.order_by(some.c.key, some.c.ordinal, some.c.round).limit(self.limit + 1)

    def _shown(self) -> Select[Any]:
        about = [column.label(f"about_{name}") for name, column in SHOWN.items()]
        return (
            select(_rounds, _rounds.c.number.label("round"), _requests.c.total.label("request_total"), *about)
            .outerjoin(_requests, _requests.c.id == _rounds.c.request_id)
            .outerjoin(_orders, _orders.c.id == _rounds.c.request_id)
        )


def _bigints(place: Place) -> list[ColumnElement[int]]:
    return [literal(each, BigInteger) for each in place]


def can_be_decided_by(people: tuple[str, ...]) -> list[ColumnElement[bool]]:
    """Nobody decides on what they, or whoever they decide for, have asked for or said yes to already."""
    return [
        SHOWN["requester"].not_in(people),
        func.coalesce(_requests.c.on_behalf_of, "").not_in(people),
        func.coalesce(_requests.c.edited_by, "").not_in(people),
        SHOWN["submitted_by"].not_in(people),
        not_(func.coalesce(_orders.c.parties.has_any(array(people)), false())),
        not_(_rounds.c.parties.has_any(array(people))),
        not_(_rounds.c.voices.contains([people[0]])),
        not_(_rounds.c.yes.contains([people[-1]])),
    ]
