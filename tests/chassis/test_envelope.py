"""What is let in, what is refused and why, and that other CloudEvents software understands us."""

import json
from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from cloudevents.core.bindings import rabbitmq
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from libs.chassis.envelope import (
    Envelope,
    InvalidContent,
    Outgoing,
    Undecodable,
    amqp_properties,
    answer_route,
    decoded,
    exchange_for,
    opened,
    outbox_row,
)
from libs.contracts import assets, purchasing, receiving, requests
from libs.contracts.values import MESSAGE_BYTES_MAX

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


def refusal(*arguments: Any, **named: Any) -> str:
    with pytest.raises(Undecodable) as refused:
        open_it(*arguments, **named)
    return refused.value.reason


def test_a_strangers_command_is_known_by_its_sender_and_its_id() -> None:
    envelope = open_it(headers=binary(subject="S", time="2026-03-01T08:00:00Z", correlationid="C-7"))

    assert (envelope.said_id, envelope.stranger, envelope.sender, envelope.type) == (
        "A-1",
        True,
        "erp",
        CANCEL,
    )
    assert (envelope.subject, envelope.time, envelope.correlation_id) == ("S", "2026-03-01T08:00:00Z", "C-7")
    assert envelope.message_key == open_it().message_key
    assert envelope.message_key != open_it(properties=Said(user_id="wms")).message_key
    assert envelope.message_key != open_it(headers=binary(id="A-2")).message_key


def test_a_retry_may_change_spacing_order_or_mode_and_is_still_the_same() -> None:
    spaced = json.dumps(dict(reversed(CONTENT.items())), indent=4).encode()
    plain, respaced = open_it(), open_it(spaced)
    wrapped = open_it(structured(), {}, Said(content_type="application/cloudevents+json; charset=utf-8"))
    in_base64 = open_it(
        structured(data=None, data_base64=b64encode(spaced).decode()),
        {},
        Said(content_type="application/cloudevents+json"),
    )

    assert {plain.body_hash, respaced.body_hash, wrapped.body_hash, in_base64.body_hash} == {plain.body_hash}
    assert decoded(wrapped) == decoded(plain) == decoded(in_base64)
    assert open_it(json.dumps(CONTENT | {"reason": "other"}).encode()).body_hash != plain.body_hash


def test_a_sibling_is_known_by_its_own_id() -> None:
    said = uuid4()

    envelope = open_it(
        headers=binary(id=str(said), sequence="3", causationid="X"),
        properties=Said(user_id="requests"),
        exchange="purchasing.inbox",
    )

    assert (envelope.id, envelope.message_key, envelope.stranger) == (said, said, False)
    assert (envelope.sequence, envelope.causation_id, envelope.correlation_id) == (3, "X", str(said))


def test_header_names_may_be_written_in_any_case() -> None:
    headers = {name.upper(): value for name, value in binary().items()}

    assert open_it(headers=headers) == open_it()


