"""Messages as the broker would deliver them, for tests of the envelope."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from libs.chassis.envelope import (
    Envelope,
    opened,
)
from libs.contracts import purchasing

SERVICES = frozenset({"requests", "purchasing", "receiving", "assets"})
CONTENT = {"request_id": str(UUID(int=1)), "reason": "wrong colour"}
CANCEL = purchasing.CancelOrder.type


@dataclass(frozen=True)
class Said:
    """The properties of a delivered message."""

    user_id: str | None = "erp"
    content_type: str | None = "application/json"
    content_encoding: str | None = None
    correlation_id: str | None = None
    reply_to: str | None = None
    type: str | None = None


def binary(**attributes: Any) -> dict[str, Any]:
    attributes = {"specversion": "1.0", "id": "A-1", "source": "/erp", "type": CANCEL} | attributes
    return {f"ce-{name}": value for name, value in attributes.items() if value is not None}


def structured(**attributes: Any) -> bytes:
    attributes = {
        "specversion": "1.0", "id": "A-1", "source": "/erp", "type": CANCEL, "data": CONTENT,
    } | attributes  # fmt: skip
    return json.dumps(attributes).encode()


def open_it(
    body: bytes = json.dumps(CONTENT).encode(),
    headers: dict[str, Any] | None = None,
    properties: Said = Said(),
    *,
    exchange: str = "purchasing.commands",
    routing_key: str = CANCEL,
    service: str = "purchasing",
) -> Envelope:
    return opened(
        body,
        binary() if headers is None else headers,
        properties,
        exchange=exchange,
        routing_key=routing_key,
        redelivered=False,
        service=service,
        siblings=SERVICES,
    )
