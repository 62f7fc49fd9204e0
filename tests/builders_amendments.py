"""What purchasing says when a submitted order of a request is amended."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from libs.contracts import orders, purchasing
from libs.contracts.values import Money, derived_id
from tests.builders_desk import MANAGER


class ToldOfAmendments:
    """Amendments of the order that one line of a request has."""

    request_id: UUID
    line_id: UUID
    order_id: UUID
    order_line_id: UUID
    number: str
    quantity: int

    def amended(
        self, quantity: int | None = None, amendment: int = 1, **changes: Any
    ) -> purchasing.OrderAmended:
        """So many units are on the order since an amendment; as many as ever, if nothing is said."""
        line = purchasing.AmendedLine(
            order_line_id=self.order_line_id,
            request_line_id=self.line_id,
            quantity_before=self.quantity,
            quantity=quantity or self.quantity,
            units_made=max(quantity or 1, self.quantity),
            unit_price=Decimal("149.50"),
            **changes,
        )
        total = Money(amount=Decimal("149.50"), currency="EUR")
        return purchasing.OrderAmended(
            order_id=self.order_id,
            requisition_number=self.number,
            request_id=self.request_id,
            amendment=amendment,
            order_revision=amendment + 1,
            vendor_id=derived_id("vendor", "V-2"),
            vendor_name="Vendor V-2",
            amended_by=MANAGER,
            reason="another need",
            total=total,
            expected_cost=total,
            changes=(),
            lines=(line,),
        )

    def amendment_awaited(self) -> orders.AmendmentAwaited:
        """An amendment waits for an approval."""
        total = Money(amount=Decimal("149.50"), currency="EUR")
        return orders.AmendmentAwaited(
            order_id=self.order_id,
            requisition_number=self.number,
            request_ids=(self.request_id,),
            order_revision=2,
            amended_by=MANAGER,
            total=total,
            expected_cost=total,
            changes=(),
        )

    def amendment_refused(self) -> orders.AmendmentRefused:
        """An amendment is not made."""
        return orders.AmendmentRefused(
            order_id=self.order_id,
            requisition_number=self.number,
            request_ids=(self.request_id,),
            order_revision=2,
            reason="too dear",
        )
