"""What the dock tells purchasing: receipts, their reversals, and what goes back to vendors."""

from libs.contracts.receiving import GoodsReceived, ReceivedLine
from libs.contracts.values import Kind, derived_id
from services.purchasing.purchase_order import OrderLine, PurchaseOrder
from tests.builders_buying import a_return, a_reversal
from tests.properties.alone import Alone
from tests.properties.opening import pick

RECEIVED = (Kind.HARDWARE, Kind.CONSUMABLE)


def _receivable(company: Alone) -> list[OrderLine]:
    submitted = {each.id for each in company.purchasing.every(PurchaseOrder) if each.submitted_at is not None}
    return [
        line
        for line in company.purchasing.every(OrderLine)
        if line.order_id in submitted and line.kind in RECEIVED
    ]


def receive(company: Alone, a: int, b: int) -> None:
    """The dock takes some of what was submitted, perhaps without having heard that less of it is wanted."""
    lines = _receivable(company)
    if (line := pick(lines, a)) is None:
        return
    chosen = [each for each in lines if each.order_id == line.order_id] if b % 2 else [line]
    counts = []
    for each in chosen:
        known = company.dock.there(each.id)
        missing = max(0, (each.units_made if b % 8 == 6 else each.ordered) - known)
        counts.append((each, missing if b // 2 % 4 else min(missing, 1), int(b // 8 % 8 == 7)))
    take(company, [count for count in counts if any(count[1:])])


def take(company: Alone, counts: list[tuple[OrderLine, int, int]]) -> None:
    """So many units accepted and rejected of these lines of one order."""
    if not counts:
        return
    company.sent += 1
    receipt_id = derived_id("receipt", company.sent)
    order_id = counts[0][0].order_id
    fact = GoodsReceived(
        receipt_id=receipt_id,
        receipt_number=f"RCV-{company.sent:06d}",
        order_id=order_id,
        request_id=counts[0][0].request_id,
        received_by="person-4",
        lines=tuple(
            ReceivedLine(
                receipt_line_id=derived_id("receipt_line", receipt_id, line.id),
                order_line_id=line.id,
                request_id=line.request_id,
                request_line_id=line.request_line_id,
                sku=line.sku,
                accepted=accepted,
                rejected=rejected,
            )
            for line, accepted, rejected in counts
        ),
    )
    company.dock.note(fact)
    company.hear(fact, "receiving")


def reverse(company: Alone, a: int, b: int) -> None:
    """A receipt was a mistake: it is taken back, unless what it brought went back to the vendor."""
    if (receipt := pick(company.dock.reversible(), a)) is not None:
        company.sent += 1
        fact = a_reversal(receipt, company.sent)
        company.dock.note(fact)
        company.hear(fact, "receiving")


def give_back(company: Alone, a: int, b: int) -> None:
    """Some of what is here goes back, for replacement or for credit."""
    here = [line for line in _receivable(company) if company.dock.there(line.id)]
    if (line := pick(here, a)) is not None:
        company.sent += 1
        quantity = 1 + b // 2 % company.dock.there(line.id)
        purpose = "credit" if b % 2 else "replacement"
        fact = a_return(line.order_id, (line.id, quantity), purpose=purpose, name=company.sent)  # type: ignore[arg-type]
        company.dock.note(fact)
        company.hear(fact, "receiving")


def use(company: Alone, a: int, b: int) -> None:
    """Somebody is given software; assets says so when less of it is wanted."""
    software = company.purchasing.every(OrderLine, kind=Kind.SOFTWARE)
    if (line := pick([each for each in software if each.entitled], a)) is not None:
        used = company.dock.used
        used[line.id] = min(line.entitled, used.get(line.id, 0) + 1 + b % 2)
