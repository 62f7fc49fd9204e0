"""The requests service: `python -m services.requests`."""

from libs.chassis.run import run
from libs.chassis.service import Service
from libs.contracts import assets, purchasing
from libs.contracts.requests import RenewCopies
from services.requests import (
    approval,
    approval_decision,
    copies,
    delegation,
    directory,
    editing,
    exchange_rate,
    fulfilment,
    handover,
    hardware,
    intervention,
    order_approval,
    policy,
    purchase_request,
    spending,
    submission,
    taken_back,
)
from services.requests.api import router
from services.requests.tables import STORAGE

SERVICE = Service(
    name="requests",
    queues={
        "inbox": (
            *submission.HANDLERS,
            *editing.HANDLERS,
            *approval.HANDLERS,
            *approval_decision.HANDLERS,
            *spending.HANDLERS,
            *order_approval.HANDLERS,
            *policy.HANDLERS,
            *exchange_rate.HANDLERS,
            *copies.HANDLERS,
            *directory.HANDLERS,
            *delegation.HANDLERS,
            *intervention.HANDLERS,
        ),
        "fulfilment": (
            *fulfilment.HANDLERS,
            *handover.HANDLERS,
            *hardware.HANDLERS,
            *taken_back.HANDLERS,
        ),
    },
    storage=STORAGE,
    routes=router,
    sends=(
        purchasing.CreateOrder,
        purchasing.CancelOrder,
        purchasing.AnnounceAll,
        assets.AssignAssets,
        assets.IssueStock,
        assets.AllocateEntitlement,
        assets.AnnounceAll,
    ),
    sequences=(purchase_request.NUMBER,),
    renews=RenewCopies,
)

if __name__ == "__main__":
    run(SERVICE)
