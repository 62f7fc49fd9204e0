"""What is counted and measured, under /metrics: `quartermaster_<noun>_<unit>`, no label personal."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

REGISTRY = CollectorRegistry()
"""One per process: roles that are multiplied are scraped one by one."""

ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

MESSAGES_HANDLED = Counter(
    "quartermaster_messages_handled",
    "Messages handled, by type and how they ended.",
    ["type", "verdict"],
    registry=REGISTRY,
)
BATCH_MESSAGES = Histogram(
    "quartermaster_batch_messages",
    "Messages in one transaction.",
    ["consumer"],
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
    registry=REGISTRY,
)
BATCH_SECONDS = Histogram(
    "quartermaster_batch_seconds",
    "How long one batch took, from its first look at the database to its commit.",
    ["consumer"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
    registry=REGISTRY,
)
BATCH_RETRIES = Counter(
    "quartermaster_batch_retries",
    "Transactions begun again, by reason (deadlock, serialization, conflict, bisected …).",
    ["reason"],
    registry=REGISTRY,
)
OUTBOX_ROWS = Gauge(
    "quartermaster_outbox_rows", "Messages not yet published (counted up to 100,000).", registry=REGISTRY
)
OUTBOX_OLDEST_SECONDS = Gauge(
    "quartermaster_outbox_oldest_seconds", "Age of the oldest unpublished message.", registry=REGISTRY
)
OUTBOX_PARKED_ROWS = Gauge(
    "quartermaster_outbox_parked_rows",
    "Messages the relay has given up on; somebody must look.",
    registry=REGISTRY,
)
WAITING_ROWS = Gauge(
    "quartermaster_waiting_rows", "Messages waiting for a record we lack.", registry=REGISTRY
)
WAITING_OLDEST_SECONDS = Gauge(
    "quartermaster_waiting_oldest_seconds", "How long the longest of them has waited.", registry=REGISTRY
)
DEAD_LETTERS_ROWS = Gauge("quartermaster_dead_letters_rows", "Dead letters still open.", registry=REGISTRY)
DEAD_LETTERS = Counter(
    "quartermaster_dead_letters", "Messages that died, by reason.", ["reason"], registry=REGISTRY
)
RELAY_MESSAGES = Counter(
    "quartermaster_relay_messages",
    "Messages the relay published, had returned as unroutable, failed to publish, parked.",
    ["outcome"],
    registry=REGISTRY,
)
RELAY_SHARDS = Gauge("quartermaster_relay_shards", "Outbox shards this process owns.", registry=REGISTRY)
CONSUMER_HELD_SECONDS = Counter(
    "quartermaster_consumer_held_seconds",
    "Time messages were held during outages.",
    ["queue"],
    registry=REGISTRY,
)
HTTP_REQUESTS = Counter(
    "quartermaster_http_requests",
    "HTTP requests answered, by route and status.",
    ["method", "route", "status"],
    registry=REGISTRY,
)
HTTP_REQUEST_SECONDS = Histogram(
    "quartermaster_http_request_seconds", "How long answering took.", ["method", "route"], registry=REGISTRY
)


def exposition() -> bytes:
    """Everything in Prometheus' text format."""
    return generate_latest(REGISTRY)
