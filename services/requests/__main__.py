"""The requests service: `python -m services.requests`."""

from libs.chassis.run import run
from libs.chassis.service import Service
from libs.contracts.assets import AssignAssets
from libs.contracts.purchasing import AnnounceAll, CreateOrder
from services.requests import approval, catalog_entry, fulfilment, submission
from services.requests.api import router
from services.requests.tables import STORAGE

SERVICE = Service(
    name="requests",
    queues={
        "inbox": (
            *submission.HANDLERS,
            *approval.HANDLERS,
            *catalog_entry.HANDLERS,
            *fulfilment.TIMER_HANDLERS,
        ),
        "fulfilment": fulfilment.HANDLERS,
    },
    storage=STORAGE,
    routes=router,
    sends=(CreateOrder, AssignAssets, AnnounceAll),
    sequences=(submission.NUMBER,),
)

if __name__ == "__main__":
    run(SERVICE)
