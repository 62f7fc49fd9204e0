"""The audit over HTTP: who did what, when, as whom and from where, the latest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel
from sqlalchemy import Row, Select, select, text, tuple_

from libs.chassis.decision import Rejection
from libs.chassis.http import Reading, needs
from libs.chassis.pages import Limit, Page, Wanted
from libs.chassis.schema import audit
from libs.contracts.permissions import Action

LOOKED_AT_MAX = 10_000
"""Entries that are looked at for one page."""
_BEGINNING, _END = datetime(1, 1, 2, tzinfo=UTC), (datetime(9999, 12, 30, tzinfo=UTC), 0)

router = APIRouter(prefix="/audit", tags=["audit"], dependencies=[needs(Action.SEE_AUDIT)])

Outcome = Literal["accepted", "rejected", "duplicate", "dead"]
After = Annotated[
    str | None, Query(max_length=100, pattern=r"^[^\x00]*$", description="`next` of the page before.")
]
Instant = Annotated[AwareDatetime | None, Query(description="With its distance from UTC.")]


class Done(BaseModel):
    """One thing somebody did or tried. `through` is the system that acted for the person; `origin` says from where.

    `type` is the command, or what was asked for where there was none; `message_id` what its sender knows it by.
    """

    at: datetime
    actor: str
    through: str | None
    action: str | None
    type: str
    about: UUID | None
    outcome: Outcome
    code: str | None
    origin: str
    message_id: str | None
    correlation_id: str | None


@router.get("")
async def list_audit(
    read: Reading,
    actor: Wanted = None,
    action: Action | None = None,
    about: UUID | None = None,
    outcome: Outcome | None = None,
    since: Instant = None,
    until: Instant = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[Done]:
    """What was done, the latest first; `since` is included, `until` is not.

    A page can hold less than was asked for and still have a `next`: 10,000 entries are looked at for it.
    """
    index, left = _index_for({"about": about, "outcome": outcome, "actor": actor, "action": action})
    upto = min(_place(after) if after is not None else _END, (until or _END[0], 0))
    looked_at = index.before(upto, since or _BEGINNING).limit(LOOKED_AT_MAX if left else limit + 1).subquery()
    wanted = select(looked_at).where(*(looked_at.c[name] == value for name, value in left.items()))
    order = [looked_at.c[name].desc() for name in (*index.equal, "at", "id")]
    rows = (await read.execute(wanted.order_by(*order).limit(limit + 1))).all()
    last = rows[limit - 1] if len(rows) > limit else None
    if last is None and left:
        rest = index.before(upto, since or _BEGINNING).offset(LOOKED_AT_MAX - 1).limit(1)
        last = (await read.execute(rest)).one_or_none()
    following = f"{last.at.isoformat()}_{last.id}" if last is not None else None
    return Page(items=[_done(row) for row in rows[:limit]], next=following)


@dataclass(frozen=True)
class _Index:
    """An index of the audit: a column that has a value, or none, and then the time."""

    equal: Mapping[str, Any]
    only: str = "true"

    def before(self, upto: tuple[datetime, int], since: datetime) -> Select[Any]:
        """The latest ones before a place. Bounds on the whole key, because no other index is in this order."""
        key, values = [audit.c[name] for name in (*self.equal, "at", "id")], list(self.equal.values())
        return (
            select(audit)
            .where(text(self.only), tuple_(*key) >= (*values, since, 0), tuple_(*key) < (*values, *upto))
            .order_by(*(column.desc() for column in key))
        )


def _index_for(wanted: Mapping[str, Any]) -> tuple[_Index, Mapping[str, Any]]:
    """The index that leads to the least, and what must be looked at beyond it."""
    left = {name: value for name, value in wanted.items() if value is not None}
    if "about" in left:
        return _Index({"about": left.pop("about")}, "about IS NOT NULL"), left
    if left.get("outcome", "accepted") != "accepted":
        return _Index({"outcome": left.pop("outcome")}, "outcome <> 'accepted'"), left
    for name in ("actor", "action"):
        if name in left:
            return _Index({name: left.pop(name)}), left
    return _Index({}), left


def _place(after: str) -> tuple[datetime, int]:
    """Where the page before ended."""
    at, _, id = after.rpartition("_")
    try:
        place = datetime.fromisoformat(at), int(id)
        if place[0].tzinfo is None or not 0 <= place[1] < 2**63:
            raise ValueError
    except ValueError:
        raise Rejection(
            "invalid_content", field="after", message="This is not the end of any page."
        ) from None
    return place


def _done(row: Row[Any]) -> Done:
    return Done(**{name: value for name, value in row._mapping.items() if name != "id"})
