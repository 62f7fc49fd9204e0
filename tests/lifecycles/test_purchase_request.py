"""How a request comes in: priced, numbered, once."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from libs.chassis.decision import Actor, Grant
from libs.contracts.permissions import Role
from libs.contracts.requests import RequestedLine, RequestSubmitted
from libs.contracts.values import Money
from services.requests.purchase_request import TRANSITIONS, PurchaseRequest, RequestLine, Status, line_id_of
from tests.builders_desk import (
    LAPTOP,
    SERVER,
    STATION,
    Desk,
    a_request,
    a_requests_desk,
    an_entry,
    the_request,
)


@pytest.fixture
def desk() -> Desk:
    return a_requests_desk()


def test_a_request_is_priced_from_the_catalog_and_says_so(desk: Desk) -> None:
    desk.hear(an_entry(LAPTOP, unit_price=Decimal("10.005")), sequence=7)

    ended = desk.hear(a_request({LAPTOP: 3, STATION: 2}))

    request = the_request(desk)
    assert (request.number, request.total) == ("REQ-000001", Decimal("329.02"))
    assert ended.decision.answer == {"request_id": str(request.id), "number": "REQ-000001"}
    first, second = sorted(desk.all(RequestLine), key=lambda line: line.position)
    assert (first.unit_price, first.catalog_version, first.line_total) == (
        Decimal("10.005"),
        7,
        Decimal("30.02"),
    )
    assert (second.id, second.sku, second.quantity, second.line_total) == (
        line_id_of(request.id, 2),
        STATION,
        2,
        Decimal("299.00"),
    )
    assert desk.said[0] == RequestSubmitted(
        request_id=request.id,
        number="REQ-000001",
        requester="person-1",
        total=Money(amount=Decimal("329.02"), currency="EUR"),
    )


def test_the_price_of_a_request_stays_when_the_catalog_changes(desk: Desk) -> None:
    desk.hear(a_request({STATION: 1}))

    desk.hear(an_entry(STATION, unit_price=Decimal("1.00")), sequence=2)

    assert the_request(desk).total == Decimal("149.50")


@pytest.mark.parametrize(
    ("currency", "unit_price", "quantity", "total"),
    [
        ("JPY", "10.5", 1, "11"),
        ("EUR", "0.004", 1, "0.00"),
        ("EUR", "0.005", 1, "0.01"),
        ("KWD", "0.0005", 1, "0.001"),
    ],
)
def test_a_line_is_rounded_half_up_to_the_currency_s_smallest_unit(
    desk: Desk, currency: str, unit_price: str, quantity: int, total: str
) -> None:
    desk.hear(an_entry(LAPTOP, unit_price=Decimal(unit_price), currency=currency))

    desk.hear(a_request({LAPTOP: quantity}, currency=currency))

    assert the_request(desk).total == Decimal(total)


def test_the_same_reference_with_the_same_content_is_the_same_request(desk: Desk) -> None:
    first = desk.hear(a_request(external_reference="E-1"), sender="erp")
    before = desk.fork()

    again = desk.hear(a_request(external_reference="E-1"), sender="erp")

    assert (again.verdict, again.decision.answer) == ("duplicate", first.decision.answer)
    assert (desk.records, desk.said) == (before.records, before.said)


def test_the_same_reference_with_other_content_is_refused(desk: Desk) -> None:
    desk.hear(a_request(external_reference="E-1"), sender="erp")

    again = desk.hear(a_request({STATION: 2}, external_reference="E-1"), sender="erp")

    assert again.code == "external_reference_reused"


def test_each_source_has_references_of_its_own(desk: Desk) -> None:
    ends = [desk.hear(a_request(external_reference="E-1"), sender=sender) for sender in ("erp", "portal")]

    assert [end.verdict for end in ends] == ["accepted", "accepted"]
    assert len(desk.all(PurchaseRequest)) == 2


def test_without_a_reference_every_submission_is_a_request_of_its_own(desk: Desk) -> None:
    desk.hear(a_request(), a_request())

    assert sorted(request.number for request in desk.all(PurchaseRequest)) == ["REQ-000001", "REQ-000002"]


@pytest.mark.parametrize(
    ("entry", "code", "field"),
    [
        ({"active": False}, "sku_unknown", "lines[1].sku"),
        ({"currency": "USD"}, "currency_mismatch", "lines[1].sku"),
        ({"unit_price": Decimal("9999999999999")}, "total_too_large", "lines"),
    ],
)
def test_what_cannot_be_bought_is_refused(
    desk: Desk, entry: Mapping[str, Any], code: str, field: str
) -> None:
    desk.hear(an_entry("BEAMER", **entry))

    ended = desk.hear(a_request({STATION: 1, "BEAMER": 10_000}))

    assert ended.rejection is not None
    assert (ended.code, ended.rejection.field) == (code, field)
    assert desk.all(PurchaseRequest) == []


def test_what_the_catalog_has_never_heard_of_is_refused(desk: Desk) -> None:
    assert desk.hear(a_request({"NOTHING": 1})).code == "sku_unknown"


@pytest.mark.parametrize("quantity", [-1, 0, 10_001, "2", 1.5, True])
def test_an_absurd_quantity_never_reaches_a_decision(quantity: Any) -> None:
    with pytest.raises(ValidationError):
        RequestedLine(sku=LAPTOP, quantity=quantity)


@pytest.mark.parametrize(
    ("wanted", "status"), [({STATION: 1}, Status.APPROVED), ({SERVER: 1}, Status.AWAITING_APPROVAL)]
)
def test_a_request_goes_on_at_once_to_where_the_policy_sends_it(
    desk: Desk, wanted: Mapping[str, int], status: Status
) -> None:
    desk.hear(a_request(wanted))

    assert the_request(desk).status is status


def test_only_steps_in_the_table_are_possible(desk: Desk) -> None:
    desk.hear(a_request())
    request = the_request(desk)

    for before in Status:
        for after in Status:
            record = replace(request, status=before)
            if after in TRANSITIONS[before]:
                assert record.become(after).status is after
            else:
                with pytest.raises(RuntimeError, match="cannot become"):
                    record.become(after)


ANYBODY = (Grant(frozenset({"*"}), frozenset({Role.REQUESTER})),)
ONE = (Grant(frozenset({"person-1"}), frozenset({Role.REQUESTER})),)


@pytest.mark.parametrize(
    ("grants", "on_behalf_of", "code"),
    [(ANYBODY, "person-99", None), (ONE, "person-1", None), (ONE, "person-99", "not_entitled")],
)
def test_a_system_asks_on_behalf_of_those_it_may_act_for(
    desk: Desk, grants: tuple[Grant, ...], on_behalf_of: str, code: str | None
) -> None:
    erp = Actor("erp", frozenset({Role.INTEGRATION}), grants=grants)

    ended = desk.hear(a_request(on_behalf_of=on_behalf_of), sender="erp", actor=erp)

    assert ended.code == code
