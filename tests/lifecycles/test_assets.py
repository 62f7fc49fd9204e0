"""Assets from the order to the shelf: templates, their arrival and their cancellation."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from libs.chassis.decision import Decision, Records
from libs.contracts.assets import (
    AssetsReceived,
    StockedUnit,
    TaggedUnit,
    TemplateAssetsCancelled,
    TemplateAssetsCreated,
)
from libs.contracts.receiving import goods_id_of
from libs.contracts.values import AssetCreation, Kind, asset_id_of
from services.assets import arrival, asset, handover
from services.assets.arrival import TakenGoods
from services.assets.asset import Asset, Status, order
from services.assets.label import Label
from services.assets.ordered_line import OrderedLine
from services.assets.stock import InventoryTransaction, Movement
from tests.builders_dock import (
    LINE,
    NOON,
    ORDER,
    RECEIPT,
    RECEIPT_LINE,
    REQUEST,
    SITE,
    SPACE,
    House,
    a_cancellation,
    a_cause,
    an_order,
    an_ordered_line,
    assignment,
    content,
    goods,
    one,
    statuses,
    unit,
)


def a_house() -> House:
    return House(asset.HANDLERS, arrival.HANDLERS, handover.HANDLERS)


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
    vendor_name="Vendor 01",
    ordered=2,
    units_made=2,
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
    assert content(ended.decision.save) == content(
        [
            replace(KNOWN_LINE, kept=1),
            in_stock,
            moved,
            TakenGoods(id=goods_id_of(RECEIPT, 1), receipt_id=RECEIPT),
        ]
    )
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


def test_what_a_new_dock_takes_for_a_unit_that_is_here_is_the_lowest_unit_to_come() -> None:
    house = a_house()
    house.hear(an_order(an_ordered_line(4)), goods(unit(3)))
    later = goods(unit(2, serial="S-8"), unit(3, serial="S-9", tag="OURS-9"))

    house.hear(later.model_copy(update={"receipt_id": UUID(int=2)}))

    here = {n: one(house, n).serial for n in range(1, 5) if one(house, n).status is Status.IN_STOCK}
    assert here == {1: "S-9", 2: "S-8", 3: "S-3"}
    assert (one(house, 1).tag, figures(house)) == ("OURS-9", (3, 0, 1))


def test_an_asset_made_on_receipt_exists_from_its_receipt_on() -> None:
    on_receipt = AssetCreation.ON_RECEIPT
    house = a_house()
    ordered = house.hear(an_order(an_ordered_line(2, asset_creation=on_receipt)))
    assert (list(ordered.decision.publish), statuses(house)) == ([], {})

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

    house.hear(goods(unit(1), accepted=2, asset_creation=AssetCreation.NEVER), a_cancellation(1))

    assert (statuses(house), house.totals) == ({}, {})
    assert figures(house) == (2, 1, 0)


def test_a_unit_without_a_template_where_there_must_be_one_is_a_bug() -> None:
    house = a_house()
    house.hear(an_order(A_LINE))

    with pytest.raises(RuntimeError, match="has no template"):
        house.hear(goods(unit(3), asset_creation=AssetCreation.ON_RECEIPT))


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
