"""What the workflow does when something that came for a request is taken back at the dock, and comes again or not."""

from libs.contracts import assets
from libs.contracts.values import Kind
from services.requests.process import FulfilmentProcess, ProcessUnit, Stage, UnitStatus
from services.requests.process_line import ProcessLine
from services.requests.purchase_request import Status
from tests.builders_desk import STATION, Desk, the_request
from tests.builders_workflow import Told, an_approved


def counters(desk: Desk) -> tuple[int, int, int]:
    """Received, claimed and assigned units of the line."""
    (line,) = desk.all(ProcessLine)
    assert isinstance(line, ProcessLine)
    return line.received, line.claimed, line.assigned


def stage(desk: Desk) -> Stage:
    (process,) = desk.all(FulfilmentProcess)
    assert isinstance(process, FulfilmentProcess)
    return process.stage


def given(desk: Desk) -> list[int]:
    """Of how many units assets was told each time."""
    return [len(said.asset_ids) for said in desk.said if isinstance(said, assets.AssignAssets)]


def issued(told: Told, quantity: int, receipt: int = 1) -> assets.CommandAnswered:
    """What assets answers to who wanted a consumable issued."""
    return assets.CommandAnswered(
        outcome="accepted",
        command_id="1",
        command_type=assets.IssueStock.type,
        about=told.request_id,
        result={"issue_id": str(told.issued(receipt=receipt).issue_id), "quantity": quantity},
    )


def test_what_was_taken_back_before_it_was_given_is_to_come_again() -> None:
    desk, (told,) = an_approved({STATION: 2})
    desk.hear(told.submitted(), told.received(), told.stocked())

    desk.hear(told.reversed(1), told.taken_back(2))

    assert (counters(desk), the_request(desk).status) == ((1, 1, 0), Status.PARTIALLY_RECEIVED)
    assert stage(desk) is Stage.DELIVERING


def test_a_unit_that_comes_again_is_given_again() -> None:
    desk, (told,) = an_approved({STATION: 1})
    desk.hear(told.submitted(), told.received(), told.stocked(), told.reversed(), told.taken_back())

    desk.hear(told.received(), told.stocked(after=told.taken_back().take_back_id), told.assigned())

    assert given(desk) == [1, 1]
    assert (counters(desk), the_request(desk).status) == ((1, 1, 1), Status.FULFILLED)


def test_an_assignment_that_was_undone_is_not_counted_though_it_is_told_late() -> None:
    desk, (told,) = an_approved({STATION: 1})
    late = told.assigned()
    desk.hear(told.submitted(), told.received(), told.stocked())
    desk.hear(told.returned(), told.taken_back(handover_id=late.handover_id, purpose="replacement"))

    desk.hear(late)

    assert (counters(desk), the_request(desk).status) == ((0, 0, 0), Status.ORDERED)


def test_a_request_that_was_fulfilled_stays_so_when_its_unit_is_taken_back_but_waits_for_it_again() -> None:
    desk, (told,) = an_approved({STATION: 1})
    assigned = told.assigned()
    desk.hear(told.submitted(), told.received(), told.stocked(), assigned)

    desk.hear(told.reversed(), told.taken_back(handover_id=assigned.handover_id))

    assert (the_request(desk).status, stage(desk)) == (Status.FULFILLED, Stage.DELIVERING)


def test_what_went_back_for_credit_counts_as_cancelled() -> None:
    desk, (told,) = an_approved({STATION: 2})
    desk.hear(told.submitted(), told.received(), told.stocked(), told.assigned(1))

    desk.hear(told.returned(1, "credit"), told.taken_back(2, purpose="credit"))

    assert (counters(desk), the_request(desk).status) == ((1, 1, 1), Status.FULFILLED)


def test_a_surplus_unit_is_given_in_place_of_one_that_was_taken_back() -> None:
    desk, (told,) = an_approved({STATION: 1})
    other = Told(told.request_id, quantity=2)
    desk.hear(told.submitted(), told.received(), other.stocked(1), other.stocked(2))

    desk.hear(other.taken_back(1))

    assert given(desk) == [1, 1]
    statuses = {unit.id: unit.status for unit in desk.all(ProcessUnit)}
    assert statuses == {
        other.assets[0]: UnitStatus.TAKEN_BACK,
        other.assets[1]: UnitStatus.BEING_ASSIGNED,
    }


def test_less_that_was_issued_than_was_wanted_is_free_for_what_comes() -> None:
    desk, (told,) = an_approved({STATION: 5}, kind=Kind.CONSUMABLE)
    desk.hear(told.submitted(), told.received(), told.lot(5))
    desk.hear(told.reversed(3), told.lot_taken_back(3))

    desk.hear(issued(told, 2), told.issued(2), told.received(3), told.lot(3, receipt=2))

    issues = [said for said in desk.said if isinstance(said, assets.IssueStock)]
    assert [(said.quantity, said.receipt_id) for said in issues] == [
        (5, told.lot().receipt_id),
        (3, told.lot(receipt=2).receipt_id),
    ]
    assert counters(desk) == (5, 5, 2)


def test_of_what_was_issued_in_part_whichever_is_told_first_the_rest_is_freed_once() -> None:
    desk, (told,) = an_approved({STATION: 5}, kind=Kind.CONSUMABLE)
    desk.hear(told.submitted(), told.received(), told.lot(5), told.reversed(3), told.lot_taken_back(3))

    desk.hear(told.issued(2), issued(told, 2))

    assert counters(desk) == (2, 2, 2)


def test_nothing_is_claimed_of_what_was_taken_back_as_a_whole() -> None:
    desk, (told,) = an_approved({STATION: 5}, kind=Kind.CONSUMABLE)
    desk.hear(told.submitted(), told.received(), told.lot(5), told.reversed(), told.lot_taken_back(5))

    desk.hear(issued(told, 0))

    assert (counters(desk), stage(desk)) == ((0, 0, 0), Stage.DELIVERING)
