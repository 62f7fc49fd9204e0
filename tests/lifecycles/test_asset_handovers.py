"""Handing assets over: all of them or none, and out of the space they were in."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from libs.chassis.decision import Decision
from libs.contracts.assets import AssetsAssigned, AssignAssets, DefineLocation
from libs.contracts.values import Destination, DestinationKind, asset_id_of
from services.assets import arrival, asset, handover, location
from services.assets.asset import Status
from services.assets.handover import Handover
from services.assets.stock import InventoryTransaction, Movement
from tests.builders_dock import (
    LINE,
    NOON,
    REQUEST,
    SITE,
    SPACE,
    House,
    a_cause,
    an_order,
    an_ordered_line,
    assignment,
    goods,
    one,
    statuses,
    unit,
)


def a_house() -> House:
    return House(asset.HANDLERS, arrival.HANDLERS, handover.HANDLERS, location.HANDLERS)


def quantities(house: House) -> dict[str, int]:
    return {balance.storage_space: balance.quantity for balance in house.totals.values()}


A_LINE = an_ordered_line(2)


def test_assigned_assets_are_with_their_person_and_out_of_their_space() -> None:
    house = a_house()
    house.hear(an_order(A_LINE), goods(unit(1), unit(2)))

    ended = house.hear(assignment(1, 2))

    handover_id = a_cause(3).id("handover")
    assert house.all(Handover) == [
        Handover(
            id=handover_id,
            version=1,
            holder_kind=DestinationKind.PERSON,
            holder="person-1",
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
            to=Destination(kind=DestinationKind.PERSON, name="person-1"),
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


@pytest.mark.parametrize("other", [None, uuid4()])
def test_what_was_ordered_for_a_request_is_handed_over_for_no_other(other: UUID | None) -> None:
    house = a_house()
    house.hear(an_order(A_LINE), goods(unit(1), unit(2)))

    refused = house.hear(assignment(1, 2).model_copy(update={"request_id": other}))

    assert refused.rejection is not None
    assert (refused.rejection.code, refused.rejection.field) == ("asset_for_other_request", "asset_ids[0]")
    assert one(house, 1).status is Status.IN_STOCK


def test_what_was_ordered_for_stock_is_handed_over_for_anybody() -> None:
    house = a_house()
    house.hear(an_order(A_LINE).model_copy(update={"request_id": None}), goods(unit(1), unit(2)))

    ended = house.hear(assignment(1, 2).model_copy(update={"request_id": None}))

    assert ended.verdict == "accepted"
    assert one(house, 1).status is Status.ASSIGNED


def to(kind: DestinationKind, name: str = SITE) -> AssignAssets:
    return AssignAssets(
        to=Destination(kind=kind, name=name), request_id=REQUEST, asset_ids=(asset_id_of(LINE, 1),)
    )


@pytest.mark.parametrize(
    ("kind", "whereabouts"),
    [
        (DestinationKind.PERSON, (SITE, None, None)),
        (DestinationKind.LOCATION, (None, SITE, None)),
        (DestinationKind.FINANCIAL_OWNER, (None, None, SITE)),
    ],
)
def test_an_asset_is_given_to_a_person_a_location_or_a_financial_owner(
    kind: DestinationKind, whereabouts: tuple[str | None, ...]
) -> None:
    house = a_house()
    house.hear(DefineLocation(code=SITE, name="Site", storage_spaces=(SPACE,)))
    house.hear(an_order(A_LINE), goods(unit(1)))

    first = house.hear(to(kind))
    again = house.hear(to(kind))

    asset = one(house, 1)
    assert (asset.status, asset.storage_space) == (Status.ASSIGNED, None)
    assert (asset.custodian, asset.location, asset.financial_owner) == whereabouts
    (said,) = [message for message in house.said if isinstance(message, AssetsAssigned)]
    assert said.to == to(kind).to
    assert said.person == whereabouts[0]
    assert (again.verdict, again.decision.answer) == ("duplicate", first.decision.answer)
    assert house.hear(to(kind, "person-9")).code == "asset_not_in_stock"


def test_nothing_is_given_to_a_location_that_does_not_exist() -> None:
    house = a_house()
    house.hear(an_order(A_LINE), goods(unit(1)))

    ended = house.hear(to(DestinationKind.LOCATION))

    assert ended.rejection is not None
    assert (ended.code, ended.rejection.field) == ("location_unknown", "to.name")


@pytest.mark.parametrize("who", [{}, {"person": "person-1", "to": to(DestinationKind.PERSON).to}])
def test_an_assignment_says_once_to_whom(who: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="either person or to"):
        AssignAssets(**who, asset_ids=(asset_id_of(LINE, 1),))


def test_what_was_requested_for_stock_is_handed_over_for_anybody() -> None:
    house = a_house()
    for_stock = A_LINE.model_copy(update={"destination": Destination(kind=DestinationKind.STOCK)})
    house.hear(an_order(for_stock), goods(unit(1)))

    ended = house.hear(assignment(1, request_id=None))

    assert ended.verdict == "accepted"