FACT = requests.RequestApproved.type
ANSWER = purchasing.CommandAnswered.type
DOORS = [
    # service, exchange, routing key, type, sender → reason, None if it may come in
    ("purchasing", "requests.events", FACT, FACT, "requests", None),
    ("purchasing", "requests.events", FACT, FACT, "assets", "not_entitled"),
    ("purchasing", "requests.events", FACT, FACT, "erp", "not_entitled"),
    ("purchasing", "assets.events", FACT, FACT, "assets", "wrong_exchange"),
    ("purchasing", "requests.events", CANCEL, CANCEL, "requests", "wrong_exchange"),
    ("purchasing", "requests.events", "requests.x.v1", FACT, "requests", "wrong_exchange"),
    ("purchasing", "purchasing.inbox", CANCEL, CANCEL, "requests", None),
    ("purchasing", "purchasing.inbox", CANCEL, CANCEL, "purchasing", None),
    ("purchasing", "purchasing.inbox", CANCEL, CANCEL, "erp", "not_entitled"),
    ("purchasing", "purchasing.inbox", FACT, FACT, "requests", "wrong_exchange"),
    ("assets", "purchasing.inbox", CANCEL, CANCEL, "requests", "wrong_exchange"),
    ("requests", "requests.inbox", FACT, FACT, "requests", None),
    ("requests", "requests.inbox", FACT, FACT, "assets", "not_entitled"),
    ("purchasing", "purchasing.commands", CANCEL, CANCEL, "anybody", None),
    ("purchasing", "purchasing.commands", "purchasing.create_order.v1", "purchasing.create_order.v1", "erp",
     "not_entitled"),
    ("requests", "requests.commands", FACT, FACT, "erp", "wrong_exchange"),
    ("requests", "purchasing.replies", "requests.-", ANSWER, "purchasing", None),
    ("requests", "purchasing.replies", "requests.-", ANSWER, "erp", "not_entitled"),
    ("requests", "purchasing.replies", "erp.1", ANSWER, "purchasing", "wrong_exchange"),
    ("requests", "purchasing.events", ANSWER, ANSWER, "purchasing", "wrong_exchange"),
    ("requests", "purchasing.replies", "requests.-", FACT, "requests", "wrong_exchange"),
    ("purchasing", "purchasing.bulk", CANCEL, CANCEL, "purchasing", None),
    ("purchasing", "purchasing.bulk", FACT, FACT, "requests", None),
    ("purchasing", "purchasing.bulk", FACT, FACT, "assets", "not_entitled"),
    ("purchasing", "purchasing.bulk", CANCEL, CANCEL, "erp", "not_entitled"),
    ("purchasing", "amq.topic", CANCEL, CANCEL, "erp", "wrong_exchange"),
    ("purchasing", "", CANCEL, CANCEL, "erp", "wrong_exchange"),
    ("purchasing", "purchasing.commands", "a.b.v1", "a.b.v1", "erp", "unknown_type"),
]  # fmt: skip


@pytest.mark.parametrize(("service", "exchange", "routing_key", "said_type", "sender", "reason"), DOORS)
def test_each_exchange_lets_in_only_what_belongs_there_from_whom_it_may_come(
    service: str, exchange: str, routing_key: str, said_type: str, sender: str, reason: str | None
) -> None:
    def come_in() -> Envelope:
        return open_it(
            headers=binary(id=str(UUID(int=9)), type=said_type),
            properties=Said(user_id=sender),
            exchange=exchange,
            routing_key=routing_key,
            service=service,
        )

    if reason is None:
        assert come_in().type == said_type
    else:
        with pytest.raises(Undecodable) as refused:
            come_in()
        assert refused.value.reason == reason


def test_what_the_broker_gave_up_says_so() -> None:
    with pytest.raises(Undecodable) as refused:
        open_it(
            headers=binary() | {"x-first-death-reason": "delivery_limit"}, exchange="purchasing.dead_letters"
        )

    assert (refused.value.reason, refused.value.detail) == ("given_up", "by the broker: delivery_limit")


