"""What the dock has taken and given back, whether purchasing has heard of it or not; and what software is in use."""

from dataclasses import dataclass, field
from uuid import UUID

from libs.contracts.assets import EntitlementChanged
from libs.contracts.message import Event
from libs.contracts.purchasing import OrderAmended, OrderCancelled
from libs.contracts.receiving import GoodsReceived, GoodsReturned, ReceiptReversed
from libs.contracts.values import derived_id


@dataclass
class Dock:
    """Receipts by their ids, and the units of each line that are here."""

    receipts: dict[UUID, GoodsReceived] = field(default_factory=dict)
    here: dict[UUID, int] = field(default_factory=dict)
    used: dict[UUID, int] = field(default_factory=dict)

    def there(self, line_id: UUID) -> int:
        """Units of a line that are here."""
        return self.here.get(line_id, 0)

    def note(self, fact: Event) -> None:
        """What happens at the dock."""
        if isinstance(fact, GoodsReceived):
            self.receipts[fact.receipt_id] = fact
            for line in fact.lines:
                self.here[line.order_line_id] = self.there(line.order_line_id) + line.accepted
        elif isinstance(fact, ReceiptReversed):
            del self.receipts[fact.reverses]
            for taken in fact.lines:
                self.here[taken.order_line_id] -= taken.accepted
        elif isinstance(fact, GoodsReturned):
            for sent in fact.lines:
                self.here[sent.order_line_id] -= sent.quantity

    def reversible(self) -> list[GoodsReceived]:
        """Receipts whose units are all here."""
        return [
            receipt
            for receipt in self.receipts.values()
            if all(line.accepted <= self.there(line.order_line_id) for line in receipt.lines)
        ]

    def software_left(self, said: OrderCancelled | OrderAmended) -> list[EntitlementChanged]:
        """What assets answers when less of software is wanted: so much of it is in use."""
        return [
            EntitlementChanged(
                entitlement_id=derived_id("entitlement", told.order_line_id),
                order_line_id=told.order_line_id,
                order_id=said.order_id,
                request_id=told.request_id,
                request_line_id=told.request_line_id,
                quantity=self.used[told.order_line_id],
                allocated=self.used[told.order_line_id],
                status="active",
            )
            for told in said.lines
            if told.order_line_id in self.used
        ]
