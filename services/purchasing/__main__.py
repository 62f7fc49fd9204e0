"""The purchasing service: `python -m services.purchasing`."""

from libs.chassis.run import run
from libs.chassis.service import Service
from libs.contracts.requests import ApproveOrder, ApproveSpending
from services.purchasing import (
    amendment,
    announcing,
    approvals,
    cancellation,
    combining,
    counting,
    definition,
    draft,
    exchange_rate,
    invoice,
    invoicing,
    policy,
    rematching,
    request_orders,
    settlement,
    submission,
    tolerance,
)
from services.purchasing.api import router
from services.purchasing.api.imports import KINDS
from services.purchasing.tables import STORAGE

SERVICE = Service(
    name="purchasing",
    queues={
        "inbox": (
            *request_orders.HANDLERS,
            *draft.HANDLERS,
            *combining.HANDLERS,
            *amendment.HANDLERS,
            *submission.HANDLERS,
            *approvals.HANDLERS,
            *counting.HANDLERS,
            *cancellation.HANDLERS,
            *policy.HANDLERS,
            *definition.HANDLERS,
            *announcing.HANDLERS,
            *exchange_rate.HANDLERS,
            *invoicing.HANDLERS,
            *settlement.HANDLERS,
            *tolerance.HANDLERS,
            *rematching.HANDLERS,
        )
    },
    lanes={"invoices": (*invoicing.HANDLERS, *settlement.HANDLERS)},
    storage=STORAGE,
    routes=router,
    imports=tuple(KINDS),
    sends=(ApproveSpending, ApproveOrder),
    sequences=(draft.NUMBER, invoice.ORDINAL),
)

if __name__ == "__main__":
    run(SERVICE)
