"""Bad input over HTTP: every refusal is a problem that says where it lies, and leaves nothing half done."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.journeys.system import (
    ADMINISTRATOR,
    DOCK,
    Seen,
    System,
    a_delivery,
    a_request,
    as_person,
    is_at_rest,
    serials,
)

AS_JSON = {"Content-Type": "application/json"} | as_person(ADMINISTRATOR)
COMMANDS = {
    "requests": "/requests",
    "purchasing": "/catalog-items",
    "receiving": "/receipts",
    "assets": "/assignments",
}


def check_problem(response: httpx2.Response, status: int, code: str) -> Seen:
    """The response is this problem (RFC 9457)."""
    assert response.headers["Content-Type"] == "application/problem+json"
    problem: Seen = response.json()
    assert (response.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["title"]
    assert problem["detail"]
    return problem


@pytest.mark.parametrize("service", COMMANDS)
async def test_a_body_that_is_no_json_is_unparsable(system: System, service: str) -> None:
    async with system.nothing_done(), system.client(service) as client:
        for body in (b'{"lines": [', b"\xff", b"NaN,"):
            response = await client.post(COMMANDS[service], content=body, headers=AS_JSON)
            check_problem(response, 400, "body_unparsable")


@pytest.mark.parametrize("service", COMMANDS)
async def test_a_body_too_large_is_refused(system: System, service: str) -> None:
    body = b'{"justification": "' + b"x" * 5_000_000 + b'"}'

    async with system.nothing_done(), system.client(service) as client:
        response = await client.post(COMMANDS[service], content=body, headers=AS_JSON)

    check_problem(response, 413, "body_too_large")


@pytest.mark.parametrize("service", COMMANDS)
async def test_who_does_not_say_who_they_are_commands_nothing(system: System, service: str) -> None:
    async with system.nothing_done(), system.client(service) as client:
        response = await client.post(COMMANDS[service], json={})

    check_problem(response, 401, "person_unknown")


WRONG: dict[str, tuple[Any, str, str, str | None]] = {
    "a quantity in words": ({"quantity": "2"}, "invalid_content", "lines[0].quantity", "#/lines/0/quantity"),
    "a negative quantity": ({"quantity": -1}, "invalid_content", "lines[0].quantity", "#/lines/0/quantity"),
    "an absurd quantity": (
        {"quantity": 10**12},
        "invalid_content",
        "lines[0].quantity",
        "#/lines/0/quantity",
    ),
    "half a unit": ({"quantity": 0.5}, "invalid_content", "lines[0].quantity", "#/lines/0/quantity"),
    "a SKU that is a list": ({"sku": []}, "invalid_content", "lines[0].sku", "#/lines/0/sku"),
    "an unknown SKU": ({"sku": "UNICORN"}, "sku_unknown", "lines[0].sku", None),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_line_is_named(system: System, name: str) -> None:
    wrong, code, field, pointer = WRONG[name]
    wanted = a_request().model_dump(mode="json")
    wanted["lines"][0] |= wrong

    async with system.nothing_done():
        response = await system.post("requests", "/requests", wanted)

    problem = check_problem(response, 422, code)
    assert problem["field"] == field
    assert [each["pointer"] for each in problem.get("errors", [])] == ([pointer] if pointer else [])


async def test_nobody_asks_in_anothers_name(system: System) -> None:
    wanted = a_request().model_dump(mode="json") | {"requester": "person-19"}

    async with system.nothing_done():
        response = await system.post("requests", "/requests", wanted)

    assert check_problem(response, 403, "not_entitled")["field"] == "requester"


async def test_a_reference_used_again_for_something_else_is_a_conflict(system: System) -> None:
    wanted = a_request(("LAP-14-PRO", 1)).model_dump(mode="json")
    await system.post("requests", "/requests", wanted)

    async with system.nothing_done():
        response = await system.post("requests", "/requests", wanted | {"justification": "Another"})

    assert check_problem(response, 409, "external_reference_reused")["field"] == "external_reference"


def too_many(delivery: Seen) -> None:
    units = delivery["lines"][0]["units"]
    delivery["lines"][0]["units"] = [*units, units[0] | {"serial": serials(1)[0]}]


def twice(delivery: Seen) -> None:
    units = delivery["lines"][0]["units"]
    units[1]["serial"] = units[0]["serial"]


def of_an_unknown_order(delivery: Seen) -> None:
    delivery["order_id"] = str(uuid4())


def with_two_names(delivery: Seen) -> None:
    delivery["requisition_number"] = "PR-000001"


def rejected_without_reason(delivery: Seen) -> None:
    delivery["lines"][0] |= {"units": [], "rejected": 1}


def rejected_without_end(delivery: Seen) -> None:
    delivery["lines"][0] |= {"rejected": 10**12, "rejection_reason": "Broken"}


def into_the_attic(delivery: Seen) -> None:
    delivery["lines"][0]["units"][1]["storage_space"] = "ATTIC"


SPOILT: list[tuple[Callable[[Seen], None], int, str, str | None]] = [
    (too_many, 409, "receipt_exceeds_open", "lines[0].units"),
    (twice, 422, "serial_repeated", "lines[0].units[1].serial"),
    (of_an_unknown_order, 404, "order_unknown", "order_id"),
    (with_two_names, 422, "invalid_content", None),
    (rejected_without_reason, 422, "rejection_reason_missing", "lines[0].rejection_reason"),
    (rejected_without_end, 422, "invalid_content", "lines[0].rejected"),
    (into_the_attic, 422, "storage_space_unknown", "lines[0].units[1].storage_space"),
]


async def test_a_spoilt_delivery_is_refused_whole_and_the_sound_one_still_taken(system: System) -> None:
    request, (order,) = await system.submit_ordered(("PRINT-LABEL", 2))
    sound = a_delivery(order, (order["lines"][0], serials(2)))

    for spoil, status, code, field in SPOILT:
        spoilt = a_delivery(order, (order["lines"][0], serials(2)))
        spoil(spoilt)
        async with system.nothing_done():
            response = await system.post("receiving", "/receipts", spoilt, person=DOCK)
        assert check_problem(response, status, code).get("field") == field
    untouched = await system.expected_order(order["order_id"])
    taken = await system.post("receiving", "/receipts", sound, person=DOCK)
    again = await system.post("receiving", "/receipts", sound, person=DOCK)
    fulfilled = await system.reaches(request["request_id"], "fulfilled")

    assert untouched == order
    assert taken.status_code == 201
    check_problem(again, 409, "receipt_exceeds_open")
    assert len(fulfilled["units"]) == 2


async def test_nothing_can_be_imported_from_a_file_that_is_none(system: System) -> None:
    headers = {"Content-Type": "text/csv"} | as_person(ADMINISTRATOR)
    async with system.nothing_done(), system.client("purchasing") as client:
        for body in (b"", b"\xff\xfe", b"sku\nONE", b"\x00", b'"'):
            response = await client.post("/imports/catalog", content=body, headers=headers)
            assert response.status_code == 422
        rows = b"sku,name,kind,vendor_number,unit_price,currency\nX-1,X,hardware,V-999,-1,EUR\n"
        refused = await client.post("/imports/catalog", content=rows, headers=headers)

    assert (refused.status_code, refused.json()["accepted"], refused.json()["rejected"]) == (200, 0, 1)


# At once, and at the edges of what JSON and addresses can say


async def test_of_many_requests_at_once_under_one_reference_one_is_taken(system: System) -> None:
    wanted = a_request(("LAP-14-PRO", 1)).model_dump(mode="json")
    before = await system.eventually(system.picture, is_at_rest)

    responses = await asyncio.gather(
        *(
            system.post("requests", "/requests", wanted | {"justification": f"Reason {number % 10}"})
            for number in range(20)
        )
    )

    # Equal content is the same request, said twice.
    assert sorted(response.status_code for response in responses) == [201] * 2 + [409] * 18
    assert len({response.json()["number"] for response in responses if response.status_code == 201}) == 1
    after = await system.picture()
    before["requests"]["requests"]["awaiting_approval"] += 1
    assert after == before


async def test_of_many_commands_at_once_with_one_key_one_is_obeyed(system: System) -> None:
    wanted, key = a_request(("LAP-14-PRO", 1)).model_dump(mode="json"), str(uuid4())

    responses = await asyncio.gather(
        *(system.post("requests", "/requests", wanted, key=key) for _ in range(20))
    )

    assert {(response.status_code, response.content) for response in responses} == {
        (201, responses[0].content)
    }


async def test_of_a_yes_and_a_no_at_once_one_is_heard(system: System) -> None:
    request_id = await system.submit(("LAP-14-PRO", 1))

    responses = await asyncio.gather(
        *(system.decide(request_id, verdict, reason="Because") for verdict in ("approve", "reject") * 5)
    )

    statuses = [response.status_code for response in responses]
    assert sorted(statuses) == [201] + [409] * 9
    decided = await system.show(request_id)
    assert [approval["verdict"] for approval in decided["approvals"]] == [
        ("approve", "reject")[statuses.index(201) % 2]
    ]


EDGES: dict[str, tuple[bytes, int]] = {
    "half a character": (b'{"justification": "\\ud800"}', 422),
    "a number that is none": (b'{"lines": [{"sku": "PSU-65W", "quantity": NaN}]}', 422),
    "a number beyond all": (b'{"lines": [{"sku": "PSU-65W", "quantity": 1' + b"0" * 400 + b"}]}", 422),
    "a number too long to be read": (
        b'{"lines": [{"sku": "PSU-65W", "quantity": ' + b"9" * 9000 + b"}]}",
        400,
    ),
    "nested without end": (b"[" * 100_000, 400),
    "nested and closed": (b"[" * 50_000 + b"]" * 50_000, 400),
    "null": (b"null", 422),
    "nothing": (b"", 422),
}


@pytest.mark.parametrize("name", EDGES)
@pytest.mark.parametrize("service", COMMANDS)
async def test_json_that_goes_to_the_edge_is_refused(system: System, service: str, name: str) -> None:
    body, status = EDGES[name]

    async with system.client(service) as client:
        response = await client.post(COMMANDS[service], content=body, headers=AS_JSON)

    assert (response.status_code, response.headers["Content-Type"]) == (status, "application/problem+json")


async def test_a_dead_letter_cannot_be_mended_with_what_no_message_can_say(system: System) -> None:
    await system.publish_raw("requests.submit_request.v1", b"dead and to be mended")
    letters = await system.eventually(
        lambda: system.letters("requests"),
        lambda letters: any(each["body"] == "dead and to be mended" for each in letters),
    )
    letter = next(each for each in letters if each["body"] == "dead and to be mended")
    path = f"/dead-letters/{letter['dead_letter_id']}/replay"

    async with system.nothing_done(), system.client("requests") as client:
        for body, _ in EDGES.values():
            mended = b'{"data": {"lines": ' + body + b"}}"
            response = await client.post(path, content=mended, headers=AS_JSON)
            assert response.status_code in (400, 422), response.text

    assert letter in await system.letters("requests")


@pytest.mark.parametrize("service", COMMANDS)
@pytest.mark.parametrize(
    "reference", ["%00", "%ff", "%ed%a0%80", "x" * 5000, "..%2f..", "'; --", "%F0%9F%92%A9"]
)
async def test_an_address_that_names_nothing_is_not_found(
    system: System, service: str, reference: str
) -> None:
    shown = {"requests": "requests", "purchasing": "orders", "receiving": "receipts", "assets": "assets"}

    async with system.client(service) as client:
        response = await client.get(f"/{shown[service]}/{reference}", headers=as_person(ADMINISTRATOR))

    assert (response.status_code, response.headers["Content-Type"]) == (404, "application/problem+json")
