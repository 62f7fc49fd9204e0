"""What must hold: at any moment in one service, and across all of them when nothing is on its way any more."""

from collections import Counter
from decimal import Decimal
from uuid import UUID

from libs.contracts.message import Event
from libs.contracts.permissions import Role
from libs.contracts.values import Kind
from services.assets.asset import Asset
from services.assets.asset import Status as AssetStatus
from services.assets.entitlement import Entitlement, entitlement_id_of
from services.assets.lot import Lot, LotStock, StockIssue, lot_id_of
from services.assets.ordered_line import OrderedLine
from services.assets.stock import InventoryTransaction
from services.purchasing.commitment import committed_by
from services.purchasing.purchase_order import UNSUBMITTED, OrderLine, PurchaseOrder, status_of
from services.purchasing.purchase_order import Status as OrderStatus
from services.receiving.expectation import ExpectedLine, ExpectedUnit, UnitStatus
from services.receiving.receipt import ReceiptLine, ReceiptUnit
from services.requests.approval_round import (
    Approval,
    ApprovalRound,
    ApprovalSeat,
    Purpose,
    RoundStatus,
    Verdict,
    steps_in,
)
from services.requests.process import (
    ENDED,
    FulfilmentProcess,
    ProcessStep,
    Stage,
    stage_of,
)
from services.requests.process import status_of as status_of_request
from services.requests.process_line import ProcessLine
from services.requests.purchase_request import BEFORE_APPROVAL, NEVER_APPROVED, PurchaseRequest, Status
from tests.properties.company import Company
from tests.properties.opening import WORKS_AS

RECEIVED = (Kind.HARDWARE, Kind.CONSUMABLE)
OVER = frozenset({*NEVER_APPROVED, Status.FULFILLED, Status.CANCELLED})


# At any moment


def check_spending(company: Company) -> None:
    """What is submitted for a request costs no more than was approved for it, but for what the dock had taken before
    it heard that it was cancelled."""
    orders = company.purchasing.every(PurchaseOrder)
    for request_id in {order.request_id for order in orders if order.submitted_at is not None}:
        request = company.requests.one(PurchaseRequest, request_id)
        assert request is not None
        mine = [order for order in orders if order.request_id == request_id]
        lines = company.purchasing.every(OrderLine, request_id=request_id)
        spent = committed_by(mine, lines) - sum(
            (line.agreed_price * line.accepted for line in lines if line.asked and line.accepted), Decimal(0)
        )
        assert request.approved_total is not None, f"{request.number} is ordered, though not approved"
        assert spent <= request.approved_total, f"{request.number} costs {spent} of {request.approved_total}"


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
    for request in company.requests.every(PurchaseRequest):
        _check_approvals(company, request)
        process = company.requests.one(FulfilmentProcess, request.id)
        if process is not None:
            _check_process(company, request, process)
        _check_waits_for_somebody(company, request, process)


def _check_order(company: Company, order: PurchaseOrder) -> None:
    lines = company.purchasing.every(OrderLine, order_id=order.id)
    if order.submitted_at is not None:
        assert order.status is status_of(lines), f"{order.requisition_number} is {order.status}"
    else:
        assert order.status in {*UNSUBMITTED, OrderStatus.CANCELLED}
    asked = company.requests.every(
        ApprovalRound, order_id=order.id, order_revision=order.revision, status=RoundStatus.OPEN
    )
    waits = order.status is OrderStatus.AWAITING_APPROVAL
    assert bool(asked) == waits, f"{order.requisition_number} is {order.status}, asked about: {asked}"


