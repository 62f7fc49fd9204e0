"""Bad input by queue: answered or kept with its reason, nothing half done, and good messages obeyed after it."""

import asyncio
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import aio_pika
import aiormq
import pytest
from yarl import URL

from libs.contracts.purchasing import CreateOrder
from libs.contracts.receiving import GoodsReceived, RecordReceipt
from libs.contracts.requests import ApproveSpending, SubmitRequest
from tests.journeys.system import ADMINISTRATOR, Seen, System, a_receipt, a_request, an_event, serials

ANYTHING = "00000000-0000-8000-8000-000000000001"
SUBMIT = SubmitRequest.type


def an_event_of(data: object) -> Seen:
    return an_event(a_request()) | {"data": data}


def with_line(**line: object) -> Seen:
    """A request whose only line says this."""
    return {"lines": [{"sku": "PSU-65W", "quantity": 1} | line]}


UNDECODABLE: dict[str, tuple[bytes, str]] = {
    "cut off": (b'{"specversion": "1.0", "id": "1", "source": "/erp", "type": ', "malformed"),
    "not text": (b"\xff\xfe\x00\x01", "malformed"),
    "empty": (b"", "malformed"),
    "a list": (b"[]", "malformed"),
    "nested without end": (b"[" * 100_000, "malformed"),
    "a number of 10,000 digits": (b'{"id": ' + b"9" * 10_000 + b"}", "malformed"),
    "half a character": (json.dumps(an_event_of({"requester": "\ud800"})).encode(), "malformed"),
    "not a number": (json.dumps(an_event_of({"quantity": float("nan")})).encode(), "malformed"),
    "without an id": (json.dumps(an_event(a_request()) | {"id": None}).encode(), "malformed"),
    "without data": (
        json.dumps({k: v for k, v in an_event(a_request()).items() if k != "data"}).encode(),
        "malformed",
    ),
    "too large": (json.dumps(an_event_of({"justification": "x" * 300_000})).encode(), "too_large"),
    "of a type that nobody knows": (
        json.dumps(an_event(a_request()) | {"type": "requests.buy_all.v1"}).encode(),
        "unknown_type",
    ),
    "of a type that does not belong there": (
        json.dumps(an_event(a_request()) | {"type": GoodsReceived.type}).encode(),
        "wrong_exchange",
    ),
}


@pytest.mark.parametrize("name", UNDECODABLE)
async def test_what_cannot_be_read_is_kept_with_its_reason(system: System, name: str) -> None:
    body, reason = UNDECODABLE[name]
    known = {letter["dead_letter_id"] for letter in await system.letters("requests")}

    async with system.nothing_done():
        assert await system.publish_raw(SUBMIT, body) == "routed"
        letters = await system.eventually(
            lambda: system.letters("requests"), lambda letters: len(letters) > len(known)
        )

    (letter,) = (letter for letter in letters if letter["dead_letter_id"] not in known)
    assert (letter["reason"], letter["sender"], letter["type"]) == (reason, "erp", SUBMIT)
    assert letter["detail"]
    assert letter["body"] == ("//4AAQ==" if name == "not text" else body.decode())


async def test_a_message_of_nobody_is_kept_with_its_reason(system: System) -> None:
    async with system.nothing_done():
        event = an_event(a_request())
        assert await system.publish_raw(SUBMIT, json.dumps(event).encode(), user_id="") == "routed"
        letters = await system.eventually(
            lambda: system.letters("requests"),
            lambda letters: any(event["id"] in letter["body"] for letter in letters),
        )

    assert [letter["reason"] for letter in letters if event["id"] in letter["body"]] == ["no_sender"]


async def test_what_was_cut_off_can_be_mended_by_a_person(system: System) -> None:
    await system.publish_raw(SUBMIT, b'{"specversion": "1.0", "data": {"mended": ')
    (letter, *_) = await system.eventually(
        lambda: system.letters("requests"), lambda letters: any("mended" in each["body"] for each in letters)
    )
    good = a_request()
    path = f"/dead-letters/{letter['dead_letter_id']}/replay"

    still_bad = await system.post("requests", path, {"data": {"lines": []}}, person=ADMINISTRATOR)
    content = {"data": good.model_dump(mode="json")}
    mended = await system.post("requests", path, content, person=ADMINISTRATOR)
    again = await system.post("requests", path, content, person=ADMINISTRATOR)

    assert (still_bad.status_code, still_bad.json()["code"]) == (422, "invalid_content")
    assert (mended.status_code, mended.json()["count"]) == (200, 1)
    assert (again.status_code, again.json()["code"]) == (409, "dead_letter_not_open")

    async def references() -> list[tuple[str, str]]:
        requests = await system.api.all("requests", "/requests")
        return [(each["source"], each["external_reference"]) for each in requests]

    await system.eventually(references, lambda found: ("erp", good.external_reference) in found)


