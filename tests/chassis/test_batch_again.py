"""What only shows when others hold a record, when much time has passed, or when an id is used again."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.chassis.batch import Decider
from libs.chassis.dead_letters import NotReplayed, replay
from libs.chassis.decision import Cause, Decision, Handler, Key, Keys, Records, Rejection
from libs.chassis.envelope import Undecodable
from libs.chassis.ids import time_in, timed_id
from libs.chassis.outage import Stuck
from libs.chassis.waiting import KINDS
from libs.contracts.message import Command
from libs.contracts.permissions import Action
from tests.chassis.said import said
from tests.chassis.shop import SHOP, BoxCounted, ItemsSent, Price, PriceChanged, a_sweep
from tests.chassis.test_batch import move_clock, opening, rows, verdicts


class Quote(Command):
    """Only for this test: reads a price that others change."""

    type: ClassVar[str] = "shop.quote.v1"
    action: ClassVar[Action | None] = Action.MANAGE_ORDERS
    price_id: UUID


def price_of(command: Quote) -> Keys:
    return (Key(Price, command.price_id, may_be_new=True),)


def quote(command: Quote, held: Records, _: Cause) -> Decision:
    price = held.find(Price, command.price_id)
    if price is None:
        raise Rejection("sku_unknown", field="price_id", message="There is no such price.")
    return Decision(answer={"cents": price.cents})


QUOTING = replace(
    SHOP, queues={"inbox": (*SHOP.queues["inbox"], Handler(on=Quote, reads=price_of, decide=quote))}
)


@pytest.fixture
def decider(engine: AsyncEngine) -> Decider:
    return Decider(SHOP, engine)


async def only_letter(engine: AsyncEngine) -> UUID:
    ((letter,),) = await rows(engine, "SELECT id FROM chassis.dead_letters")
    assert isinstance(letter, UUID)
    return letter


async def test_what_one_message_reads_is_there_although_another_could_not_lock_it(
    engine: AsyncEngine,
) -> None:
    quoting, price = Decider(QUOTING, engine), uuid4()
    await quoting.handle([said(PriceChanged(price_id=price, cents=1), sequence=1)])

    async with engine.begin() as elsewhere:
        await elsewhere.execute(text("SELECT 1 FROM prices FOR NO KEY UPDATE"))
        ended = await verdicts(
            quoting, said(PriceChanged(price_id=price, cents=2), sequence=2), said(Quote(price_id=price))
        )

    assert ended == ["busy", "accepted"]


async def test_what_follows_from_a_message_that_waited_for_weeks_is_said_under_ids_of_today(
    engine: AsyncEngine, decider: Decider
) -> None:
    box = uuid4()
    await decider.handle([said(ItemsSent(box_id=box, count=1))])
    await move_clock(engine, "40 days")
    async with engine.begin() as connection:
        await connection.execute(text("SELECT chassis.make_partitions()"))

    await decider.handle([said(opening(box))])
    await a_sweep(engine).step()

    ((counted, now),) = await rows(
        engine,
        f"SELECT message_id, chassis.app_now() FROM chassis.outbox WHERE routing_key = '{BoxCounted.type}'",
    )
    assert (now - time_in(counted)).days == 0


async def test_a_fact_under_a_used_id_takes_effect_once_somebody_replays_it(
    engine: AsyncEngine, decider: Decider
) -> None:
    box, id = uuid4(), timed_id(datetime.now(UTC), uuid4())
    await decider.handle([said(opening(box)), said(ItemsSent(box_id=box, count=1), id=id)])
    assert await verdicts(decider, said(ItemsSent(box_id=box, count=2), id=id)) == ["dead"]

    async with engine.begin() as connection:
        assert await replay(connection, await only_letter(engine), actor="person-17")
    await a_sweep(engine).step()

    assert await rows(engine, "SELECT count FROM boxes") == [(3,)]
    assert await rows(engine, "SELECT 1 FROM chassis.outbox GROUP BY message_id HAVING count(*) > 1") == []


async def test_two_contents_under_one_id_get_two_answers(engine: AsyncEngine, decider: Decider) -> None:
    ended = await verdicts(
        decider, said(opening(uuid4(), "a"), id="one"), said(opening(uuid4(), "b"), id="one")
    )

    answers = await rows(
        engine, "SELECT DISTINCT message_id FROM chassis.outbox WHERE exchange = 'shop.replies'"
    )
    assert ended == ["accepted", "rejected"]
    assert len(answers) == 2


async def test_what_was_refused_at_the_door_is_not_let_in_by_a_replay(
    engine: AsyncEngine, decider: Decider
) -> None:
    forged = said(opening(uuid4()), by="depot")
    forged.fault = Undecodable("not_entitled", "depot may not say this")
    assert await verdicts(decider, forged) == ["dead"]

    async with engine.connect() as connection:
        with pytest.raises(NotReplayed, match="not_entitled"):
            await replay(connection, await only_letter(engine), actor="person-17")

    assert await rows(engine, "SELECT status FROM chassis.dead_letters") == [("open",)]


async def test_a_verdict_that_cannot_be_kept_is_no_outage(engine: AsyncEngine, decider: Decider) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("ALTER TABLE chassis.inbox RENAME TO mislaid"))

    with pytest.raises(Stuck, match="inbox"):
        await decider.handle([said(PriceChanged(price_id=uuid4(), cents=1), sequence=1)])


async def test_which_kinds_are_waited_for_is_known_without_reading_all_that_waits(
    engine: AsyncEngine,
) -> None:
    waiting = (
        "INSERT INTO chassis.waiting SELECT gen_random_uuid(), 'boxes', gen_random_uuid(), NULL, now(), 'inbox',"
        " '{}', '' FROM generate_series(1, 20000)"
    )
    async with engine.begin() as connection:
        await connection.execute(text(waiting))
        await connection.execute(text("ANALYZE chassis.waiting"))

    plan = "\n".join(row[0] for row in await rows(engine, f"EXPLAIN {KINDS}"))

    assert "Seq Scan" not in plan, plan
    assert await rows(engine, str(KINDS)) == [("boxes",)]
