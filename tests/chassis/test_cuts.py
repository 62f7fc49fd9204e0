"""The wires to the servers are cut, frozen, and lose answers while messages flow: each takes effect exactly once."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine
from yarl import URL

from tests.chassis.ledger import OF_SHOP, Ledger, effects
from tests.chassis.running import Started, behind_proxies, started
from tests.chassis.shop import BoxCounted
from tests.chassis.wires import depths, say
from tests.conftest import eventually
from tests.fault_proxy import FaultProxy


class Scene:
    """A worker between two wires, and what it is told by way of neither."""

    def __init__(
        self, engine: AsyncEngine, vhost: URL, shop: Started, database: FaultProxy, broker: FaultProxy
    ) -> None:
        self.ledger = Ledger()
        self.engine, self.vhost, self.shop, self.database, self.broker = engine, vhost, shop, database, broker

    async def tell(self) -> None:
        """A page more."""
        await say(self.vhost, self.ledger.page())

    async def all_taken(self) -> None:
        """Wait until the worker has got all that was said."""
        await eventually(lambda: depths(self.vhost, "shop", OF_SHOP), lambda ready: not any(ready.values()))

    async def boxes(self, reached: Callable[[int], bool]) -> None:
        """Wait until so many boxes are there."""

        async def count() -> int:
            seen = await effects(self.engine)
            return len(seen.boxes) if seen else 0

        await eventually(count, reached)

    async def facts_arrived(self) -> None:
        """Wait until the broker has something the shop said."""
        await eventually(
            lambda: depths(self.vhost, "listener", ["listener.inbox"]), lambda ready: any(ready.values())
        )


@asynccontextmanager
async def a_scene(
    engine: AsyncEngine, database_url: str, vhost: URL, folder: Path, more: Mapping[str, str] = {}
) -> AsyncIterator[Scene]:
    """In the end all that was told has had its effects."""
    async with (
        behind_proxies(database_url, vhost) as (database, broker, places),
        started(folder, {**places, **more}, "worker") as shop,
    ):
        await shop.until_ready()
        scene = Scene(engine, vhost, shop, database, broker)
        yield scene
        await scene.ledger.settled(engine)
        await shop.until_ready()
        assert await shop.stopped() == 0
    await scene.ledger.proved(engine, vhost)


async def test_a_commit_whose_answer_is_lost_counts_once(
    migrated: AsyncEngine, database_url: str, vhost: URL, tmp_path: Path
) -> None:
    async with a_scene(migrated, database_url, vhost, tmp_path) as scene:
        scene.database.lose_answers_to(b"COMMIT")

        await scene.tell()
        await scene.boxes(lambda count: count > 0)
        scene.database.resume()


async def test_the_wire_to_the_database_is_cut_in_mid_batch(
    migrated: AsyncEngine, database_url: str, vhost: URL, tmp_path: Path
) -> None:
    async with a_scene(migrated, database_url, vhost, tmp_path) as scene:
        await scene.tell()
        scene.database.freeze()
        await scene.tell()
        await scene.all_taken()
        scene.database.cut()
        scene.database.resume()

        await scene.tell()
        scene.database.refuse()
        await scene.tell()
        await scene.all_taken()
        checks = await scene.shop.until_ready(503)
        scene.database.resume()

    assert checks["database"] == "cannot be reached (ConnectionResetError)"


async def test_the_wire_to_the_broker_is_cut_before_an_acknowledgement_and_before_a_confirm(
    migrated: AsyncEngine, database_url: str, vhost: URL, tmp_path: Path
) -> None:
    async with a_scene(migrated, database_url, vhost, tmp_path) as scene:
        # Taken, and committed only when there is nobody left to acknowledge it to.
        scene.database.freeze()
        await scene.tell()
        await scene.all_taken()
        scene.broker.refuse()
        scene.database.resume()
        await scene.boxes(lambda count: count > 0)
        scene.broker.resume()

        scene.broker.lose_answers_to(BoxCounted.type.encode())
        await scene.tell()
        await scene.facts_arrived()
        scene.broker.resume()


async def test_a_broker_that_answers_nothing_is_noticed_and_nothing_is_lost(
    migrated: AsyncEngine, database_url: str, vhost: URL, tmp_path: Path
) -> None:
    async with a_scene(migrated, database_url, vhost, tmp_path) as scene:
        await scene.tell()
        scene.broker.freeze()
        await scene.tell()
        await scene.shop.until_ready(503, within=15)
        scene.broker.resume()


async def test_a_broker_that_is_silent_until_its_connections_are_given_up_is_connected_to_again(
    migrated: AsyncEngine, database_url: str, vhost: URL, tmp_path: Path
) -> None:
    hasty = {"QUARTERMASTER_BROKER_HEARTBEAT_SECONDS": "1", "QUARTERMASTER_PUBLISH_TIMEOUT_SECONDS": "2"}
    async with a_scene(migrated, database_url, vhost, tmp_path, hasty) as scene:
        # Its acknowledgements and publications come upon a connection that is dead.
        scene.database.freeze()
        await scene.tell()
        await scene.all_taken()
        scene.broker.freeze()
        scene.database.resume()
        await eventually(scene.shop.ready, lambda seen: seen[1].get("broker") == "not connected", within=20)
        scene.broker.resume()
        await scene.shop.until_ready()