REFUSED: dict[str, tuple[Any, str, str | None]] = {
    "no object": ([], "invalid_content", None),
    "a quantity in words": (with_line(quantity="2"), "invalid_content", "lines[0].quantity"),
    "a quantity that is true": (with_line(quantity=True), "invalid_content", "lines[0].quantity"),
    "half a unit": (with_line(quantity=0.5), "invalid_content", "lines[0].quantity"),
    "no unit": (with_line(quantity=0), "invalid_content", "lines[0].quantity"),
    "a negative quantity": (with_line(quantity=-1), "invalid_content", "lines[0].quantity"),
    "an absurd quantity": (with_line(quantity=10**12), "invalid_content", "lines[0].quantity"),
    "a quantity beyond any database": (with_line(quantity=10**400), "invalid_content", "lines[0].quantity"),
    "a person who is a number": ({"requester": 17}, "invalid_content", "requester"),
    "no line": ({"lines": []}, "invalid_content", "lines"),
    "lines that are none": ({"lines": "PSU-65W"}, "invalid_content", "lines"),
    "a day that is none": ({"needed_by": "soon"}, "invalid_content", "needed_by"),
    "a character no database keeps": ({"justification": "a\x00b"}, "invalid_content", "justification"),
    "a SKU that is not in the catalog": (with_line(sku="UNICORN"), "sku_unknown", "lines[0].sku"),
    "another currency": ({"currency": "USD"}, "currency_mismatch", "lines[0].sku"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_bad_request_is_refused_and_its_sender_told_why(system: System, name: str) -> None:
    wrong, code, field = REFUSED[name]
    data = an_event(a_request())["data"] | wrong if isinstance(wrong, dict) else wrong

    async with system.nothing_done():
        answer = await system.erp.ask_event(an_event_of(data))

    assert (answer["outcome"], answer["code"], answer["field"]) == ("rejected", code, field)
    assert answer["message"]


async def test_a_reference_used_again_for_something_else_is_refused(system: System) -> None:
    first = a_request()
    await system.submit_ordered(external_reference=first.external_reference)

    async with system.nothing_done():
        other = a_request(("PSU-65W", 2), external_reference=first.external_reference)
        answer = await system.erp.ask(other, str(uuid4()))

    assert (answer["outcome"], answer["code"]) == ("rejected", "external_reference_reused")


async def test_a_message_id_used_again_for_something_else_is_refused(system: System) -> None:
    message_id, above = str(uuid4()), ("LAP-14-PRO", 1)
    await system.erp.ask(a_request(above), message_id)

    async with system.nothing_done():
        answer = await system.erp.ask(a_request(above), message_id)

    assert (answer["outcome"], answer["code"]) == ("rejected", "message_id_reused")


# At the dock


async def test_more_than_was_ordered_is_refused_and_what_was_ordered_still_taken(system: System) -> None:
    request, (order,) = await system.submit_ordered(("MON-ARM", 2))
    (line,) = order["lines"]

    async with system.nothing_done():
        answer = await system.erp.ask(a_receipt(order, (line, serials(3))), str(uuid4()))

    assert (answer["code"], answer["field"]) == ("receipt_exceeds_open", "lines[0].units")
    assert await system.expected_order(order["order_id"]) == order
    await system.take(a_receipt(order, (line, serials(2))))
    await system.reaches(request["request_id"], "fulfilled")


async def test_of_two_receipts_for_the_last_unit_one_is_taken(system: System) -> None:
    request, (order,) = await system.submit_ordered(("SFP-10G", 1))
    (line,) = order["lines"]

    answers = await asyncio.gather(
        *(system.erp.ask(a_receipt(order, (line, serials(1))), str(uuid4())) for _ in range(2))
    )

    assert sorted(answer["outcome"] for answer in answers) == ["accepted", "rejected"]
    assert {answer.get("code") for answer in answers} == {None, "receipt_exceeds_open"}
    fulfilled = await system.reaches(request["request_id"], "fulfilled")
    assert len(fulfilled["units"]) == 1


async def test_a_serial_number_is_taken_once(system: System) -> None:
    request, (order,) = await system.submit_ordered(("AP-6", 3))
    (line,) = order["lines"]
    one, other = serials(2)

    async with system.nothing_done():
        within = await system.erp.ask(a_receipt(order, (line, [one, one])), str(uuid4()))
    await system.take(a_receipt(order, (line, [one])))
    partly = await system.eventually(
        lambda: system.show(request["request_id"]),
        lambda seen: [unit["status"] for unit in seen["units"]] == ["assigned"],
    )
    across = await system.erp.ask(a_receipt(order, (line, [other, one])), str(uuid4()))
    receipts = await system.api.all("receiving", "/receipts", order_id=order["order_id"])
    await system.take(a_receipt(order, (line, [other, *serials(1)])))
    await system.reaches(request["request_id"], "fulfilled")

    assert (within["code"], within["field"]) == ("serial_repeated", "lines[0].units[1].serial")
    assert (across["code"], across["field"]) == ("serial_taken", "lines[0].units[1].serial")
    assert partly["status"] == "partially_received"
    assert [receipt["accepted"] for receipt in receipts] == [1]


async def test_of_two_receipts_with_the_same_serial_number_one_is_taken(system: System) -> None:
    (_, (first,)), (_, (second,)) = [await system.submit_ordered(("ROUTER-5G", 1)) for _ in range(2)]
    serial = serials(1)

    answers = await asyncio.gather(
        *(
            system.erp.ask(a_receipt(order, (order["lines"][0], serial)), str(uuid4()))
            for order in (first, second)
        )
    )

    assert {answer.get("code") for answer in answers} == {None, "serial_taken"}
    found = await system.eventually(lambda: system.api.all("assets", "/assets", serial=serial[0]))
    assert len(found) == 1
    await system.reaches(found[0]["request_id"], "fulfilled")


async def test_a_line_or_a_place_that_is_unknown_leaves_the_whole_delivery_untaken(system: System) -> None:
    _, (order,) = await system.submit_ordered(("KEYB-ERGO", 1), ("MOUSE-STD", 1))
    _, (another,) = await system.submit_ordered(("NAS-4", 1))
    good, last = order["lines"]
    nowhere = a_receipt(order, (good, serials(1)), (last, serials(1))).model_dump(mode="json")
    nowhere["lines"][1]["units"][0]["storage_space"] = "ATTIC"

    async with system.nothing_done():
        foreign = await system.erp.ask(
            a_receipt(order, (good, serials(1)), (another["lines"][0], serials(1))), str(uuid4())
        )
        lost = await system.erp.ask(RecordReceipt.model_validate_json(json.dumps(nowhere)), str(uuid4()))

    assert (foreign["code"], foreign["field"]) == ("order_line_unknown", "lines[1].order_line_id")
    assert (lost["code"], lost["field"]) == ("storage_space_unknown", "lines[1].units[0].storage_space")
    assert await system.expected_order(order["order_id"]) == order


async def test_a_receipt_for_an_unknown_order_is_kept_ten_minutes_and_then_refused(system: System) -> None:
    order_id = str(uuid4())
    receipt = a_receipt({"order_id": order_id}, ({"order_line_id": ANYTHING}, serials(1)))

    async with system.nothing_done():
        asking = asyncio.create_task(system.erp.ask(receipt, str(uuid4())))
        waits = await system.eventually(lambda: system.waiting_for("receiving", order_id))
        kept = not asking.done()
        async with system.later("receiving", timedelta(minutes=10)):
            answer = await asking

    assert (kept, waits) == (True, [timedelta(minutes=10)])
    assert (answer["outcome"], answer["code"], answer["field"]) == ("rejected", "order_unknown", "order_id")
    assert await system.waiting_for("receiving", order_id) == []


# At the broker's door


@pytest.mark.parametrize(
    ("user", "password"), [("erp", "guess"), ("erp", ""), ("nobody", "guess"), ("guest", "guest")]
)
async def test_nobody_comes_in_without_their_password(system: System, user: str, password: str) -> None:
    url = URL(system.room.urls["erp"]).with_user(user).with_password(password)

    with pytest.raises(aiormq.exceptions.AMQPConnectionError):
        await aio_pika.connect(url)


@pytest.mark.parametrize(
    ("exchange", "key"),
    [
        ("", "requests.inbox"),
        ("", "requests.ingress"),
        ("amq.topic", SUBMIT),
        ("requests.inbox", SUBMIT),
        ("requests.bulk", SUBMIT),
        ("requests.commands", ApproveSpending.type),
        ("requests.events", "requests.request_approved.v1"),
        ("requests.replies", "erp.token"),
        ("purchasing.inbox", CreateOrder.type),
        ("purchasing.commands", CreateOrder.type),
        ("receiving.events", GoodsReceived.type),
        ("audit", SUBMIT),
    ],
)
async def test_another_system_can_say_nothing_where_it_may_not(
    system: System, exchange: str, key: str
) -> None:
    letters = {service: await system.letters(service) for service in system.supervisor.urls}

    async with system.nothing_done():
        body = json.dumps(an_event(a_request())).encode()
        assert await system.publish_raw(key, body, exchange=exchange) == "refused"

    assert {service: await system.letters(service) for service in system.supervisor.urls} == letters


@pytest.mark.parametrize("name", ["requests", "admin"])
async def test_nobody_signs_with_another_name(system: System, name: str) -> None:
    async with system.nothing_done():
        body = json.dumps(an_event(a_request())).encode()
        assert await system.publish_raw(SUBMIT, body, user_id=name) == "forged"
