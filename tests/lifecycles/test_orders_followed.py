"""What else of a changed order the dock and assets follow: software, consumables, cancellations, orders said again."""

from decimal import Decimal
from itertools import permutations

from libs.contracts.assets import (
    AllocateEntitlement,
    EntitlementChanged,
    LotReduced,
)
from libs.contracts.message import Message
from libs.contracts.receiving import LineToReceive, RecordReceipt
from libs.contracts.values import AssetCreation, Destination, DestinationKind, Kind
from services.assets.asset import Asset
from services.assets.entitlement import Entitlement, EntitlementStatus
from services.assets.lot import Lot, LotStatus
from services.assets.ordered_line import FollowedOrder
from services.receiving.expectation import ExpectedOrder
from tests.builders_amended import Buyer, a_dock, a_store, on_order_in, the_expected, the_line, to_come_at
from tests.builders_dock import (
    LINE,
    ORDER,
    REQUEST,
    SITE,
    SPACE,
    House,
    a_cancellation,
    a_delivery,
    a_unit,
    an_order,
    an_ordered_line,
    goods_said,
    units,
)

# Software and consumables


def the_entitlement(store: House) -> Entitlement:
    (found,) = store.all(Entitlement)
    assert isinstance(found, Entitlement)
    return found


def software(quantity: int) -> Message:
    return an_order(an_ordered_line(quantity, kind=Kind.SOFTWARE, sku="CAD", metric="named user"))


def test_an_entitlement_follows_its_line_up_and_down_and_keeps_its_metric() -> None:
    store, buyer = a_store(), Buyer(3)

    store.hear(software(3), buyer.amend(5), buyer.amend(2))

    kept = the_entitlement(store)
    assert (kept.quantity, kept.metric, kept.status) == (2, "named user", EntitlementStatus.ACTIVE)
    assert the_line(store).kept == 2
    changes = [said.quantity for said in store.said if isinstance(said, EntitlementChanged)]
    assert changes == [5, 2]


def test_a_reduction_leaves_what_somebody_was_given() -> None:
    store, buyer = a_store(), Buyer(3)
    store.hear(software(3))
    used = AllocateEntitlement(
        entitlement_id=the_entitlement(store).id,
        holder=Destination(kind=DestinationKind.PERSON, name="person-1"),
        quantity=2,
        request_id=REQUEST,
    )
    store.hear(used)

    store.hear(buyer.amend(1))

    assert the_entitlement(store).quantity == the_line(store).kept == 2


def test_a_cancelled_entitlement_is_there_again_when_more_is_ordered() -> None:
    store, buyer = a_store(), Buyer(2)

    store.hear(software(2), buyer.cancel(2), buyer.amend(3))

    assert (the_entitlement(store).quantity, the_entitlement(store).status) == (1, EntitlementStatus.ACTIVE)


def test_a_lot_follows_its_line() -> None:
    store, buyer = a_store(), Buyer(10)
    paper = an_ordered_line(10, kind=Kind.CONSUMABLE, sku="PAPER")

    store.hear(an_order(paper), buyer.amend(15, price=Decimal(3)), buyer.cancel(15), buyer.amend(20))

    (found,) = store.all(Lot)
    assert (found.on_order, found.cost, found.status) == (5, Decimal(3), LotStatus.ON_ORDER)
    assert [said.on_order for said in store.said if isinstance(said, LotReduced)] == [15, 0, 5]


def test_a_quantity_of_an_amended_line_is_received() -> None:
    dock, store, buyer = a_dock(), a_store(), Buyer(2)
    paper = an_order(an_ordered_line(2, kind=Kind.CONSUMABLE, sku="PAPER"))
    amended = buyer.amend(5)
    taken = LineToReceive(order_line_id=LINE, quantity=4, location=SITE, storage_space=SPACE)
    dock.hear(paper, amended, RecordReceipt(order_id=ORDER, lines=(taken,)))

    store.hear(paper, *goods_said(dock), amended)

    (found,) = store.all(Lot)
    assert (found.on_order, found.received) == (1, 4)


