"""What a record holds comes back from the database as it went there."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncEngine

from libs.chassis.decision import Record
from libs.chassis.storage import Storage, table
from tests.chassis.shop import Status


@dataclass(frozen=True, kw_only=True)
class Drawer(Record):
    statuses: tuple[Status, ...] = ()
    notes: tuple[str, ...] = ()
    named: tuple[UUID, ...] = ()


async def test_lists_of_texts_of_statuses_and_of_ids_come_back_as_such(engine: AsyncEngine) -> None:
    storage = Storage(table(Drawer, "drawers"))
    drawer = Drawer(
        id=uuid4(), version=1, statuses=(Status.CLOSED, Status.OPEN), notes=("a", "b"), named=(uuid4(),)
    )

    async with engine.begin() as connection:
        await connection.run_sync(storage.metadata.create_all)
        await storage.rows[Drawer].insert(connection, [drawer])
        (found,) = await storage.rows[Drawer].load(connection, [drawer.id])

    assert found == drawer
    assert isinstance(found, Drawer)
    assert [type(each) for each in (*found.statuses, *found.notes)] == [Status, Status, str, str]
