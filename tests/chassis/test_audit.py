"""What persons and other systems do leaves one row each, however it ends, which nobody changes and some may see."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.chassis.batch import Decider
from libs.contracts.permissions import Role
from tests.chassis.said import again, said
from tests.chassis.shop import SHOP, BreakIn, CloseBox, ItemsSent, OpenBox
from tests.chassis.shop_api import AS_SOMEBODY, a_box, app_on, calling, problem
from tests.chassis.test_consumer import all_of
from tests.tokens import bearer

AUDIT = "/api/v1/audit"
ROWS = "SELECT actor, type, outcome, code, origin FROM chassis.audit ORDER BY id"


@pytest_asyncio.fixture
async def desk(engine: AsyncEngine) -> AsyncIterator[httpx2.AsyncClient]:
    """The shop, as an administrator uses it."""
    async with calling(app_on(engine), **AS_SOMEBODY) as client:
        yield client


async def pages(desk: httpx2.AsyncClient, **wanted: Any) -> list[list[dict[str, Any]]]:
    """The whole list, page by page."""
    found: list[list[dict[str, Any]]] = []
    after: dict[str, str] = {}
    while True:
        page = (await desk.get(AUDIT, params={"limit": 3, **wanted, **after})).json()
        found.append(page["items"])
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


async def listed(desk: httpx2.AsyncClient, **wanted: Any) -> list[dict[str, Any]]:
    return [item for page in await pages(desk, **wanted) for item in page]


def opening(label: str = "A") -> OpenBox:
    return OpenBox(box_id=uuid4(), label=label)


async def test_a_batch_leaves_a_row_for_each_command_of_a_stranger_and_none_for_ours(
    engine: AsyncEngine,
) -> None:
    decider, box = Decider(SHOP, engine), uuid4()
    first = said(OpenBox(box_id=box, label="A"))

    await decider.handle(
        [
            first,
            said(opening("A")),
            again(first),
            said(ItemsSent(box_id=box, count=1)),
            said(opening("B"), by="depot"),
            said(BreakIn(box_id=uuid4(), how="bug")),
            said(opening("C"), roles=[Role.REQUESTER]),
            said(CloseBox(box_id=uuid4())),
        ]
    )

    opened = "shop.open_box.v1"
    assert await all_of(engine, ROWS) == [
        ("erp", opened, "accepted", None, "queue erp"),
        ("erp", opened, "rejected", "serial_taken", "queue erp"),
        ("erp", opened, "duplicate", None, "queue erp"),
        ("erp", "shop.break_in.v1", "dead", "bug", "queue erp"),
        ("erp", opened, "rejected", "not_entitled", "queue erp"),
    ]


async def test_over_http_every_command_and_every_refusal_is_there(
    desk: httpx2.AsyncClient, engine: AsyncEngine
) -> None:
    box = a_box()
    opened = await desk.post("/api/v1/boxes", json=box)
    closed = await desk.post(f"/api/v1/boxes/{box['box_id']}/close")
    await desk.post(f"/api/v1/boxes/{box['box_id']}/close")
    await desk.post("/api/v1/boxes", json={})
    await desk.post("/api/v1/boxes", json=a_box("B"), headers=bearer("person-18", Role.REQUESTER))
    await desk.get("/api/v1/dead-letters", headers=bearer("person-18", Role.REQUESTER))

    seen = await listed(desk)

    assert [(each["actor"], each["type"], each["outcome"], each["code"]) for each in reversed(seen)] == [
        ("person-17", "shop.open_box.v1", "accepted", None),
        ("person-17", "shop.close_box.v1", "accepted", None),
        ("person-17", "shop.close_box.v1", "rejected", "order_cancelled"),
        ("person-18", "POST /boxes", "rejected", "not_entitled"),
        ("person-18", "GET /dead-letters", "rejected", "not_entitled"),
    ]
    first, second = seen[-1], seen[-2]
    assert first["message_id"] == opened.headers["quartermaster-message-id"]
    assert second["correlation_id"] == closed.headers["quartermaster-correlation-id"]
    assert second["about"] == box["box_id"]
    assert {each["origin"] for each in seen} == {"http 127.0.0.1"}
    assert first["action"] == "purchasing.manage_orders"


async def test_what_is_done_to_dead_letters_is_there(desk: httpx2.AsyncClient, engine: AsyncEngine) -> None:
    await Decider(SHOP, engine).handle([said(BreakIn(box_id=uuid4(), how="bug")) for _ in range(2)])
    letters = [each["dead_letter_id"] for each in (await desk.get("/api/v1/dead-letters")).json()["items"]]

    await desk.post(f"/api/v1/dead-letters/{letters[0]}/replay")
    await desk.post(f"/api/v1/dead-letters/{letters[1]}/discard")
    await desk.post(f"/api/v1/dead-letters/{letters[1]}/discard")

    seen = await listed(desk, actor="person-17")
    assert [(each["type"], each["about"]) for each in seen] == [
        ("discard_dead_letter", letters[1]),
        ("replay_dead_letter", letters[0]),
    ]


async def test_a_transaction_that_fails_leaves_no_row(engine: AsyncEngine) -> None:
    decider = Decider(SHOP, engine)

    await decider.handle([said(opening("A")), said(BreakIn(box_id=uuid4(), how="bad data"))])

    assert [row[2] for row in await all_of(engine, ROWS)] == ["accepted", "dead"]


@pytest.mark.parametrize(
    "change",
    ["UPDATE chassis.audit SET actor = 'nobody'", "DELETE FROM chassis.audit", "TRUNCATE chassis.audit"],
)
async def test_nobody_changes_what_was_written(engine: AsyncEngine, change: str) -> None:
    await Decider(SHOP, engine).handle([said(opening())])

    async with engine.begin() as connection:
        with pytest.raises(DBAPIError, match="append-only"):
            await connection.execute(text(change))

    assert len(await all_of(engine, ROWS)) == 1


async def test_the_latest_come_first_and_a_page_at_a_time(
    desk: httpx2.AsyncClient, engine: AsyncEngine
) -> None:
    decider = Decider(SHOP, engine)
    await decider.handle([said(opening(label)) for label in "ABCDE"])
    await decider.handle([said(opening(label)) for label in "ABCDEFG"])
    order = [row[0] for row in await all_of(engine, "SELECT message_id FROM chassis.audit ORDER BY id DESC")]

    found = await pages(desk)

    assert [item["message_id"] for page in found for item in page] == order
    assert [len(page) for page in found] == [3, 3, 3, 3]
    assert len(await listed(desk, outcome="rejected")) == 5
    assert len(await listed(desk, outcome="accepted", actor="erp", action="purchasing.manage_orders")) == 7
    assert await listed(desk, actor="person-17") == []
    assert await listed(desk, action="requests.submit") == []


async def test_a_time_has_a_first_and_a_last_row(desk: httpx2.AsyncClient, engine: AsyncEngine) -> None:
    decider = Decider(SHOP, engine)
    for label in "ABC":
        await decider.handle([said(opening(label))])
    newest, middle, oldest = await listed(desk)

    since = await listed(desk, since=middle["at"])
    until = await listed(desk, until=middle["at"])
    later = datetime.fromisoformat(newest["at"]) + timedelta(seconds=1)

    assert (since, until) == ([newest, middle], [oldest])
    assert await listed(desk, since=later.isoformat()) == []


@pytest.mark.parametrize(
    "after", ["x", "_", "2026-01-01_1", "2026-01-01T00:00:00Z_x", "9999_99999999999999999999"]
)
async def test_a_page_after_nothing_that_was_shown_is_refused(desk: httpx2.AsyncClient, after: str) -> None:
    answer = await desk.get(AUDIT, params={"after": after})

    assert (answer.status_code, problem(answer)["field"]) == (422, "after")


@pytest.mark.parametrize(
    "wanted",
    [
        "",
        "WHERE actor = 'person-7'",
        "WHERE action = 'requests.submit'",
        "WHERE about = '00000000-0000-0000-0000-000000000007'",
        "WHERE outcome = 'rejected' AND outcome <> 'accepted'",
        "WHERE outcome = 'accepted' AND (at, id) < (now(), 5000)",
    ],
)
async def test_every_list_is_read_from_an_index(engine: AsyncEngine, wanted: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO chassis.audit (at, actor, action, type, about, outcome, origin)"
                " SELECT now() - n * interval '1 second', 'person-' || n % 20, 'requests.submit', 'x',"
                " ('00000000-0000-0000-0000-' || lpad((n % 20)::text, 12, '0'))::uuid,"
                " CASE WHEN n % 100 = 0 THEN 'rejected' ELSE 'accepted' END, 'queue erp'"
                " FROM generate_series(1, 20000) AS n"
            )
        )
    async with engine.connect() as connection:
        await (await connection.execution_options(isolation_level="AUTOCOMMIT")).execute(
            text("ANALYZE chassis.audit")
        )
        question = f"SELECT * FROM chassis.audit {wanted} ORDER BY at DESC, id DESC LIMIT 101"
        plan = [row[0] for row in await connection.execute(text(f"EXPLAIN {question}"))]

    assert any("Index Scan" in line for line in plan), plan
    assert not any("Seq Scan" in line or "Sort" in line for line in plan), plan
