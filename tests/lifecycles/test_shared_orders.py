"""Orders that serve several requests, requests over several orders, and orders that are amended, in the workflow."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from libs.contracts import assets
from libs.contracts.message import Event
from libs.contracts.purchasing import (
    AmendedLine,
    CancelledLine,
    DraftedLine,
    OrderAmended,
    OrderCancelled,
    OrderDrafted,
    OrderedLine,
    OrderReceived,
    OrderSubmitted,
)
from libs.contracts.receiving import GoodsReceived, ReceivedLine
from libs.contracts.requests import OrderRefused, RequestCancelled
from libs.contracts.values import AssetCreation, Destination, DestinationKind, Kind, Money, derived_id
from services.requests.approval_round import ApprovalRound, RoundStatus
from services.requests.process import (
    FulfilmentProcess,
    ProcessStep,
    ProcessUnit,
    Stage,
    UnitStatus,
)
from services.requests.process_line import ProcessLine
from services.requests.purchase_request import PurchaseRequest, Status, line_id_of
from tests.builders_approval import an_order_to_approve
from tests.builders_desk import STATION, Desk, a_request, a_requests_desk, the_request
from tests.builders_workflow import Told, an_approved, summaries

ORDER = derived_id("test-order", 1)
TOTAL = Money(amount=Decimal(10), currency="EUR")
ABOUT: dict[str, Any] = {"order_id": ORDER, "requisition_number": "PR-000007", "request_id": None}


def two_requests(first: int = 2, second: int = 3) -> tuple[Desk, UUID, UUID]:
    """Two approved requests for so many stations each."""
    desk = a_requests_desk()
    desk.hear(a_request({STATION: first}))
    one = the_request(desk).id
    desk.hear(a_request({STATION: second}, requester="person-5"))
    (other,) = {request.id for request in desk.all(PurchaseRequest)} - {one}
    return desk, one, other


def serving(request_id: UUID) -> dict[str, Any]:
    return {
        "order_line_id": order_line_of(request_id),
        "request_id": request_id,
        "request_line_id": line_id_of(request_id, 1),
    }


def order_line_of(request_id: UUID) -> UUID:
    return derived_id("test-order-line", ORDER, request_id)


def submitted(quantities: dict[UUID, int]) -> OrderSubmitted:
    """One order for all of these requests, and for a line that is for none."""
    nobody = {"order_line_id": order_line_of(ORDER), "request_line_id": None}
    lines = [
        OrderedLine(
            **about,
            sku=STATION,
            name="Station",
            kind=Kind.HARDWARE,
            quantity=quantity,
            unit_price=Decimal(1),
            asset_creation=AssetCreation.ON_SUBMISSION,
        )
        for about, quantity in [*((serving(id), n) for id, n in quantities.items()), (nobody, 9)]
    ]
    return OrderSubmitted(
        **ABOUT,
        vendor_id=derived_id("vendor", "V-2"),
        vendor_name="Vendor V-2",
        deliver_to="SITE-1",
        total=TOTAL,
        lines=tuple(lines),
    )


def amended(lines: dict[UUID, tuple[int, int]], amendment: int = 1, **changes: Any) -> OrderAmended:
    """So many instead of so many for each of these requests."""
    return OrderAmended(
        **{
            **ABOUT,
            "amendment": amendment,
            "order_revision": amendment + 1,
            "vendor_id": derived_id("vendor", "V-2"),
            "vendor_name": "Vendor V-2",
            "amended_by": "person-17",
            "total": TOTAL,
            "expected_cost": TOTAL,
            "changes": (),
            "lines": tuple(
                AmendedLine(
                    **serving(id),
                    quantity_before=before,
                    quantity=now,
                    units_made=max(before, now),
                    unit_price=Decimal(1),
                )
                for id, (now, before) in lines.items()
            ),
        }
        | changes
    )


def cancelled(units: dict[UUID, int]) -> OrderCancelled:
    lines = tuple(CancelledLine(**serving(id), cancelled=n, asked=n) for id, n in units.items())
    return OrderCancelled(**ABOUT, reason="no longer made", lines=lines)


def received(units: dict[UUID, int]) -> GoodsReceived:
    return GoodsReceived(
        receipt_id=derived_id("test-receipt", 1),
        receipt_number="RCV-000001",
        order_id=ORDER,
        request_id=None,
        received_by="dock",
        lines=tuple(
            ReceivedLine(
                **serving(id),
                receipt_line_id=derived_id("test-receipt-line", id),
                sku=STATION,
                accepted=n,
                rejected=0,
            )
            for id, n in units.items()
        ),
    )


def statuses(desk: Desk, *requests: UUID) -> list[Status]:
    return [desk.all(PurchaseRequest, id=id)[0].status for id in requests]


def steps(desk: Desk, request_id: UUID) -> list[str]:
    found: list[ProcessStep] = desk.all(ProcessStep, request_id=request_id)
    return [step.summary for step in sorted(found, key=lambda step: step.number)][1:]


def the_line(desk: Desk) -> ProcessLine:
    (line,) = desk.all(ProcessLine)
    assert isinstance(line, ProcessLine)
    return line


# One order for several requests


def test_what_is_said_of_an_order_concerns_every_request_that_it_serves() -> None:
    desk, one, other = two_requests()

    desk.hear(submitted({one: 2, other: 3}), received({one: 2}), cancelled({other: 1}))
    desk.hear(OrderReceived(**ABOUT, request_ids=(one, other)))

    assert statuses(desk, one, other) == [Status.RECEIVED, Status.ORDERED]
    assert steps(desk, one) == [
        "PR-000007 submitted to Vendor V-2: 2 units",
        "RCV-000001: 2 units accepted by dock",
        "PR-000007 completely received",
    ]
    assert steps(desk, other) == [
        "PR-000007 submitted to Vendor V-2: 3 units",
        "PR-000007 cancelled, 1 unit will not come: no longer made",
        "PR-000007 completely received",
    ]


def test_a_draft_for_several_requests_is_a_step_of_each() -> None:
    desk, one, other = two_requests()
    lines = tuple(DraftedLine(**serving(id), quantity=1) for id in (one, other))

    desk.hear(OrderDrafted(**ABOUT, status="draft", total=TOTAL, lines=lines))

    assert [steps(desk, id) for id in (one, other)] == [["PR-000007 waits for vendor and prices"]] * 2


def test_a_draft_whose_lines_went_to_another_order_loses_no_units() -> None:
    desk, (told,) = an_approved()

    desk.hear(told.cancelled().model_copy(update={"lines": (), "reason": "combined into PR-000002"}))

    assert summaries(desk)[-1] == "PR-000001 cancelled: combined into PR-000002"
    assert the_request(desk).status is Status.APPROVED


def test_one_message_may_end_several_requests() -> None:
    desk, one, other = two_requests()
    desk.hear(submitted({one: 2, other: 3}))

    desk.hear(cancelled({one: 2, other: 3}))

    assert statuses(desk, one, other) == [Status.CANCELLED] * 2
    told = [said.request_id for said in desk.said if isinstance(said, RequestCancelled)]
    assert sorted(told) == sorted((one, other))


def test_an_order_waits_for_all_requests_that_it_serves_to_be_known() -> None:
    desk, one, other = two_requests()
    late = desk.fork()
    late.records[FulfilmentProcess] = {one: desk.records[FulfilmentProcess][one]}

    ended = late.hear(submitted({one: 2, other: 3}))

    assert ended.verdict == "waiting"


def test_an_order_for_nobody_is_no_request_s_business() -> None:
    desk, _, _ = two_requests()
    before = desk.fork()

    desk.hear(submitted({}), amended({}), cancelled({}), received({}), OrderReceived(**ABOUT))

    assert desk.records == before.records


# One request over several orders


def test_a_split_request_is_done_when_all_its_orders_are() -> None:
    desk, (whole,) = an_approved({STATION: 3})
    parts = [Told(whole.request_id, 1, n) for n in (2, 1)]
    for number, part in enumerate(parts):
        part.order_line_id = derived_id("test-order-line", number)
        part.assets = [derived_id("test-asset", number, unit) for unit in range(part.quantity)]

    seen = []
    for fact in (
        parts[0].submitted(),
        parts[1].submitted(),
        parts[0].cancelled(2),
        parts[1].received(),
        parts[1].stocked(),
        parts[1].assigned(),
    ):
        desk.hear(fact)
        seen.append(the_request(desk).status)

    assert seen == [
        Status.PARTIALLY_ORDERED,
        Status.ORDERED,
        Status.ORDERED,
        Status.RECEIVED,
        Status.RECEIVED,
        Status.FULFILLED,
    ]
    assert the_line(desk).cancelled == 2


def test_software_of_two_orders_is_allocated_twice() -> None:
    desk, (whole,) = an_approved({STATION: 5}, Kind.SOFTWARE)
    parts = [Told(whole.request_id, 1, n, Kind.SOFTWARE) for n in (2, 3)]
    for number, part in enumerate(parts):
        part.order_line_id = derived_id("test-order-line", number)

    desk.hear(*(part.submitted() for part in parts), parts[0].entitled(), parts[0].allocated())
    half = the_request(desk).status
    desk.hear(parts[1].entitled(), parts[1].allocated())

    told = [said for said in desk.said if isinstance(said, assets.AllocateEntitlement)]
    assert [said.quantity for said in told] == [2, 3]
    assert (half, the_request(desk).status) == (Status.PARTIALLY_RECEIVED, Status.FULFILLED)


# Amendments


def test_units_that_are_taken_off_an_order_will_not_come() -> None:
    desk, (told,) = an_approved({STATION: 3})
    desk.hear(told.submitted(), told.received(2), told.stocked(1, 2), told.assigned(1, 2))

    desk.hear(told.amended(2))

    assert the_request(desk).status is Status.FULFILLED
    assert the_line(desk).cancelled == 1
    assert summaries(desk)[-1] == "PR-000001 amended by person-2 (2 units instead of 3): another need"


def test_units_that_are_put_on_it_again_are_awaited_again() -> None:
    desk, (told,) = an_approved({STATION: 3})
    desk.hear(told.submitted(), told.received(2), told.amended(2))
    before = the_request(desk).status

    desk.hear(told.amended(3, amendment=2))

    assert (before, the_request(desk).status) == (Status.RECEIVED, Status.PARTIALLY_RECEIVED)
    (process,) = desk.all(FulfilmentProcess)
    assert process.stage is Stage.DELIVERING


def test_when_what_would_bring_all_of_it_is_cancelled_the_other_draft_is_awaited_again() -> None:
    desk, (whole,) = an_approved({STATION: 4})
    first, other = (Told(whole.request_id, 1, 2) for _ in range(2))
    other.order_line_id = derived_id("test-order-line", 2)
    desk.hear(first.submitted(), first.amended(4), first.cancelled(4))
    (process,) = desk.all(FulfilmentProcess)

    desk.hear(other.submitted())

    (after,) = desk.all(FulfilmentProcess)
    assert (process.stage, after.stage) == (Stage.ORDERING, Stage.DELIVERING)
    assert the_line(desk).cancelled == 2


def test_what_an_amendment_brings_beyond_what_was_wanted_stays_in_stock() -> None:
    desk, (told,) = an_approved({STATION: 1})
    more = Told(told.request_id, 1, 2)

    desk.hear(told.submitted(), told.amended(2), more.received(2), more.stocked(1, 2))

    units: list[ProcessUnit] = desk.all(ProcessUnit)
    assert sorted(unit.status for unit in units) == [UnitStatus.BEING_ASSIGNED, UnitStatus.IN_STOCK]
    desk.hear(*(more.assigned(n) for n in (1, 2) if unit_status(desk, more, n) is UnitStatus.BEING_ASSIGNED))
    assert the_request(desk).status is Status.FULFILLED


def unit_status(desk: Desk, told: Told, number: int) -> UnitStatus:
    (unit,) = desk.all(ProcessUnit, id=told.assets[number - 1])
    assert isinstance(unit, ProcessUnit)
    return unit.status


def test_a_line_that_an_amendment_adds_for_a_request_makes_up_for_another() -> None:
    desk, (told,) = an_approved({STATION: 3})
    desk.hear(told.submitted())
    (line,) = told.submitted().lines
    new = line.model_copy(update={"order_line_id": derived_id("new"), "quantity": 2})

    desk.hear(told.amended(1))
    less = the_line(desk).cancelled
    desk.hear(told.amended(1, amendment=2).model_copy(update={"added": (new,)}))

    assert (less, the_line(desk).cancelled, the_line(desk).ordered) == (2, 0, 3)
    assert summaries(desk)[-1] == (
        "PR-000001 amended by person-2 (1 unit instead of 3, 2 units more): another need"
    )


def test_an_amendment_of_a_shared_order_concerns_those_whose_lines_it_changes() -> None:
    desk, one, other = two_requests()
    desk.hear(submitted({one: 2, other: 3}))

    desk.hear(amended({other: (1, 3)}))

    assert [len(steps(desk, id)) for id in (one, other)] == [1, 2]


def test_stock_is_not_assigned_however_an_order_is_amended() -> None:
    desk, (told,) = an_approved({STATION: 2}, destination=Destination(kind=DestinationKind.STOCK))

    desk.hear(told.submitted(), told.amended(1), told.received(1), told.stocked(1))

    assert the_request(desk).status is Status.FULFILLED
    assert not [said for said in desk.said if isinstance(said, assets.AssignAssets)]


# What is no question any more


def test_an_order_that_was_placed_is_no_question_any_more() -> None:
    placed: list[Event] = [submitted({}), amended({}, amendment=1)]
    for fact in placed:
        desk, _, _ = two_requests()
        desk.hear(an_order_to_approve(order_revision=1), fact)

        (round,) = desk.all(ApprovalRound)
        assert round.status is RoundStatus.VOIDED
        assert [said.order_revision for said in desk.said if isinstance(said, OrderRefused)] == [1]


def test_what_is_asked_about_a_placed_order_is_not_answered_by_its_placing() -> None:
    desk, one, other = two_requests()
    desk.hear(an_order_to_approve(order_revision=3))

    desk.hear(submitted({one: 2, other: 3}), amended({one: (1, 2)}, amendment=1))

    (round,) = desk.all(ApprovalRound)
    assert round.status is RoundStatus.OPEN
