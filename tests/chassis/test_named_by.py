"""A record may name the ones that must be held with it; whom it names is only sure once it is locked itself."""

import asyncio
from dataclasses import replace
from typing import ClassVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.chassis.batch import Decider
from libs.chassis.decision import Cause, Decision, Early, Handler, Key, Keys, NamedBy, Records, Via
from libs.contracts.message import Command
from libs.contracts.permissions import Action
from tests.chassis.said import said
from tests.chassis.shop import SHOP, Box, Entry, Label, label_id
from tests.chassis.test_batch import opening, rows, verdicts


class PutLabel(Command):
    """Only for these tests: put the label on another box. Each box counts whether the label is on it."""

    type: ClassVar[str] = "shop.put_label.v1"
    action: ClassVar[Action | None] = Action.MANAGE_ORDERS
    box_id: UUID


def box_of(label: Label) -> list[UUID]:
    return [label.box_id]


def label_and_boxes(command: PutLabel) -> Keys:
    return (
        Key(Box, command.box_id),
        NamedBy(Box, by=Label, id=label_id("0"), ids=box_of),
        Key(Label, label_id("0")),
    )


def put_label(command: PutLabel, held: Records, _: Cause) -> Decision:
    label = held[Label, label_id("0")]
    if label.box_id == command.box_id:
        return Decision()
    old, new = held[Box, label.box_id], held[Box, command.box_id]
    return Decision(
        save=[
            replace(old, count=old.count - 1),
            replace(new, count=new.count + 1),
            replace(label, box_id=new.id),
        ]
    )


class CountFound(Command):
    """Only for these tests: count the box that a label leads to, by way of itself."""

    type: ClassVar[str] = "shop.count_found.v1"
    action: ClassVar[Action | None] = Action.MANAGE_ORDERS
    label: str


def box_on_the_way(command: CountFound) -> Keys:
    way = Via(Box, Via(Label, label_id(command.label), "box_id"), "id")
    return (Key(Box, way), NamedBy(Entry, by=Box, id=way, ids=lambda _: []))


def count_found(_: CountFound, held: Records, __: Cause) -> Decision:
    (box,) = held.all(Box)
    return Decision(save=[replace(box, count=box.count + 1)])


class CopyCount(Command):
    """Only for these tests: make a box count as much as the one that the label is on, which is only looked at."""

    type: ClassVar[str] = "shop.copy_count.v1"
    action: ClassVar[Action | None] = Action.MANAGE_ORDERS
    box_id: UUID


def box_itself(command: CopyCount) -> Keys:
    return (Key(Box, command.box_id),)


def labelled_box(_: CopyCount) -> Keys:
    return (Key(Label, label_id("0")), NamedBy(Box, by=Label, id=label_id("0"), ids=box_of))


def copy_count(command: CopyCount, held: Records, _: Cause) -> Decision:
    seen = held[Box, held[Label, label_id("0")].box_id]
    return Decision(save=[replace(held[Box, command.box_id], count=seen.count)])


LABELLING = replace(
    SHOP,
    queues={
        "inbox": (
            *SHOP.queues["inbox"],
            Handler(on=PutLabel, holds=label_and_boxes, decide=put_label),
            Handler(on=CopyCount, holds=box_itself, reads=labelled_box, decide=copy_count),
            Handler(on=CountFound, holds=box_on_the_way, early=Early.WAIT_10_MINUTES, decide=count_found),
        )
    },
)


@pytest.fixture
def decider(engine: AsyncEngine) -> Decider:
    return Decider(LABELLING, engine)


async def some_boxes(engine: AsyncEngine, decider: Decider) -> list[UUID]:
    """Three boxes; the label is on the first."""
    boxes = [uuid4() for _ in range(3)]
    await decider.handle([said(opening(box, str(number))) for number, box in enumerate(boxes)])
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE boxes SET count = 1 WHERE id = :id"), {"id": boxes[0]})
    return boxes


async def labelled(engine: AsyncEngine) -> list[UUID]:
    """The box that the label is on, and every box that counts it."""
    on = await rows(engine, f"SELECT box_id FROM labels WHERE id = '{label_id('0')}'")
    return [row[0] for row in on + await rows(engine, "SELECT id FROM boxes WHERE count <> 0 ORDER BY id")]