def test_units_of_a_line_that_makes_its_assets_on_receipt_are_counted() -> None:
    dock, store, buyer = a_dock(), a_store(), Buyer(1)
    ordered = an_order(an_ordered_line(1, asset_creation=AssetCreation.ON_RECEIPT))
    amended = buyer.amend(3)
    dock.hear(ordered, amended, a_delivery(*units("S-1", "S-2")))

    store.hear(ordered, *goods_said(dock), amended)

    assert (the_line(store).kept, the_line(store).open) == (2, 1)
    assert len(store.all(Asset)) == 2


# Cancellations told with what was asked


def test_what_was_asked_counts_and_not_what_was_left_of_it() -> None:
    dock = a_dock()
    told = Buyer(3).cancel(2)
    less = told.model_copy(update={"lines": (told.lines[0].model_copy(update={"cancelled": 1}),)})

    dock.hear(an_order(an_ordered_line(3)), less)

    assert the_expected(dock).asked == 2


def test_a_cancellation_that_does_not_say_what_was_asked_counts_as_before() -> None:
    dock = a_dock()

    dock.hear(an_order(an_ordered_line(3)), a_cancellation(2))

    assert the_expected(dock).asked == 2


# Orders said again


def test_an_order_that_was_not_known_is_expected_as_it_stands() -> None:
    dock, store, buyer = a_dock(), a_store(), Buyer(3)
    for _ in (buyer.amend(5), buyer.cancel(1)):
        pass
    announced = buyer.announce(an_ordered_line(3), kept=1)

    for house in (dock, store):
        house.hear(announced)

    assert to_come_at(dock) == {2, 3, 4}
    # What arrived is for the dock to tell.
    assert on_order_in(store) == {1, 2, 3, 4}


def test_an_order_that_was_announced_ignores_what_the_announcement_told_already() -> None:
    buyer = Buyer(3)
    facts = [an_order(an_ordered_line(3)), buyer.amend(5), buyer.cancel(1), buyer.amend(4)]
    announced = buyer.announce(an_ordered_line(3))
    for made in (a_dock, a_store):
        for shuffled in permutations(facts):
            house = made()

            house.hear(announced, *shuffled)

            assert not house.waiting
            assert to_come_at(house) | on_order_in(house) == {1, 2, 3}


def test_an_order_that_is_known_is_brought_up_to_date() -> None:
    buyer = Buyer(3)
    buyer.amend(5)
    announced = buyer.announce(an_ordered_line(3))
    for made in (a_dock, a_store):
        house = made()
        house.hear(an_order(an_ordered_line(3)))

        house.hear(announced)

        assert to_come_at(house) | on_order_in(house) == {1, 2, 3, 4, 5}


def test_copies_tell_how_new_they_are() -> None:
    dock, store, buyer = a_dock(), a_store(), Buyer(3)
    amended = buyer.amend(4)

    for house in (dock, store):
        house.hear(an_order(an_ordered_line(3)), sequence=3)
        house.hear(amended, sequence=5)

    assert [order.sequence for order in dock.all(ExpectedOrder)] == [5]
    assert [order.sequence for order in store.all(FollowedOrder)] == [5]


# Orders of several requests


def test_each_line_of_a_shared_order_is_received_for_its_own_request() -> None:
    dock = a_dock()
    shared = an_order(an_ordered_line(1, request_id=REQUEST)).model_copy(update={"request_id": None})

    dock.hear(shared, a_delivery(a_unit()))

    (said,) = goods_said(dock)
    assert (said.request_id, said.lines[0].request_id) == (None, REQUEST)


def test_a_shared_orders_assets_belong_to_each_lines_request() -> None:
    store = a_store()
    shared = an_order(an_ordered_line(1, request_id=REQUEST)).model_copy(update={"request_id": None})

    store.hear(shared)

    assert the_line(store).request_id == REQUEST


def test_an_order_is_found_by_its_purchase_order_number() -> None:
    dock = a_dock()
    dock.hear(an_order(an_ordered_line(1)).model_copy(update={"purchase_order_number": "PO-7"}))

    ended = dock.hear(a_delivery(a_unit(), order_id=None, purchase_order_number="PO-7"))

    assert ended.verdict == "accepted"
