"""People see what died and why, and have it decided once more, as it was or mended, or give it up."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.chassis.batch import Decider
from libs.chassis.decision import Actor
from libs.contracts.permissions import Role
from tests.chassis.said import said
from tests.chassis.shop import SHOP, BreakIn, a_sweep
from tests.chassis.shop_api import AS_SOMEBODY, app_on, calling, problem

LETTERS = "/api/v1/dead-letters"


@pytest_asyncio.fixture
async def desk(engine: AsyncEngine) -> AsyncIterator[httpx2.AsyncClient]:
    """The dead letters of the shop, looked after by person-17."""
    async with calling(app_on(engine), **AS_SOMEBODY) as client:
        yield client


async def died(engine: AsyncEngine, count: int = 1, how: str = "bug") -> list[UUID]:
    """So many messages die of the same thing; the boxes they were about."""
    boxes = [uuid4() for _ in range(count)]
    outcomes = await Decider(SHOP, engine).handle([said(BreakIn(box_id=box, how=how)) for box in boxes])
    assert {outcome.verdict for outcome in outcomes} == {"dead"}
    return boxes


async def listed(desk: httpx2.AsyncClient, **wanted: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await desk.get(LETTERS, params=wanted)).json()["items"]
    return items


async def test_a_letter_shows_what_it_said_and_why_it_died(
    desk: httpx2.AsyncClient, engine: AsyncEngine
) -> None:
    (box,) = await died(engine)
    (letter,) = await listed(desk)

    shown = (await desk.get(f"{LETTERS}/{letter['dead_letter_id']}")).json()

    assert (shown["type"], shown["reason"], shown["sender"]) == ("shop.break_in.v1", "bug", "erp")
    assert shown["body"] == BreakIn(box_id=box, how="bug").model_dump_json()
    assert "ZeroDivisionError: a bug" in shown["detail"]
    assert shown["audit"] == []


async def test_letters_come_a_page_at_a_time(desk: httpx2.AsyncClient, engine: AsyncEngine) -> None:
    await died(engine, 5)
    everything = await listed(desk)

    first = (await desk.get(LETTERS, params={"limit": 3})).json()
    second = (await desk.get(LETTERS, params={"limit": 3, "after": first["next"]})).json()

    assert first["items"] + second["items"] == everything
    assert (len(first["items"]), second["next"]) == (3, None)


async def test_letters_that_died_of_the_same_thing_are_one_group(
    desk: httpx2.AsyncClient, engine: AsyncEngine
) -> None:
    await died(engine, 3)
    await died(engine, 1, how="undeclared")

    groups = (await desk.get(f"{LETTERS}/groups")).json()["items"]

    assert sorted(group["count"] for group in groups) == [1, 3]
    (largest,) = (group for group in groups if group["count"] == 3)
    assert len(await listed(desk, fingerprint=largest["fingerprint"])) == 3


async def test_a_mended_letter_is_decided_and_the_audit_says_who_did_it(
    desk: httpx2.AsyncClient, engine: AsyncEngine
) -> None:
    (box,) = await died(engine)
    (letter,) = await listed(desk)
    address = f"{LETTERS}/{letter['dead_letter_id']}"

    replayed = await desk.post(f"{address}/replay", json={"data": {"box_id": str(box), "how": "not at all"}})
    await a_sweep(engine).step()

    assert (replayed.status_code, replayed.json()["count"]) == (200, 1)
    shown = (await desk.get(address)).json()
    assert shown["status"] == "replayed"
    assert [(step["action"], step["actor"]) for step in shown["audit"]] == [("edited", "person-17")]
    assert await listed(desk) == []
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM chassis.waiting"))).scalar() == 0


async def test_a_letter_replayed_before_its_cause_is_gone_dies_again(
    desk: httpx2.AsyncClient, engine: AsyncEngine
) -> None:
    await died(engine, 2)
    ((fingerprint,),) = {(letter["fingerprint"],) for letter in await listed(desk)}

    replayed = await desk.post(f"{LETTERS}/groups/{fingerprint}/replay")
    await a_sweep(engine).step()

    assert replayed.json() == {"count": 2, "remaining": 0}
    assert [letter["deaths"] for letter in await listed(desk)] == [2, 2]


async def test_what_a_person_said_is_not_reworded_in_their_name(
    desk: httpx2.AsyncClient, engine: AsyncEngine
) -> None:
    arrival = said(BreakIn(box_id=uuid4(), how="bug"))
    person = Actor("person-31", frozenset({Role.ASSET_ADMINISTRATOR}), through="erp")
    arrival.envelope = replace(arrival.envelope, actor=person)
    await Decider(SHOP, engine).handle([arrival])
    (letter,) = await listed(desk)

    reworded = {"data": {"box_id": str(uuid4()), "how": "not at all"}}
    response = await desk.post(f"{LETTERS}/{letter['dead_letter_id']}/replay", json=reworded)

    assert (response.status_code, problem(response)["code"]) == (409, "dead_letter_not_replayable")
    assert len(await listed(desk)) == 1


async def test_mending_must_satisfy_the_contract(desk: httpx2.AsyncClient, engine: AsyncEngine) -> None:
    await died(engine)
    (letter,) = await listed(desk)

    response = await desk.post(f"{LETTERS}/{letter['dead_letter_id']}/replay", json={"data": {"how": 1}})

    assert (response.status_code, problem(response)["code"]) == (422, "invalid_content")
    assert len(await listed(desk)) == 1


async def test_a_discarded_letter_stays_discarded(desk: httpx2.AsyncClient, engine: AsyncEngine) -> None:
    await died(engine)
    (letter,) = await listed(desk)
    address = f"{LETTERS}/{letter['dead_letter_id']}"

    assert (await desk.post(f"{address}/discard")).json()["count"] == 1

    for action in ("discard", "replay"):
        response = await desk.post(f"{address}/{action}")
        assert (response.status_code, problem(response)["code"]) == (409, "dead_letter_not_open")
    assert [each["status"] for each in await listed(desk, status="discarded")] == ["discarded"]


async def test_an_unknown_letter_is_said_to_be_unknown(desk: httpx2.AsyncClient) -> None:
    for response in (
        await desk.get(f"{LETTERS}/{uuid4()}"),
        await desk.post(f"{LETTERS}/{uuid4()}/replay"),
        await desk.post(f"{LETTERS}/{uuid4()}/discard"),
    ):
        assert (response.status_code, problem(response)["code"]) == (404, "dead_letter_unknown")
