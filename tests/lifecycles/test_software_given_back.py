"""What becomes of a request when software is given back that somebody uses already."""

import pytest

from libs.contracts.values import Destination, DestinationKind, Kind
from services.requests.process import FulfilmentProcess, Stage
from services.requests.process_line import ProcessLine
from services.requests.purchase_request import Status
from tests.builders_desk import STATION, the_request
from tests.builders_workflow import an_approved


@pytest.mark.parametrize("first", ["cancelled", "shrunk"])
def test_software_that_somebody_uses_is_not_cancelled_whichever_is_told_first(first: str) -> None:
    desk, (told,) = an_approved({STATION: 3}, Kind.SOFTWARE, Destination(kind=DestinationKind.STOCK))
    desk.hear(told.submitted(), told.entitled("pending"))
    facts = [told.cancelled(), told.entitlement(quantity=2, in_use=2)]

    desk.hear(*(facts if first == "cancelled" else reversed(facts)))

    assert [(line.arrived, line.cancelled) for line in desk.all(ProcessLine)] == [(2, 1)]
    assert (the_request(desk).status, desk.all(FulfilmentProcess)[0].stage) == (
        Status.FULFILLED,
        Stage.COMPLETED,
    )
