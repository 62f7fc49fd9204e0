"""What people do about orders, deliveries and handovers. Each looks at what their own service shows."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from libs.chassis.decision import Actor
from libs.contracts import assets, catalog, orders, purchasing, receiving
from libs.contracts.values import Destination, DestinationKind, Kind
from services.assets.asset import Asset
from services.assets.asset import Status as AssetStatus
from services.assets.entitlement import Entitlement
from services.assets.lot import Lot
from services.assets.ordered_line import OrderedLine
from services.purchasing.catalog import CatalogItem, Vendor
from services.purchasing.purchase_order import OrderLine, PurchaseOrder
from services.purchasing.purchase_order import Status as OrderStatus
from services.receiving.expectation import ExpectedLine, ExpectedUnit, UnitStatus
from services.requests.purchase_request import PurchaseRequest
from tests.properties.company import Company
from tests.properties.opening import (
    ADMINISTRATOR,
    BUYER,
    ITEMS,
    PEOPLE,
    PRICES,
    SITE,
    SPACES,
    VENDORS,
    WORKS_AS,
    item,
    pick,
    say,
)

# Buying


def _unsubmitted(company: Company) -> list[PurchaseOrder]:
    orders = company.purchasing.every(PurchaseOrder)
    return [each for each in orders if each.status in (OrderStatus.DRAFT, OrderStatus.AWAITING_APPROVAL)]


def complete(company: Company, a: int, b: int) -> None:
    """A buyer sets the vendor and the prices of a draft, as estimated or not, or of only some lines."""
    if (order := pick(_unsubmitted(company), a)) is not None:
        complete_order(company, order, PRICES[b % len(PRICES)], VENDORS[b // 8 % 2], b)


def complete_order(company: Company, order: PurchaseOrder, factor: str, vendor: str, odd: int) -> None:
    """The vendor and prices of a draft."""
    lines = company.purchasing.every(OrderLine, order_id=order.id)
    priced = tuple(
        orders.CompletedLine(
            order_line_id=line.id,
            unit_price=((line.approved_unit_price or Decimal(10)) * Decimal(factor)).quantize(
                Decimal("0.0001")
            ),
            price_reason="as the vendor wrote",
        )
        for line in lines
        if line.living
    )
    command = orders.CompleteOrder(
        order_id=order.id,
        vendor_number=vendor,
        currency=order.currency,
        lines=priced[1:] if odd % 16 == 9 else priced,
    )
    say(company, command, BUYER, odd)


def place(company: Company, a: int, b: int) -> None:
    """A buyer places a draft."""
    if (order := pick(_unsubmitted(company), a)) is not None:
        say(company, orders.SubmitOrder(order_id=order.id), BUYER, b)


def place_order(company: Company, order: PurchaseOrder) -> None:
    """A buyer places this one."""
    company.say(orders.SubmitOrder(order_id=order.id), BUYER)


def cancel_one(company: Company, a: int, b: int) -> None:
    """A buyer cancels one order."""
    if (order := pick(company.purchasing.every(PurchaseOrder), a)) is not None:
        say(company, orders.CancelOneOrder(order_id=order.id, reason="out of stock"), BUYER, b)


def cancel_orders(company: Company, a: int, b: int) -> None:
    """A buyer cancels all orders of a request in purchasing, perhaps before they were made."""
    if (request := pick(company.requests.every(PurchaseRequest), a)) is not None:
        say(company, purchasing.CancelOrder(request_id=request.id, reason="vendor is broke"), BUYER, b)


def change_price(company: Company, a: int, b: int) -> None:
    """An item costs something else from now on, or cannot be had."""
    sku = tuple(ITEMS)[a % len(ITEMS)]
    say(company, item(sku, PRICES[b % len(PRICES)], active=b // 8 % 8 != 7), BUYER, b // 64 or 1)


def change_vendor(company: Company, a: int, b: int) -> None:
    """A vendor is no longer bought from, or is again."""
    number = VENDORS[a % len(VENDORS)]
    command = catalog.DefineVendor(number=number, name=number, currency="EUR", active=bool(b % 3))
    say(company, command, BUYER, 1)


def everything_is_sold_again(company: Company) -> None:
    """What could not be had can be had again."""
    for vendor in company.purchasing.every(Vendor, active=False):
        again = catalog.DefineVendor(number=vendor.number, name=vendor.number, currency="EUR")
        company.say(again, BUYER)
    for known in company.purchasing.every(CatalogItem, active=False):
        company.say(item(known.sku), BUYER)


def confirm(company: Company, a: int, b: int) -> None:
    """A service was rendered, wholly or in part."""
    services = company.purchasing.every(OrderLine, kind=Kind.SERVICE)
    if (line := pick(services, a)) is not None:
        command = orders.ConfirmService(
            order_id=line.order_id, order_line_id=line.id, quantity=1 + b // 8 % 3 if b % 8 > 3 else None
        )
        say(company, command, BUYER, b)


def confirm_all(company: Company, line: OrderLine) -> None:
    """All of a service was rendered."""
    company.say(orders.ConfirmService(order_id=line.order_id, order_line_id=line.id), BUYER)


# Taking delivery


def deliver(company: Company, a: int, b: int) -> None:
    """The dock takes some or all of what it expects of an order, and turns some of it away."""
    lines = [line for line in company.receiving.every(ExpectedLine) if line.is_received]
    if (line := pick(lines, a)) is None:
        return
    with_others = b % 2 == 0
    chosen = [each for each in lines if each.order_id == line.order_id] if with_others else [line]
    delivered = []
    for each in chosen:
        accepted = each.open if b // 2 % 4 else min(each.open, 1)
        rejected = int(b // 8 % 8 == 7)
        if accepted or rejected:
            delivered.append(_delivered(company, each, accepted, rejected, b))
    if delivered:
        command = receiving.RecordReceipt(order_id=line.order_id, lines=tuple(delivered))
        say(company, command, Actor("person-4", WORKS_AS["person-4"]), b // 64 or 1)


def take_all(company: Company, line: ExpectedLine) -> None:
    """The dock takes all that is open of a line."""
    command = receiving.RecordReceipt(
        order_id=line.order_id, lines=(_delivered(company, line, line.open, 0, 0),)
    )
    company.say(command, Actor("person-4", WORKS_AS["person-4"]))


def _delivered(
    company: Company, line: ExpectedLine, accepted: int, rejected: int, odd: int
) -> receiving.LineToReceive:
    why = "scratched" if rejected else None
    space = SPACES[odd % 2]
    if line.kind is not Kind.HARDWARE:
        where: dict[str, Any] = {"quantity": accepted, "location": SITE, "storage_space": space}
        return receiving.LineToReceive(
            order_line_id=line.id, rejected=rejected, rejection_reason=why, **(where if accepted else {})
        )
    open_ones = company.receiving.every(ExpectedUnit, order_line_id=line.id, status=UnitStatus.OPEN)
    last: UUID | None = max(open_ones, key=lambda unit: unit.unit_number).id if open_ones else None
    units = []
    for number in range(accepted):
        company.sent += 1
        named = last if number == 0 and odd % 16 == 5 else None
        units.append(
            receiving.UnitToReceive(
                serial=f"S-{company.sent}", location=SITE, storage_space=space, asset_id=named
            )
        )
    return receiving.LineToReceive(
        order_line_id=line.id, units=tuple(units), rejected=rejected, rejection_reason=why
    )


# Handing over


def assign(company: Company, a: int, b: int) -> None:
    """Somebody assigns a unit by hand: to whom it is for or another, naming the request or not."""
    stock = company.assets.every(Asset, status=AssetStatus.IN_STOCK)
    if (asset := pick(stock, a)) is None:
        return
    line = company.assets.one(OrderedLine, asset.order_line_id)
    assert line is not None
    command = assets.AssignAssets(
        person=PEOPLE[b // 4 % 2], request_id=line.request_id if b % 4 else None, asset_ids=(asset.id,)
    )
    say(company, command, ADMINISTRATOR, b // 8)


def issue(company: Company, a: int, b: int) -> None:
    """Somebody issues a consumable by hand."""
    lots = [lot for lot in company.assets.every(Lot) if lot.in_stock]
    if (lot := pick(lots, a)) is None:
        return
    command = assets.IssueStock(
        lot_id=lot.id,
        quantity=1 + b // 4 % lot.in_stock,
        to=Destination(kind=DestinationKind.PERSON, name=PEOPLE[0]),
        request_id=lot.request_id if b % 4 else None,
    )
    say(company, command, ADMINISTRATOR, b // 16)


def allocate(company: Company, a: int, b: int) -> None:
    """Somebody allocates software by hand."""
    if (entitlement := pick(company.assets.every(Entitlement), a)) is None:
        return
    command = assets.AllocateEntitlement(
        entitlement_id=entitlement.id,
        holder=Destination(kind=DestinationKind.PERSON, name=PEOPLE[b // 8 % 2]),
        quantity=1 + b // 4 % 2,
        request_id=entitlement.request_id if b % 4 else None,
    )
    say(company, command, ADMINISTRATOR, b // 16)
