"""The laws of the domain at the dock and in stock, whatever happens and in whatever order it is heard."""

from collections import Counter
from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from libs.contracts.assets import AssignAssets
from libs.contracts.message import Message
from libs.contracts.values import asset_id_of
from services.assets import arrival, asset, handover
from services.assets.asset import Asset, Status
from services.assets.ordered_line import OrderedLine
from services.assets.stock import InventoryTransaction
from services.receiving import expectation, place, receipt
from services.receiving.expectation import ExpectedLine, ExpectedUnit, UnitStatus
from services.receiving.receipt import ReceiptLine
from tests.builders_dock import (
    LINE,
    House,
    a_cancellation,
    a_delivery,
    a_place,
    a_unit,
    an_order,
    an_ordered_line,
    goods_said,
)

ORDERED = 6
SPACES = ("A-01", "A-02")
STATUS_AT_THE_DOCK = {
    Status.ON_ORDER: UnitStatus.OPEN,
    Status.CANCELLED: UnitStatus.CANCELLED,
    Status.IN_STOCK: UnitStatus.RECEIVED,
    Status.ASSIGNED: UnitStatus.RECEIVED,
}

# A delivery: for each unit the template it names (0: none) and its space; and how many are rejected.
deliveries = st.tuples(
    st.lists(st.tuples(st.integers(0, ORDERED), st.sampled_from(SPACES)), max_size=4), st.integers(0, 2)
)
cancellations = st.integers(1, ORDERED)
happenings = st.lists(st.one_of(deliveries, cancellations), max_size=6)


def at_the_dock(happened: list[Any]) -> tuple[House, list[Message]]:
    """What the dock made of it, and what assets will hear."""
    dock = House(expectation.HANDLERS, receipt.HANDLERS, place.HANDLERS)
    order = an_order(an_ordered_line(ORDERED))
    dock.hear(a_place(), order)
    serials = count()
    told: list[Message] = [order]
    for happening in happened:
        if isinstance(happening, int):
            told.append(a_cancellation(happening))
            dock.hear(told[-1])
        else:
            accepted, rejected = happening
            named = ({"asset_id": asset_id_of(LINE, number)} if number else {} for number, _ in accepted)
            units = [
                a_unit(f"S-{next(serials)}", storage_space=space, **name)
                for (_, space), name in zip(accepted, named, strict=True)
            ]
            dock.hear(a_delivery(*units, rejected=rejected, rejection_reason="dented"))
        check_the_dock(dock)
    return dock, told + goods_said(dock)


def check_the_dock(dock: House) -> None:
    """Law 1, and as many open units as are open by the figures."""
    (line,) = dock.all(ExpectedLine)
    receipts = dock.all(ReceiptLine)
    assert line.accepted == sum(receipt.accepted for receipt in receipts)
    assert line.rejected == sum(receipt.rejected for receipt in receipts)
    assert line.cancelled == min(line.asked, max(0, line.ordered - line.accepted))
    assert line.open == max(0, line.ordered - line.cancelled - line.accepted)
    units = Counter(unit.status for unit in dock.all(ExpectedUnit))
    assert units == Counter(
        {UnitStatus.OPEN: line.open, UnitStatus.RECEIVED: line.accepted, UnitStatus.CANCELLED: line.cancelled}
    )


def check_assets(house: House) -> None:
    """Laws 1, 3 and 4: templates = open, received = kept, balances = the ledger = what is in stock."""
    assets = house.all(Asset)
    for line in house.all(OrderedLine):
        now = Counter(asset.status for asset in assets)
        assert now[Status.ON_ORDER] == line.open
        assert now[Status.IN_STOCK] + now[Status.ASSIGNED] == line.kept
        assert now[Status.CANCELLED] == line.cancelled == min(line.asked, line.ordered - line.kept)
    ledger = Counter[tuple[str, str]]()
    for moved in house.all(InventoryTransaction):
        ledger[moved.storage_space, moved.sku] += moved.change
    balances = {(total.storage_space, total.sku): total.quantity for total in house.totals.values()}
    in_stock = Counter((each.storage_space, each.sku) for each in assets if each.status is Status.IN_STOCK)
    assert balances == dict(ledger)
    assert +Counter(balances) == in_stock


@settings(max_examples=300, deadline=None)
@given(happenings, st.data())
def test_assets_agrees_with_the_dock_in_whatever_order_it_hears(
    happened: list[Any], data: st.DataObject
) -> None:
    dock, told = at_the_dock(happened)
    received = [unit.asset_id for goods in goods_said(dock) for unit in goods.lines[0].units]
    assignments = [AssignAssets(person="person-1", asset_ids=(asset_id,)) for asset_id in received]
    house = House(asset.HANDLERS, arrival.HANDLERS, handover.HANDLERS)

    for message in data.draw(st.permutations([*told, *assignments])):
        house.hear(message)
        check_assets(house)

    assert house.waiting == []
    (expected,), (ordered,) = dock.all(ExpectedLine), house.all(OrderedLine)
    assert (ordered.kept, ordered.cancelled, ordered.open) == (
        expected.accepted,
        expected.cancelled,
        expected.open,
    )
    at_dock = {unit.id: unit.status for unit in dock.all(ExpectedUnit)}
    assert {asset.id: STATUS_AT_THE_DOCK[asset.status] for asset in house.all(Asset)} == at_dock


@settings(max_examples=100, deadline=None)
@given(happenings, st.data())
def test_hearing_early_or_late_makes_no_difference_to_the_assets(
    happened: list[Any], data: st.DataObject
) -> None:
    _, told = at_the_dock(happened)
    in_order, shuffled = House(asset.HANDLERS, arrival.HANDLERS), House(asset.HANDLERS, arrival.HANDLERS)

    in_order.hear(*told)
    shuffled.hear(*data.draw(st.permutations(told)))

    def public(house: House) -> dict[Any, Any]:
        return {asset.id: (asset.status, asset.serial, asset.storage_space) for asset in house.all(Asset)}

    assert public(shuffled) == public(in_order)


@settings(max_examples=100, deadline=None)
@given(happenings, st.data())
def test_the_dock_obeys_the_laws_even_if_its_order_comes_last(
    happened: list[Any], data: st.DataObject
) -> None:
    dock = House(expectation.HANDLERS, receipt.HANDLERS, place.HANDLERS)
    messages: list[Message] = [an_order(an_ordered_line(ORDERED))]
    messages += [
        a_cancellation(happening)
        if isinstance(happening, int)
        else a_delivery(*(a_unit(f"S-{number}-{n}") for n in range(len(happening[0]))), rejected=happening[1])
        for number, happening in enumerate(happened)
    ]
    dock.hear(a_place())

    dock.hear(*data.draw(st.permutations(messages)))

    assert dock.waiting == []
    check_the_dock(dock)