def test_what_cannot_be_read_is_refused_with_the_reason() -> None:
    batch = Said(content_type="application/cloudevents-batch+json")
    single = Said(content_type="application/cloudevents+json")

    assert refusal(b"x" * (MESSAGE_BYTES_MAX + 1)) == "too_large"
    assert refusal(properties=Said(user_id=None)) == "no_sender"
    assert refusal(properties=Said(user_id="erp.east")) == "no_sender"
    assert refusal(properties=Said(user_id="#")) == "no_sender"
    assert refusal(properties=Said(type="purchasing.other.v1")) == "malformed"
    assert refusal(properties=Said(content_type="text/plain")) == "malformed"
    assert refusal(properties=Said(content_encoding="gzip")) == "malformed"
    assert refusal(b"[]", properties=batch) == "malformed"
    assert refusal(b"[]", {}, single) == "malformed"
    assert refusal(b"{", {}, single) == "malformed"
    assert refusal(b"\xff", {}, single) == "malformed"
    assert refusal(b"[" * 200_000, {}, single) == "malformed"
    assert refusal(structured(data=float("nan")), {}, single) == "malformed"
    assert refusal(structured(id="a\x00b"), {}, single) == "malformed"
    assert refusal(structured(id="\ud800"), {}, single) == "malformed"
    assert refusal(structured(id=7), {}, single) == "malformed"
    assert refusal(structured(specversion="0.3"), {}, single) == "malformed"
    assert refusal(structured(datacontenttype="application/xml"), {}, single) == "malformed"
    assert refusal(structured(data=None, data_base64="%"), {}, single) == "malformed"
    assert refusal(b"{") == "malformed"
    assert refusal(b"[" * 200_000) == "malformed"
    assert refusal(b"9" * 10_000) == "malformed"
    assert refusal(b'{"reason": 1e999}') == "malformed"
    assert refusal(headers=binary(specversion=None)) == "malformed"
    assert refusal(headers=binary(id=None)) == "malformed"
    assert refusal(headers=binary(id="x" * 513)) == "malformed"
    assert refusal(headers=binary(source=None)) == "malformed"
    assert refusal(headers=binary(sequence="-1")) == "malformed"
    assert refusal(headers=binary(sequence=True)) == "malformed"
    assert refusal(headers=binary(correlationid="ü")) == "malformed"
    assert refusal(properties=Said(reply_to="x" * 129)) == "malformed"
    assert refusal(properties=Said(user_id="requests"), exchange="purchasing.inbox") == "malformed"


@given(
    body=st.binary(max_size=200) | st.text(max_size=50).map(str.encode),
    headers=st.dictionaries(
        st.sampled_from(sorted(binary(sequence="1", traceparent="x", subject="s"))),
        st.none() | st.text(max_size=20) | st.integers() | st.booleans() | st.binary(max_size=5),
    ),
    content_type=st.sampled_from(["application/json", "application/cloudevents+json", None, "x/y"]),
)
def test_nothing_that_arrives_raises_anything_but_a_reason(
    body: bytes, headers: dict[str, Any], content_type: str | None
) -> None:
    with suppress(Undecodable):
        decoded(open_it(body, binary() | headers, Said(content_type=content_type)))


def test_broken_trace_context_is_dropped_and_the_message_lives() -> None:
    traced = open_it(headers=binary() | {"traceparent": "00-1-2-01", "tracestate": "a=b"})

    assert (traced.traceparent, traced.tracestate) == ("00-1-2-01", "a=b")
    assert open_it(headers=binary() | {"traceparent": b"\xff"}) == open_it()


def test_broken_content_is_explained_by_field() -> None:
    content = {
        "requester": "person-17", "deliver_to": "DOCK-1", "currency": "EUR",
        "lines": [{"sku": "A", "quantity": 0}, {"sku": "B", "quantity": "two"}],
    }  # fmt: skip
    submit = requests.SubmitRequest.type
    envelope = open_it(
        json.dumps(content).encode(),
        binary(type=submit),
        exchange="requests.commands",
        routing_key=submit,
        service="requests",
    )

    with pytest.raises(InvalidContent) as refused:
        decoded(envelope)

    assert refused.value.field == "lines[0].quantity"
    assert refused.value.detail == (
        "lines[0].quantity: Input should be greater than or equal to 1; "
        "lines[1].quantity: Input should be a valid integer"
    )


def test_an_explanation_stays_short_however_much_is_wrong() -> None:
    submit = requests.SubmitRequest.type
    content = {"lines": [{"sku": "é" * 100, "quantity": -1}] * 100}
    envelope = open_it(
        json.dumps(content).encode(),
        binary(type=submit),
        exchange="requests.commands",
        routing_key=submit,
        service="requests",
    )

    with pytest.raises(InvalidContent) as refused:
        decoded(envelope)

    assert len(refused.value.detail) < 1000
    assert "more" in refused.value.detail


def test_a_stored_envelope_comes_back_whole() -> None:
    envelope = replace(open_it(headers=binary(sequence="4", subject="S")), redelivered=True)

    stored = json.loads(json.dumps(envelope.stored()))

    assert Envelope.restored(stored, envelope.body) == envelope


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
