"""Whatever the order, the repeats and the batches in which messages come: they end in the same state."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from libs.chassis.batch import Decider
from libs.chassis.inbox import Arrival
from libs.contracts.message import Message
from libs.contracts.values import derived_id
from tests.chassis.said import again, said
from tests.chassis.shop import SHOP, BreakIn, CloseBox, ItemsSent, OpenBox, PriceChanged, a_sweep

BOXES = [derived_id("box", number) for number in range(3)]
PRICES = [derived_id("price", number) for number in range(2)]


@dataclass(frozen=True)
class Said:
    """A message, and the sequence it came with."""

    message: Message
    sequence: int | None = None


boxes = st.sampled_from(BOXES)
messages = st.lists(
    st.one_of(
        boxes.map(lambda box: Said(CloseBox(box_id=box))),
        boxes.map(lambda box: Said(CloseBox(label=str(box)))),
        st.builds(
            lambda box, count, item: Said(ItemsSent(box_id=box, count=count, item=item)),
            boxes,
            st.integers(0, 9),
            st.sampled_from(["mouse", "pad"]),
        ),
        # Its sequence tells all about a fact that carries a state.
        st.builds(
            lambda price, sequence: Said(PriceChanged(price_id=price, cents=sequence * 10), sequence),
            st.sampled_from(PRICES),
            st.integers(1, 5),
        ),
        boxes.map(lambda box: Said(BreakIn(box_id=box, how="bug"))),
        st.builds(lambda number: Said(BreakIn(box_id=derived_id("void", number), how="bad data")), st.integers(0, 9)),
    ),
    min_size=1,
    max_size=14,
)  # fmt: skip


@st.composite
def told_twice(draw: st.DrawFn) -> tuple[list[Said], list[int], list[int]]:
    """Messages; the order in which they come, some again; and where one batch ends and the next begins."""
    told = [Said(OpenBox(box_id=box, label=str(box))) for box in BOXES] + draw(messages)
    repeated = draw(st.lists(st.integers(0, len(told) - 1), max_size=5))
    order = draw(st.permutations([*range(len(told)), *repeated]))
    ends = draw(st.lists(st.integers(1, len(order)), max_size=5, unique=True))
    return told, order, sorted(ends)


@settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(told_twice())
async def test_any_order_any_repeats_and_any_batches_end_in_the_same_state(
    engine: AsyncEngine, story: tuple[list[Said], list[int], list[int]]
) -> None:
    told, order, ends = story

    arrivals = arrive(told)
    one_by_one = await end_state(engine, [[each] for each in arrivals])
    arrivals = arrive(told)
    shuffled = [again(arrivals[position]) for position in order]
    splits = zip([0, *ends], [*ends, len(shuffled)], strict=True)
    in_batches = await end_state(engine, [shuffled[begin:end] for begin, end in splits])

    assert in_batches == one_by_one


def arrive(told: Sequence[Said]) -> list[Arrival]:
    return [said(each.message, sequence=each.sequence) for each in told]


async def end_state(engine: AsyncEngine, batches: Sequence[Sequence[Arrival]]) -> dict[str, Any]:
    """What an empty shop holds and has said after these batches, save what depends on who came first."""
    async with engine.begin() as connection:
        await connection.execute(text(_EMPTY))
    decider = Decider(SHOP, engine)
    for batch in batches:
        if batch:
            await decider.handle(batch)
    sweep = a_sweep(engine)
    while await sweep.step():
        pass
    async with engine.connect() as connection:
        return {
            name: [tuple(row) for row in await connection.execute(text(query))]
            for name, query in _STATE.items()
        }


_EMPTY = (
    "TRUNCATE boxes, labels, entries, prices, totals, chassis.inbox, chassis.stranger_inbox, chassis.outbox,"
    " chassis.waiting, chassis.timers, chassis.dead_letters"
)
_STATE = {
    "boxes": "SELECT id, label, count, status, version FROM boxes ORDER BY id",
    "entries": "SELECT box_id, count, notes FROM entries ORDER BY box_id, count, notes",
    "totals": "SELECT item, count FROM totals ORDER BY item",
    "prices": "SELECT id, cents, sequence FROM prices ORDER BY id",
    "timers": "SELECT id FROM chassis.timers ORDER BY id",
    "waiting": "SELECT kind, key FROM chassis.waiting ORDER BY key",
    "dead": "SELECT reason, type, deaths FROM chassis.dead_letters ORDER BY reason, type",
    "facts": "SELECT headers->>'ce-subject', headers->>'ce-sequence', routing_key FROM chassis.outbox"
    " WHERE exchange = 'shop.events' ORDER BY 1, 2",
    "endings": "SELECT body->>'command_type', body->>'outcome', count(DISTINCT body->>'command_id') FROM"
    " (SELECT convert_from(body, 'UTF8')::jsonb AS body FROM chassis.outbox WHERE exchange = 'shop.replies') a"
    " WHERE body->>'outcome' <> 'duplicate' GROUP BY 1, 2 ORDER BY 1, 2",
}
