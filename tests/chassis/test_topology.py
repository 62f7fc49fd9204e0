"""What is bound follows from who handles what."""

import json
from base64 import b64decode
from dataclasses import replace
from hashlib import sha256

import pytest

from libs.chassis.rights import Integration, password_hash
from libs.chassis.topology import Binding, definitions, differences, expected_bindings, marker, topology
from libs.contracts import assets, purchasing, requests
from tests.chassis.declared import ASSETS, PURCHASING, RECEIVING, REQUESTS, SERVICES, a_service


def test_a_service_hears_what_it_handles_on_the_queue_where_it_handles_it() -> None:
    assert expected_bindings(REQUESTS) == {
        Binding("requests.commands", "#", "requests.ingress"),
        Binding("requests.bulk", "#", "requests.bulk"),
        Binding("requests.dead_letters", "#", "requests.dead_letters"),
        Binding("requests.inbox", "requests.submit_request.v1", "requests.inbox"),
        Binding("requests.inbox", "requests.decide_approval.v1", "requests.inbox"),
        Binding("purchasing.events", "purchasing.catalog_item_changed.v1", "requests.inbox"),
        Binding("requests.events", "requests.request_approved.v1", "requests.fulfilment"),
        Binding("requests.inbox", "requests.request_approved.v1", "requests.fulfilment"),
        Binding("requests.events", "requests.approval_reminded.v1", "requests.fulfilment"),
        Binding("requests.inbox", "requests.approval_reminded.v1", "requests.fulfilment"),
        Binding("assets.events", "assets.assets_received.v1", "requests.fulfilment"),
        Binding("purchasing.replies", "requests.#", "requests.fulfilment"),
        Binding("assets.replies", "requests.#", "requests.fulfilment"),
    }


def test_what_comes_by_a_lane_stands_in_a_queue_of_its_own_that_is_bounded_like_the_ingress() -> None:
    submitting = REQUESTS.queues["inbox"][:1]
    service = replace(REQUESTS, lanes={"requests": submitting})

    commands = {each for each in expected_bindings(service) if each.exchange == "requests.commands"}

    assert commands == {
        Binding("requests.commands", "requests.submit_request.v1", "requests.requests"),
        Binding("requests.commands", "requests.decide_approval.v1", "requests.ingress"),
    }
    policy = topology([service]).policies["requests.ingress"]
    assert policy.queues == ("requests.ingress", "requests.requests")
    assert policy.settings["overflow"] == "reject-publish"


def test_a_lane_takes_only_what_the_inbox_handles() -> None:
    service = replace(REQUESTS, lanes={"other": PURCHASING.queues["inbox"]})

    with pytest.raises(RuntimeError, match="by the lane other is handled in the inbox"):
        topology([service])


def test_the_audit_hears_every_fact_our_commands_and_every_answer_that_has_a_reader() -> None:
    audited = {(each.exchange, each.key) for each in topology(SERVICES).bindings if each.queue == "audit"}

    assert {exchange for exchange, key in audited if key == "#"} == {
        f"{service.name}.events" for service in SERVICES
    }
    assert not any(exchange.endswith(".commands") for exchange, _ in audited), (
        "a token may be among the headers"
    )
    assert ("purchasing.inbox", "purchasing.create_order.v1") in audited
    assert {("purchasing.replies", "erp.#"), ("purchasing.replies", "requests.#")} <= audited


def test_everything_but_the_audit_stream_is_a_quorum_queue_and_every_queue_has_one_policy() -> None:
    made = topology(SERVICES)
    governed = [queue for policy in made.policies.values() for queue in policy.queues]

    assert {queue for queue, how in made.queues.items() if how == {"x-queue-type": "stream"}} == {"audit"}
    assert all(how == {"x-queue-type": "quorum"} for queue, how in made.queues.items() if queue != "audit")
    assert sorted(governed) == sorted(made.queues)


def test_a_services_marker_changes_with_what_it_declares_and_with_nothing_else() -> None:
    handlers = {**REQUESTS.queues, "inbox": REQUESTS.queues["inbox"][:-1]}

    assert marker(replace(REQUESTS, queues=handlers)) != marker(REQUESTS)
    assert marker(replace(REQUESTS, sends=())) != marker(REQUESTS)
    assert marker(replace(REQUESTS, sequences=("number",))) == marker(REQUESTS)


def test_what_a_broker_lacks_is_said_in_sentences() -> None:
    wanted = topology([REQUESTS, PURCHASING, ASSETS])
    found = definitions([REQUESTS, PURCHASING, ASSETS], "/", {})
    assert differences(wanted, found) == []

    del found["queues"][0], found["exchanges"][0], found["policies"][0], found["bindings"][0]

    assert differences(wanted, found) == [
        "the durable topic exchange requests.events is missing",
        "the queue requests.ingress is missing or not of type quorum",
        "assets.bulk is not bound to assets.bulk with #",
        "the policy requests.ours is missing or other than we need",
    ]


def test_a_file_without_passwords_lets_nobody_in_and_holds_no_secret() -> None:
    users = definitions(SERVICES, "/", {})["users"]

    assert {user["password_hash"] for user in users} == {""}
    assert [user["name"] for user in users] == ["requests", "purchasing", "receiving", "assets", "erp"]


def test_passwords_are_salted_and_hashed_as_rabbitmq_does() -> None:
    text = json.dumps(definitions(SERVICES, "/", {"requests": "not to be seen", "admin": "nor this"}))
    stored = b64decode(password_hash("word"))

    assert "not to be seen" not in text
    assert "nor this" not in text
    assert stored[4:] == sha256(stored[:4] + b"word").digest()
    assert password_hash("word") != password_hash("word")


@pytest.mark.parametrize(
    ("services", "mistake"),
    [
        ([a_service("assets", {"inbox": [purchasing.CancelOrder]})], "not its own"),
        ([a_service("assets", {"inbox": [assets.AssignAssets], "other": [assets.AssignAssets]})], "twice"),
        ([a_service("assets", {"bulk": [requests.RequestApproved]})], "not a name for a queue"),
        ([REQUESTS, a_service("purchasing", {"inbox": []}), ASSETS], "which nobody obeys"),
        ([RECEIVING, RECEIVING], "different plain words"),
        ([a_service("a.b", {"inbox": []})], "different plain words"),
    ],
)
def test_declarations_that_would_leave_messages_unheard_are_refused(
    services: list[object], mistake: str
) -> None:
    with pytest.raises(RuntimeError, match=mistake):
        topology(services)  # type: ignore[arg-type]


def test_an_integration_may_not_look_like_a_routing_pattern() -> None:
    with pytest.raises(RuntimeError, match="different plain words"):
        topology(SERVICES, [Integration("#")])
