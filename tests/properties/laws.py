"""What must hold: at any moment in one service, and across all of them when nothing is on its way any more."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from libs.contracts.message import Event
from libs.contracts.values import Kind
from services.assets.asset import Asset
from services.assets.asset import Status as AssetStatus
from services.assets.entitlement import Entitlement, entitlement_id_of
from services.assets.issuing import StockIssue
from services.assets.lot import Lot, LotStock, lot_id_of
from services.assets.ordered_line import OrderedLine
from services.assets.stock import InventoryTransaction
from services.purchasing.commitment import share_of
from services.purchasing.purchase_order import (
    UNSUBMITTED,
    OrderLine,
    PurchaseOrder,
    expected_cost_of,
    status_of,
)
from services.purchasing.purchase_order import Status as OrderStatus
from services.receiving.expectation import ExpectedLine, ExpectedUnit, UnitStatus
from services.receiving.receipt import ReceiptLine, ReceiptUnit
from services.requests.purchase_request import PurchaseRequest
from tests.properties.company import Company
from tests.properties.laws_of_requests import OVER, check_questions, check_request

RECEIVED = (Kind.HARDWARE, Kind.CONSUMABLE)


# At any moment


def check_spending(company: Company) -> None:
    """What is submitted for a request costs no more than was approved for it, but for what was here already, or in use,
    when it was cancelled, and for freight of which others were to bear a part until theirs was cancelled."""
    lines_of: dict[UUID, list[OrderLine]] = {}
    for line in company.purchasing.every(OrderLine):
        lines_of.setdefault(line.order_id, []).append(line)
    spent: dict[UUID, Decimal] = {}
    for order in company.purchasing.every(PurchaseOrder):
        for request_id in order.requests if order.submitted_at is not None else ():
            lines = lines_of[order.id]
            less = replace(order, freight=Decimal(0)) if any(line.asked for line in lines) else order
            stayed = [line for line in lines if line.asked and line.kept and line.request_id == request_id]
            costs = share_of(less, lines, request_id) - sum(
                line.net_of(line.kept, order.currency) for line in stayed
            )
            spent[request_id] = spent.get(request_id, Decimal(0)) + costs
    for request_id, total in spent.items():
        request = company.requests.one(PurchaseRequest, request_id)
        assert request is not None
        assert request.approved_total is not None, f"{request.number} is ordered, though not approved"
        assert total <= request.approved_total, f"{request.number} costs {total} of {request.approved_total}"


# When nothing is on its way


def check(company: Company) -> None:
    """All laws."""
    for name, office in company.offices.items():
        facts = [parcel.message for parcel in office.early if isinstance(parcel.message, Event)]
        assert not facts, f"{name} waits in vain: {facts}"
    check_spending(company)
    for line in company.purchasing.every(OrderLine):
        _check_line(company, line)
    _check_stock(company)
    for order in company.purchasing.every(PurchaseOrder):
        _check_order(company, order)
    check_questions(company)
    for request in company.requests.every(PurchaseRequest):
        check_request(company, request)


def _check_order(company: Company, order: PurchaseOrder) -> None:
    lines = company.purchasing.every(OrderLine, order_id=order.id)
    if order.submitted_at is None:
        assert order.status in {*UNSUBMITTED, OrderStatus.CANCELLED}
        return
    status = status_of(lines)
    also = {OrderStatus.CLOSED} if status is OrderStatus.RECEIVED else set()
    assert order.status in {status, *also}, f"{order.requisition_number} is {order.status}, not {status}"
    assert order.total == sum(line.line_total for line in lines)
    assert order.expected_cost == expected_cost_of(order, lines)


def _check_line(company: Company, line: OrderLine) -> None:
    """Laws 1 and 3: all services count the same units."""
    order = company.purchasing.one(PurchaseOrder, line.order_id)
    known = company.assets.one(OrderedLine, line.id)
    dock = company.receiving.one(ExpectedLine, line.id)
    assert order is not None
    assert line.open + line.cancelled + line.kept == line.ordered + line.over
    assert line.over == 0 or line.kept
    if order.submitted_at is None or line.unit_price is None:
        # Nor do others hear of what was taken off a draft.
        assert (known, dock, line.open * bool(order.submitted_at)) == (None, None, 0)
        return
    assert known is not None
    assert dock is not None
    assert line.ordered == known.ordered == dock.ordered
    assert line.units_made == known.units_made == dock.units_made
    assert (known.request_id, known.request_line_id) == (line.request_id, line.request_line_id)
    assert dock.request_line_id == line.request_line_id
    taken = company.receiving.every(ReceiptLine, order_line_id=line.id)
    told = (sum(each.accepted for each in taken), sum(each.rejected for each in taken))
    assert told == (dock.accepted, dock.rejected) == (line.accepted, line.rejected)
    if line.kind in RECEIVED:
        assert line.open == known.open == dock.open
        assert line.cancelled == known.cancelled == dock.cancelled
    if line.kind is Kind.HARDWARE:
        _check_units(company, line, known)
    if known.makes_lot:
        lot = company.assets.one(Lot, lot_id_of(line.id))
        figures = (lot.on_order, lot.received) if lot else (line.open, 0)
        assert figures == (line.open, line.kept)
    if line.kind is Kind.SOFTWARE:
        entitlement = company.assets.one(Entitlement, entitlement_id_of(line.id))
        assert entitlement is not None
        assert entitlement.quantity == max(entitlement.allocated, line.ordered - line.cancelled)


def _check_units(company: Company, line: OrderLine, known: OrderedLine) -> None:
    """Templates are what is open; real assets what was kept, each the unit that the dock took it for."""
    expected = company.receiving.every(ExpectedUnit, order_line_id=line.id)
    units = Counter(unit.status for unit in expected)
    assert (units[UnitStatus.OPEN], units[UnitStatus.RECEIVED]) == (line.open, line.kept)
    found = company.assets.every(Asset, order_line_id=line.id)
    if known.has_templates:
        ordered = sorted(unit.unit_number for unit in expected if unit.unit_number > 0)
        assert ordered == list(range(1, line.units_made + 1))
        # The same units are to come by all accounts, each under the tag that assets gave it.
        assert {(unit.id, unit.tag) for unit in expected if unit.status is UnitStatus.OPEN} == {
            (asset.id, asset.issued_tag) for asset in found if asset.status is AssetStatus.ON_ORDER
        }
    statuses = Counter(asset.status for asset in found)
    assert statuses[AssetStatus.ON_ORDER] == (line.open if known.has_templates else 0)
    real = [asset for asset in found if asset.status in (AssetStatus.IN_STOCK, AssetStatus.ASSIGNED)]
    assert len(real) == (line.kept if known.makes_assets else 0)
    if known.makes_assets:
        assert known.kept == line.kept
    by_line = {(unit.receipt_line_id, unit.serial) for unit in company.receiving.every(ReceiptUnit)}
    for asset in real:
        assert (asset.receipt_line_id, asset.serial) in by_line


def _check_stock(company: Company) -> None:
    """Law 4: what is in the spaces is what moved into them, is what there is; nothing is below zero."""
    moved: Counter[tuple[str, str, str]] = Counter()
    for each in company.assets.every(InventoryTransaction):
        moved[each.location, each.storage_space, each.sku] += each.change
    there: Counter[tuple[str, str, str]] = Counter()
    for asset in company.assets.every(Asset, status=AssetStatus.IN_STOCK):
        there[asset.location or "", asset.storage_space or "", asset.sku] += 1
    lots = {lot.id: lot for lot in company.assets.every(Lot)}
    of_lot: Counter[UUID] = Counter()
    for space in company.assets.every(LotStock):
        there[space.location, space.storage_space, lots[space.lot_id].sku] += space.quantity
        of_lot[space.lot_id] += space.quantity
        assert space.quantity >= 0
    totals = {
        (total.location, total.storage_space, total.sku): total.quantity
        for total in company.assets.totals.values()
    }
    assert +moved == +there == +Counter(totals)
    assert of_lot == Counter({lot.id: lot.in_stock for lot in lots.values()})
    issued: Counter[UUID] = Counter()
    for given in company.assets.every(StockIssue):
        issued[given.lot_id] += given.quantity
    assert +issued == +Counter({lot.id: lot.issued for lot in lots.values()})


def check_over(company: Company) -> None:
    """Everybody has done their part: every request has ended, and so has every order."""
    for request in company.requests.every(PurchaseRequest):
        assert request.status in OVER, f"{request.number} is {request.status} for ever"
    for order in company.purchasing.every(PurchaseOrder):
        assert order.status in (OrderStatus.RECEIVED, OrderStatus.CLOSED, OrderStatus.CANCELLED)
        assert order.total >= Decimal(0)
