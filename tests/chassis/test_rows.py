"""What a record holds comes back from the database as it went there."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncEngine

from libs.chassis.decision import Record
from libs.chassis.storage import Storage, table
from libs.contracts.message import Value
from tests.chassis.shop import Status


class Tag(Value):
    text: str
    price: Decimal
    day: date | None = None


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


@dataclass(frozen=True, kw_only=True)
class Shelf(Record):
    tags: tuple[Tag, ...] = ()
    first: Tag | None = None
    last: Tag | None = None


async def test_values_of_a_contract_come_back_as_such(engine: AsyncEngine) -> None:
    storage = Storage(table(Shelf, "shelves"))
    tags = (Tag(text="ä", price=Decimal("1.50"), day=date(2026, 3, 31)), Tag(text="b", price=Decimal(0)))
    shelf = Shelf(id=uuid4(), version=1, tags=tags, first=tags[0])

    async with engine.begin() as connection:
        await connection.run_sync(storage.metadata.create_all)
        await storage.rows[Shelf].insert(connection, [shelf])
        (found,) = await storage.rows[Shelf].load(connection, [shelf.id])

    assert found == shelf
