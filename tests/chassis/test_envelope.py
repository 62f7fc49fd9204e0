"""What is let in, and what is refused and why."""

import json
from base64 import b64encode
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.chassis.envelope import (
    Envelope,
    InvalidContent,
    Undecodable,
    decoded,
)
from libs.contracts import purchasing, requests
from libs.contracts.values import MESSAGE_BYTES_MAX
from tests.chassis.opening import CANCEL, CONTENT, Said, binary, open_it, structured


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
