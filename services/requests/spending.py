"""What purchasing asks before it spends more than was approved. Until somebody can be asked, the answer is no."""

from libs.chassis.decision import (
    Cause,
    Decision,
    Early,
    Handler,
    Handlers,
    Key,
    Keys,
    Records,
    Rejection,
)
from libs.contracts.requests import ApproveSpending, SpendingRefused
from services.requests.purchase_request import PurchaseRequest


def refuse(question: ApproveSpending, held: Records, cause: Cause) -> Decision:
    """No more may be spent than was approved, and with nobody else than was named."""
    request = held.find(PurchaseRequest, question.request_id)
    if request is None:
        raise Rejection("request_unknown", field="request_id", message="There is no such request.")
    refused = SpendingRefused(
        request_id=request.id,
        order_id=question.order_id,
        order_revision=question.order_revision,
        reason=f"order {question.requisition_number} is not as it was approved: {question.reason}",
    )
    return Decision(save=[request], publish=[refused], answer={"request_id": str(request.id)})


def the_request(question: ApproveSpending) -> Keys:
    """The request that the order is for."""
    return (Key(PurchaseRequest, question.request_id, may_be_new=True),)


HANDLERS: Handlers = (
    Handler(on=ApproveSpending, holds=the_request, early=Early.WAIT_10_MINUTES, decide=refuse),
)
