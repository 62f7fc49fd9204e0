"""The assets service: `python -m services.assets`."""

from libs.chassis.run import run
from libs.chassis.service import Service
from services.assets import (
    amendment,
    arrival,
    asset,
    entitlement,
    handover,
    issuing,
    location,
    on_the_way,
    taking_back,
)
from services.assets.api import router
from services.assets.tables import STORAGE

SERVICE = Service(
    name="assets",
    queues={
        "inbox": (
            *asset.HANDLERS,
            *arrival.HANDLERS,
            *taking_back.HANDLERS,
            *on_the_way.HANDLERS,
            *amendment.HANDLERS,
            *handover.HANDLERS,
            *entitlement.HANDLERS,
            *issuing.HANDLERS,
            *location.HANDLERS,
        )
    },
    storage=STORAGE,
    routes=router,
    sequences=("asset_tag",),
)

if __name__ == "__main__":
    run(SERVICE)
