"""An approval covers what was seen: which changes of a request void it, and which do not."""

from decimal import Decimal
from typing import Any

import pytest

from libs.chassis.decision import Actor
from libs.contracts.approvals import ApprovalAwaited, ApprovalVoided
from libs.contracts.catalog import VendorChanged
from libs.contracts.permissions import Role
from libs.contracts.requests import CustomItem, RequestedLine, WithdrawRequest
from libs.contracts.values import Kind, derived_id
from services.requests.approval import riskier
from services.requests.approval_round import (
    Approval,
    ApprovalReminderDue,
    RoundStatus,
)
from services.requests.purchase_request import PurchaseRequest, RequestLine, Status, live
from tests.builders_approval import (
    ADMINISTRATOR,
    ASSETS,
    BUYER,
    KEEPER,
    SECOND_BUYER,
    a_desk_with_policy,
    a_policy,
    a_rule,
    a_step,
    an_edit,
    by_role,
    open_seats,
    rounds,
    says,
)
from tests.builders_desk import LAPTOP, REQUESTER, STATION, Desk, a_request, the_request

OWNER = Actor(REQUESTER, frozenset({Role.REQUESTER}))
CHAIR = CustomItem(name="Chair", kind=Kind.HARDWARE, unit_price=Decimal("100.00"))
CLEANING = CustomItem(name="Cleaning", kind=Kind.SERVICE, unit_price=Decimal("10.00"))


def a_line(**changes: Any) -> RequestedLine:
    """Two stations, which cost 299.00 together and come from V-2."""
    values: dict[str, Any] = {"sku": STATION, "quantity": 2}
    return RequestedLine(**values | changes)


def custom(item: CustomItem = CHAIR, quantity: int = 2, **changes: Any) -> RequestedLine:
    """So many of something that no catalog has."""
    return RequestedLine(item=item, quantity=quantity, **changes)


def known_vendor(number: str) -> VendorChanged:
    """A vendor that lines may name."""
    return VendorChanged(
        vendor_id=derived_id("vendor", number), number=number, name=number, currency="EUR", active=True
    )


def a_desk_waiting_for(*lines: RequestedLine, **request: Any) -> Desk:
    """A request for these lines has one of two yeses, and waits for the other."""
    desk = a_desk_with_policy(a_rule(a_step(), a_step(by_role(ASSETS))))
    desk.hear(*map(known_vendor, ("V-1", "V-2")), a_request(lines=lines or (a_line(),), **request))
    says(desk, BUYER)
    assert open_seats(desk) == [f"role:{ASSETS}"]
    return desk


def edited(desk: Desk, *lines: RequestedLine, **changes: Any) -> PurchaseRequest:
    """The request is changed by whoever made it."""
    ended = desk.hear(an_edit(the_request(desk), lines or (a_line(),), **changes), actor=OWNER)
    assert ended.verdict == "accepted", ended
    return the_request(desk)


HARMLESS: dict[str, tuple[tuple[RequestedLine, ...], tuple[RequestedLine, ...]]] = {
    "fewer of it": ((a_line(),), (a_line(quantity=1),)),
    "a line less": ((a_line(), custom()), (a_line(),)),
    "the lines the other way round": ((a_line(), custom()), (custom(), a_line())),
    "another item of the same kind and vendor for less": (
        (RequestedLine(sku=LAPTOP, quantity=1), a_line()),
        (RequestedLine(sku="CABLE-1M", quantity=9), a_line()),
    ),
    "more of one and less of another": (
        (a_line(quantity=1), custom(quantity=3)),
        (a_line(), custom(quantity=1)),
    ),
}
RISKIER: dict[str, tuple[tuple[RequestedLine, ...], tuple[RequestedLine, ...]]] = {
    "more of it": ((a_line(),), (a_line(quantity=3),)),
    "a vendor is named where none was": ((custom(),), (custom(vendor="V-1"),)),
    "the vendor is another": ((custom(vendor="V-2"),), (custom(vendor="V-1"),)),
    "the vendor is named no more": ((custom(vendor="V-2"),), (custom(),)),
    "the vendor of one line is that of another": (
        (custom(vendor="V-2"), custom(CLEANING, vendor="V-1")),
        (custom(vendor="V-1"), custom(CLEANING, vendor="V-1")),
    ),
    "a line of another kind": ((custom(),), (custom(quantity=1), custom(CLEANING))),
    "a line of another vendor": (
        (a_line(),),
        (a_line(quantity=1), RequestedLine(sku="CABLE-1M", quantity=1)),
    ),
    "the kind is another": (
        (custom(),),
        (custom(CHAIR.model_copy(update={"kind": Kind.SOFTWARE})),),
    ),
}


