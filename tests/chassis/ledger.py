"""What was said to the shop, what must follow from it exactly once, and what did.

A page of the ledger is a stream of messages of every kind about boxes of its own: strangers' commands that want an
answer, facts of a sibling that count, facts that carry a state, and timers that are due at once.
"""

from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from yarl import URL

from libs.contracts.message import Message
from tests.chassis.shop import BoxCounted, BoxOpened, CloseBox, ItemsSent, OpenBox, PriceChanged, ShopAnswered
from tests.chassis.wires import Saying, depths, saying, take
from tests.conftest import eventually

OF_SHOP = ("shop.ingress", "shop.inbox", "shop.bulk", "shop.dead_letters")
ITEMS = (1, 10, 100)

_EFFECTS = text("""
    SELECT (SELECT json_agg(json_build_array(id, count, status, version) ORDER BY id) FROM boxes),
           (SELECT json_agg(json_build_array(box_id, count) ORDER BY box_id, count) FROM entries),
           (SELECT json_agg(json_build_array(item, count) ORDER BY item) FROM totals),
           (SELECT json_agg(json_build_array(id, cents, sequence) ORDER BY id) FROM prices),
           (SELECT json_agg(json_build_array(reason, type) ORDER BY reason, type) FROM chassis.dead_letters),
           (SELECT count(*) FROM chassis.timers),
           (SELECT count(*) FROM chassis.waiting),
           (SELECT count(*) FROM chassis.outbox), (SELECT count(*) FROM chassis.outbox_parked)
""")


@dataclass(frozen=True)
class Effects:
    """What the shop's database holds, in lists as JSON has them."""

    boxes: list[Any]
    entries: list[Any]
    totals: list[Any]
    prices: list[Any]
    dead: list[Any]
    timers: int
    waiting: int = 0
    unsaid: int = 0
    parked: int = 0


@dataclass
class Box:
    """What must become of a box."""

    items: list[int] = field(default_factory=list)
    closed: bool = False
    forgotten: bool = False

    @property
    def facts(self) -> int:
        """Opened, counted at each arrival, at its closing, when it was forgotten."""
        return 1 + len(self.items) + self.closed + self.forgotten


