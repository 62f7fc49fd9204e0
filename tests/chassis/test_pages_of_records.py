"""What is announced is read page by page: only what has a status that counts, and each record's children with it."""

from dataclasses import replace
from typing import ClassVar
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.chassis.batch import Decider
from libs.chassis.decision import Cause, Decision, Handler, Keys, OfPage, Page, Records
from libs.contracts.message import Command
from libs.contracts.permissions import Action
from tests.chassis.said import said
from tests.chassis.shop import SHOP, Box, Entry, Status
from tests.chassis.test_batch import opening


class TellBoxes(Command):
    """Only for these tests: tell the next two open boxes, and how many entries each of them has."""

    type: ClassVar[str] = "shop.tell_boxes.v1"
    action: ClassVar[Action | None] = Action.MANAGE_ORDERS
    after: UUID | None = None


def boxes_and_entries(command: TellBoxes) -> Keys:
    page = Page(Box, command.after, 2, (Status.OPEN,))
    return (page, OfPage(Entry, "box_id", page))


def tell(_: TellBoxes, held: Records, __: Cause) -> Decision:
    entries = {str(box.id): len(held.all(Entry, box_id=box.id)) for box in held.all(Box)}
    return Decision(answer={"entries": entries})


TELLING = replace(
    SHOP,
    queues={
        "inbox": (*SHOP.queues["inbox"], Handler(on=TellBoxes, reads=boxes_and_entries, decide=tell)),
    },
)


@pytest.fixture
def decider(engine: AsyncEngine) -> Decider:
    return Decider(TELLING, engine)


async def test_a_page_has_the_records_in_the_status_and_their_children(
    engine: AsyncEngine, decider: Decider
) -> None:
    boxes = sorted(uuid4() for _ in range(4))
    await decider.handle([said(opening(box, str(number))) for number, box in enumerate(boxes)])
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE boxes SET status = 'closed' WHERE id = :id"), {"id": boxes[1]})
        add = text(
            "INSERT INTO entries (id, version, box_id, line, count, notes)"
            " VALUES (gen_random_uuid(), 1, :box, 1, 1, '[]')"
        )
        await connection.execute(add, [{"box": box} for box in (boxes[0], boxes[0], boxes[1], boxes[3])])

    # Together, because two messages of a batch see only what each of them asked for.
    told = await decider.handle([said(TellBoxes()), said(TellBoxes(after=boxes[2]))])

    found = [end.answer["result"]["entries"] for end in told if end.answer]
    assert found == [{str(boxes[0]): 2, str(boxes[2]): 0}, {str(boxes[3]): 1}]


async def test_a_page_cannot_be_held(engine: AsyncEngine) -> None:
    holding = replace(SHOP, queues={"inbox": (Handler(on=TellBoxes, holds=boxes_and_entries, decide=tell),)})

    (ended,) = await Decider(holding, engine).handle([said(TellBoxes())])

    assert ended.verdict == "dead"
