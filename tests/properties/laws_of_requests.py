"""What must hold of requests when nothing is on its way any more: approvals, progress, and who is waited for."""

from collections.abc import Iterable

from libs.contracts.permissions import Role
from libs.contracts.values import AssetCreation, DestinationKind, Kind
from services.assets.asset import Asset
from services.assets.asset import Status as AssetStatus
from services.assets.entitlement import Entitlement, entitlement_id_of
from services.assets.lot import Lot, lot_id_of
from services.assets.ordered_line import OrderedLine
from services.purchasing.amendment import AmendmentStatus, OrderAmendment
from services.purchasing.purchase_order import UNSUBMITTED, OrderLine, PurchaseOrder
from services.purchasing.purchase_order import Status as OrderStatus
from services.requests.approval_round import (
    Approval,
    ApprovalRound,
    ApprovalSeat,
    Purpose,
    RoundStatus,
    Verdict,
    steps_in,
)
from services.requests.order_to_approve import OrderToApprove
from services.requests.process import ENDED, FulfilmentProcess, ProcessStep, Stage, stage_of
from services.requests.process import status_of as status_of_request
from services.requests.process_line import ProcessLine
from services.requests.purchase_request import BEFORE_APPROVAL, NEVER_APPROVED, PurchaseRequest, Status
from tests.properties.company import Company
from tests.properties.opening import WORKS_AS

OVER = frozenset({*NEVER_APPROVED, Status.FULFILLED, Status.CANCELLED})


def check_request(company: Company, request: PurchaseRequest) -> None:
    """All that must hold of one."""
    _check_rounds(company, request)
    _check_approval(company, request)
    process = company.requests.one(FulfilmentProcess, request.id)
    if process is not None:
        _check_process(company, request, process)
    _check_waits_for_somebody(company, request, process)


def check_questions(company: Company) -> None:
    """Whoever is asked about an order is waited for, and whoever is waited for was asked: about a draft, or about an
    amendment of what was submitted. No step of an order's own approval was taken by those whose order it is."""
    asked = sorted(
        (str(each.order_id), each.order_revision, str(each.request_id))
        for each in company.requests.every(ApprovalRound, status=RoundStatus.OPEN)
        if each.purpose is not Purpose.REQUEST
    )
    waits = [
        (str(order.id), order.revision, str(whom))
        for order in company.purchasing.every(PurchaseOrder, status=OrderStatus.AWAITING_APPROVAL)
        for whom in order.awaits
    ]
    waits += [
        (str(record.order_id), record.revision, str(whom))
        for record in company.purchasing.every(OrderAmendment, status=AmendmentStatus.WAITING)
        for whom in record.awaits
    ]
    assert asked == sorted(waits), f"asked about {asked}, waited for {sorted(waits)}"
    for order in company.requests.every(OrderToApprove):
        _check_rounds(company, order)


def _check_rounds(company: Company, about: PurchaseRequest | OrderToApprove) -> None:
    """Every step that was taken was taken by so many different people who may, none of them a party."""
    said = company.requests.every(Approval, request_id=about.id, verdict=Verdict.APPROVE)
    for round in company.requests.every(ApprovalRound, request_id=about.id):
        seats = company.requests.every(ApprovalSeat, round_id=round.id, open=True)
        assert bool(seats) == (round.status is RoundStatus.OPEN)
        steps = steps_in(round.steps)
        taken = len(steps) if round.status is RoundStatus.APPROVED else round.step - 1
        for number, step in enumerate(steps[:taken], 1):
            yes = {each.decided_by for each in said if (each.round_id, each.step) == (round.id, number)}
            assert len(yes) >= step.quorum
            # Whose order it is can become different before it is asked about once more.
            if isinstance(about, PurchaseRequest) or round.number == about.round:
                assert yes.isdisjoint(about.people.union(round.parties))
            for person in yes:
                keys = {f"person:{person}", *(f"role:{Role(role)}" for role in WORKS_AS[person])}
                assert not keys.isdisjoint((*step.approvers, *step.escalate_to))


def _check_approval(company: Company, request: PurchaseRequest) -> None:
    """It waits for an approval exactly while somebody is asked, and what is approved somebody approved."""
    by_request = company.requests.every(ApprovalRound, request_id=request.id, purpose=Purpose.REQUEST)
    waits = [round for round in by_request if round.status is RoundStatus.OPEN]
    assert len(waits) == (request.status is Status.AWAITING_APPROVAL)
    if request.approved_total is not None and request.content is not None:
        # A change can make it so small that nobody need be asked any more.
        assert all(round.status in (RoundStatus.APPROVED, RoundStatus.VOIDED) for round in by_request), (
            f"{request.number} is approved, though nobody said so"
        )