class Ledger:
    """Write pages, say what they hold, then compare."""

    def __init__(self) -> None:
        self.boxes: dict[UUID, Box] = {}
        self.prices: dict[UUID, tuple[int, int]] = {}
        self.dead: list[tuple[str, str]] = []
        self._commands: dict[str, tuple[str, UUID]] = {}
        self._endings = Counter[tuple[str, UUID, str]]()
        self._heard: dict[str, tuple[str, str, dict[str, Any], bytes]] = {}

    def page(self, boxes: int = 9) -> list[Saying]:
        """Messages about so many new boxes: each opened, counted; some closed (twice), some forgotten."""
        said: list[Saying] = []
        for number in range(boxes):
            box, price = uuid4(), uuid4()
            expected = self.boxes[box] = Box(forgotten=number % 3 == 1)
            said.append(self.opening(box, **({"patience_seconds": 0} if expected.forgotten else {})))
            for count in ITEMS:
                said.append(saying("depot", "depot.events", ItemsSent(box_id=box, count=count)))
                expected.items.append(count)
            if number % 3 == 0:
                said += [
                    self.command(CloseBox(box_id=box), box, ends=end) for end in ("accepted", "rejected")
                ]
                expected.closed = True
            self.prices[price] = (20, 2)
            for sequence in (1, 2):
                changed = PriceChanged(price_id=price, cents=10 * sequence)
                said.append(saying("depot", "depot.events", changed, sequence=sequence))
        return said

    def opening(self, box: UUID, **more: Any) -> Saying:
        """The command that opens a box."""
        self.boxes.setdefault(box, Box())
        return self.command(OpenBox(box_id=box, label=str(box), **more), box)

    def command(self, command: Message, about: UUID, *, ends: str = "accepted") -> Saying:
        """A stranger's command, to be answered so; of two that differ only in this it does not matter which."""
        said = saying("scanner", "shop.commands", command)
        self._commands[said.id] = command.type, about
        self._endings[command.type, about, ends] += 1
        return said

    def lost(self, said: Saying, reason: str) -> Saying:
        """A message that must end as a dead letter for this reason."""
        self.dead.append((reason, said.key))
        return said

    # What must be

    @property
    def effects(self) -> Effects:
        """What the shop's database must hold when all is done."""
        everything = [(str(id), box) for id, box in sorted(self.boxes.items(), key=lambda each: str(each[0]))]
        items = sum(count for box in self.boxes.values() for count in box.items)
        return Effects(
            boxes=[
                [id, sum(box.items), "closed" if box.closed else "open", box.facts] for id, box in everything
            ],
            entries=[[id, count] for id, box in everything for count in sorted(box.items)],
            totals=[["mouse", items]] if items else [],
            prices=[[str(id), *self.prices[id]] for id in sorted(self.prices, key=str)],
            dead=[list(each) for each in sorted(self.dead)],
            timers=sum(not box.closed and not box.forgotten for box in self.boxes.values()),
        )

    @property
    def _facts(self) -> dict[str, list[tuple[int, str]]]:
        return {
            str(id): [
                (sequence, BoxOpened.type if sequence == 1 else BoxCounted.type)
                for sequence in range(1, box.facts + 1)
            ]
            for id, box in self.boxes.items()
        }

    # What is

    async def settled(self, engine: AsyncEngine, *, within: float = 60) -> None:
        """Wait until everything has taken effect, and what follows from it has left."""

        async def owed() -> dict[str, Any] | None:
            seen = await effects(engine)
            return None if seen is None else self.missed(seen)

        await eventually(owed, lambda missed: missed == {}, within=within)

    def missed(self, seen: "Effects") -> dict[str, Any]:
        """Where the database differs from what it must hold."""
        found, wanted = asdict(seen), asdict(self.effects)
        return {
            name: {
                "too much": [each for each in found[name] if each not in wanted[name]],
                "too little": [each for each in wanted[name] if each not in found[name]],
                "rows": (len(found[name]), len(wanted[name])),
            }
            if isinstance(found[name], list)
            else (found[name], wanted[name])
            for name in wanted
            if found[name] != wanted[name]
        }

    async def proved(self, engine: AsyncEngine, vhost: URL) -> None:
        """Compare everything, once no process of the shop is left."""
        seen = await effects(engine)
        assert seen is not None
        assert self.missed(seen) == {}
        assert await depths(vhost, "shop", OF_SHOP) == dict.fromkeys(OF_SHOP, 0)
        await self.listen(vhost)
        assert self._facts_heard() == self._facts
        assert self._endings_heard() == self._endings

    async def listen(self, vhost: URL) -> None:
        """Hear what the shop has said: the same under the same id, however often."""
        heard = await take(vhost, "listener", "listener.inbox")
        heard += await take(vhost, "scanner", "scanner.answers")
        for message in heard:
            kept: dict[str, Any] = {
                name: value for name, value in message.headers.items() if not name.startswith("x-")
            }
            said = (message.routing_key or "", message.type or "", kept, message.body)
            assert self._heard.setdefault(message.message_id or "", said) == said

    def _facts_heard(self) -> dict[str, list[tuple[int, str]]]:
        facts = defaultdict[str, list[tuple[int, str]]](list)
        for _, type, headers, _ in self._heard.values():
            if type != ShopAnswered.type:
                facts[str(headers["ce-subject"])].append((int(headers["ce-sequence"]), type))
        return {subject: sorted(said) for subject, said in facts.items()}

    def _endings_heard(self) -> Counter[tuple[str, UUID, str]]:
        """One ending for each command; whoever repeats one is told the same again."""
        original: dict[str, str] = {}
        repeated: list[dict[str, Any]] = []
        for key, type, _, body in self._heard.values():
            if type == ShopAnswered.type:
                assert key == "scanner.desk"
                answer = ShopAnswered.model_validate_json(body).model_dump()
                if answer["outcome"] == "duplicate":
                    repeated.append(answer)
                else:
                    assert original.setdefault(answer["command_id"], answer["outcome"]) == answer["outcome"]
        for answer in repeated:
            assert answer["original"] == original[answer["command_id"]]
        return Counter((*self._commands[id], outcome) for id, outcome in original.items())


async def effects(engine: AsyncEngine) -> Effects | None:
    """What the database holds now; None while it is away."""
    try:
        async with engine.connect() as connection:
            row = (await connection.execute(_EFFECTS)).one()
    except (SQLAlchemyError, OSError, TimeoutError):
        return None
    return Effects(*(each if each is not None else [] for each in row))
