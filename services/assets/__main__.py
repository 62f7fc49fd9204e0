"""The assets service: `python -m services.assets`."""

from libs.chassis.run import run
from libs.chassis.service import Service
from services.assets import amendment, asset, entitlement, handover, location, lot
from services.assets.api import router
from services.assets.tables import STORAGE

SERVICE = Service(
    name="assets",
    queues={
        "inbox": (
            *asset.HANDLERS,
            *amendment.HANDLERS,
            *handover.HANDLERS,
            *entitlement.HANDLERS,
            *lot.HANDLERS,
            *location.HANDLERS,
        )
    },
    storage=STORAGE,
    routes=router,
    sequences=("asset_tag",),
)

if __name__ == "__main__":
    run(SERVICE)
