"""A lane is a queue beside the ingress, read by a consumer that lets the others go first, or by a worker alone."""

from typing import Any

from pydantic import TypeAdapter

from libs.chassis.consumer import LANE_BATCH_SIZE_MAX, Consumer
from libs.chassis.process import Process
from libs.chassis.rights import queues_of
from libs.chassis.settings import Settings
from services.purchasing.__main__ import SERVICE

NOWHERE = {
    "database_url": "postgresql://purchasing:secret@127.0.0.1:1/purchasing",
    "broker_url": "amqp://purchasing:secret@127.0.0.1:1/",
}


def consumers(**settings: Any) -> dict[str, Consumer]:
    """What a worker of purchasing would read, by queue."""
    process = Process(SERVICE, "worker", TypeAdapter(Settings).validate_python(NOWHERE | settings))
    _, process.consumers = process._consumers()
    return {consumer.queue: consumer for consumer in process.consumers}


async def test_a_worker_reads_every_queue_the_lanes_among_them() -> None:
    assert set(consumers()) == set(queues_of(SERVICE))
    assert "purchasing.invoices" in queues_of(SERVICE)


async def test_a_worker_can_read_a_lane_alone() -> None:
    assert set(consumers(queues="invoices")) == {"purchasing.invoices"}


async def test_a_lane_takes_small_batches_and_waits_for_the_others_but_not_for_other_lanes() -> None:
    read = consumers()
    lane, ingress = read["purchasing.invoices"], read["purchasing.ingress"]

    idle = lane._gives_way and lane._gives_way()
    lane._idle.clear()
    lane_alone = lane._gives_way and lane._gives_way()
    ingress._idle.clear()
    others_too = lane._gives_way and lane._gives_way()

    assert (idle, lane_alone, others_too) == (False, False, True)
    assert (lane._settings.batch_size_max, lane._settings.prefetch) == (
        LANE_BATCH_SIZE_MAX,
        2 * LANE_BATCH_SIZE_MAX,
    )
    assert ingress._gives_way is None
