"""Messages that come twice, late, early or broken: each ends as the rule says, and costs its neighbours nothing."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import aio_pika
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from yarl import URL

from libs.chassis.dead_letters import replay
from libs.chassis.ids import timed_id
from libs.contracts.values import MESSAGE_BYTES_MAX
from tests.chassis.ledger import Box, Ledger, effects
from tests.chassis.running import Started, as_user, started, urls
from tests.chassis.shop import BreakIn, CloseBox, ItemsSent, OpenBox, PriceChanged
from tests.chassis.wires import Saying, say, saying
from tests.conftest import eventually


def interleaved(page: Sequence[Saying], others: Sequence[Saying]) -> list[Saying]:
    """The others spread evenly among the messages of a page."""
    every = max(len(page) // len(others), 1)
    mixed = list(page)
    for number, other in enumerate(others):
        mixed.insert((number * (every + 1)) % len(mixed), other)
    return mixed


async def hand_back(vhost: URL, queue: str, count: int, *, requeue: bool) -> None:
    """Take messages as the shop would, and reject them; refused for good, they go to the dead letters."""
    async with await aio_pika.connect(as_user(vhost, "shop")) as connection:
        found = await (await connection.channel()).get_queue(queue, ensure=False)
        taken = [await found.get() for _ in range(count)]
        for message in taken:
            await message.reject(requeue=requeue)


async def test_twice_late_and_early_each_counts_once(
    migrated: AsyncEngine, database_url: str, vhost: URL, tmp_path: Path
) -> None:
    ledger = Ledger()
    page = ledger.page(12)
    early, late, repeated = page[:36], page[36:], page[3::4]
    stale = uuid4()
    ledger.prices[stale] = (30, 3)
    states = [
        saying("depot", "depot.events", PriceChanged(price_id=stale, cents=10 * sequence), sequence=sequence)
        for sequence in (3, 1, 2)
    ]
    facts = [each for each in early if each.by == "depot"]
    commands = [each for each in early if each.by == "scanner"]

    async def waiting() -> int:
        seen = await effects(migrated)
        return seen.waiting if seen else 0

    await say(vhost, [*facts, *states])
    await hand_back(vhost, "shop.inbox", 10, requeue=True)
    async with started(tmp_path, urls(database_url, vhost), "worker") as shop:
        await eventually(waiting, lambda count: count == sum(each.key == ItemsSent.type for each in facts))
        await say(vhost, [*reversed(commands), *late, *repeated])
        await ledger.settled(migrated)
        await say(vhost, repeated)
        await shop.stopped()

    await ledger.proved(migrated, vhost)


async def test_what_cannot_be_handled_becomes_a_dead_letter_with_its_reason(
    migrated: AsyncEngine, database_url: str, vhost: URL, tmp_path: Path
) -> None:
    ledger = Ledger()
    page = ledger.page()
    box, other = uuid4(), uuid4()
    ledger.boxes[other] = Box(items=[5])
    sent = saying("depot", "depot.events", ItemsSent(box_id=other, count=5))
    old = str(timed_id(datetime.now(UTC) - timedelta(days=40), box))

    def opening() -> Saying:
        return saying("scanner", "shop.commands", OpenBox(box_id=box, label="never"))

    def sending() -> Saying:
        return saying("depot", "depot.events", ItemsSent(box_id=other, count=7))

    def breaking(how: str) -> Saying:
        return saying("scanner", "shop.commands", BreakIn(box_id=box, how=how))

    broken = [
        ledger.lost(opening().but(body=b"{"), "malformed"),
        ledger.lost(opening().but(body=b'{"x": "%s"}' % (b"x" * MESSAGE_BYTES_MAX)), "too_large"),
        ledger.lost(opening().headed(type="shop.unheard_of.v1"), "unknown_type"),
        ledger.lost(opening().headed(type=CloseBox.type), "wrong_exchange"),
        ledger.lost(opening().headed(specversion="0.3"), "malformed"),
        ledger.lost(opening().but(signed=False), "no_sender"),
        ledger.lost(sending().but(body=b"{"), "invalid_content"),
        ledger.lost(sending().but(body=b'{"count": "many"}'), "invalid_content"),
        ledger.lost(sending().headed(id="5"), "malformed"),
        ledger.lost(sending().headed(id=old), "too_old"),
        ledger.lost(breaking("bug"), "bug"),
        ledger.lost(breaking("bad data"), "data"),
        ledger.lost(breaking("undeclared"), "bug"),
    ]
    changed = ledger.lost(sent.but(body=sent.body.replace(b"5", b"6")), "message_id_reused")
    nonsense = ledger.command(OpenBox(box_id=box, label="x"), box, ends="rejected")
    given_up = ledger.lost(sending(), "poison")

    await say(vhost, [given_up])
    await hand_back(vhost, "shop.inbox", 1, requeue=False)
    async with started(tmp_path, urls(database_url, vhost), "worker") as shop:
        await say(vhost, interleaved(page, [*broken, ledger.opening(other), sent, changed]))
        await say(vhost, [nonsense.but(body=b'{"box_id": 5, "label": "x"}')])
        await ledger.settled(migrated)
        await shop.stopped()

    await ledger.proved(migrated, vhost)


async def deaths_before_all_is_settled(
    ledger: Ledger, engine: AsyncEngine, settings: Mapping[str, str], folder: Path
) -> int:
    """How often the worker dies and is started again."""
    for deaths in range(6):
        async with started(folder, settings, "worker") as shop:

            async def settled_or_dead(shop: Started = shop) -> bool:
                seen = await effects(engine)
                return not shop.process.running or (seen is not None and ledger.missed(seen) == {})

            await eventually(settled_or_dead)
            if shop.process.running:
                await shop.stopped()
                return deaths
    raise AssertionError("it dies again and again")


async def test_a_message_that_kills_its_process_is_quarantined_and_its_neighbours_are_not(
    migrated: AsyncEngine, database_url: str, vhost: URL, tmp_path: Path
) -> None:
    ledger = Ledger()
    killer = ledger.lost(saying("scanner", "shop.commands", BreakIn(box_id=uuid4(), how="death")), "poison")

    await say(vhost, interleaved(ledger.page(), [killer]))
    deaths = await deaths_before_all_is_settled(ledger, migrated, urls(database_url, vhost), tmp_path)

    assert deaths == 3
    await ledger.proved(migrated, vhost)


async def test_a_message_that_kills_when_it_is_replayed_is_quarantined_again(
    migrated: AsyncEngine, database_url: str, vhost: URL, tmp_path: Path
) -> None:
    ledger, settings = Ledger(), urls(database_url, vhost)
    killer = ledger.lost(saying("scanner", "shop.commands", BreakIn(box_id=uuid4(), how="death")), "poison")
    await say(vhost, [killer])
    await hand_back(vhost, "shop.ingress", 1, requeue=False)
    async with started(tmp_path, settings, "worker") as shop:
        await ledger.settled(migrated)
        await shop.stopped()

    async with migrated.begin() as connection:
        (letter,) = (await connection.execute(text("SELECT id FROM chassis.dead_letters"))).scalars()
        await replay(connection, letter, actor="person-1")
    await say(vhost, ledger.page())
    deaths = await deaths_before_all_is_settled(ledger, migrated, settings, tmp_path)

    assert deaths == 2
    await ledger.proved(migrated, vhost)