@pytest.mark.parametrize(("lines", "changed"), HARMLESS.values(), ids=HARMLESS)
def test_a_change_that_asks_for_no_more_keeps_the_yeses(
    lines: tuple[RequestedLine, ...], changed: tuple[RequestedLine, ...]
) -> None:
    desk = a_desk_waiting_for(*lines)
    (before,) = rounds(desk)

    request = edited(desk, *changed)

    (round,) = rounds(desk)
    assert (round.status, round.step, round.content, round.revision) == (
        RoundStatus.OPEN,
        2,
        before.content,
        1,
    )
    assert (round.revision_now, request.revision) == (2, 2)
    says(desk, KEEPER)
    approved = the_request(desk)
    assert (approved.status, approved.approved_total) == (Status.APPROVED, approved.total)
    assert [(said.revision, said.content == before.content) for said in by_step(desk)] == [
        (1, True),
        (2, False),
    ]


def by_step(desk: Desk) -> list[Approval]:
    """What was said, step by step."""
    said: list[Approval] = desk.all(Approval)
    return sorted(said, key=lambda each: each.step)


@pytest.mark.parametrize(("lines", "changed"), RISKIER.values(), ids=RISKIER)
def test_a_riskier_change_voids_the_yeses_and_begins_anew(
    lines: tuple[RequestedLine, ...], changed: tuple[RequestedLine, ...]
) -> None:
    desk = a_desk_waiting_for(*lines)

    request = edited(desk, *changed)

    first, second = rounds(desk)
    assert (first.status, second.status) == (RoundStatus.VOIDED, RoundStatus.OPEN)
    assert (second.number, second.step, second.revision, second.content) == (2, 1, 2, request.content)
    assert (request.round, request.status) == (2, Status.AWAITING_APPROVAL)
    assert open_seats(desk) == ["role:procurement_manager"]
    assert [type(said) for said in desk.said[-2:]] == [ApprovalVoided, ApprovalAwaited]
    for person in (SECOND_BUYER, KEEPER):
        says(desk, person)
    assert the_request(desk).status is Status.APPROVED


def test_who_saw_the_revision_before_decides_on_nothing() -> None:
    desk = a_desk_waiting_for()
    edited(desk, a_line(quantity=1))

    outdated = says(desk, KEEPER, revision=1)

    assert outdated.code == "revision_outdated"
    assert says(desk, KEEPER, revision=2).verdict == "accepted"


def test_a_riskier_change_goes_by_the_policy_of_now() -> None:
    desk = a_desk_waiting_for()
    desk.hear(a_policy(a_rule(name="free for all")), actor=ADMINISTRATOR)

    request = edited(desk, a_line(quantity=3))

    assert (request.status, request.approved_total) == (Status.APPROVED, request.total)
    assert [round.status for round in rounds(desk)] == [RoundStatus.VOIDED]
    assert open_seats(desk) == []


def test_a_timer_of_a_voided_round_does_nothing() -> None:
    desk = a_desk_waiting_for()
    (first,) = rounds(desk)
    edited(desk, a_line(quantity=3))
    before = desk.fork()

    desk.hear(ApprovalReminderDue(request_id=first.request_id, round_id=first.id, step=first.step))

    assert desk.records == before.records


@pytest.mark.parametrize(
    "change", [{"currency": "CHF"}, {"cost_centre": "CC-2"}, {"on_behalf_of": "person-9"}]
)
def test_another_currency_budget_or_receiver_is_riskier(change: dict[str, str]) -> None:
    desk = a_desk_waiting_for()
    request = the_request(desk)
    lines: list[RequestLine] = live(desk.all(RequestLine))
    after = PurchaseRequest(**{**vars(request), **change})

    assert riskier(request, lines, request, lines) is None
    assert riskier(request, lines, after, lines) is not None


def test_what_was_withdrawn_waits_for_nobody() -> None:
    desk = a_desk_waiting_for()
    request = the_request(desk)

    ended = desk.hear(WithdrawRequest(request_id=request.id), actor=OWNER)

    (round,) = rounds(desk)
    assert the_request(desk).status is Status.WITHDRAWN
    assert (round.status, open_seats(desk)) == (RoundStatus.STOPPED, [])
    assert isinstance(desk.said[-1], ApprovalVoided)
    assert len(ended.decision.cancel) == 3
    assert says(desk, KEEPER).code == "request_not_awaiting_approval"