def _check_process(company: Company, request: PurchaseRequest, process: FulfilmentProcess) -> None:
    """The request's status agrees with its lines, and these with what the other services know.

    Once fulfilled it stays so, though an amendment can bring more of it, or take back what was not needed.
    """
    lines = company.requests.every(ProcessLine, request_id=request.id)
    numbers = sorted(step.number for step in company.requests.every(ProcessStep, request_id=request.id))
    assert numbers == list(range(1, process.steps + 1))
    assert process.stage is stage_of(process, lines)
    expected = status_of_request(lines)
    assert request.status is expected or request.status is Status.FULFILLED, (
        f"{request.number} is {request.status}, its lines are {expected}"
    )
    for line in lines:
        bought = company.purchasing.every(OrderLine, request_id=request.id, request_line_id=line.id)
        if bought:
            _check_progress(company, line, bought)
        still_open = sum(each.open for each in bought)
        if still_open and process.stage in ENDED:
            # What an amendment brings beyond what was wanted stays in stock.
            assert sum(each.kept for each in bought) >= line.wanted, (
                f"{request.number} has ended; {still_open} units of it are still to come"
            )


def _check_progress(company: Company, line: ProcessLine, bought: Iterable[OrderLine]) -> None:
    """Laws 1 and 3: however many orders it is spread over, a request line counts what all of them say."""
    status_of = {order.id: order.status for order in company.purchasing.every(PurchaseOrder)}
    drafted = sum(each.living for each in bought if status_of[each.order_id] in UNSUBMITTED)
    known = [each for each in bought if company.assets.one(OrderedLine, each.id) is not None]
    assert line.ordered == sum(each.ordered for each in known)
    first = sum(line.share(each.id).first or 0 for each in known)
    assert first + sum(each.ordered for each in bought if each not in known) == line.wanted
    here = sum(each.kept for each in known)
    coming = here + sum(each.open for each in known)
    if line.kind is Kind.SOFTWARE:
        entitlements = [company.assets.one(Entitlement, entitlement_id_of(each.id)) for each in known]
        coming = sum(each.quantity for each in entitlements if each is not None)
        here = sum(each.allocated for each in entitlements if each is not None)
    else:
        assert line.received == here
    cancelled = max(0, line.wanted - max(coming + drafted, here))
    assert line.cancelled == cancelled, f"{line.cancelled} are cancelled by our count, {cancelled} by orders'"
    if line.destination_kind is DestinationKind.STOCK or line.kind is Kind.SERVICE:
        return
    given = sum(_given(company, each) for each in known)
    assert line.assigned == given, f"{line.assigned} were given by our count, {given} by assets'"
    if line.is_done and line.is_handed_over:
        # Somebody may have given less of some software than was wanted: the rest is free, and that is all. What
        # becomes no asset is not given to anybody.
        free = sum(share.free for share in line.known)
        unkept = sum(each.kept for each in known if each.asset_creation is AssetCreation.NEVER)
        assert given + unkept + line.cancelled + free >= line.wanted


def _given(company: Company, ordered: OrderLine) -> int:
    """What of an order line has gone to somebody or something."""
    if ordered.kind is Kind.HARDWARE:
        return len(company.assets.every(Asset, order_line_id=ordered.id, status=AssetStatus.ASSIGNED))
    if ordered.kind is Kind.SOFTWARE:
        entitlement = company.assets.one(Entitlement, entitlement_id_of(ordered.id))
        return entitlement.allocated if entitlement else 0
    lot = company.assets.one(Lot, lot_id_of(ordered.id))
    return lot.issued if lot else 0


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
    # Drafts wait for a buyer, what awaits approval for an approver, what is open for a vendor.
    to_come = [line for line in company.purchasing.every(OrderLine, request_id=request.id) if line.open]
    assert to_come, (
        f"{request.number} is {request.status}, its process {process.stage}, and nobody will do anything"
    )
    assert process.stage in (Stage.ORDERING, Stage.DELIVERING), (
        f"{request.number} is {request.status}, its process {process.stage}, and nobody will do anything"
    )
