"""What one transaction does with its messages: each has an outcome of its own, and nothing happens twice."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.chassis.batch import Decider
from libs.chassis.ids import timed_id
from libs.chassis.inbox import Arrival
from libs.chassis.timers import fire_due
from tests.chassis.said import again, said
from tests.chassis.shop import SHOP, BreakIn, CloseBox, ItemsSent, OpenBox, PriceChanged, a_sweep


@pytest.fixture
def decider(engine: AsyncEngine) -> Decider:
    return Decider(SHOP, engine)


async def rows(engine: AsyncEngine, query: str) -> list[Any]:
    async with engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(text(query))]


async def move_clock(engine: AsyncEngine, interval: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("DELETE FROM chassis.clock"))
        await connection.execute(text(f"INSERT INTO chassis.clock VALUES (interval '{interval}')"))


async def facts(engine: AsyncEngine) -> list[tuple[str, str | None]]:
    return [
        (key, headers.get("ce-sequence"))
        for key, headers in await rows(engine, "SELECT routing_key, headers FROM chassis.outbox ORDER BY id")
    ]


def opening(box: UUID, label: str = "a", **more: Any) -> OpenBox:
    return OpenBox(box_id=box, label=label, **more)


async def verdicts(decider: Decider, *arrivals: Arrival) -> list[str]:
    return [outcome.verdict for outcome in await decider.handle(arrivals)]


async def test_a_later_message_of_a_batch_sees_what_an_earlier_one_saved(
    engine: AsyncEngine, decider: Decider
) -> None:
    box = uuid4()

    ended = await verdicts(
        decider,
        said(opening(box)),
        said(ItemsSent(box_id=box, count=3)),
        said(ItemsSent(box_id=box, count=4)),
        said(CloseBox(box_id=box)),
    )

    assert ended == ["accepted", "done", "done", "accepted"]
    assert await rows(engine, "SELECT count, status, version FROM boxes") == [(7, "closed", 4)]
    assert await rows(engine, "SELECT line, count, notes FROM entries ORDER BY line") == [
        (0, 3, ["counted", "mouse"]),
        (3, 4, ["counted", "mouse"]),
    ]
    assert await rows(engine, "SELECT item, count FROM totals") == [("mouse", 7)]


async def test_a_total_shrinks_in_a_batch_of_its_own_but_never_below_nothing(
    engine: AsyncEngine, decider: Decider
) -> None:
    box = uuid4()
    await decider.handle([said(opening(box)), said(ItemsSent(box_id=box, count=7))])

    ended = await verdicts(
        decider, said(ItemsSent(box_id=box, count=-3)), said(ItemsSent(box_id=box, count=2, item="pad"))
    )
    too_much = await verdicts(decider, said(ItemsSent(box_id=box, count=-5)))

    assert ended == ["done", "done"]
    assert too_much == ["dead"]
    assert await rows(engine, "SELECT item, count, version FROM totals ORDER BY item") == [
        ("mouse", 4, 2),
        ("pad", 2, 1),
    ]


async def test_every_fact_takes_its_own_next_sequence(engine: AsyncEngine, decider: Decider) -> None:
    box = uuid4()

    await decider.handle([said(opening(box)), said(ItemsSent(box_id=box, count=1))])
    await decider.handle([said(CloseBox(box_id=box))])

    assert await facts(engine) == [
        ("shop.box_opened.v1", "1"),
        ("erp.token", None),
        ("shop.box_counted.v1", "2"),
        ("shop.box_counted.v1", "3"),
        ("erp.token", None),
    ]


async def test_a_repeated_command_is_answered_with_the_original_answer(
    engine: AsyncEngine, decider: Decider
) -> None:
    command = said(opening(uuid4()))

    (first,) = await decider.handle([command])
    second, third = await decider.handle([again(command), again(command)])

    assert first.verdict == "accepted"
    assert first.answer
    assert second.answer == third.answer == {**first.answer, "outcome": "duplicate", "original": "accepted"}
    assert len(await rows(engine, "SELECT 1 FROM boxes")) == 1


async def test_the_same_message_twice_in_one_batch_counts_once(engine: AsyncEngine, decider: Decider) -> None:
    box = uuid4()
    fact = said(ItemsSent(box_id=box, count=5))

    assert await verdicts(decider, said(opening(box)), fact, again(fact)) == ["accepted", "done", "duplicate"]
    assert await verdicts(decider, again(fact)) == ["duplicate"]
    assert await rows(engine, "SELECT count FROM boxes") == [(5,)]


async def test_a_rejection_stays_a_rejection_when_it_is_repeated(
    engine: AsyncEngine, decider: Decider
) -> None:
    box, other = uuid4(), uuid4()
    refused = said(opening(other, "taken"))

    await decider.handle([said(opening(box, "taken"))])
    (first,) = await decider.handle([refused])
    await decider.handle([said(CloseBox(box_id=box))])
    (second,) = await decider.handle([again(refused)])

    assert (first.verdict, (first.answer or {})["code"]) == ("rejected", "serial_taken")
    assert second.answer == {**(first.answer or {}), "outcome": "duplicate", "original": "rejected"}


async def test_the_same_id_with_other_content_is_rejected(engine: AsyncEngine, decider: Decider) -> None:
    await decider.handle([said(opening(uuid4(), "a"), id="one")])

    (reused,) = await decider.handle([said(opening(uuid4(), "b"), id="one")])

    assert (reused.verdict, (reused.answer or {})["code"]) == ("rejected", "message_id_reused")
    assert len(await rows(engine, "SELECT 1 FROM boxes")) == 1


async def test_a_fact_with_a_used_id_and_other_content_becomes_a_dead_letter(
    engine: AsyncEngine, decider: Decider
) -> None:
    box = uuid4()
    fact = said(ItemsSent(box_id=box, count=1))
    forged = said(ItemsSent(box_id=box, count=100), id=fact.envelope.said_id)

    assert await verdicts(decider, said(opening(box)), fact, forged) == ["accepted", "done", "dead"]
    assert await rows(engine, "SELECT count FROM boxes") == [(1,)]
    assert await rows(engine, "SELECT reason FROM chassis.dead_letters") == [("message_id_reused",)]


async def test_a_natural_key_makes_a_command_under_a_new_id_a_duplicate(decider: Decider) -> None:
    box = uuid4()

    assert await verdicts(decider, said(opening(box)), said(opening(box))) == ["accepted", "duplicate"]


@pytest.mark.parametrize(
    "how", ["bug", "undeclared", "stateless fact", "bad data", "below zero", "too large"]
)
async def test_a_bug_costs_only_its_own_message(engine: AsyncEngine, decider: Decider, how: str) -> None:
    boxes = [uuid4() for _ in range(6)]
    batch = [said(opening(box, str(number))) for number, box in enumerate(boxes)]
    batch.insert(3, said(BreakIn(box_id=boxes[0] if how == "too large" else uuid4(), how=how)))

    ended = await verdicts(decider, *batch)

    assert ended == ["accepted"] * 3 + ["dead"] + ["accepted"] * 3
    assert len(await rows(engine, "SELECT 1 FROM boxes")) == 6
    assert await rows(engine, "SELECT DISTINCT label = 'changed' FROM boxes") == [(False,)]
    assert await rows(engine, "SELECT status, deaths FROM chassis.dead_letters") == [("open", 1)]


async def test_a_constraint_named_like_an_error_code_is_that_rejection(
    engine: AsyncEngine, decider: Decider
) -> None:
    ended = await decider.handle(
        [
            said(opening(uuid4(), "a", serial="S1")),
            said(opening(uuid4(), "b", serial="S1")),
            said(opening(uuid4(), "c")),
        ]
    )

    assert [outcome.verdict for outcome in ended] == ["accepted", "rejected", "accepted"]
    assert (ended[1].answer or {})["code"] == "serial_taken"


async def test_an_older_state_is_skipped_and_an_older_increment_is_not(
    engine: AsyncEngine, decider: Decider
) -> None:
    price, box = uuid4(), uuid4()

    ended = await verdicts(
        decider,
        said(opening(box)),
        said(PriceChanged(price_id=price, cents=20), sequence=2),
        said(PriceChanged(price_id=price, cents=10), sequence=1),
        said(ItemsSent(box_id=box, count=1), sequence=9),
        said(ItemsSent(box_id=box, count=1), sequence=3),
    )

    assert ended == ["accepted", "done", "skipped", "done", "done"]
    assert await rows(engine, "SELECT cents, sequence FROM prices") == [(20, 2)]
    assert await rows(engine, "SELECT count FROM boxes") == [(2,)]


async def test_a_fact_that_comes_early_waits_for_its_record(engine: AsyncEngine, decider: Decider) -> None:
    box, sweep = uuid4(), a_sweep(engine, decider)
    early = said(ItemsSent(box_id=box, count=2))

    assert await verdicts(decider, early) == ["waiting"]
    assert await sweep.step() is False
    assert await verdicts(decider, again(early)) == ["duplicate"]
    await decider.handle([said(opening(box))])
    assert await sweep.step() is True

    assert await rows(engine, "SELECT count FROM boxes") == [(2,)]
    assert await rows(engine, "SELECT 1 FROM chassis.waiting") == []
    assert await verdicts(decider, again(early)) == ["duplicate"]


async def test_a_command_that_waited_in_vain_is_rejected(engine: AsyncEngine, decider: Decider) -> None:
    sweep, command = a_sweep(engine), said(CloseBox(box_id=uuid4()))

    assert await verdicts(decider, command) == ["waiting"]
    await move_clock(engine, "11 minutes")
    assert await sweep.step() is True
    (repeated,) = await decider.handle([again(command)])

    assert (repeated.answer or {})["code"] == "order_unknown"
    assert await facts(engine) == [("erp.token", None), ("erp.token", None)]


async def test_a_name_leads_to_its_record_even_when_both_are_new(decider: Decider) -> None:
    ended = await verdicts(
        decider,
        said(opening(uuid4(), "parcel")),
        said(CloseBox(label="parcel")),
        said(CloseBox(label="other")),
    )

    assert ended == ["accepted", "accepted", "waiting"]


async def test_two_workers_sweeping_at_once_decide_a_message_once(
    engine: AsyncEngine, decider: Decider
) -> None:
    box = uuid4()
    await decider.handle([said(ItemsSent(box_id=box, count=1)) for _ in range(20)])
    await decider.handle([said(opening(box))])

    await asyncio.gather(*(a_sweep(engine).step() for _ in range(4)))
    while await a_sweep(engine).step():
        pass

    assert await rows(engine, "SELECT count FROM boxes") == [(20,)]


async def test_busy_records_are_left_to_the_next_batch_and_waited_for_at_last(
    engine: AsyncEngine, decider: Decider
) -> None:
    busy, free = uuid4(), uuid4()
    await decider.handle([said(opening(busy, "a")), said(opening(free, "b"))])
    mine, theirs = said(ItemsSent(box_id=free, count=1)), said(ItemsSent(box_id=busy, count=1))

    async with engine.connect() as other:
        await other.execute(text("SELECT 1 FROM boxes WHERE id = :id FOR UPDATE"), {"id": busy})
        assert await verdicts(decider, theirs, mine) == ["busy", "done"]
        theirs.tries = 2
        patient = asyncio.create_task(decider.handle([theirs]))
        done, _ = await asyncio.wait({patient}, timeout=0.2)
        assert not done
    (outcome,) = await patient

    assert outcome.verdict == "done"
    assert await rows(engine, "SELECT count FROM boxes") == [(1,), (1,)]


async def test_many_workers_on_few_records_lose_nothing(engine: AsyncEngine, decider: Decider) -> None:
    boxes = [uuid4() for _ in range(4)]
    await decider.handle([said(opening(box, str(number))) for number, box in enumerate(boxes)])

    async def work(worker: int) -> None:
        ours = Decider(SHOP, engine)
        pending = [said(ItemsSent(box_id=boxes[(worker + n) % 4], count=1)) for n in range(40)]
        while pending:
            ended = await ours.handle(pending[:10])
            left = [
                one for one, outcome in zip(pending[:10], ended, strict=True) if outcome.verdict == "busy"
            ]
            for one in left:
                one.tries += 1
            pending = left + pending[10:]

    await asyncio.gather(*(work(worker) for worker in range(4)))

    assert await rows(engine, "SELECT sum(count)::int FROM boxes") == [(160,)]
    assert await rows(engine, "SELECT count FROM totals") == [(160,)]


async def test_two_workers_creating_the_same_record_create_it_once(engine: AsyncEngine) -> None:
    box = uuid4()

    async def work() -> str:
        command = said(opening(box))
        while True:
            (outcome,) = await Decider(SHOP, engine).handle([command])
            if outcome.verdict != "busy":
                return outcome.verdict
            command.tries += 1

    ended = await asyncio.gather(*(work() for _ in range(8)))

    assert sorted(ended) == ["accepted"] + ["duplicate"] * 7
    assert await rows(engine, "SELECT 1 FROM chassis.dead_letters") == []


async def test_a_timer_fires_once_and_not_when_cancelled(engine: AsyncEngine, decider: Decider) -> None:
    kept, closed = uuid4(), uuid4()
    await decider.handle(
        [said(opening(kept, "a")), said(opening(closed, "b")), said(CloseBox(box_id=closed))]
    )

    assert await fire_due(engine, "shop") == 0
    await move_clock(engine, "400 days")
    assert await fire_due(engine, "shop") == 1
    assert await fire_due(engine, "shop") == 0

    assert ("shop.box_forgotten.v1", None) in await facts(engine)


@pytest.mark.parametrize(("days", "reason"), [(-31, "too_old"), (3, "from_the_future")])
async def test_a_message_of_ours_from_another_time_becomes_a_dead_letter(
    engine: AsyncEngine, decider: Decider, days: int, reason: str
) -> None:
    box, when = uuid4(), datetime.now(UTC) + timedelta(days=days)
    strayed = said(ItemsSent(box_id=box, count=1), id=timed_id(when, box))

    ended = await verdicts(decider, said(opening(box)), strayed)

    assert ended == ["accepted", "dead"]
    assert await verdicts(decider, again(strayed)) == ["duplicate"]
    assert await rows(engine, "SELECT reason FROM chassis.dead_letters") == [(reason,)]


async def test_an_answer_says_which_record_it_is_about(decider: Decider) -> None:
    box = uuid4()

    _, closed, refused = await decider.handle(
        [said(opening(box)), said(CloseBox(box_id=box)), said(CloseBox(box_id=box))]
    )

    assert [(ended.answer or {})["about"] for ended in (closed, refused)] == [box, box]
