"""What was refused is given up, and stays in stock."""

from libs.chassis.decision import Actor
from libs.contracts.permissions import Role
from libs.contracts.requests import CancelRequest
from services.requests.process import FulfilmentProcess, Stage
from services.requests.purchase_request import Status
from tests.builders_desk import CABLE, MANAGER, STATION, Desk, the_request
from tests.builders_dock import Ended
from tests.builders_workflow import an_approved


def the_stage(desk: Desk) -> Stage:
    (process,) = desk.all(FulfilmentProcess)
    assert isinstance(process, FulfilmentProcess)
    return process.stage


def given_up(desk: Desk) -> Ended:
    command = CancelRequest(request_id=the_request(desk).id, reason="nobody wants it any more")
    return desk.hear(command, actor=Actor(MANAGER, frozenset({Role.PROCUREMENT_MANAGER})))


def test_a_refused_handover_may_be_given_up_while_something_else_is_still_being_handed_over() -> None:
    desk, (told, other) = an_approved({STATION: 1, CABLE: 2})
    desk.hear(told.submitted(), other.submitted(), told.received(), told.stocked(), told.assigning_refused())
    desk.hear(other.cancelled(), other.received(1))

    given_up(desk)
    between = the_stage(desk)
    desk.hear(other.stocked(1), other.assigned(1))

    assert (between, the_stage(desk)) == (Stage.HANDING_OVER, Stage.COMPLETED)


def test_what_turned_up_after_a_request_was_fulfilled_and_could_not_be_given_stays_in_stock() -> None:
    desk, (told, late) = an_approved({STATION: 1, CABLE: 2})
    desk.hear(told.submitted(), late.submitted(), told.received(), told.stocked(), told.assigned())
    desk.hear(late.cancelled(), late.received(), late.stocked(), late.assigning_refused())
    before = (the_request(desk).status, the_stage(desk))

    ended = given_up(desk)

    assert (before, ended.verdict) == ((Status.FULFILLED, Stage.STUCK), "accepted")
    assert (the_request(desk).status, the_stage(desk)) == (Status.FULFILLED, Stage.COMPLETED)


def test_what_is_put_on_the_order_again_of_a_request_that_was_given_up_is_to_be_cancelled() -> None:
    desk, (told,) = an_approved({STATION: 3})
    desk.hear(told.submitted(), told.amended(1))
    given_up(desk)
    desk.hear(told.received(1))
    before = the_stage(desk)

    desk.hear(told.amended(3, amendment=2))

    assert (before, the_stage(desk)) == (Stage.HANDING_OVER, Stage.CANCELLING)
