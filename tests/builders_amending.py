"""What tests of amending submitted orders are built from."""

from decimal import Decimal
from typing import Any

from libs.contracts.purchasing import (
    OrderAmended,
)
from services.purchasing.amendment import OrderAmendment
from services.purchasing.commitment import RequestOrders
from services.purchasing.purchase_order import OrderLine, PurchaseOrder, Status
from tests.builders_buying import an_amendment
from tests.builders_desk import STATION, Desk, create_order
from tests.builders_dock import Ended
from tests.builders_orders import euros


def the_order(desk: Desk) -> PurchaseOrder:
    """The only order."""
    (order,) = desk.all(PurchaseOrder)
    assert isinstance(order, PurchaseOrder)
    return order


def the_line(desk: Desk, position: int = 1) -> OrderLine:
    """Its line at this position."""
    (line,) = desk.all(OrderLine, position=position)
    assert isinstance(line, OrderLine)
    return line


def placed(desk: Desk, quantity: int = 4, *, approved: str = "10000", sku: str = STATION) -> OrderLine:
    """An order of a request, submitted, of so many stations at 149.50."""
    desk.hear(create_order({sku: quantity}, approved_total=euros(approved)))
    assert the_order(desk).status is Status.SUBMITTED
    return the_line(desk)


def amend(desk: Desk, changes: dict[str, Any] | None = None, **of_order: Any) -> Ended:
    """The first line, or something of the order, becomes different."""
    lines = [(the_line(desk), changes)] if changes else []
    return desk.hear(an_amendment(the_order(desk), *lines, **of_order))


def told(desk: Desk) -> list[OrderAmended]:
    """What was said of amended orders."""
    return [said for said in desk.said if isinstance(said, OrderAmended)]


def amendments(desk: Desk) -> list[OrderAmendment]:
    """The amendments by the revisions they make."""
    return sorted(desk.all(OrderAmendment), key=lambda each: each.revision)


def committed(desk: Desk) -> Decimal:
    """What is committed for the only request."""
    (commanded,) = desk.all(RequestOrders)
    return commanded.committed  # type: ignore[no-any-return]
