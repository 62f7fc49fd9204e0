"""Consumables: a lot per order line, received into storage spaces and issued out of them."""

from collections import Counter
from dataclasses import replace
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.contracts.assets import IssueStock, LotCreated, LotReceived, LotReduced, StockIssued
from libs.contracts.message import Message
from libs.contracts.purchasing import OrderedLine as Ordered
from libs.contracts.receiving import GoodsReceived, ReceivedLine
from libs.contracts.values import AssetCreation, Destination, DestinationKind, Kind, derived_id
from services.assets import arrival, asset, issuing, location
from services.assets.issuing import StockIssue
from services.assets.lot import TRANSITIONS, Lot, LotStatus, LotStock, lot_id_of
from services.assets.ordered_line import OrderedLine
from services.assets.stock import InventoryTransaction, Movement
from tests.builders_dock import (
    LINE,
    ORDER,
    REQUEST,
    SITE,
    House,
    a_cancellation,
    an_order,
    an_ordered_line,
)

LOT = lot_id_of(LINE)
PERSON = Destination(kind=DestinationKind.PERSON, name="person-1")
STOCK = Destination(kind=DestinationKind.STOCK)


def paper(quantity: int = 10, **changes: Any) -> Ordered:
    values: dict[str, Any] = {"kind": Kind.CONSUMABLE, "sku": "PAPER", "name": "Paper", "warranty_months": 0}
    return an_ordered_line(quantity, **values | changes)


def a_house(**changes: Any) -> House:
    """Assets, after ten packs of paper were ordered."""
    house = House(asset.HANDLERS, arrival.HANDLERS, issuing.HANDLERS, location.HANDLERS)
    house.hear(an_order(paper(**changes)))
    return house


def a_receipt(quantity: int, space: str = "A-01", name: object = 1, rejected: int = 0) -> GoodsReceived:
    """So many packs were put into a space."""
    line = ReceivedLine(
        receipt_line_id=derived_id("test-receipt-line", name),
        order_line_id=LINE,
        request_line_id=None,
        sku="PAPER",
        accepted=quantity,
        rejected=rejected,
        location=SITE if quantity else None,
        storage_space=space if quantity else None,
    )
    return GoodsReceived(
        receipt_id=derived_id("test-receipt", name),
        receipt_number="RCV-000001",
        order_id=ORDER,
        request_id=REQUEST,
        received_by="dock",
        lines=(line,),
    )


def an_issue(quantity: int = 1, **changes: Any) -> IssueStock:
    """So many packs are given to somebody."""
    values: dict[str, Any] = {"lot_id": LOT, "quantity": quantity, "to": PERSON, "request_id": REQUEST}
    return IssueStock(**values | changes)


def the_lot(house: House) -> Lot:
    (found,) = house.all(Lot)
    assert isinstance(found, Lot)
    return found


def spaces(house: House) -> dict[str, int]:
    return {stock.storage_space: stock.quantity for stock in house.all(LotStock)}


def test_a_consumable_that_was_ordered_is_a_lot_on_order() -> None:
    house = a_house()

    made = the_lot(house)
    assert (made.status, made.on_order, made.in_stock) == (LotStatus.ON_ORDER, 10, 0)
    assert (made.vendor_name, made.requisition_number) == ("Vendor 01", "PR-000001")
    assert house.said == [
        LotCreated(
            lot_id=LOT,
            order_line_id=LINE,
            order_id=ORDER,
            request_id=REQUEST,
            request_line_id=paper().request_line_id,
            quantity=10,
        )
    ]


def test_a_lot_is_received_in_parts_into_several_spaces() -> None:
    house = a_house()

    house.hear(a_receipt(4), a_receipt(3, "A-02", name=2), a_receipt(2, name=3, rejected=1))

    assert (the_lot(house).status, the_lot(house).received, the_lot(house).on_order) == (
        LotStatus.IN_STOCK,
        9,
        1,
    )
    assert spaces(house) == {"A-01": 6, "A-02": 3}
    assert {balance.storage_space: balance.quantity for balance in house.totals.values()} == spaces(house)
    assert house.said[1] == LotReceived(
        lot_id=LOT,
        order_line_id=LINE,
        order_id=ORDER,
        request_id=REQUEST,
        request_line_id=paper().request_line_id,
        receipt_id=derived_id("test-receipt", 1),
        quantity=4,
    )
    moves = house.all(InventoryTransaction)
    assert {(move.movement, move.lot_id, move.asset_id) for move in moves} == {(Movement.RECEIVED, LOT, None)}


