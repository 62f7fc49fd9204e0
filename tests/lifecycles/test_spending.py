"""What is answered when purchasing asks whether more may be spent."""

from libs.contracts.requests import SpendingRefused
from libs.contracts.values import derived_id
from services.requests import spending, submission
from services.requests.purchase_request import PurchaseRequest
from tests.builders_desk import Desk, a_purchasing_desk, a_request, a_requests_desk, the_request
from tests.builders_orders import asked, waiting_for_approval


def test_more_than_was_approved_is_refused_with_what_was_asked() -> None:
    purchasing = a_purchasing_desk()
    waiting_for_approval(purchasing)
    requests = a_requests_desk()
    requests.hear(a_request())
    desk = Desk(spending.HANDLERS, submission.HANDLERS)
    desk.records = requests.records
    request = the_request(requests)
    question = asked(purchasing)[0].model_copy(update={"request_id": request.id})

    ended = desk.hear(question)

    assert ended.decision.publish == [
        SpendingRefused(
            request_id=request.id,
            order_id=question.order_id,
            order_revision=2,
            reason=f"order PR-000001 is not as it was approved: {question.reason}",
        )
    ]
    assert [each.status for each in desk.all(PurchaseRequest)] == [request.status]


def test_a_question_about_a_request_nobody_knows_is_refused() -> None:
    purchasing = a_purchasing_desk()
    waiting_for_approval(purchasing)
    question = asked(purchasing)[0].model_copy(update={"request_id": derived_id("nothing")})

    assert Desk(spending.HANDLERS).hear(question).code == "request_unknown"
