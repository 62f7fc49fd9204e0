"""Which ways an asset's status goes: every message in every status, and whole lives."""

from dataclasses import replace
from itertools import product
from typing import Any
from uuid import UUID

import pytest

from libs.contracts.assets import AcknowledgeHandover, AssignAssets
from libs.contracts.message import Message
from services.assets import amendment, arrival, asset, handover, on_the_way, taking_back
from services.assets.asset import TRANSITIONS, Asset, Status
from tests.builders_amended import Buyer
from tests.builders_dock import (
    House,
    a_cancellation,
    an_order,
    an_ordered_line,
    assignment,
    goods,
    one,
    statuses,
    unit,
)
from tests.builders_taking_back import a_receipt, on_its_way, sent_back, taken_back


def a_house() -> House:
    return House(*HANDLERS)


HANDLERS = (
    asset.HANDLERS,
    arrival.HANDLERS,
    taking_back.HANDLERS,
    on_the_way.HANDLERS,
    amendment.HANDLERS,
    handover.HANDLERS,
)


A_LINE = an_ordered_line(2)


@pytest.mark.parametrize(("before", "after"), list(product(Status, Status)))
def test_an_asset_goes_only_the_listed_ways(before: Status, after: Status) -> None:
    house = a_house()
    house.hear(an_order(A_LINE))
    found = replace(one(house, 1), status=before)

    if after in TRANSITIONS[before]:
        assert found.become(after).status is after
    else:
        with pytest.raises(RuntimeError, match="cannot become"):
            found.become(after)


def a_house_with(status: Status) -> House:
    """A line of two whose first unit is in this status, however it came there."""
    house = a_house()
    house.hear(an_order(A_LINE))
    if status is Status.IN_STOCK:
        house.hear(goods(unit(1)))
        return house
    found = replace(one(house, 1), status=status)
    house.records[Asset][found.id] = found
    return house


FACTS: tuple[Message, ...] = (
    an_order(A_LINE),
    goods(unit(1)),
    goods(unit(1, tag="LABEL-1"), unit(2)),
    a_cancellation(1),
    a_cancellation(2),
    Buyer(2).amend(1),
    Buyer(2).amend(3),
    Buyer(2).announce(A_LINE),
    taken_back(1),
    taken_back(2, 1),
    sent_back(1),
    sent_back(1, purpose="credit"),
    on_its_way(1),
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
    heard = {row.on for rows in HANDLERS for row in rows}

    assert heard == {*map(type, FACTS), AssignAssets, AcknowledgeHandover}


def lives() -> tuple[tuple[Message, ...], ...]:
    """Whole lives of the units of a line: each listed step is in one of them."""
    buyers = Buyer(4), Buyer(4)
    return (
        (
            an_order(an_ordered_line(4)),
            *(goods(unit(1)), assignment(1), buyers[0].cancel(2), goods(unit(3)), assignment(3)),
            # Unit 3 stood for unit 2, which is wanted again; so of the two new ones only one is to come.
            buyers[0].amend(6),
        ),
        (
            an_order(an_ordered_line(4)),
            *(goods(unit(1)), buyers[1].cancel(2), goods(unit(3)), on_its_way(1), buyers[1].amend(6)),
        ),
        (
            an_order(A_LINE),
            *(a_receipt(1, unit(1)), taken_back(1, name=1)),
            *(a_receipt(2, unit(1)), assignment(1), taken_back(1, name=2), on_its_way(1)),
            *(a_receipt(3, unit(1)), taken_back(1, name=3)),
            *(a_receipt(4, unit(1)), assignment(1), taken_back(1, name=4), a_cancellation(2)),
            *(a_receipt(5, unit(1)), taken_back(1, name=5)),
            *(a_receipt(6, unit(1)), assignment(1), taken_back(1, name=6)),
        ),
        (
            an_order(A_LINE),
            *(goods(unit(1), unit(2), unit(-1)), sent_back(1, purpose="credit", credited=0)),
            *(taken_back(-1), a_receipt(1, unit(1)), a_receipt(2, unit(-2))),
            *(sent_back(1, purpose="credit", credited=0, name=2), on_its_way(1), taken_back(-2, name=2)),
            *(a_receipt(3, unit(1)), assignment(1), sent_back(1, purpose="credit", name=3)),
            a_receipt(4, unit(1)),
        ),
    )


def test_whole_lives_go_every_listed_way() -> None:
    walked: set[tuple[Status | None, Status]] = set()
    for life in lives():
        house = a_house()
        before: dict[int, Status] = {}
        for message in life:
            assert house.hear(message).verdict == "accepted"
            walked |= {(before.get(number), status) for number, status in statuses(house).items()}
            before = statuses(house)

    steps = {(was, now) for was, now in walked if was is not now}
    listed = {(was, now) for was, ways in TRANSITIONS.items() for now in ways}
    begun = {(None, Status.ON_ORDER), (None, Status.CANCELLED), (None, Status.IN_STOCK)}
    assert steps == begun | listed
