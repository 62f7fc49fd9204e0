"""People, groups and cost centres over HTTP, singly or from a file."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel
from sqlalchemy import ColumnElement, Row, Select, func, or_, select

from libs.chassis.decision import Rejection
from libs.chassis.http import JsonBody, Obeying, Reading, needs
from libs.chassis.imports import Content, CsvFile, RowsRead, contents_of, import_rows
from libs.chassis.pages import After, Limit, Page, Wanted, fields_of, matching, named, page_of
from libs.contracts.people import DefineCostCentre, DefineGroup, DefinePerson
from libs.contracts.permissions import Action, Role
from libs.contracts.values import PersonId
from services.requests.directory import CostCentre, Group, Person
from services.requests.tables import STORAGE

router = APIRouter()

_people = STORAGE.tables[Person]
_groups = STORAGE.tables[Group]
_cost_centres = STORAGE.tables[CostCentre]

AnswersFor = Annotated[
    str | None,
    Query(
        pattern=r"^(role|group|person|cost_centre):[^\x00]{1,128}$",
        description="An approver key, as in `group:FINANCE`: whoever may answer for it, as far as is known here.",
    ),
]
Change = Literal["created", "changed", "unchanged"]


class PersonDefined(BaseModel):
    """The person is as defined, and what that took."""

    person_key: UUID
    person_id: str
    change: Change


class GroupDefined(BaseModel):
    """The group is as defined, and what that took."""

    group_id: UUID
    code: str
    change: Change


class CostCentreDefined(BaseModel):
    """The cost centre is as defined, and what that took."""

    cost_centre_id: UUID
    code: str
    change: Change


class PersonSeen(BaseModel):
    """Somebody, the groups they belong to and the cost centres they own."""

    person_key: UUID
    version: int
    person_id: str
    name: str
    roles: list[Role]
    active: bool
    groups: list[str]
    cost_centres: list[str]


class GroupSeen(BaseModel):
    """A group and its members."""

    group_id: UUID
    version: int
    code: str
    name: str
    members: list[str]
    active: bool


class CostCentreSeen(BaseModel):
    """A cost centre and who answers for it."""

    cost_centre_id: UUID
    version: int
    code: str
    name: str
    owned_by: str
    active: bool


@router.post(
    "/people", status_code=201, response_model=PersonDefined, dependencies=[needs(Action.MANAGE_PEOPLE)]
)
async def define_person(person: JsonBody[DefinePerson], obey: Obeying) -> Response:
    """Make a person known, or change the one with this id."""
    return await obey(person)


@router.get("/people", dependencies=[needs(Action.SEE_PEOPLE)])
async def list_people(
    read: Reading,
    search: Wanted = None,
    answers_for: AnswersFor = None,
    active: bool | None = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[PersonSeen]:
    """People by id; `search` is how their id or their name begins."""
    query = _starting(matching(select(_people), {_people.c.active: active}), search, _people.c.person_id)
    if answers_for is not None:
        query = query.where(_people.c.active, _answering_for(*answers_for.split(":", 1)))
    rows, following = await page_of(read, query, _people.c.person_id, limit, after)
    return Page(items=[_person_seen(row) for row in rows], next=following)


@router.get("/people/{person_id}", dependencies=[needs(Action.SEE_PEOPLE)])
async def show_person(person_id: PersonId, read: Reading) -> PersonSeen:
    """One person."""
    for row in await read.execute(select(_people).where(_people.c.person_id == person_id)):
        return _person_seen(row)
    raise Rejection("no_such_person", message=f"There is no person {person_id}.")


@router.post(
    "/groups", status_code=201, response_model=GroupDefined, dependencies=[needs(Action.MANAGE_PEOPLE)]
)
async def define_group(group: JsonBody[DefineGroup], obey: Obeying) -> Response:
    """Create a group, or change the one with this code; its members are exactly those named."""
    return await obey(group)


@router.get("/groups", dependencies=[needs(Action.SEE_PEOPLE)])
async def list_groups(
    read: Reading,
    search: Wanted = None,
    active: bool | None = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[GroupSeen]:
    """Groups by code; `search` is how their code or their name begins."""
    query = _starting(matching(select(_groups), {_groups.c.active: active}), search, _groups.c.code)
    rows, following = await page_of(read, query, _groups.c.code, limit, after)
    return Page(items=[_group_seen(row) for row in rows], next=following)


@router.get("/groups/{reference:path}", dependencies=[needs(Action.SEE_PEOPLE)])
async def show_group(reference: str, read: Reading) -> GroupSeen:
    """One group by id or code."""
    for row in await read.execute(select(_groups).where(named(reference, _groups.c.id, _groups.c.code))):
        return _group_seen(row)
    raise Rejection("no_such_group", message=f"There is no group {reference}.")


@router.post(
    "/cost-centres",
    status_code=201,
    response_model=CostCentreDefined,
    dependencies=[needs(Action.MANAGE_PEOPLE)],
)
async def define_cost_centre(cost_centre: JsonBody[DefineCostCentre], obey: Obeying) -> Response:
    """Create a cost centre, or change the one with this code."""
    return await obey(cost_centre)


@router.get("/cost-centres", dependencies=[needs(Action.SEE_PEOPLE)])
async def list_cost_centres(
    read: Reading,
    search: Wanted = None,
    active: bool | None = None,
    owned_by: Wanted = None,
    limit: Limit = 100,
    after: After = None,
) -> Page[CostCentreSeen]:
    """Cost centres by code; `search` is how their code or their name begins."""
    wanted = {_cost_centres.c.active: active, _cost_centres.c.owned_by: owned_by}
    query = _starting(matching(select(_cost_centres), wanted), search, _cost_centres.c.code)
    rows, following = await page_of(read, query, _cost_centres.c.code, limit, after)
    return Page(items=[_cost_centre_seen(row) for row in rows], next=following)


@router.get("/cost-centres/{reference:path}", dependencies=[needs(Action.SEE_PEOPLE)])
async def show_cost_centre(reference: str, read: Reading) -> CostCentreSeen:
    """One cost centre by id or code."""
    for row in await read.execute(
        select(_cost_centres).where(named(reference, _cost_centres.c.id, _cost_centres.c.code))
    ):
        return _cost_centre_seen(row)
    raise Rejection("no_such_cost_centre", message=f"There is no cost centre {reference}.")


@router.post("/imports/people", dependencies=[needs(Action.MANAGE_PEOPLE)])
async def import_people(file: CsvFile, obey: Obeying) -> RowsRead:
    """Define people from a CSV file with the columns person_id, name.

    Further columns: roles (several with a space between them), active. Every row is told what became of it; a
    file may be sent again.
    """
    return await import_rows(obey, DefinePerson, _typed(contents_of(file, columns=("person_id", "name"))))


@router.post("/imports/groups", dependencies=[needs(Action.MANAGE_PEOPLE)])
async def import_groups(file: CsvFile, obey: Obeying) -> RowsRead:
    """Define groups from a CSV file with the columns code, name, member: a row per member.

    Further columns: active. Rows of one group stand or fall together, so they must agree on all but the member; a
    group without members is one row whose member is empty.
    """
    groups: dict[str, tuple[list[int], dict[str, Any]]] = {}
    for numbers, row in contents_of(file, columns=("code", "name", "member")):
        member = row.get("member")
        said = {name: cell for name, cell in row.items() if name != "member"}
        rows, group = groups.setdefault(row.get("code", ""), ([], said | {"members": []}))
        if group | said != group:
            message = f"Rows {rows[0]} and {numbers[0]} do not agree on the group {row.get('code', '')}."
            raise Rejection("invalid_content", message=message)
        rows += numbers
        group["members"] += [member] if member else []
    return await import_rows(obey, DefineGroup, _typed(list(groups.values())))


@router.post("/imports/cost-centres", dependencies=[needs(Action.MANAGE_PEOPLE)])
async def import_cost_centres(file: CsvFile, obey: Obeying) -> RowsRead:
    """Define cost centres from a CSV file with the columns code, name, owned_by.

    Further columns: active. Every row is told what became of it; a file may be sent again.
    """
    rows = contents_of(file, columns=("code", "name", "owned_by"))
    return await import_rows(obey, DefineCostCentre, _typed(rows))


_SWITCHES: Mapping[str, bool] = {
    "true": True,
    "yes": True,
    "1": True,
    "false": False,
    "no": False,
    "0": False,
}


def _typed(rows: Sequence[Content]) -> list[Content]:
    """Rows whose lists and switches are no longer text; the contract refuses what is neither."""
    return [(numbers, {name: _cell(name, cell) for name, cell in row.items()}) for numbers, row in rows]


def _cell(name: str, cell: Any) -> object:
    if name == "roles":
        return cell.split()
    if name == "active":
        return _SWITCHES.get(cell.lower(), cell)
    return cell


def _answering_for(kind: str, code: str) -> ColumnElement[bool]:
    """Those to whom `authority_of` gives this key."""
    if kind == "person":
        return _people.c.person_id == code
    column = {"role": _people.c.roles, "group": _people.c.groups, "cost_centre": _people.c.cost_centres}[kind]
    return column.contains([code])


def _starting(query: Select[Any], search: str | None, key: ColumnElement[str]) -> Select[Any]:
    """Only rows whose key or name begins with the text, however it is capitalised."""
    if search is None:
        return query
    name = query.selected_columns["name"]
    begins = (func.lower(each).startswith(search.lower(), autoescape=True) for each in (key, name))
    return query.where(or_(*begins))


def _person_seen(row: Row[Any]) -> PersonSeen:
    return PersonSeen(person_key=row.id, **fields_of(row, "id"))


def _group_seen(row: Row[Any]) -> GroupSeen:
    return GroupSeen(group_id=row.id, **fields_of(row, "id"))


def _cost_centre_seen(row: Row[Any]) -> CostCentreSeen:
    return CostCentreSeen(cost_centre_id=row.id, **fields_of(row, "id"))
