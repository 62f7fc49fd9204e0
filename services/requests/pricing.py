"""What a wish costs: what it names is checked, and each of its lines priced on the day it comes in.

A catalog item costs what the vendor who is named asks that day, else the preferred one. A vendor who is known, but not
approved for the item, is kept: the preferred vendor's price is the estimate, approval sees the vendor, and purchasing
needs a reason. A bundle becomes a line for each item it is made of.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from libs.chassis.decision import Records, Rejection
from libs.contracts.requests import CustomItem, RequestedLine, Wish
from libs.contracts.values import (
    QUANTITY_MAX,
    Destination,
    DestinationKind,
    derived_id,
    line_total,
    location_id_of,
)
from services.requests.copies import CatalogEntry, KnownLocation, KnownVendor, entry_id, known_vendor_id
from services.requests.directory import CostCentre, Person, cost_centre_id_of, person_key
from services.requests.purchase_request import RequestLine, line_id_of

TOTAL_LIMIT = Decimal(10) ** 15
"""Amounts are stated with 15 digits before the point."""
LINES_MAX = 100
"""One command orders all that was approved: more lines it does not carry."""


@dataclass(frozen=True)
class Wanted:
    """The lines of a wish and what they cost together."""

    lines: Sequence[RequestLine]
    total: Decimal


def priced(wish: Wish, request_id: UUID, receiver: str, held: Records, day: date) -> Wanted:
    """Check what a wish names, and price its lines: from the catalog, as of this day, or as estimated."""
    _check_location(wish.deliver_to, "deliver_to", held)
    if wish.cost_centre is not None:
        _check_cost_centre(wish.cost_centre, "cost_centre", held)
    found = [
        line
        for place, asked in enumerate(wish.lines)
        for line in _lines(asked, f"lines[{place}]", wish.currency, receiver, held, day)
    ]
    if len(found) > LINES_MAX:
        raise Rejection(
            "too_many_lines",
            field="lines",
            message=f"With the parts of its bundles the request has {len(found)} lines, more than {LINES_MAX}.",
        )
    lines = [
        replace(line, id=line_id_of(request_id, position), request_id=request_id, position=position)
        for position, line in enumerate(found, start=1)
    ]
    total = sum((line.line_total for line in lines), Decimal(0))
    if total >= TOTAL_LIMIT:
        raise Rejection(
            "total_too_large", field="lines", message="The request costs more than can be stated."
        )
    return Wanted(lines, total)


_UNNAMED = derived_id("request_line", "not counted yet")


def _lines(
    asked: RequestedLine, field: str, currency: str, receiver: str, held: Records, day: date
) -> Iterator[RequestLine]:
    """What one line of a wish becomes: one line, or one for each item of a bundle."""
    if asked.vendor is not None:
        _check_vendor(asked.vendor, f"{field}.vendor", held)
    destination = asked.destination or Destination(kind=DestinationKind.PERSON, name=receiver)
    if destination.name is not None and destination.kind in _CHECKS:
        _CHECKS[destination.kind](destination.name, f"{field}.destination.name", held)
    if asked.sku is None:
        assert asked.item is not None  # the contract has seen to it
        yield _custom(asked, asked.item, currency, destination)
        return
    entry = _entry(asked.sku, f"{field}.sku", held)
    if not entry.is_bundle:
        yield _listed(entry, asked, asked.quantity, f"{field}.sku", currency, destination, day)
        return
    for part in entry.parts:
        item = _entry(part.sku, f"{field}.sku", held, bundle=entry.sku)
        quantity = asked.quantity * part.quantity
        if quantity > QUANTITY_MAX:
            raise Rejection(
                "invalid_content",
                field=f"{field}.quantity",
                message=f"That is {quantity} of {part.sku}, more than {QUANTITY_MAX}.",
            )
        line = _listed(item, asked, quantity, f"{field}.sku", currency, destination, day)
        yield replace(line, bundle=entry.sku, bundle_quantity=asked.quantity)


def _custom(asked: RequestedLine, item: CustomItem, currency: str, destination: Destination) -> RequestLine:
    return RequestLine(
        id=_UNNAMED,
        request_id=_UNNAMED,
        position=0,
        name=item.name,
        kind=item.kind,
        quantity=asked.quantity,
        unit_price=item.unit_price,
        line_total=line_total(item.unit_price, asked.quantity, currency),
        vendor=asked.vendor,
        vendor_named=asked.vendor is not None,
        destination_kind=destination.kind,
        destination_name=destination.name,
    )


def _listed(
    entry: CatalogEntry,
    asked: RequestedLine,
    quantity: int,
    field: str,
    currency: str,
    destination: Destination,
    day: date,
) -> RequestLine:
    offer = entry.offer(asked.vendor, day)
    if offer is None:
        raise Rejection(
            "item_not_buyable",
            field=field,
            message=f"Nobody who is approved for {entry.sku} offers it on {day}."
            if not entry.is_bundle
            else f"{entry.sku} is a bundle inside a bundle.",
        )
    if offer.currency != currency:
        raise Rejection(
            "currency_mismatch",
            field=field,
            message=f"{entry.sku} is priced in {offer.currency}, the request is in {currency}.",
        )
    return RequestLine(
        id=_UNNAMED,
        request_id=_UNNAMED,
        position=0,
        item_id=entry.item_id,
        catalog_version=entry.sequence,
        sku=entry.sku,
        name=entry.name,
        kind=entry.kind,
        quantity=quantity,
        unit_price=offer.unit_price,
        line_total=line_total(offer.unit_price, quantity, currency),
        vendor=asked.vendor or entry.vendor_number,
        vendor_named=asked.vendor is not None,
        destination_kind=destination.kind,
        destination_name=destination.name,
    )


def _entry(sku: str, field: str, held: Records, bundle: str | None = None) -> CatalogEntry:
    entry = held.find(CatalogEntry, entry_id(sku))
    if entry is None or not entry.active:
        part_of = f", of which {bundle} is made" if bundle is not None else ""
        raise Rejection("sku_unknown", field=field, message=f"The catalog has no active item {sku}{part_of}.")
    return entry


# Checks


def _check_vendor(number: str, field: str, held: Records) -> None:
    vendor = held.find(KnownVendor, known_vendor_id(number))
    if vendor is None or not vendor.active:
        raise Rejection("vendor_unknown", field=field, message=f"There is no active vendor {number}.")


def _check_location(code: str, field: str, held: Records) -> None:
    location = held.find(KnownLocation, location_id_of(code))
    if location is None or not location.active:
        raise Rejection("location_unknown", field=field, message=f"No active location is called {code}.")


def _check_cost_centre(code: str, field: str, held: Records) -> None:
    centre = held.find(CostCentre, cost_centre_id_of(code))
    if centre is None or not centre.active:
        raise Rejection(
            "cost_centre_unknown", field=field, message=f"No active cost centre is called {code}."
        )


def check_person(person_id: str | None, field: str, held: Records) -> None:
    """Whom the directory does not list may be somebody it has not heard of yet; who has left is known."""
    person = held.find(Person, person_key(person_id)) if person_id is not None else None
    if person is not None and not person.active:
        raise Rejection("person_inactive", field=field, message=f"{person_id} is no longer active.")


_CHECKS: Mapping[DestinationKind, Callable[[str, str, Records], None]] = {
    DestinationKind.PERSON: check_person,
    DestinationKind.LOCATION: _check_location,
    DestinationKind.FINANCIAL_OWNER: _check_cost_centre,
}
