"""What the broker would not take is seen with its reason and sent again by whoever mended the cause."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.chassis.batch import Decider
from libs.contracts.permissions import Role
from tests.chassis.said import said
from tests.chassis.shop import SHOP, OpenBox
from tests.chassis.shop_api import AS_SOMEBODY, app_on, calling, problem
from tests.tokens import bearer

PARKED = "/api/v1/parked-messages"

_PARK = """
    WITH gone AS (DELETE FROM chassis.outbox RETURNING *)
    INSERT INTO chassis.outbox_parked (id, ordering_key, message_id, exchange, routing_key, headers, body, reason)
    SELECT id, ordering_key, message_id, exchange, routing_key, headers, body, 'no queue is bound' FROM gone
"""
_UNPUBLISHED = (
    "SELECT message_id, shard, ordering_key, routing_key, body, attempts FROM chassis.outbox ORDER BY id"
)


async def test_parked_messages_are_seen_a_page_at_a_time_and_published_again(engine: AsyncEngine) -> None:
    app = app_on(engine)
    await Decider(SHOP, engine).handle([said(OpenBox(box_id=uuid4(), label="a"))])
    async with engine.begin() as connection:
        before = [tuple(row) for row in await connection.execute(text(_UNPUBLISHED))]
        await connection.execute(text(_PARK))

    async with calling(app, **AS_SOMEBODY) as desk:
        first = (await desk.get(PARKED, params={"limit": 1})).json()
        second = (await desk.get(PARKED, params={"limit": 1, "after": first["next"]})).json()
        seen = [*first["items"], *second["items"]]
        answers = [await desk.post(f"{PARKED}/{each['message_id']}/publish") for each in seen]
        again = await desk.post(f"{PARKED}/{seen[0]['message_id']}/publish")
        left = (await desk.get(PARKED)).json()

    assert [UUID(each["message_id"]) for each in seen] == [row[0] for row in before]
    assert {each["reason"] for each in seen} == {"no queue is bound"}
    assert second["next"] is None
    assert [answer.status_code for answer in answers] == [202, 202]
    assert (again.status_code, problem(again)["code"]) == (404, "parked_message_unknown")
    assert left == {"items": [], "next": None}
    async with engine.connect() as connection:
        assert [tuple(row) for row in await connection.execute(text(_UNPUBLISHED))] == before


@pytest.mark.parametrize(
    ("person", "status"), [({}, 401), (bearer("person-18", Role.PROCUREMENT_MANAGER), 403)]
)
async def test_only_an_administrator_publishes_again(
    engine: AsyncEngine, person: dict[str, str], status: int
) -> None:
    app = app_on(engine)

    async with calling(app, **person) as desk:
        answer = await desk.post(f"{PARKED}/{uuid4()}/publish")

    assert answer.status_code == status
