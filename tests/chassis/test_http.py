"""What people can do over HTTP is decided like what systems say on queues; every refusal has one shape."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest
import pytest_asyncio
from fastapi import APIRouter, FastAPI, Response
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from libs.chassis.batch import Decider
from libs.chassis.http import JsonBody, Obeying, Reading, create_app
from libs.contracts.message import Value
from tests.chassis.shop import SHOP, STORAGE, Box, BreakIn, CloseBox, OpenBox
from tests.conftest import eventually

BODY_BYTES_MAX = 2000
AS_SOMEBODY = {"Quartermaster-Person": "person-17"}
JSON = {"Content-Type": "application/json"}
router = APIRouter()


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


def app_on(engine: AsyncEngine) -> FastAPI:
    return create_app(
        replace(SHOP, routes=router),
        engine=engine,
        decider=Decider(SHOP, engine),
        body_bytes_max=BODY_BYTES_MAX,
        request_seconds_max=1,
    )


@asynccontextmanager
async def calling(app: FastAPI, **headers: str) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://shop", headers=headers) as client:
        yield client


@pytest_asyncio.fixture
async def shop(engine: AsyncEngine) -> AsyncIterator[httpx2.AsyncClient]:
    """The shop's API, used by person-17."""
    async with calling(app_on(engine), **AS_SOMEBODY) as client:
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


# Commands


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
        "/api/v1/boxes", json=a_box("B"), headers={**key, "Quartermaster-Person": "person-18"}
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


# What is refused at the door


async def test_nobody_commands_without_saying_who_they_are(engine: AsyncEngine) -> None:
    async with calling(app_on(engine)) as client:
        for person in ({}, {"Quartermaster-Person": ""}, {"Quartermaster-Person": "not a person"}):
            response = await client.post("/api/v1/boxes", json=a_box(), headers=person)

            assert (response.status_code, problem(response)["code"]) == (401, "person_unknown")
            assert response.headers["www-authenticate"]


async def test_content_that_breaks_the_contract_is_shown_where(shop: httpx2.AsyncClient) -> None:
    response = await shop.post("/api/v1/boxes", json={"box_id": str(uuid4()), "parts": ["x"], "label": 7})

    said = problem(response)
    assert (said["status"], said["code"], said["field"]) == (422, "invalid_content", "label")
    assert [error["pointer"] for error in said["errors"]] == ["#/label", "#/parts/0"]


async def test_a_wrong_parameter_is_named(shop: httpx2.AsyncClient) -> None:
    response = await shop.get("/api/v1/boxes?limit=ten")

    said = problem(response)
    assert (said["status"], said["field"]) == (422, "limit")
    assert [error["parameter"] for error in said["errors"]] == ["limit"]


@pytest.mark.parametrize(
    "body", [b"{", b"[" * 1900, b"\xff\xfe", b'{"a": }'], ids=["cut", "deep", "utf", "bad"]
)
async def test_a_body_that_is_not_json_is_400(shop: httpx2.AsyncClient, body: bytes) -> None:
    response = await shop.post("/api/v1/boxes", content=body, headers=JSON)

    assert (response.status_code, problem(response)["code"]) == (400, "body_unparsable")


async def test_text_that_no_database_holds_is_refused(shop: httpx2.AsyncClient) -> None:
    response = await shop.post("/api/v1/boxes", content=b'{"box_id": "x", "label": "\\ud800"}', headers=JSON)

    assert (response.status_code, problem(response)["code"]) == (422, "invalid_content")


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", None])
async def test_only_json_is_taken(shop: httpx2.AsyncClient, media_type: str | None) -> None:
    headers = {"Content-Type": media_type} if media_type else {}

    response = await shop.post("/api/v1/boxes", content=b"{}", headers=headers)

    assert (response.status_code, problem(response)["code"]) == (415, "media_type_unsupported")


async def test_a_body_too_large_is_refused_before_it_is_read(shop: httpx2.AsyncClient) -> None:
    response = await shop.post("/api/v1/boxes", content=b" " * (BODY_BYTES_MAX + 1), headers=JSON)

    assert (response.status_code, problem(response)["code"]) == (413, "body_too_large")


async def test_a_body_that_does_not_say_its_length_is_cut_off(shop: httpx2.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 500
            yield b" " * 500

    response = await shop.post("/api/v1/boxes", content=endless(), headers=JSON)

    assert (response.status_code, problem(response)["code"]) == (413, "body_too_large")
    assert sent <= BODY_BYTES_MAX + 1000


async def test_a_body_that_does_not_come_is_not_waited_for(shop: httpx2.AsyncClient) -> None:
    async def stuck() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    response = await shop.post("/api/v1/boxes", content=stuck(), headers=JSON)

    assert (response.status_code, problem(response)["code"]) == (408, "body_too_slow")


async def test_unknown_addresses_and_methods_are_problems_too(shop: httpx2.AsyncClient) -> None:
    nowhere = await shop.get("/api/v1/cupboards")
    wrong = await shop.delete("/api/v1/boxes")

    assert problem(nowhere)["code"] == "address_unknown"
    assert problem(wrong)["code"] == "method_not_allowed"
    assert wrong.headers["allow"] == "GET, POST"


# What fails behind the door


async def test_an_unexpected_failure_shows_nothing_of_the_inside(shop: httpx2.AsyncClient) -> None:
    response = await shop.get("/api/v1/bug")

    assert problem(response)["code"] == "internal_error"
    assert "house" not in response.text


async def test_a_database_that_is_away_is_503_and_to_be_tried_again() -> None:
    engine = create_async_engine("postgresql+asyncpg://shop@127.0.0.1:1/shop")
    async with calling(app_on(engine), **AS_SOMEBODY) as client:
        for response in (await client.post("/api/v1/boxes", json=a_box()), await client.get("/api/v1/boxes")):
            assert (response.status_code, problem(response)["code"]) == (503, "unavailable")
            assert int(response.headers["retry-after"]) > 0
    await engine.dispose()


async def test_a_request_does_not_take_for_ever(shop: httpx2.AsyncClient) -> None:
    response = await shop.get("/api/v1/forever")

    assert (response.status_code, problem(response)["code"]) == (503, "unavailable")


async def test_who_only_reads_cannot_write(shop: httpx2.AsyncClient) -> None:
    await shop.post("/api/v1/boxes", json=a_box())

    assert (await shop.get("/api/v1/writes")).is_server_error
    assert (await shop.get("/api/v1/boxes")).json() == ["A"]


# Around it


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
    assert opening["security"] == [{"person": []}]
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

    @careless.post("/boxes")
    async def take(wanted: Wanted) -> None: ...

    with pytest.raises(TypeError, match=r"/boxes: declare the body as JsonBody"):
        create_app(replace(SHOP, routes=careless), engine=engine, decider=Decider(SHOP, engine))
