"""Delegations over HTTP: who decides in whose place, and until when."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import Row, or_, select

from libs.chassis.http import Forbidden, JsonBody, Obeying, Person, Reading, needs
from libs.chassis.pages import Limit, Page, Wanted, fields_of, matching, page_of
from libs.contracts.message import Value
from libs.contracts.people import Day, DelegateApprovals, EndDelegation
from libs.contracts.permissions import Action
from libs.contracts.values import LongText, PersonId
from services.requests.delegation import Delegation, Status
from services.requests.tables import STORAGE

router = APIRouter()

_delegations = STORAGE.tables[Delegation]


class NewDelegation(Value):
    """Who decides in whose place, on which days. Without a delegator it is the person who acts."""

    delegator: PersonId | None = None
    delegate: PersonId
    from_date: Day
    until_date: Day
    reason: LongText = ""


class EndOfDelegation(Value):
    """Why a delegation is ended before its last day, if there is anything to say."""

    reason: LongText = ""


class DelegationDone(BaseModel):
    """The delegation, and whether it counts now."""

    delegation_id: UUID
    status: Status


class DelegationSeen(BaseModel):
    """Who decides in whose place, on which days, and how it ended."""

    delegation_id: UUID
    delegator: str
    delegate: str
    from_date: Day
    until_date: Day
    status: Status
    reason: str
    made_by: str
    made_at: datetime
    ended_by: str | None
    ended_at: datetime | None
    end_reason: str


@router.post(
    "/delegations",
    status_code=201,
    response_model=DelegationDone,
    dependencies=[needs(Action.DELEGATE_APPROVALS)],
)
async def delegate_approvals(delegation: JsonBody[NewDelegation], obey: Obeying) -> Response:
    """Let somebody decide in one's place from one day to another, both included."""
    said = dict(delegation) | {"delegator": delegation.delegator or obey.person}
    return await obey(DelegateApprovals(**said))


@router.get("/delegations", dependencies=[needs(Action.DELEGATE_APPROVALS)])
async def list_delegations(
    read: Reading,
    actor: Person,
    person: Wanted = None,
    everyone: bool = False,
    status: Status | None = Status.IN_FORCE,
    limit: Limit = 100,
    after: UUID | None = None,
) -> Page[DelegationSeen]:
    """The delegations by and to a person, in the order in which they were made: those of the person who acts.

    Another's, or everybody's, are shown to those who may delegate for others.
    """
    person = person or actor.id
    if (everyone or person != actor.id) and not actor.may(Action.DELEGATE_FOR_OTHERS):
        raise Forbidden(actor, Action.DELEGATE_FOR_OTHERS)
    query = matching(select(_delegations), {_delegations.c.status: status})
    if not everyone:
        query = query.where(or_(_delegations.c.delegator == person, _delegations.c.delegate == person))
    rows, following = await page_of(read, query, _delegations.c.id, limit, after)
    return Page(items=[_delegation_seen(row) for row in rows], next=following)


@router.post(
    "/delegations/{delegation_id}/end",
    status_code=200,
    response_model=DelegationDone,
    dependencies=[needs(Action.DELEGATE_APPROVALS)],
)
async def end_delegation(delegation_id: UUID, why: JsonBody[EndOfDelegation], obey: Obeying) -> Response:
    """Take a delegation back before its last day, or hand it back."""
    return await obey(EndDelegation(delegation_id=delegation_id, reason=why.reason), status=200)


def _delegation_seen(row: Row[Any]) -> DelegationSeen:
    return DelegationSeen(delegation_id=row.id, **fields_of(row, "id", "version", "book_id"))