def test_rejected_packs_leave_the_lot_as_it_is() -> None:
    house = a_house()
    before = the_lot(house)

    house.hear(a_receipt(0, rejected=3))

    assert the_lot(house) == before


def test_packs_are_issued_out_of_one_space_after_the_other() -> None:
    house = a_house()
    house.hear(a_receipt(4), a_receipt(3, "A-02", name=2))

    ended = house.hear(an_issue(5))

    (given_out,) = house.all(StockIssue)
    assert ended.decision.answer == {"issue_id": str(given_out.id), "lot_id": str(LOT), "quantity": 5}
    assert house.said[-1] == StockIssued(
        issue_id=given_out.id,
        lot_id=LOT,
        order_line_id=LINE,
        request_id=REQUEST,
        request_line_id=paper().request_line_id,
        quantity=5,
        to=PERSON,
    )
    assert spaces(house) == {"A-01": 0, "A-02": 2}
    out = house.all(InventoryTransaction, movement=Movement.ISSUED)
    assert {(move.storage_space, move.change, move.issue_id) for move in out} == {
        ("A-01", -4, given_out.id),
        ("A-02", -1, given_out.id),
    }
    assert the_lot(house).in_stock == 2


def test_the_same_issue_again_gets_the_first_answer() -> None:
    house = a_house()
    house.hear(a_receipt(4))
    issue = an_issue(4, issue_id=UUID(int=5))
    first = house.hear(issue)

    again = house.hear(issue)

    assert (again.verdict, again.decision.answer) == ("duplicate", first.decision.answer)
    assert house.hear(an_issue(1, issue_id=UUID(int=5))).code == "issue_id_reused"
    assert the_lot(house).issued == 4


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"quantity": 5}, ("stock_exceeded", "quantity")),
        ({"lot_id": UUID(int=9)}, ("lot_unknown", "lot_id")),
        ({"request_id": UUID(int=9)}, ("lot_for_other_request", "request_id")),
        ({"request_id": None}, ("lot_for_other_request", "request_id")),
        (
            {"to": Destination(kind=DestinationKind.LOCATION, name="NOWHERE")},
            ("location_unknown", "to.name"),
        ),
    ],
)
def test_what_cannot_be_issued_is_refused(changes: dict[str, Any], refusal: tuple[str, str]) -> None:
    house = a_house()
    house.hear(a_receipt(4))

    ended = house.hear(an_issue(**changes))

    assert ended.rejection is not None
    assert (ended.code, ended.rejection.field) == refusal
    assert spaces(house) == {"A-01": 4}


def test_what_was_ordered_for_stock_is_issued_to_whoever_needs_it() -> None:
    house = a_house(destination=STOCK)
    house.hear(a_receipt(4))

    assert house.hear(an_issue(request_id=None)).verdict == "accepted"


def test_a_lot_of_which_nothing_came_is_cancelled_with_its_order() -> None:
    house = a_house()

    house.hear(a_cancellation(4), a_cancellation(10), a_cancellation(4))

    assert the_lot(house).status is LotStatus.CANCELLED
    assert [said.on_order for said in house.said if isinstance(said, LotReduced)] == [6, 0]


def test_the_dock_wins_over_a_cancellation() -> None:
    house = a_house()

    house.hear(a_cancellation(10), a_receipt(3))

    (line,) = house.all(OrderedLine)
    assert (the_lot(house).status, the_lot(house).in_stock) == (LotStatus.IN_STOCK, 3)
    assert (line.kept, line.cancelled, line.open, the_lot(house).on_order) == (3, 7, 0, 0)


def test_a_lot_is_used_up_once_nothing_is_left_and_nothing_is_to_come() -> None:
    house = a_house()
    seen = []

    for message in (a_receipt(4), an_issue(4), a_cancellation(6), a_receipt(1, name=2), an_issue(1)):
        house.hear(message)
        seen.append(the_lot(house).status)

    assert seen == [
        LotStatus.IN_STOCK,
        LotStatus.ON_ORDER,
        LotStatus.USED_UP,
        LotStatus.IN_STOCK,
        LotStatus.USED_UP,
    ]


