"""Readiness says what is wrong, believes only answers, and turns good again by itself."""

from collections.abc import AsyncIterator
from datetime import timedelta
from time import monotonic

import aio_pika
import httpx2
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from yarl import URL

from deploy.local.servers import Servers
from libs.chassis import health, metrics
from libs.chassis.health import Backlog, Check, Health
from libs.chassis.migrations import migrate
from tests.chassis.shop import SHOP
from tests.conftest import eventually, unique_name
from tests.fault_proxy import FaultProxy


@pytest_asyncio.fixture
async def wire(servers: Servers) -> AsyncIterator[FaultProxy]:
    """The wire to the broker."""
    broker = URL(servers.rabbitmq_url)
    async with FaultProxy(broker.host or "", broker.port or 5672).listening() as proxy:
        yield proxy


async def fine() -> str | None:
    return None


async def broken() -> str | None:
    return "the cable is out"


async def asked(path: str, **checks: Check) -> httpx2.Response:
    app = FastAPI()
    app.include_router(health.routes(Health(checks)))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://x") as client:
        return await client.get(path)


async def test_ready_when_nothing_is_wrong() -> None:
    response = await asked("/health/ready", database=fine)

    assert (response.status_code, response.json()) == (200, {"status": "ok", "checks": {"database": "ok"}})


async def test_not_ready_says_what_is_wrong() -> None:
    response = await asked("/health/ready", database=fine, broker=broken)

    assert (response.status_code, response.json()) == (
        503,
        {"status": "not ready", "checks": {"database": "ok", "broker": "the cable is out"}},
    )


async def test_alive_whatever_is_wrong() -> None:
    assert (await asked("/health/live", broker=broken)).status_code == 200


async def test_metrics_are_served() -> None:
    response = await asked("/metrics")

    assert "quartermaster_outbox_oldest_seconds" in response.text
    assert response.headers["content-type"].startswith("text/plain")


async def test_a_database_that_is_away_is_named_without_its_secrets() -> None:
    away = create_async_engine("postgresql+asyncpg://shop:hidden@127.0.0.1:1/shop")

    response = await asked("/health/ready", database=health.database_answers(away))

    assert response.json()["checks"] == {"database": "cannot be reached (ConnectionRefusedError)"}
    await away.dispose()


async def test_a_database_nobody_migrated_says_what_to_type(database_url: str) -> None:
    engine = create_async_engine(database_url.replace("postgresql:", "postgresql+asyncpg:"))
    check = health.schema_is_current(SHOP, engine)

    before = await check()
    await migrate(SHOP, database_url)

    assert before == "chassis: nothing, the code needs 0002; run python -m services.shop --role migrate"
    assert await check() is None
    await engine.dispose()


async def test_an_old_message_in_the_outbox_is_wrong(engine: AsyncEngine) -> None:
    check = health.outbox_is_young(engine, 60)
    assert await check() is None

    await an_outbox_row(engine, age=timedelta(seconds=90))

    assert await check() == "the oldest message has waited for 90 s, 60 s are allowed"


async def test_a_moved_clock_is_wrong(engine: AsyncEngine) -> None:
    check = health.clock_is_true(engine)
    assert await check() is None

    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO chassis.clock VALUES (interval '1 day')"))

    assert await check() == "chassis.clock moves the time by 1 day, 0:00:00"


async def test_the_backlog_is_measured(engine: AsyncEngine) -> None:
    await an_outbox_row(engine, age=timedelta(seconds=90))

    await Backlog(engine, waiting_alert_seconds=3600).measure()

    measured = metrics.REGISTRY.get_sample_value
    assert measured("quartermaster_outbox_rows") == 1
    assert 90 <= (measured("quartermaster_outbox_oldest_seconds") or 0) < 100
    assert measured("quartermaster_waiting_oldest_seconds") == 0


async def an_outbox_row(engine: AsyncEngine, age: timedelta) -> None:
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO chassis.outbox"
                " (shard, ordering_key, message_id, exchange, routing_key, headers, body, created_at)"
                " VALUES (0, gen_random_uuid(), gen_random_uuid(), 'shop.events', 'x', '{}', '',"
                " clock_timestamp() - CAST(:age AS interval))"
            ),
            {"age": age},
        )


async def test_a_frozen_broker_is_noticed_and_so_is_its_return(servers: Servers, wire: FaultProxy) -> None:
    url = URL(servers.rabbitmq_url).with_port(wire.port).with_host("127.0.0.1")
    connection = await aio_pika.connect_robust(url)
    queue = await (await connection.channel()).declare_queue(unique_name(), exclusive=True)
    check = health.broker_answers(lambda: connection, [queue.name])
    assert await asked_once(check) is None

    wire.freeze()
    frozen_at = monotonic()
    seen = await asked_once(check)
    noticed_after = monotonic() - frozen_at
    wire.resume()

    assert seen == "no answer within 2 s"
    assert noticed_after < 15
    await eventually(lambda: asked_once(check), lambda wrong: wrong is None)
    await connection.close()


async def test_a_broker_without_our_queue_has_not_been_set_up(servers: Servers) -> None:
    connection = await aio_pika.connect_robust(servers.rabbitmq_url)

    check = health.broker_answers(lambda: connection, ["shop.inbox"])

    assert await asked_once(check) == "there is no queue shop.inbox: the broker has not been set up"
    await connection.close()


async def test_no_connection_is_said_to_be_none() -> None:
    assert await asked_once(health.broker_answers(lambda: None, ["shop.inbox"])) == "not connected"


async def asked_once(check: Check) -> str | None:
    return (await Health({"it": check}).look())["it"]
