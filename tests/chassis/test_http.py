"""What people order over HTTP is decided like what systems say on queues."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio
from fastapi import APIRouter
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.chassis.batch import Decider
from libs.chassis.http import create_app, needs
from libs.contracts.permissions import Action, Role
from tests.chassis.shop import SHOP
from tests.chassis.shop_api import AS_SOMEBODY, Wanted, a_box, app_on, calling, problem
from tests.conftest import eventually
from tests.tokens import bearer


@pytest_asyncio.fixture
async def shop(engine: AsyncEngine) -> AsyncIterator[httpx2.AsyncClient]:
    """The shop's API, used by person-17."""
    async with calling(app_on(engine), **AS_SOMEBODY) as client:
        yield client


async def test_a_command_is_obeyed_and_answered_with_its_numbers_and_ids(shop: httpx2.AsyncClient) -> None:
    box = a_box()

    response = await shop.post("/api/v1/boxes", json=box)

    assert (response.status_code, response.json()) == (201, {"box_id": box["box_id"], "number": 1})
    assert UUID(response.headers["quartermaster-message-id"])
    assert response.headers["quartermaster-correlation-id"]
    assert (await shop.get("/api/v1/boxes")).json() == ["A"]


async def test_a_refusal_is_a_problem_with_its_code(shop: httpx2.AsyncClient) -> None:
    await shop.post("/api/v1/boxes", json=a_box("A"))

    response = await shop.post("/api/v1/boxes", json=a_box("A"))

    assert problem(response) == {
        "status": 409,
        "code": "serial_taken",
        "field": "label",
        "detail": "Another box has this label.",
    }


async def test_a_repeat_with_the_same_key_gets_the_original_response(shop: httpx2.AsyncClient) -> None:
    box, key = a_box(), {"Idempotency-Key": "first"}
    first = await shop.post("/api/v1/boxes", json=box, headers=key)
    await shop.post(f"/api/v1/boxes/{box['box_id']}/close")

    again = await shop.post("/api/v1/boxes", json=box, headers=key)

    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["quartermaster-message-id"] == first.headers["quartermaster-message-id"]


async def test_a_refusal_is_repeated_even_if_it_would_be_accepted_now(shop: httpx2.AsyncClient) -> None:
    box, key = a_box(), {"Idempotency-Key": "too early"}
    first = await shop.post(f"/api/v1/boxes/{box['box_id']}/close", headers=key)
    await shop.post("/api/v1/boxes", json=box)

    again = await shop.post(f"/api/v1/boxes/{box['box_id']}/close", headers=key)

    assert problem(again) == problem(first)
    assert (await shop.post(f"/api/v1/boxes/{box['box_id']}/close")).status_code == 200


async def test_a_key_with_other_content_is_refused(shop: httpx2.AsyncClient) -> None:
    key = {"Idempotency-Key": "once"}
    await shop.post("/api/v1/boxes", json=a_box("A"), headers=key)

    response = await shop.post("/api/v1/boxes", json=a_box("B"), headers=key)

    assert (response.status_code, problem(response)["code"]) == (422, "idempotency_key_reused")


async def test_keys_of_two_people_do_not_meet(shop: httpx2.AsyncClient) -> None:
    key = {"Idempotency-Key": "monday"}
    await shop.post("/api/v1/boxes", json=a_box("A"), headers=key)

    other = await shop.post(
        "/api/v1/boxes", json=a_box("B"), headers={**key, **bearer("person-18", Role.ASSET_MANAGER)}
    )

    assert other.status_code == 201


async def test_a_person_is_told_at_once_what_a_queue_would_wait_for(shop: httpx2.AsyncClient) -> None:
    response = await shop.post(f"/api/v1/boxes/{uuid4()}/close")

    assert (response.status_code, problem(response)["code"]) == (404, "order_unknown")


async def test_a_busy_record_is_waited_for(shop: httpx2.AsyncClient, engine: AsyncEngine) -> None:
    box = a_box()
    await shop.post("/api/v1/boxes", json=box)

    async def waiting() -> bool:
        async with engine.connect() as connection:
            locks = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            return bool((await connection.execute(text(locks))).scalar())

    async with engine.connect() as somebody:
        await somebody.execute(text("SELECT FROM boxes FOR UPDATE"))
        closing = asyncio.create_task(shop.post(f"/api/v1/boxes/{box['box_id']}/close"))
        await eventually(waiting)
        await somebody.rollback()

    assert (await closing).status_code == 200


async def test_each_of_many_commands_ends_for_itself(shop: httpx2.AsyncClient) -> None:
    response = await shop.post("/api/v1/boxes/batch", json=[a_box("A"), a_box("B"), a_box("A")])

    assert response.json() == ["accepted", "accepted", "rejected"]


async def test_a_bug_tells_nothing_and_is_kept_as_a_dead_letter(
    shop: httpx2.AsyncClient, engine: AsyncEngine
) -> None:
    response = await shop.post(f"/api/v1/boxes/{uuid4()}/break-in?how=bug")

    assert problem(response) == {
        "status": 500,
        "code": "internal_error",
        "detail": "Something went wrong on our side.",
    }
    async with engine.connect() as connection:
        letters = await connection.execute(text("SELECT reason, sender FROM chassis.dead_letters"))
        assert [tuple(row) for row in letters] == [("bug", "person-17")]


async def test_the_callers_trace_goes_on_into_what_is_published(
    shop: httpx2.AsyncClient, engine: AsyncEngine
) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    await shop.post("/api/v1/boxes", json=a_box(), headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})

    async with engine.connect() as connection:
        headers = "SELECT headers->>'ce-traceparent' FROM chassis.outbox"
        (published,) = (await connection.execute(text(headers))).scalars()
    assert published[3:35] == trace


async def test_the_document_names_the_problems_of_every_operation(shop: httpx2.AsyncClient) -> None:
    document = (await shop.get("/api/v1/openapi.json")).json()

    opening = document["paths"]["/api/v1/boxes"]["post"]
    documented = {int(status) for status in opening["responses"]}
    assert documented == {201, 400, 401, 403, 404, 408, 409, 413, 415, 422, 500, 503}
    assert opening["security"] == [{"token": []}]
    for path in document["paths"].values():
        for operation in path.values():
            (shape,) = operation["responses"]["500"]["content"].items()
            assert shape == (
                "application/problem+json",
                {"schema": {"$ref": "#/components/schemas/Problem"}},
            )
    assert "Problem" in document["components"]["schemas"]


async def test_no_page_loads_scripts_from_elsewhere(shop: httpx2.AsyncClient) -> None:
    for page in ("/docs", "/redoc", "/api/v1/docs"):
        assert (await shop.get(page)).status_code == 404


def test_a_body_that_would_never_be_valid_is_found_at_the_start(engine: AsyncEngine) -> None:
    careless = APIRouter()

    @careless.post("/boxes", dependencies=[needs(Action.MANAGE_ORDERS)])
    async def take(wanted: Wanted) -> None: ...

    with pytest.raises(TypeError, match=r"/boxes: declare the body as JsonBody"):
        create_app(
            replace(SHOP, routes=careless), engine=engine, decider=Decider(SHOP, engine), identity=None
        )
