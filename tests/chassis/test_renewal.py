"""A service whose database is new asks for its copies, once; one that has handled anything does not."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.chassis.renewal import ask_if_new
from libs.contracts.receiving import RenewCopies
from tests.chassis.declared import RECEIVING
from tests.chassis.test_housekeeping import INSERT, ONE_TODAY, do

RENEWING = replace(RECEIVING, renews=RenewCopies)


async def said(engine: AsyncEngine) -> list[tuple[object, ...]]:
    query = "SELECT exchange, routing_key, headers ->> 'ce-source', convert_from(body, 'UTF8') FROM chassis.outbox"
    return await do(engine, query)


async def test_a_service_with_a_new_database_tells_itself_to_ask_for_copies(migrated: AsyncEngine) -> None:
    assert await ask_if_new(RENEWING, migrated)

    ((exchange, key, _, body),) = await said(migrated)
    assert (exchange, key, json.loads(str(body))) == ("receiving.inbox", RenewCopies.type, {})


@pytest.mark.parametrize("table", ["inbox", "stranger_inbox"])
async def test_a_service_that_has_handled_anything_does_not(migrated: AsyncEngine, table: str) -> None:
    await do(migrated, f"{INSERT} {ONE_TODAY}".replace("chassis.inbox", f"chassis.{table}"))

    assert not await ask_if_new(RENEWING, migrated)

    assert await said(migrated) == []


async def test_a_service_without_copies_has_nothing_to_ask_for(migrated: AsyncEngine) -> None:
    assert not await ask_if_new(RECEIVING, migrated)

    async with migrated.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM chassis.outbox"))).scalar_one() == 0