async def test_what_a_record_names_is_held_with_it_through_a_whole_batch(
    engine: AsyncEngine, decider: Decider
) -> None:
    boxes = await some_boxes(engine, decider)

    ended = await verdicts(decider, *(said(PutLabel(box_id=boxes[number])) for number in (1, 2, 2, 0, 1)))

    assert ended == ["accepted"] * 5
    assert await labelled(engine) == [boxes[1]] * 2


async def test_what_a_record_names_can_be_read_only(engine: AsyncEngine, decider: Decider) -> None:
    boxes = await some_boxes(engine, decider)

    ended = await verdicts(decider, said(CopyCount(box_id=boxes[2])), said(PutLabel(box_id=boxes[1])))

    assert ended == ["accepted"] * 2
    assert await labelled(engine) == [boxes[1], *sorted(boxes[1:])]


async def test_a_name_leads_to_what_another_name_leads_to(engine: AsyncEngine, decider: Decider) -> None:
    boxes = await some_boxes(engine, decider)

    ended = await verdicts(decider, said(CountFound(label="1")), said(CountFound(label="1")))

    assert ended == ["accepted"] * 2
    assert await labelled(engine) == [boxes[0], *sorted([boxes[0], boxes[1]])]


async def test_a_name_that_leads_nowhere_yet_is_waited_for_where_it_begins(
    engine: AsyncEngine, decider: Decider
) -> None:
    boxes = await some_boxes(engine, decider)
    box = uuid4()

    early = await verdicts(decider, said(CountFound(label="late")))
    await decider.handle([said(opening(box, "late")), said(CountFound(label="late"))])

    assert early == ["waiting"]
    assert set(await labelled(engine)) == {boxes[0], box}


async def test_what_is_named_but_held_elsewhere_is_busy(engine: AsyncEngine, decider: Decider) -> None:
    boxes = await some_boxes(engine, decider)

    async with engine.begin() as elsewhere:
        await elsewhere.execute(text("SELECT 1 FROM boxes WHERE id = :id FOR UPDATE"), {"id": boxes[0]})
        ended = await verdicts(decider, said(PutLabel(box_id=boxes[1])))

    assert ended == ["busy"]
    assert await labelled(engine) == [boxes[0]] * 2


async def test_who_finds_that_another_record_is_named_by_now_tries_again(
    engine: AsyncEngine, decider: Decider
) -> None:
    boxes = await some_boxes(engine, decider)
    late = said(PutLabel(box_id=boxes[1]))
    late.tries = 2

    async with engine.begin() as elsewhere:
        await elsewhere.execute(text("SELECT 1 FROM labels FOR UPDATE"))
        patient = asyncio.create_task(decider.handle([late]))
        done, _ = await asyncio.wait({patient}, timeout=0.2)
        assert not done
        await elsewhere.execute(text("UPDATE boxes SET count = 1 WHERE id = :id"), {"id": boxes[2]})
        await elsewhere.execute(
            text("UPDATE labels SET box_id = :box WHERE id = :id"), {"box": boxes[2], "id": label_id("0")}
        )
    (first,) = await patient
    (second,) = await decider.handle([late])

    assert (first.verdict, second.verdict) == ("busy", "accepted")
    # The box that the label was taken off elsewhere was none of our business.
    assert sorted(await labelled(engine)) == sorted([boxes[1], boxes[0], boxes[1]])


async def test_many_workers_moving_one_name_lose_nothing(engine: AsyncEngine, decider: Decider) -> None:
    boxes = await some_boxes(engine, decider)

    async def work(worker: int) -> None:
        ours = Decider(LABELLING, engine)
        pending = [said(PutLabel(box_id=boxes[(worker + n) % 3])) for n in range(20)]
        while pending:
            ended = await ours.handle(pending[:5])
            left = [one for one, outcome in zip(pending[:5], ended, strict=True) if outcome.verdict == "busy"]
            for one in left:
                one.tries += 1
            pending = left + pending[5:]

    await asyncio.gather(*(work(worker) for worker in range(4)))

    on, *counted = await labelled(engine)
    assert counted == [on]
    assert await rows(engine, "SELECT 1 FROM chassis.dead_letters") == []
