"""What tests of reversals, returns and what assets says of them are built from."""

from typing import Any, Literal
from uuid import UUID

from libs.contracts.assets import (
    AssetsTakenBack,
    HandoverAcknowledged,
    Purpose,
    ReversalConflictFound,
    StockIssued,
    UnitTakenBack,
)
from libs.contracts.receiving import (
    GoodsReturned,
    LineToReceive,
    LineToReturn,
    ReceiptReversed,
    RecordReceipt,
    ReturnGoods,
    ReverseReceipt,
)
from libs.contracts.values import Destination, DestinationKind, Kind, asset_id_of, derived_id
from services.receiving import amendment, custody, expectation, place, receipt, returning, reversal
from services.receiving.expectation import ExpectedLine, ExpectedUnit, UnitStatus
from services.receiving.receipt import Receipt
from tests.builders_dock import (
    LINE,
    ORDER,
    SECOND_LINE,
    SITE,
    SPACE,
    Ended,
    House,
    a_delivery,
    a_place,
    an_order,
    an_ordered_line,
    units,
)

CABLES = an_ordered_line(10, line=SECOND_LINE, sku="CABLE", name="Cable", kind=Kind.CONSUMABLE)


def a_dock(laptops: int = 3) -> House:
    """Laptops and ten cables are expected."""
    house = House(
        expectation.HANDLERS,
        amendment.HANDLERS,
        receipt.HANDLERS,
        reversal.HANDLERS,
        returning.HANDLERS,
        custody.HANDLERS,
        place.HANDLERS,
    )
    house.hear(a_place(), an_order(an_ordered_line(laptops), CABLES))
    return house


def received(house: House, *serials: str, **changes: Any) -> Receipt:
    """The receipt by which laptops with these serial numbers came."""
    return receipt_of(house, house.hear(a_delivery(*units(*serials), **changes)))


def cables_received(house: House, quantity: int, space: str = SPACE) -> Receipt:
    """The receipt by which so many cables came."""
    line = LineToReceive(order_line_id=SECOND_LINE, quantity=quantity, location=SITE, storage_space=space)
    return receipt_of(house, house.hear(RecordReceipt(order_id=ORDER, lines=(line,))))


def receipt_of(house: House, ended: Ended) -> Receipt:
    """The receipt that a message brought about."""
    assert ended.verdict == "accepted", ended.rejection
    (found,) = house.all(Receipt, id=UUID(str(ended.decision.answer["receipt_id"])))
    assert isinstance(found, Receipt)
    return found


def reverse(house: House, receipt: Receipt) -> Ended:
    """The receipt was a mistake."""
    return house.hear(ReverseReceipt(receipt_id=receipt.id, reason="wrong order"))


def a_return(
    *numbers: int, purpose: Literal["replacement", "credit"] = "replacement", line: UUID = LINE
) -> ReturnGoods:
    """Laptops that go back."""
    asset_ids = tuple(asset_id_of(line, number) for number in numbers)
    return ReturnGoods(
        order_id=ORDER,
        purpose=purpose,
        reason="scratched",
        rma="RMA-1",
        lines=(LineToReturn(order_line_id=line, asset_ids=asset_ids),),
    )


def cables_returned(
    quantity: int, receipt_line_id: UUID, purpose: Literal["replacement", "credit"] = "replacement"
) -> ReturnGoods:
    """Cables that go back."""
    told = LineToReturn(order_line_id=SECOND_LINE, quantity=quantity, receipt_line_id=receipt_line_id)
    return ReturnGoods(order_id=ORDER, purpose=purpose, reason="wrong colour", lines=(told,))


def acknowledged(*numbers: int) -> HandoverAcknowledged:
    """Somebody has these laptops."""
    return HandoverAcknowledged(
        handover_id=derived_id("test-handover", *numbers),
        person="person-17",
        asset_ids=tuple(asset_id_of(LINE, number) for number in numbers),
    )


def issued(quantity: int) -> StockIssued:
    """So many cables are used up."""
    return StockIssued(
        issue_id=derived_id("test-issue", quantity),
        lot_id=derived_id("test-lot", 1),
        order_line_id=SECOND_LINE,
        request_id=None,
        request_line_id=None,
        quantity=quantity,
        to=Destination(kind=DestinationKind.PERSON, name="person-17"),
    )


def freed(take_back_id: UUID, *numbers: int, purpose: Purpose = "reversal") -> AssetsTakenBack:
    """Assets has taken these laptops back, too."""
    return AssetsTakenBack(
        order_line_id=LINE,
        order_id=ORDER,
        request_id=None,
        request_line_id=None,
        take_back_id=take_back_id,
        purpose=purpose,
        units=tuple(UnitTakenBack(asset_id=asset_id_of(LINE, number)) for number in numbers),
    )


def a_conflict(take_back_id: UUID, *numbers: int, purpose: Purpose = "reversal") -> ReversalConflictFound:
    """Assets could not take these laptops back."""
    return ReversalConflictFound(
        order_line_id=LINE,
        order_id=ORDER,
        take_back_id=take_back_id,
        purpose=purpose,
        asset_ids=tuple(asset_id_of(LINE, number) for number in numbers),
        reason="acknowledged",
    )


def line_of(house: House, line: UUID = LINE) -> ExpectedLine:
    """The line of the laptops, or of the cables."""
    (found,) = house.all(ExpectedLine, id=line)
    assert isinstance(found, ExpectedLine)
    return found


def numbers(house: House, status: UnitStatus) -> list[int]:
    """The numbers of the laptops in this status."""
    return sorted(unit.unit_number for unit in house.all(ExpectedUnit, status=status))


def figures(house: House, line: UUID = LINE) -> tuple[int, int, int, int]:
    """Kept, cancelled, open and over of a line; of laptops there are as many open units, as many here."""
    found = line_of(house, line)
    if line == LINE:
        assert len(numbers(house, UnitStatus.OPEN)) == found.open
        assert len(numbers(house, UnitStatus.RECEIVED)) == found.kept
    return found.kept, found.cancelled, found.open, found.over


def reversals_said(house: House) -> list[ReceiptReversed]:
    """What was said of receipts taken back."""
    return [message for message in house.said if isinstance(message, ReceiptReversed)]


def returns_said(house: House) -> list[GoodsReturned]:
    """What was said of goods that went back."""
    return [message for message in house.said if isinstance(message, GoodsReturned)]
