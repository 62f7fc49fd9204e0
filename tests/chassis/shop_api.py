"""The shop over HTTP, and what tests say to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import httpx2
from fastapi import APIRouter, FastAPI, Response
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.chassis.api import whole_app
from libs.chassis.batch import Decider
from libs.chassis.http import JsonBody, Obeying, Reading, needs
from libs.chassis.identity import Grants
from libs.contracts.message import Value
from libs.contracts.permissions import Action, Role
from tests.chassis.shop import SHOP, STORAGE, Box, BreakIn, CloseBox, OpenBox
from tests.tokens import bearer, the_issuer

BODY_BYTES_MAX = 2000
AS_SOMEBODY = bearer("person-17", Role.ASSET_ADMINISTRATOR)
JSON = {"Content-Type": "application/json"}
router = APIRouter(dependencies=[needs(Action.MANAGE_ORDERS)])


class Wanted(Value):
    """A box to open."""

    box_id: UUID
    label: str
    parts: tuple[UUID, ...] = ()


@router.post("/boxes", status_code=201)
async def open_box(wanted: JsonBody[Wanted], obey: Obeying) -> Response:
    return await obey(OpenBox(box_id=wanted.box_id, label=wanted.label))


@router.post("/boxes/batch")
async def open_boxes(wanted: JsonBody[list[Wanted]], obey: Obeying) -> list[str]:
    endings = await obey.many([OpenBox(box_id=each.box_id, label=each.label) for each in wanted])
    return [ending.verdict for ending in endings]


@router.post("/boxes/{box_id}/close")
async def close_box(box_id: UUID, obey: Obeying) -> Response:
    return await obey(CloseBox(box_id=box_id), status=200)


@router.post("/boxes/{box_id}/break-in")
async def break_in(box_id: UUID, how: str, obey: Obeying) -> Response:
    return await obey(BreakIn(box_id=box_id, how=how))


@router.get("/boxes")
async def list_boxes(read: Reading, limit: int = 10) -> list[str]:
    return list((await read.execute(select(STORAGE.tables[Box].c.label).limit(limit))).scalars())


@router.get("/bug")
async def bug() -> None:
    raise ZeroDivisionError("the inside of the house")


@router.get("/forever")
async def forever() -> None:
    await asyncio.Event().wait()


@router.get("/writes")
async def writes(read: Reading) -> None:
    await read.execute(text("DELETE FROM boxes"))


def app_on(engine: AsyncEngine, *, request_seconds_max: float = 30, act_as: Grants | None = None) -> FastAPI:
    return whole_app(
        replace(SHOP, routes=router),
        engine=engine,
        decider=Decider(SHOP, engine),
        identity=the_issuer().identity(),
        act_as=act_as or {},
        body_bytes_max=BODY_BYTES_MAX,
        request_seconds_max=request_seconds_max,
    )


@asynccontextmanager
async def calling(app: FastAPI, **headers: str) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://shop", headers=headers) as client:
        yield client


def a_box(label: str = "A") -> dict[str, str]:
    return {"box_id": str(uuid4()), "label": label}


def problem(response: httpx2.Response) -> dict[str, Any]:
    """The problem that a response is, without its trace."""
    assert response.headers["content-type"] == "application/problem+json"
    said: dict[str, Any] = response.json()
    assert len(said.pop("trace_id")) == 32
    assert said["status"] == response.status_code
    assert said.pop("type") == f"/problems/{said['code']}"
    assert said.pop("title")
    return said
