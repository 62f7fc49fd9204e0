"""What tests of amended orders are built from: amendments and cancellations as purchasing tells them."""

from decimal import Decimal
from typing import Any

from libs.contracts.purchasing import (
    AmendedLine,
    AnnouncedLine,
    CancelledLine,
    OrderAmended,
    OrderAnnounced,
    OrderCancelled,
    OrderedLine,
)
from libs.contracts.values import Money, derived_id
from services.assets import amendment as assets_amendment
from services.assets import arrival, asset, entitlement, issuing
from services.assets.asset import Asset, Status
from services.assets.ordered_line import OrderedLine as KnownLine
from services.receiving import amendment, expectation, place, receipt
from services.receiving.expectation import ExpectedLine, ExpectedUnit, UnitStatus
from tests.builders_dock import LINE, ORDER, REQUEST, SITE, House, a_place

PRICE = Decimal("999.90")
VENDOR = derived_id("vendor", 1)
TOTAL = Money(amount=Decimal("2999.70"), currency="EUR")


class Buyer:
    """What purchasing says of an order of one line, in the order in which it says it."""

    def __init__(self, ordered: int) -> None:
        self.ordered = self.units_made = ordered
        self.asked = self.amendments = 0
        self.price = PRICE

    def amend(self, quantity: int, *added: OrderedLine, price: Decimal | None = None) -> OrderAmended:
        """From now on so many are ordered."""
        before, self.ordered = self.ordered, quantity
        self.units_made += max(0, quantity - before)
        self.amendments += 1
        self.price = price or self.price
        line = AmendedLine(
            order_line_id=LINE,
            request_id=REQUEST,
            quantity_before=before,
            quantity=quantity,
            units_made=self.units_made,
            asked=self.asked,
            unit_price=self.price,
        )
        return OrderAmended(
            order_id=ORDER,
            requisition_number="PR-000001",
            request_id=REQUEST,
            amendment=self.amendments,
            order_revision=self.amendments + 1,
            vendor_id=VENDOR,
            vendor_name="Vendor 01",
            amended_by="person-1",
            total=TOTAL,
            expected_cost=TOTAL,
            changes=(),
            lines=(line,) if quantity != before or price else (),
            added=added,
        )

    def cancel(self, units: int) -> OrderCancelled:
        """So many more of what is ordered are not wanted."""
        self.asked += units
        told = CancelledLine(order_line_id=LINE, cancelled=self.asked, asked=self.asked)
        return OrderCancelled(
            order_id=ORDER,
            requisition_number="PR-000001",
            request_id=REQUEST,
            reason="no longer needed",
            amendment=self.amendments,
            lines=(told,),
        )

    def announce(self, line: OrderedLine, *, kept: int = 0, **changes: Any) -> OrderAnnounced:
        """The order as it stands by now."""
        now: dict[str, Any] = {
            "quantity": self.ordered,
            "units_made": self.units_made,
            "asked": self.asked,
            "kept": kept,
            "unit_price": self.price,
        }
        values: dict[str, Any] = {
            "order_id": ORDER,
            "requisition_number": "PR-000001",
            "order_revision": self.amendments + 1,
            "amendment": self.amendments,
            "request_id": REQUEST,
            "status": "submitted",
            "vendor_id": VENDOR,
            "vendor_number": "V-1",
            "vendor_name": "Vendor 01",
            "deliver_to": SITE,
            "total": TOTAL,
            "lines": (AnnouncedLine(**line.model_dump() | now),),
        }
        return OrderAnnounced(**values | changes)


def a_dock() -> House:
    """Receiving, with a place."""
    house = House(expectation.HANDLERS, amendment.HANDLERS, receipt.HANDLERS, place.HANDLERS)
    house.hear(a_place())
    return house


def a_store() -> House:
    """Assets."""
    return House(
        asset.HANDLERS, arrival.HANDLERS, assets_amendment.HANDLERS, entitlement.HANDLERS, issuing.HANDLERS
    )


def to_come_at(dock: House) -> set[int]:
    """The numbers of the units that the dock expects."""
    return {unit.unit_number for unit in dock.all(ExpectedUnit, order_line_id=LINE, status=UnitStatus.OPEN)}


def on_order_in(store: House) -> set[int]:
    """The numbers of the units that are on order in assets."""
    return {each.unit_number for each in store.all(Asset, order_line_id=LINE, status=Status.ON_ORDER)}


def the_line(house: House) -> KnownLine:
    """The order line as assets knows it."""
    (line,) = house.all(KnownLine, id=LINE)
    assert isinstance(line, KnownLine)
    return line


def the_expected(house: House) -> ExpectedLine:
    """The order line as the dock knows it."""
    (line,) = house.all(ExpectedLine, id=LINE)
    assert isinstance(line, ExpectedLine)
    return line
