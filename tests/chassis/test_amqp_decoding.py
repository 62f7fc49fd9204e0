"""What the broker lets through can be read, and costs the connection nothing."""

import struct
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiormq
import pytest
from aio_pika import DeliveryMode
from aiormq import spec
from pamqp import decode
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from yarl import URL

from libs.chassis.amqp_decoding import read_strangers_messages
from tests.chassis.running import as_user, started, urls
from tests.chassis.shop import OpenBox
from tests.chassis.wires import Saying, say, saying
from tests.conftest import eventually

NANOSECONDS = 1_795_000_000_000_000_000


class Broken(str):
    """Text that is not UTF-8 on the wire."""

    def encode(self, *_: Any, **__: Any) -> bytes:
        return b"\xff" + str(self)[1:].encode()


class InNanoseconds(datetime):
    """An instant in a unit that AMQP does not know."""

    def timestamp(self) -> float:
        return NANOSECONDS


def test_the_library_is_the_one_whose_inside_is_known() -> None:
    # Look at what pamqp.decode makes of broken text, late instants and deep tables before you change this.
    assert version("pamqp") == "4.0.1"


def test_what_a_stranger_may_send_can_be_read() -> None:
    read_strangers_messages()
    late = b"T" + struct.pack(">Q", NANOSECONDS)
    inner = b"\x02\xffb" + late
    table = b"\x01a" + b"F" + struct.pack(">I", len(inner)) + inner + b"\x02\xffc" + late + b"\x01dt\x01"
    deep = b""
    for _ in range(5000):
        deep = b"A" + struct.pack(">I", len(deep)) + deep
    deep = struct.pack(">I", len(deep) + 2) + b"\x01a" + deep

    assert decode.by_type(b"\x02\xffa!", "shortstr") == (3, "\ufffda")
    assert decode.by_type(late[1:], "timestamp") == (8, None)
    assert decode.by_type(struct.pack(">Q", 0), "timestamp") == (8, datetime(1970, 1, 1, tzinfo=UTC))
    assert decode.by_type(struct.pack(">I", len(table)) + table + b"!", "table") == (
        len(table) + 4,
        {"a": {"\ufffdb": None}, "\ufffdc": None, "d": True},
    )
    assert decode.by_type(deep, "table") == (len(deep), {})
    assert DeliveryMode(7) is DeliveryMode.NOT_PERSISTENT


async def send(vhost: URL, saying: Saying, **otherwise: Any) -> None:
    """Publish past the checks of the library."""
    said: dict[str, Any] = {
        "content_type": "application/json",
        "delivery_mode": 2,
        "headers": saying.headers,
        "message_id": saying.id,
        "user_id": saying.by,
    }
    async with await aiormq.connect(as_user(vhost, saying.by)) as connection:
        channel = await connection.channel()
        await channel.basic_publish(
            saying.body,
            exchange=saying.exchange,
            routing_key=saying.key,
            properties=spec.Basic.Properties(**said | otherwise),
        )


@pytest.mark.parametrize(
    ("poison", "reason"),
    [
        ({"timestamp": InNanoseconds(2026, 3, 1, tzinfo=UTC)}, None),
        ({"message_id": Broken("?id")}, None),
        ({"correlation_id": Broken("?id")}, "malformed"),
        ({"message_type": Broken("?type")}, "malformed"),
        ({"headers": {Broken("?name"): "value"}}, "malformed"),
        ({"headers": {"late": InNanoseconds(2026, 3, 1, tzinfo=UTC)}}, "malformed"),
    ],
)
async def test_a_message_the_library_cannot_read_harms_no_other(
    migrated: AsyncEngine,
    database_url: str,
    vhost: URL,
    tmp_path: Path,
    poison: dict[str, Any],
    reason: str | None,
) -> None:
    async def settled() -> tuple[list[str], list[str]]:
        async with migrated.connect() as connection:
            labels = await connection.execute(text("SELECT label FROM boxes ORDER BY label"))
            reasons = await connection.execute(text("SELECT reason FROM chassis.dead_letters"))
            return list(labels.scalars()), list(reasons.scalars())

    async with started(tmp_path, urls(database_url, vhost)) as shop:
        await shop.until_ready()

        poisoned = saying("scanner", "shop.commands", OpenBox(box_id=uuid4(), label="poisoned"))
        await send(vhost, poisoned, **poison)
        await say(vhost, [saying("scanner", "shop.commands", OpenBox(box_id=uuid4(), label="good"))])

        expected = (["good"], [reason]) if reason else (["good", "poisoned"], [])
        assert await eventually(settled, lambda seen: seen == expected) == expected
        assert await shop.ready() == (200, dict.fromkeys((await shop.ready())[1], "ok"))
        assert await shop.stopped() == 0
