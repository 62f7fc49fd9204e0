"""Dead letters over HTTP: see them, one by one or by what they died of; replay, mend and replay, discard."""

from base64 import b64encode
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from pydantic_core import to_json
from sqlalchemy import Row, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from libs.chassis.acting import origin_of
from libs.chassis.audit import note
from libs.chassis.dead_letters import NotReplayed, discard, replay
from libs.chassis.decision import Rejection
from libs.chassis.envelope import InvalidContent
from libs.chassis.http import JsonBody, Person, Reading, Writing, needs
from libs.chassis.pages import Limit, Page, Wanted, matching
from libs.chassis.schema import dead_letter_audit, dead_letters
from libs.contracts.message import MESSAGES
from libs.contracts.permissions import Action

REPLAYED_AT_ONCE = 500

router = APIRouter(
    prefix="/dead-letters", tags=["dead letters"], dependencies=[needs(Action.MANAGE_DEAD_LETTERS)]
)

Status = Literal["open", "replayed", "discarded"]


class Letter(BaseModel):
    """A message that could not be handled. `fingerprint` is the same for all that died of the same thing."""

    dead_letter_id: UUID
    status: Status
    reason: str
    fingerprint: str
    type: str
    sender: str
    consumer: str
    died_at: datetime
    deaths: int


class Step(BaseModel):
    """What somebody did with a letter."""

    action: Literal["replayed", "edited", "discarded"]
    actor: str
    at: datetime


class LetterInDetail(Letter):
    """A letter with everything that is known; `body` is base64 where it isn't text."""

    detail: str
    envelope: dict[str, Any]
    body: str
    audit: list[Step]


class Group(BaseModel):
    """Letters that died of the same thing."""

    fingerprint: str
    type: str
    reason: str
    count: int
    first_died_at: datetime
    last_died_at: datetime


class Groups(BaseModel):
    """What open letters died of, the latest death first."""

    items: list[Group]


class Mended(BaseModel):
    """With `data` the message is decided with other content, as a new message caused by the old one."""

    data: dict[str, Any] | None = Field(default=None, description="The whole content, mended")


class Done(BaseModel):
    """How many letters were replayed or discarded; `remaining` are open ones of the same group."""

    count: int
    remaining: int = 0


_SHOWN = (
    dead_letters.c.id,
    dead_letters.c.status,
    dead_letters.c.reason,
    dead_letters.c.fingerprint,
    dead_letters.c.type,
    dead_letters.c.sender,
    dead_letters.c.consumer,
    dead_letters.c.died_at,
    dead_letters.c.deaths,
)
_order = tuple_(dead_letters.c.died_at, dead_letters.c.id)


class _Somebody:
    """Who looks after dead letters; what they do is in the letter's history and in the audit."""

    def __init__(self, request: Request, actor: Person) -> None:
        self._actor, self._origin = actor, origin_of(request)

    async def replay(self, write: AsyncConnection, id: UUID, body: bytes | None = None) -> bool:
        """Have a letter decided once more."""
        done = await replay(write, id, actor=self._actor.id, body=body)
        what = "replay_dead_letter" if body is None else "edit_dead_letter"
        return await self._noted(write, id, what, done)

    async def discard(self, write: AsyncConnection, id: UUID) -> bool:
        """Give a letter up."""
        return await self._noted(
            write, id, "discard_dead_letter", await discard(write, id, actor=self._actor.id)
        )

    async def _noted(self, write: AsyncConnection, id: UUID, what: str, done: bool) -> bool:
        if done:
            await note(write, self._actor, Action.MANAGE_DEAD_LETTERS, what, origin=self._origin, about=id)
        return done


By = Annotated[_Somebody, Depends()]


@router.get("")
async def list_dead_letters(
    read: Reading,
    status: Status = "open",
    fingerprint: Wanted = None,
    type: Wanted = None,
    limit: Limit = 50,
    after: UUID | None = None,
) -> Page[Letter]:
    """Letters, the latest first."""
    wanted = {
        dead_letters.c.status: status,
        dead_letters.c.fingerprint: fingerprint,
        dead_letters.c.type: type,
    }
    query = matching(select(*_SHOWN), wanted)
    if after is not None:
        last = select(dead_letters.c.died_at, dead_letters.c.id).where(dead_letters.c.id == after)
        query = query.where(_order < last.scalar_subquery())
    newest_first = (dead_letters.c.died_at.desc(), dead_letters.c.id.desc())
    rows = (await read.execute(query.order_by(*newest_first).limit(limit + 1))).all()
    following = str(rows[limit - 1].id) if len(rows) > limit else None
    return Page(items=[Letter(**_fields(row)) for row in rows[:limit]], next=following)


