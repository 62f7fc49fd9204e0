"""The receiving service: `python -m services.receiving --role worker` adds one more dock."""

from libs.chassis.run import run
from libs.chassis.service import Service
from libs.contracts import assets, purchasing
from libs.contracts.receiving import RenewCopies
from services.receiving import (
    amendment,
    copies,
    custody,
    expectation,
    invoiced,
    item,
    place,
    receipt,
    returning,
    reversal,
    scan_receipt,
    scan_session,
    settling,
    shipment,
    strictness,
    tracking,
    unexpected,
)
from services.receiving.api import router
from services.receiving.api.imports import KINDS
from services.receiving.tables import STORAGE

SERVICE = Service(
    name="receiving",
    queues={
        "inbox": (
            *expectation.HANDLERS,
            *amendment.HANDLERS,
            *receipt.HANDLERS,
            *unexpected.HANDLERS,
            *settling.HANDLERS,
            *strictness.HANDLERS,
            *invoiced.HANDLERS,
            *reversal.HANDLERS,
            *returning.HANDLERS,
            *custody.HANDLERS,
            *shipment.HANDLERS,
            *tracking.HANDLERS,
            *place.HANDLERS,
            *item.HANDLERS,
            *scan_session.HANDLERS,
            *scan_receipt.HANDLERS,
            *copies.HANDLERS,
        ),
    },
    storage=STORAGE,
    routes=router,
    imports=tuple(KINDS),
    sends=(assets.AnnounceAll, purchasing.AnnounceAll),
    renews=RenewCopies,
    sequences=("receipt_number", returning.NUMBER, shipment.NUMBER),
)

if __name__ == "__main__":
    run(SERVICE)