def _check_line(company: Company, line: OrderLine) -> None:
    """Laws 1 and 3: all services count the same units."""
    order = company.purchasing.one(PurchaseOrder, line.order_id)
    known = company.assets.one(OrderedLine, line.id)
    dock = company.receiving.one(ExpectedLine, line.id)
    assert order is not None
    assert line.open + line.cancelled + line.kept == line.ordered + line.over
    assert line.over == 0 or line.accepted
    if order.submitted_at is None:
        assert known is None
        assert dock is None
        return
    assert known is not None
    assert dock is not None
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
        assert figures == (line.open, line.accepted)
    if line.kind is Kind.SOFTWARE:
        entitlement = company.assets.one(Entitlement, entitlement_id_of(line.id))
        assert entitlement is not None
        assert entitlement.quantity == max(entitlement.allocated, line.ordered - line.cancelled)


def _check_units(company: Company, line: OrderLine, known: OrderedLine) -> None:
    """Templates are what is open; real assets what was kept, each the unit that the dock took it for."""
    units = Counter(unit.status for unit in company.receiving.every(ExpectedUnit, order_line_id=line.id))
    assert (units[UnitStatus.OPEN], units[UnitStatus.RECEIVED]) == (line.open, line.accepted)
    found = company.assets.every(Asset, order_line_id=line.id)
    statuses = Counter(asset.status for asset in found)
    assert statuses[AssetStatus.ON_ORDER] == (line.open if known.has_templates else 0)
    real = [asset for asset in found if asset.status in (AssetStatus.IN_STOCK, AssetStatus.ASSIGNED)]
    assert len(real) == (line.kept if known.makes_assets else 0)
    if known.makes_assets:
        assert known.kept == line.kept
    by_asset = {unit.asset_id: unit for unit in company.receiving.every(ReceiptUnit)}
    for asset in real:
        assert asset.serial == by_asset[asset.id].serial


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


def _check_approvals(company: Company, request: PurchaseRequest) -> None:
    """Every step that was taken was taken by so many different people who may, none of them the requester."""
    said = company.requests.every(Approval, request_id=request.id, verdict=Verdict.APPROVE)
    for round in company.requests.every(ApprovalRound, request_id=request.id):
        seats = company.requests.every(ApprovalSeat, round_id=round.id, open=True)
        assert bool(seats) == (round.status is RoundStatus.OPEN)
        steps = steps_in(round.steps)
        taken = len(steps) if round.status is RoundStatus.APPROVED else round.step - 1
        for number, step in enumerate(steps[:taken], 1):
            yes = {each.decided_by for each in said if (each.round_id, each.step) == (round.id, number)}
            assert len(yes) >= step.quorum
            assert yes.isdisjoint(request.people)
            for person in yes:
                keys = {f"person:{person}", *(f"role:{Role(role)}" for role in WORKS_AS[person])}
                assert not keys.isdisjoint((*step.approvers, *step.escalate_to))
    by_request = company.requests.every(ApprovalRound, request_id=request.id, purpose=Purpose.REQUEST)
    waits = [round for round in by_request if round.status is RoundStatus.OPEN]
    assert len(waits) == (request.status is Status.AWAITING_APPROVAL)
    if request.approved_total is not None and request.content is not None:
        # A change can make it so small that nobody need be asked any more.
        assert all(round.status in (RoundStatus.APPROVED, RoundStatus.VOIDED) for round in by_request), (
            f"{request.number} is approved, though nobody said so"
        )
    if request.status in OVER:
        open_ones = company.requests.every(
            ApprovalRound, request_id=request.id, status=RoundStatus.OPEN, purpose=Purpose.SPENDING
        )
        assert not open_ones, f"{request.number} is {request.status} and still being asked about"