@router.get("/groups")
async def list_groups(read: Reading) -> Groups:
    """Open letters by what they died of."""
    letters = dead_letters.c
    last = func.max(letters.died_at).label("last_died_at")
    query = (
        select(
            letters.fingerprint,
            letters.type,
            letters.reason,
            func.count().label("count"),
            func.min(letters.died_at).label("first_died_at"),
            last,
        )
        .where(letters.status == "open")
        .group_by(letters.fingerprint, letters.type, letters.reason)
        .order_by(last.desc())
        .limit(1000)
    )
    return Groups(items=[Group(**row._mapping) for row in await read.execute(query)])


@router.post("/groups/{fingerprint}/replay")
async def replay_group(fingerprint: str, write: Writing, by: By) -> Done:
    """Have the oldest 500 open letters of a group decided once more; repeat while any remain."""
    open_ones = (dead_letters.c.status == "open", dead_letters.c.fingerprint == fingerprint)
    oldest = select(dead_letters.c.id).where(*open_ones).order_by(dead_letters.c.died_at, dead_letters.c.id)
    ids = (await write.execute(oldest.limit(REPLAYED_AT_ONCE))).scalars().all()
    try:
        replayed = [await by.replay(write, id) for id in ids]
    except NotReplayed as refused:
        raise Rejection("dead_letter_not_replayable", message=str(refused)) from None
    left = (
        await write.execute(select(func.count()).select_from(dead_letters).where(*open_ones))
    ).scalar_one()
    return Done(count=sum(replayed), remaining=left)


@router.get("/{dead_letter_id}")
async def show_dead_letter(dead_letter_id: UUID, read: Reading) -> LetterInDetail:
    """One letter with its content and what was done with it."""
    row = (await read.execute(select(dead_letters).where(dead_letters.c.id == dead_letter_id))).first()
    if row is None:
        raise _unknown()
    steps = select(dead_letter_audit).where(dead_letter_audit.c.dead_letter_id == dead_letter_id)
    audit = [
        Step(action=step.action, actor=step.actor, at=step.at)
        for step in await read.execute(steps.order_by(dead_letter_audit.c.id))
    ]
    return LetterInDetail(
        **_fields(row), detail=row.detail, envelope=row.envelope, body=_readable(row.body), audit=audit
    )


@router.post("/{dead_letter_id}/replay")
async def replay_dead_letter(
    dead_letter_id: UUID, write: Writing, by: By, mended: JsonBody[Mended | None] = None
) -> Done:
    """Have a letter decided once more, as it is or mended."""
    body = to_json(mended.data) if mended is not None and mended.data is not None else None
    said = (
        await write.execute(select(dead_letters.c.type).where(dead_letters.c.id == dead_letter_id))
    ).scalar()
    if body is not None and said is not None and said not in MESSAGES:
        raise Rejection("invalid_content", message=f"{said} is not a message we know; it cannot be mended.")
    try:
        replayed = await by.replay(write, dead_letter_id, body)
    except InvalidContent as invalid:
        raise Rejection("invalid_content", field=invalid.field, message=invalid.detail) from None
    except NotReplayed as refused:
        raise Rejection("dead_letter_not_replayable", message=str(refused)) from None
    return await _done(write, dead_letter_id, replayed)


@router.post("/{dead_letter_id}/discard")
async def discard_dead_letter(dead_letter_id: UUID, write: Writing, by: By) -> Done:
    """Give a letter up for good; it stays to be seen."""
    return await _done(write, dead_letter_id, await by.discard(write, dead_letter_id))


async def _done(write: AsyncConnection, id: UUID, done: bool) -> Done:
    if done:
        return Done(count=1)
    status = (await write.execute(select(dead_letters.c.status).where(dead_letters.c.id == id))).scalar()
    if status is None:
        raise _unknown()
    raise Rejection("dead_letter_not_open", message=f"The dead letter was {status} already.")


def _unknown() -> Rejection:
    return Rejection("dead_letter_unknown", field="dead_letter_id", message="There is no such dead letter.")


def _fields(row: Row[Any]) -> dict[str, Any]:
    shown = {column.name: row._mapping[column] for column in _SHOWN}
    return {"dead_letter_id": shown.pop("id"), **shown}


def _readable(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return b64encode(body).decode()
