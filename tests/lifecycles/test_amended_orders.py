"""Orders that change after their submission, as the dock and assets follow them, whatever comes first."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.contracts.assets import (
    TemplateAssetsCancelled,
    TemplateAssetsCreated,
)
from libs.contracts.message import Message
from libs.contracts.values import asset_id_of
from services.assets.asset import Asset, Status
from services.assets.ordered_line import OrderedLine
from services.receiving.expectation import ExpectedLine, ExpectedUnit, UnitStatus
from tests.builders_amended import (
    PRICE,
    Buyer,
    a_dock,
    a_store,
    on_order_in,
    the_expected,
    the_line,
    to_come_at,
)
from tests.builders_dock import (
    LINE,
    SECOND_LINE,
    House,
    a_delivery,
    a_unit,
    an_order,
    an_ordered_line,
    content,
    goods_said,
    units,
)

# Quantities


def test_more_units_get_new_numbers() -> None:
    dock, store, buyer = a_dock(), a_store(), Buyer(2)
    amended = buyer.amend(4)

    for house in (dock, store):
        house.hear(an_order(an_ordered_line(2)), amended)

    assert to_come_at(dock) == on_order_in(store) == {1, 2, 3, 4}
    (_, created) = [said for said in store.said if isinstance(said, TemplateAssetsCreated)]
    assert [unit.unit_number for unit in created.assets] == [3, 4]


def test_fewer_units_are_the_lowest_ones() -> None:
    dock, store, buyer = a_dock(), a_store(), Buyer(4)
    amended = buyer.amend(2)

    for house in (dock, store):
        house.hear(an_order(an_ordered_line(4)), amended)

    assert to_come_at(dock) == on_order_in(store) == {1, 2}
    (cancelled,) = [said for said in store.said if isinstance(said, TemplateAssetsCancelled)]
    assert len(cancelled.asset_ids) == 2


def test_numbers_that_were_taken_away_are_not_given_again() -> None:
    dock, store, buyer = a_dock(), a_store(), Buyer(4)
    facts = (an_order(an_ordered_line(4)), buyer.amend(2), buyer.amend(4), buyer.cancel(1))

    for house in (dock, store):
        house.hear(*facts)

    assert to_come_at(dock) == on_order_in(store) == {1, 2, 5}


def test_the_highest_open_units_go_where_a_high_one_is_here_already() -> None:
    dock, store, buyer = a_dock(), a_store(), Buyer(4)
    highest = asset_id_of(LINE, 4)
    dock.hear(an_order(an_ordered_line(4)), a_delivery(a_unit(asset_id=highest)))

    dock.hear(buyer.amend(2))

    store.hear(an_order(an_ordered_line(4)), Buyer(4).amend(2), *goods_said(dock))
    assert to_come_at(dock) == on_order_in(store) == {1}


def test_a_wanted_unit_for_which_another_had_come_is_on_order_again_when_more_are_ordered() -> None:
    dock, store, buyer = a_dock(), a_store(), Buyer(3)
    dock.hear(an_order(an_ordered_line(3)), a_delivery(a_unit(asset_id=asset_id_of(LINE, 3))))
    facts = (buyer.amend(2), buyer.amend(3))

    dock.hear(*facts)

    store.hear(an_order(an_ordered_line(3)), *goods_said(dock), *facts)
    assert to_come_at(dock) == on_order_in(store) == {1, 2}
    assert {each.unit_number: each.status for each in store.all(Asset)}[4] is Status.CANCELLED


def test_what_the_dock_took_of_a_reduced_line_stands_and_nothing_of_it_is_open() -> None:
    dock, buyer = a_dock(), Buyer(3)
    dock.hear(an_order(an_ordered_line(3)), a_delivery(*units("S-1", "S-2", "S-3")))

    dock.hear(buyer.amend(1))

    line = the_expected(dock)
    assert (line.ordered, line.accepted, line.open) == (1, 3, 0)


def test_a_line_can_be_added() -> None:
    dock, store, buyer = a_dock(), a_store(), Buyer(1)
    mouse = an_ordered_line(2, line=SECOND_LINE, sku="MOUSE")

    for house in (dock, store):
        house.hear(an_order(an_ordered_line(1)), buyer.amend(1, mouse))
        buyer = Buyer(1)

    assert len(dock.all(ExpectedUnit, order_line_id=SECOND_LINE)) == 2
    assert len(store.all(Asset, order_line_id=SECOND_LINE, status=Status.ON_ORDER)) == 2


def test_the_price_of_what_did_not_come_follows_its_line() -> None:
    dock, store, buyer = a_dock(), a_store(), Buyer(2)
    dock.hear(an_order(an_ordered_line(2)), a_delivery(a_unit()))
    store.hear(an_order(an_ordered_line(2)), *goods_said(dock))

    store.hear(buyer.amend(2, price=Decimal("900")))

    costs = {each.unit_number: each.cost for each in store.all(Asset)}
    assert costs == {1: PRICE, 2: Decimal("900")}


def test_an_amendment_that_changes_no_line_lets_the_next_one_follow() -> None:
    store, buyer = a_store(), Buyer(2)
    nothing, more = buyer.amend(2), buyer.amend(3)

    store.hear(more, an_order(an_ordered_line(2)), nothing)

    assert on_order_in(store) == {1, 2, 3}
    assert not store.waiting


# Whatever comes first


def the_facts() -> list[Message]:
    buyer = Buyer(3)
    return [
        an_order(an_ordered_line(3)),
        buyer.amend(5),
        buyer.cancel(1),
        buyer.amend(3),
        buyer.amend(6),
        buyer.cancel(1),
    ]


@pytest.mark.parametrize("made", [a_dock, a_store])
def test_facts_of_an_order_end_the_same_in_whatever_order_they_come(made: object) -> None:
    assert callable(made)
    in_order: House = made()
    in_order.hear(*the_facts())

    for shuffled in permutations(the_facts()):
        house: House = made()
        house.hear(*shuffled)
        assert not house.waiting
        for record in (ExpectedLine, OrderedLine):
            assert content(house.all(record)) == content(in_order.all(record))
        assert to_come_at(house) == to_come_at(in_order)
        assert on_order_in(house) == on_order_in(in_order)


@dataclass(frozen=True)
class Trade:
    """What happens to an order, and where in it deliveries are taken."""

    ordered: int
    steps: tuple[tuple[str, int], ...]


TRADES = st.builds(
    Trade,
    st.integers(1, 5),
    st.lists(
        st.tuples(st.sampled_from(["amend", "cancel", "deliver", "deliver last"]), st.integers(1, 6)),
        max_size=7,
    ).map(tuple),
)


def said_by_purchasing(trade: Trade) -> list[Message]:
    buyer = Buyer(trade.ordered)
    said: list[Message] = [an_order(an_ordered_line(trade.ordered))]
    for what, number in trade.steps:
        if what == "amend":
            said.append(buyer.amend(max(number, buyer.asked, 1)))
        elif what == "cancel" and buyer.asked < buyer.ordered:
            said.append(buyer.cancel(min(number, buyer.ordered - buyer.asked)))
    return said


def deliveries(trade: Trade) -> Sequence[tuple[bool, int]]:
    return [(what == "deliver last", number) for what, number in trade.steps if what.startswith("deliver")]


@settings(max_examples=300)
@given(TRADES, st.randoms(use_true_random=False))
def test_assets_and_the_dock_know_the_same_units_whatever_came_first(trade: Trade, chance: object) -> None:
    assert hasattr(chance, "shuffle")
    dock, store = a_dock(), a_store()
    happens: list[object] = [*said_by_purchasing(trade), *deliveries(trade)]
    chance.shuffle(happens)
    serial = 0
    for each in happens:
        if isinstance(each, Message):
            dock.hear(each)
            continue
        assert isinstance(each, tuple)
        last, number = each
        numbers = sorted(to_come_at(dock), reverse=last)[:number]
        for taken in numbers:
            serial += 1
            dock.hear(a_delivery(a_unit(f"S-{serial}", asset_id=asset_id_of(LINE, taken))))

    heard: list[Message] = [*said_by_purchasing(trade), *goods_said(dock)]
    chance.shuffle(heard)
    store.hear(*heard)

    assert not dock.waiting
    assert not store.waiting
    assert on_order_in(store) == to_come_at(dock)
    line, known = the_expected(dock), the_line(store)
    assert (known.ordered, known.asked, known.kept) == (line.ordered, line.asked, line.accepted)
    assert len(on_order_in(store)) == known.open == line.open
    here = {each.unit_number for each in store.all(Asset, status=Status.IN_STOCK)}
    assert here == {unit.unit_number for unit in dock.all(ExpectedUnit, status=UnitStatus.RECEIVED)}
