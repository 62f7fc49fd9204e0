"""What we say is understood by our siblings and by other CloudEvents software, and theirs by us."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from cloudevents.core.bindings import rabbitmq
from cloudevents.core.v1.event import CloudEvent

from libs.chassis.envelope import (
    Outgoing,
    amqp_properties,
    answer_route,
    decoded,
    exchange_for,
    outbox_row,
)
from libs.contracts import assets, purchasing, receiving, requests
from tests.chassis.opening import CANCEL, CONTENT, Said, open_it


def test_an_answer_goes_to_whoever_gave_the_command() -> None:
    assert answer_route(open_it(properties=Said(reply_to="call-5"))) == "erp.call-5"
    assert answer_route(open_it()) == "erp.-"


def test_facts_go_to_our_events_and_commands_to_the_inbox_of_who_obeys() -> None:
    assert exchange_for(requests.RequestApproved, "requests") == "requests.events"
    assert exchange_for(assets.AssignAssets, "requests") == "assets.inbox"
    assert exchange_for(receiving.RecordReceipt, "receiving") == "receiving.inbox"


def outgoing() -> Outgoing:
    return Outgoing(
        message_id=UUID(int=5),
        type=CANCEL,
        sender="requests",
        exchange="purchasing.inbox",
        routing_key=CANCEL,
        ordering_key=UUID(int=35),
        time=datetime(2026, 3, 1, 8, tzinfo=UTC),
        correlation_id="process-1",
        body=json.dumps(CONTENT).encode(),
        subject=UUID(int=1),
        sequence=2,
        causation_id="cause",
        traceparent="00-1-2-01",
        tracestate="a=b",
        reply_to="step-3",
    )


def delivered(row: dict[str, Any]) -> tuple[dict[str, Any], Said]:
    """What a consumer gets to see of an outbox row."""
    properties = amqp_properties(row["message_id"], json.loads(json.dumps(row["headers"])), "requests")
    said = Said(
        user_id=properties.user_id,
        content_type=properties.content_type,
        correlation_id=properties.correlation_id,
        reply_to=properties.reply_to,
        type=properties.message_type,
    )
    return dict(properties.headers or {}), said


def test_what_we_say_is_what_a_sibling_hears() -> None:
    row: dict[str, Any] = outbox_row(outgoing())
    headers, said = delivered(row)

    heard = open_it(row["body"], headers, said, exchange=row["exchange"], routing_key=row["routing_key"])

    assert row["shard"] == 35 % 16
    assert (heard.id, heard.type, heard.sender, heard.sequence) == (UUID(int=5), CANCEL, "requests", 2)
    assert (heard.subject, heard.time) == (str(UUID(int=1)), "2026-03-01T08:00:00Z")
    assert (heard.correlation_id, heard.causation_id, heard.reply_to) == ("process-1", "cause", "step-3")
    assert (heard.traceparent, heard.tracestate) == ("00-1-2-01", "a=b")
    assert heard.source == "/quartermaster/requests"


def test_the_cloudevents_sdk_understands_what_we_say() -> None:
    row: dict[str, Any] = outbox_row(outgoing())
    headers, said = delivered(row)

    event = rabbitmq.from_rabbitmq_event(
        rabbitmq.RabbitMQMessage(headers=headers, content_type=said.content_type, body=row["body"])
    )

    assert event.get_data() == CONTENT
    assert (event.get_id(), event.get_type(), event.get_source()) == (
        str(UUID(int=5)), CANCEL, "/quartermaster/requests",
    )  # fmt: skip
    assert event.get_dataschema() == f"/schemas/{CANCEL}"
    assert event.get_extension("sequence") == "2"
    assert event.get_extension("correlationid") == "process-1"


def test_we_understand_what_the_cloudevents_sdk_says_in_either_mode() -> None:
    event = CloudEvent(
        {
            "type": CANCEL,
            "source": "/erp",
            "id": "A-1",
            "correlationid": "C",
            "datacontenttype": "application/json",
        },
        CONTENT,
    )
    in_binary, in_structured = rabbitmq.to_binary_event(event), rabbitmq.to_structured_event(event)

    first = open_it(in_binary.body, in_binary.headers, Said(content_type=in_binary.content_type))
    second = open_it(in_structured.body, in_structured.headers, Said(content_type=in_structured.content_type))

    assert (
        decoded(first)
        == decoded(second)
        == purchasing.CancelOrder(request_id=UUID(int=1), reason="wrong colour")
    )
    assert (first.correlation_id, first.message_key) == (second.correlation_id, second.message_key)
    assert first.time == second.time == event.get_time().isoformat().replace("+00:00", "Z")  # type: ignore[union-attr]
