"""Assets from the order to somebody's hands: which ways they go, and what each decision saves and says."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.chassis.decision import Decision, Records
from libs.contracts.assets import (
    AssetsAssigned,
    AssetsReceived,
    AssignAssets,
    StockedUnit,
    TaggedUnit,
    TemplateAssetsCancelled,
    TemplateAssetsCreated,
)
from libs.contracts.message import Message
from libs.contracts.receiving import Condition, GoodsReceived, ReceivedLine, ReceivedUnit
from libs.contracts.values import AssetCreation, Kind, asset_id_of
from services.assets import asset, handover
from services.assets.asset import TRANSITIONS, Asset, Label, Status, order
from services.assets.handover import Handover
from services.assets.ordered_line import OrderedLine
from services.assets.stock import InventoryTransaction, Movement
from tests.builders_dock import (
    LINE,
    NOON,
    ORDER,
    REQUEST,
    SITE,
    SPACE,
    House,
    a_cancellation,
    a_cause,
    an_order,
    an_ordered_line,
    content,
)

RECEIPT, RECEIPT_LINE = UUID(int=11), UUID(int=12)


def a_house() -> House:
    return House(asset.HANDLERS, handover.HANDLERS)


def unit(number: int, **changes: Any) -> ReceivedUnit:
    values: dict[str, Any] = {
        "asset_id": asset_id_of(LINE, number),
        "unit_number": number,
        "serial": f"S-{number}",
        "condition": Condition.NEW,
        "location": SITE,
        "storage_space": SPACE,
    }
    return ReceivedUnit(**values | changes)


def goods(*units: ReceivedUnit, accepted: int | None = None, **changes: Any) -> GoodsReceived:
    line = ReceivedLine(
        receipt_line_id=RECEIPT_LINE,
        order_line_id=LINE,
        request_line_id=None,
        sku="LAPTOP-14",
        accepted=len(units) if accepted is None else accepted,
        rejected=0,
        units=units,
        **changes,
    )
    return GoodsReceived(
        receipt_id=RECEIPT,
        receipt_number="RCV-000001",
        order_id=ORDER,
        request_id=REQUEST,
        received_by="dock",
        lines=(line,),
    )


def assignment(*numbers: int, person: str = "person-1", request_id: UUID | None = REQUEST) -> AssignAssets:
    ids = tuple(asset_id_of(LINE, number) for number in numbers)
    return AssignAssets(person=person, request_id=request_id, asset_ids=ids)


def statuses(house: House) -> dict[int, Status]:
    assets = sorted(house.all(Asset), key=lambda asset: asset.unit_number)
    return {asset.unit_number: asset.status for asset in assets}


def one(house: House, number: int) -> Asset:
    (found,) = house.all(Asset, unit_number=number)
    assert isinstance(found, Asset)
    return found


def figures(house: House) -> tuple[int, int, int]:
    (line,) = house.all(OrderedLine)
    return line.kept, line.cancelled, line.open


def quantities(house: House) -> dict[str, int]:
    return {balance.storage_space: balance.quantity for balance in house.totals.values()}


A_LINE = an_ordered_line(2)
KNOWN_LINE = OrderedLine(
    id=LINE,
    order_id=ORDER,
    requisition_number="PR-000001",
    request_id=REQUEST,
    request_line_id=A_LINE.request_line_id,
    sku="LAPTOP-14",
    name="Laptop 14",
    kind=Kind.HARDWARE,
    asset_creation=AssetCreation.ON_SUBMISSION,
    unit_price=Decimal("999.90"),
    currency="EUR",
    warranty_months=24,
    ordered=2,
)
TEMPLATE = Asset(
    id=asset_id_of(LINE, 1),
    order_line_id=LINE,
    unit_number=1,
    status=Status.ON_ORDER,
    sku="LAPTOP-14",
    issued_tag="QM-00000001",
    tag="QM-00000001",
    cost=Decimal("999.90"),
    currency="EUR",
)
SECOND_TEMPLATE = replace(
    TEMPLATE, id=asset_id_of(LINE, 2), unit_number=2, issued_tag="QM-00000002", tag="QM-00000002"
)


def test_each_unit_ordered_is_a_template_asset_with_its_tag() -> None:
    decision = order(an_order(A_LINE), Records(), a_cause())

    assert decision == Decision(
        save=[KNOWN_LINE, TEMPLATE, SECOND_TEMPLATE],
        publish=[
            TemplateAssetsCreated(
                order_line_id=LINE,
                order_id=ORDER,
                request_id=REQUEST,
                request_line_id=A_LINE.request_line_id,
                assets=(
                    TaggedUnit(asset_id=TEMPLATE.id, unit_number=1, tag="QM-00000001"),
                    TaggedUnit(asset_id=SECOND_TEMPLATE.id, unit_number=2, tag="QM-00000002"),
                ),
            )
        ],
    )


def test_a_received_unit_is_in_stock_under_the_id_it_was_ordered_with() -> None:
    house = a_house()
    house.hear(an_order(A_LINE))

    ended = house.hear(goods(unit(2)))

    in_stock = replace(
        SECOND_TEMPLATE,
        status=Status.IN_STOCK,
        serial="S-2",
        receipt_id=RECEIPT,
        receipt_line_id=RECEIPT_LINE,
        warranty_until=date(2028, 3, 31),
        location=SITE,
        storage_space=SPACE,
    )
    moved = InventoryTransaction(
        id=a_cause(2).id("transaction", 0),
        movement=Movement.RECEIVED,
        asset_id=in_stock.id,
        sku="LAPTOP-14",
        location=SITE,
        storage_space=SPACE,
        change=1,
        at=NOON,
        receipt_line_id=RECEIPT_LINE,
    )
    assert content(ended.decision.save) == content([replace(KNOWN_LINE, kept=1), in_stock, moved])
    assert ended.decision.publish == [
        AssetsReceived(
            order_line_id=LINE,
            order_id=ORDER,
            request_id=REQUEST,
            request_line_id=A_LINE.request_line_id,
            receipt_id=RECEIPT,
            assets=(StockedUnit(asset_id=in_stock.id, tag="QM-00000002", serial="S-2"),),
        )
    ]
    assert quantities(house) == {SPACE: 1}


def test_a_label_printed_elsewhere_replaces_the_tag_and_the_issued_one_stays_known() -> None:
    house = a_house()
    house.hear(an_order(A_LINE))

    house.hear(goods(unit(1, tag="LABEL-1")))

    assert (one(house, 1).tag, one(house, 1).issued_tag) == ("LABEL-1", "QM-00000001")
    (label,) = house.all(Label)
    assert (label.label, label.asset_id) == ("LABEL-1", TEMPLATE.id)


def test_a_label_that_is_on_another_asset_replaces_nothing() -> None:
    house = a_house()
    house.hear(an_order(A_LINE), goods(unit(1, tag="LABEL-1")))

    house.hear(goods(unit(2, tag="LABEL-1")))

    assert one(house, 2).tag == "QM-00000002"


def test_our_own_tag_replaces_nothing() -> None:
    house = a_house()
    house.hear(an_order(A_LINE))

    house.hear(goods(unit(1, tag="QM-00000002")))

    assert (one(house, 1).tag, house.all(Label)) == ("QM-00000001", [])


def test_a_cancellation_cancels_the_highest_numbered_templates() -> None:
    house = a_house()
    house.hear(an_order(an_ordered_line(3)))

    ended = house.hear(a_cancellation(2))

    assert statuses(house) == {1: Status.ON_ORDER, 2: Status.CANCELLED, 3: Status.CANCELLED}
    assert ended.decision.publish == [
        TemplateAssetsCancelled(
            order_line_id=LINE,
            order_id=ORDER,
            request_id=REQUEST,
            asset_ids=(asset_id_of(LINE, 2), asset_id_of(LINE, 3)),
        )
    ]


def test_a_cancelled_unit_that_turns_up_is_revived_with_the_same_id() -> None:
    house = a_house()
    house.hear(an_order(A_LINE), a_cancellation(2))

    house.hear(goods(unit(1)))

    assert statuses(house) == {1: Status.IN_STOCK, 2: Status.CANCELLED}
    assert figures(house) == (1, 1, 0)


def test_a_revived_unit_takes_the_place_of_the_highest_template() -> None:
    house = a_house()
    house.hear(an_order(an_ordered_line(3)), a_cancellation(1))

    ended = house.hear(goods(unit(3)))

    assert statuses(house) == {1: Status.ON_ORDER, 2: Status.CANCELLED, 3: Status.IN_STOCK}
    assert figures(house) == (1, 1, 1)
    assert [type(fact) for fact in ended.decision.publish] == [AssetsReceived, TemplateAssetsCancelled]


def test_an_older_cancellation_that_arrives_late_takes_nothing_back() -> None:
    house = a_house()
    house.hear(an_order(A_LINE), a_cancellation(2))

    house.hear(a_cancellation(1))

    assert figures(house) == (0, 2, 0)


def test_a_unit_that_has_arrived_does_not_arrive_again() -> None:
    house = a_house()
    house.hear(an_order(A_LINE), goods(unit(1)), assignment(1))

    ended = house.hear(goods(unit(1, serial="S-9")))

    assert (ended.decision.publish, one(house, 1).serial, figures(house)) == ([], "S-1", (1, 0, 1))


def test_an_asset_made_on_receipt_exists_from_its_receipt_on() -> None:
    on_receipt = AssetCreation.ON_RECEIPT
    house = a_house()
    ordered = house.hear(an_order(an_ordered_line(2, asset_creation=on_receipt)))
    assert (ordered.decision.publish, statuses(house)) == ([], {})

    house.hear(goods(unit(2), asset_creation=on_receipt))

    assert statuses(house) == {2: Status.IN_STOCK}
    assert (one(house, 2).id, one(house, 2).tag) == (asset_id_of(LINE, 2), "QM-00000001")
    assert figures(house) == (1, 0, 1)


@pytest.mark.parametrize(
    "changes", [{"asset_creation": AssetCreation.NEVER}, {"kind": Kind.CONSUMABLE}, {"kind": Kind.SERVICE}]
)
def test_what_makes_no_assets_is_only_counted(changes: dict[str, Any]) -> None:
    house = a_house()
    house.hear(an_order(an_ordered_line(3, **changes)))

    house.hear(goods(unit(1), accepted=2), a_cancellation(1))

    assert (statuses(house), house.totals) == ({}, {})
    assert figures(house) == (2, 1, 0)


def test_a_unit_without_a_template_where_there_must_be_one_is_a_bug() -> None:
    house = a_house()
    house.hear(an_order(A_LINE))

    with pytest.raises(RuntimeError, match="has no template"):
        house.hear(goods(unit(3)))


def test_an_order_that_is_known_already_changes_nothing() -> None:
    house = a_house()
    house.hear(an_order(A_LINE))

    ended = house.hear(an_order(A_LINE))

    assert ended.decision == Decision()


def test_no_fact_is_about_more_than_five_hundred_units() -> None:
    house = a_house()

    created = house.hear(an_order(an_ordered_line(1_200)))
    cancelled = house.hear(a_cancellation(1_200))

    sizes = [len(fact.assets) for fact in created.decision.publish if isinstance(fact, TemplateAssetsCreated)]
    assert sizes == [500, 500, 200]
    sizes = [len(f.asset_ids) for f in cancelled.decision.publish if isinstance(f, TemplateAssetsCancelled)]
    assert sizes == [500, 500, 200]


@pytest.mark.parametrize(
    ("months", "until"), [(0, None), (1, date(2026, 4, 30)), (9, date(2026, 12, 31)), (11, date(2027, 2, 28))]
)
def test_the_warranty_ends_so_many_months_after_the_receipt(months: int, until: date | None) -> None:
    house = a_house()
    house.hear(an_order(an_ordered_line(1, warranty_months=months)))

    house.hear(goods(unit(1)))  # on 31 March 2026

    assert one(house, 1).warranty_until == until


def test_assigned_assets_are_with_their_person_and_out_of_their_space() -> None:
    house = a_house()
    house.hear(an_order(A_LINE), goods(unit(1), unit(2)))

    ended = house.hear(assignment(1, 2))

    handover_id = a_cause(3).id("handover")
    assert house.all(Handover) == [
        Handover(
            id=handover_id,
            version=1,
            person="person-1",
            request_id=REQUEST,
            quantity=2,
            assigned_by="dock",
            assigned_at=NOON,
        )
    ]
    assert ended.decision.publish == [
        AssetsAssigned(
            handover_id=handover_id,
            person="person-1",
            request_id=REQUEST,
            asset_ids=(asset_id_of(LINE, 1), asset_id_of(LINE, 2)),
        )
    ]
    assert ended.decision.answer == {"handover_id": str(handover_id)}
    first = one(house, 1)
    assert (first.status, first.custodian, first.handover_id) == (Status.ASSIGNED, "person-1", handover_id)
    assert (first.location, first.storage_space) == (None, None)
    out = house.all(InventoryTransaction, movement=Movement.ASSIGNED)
    assert [(moved.change, moved.storage_space, moved.handover_id) for moved in out] == [
        (-1, SPACE, handover_id),
        (-1, SPACE, handover_id),
    ]
    assert quantities(house) == {SPACE: 0}


def test_an_asset_named_twice_is_assigned_once() -> None:
    house = a_house()
    house.hear(an_order(A_LINE), goods(unit(1)))

    ended = house.hear(assignment(1, 1))

    assert (ended.verdict, house.all(Handover)[0].quantity) == ("accepted", 1)


def test_the_same_assignment_again_gets_the_first_answer() -> None:
    house = a_house()
    house.hear(an_order(A_LINE), goods(unit(1), unit(2)))
    first = house.hear(assignment(1, 2))

    again = house.hear(assignment(2, 1))

    assert again.verdict == "duplicate"
    assert again.decision == Decision(duplicate=True, answer=first.decision.answer)


@pytest.mark.parametrize(
    "other", [assignment(1, person="person-2"), assignment(1, request_id=None), assignment(1, 2)]
)
def test_what_is_with_somebody_is_assigned_to_nobody_else(other: AssignAssets) -> None:
    house = a_house()
    house.hear(an_order(A_LINE), goods(unit(1), unit(2)), assignment(1))

    ended = house.hear(other)

    assert ended.rejection is not None
    assert (ended.code, ended.rejection.field) == ("asset_not_in_stock", "asset_ids[0]")


def test_all_are_assigned_or_none() -> None:
    house = a_house()
    house.hear(an_order(A_LINE), goods(unit(1)))

    ended = house.hear(assignment(1, 2))

    assert ended.rejection is not None
    assert (ended.code, ended.rejection.field) == ("asset_not_in_stock", "asset_ids[1]")
    assert statuses(house) == {1: Status.IN_STOCK, 2: Status.ON_ORDER}


def test_an_unknown_asset_is_not_assigned() -> None:
    house = a_house()

    ended = house.hear(AssignAssets(person="person-1", asset_ids=(uuid4(),)))

    assert ended.rejection is not None
    assert (ended.code, ended.rejection.field) == ("asset_unknown", "asset_ids[0]")


@pytest.mark.parametrize(("before", "after"), list(product(Status, Status)))
def test_an_asset_goes_only_the_listed_ways(before: Status, after: Status) -> None:
    found = replace(TEMPLATE, status=before)

    if after in TRANSITIONS[before]:
        assert found.become(after).status is after
    else:
        with pytest.raises(RuntimeError, match="cannot become"):
            found.become(after)


def a_house_with(status: Status) -> House:
    """A line of two whose first unit is in this status, however it came there."""
    house = a_house()
    house.hear(an_order(A_LINE))
    location, space = (SITE, SPACE) if status is Status.IN_STOCK else (None, None)
    found = replace(one(house, 1), status=status, location=location, storage_space=space)
    house.records[Asset][TEMPLATE.id] = found
    return house


FACTS: tuple[Message, ...] = (
    an_order(A_LINE),
    goods(unit(1)),
    goods(unit(1, tag="LABEL-1"), unit(2)),
    a_cancellation(1),
    a_cancellation(2),
)


@pytest.mark.parametrize(("status", "fact"), list(product(Status, FACTS)))
def test_no_fact_is_refused_in_any_status(status: Status, fact: Message) -> None:
    house = a_house_with(status)

    ended = house.hear(fact)

    assert ended.verdict == "accepted"
    now = one(house, 1).status
    assert now is status or now in TRANSITIONS[status]


@pytest.mark.parametrize("status", list(Status))
def test_only_what_is_in_stock_is_assigned(status: Status) -> None:
    house = a_house_with(status)
    house.totals = _one_in_stock()

    ended = house.hear(assignment(1))

    assert ended.verdict == ("accepted" if status is Status.IN_STOCK else "rejected")


def _one_in_stock() -> dict[UUID, Any]:
    house = a_house()
    house.hear(an_order(A_LINE), goods(unit(1)))
    return house.totals


def test_every_message_that_assets_obeys_or_hears_was_tried_in_every_status() -> None:
    heard = {row.on for row in (*asset.HANDLERS, *handover.HANDLERS)}

    assert heard == {*map(type, FACTS), AssignAssets}


def test_whole_lives_go_every_listed_way() -> None:
    walked: set[tuple[Status | None, Status]] = set()
    house = a_house()
    before: dict[int, Status] = {}
    for message in (
        an_order(an_ordered_line(3)),
        goods(unit(1)),
        assignment(1),
        a_cancellation(2),
        goods(unit(3)),
        assignment(3),
    ):
        house.hear(message)
        walked |= {(before.get(number), status) for number, status in statuses(house).items()}
        before = statuses(house)

    steps = {(was, now) for was, now in walked if was is not now}
    listed = {(was, now) for was, ways in TRANSITIONS.items() for now in ways}
    assert steps == {(None, Status.ON_ORDER), *listed}