def _check_process(company: Company, request: PurchaseRequest, process: FulfilmentProcess) -> None:
    """The request's status agrees with its lines, and these with what the other services know."""
    lines = company.requests.every(ProcessLine, request_id=request.id)
    numbers = sorted(step.number for step in company.requests.every(ProcessStep, request_id=request.id))
    assert numbers == list(range(1, process.steps + 1))
    assert process.stage is stage_of(process, lines)
    expected = status_of_request(lines)
    assert request.status is expected or request.status is Status.FULFILLED, (
        f"{request.number} is {request.status}, its lines are {expected}"
    )
    for ordered in company.purchasing.every(OrderLine, request_id=request.id):
        line = company.requests.one(ProcessLine, ordered.request_line_id)
        assert line is not None
        _check_progress(company, line, ordered)
        if process.stage in ENDED or request.status in OVER:
            assert ordered.open == 0, f"{request.number} is {request.status}; units of it are still to come"
            order = company.purchasing.one(PurchaseOrder, ordered.order_id)
            assert order is not None
            assert order.status in (OrderStatus.RECEIVED, OrderStatus.CANCELLED)


def _check_progress(company: Company, line: ProcessLine, ordered: OrderLine) -> None:
    order = company.purchasing.one(PurchaseOrder, ordered.order_id)
    known = company.assets.one(OrderedLine, ordered.id)
    assert order is not None
    assert line.ordered == (ordered.ordered if order.submitted_at is not None else 0)
    arrived = {Kind.SERVICE: ordered.confirmed}.get(ordered.kind, ordered.accepted)
    if ordered.kind is not Kind.SOFTWARE:
        assert line.received == arrived
        assert line.cancelled == ordered.cancelled, f"{line.cancelled} != {ordered.cancelled}"
    if known is None or known.is_for_stock or ordered.kind is Kind.SERVICE:
        return
    if ordered.kind is Kind.HARDWARE:
        given = len(company.assets.every(Asset, order_line_id=ordered.id, status=AssetStatus.ASSIGNED))
    elif ordered.kind is Kind.SOFTWARE:
        entitlement = company.assets.one(Entitlement, entitlement_id_of(ordered.id))
        given = entitlement.allocated if entitlement else 0
        assert line.cancelled == min(ordered.cancelled, line.wanted - given)
    else:
        lot = company.assets.one(Lot, lot_id_of(ordered.id))
        given = lot.issued if lot else 0
    assert line.assigned == given, f"{line.assigned} were given by our count, {given} by assets'"
    if line.is_done and line.is_handed_over:
        # Somebody may have given less of some software than was wanted: the rest is free, and that is all.
        assert given + line.cancelled + sum(share.free for share in line.known) >= line.wanted


def _check_waits_for_somebody(
    company: Company, request: PurchaseRequest, process: FulfilmentProcess | None
) -> None:
    """A request that is not over waits for somebody who can be named, never for nothing."""
    if process is None:
        assert request.status in {*BEFORE_APPROVAL, *NEVER_APPROVED}
        # An open seat, which was checked.
        assert request.status is not Status.SUBMITTED
        return
    assert request.status not in {*BEFORE_APPROVAL, *NEVER_APPROVED}
    # What turns up after a request was fulfilled may stay in stock.
    if process.stage in {*ENDED, Stage.STUCK} or request.status is Status.FULFILLED:
        return
    orders = company.purchasing.every(PurchaseOrder, request_id=request.id)
    open_lines = [line for line in company.purchasing.every(OrderLine, request_id=request.id) if line.open]
    # Drafts wait for a buyer, what awaits approval for an approver, what is open for a vendor.
    assert [order for order in orders if order.status in UNSUBMITTED] or open_lines, (
        f"{request.number} is {request.status}, its process {process.stage}, and nobody will do anything"
    )
    assert process.stage in (Stage.ORDERING, Stage.DELIVERING), (
        f"{request.number} is {request.status}, its process {process.stage}, and nobody will do anything"
    )


def check_over(company: Company) -> None:
    """Everybody has done their part: every request has ended, and so has every order."""
    for request in company.requests.every(PurchaseRequest):
        assert request.status in OVER, f"{request.number} is {request.status} for ever"
    for order in company.purchasing.every(PurchaseOrder):
        assert order.status in (OrderStatus.RECEIVED, OrderStatus.CANCELLED)
        assert order.total >= Decimal(0)
