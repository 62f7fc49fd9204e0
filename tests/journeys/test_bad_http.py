"""Bad input over HTTP: every refusal is a problem that says where it lies, and leaves nothing half done."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.journeys.system import DOCK, REQUESTER, Seen, System, a_delivery, a_request, serials

AS_JSON = {"Content-Type": "application/json", "Quartermaster-Person": REQUESTER}
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
    headers = {"Content-Type": "text/csv", "Quartermaster-Person": REQUESTER}
    async with system.nothing_done(), system.client("purchasing") as client:
        for body in (b"", b"\xff\xfe", b"sku\nONE", b"\x00", b'"'):
            response = await client.post("/imports/catalog", content=body, headers=headers)
            assert response.status_code == 422
        rows = b"sku,name,kind,vendor_number,unit_price,currency\nX-1,X,hardware,V-999,-1,EUR\n"
        refused = await client.post("/imports/catalog", content=rows, headers=headers)

    assert (refused.status_code, refused.json()["accepted"], refused.json()["rejected"]) == (200, 0, 1)
