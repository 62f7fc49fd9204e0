"""The audit over HTTP: who did what, when, as whom and from where, the latest first."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel
from sqlalchemy import Row, select, text, tuple_

from libs.chassis.decision import Rejection
from libs.chassis.http import Reading, needs
from libs.chassis.pages import Limit, Page, Wanted, matching
from libs.chassis.schema import audit
from libs.contracts.permissions import Action

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
    """What was done, the latest first; `since` is included, `until` is not."""
    columns = audit.c
    wanted = {columns.actor: actor, columns.action: action, columns.about: about, columns.outcome: outcome}
    query = matching(select(audit), wanted)
    if outcome not in (None, "accepted"):
        # The index of what went otherwise than usual.
        query = query.where(text("outcome <> 'accepted'"))
    if since is not None:
        query = query.where(columns.at >= since)
    if until is not None:
        query = query.where(columns.at < until)
    if after is not None:
        query = query.where(tuple_(columns.at, columns.id) < tuple_(*_place(after)))
    rows = (await read.execute(query.order_by(columns.at.desc(), columns.id.desc()).limit(limit + 1))).all()
    following = f"{rows[limit - 1].at.isoformat()}_{rows[limit - 1].id}" if len(rows) > limit else None
    return Page(items=[_done(row) for row in rows[:limit]], next=following)


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