@pytest.mark.parametrize(
    ("creation", "lots"),
    [
        (AssetCreation.ON_SUBMISSION, [1, 1]),
        (AssetCreation.ON_RECEIPT, [0, 1]),
        (AssetCreation.NEVER, [0, 0]),
    ],
)
def test_a_lot_is_made_on_submission_or_on_receipt_or_never(creation: AssetCreation, lots: list[int]) -> None:
    house = a_house(asset_creation=creation)
    seen = [len(house.all(Lot))]

    house.hear(a_cancellation(1), a_receipt(4))

    assert [*seen, len(house.all(Lot))] == lots
    assert [line.kept for line in house.all(OrderedLine)] == [4]


@pytest.mark.parametrize(("before", "after"), list(product(LotStatus, LotStatus)))
def test_a_lot_goes_only_the_listed_ways(before: LotStatus, after: LotStatus) -> None:
    found = replace(the_lot(a_house()), status=before)

    if after in TRANSITIONS[before]:
        assert found.become(after).status is after
    else:
        with pytest.raises(RuntimeError, match="cannot become"):
            found.become(after)


def check(house: House) -> None:
    """Laws 3 and 4: on order = open, received = kept, spaces = the lot = the ledger = the balance."""
    lines = {line.id: line for line in house.all(OrderedLine)}
    for each in house.all(Lot):
        line = lines[each.order_line_id]
        assert (each.on_order, each.received) == (line.open, line.kept)
        moves = house.all(InventoryTransaction, lot_id=each.id)
        ledger = Counter[str]()
        for move in moves:
            ledger[move.storage_space] += move.change
        assert +Counter(spaces(house)) == +ledger
        assert each.in_stock == sum(spaces(house).values()) >= 0
        assert sum(issue.quantity for issue in house.all(StockIssue)) == each.issued
    totals = Counter({total.storage_space: total.quantity for total in house.totals.values()})
    assert +totals == +Counter(spaces(house))


HAPPENINGS = st.lists(
    st.one_of(
        st.tuples(st.just("receive"), st.integers(0, 6), st.sampled_from(["A-01", "A-02"])),
        st.tuples(st.just("issue"), st.integers(1, 6), st.just("")),
        st.tuples(st.just("cancel"), st.integers(1, 12), st.just("")),
    ),
    max_size=9,
)


@settings(max_examples=300, deadline=None)
@given(HAPPENINGS, st.data())
def test_lots_add_up_whatever_happens_in_whatever_order(
    happened: list[tuple[str, int, str]], data: st.DataObject
) -> None:
    house = House(asset.HANDLERS, arrival.HANDLERS, issuing.HANDLERS, location.HANDLERS)
    told: list[Message] = [an_order(paper(12))]
    for number, (what, quantity, space) in enumerate(happened):
        if what == "receive":
            told.append(a_receipt(quantity, space, name=number, rejected=1))
        elif what == "issue":
            told.append(an_issue(quantity, issue_id=UUID(int=number % 4 + 1)))
        else:
            told.append(a_cancellation(quantity))

    for message in data.draw(st.permutations(told)):
        house.hear(message)
        check(house)

    assert house.waiting == []
    kept = sum(quantity for what, quantity, _ in happened if what == "receive")
    assert the_lot(house).received == kept


MESSAGES: tuple[Message, ...] = (
    an_order(paper()),
    a_receipt(2, name="more"),
    a_receipt(0, name="none", rejected=1),
    a_cancellation(3),
    a_cancellation(10),
    an_issue(1),
)

LIVES: dict[LotStatus, tuple[Message, ...]] = {
    LotStatus.ON_ORDER: (),
    LotStatus.IN_STOCK: (a_receipt(4),),
    LotStatus.USED_UP: (a_receipt(4), an_issue(4), a_cancellation(6)),
    LotStatus.CANCELLED: (a_cancellation(10),),
}


@pytest.mark.parametrize("status", LotStatus)
@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_every_message_in_every_status_takes_a_listed_way_or_none(
    status: LotStatus, message: Message
) -> None:
    house = a_house()
    house.hear(*LIVES[status])
    assert the_lot(house).status is status

    ended = house.hear(message)
    after = the_lot(house).status

    assert after is status or after in TRANSITIONS[status]
    assert (ended.verdict == "rejected") == (
        isinstance(message, IssueStock) and status is not LotStatus.IN_STOCK
    )
    check(house)
