"""The examples keep to the contracts, fit each other, and show every way of approval."""

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

from libs.chassis.import_files import ImportKind, command_of, rows_of
from libs.chassis.imports import contents_of
from libs.contracts.assets import DefineLocation
from libs.contracts.catalog import DefineCatalogItem, DefineVendor
from libs.contracts.people import DefineCostCentre, DefineGroup, DefinePerson
from libs.contracts.requests import SubmitRequest
from libs.contracts.values import Kind
from services.purchasing.api.files import CATALOG, OFFERS
from services.receiving.api.imports import SHIPMENTS

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def rows(name: str) -> list[dict[str, Any]]:
    return [dict(row) for _, row in contents_of((EXAMPLES / name).read_bytes(), columns=())]


def the_catalog() -> dict[str, DefineCatalogItem]:
    items = [
        DefineCatalogItem.model_validate_json(
            json.dumps(row | {"warranty_months": int(row["warranty_months"])})
        )
        for row in rows("catalog.csv")
    ]
    assert len({item.sku for item in items}) == len({item.gtin for item in items}) == len(items)
    return {item.sku: item for item in items}


def the_events() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (EXAMPLES / "requests.jsonl").read_text().splitlines()]


def the_requests() -> list[SubmitRequest]:
    return [SubmitRequest.model_validate_json(json.dumps(event["data"])) for event in the_events()]


def test_every_item_is_of_a_vendor_in_the_file_and_in_its_currency() -> None:
    vendors = {
        row["number"]: DefineVendor.model_validate_json(
            json.dumps(row | {"lead_time_days": int(row["lead_time_days"])})
        )
        for row in rows("vendors.csv")
    }

    for item in the_catalog().values():
        assert item.currency == vendors[item.vendor_number].currency


def test_every_article_number_ends_with_its_check_digit() -> None:
    for item in the_catalog().values():
        assert item.gtin is not None
        weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(item.gtin))
        assert weighted % 10 == 0


def commands(name: str, kind: ImportKind) -> list[Any]:
    with (EXAMPLES / name).open("rb") as file:
        return [command_of(kind, "csv", row) for _, row in rows_of(file, "csv")]


def test_what_else_can_be_bought_is_made_of_and_offered_for_what_the_files_have() -> None:
    more = commands("catalog-more.csv", CATALOG)
    offers = commands("offers.csv", OFFERS)

    skus, vendors = set(the_catalog()), {row["number"] for row in rows("vendors.csv")}
    assert {item.kind for item in more} == set(Kind)
    assert not {item.sku for item in more} & skus
    assert {part.sku for item in more for part in item.components} <= skus
    assert {item.vendor_number for item in more} <= {*vendors, None}
    assert {offer.sku for offer in offers} <= skus
    assert {offer.vendor_number for offer in offers} <= vendors


def test_what_is_shipped_can_be_bought() -> None:
    shipments = commands("shipments.csv", SHIPMENTS)

    assert {line.sku for shipment in shipments for line in shipment.lines} <= set(the_catalog())


def test_every_request_asks_for_items_and_goes_to_a_location_in_the_files() -> None:
    catalog = the_catalog()
    locations = {
        row["code"]: DefineLocation(
            code=row["code"], name=row["name"], storage_spaces=(row["storage_space"],)
        )
        for row in rows("locations.csv")
    }

    for request in the_requests():
        assert {line.sku for line in request.lines} <= set(catalog)
        assert len({line.sku for line in request.lines}) == len(request.lines)
        assert request.deliver_to in locations


def test_everybody_and_every_cost_centre_in_a_request_is_in_the_files() -> None:
    people = {
        row["person_id"]: DefinePerson.model_validate_json(json.dumps(row | {"roles": row["roles"].split()}))
        for row in rows("people.csv")
    }
    centres = {
        row["code"]: DefineCostCentre.model_validate_json(json.dumps(row)) for row in rows("cost-centres.csv")
    }
    members = {
        DefineGroup(code=row["code"], name=row["name"], members=(row["member"],)).members[0]
        for row in rows("groups.csv")
    }

    for request in the_requests():
        assert {request.requester, request.on_behalf_of} <= {*people, None}
        assert request.cost_centre in {*centres, None}
    assert members | {centre.owned_by for centre in centres.values()} <= set(people)


def test_the_requests_are_events_that_can_be_told_apart() -> None:
    events = the_events()

    assert {event["type"] for event in events} == {SubmitRequest.type}
    assert {event["specversion"] for event in events} == {"1.0"}
    assert len({event["id"] for event in events}) == len(events) == 300
    assert len({event["data"]["external_reference"] for event in events}) == len(events)


def test_two_thirds_are_approved_at_once_and_some_need_two_approvals() -> None:
    catalog = the_catalog()

    def approvals(request: SubmitRequest) -> int:
        prices = [catalog[line.sku or ""].unit_price or Decimal() for line in request.lines]
        total = sum(
            (price * line.quantity for price, line in zip(prices, request.lines, strict=True)), Decimal()
        )
        return 0 if total < 1_000 else 1 if total < 25_000 else 2

    assert Counter(map(approvals, the_requests())) == {0: 200, 1: 91, 2: 9}
