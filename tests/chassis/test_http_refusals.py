"""Whatever is refused or fails over HTTP has one shape and tells nothing of the inside."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from libs.chassis.edge import LINGER_BODIES
from libs.contracts.permissions import Role
from tests.chassis.shop_api import AS_SOMEBODY, BODY_BYTES_MAX, JSON, a_box, app_on, calling, problem
from tests.tokens import bearer


@pytest_asyncio.fixture
async def shop(engine: AsyncEngine) -> AsyncIterator[httpx2.AsyncClient]:
    """The shop's API, used by person-17."""
    async with calling(app_on(engine), **AS_SOMEBODY) as client:
        yield client


@pytest_asyncio.fixture
async def hasty_shop(engine: AsyncEngine) -> AsyncIterator[httpx2.AsyncClient]:
    """The same, but a request may take only a second."""
    async with calling(app_on(engine, request_seconds_max=1), **AS_SOMEBODY) as client:
        yield client


async def test_nobody_commands_without_saying_who_they_are(engine: AsyncEngine) -> None:
    async with calling(app_on(engine)) as client:
        for person in ({}, {"Authorization": ""}, {"Authorization": "Basic cGVyc29uOg=="}):
            response = await client.post("/api/v1/boxes", json=a_box(), headers=person)

            assert (response.status_code, problem(response)["code"]) == (401, "person_unknown")
            assert response.headers["www-authenticate"] == 'Bearer realm="quartermaster"'


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"{}"])
async def test_who_may_not_ask_learns_nothing_about_the_content(engine: AsyncEngine, body: bytes) -> None:
    async with calling(app_on(engine)) as client:
        nobody = await client.post("/api/v1/boxes", content=body, headers=JSON)
        requester = await client.post(
            "/api/v1/boxes", content=body, headers=JSON | bearer("person-18", Role.REQUESTER)
        )

    assert (nobody.status_code, problem(nobody)["code"]) == (401, "person_unknown")
    assert (requester.status_code, problem(requester)["code"]) == (403, "not_entitled")


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
    assert sent <= (1 + LINGER_BODIES) * BODY_BYTES_MAX + 1000


async def test_a_body_that_does_not_come_is_not_waited_for(hasty_shop: httpx2.AsyncClient) -> None:
    async def stuck() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    response = await hasty_shop.post("/api/v1/boxes", content=stuck(), headers=JSON)

    assert (response.status_code, problem(response)["code"]) == (408, "body_too_slow")


async def test_unknown_addresses_and_methods_are_problems_too(shop: httpx2.AsyncClient) -> None:
    nowhere = await shop.get("/api/v1/cupboards")
    wrong = await shop.delete("/api/v1/boxes")

    assert problem(nowhere)["code"] == "address_unknown"
    assert problem(wrong)["code"] == "method_not_allowed"
    assert wrong.headers["allow"] == "GET, POST"


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


async def test_a_request_does_not_take_for_ever(hasty_shop: httpx2.AsyncClient) -> None:
    response = await hasty_shop.get("/api/v1/forever")

    assert (response.status_code, problem(response)["code"]) == (503, "unavailable")


async def test_who_only_reads_cannot_write(shop: httpx2.AsyncClient) -> None:
    await shop.post("/api/v1/boxes", json=a_box())

    assert (await shop.get("/api/v1/writes")).is_server_error
    assert (await shop.get("/api/v1/boxes")).json() == ["A"]
