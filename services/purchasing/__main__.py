"""The purchasing service: `python -m services.purchasing`."""

from libs.chassis.run import run
from libs.chassis.service import Service
from services.purchasing import catalog, purchase_order, request_orders
from services.purchasing.api import router
from services.purchasing.tables import STORAGE

SERVICE = Service(
    name="purchasing",
    queues={"inbox": (*request_orders.HANDLERS, *purchase_order.HANDLERS, *catalog.HANDLERS)},
    storage=STORAGE,
    routes=router,
    sequences=(request_orders.NUMBER,),
)

if __name__ == "__main__":
    run(SERVICE)
