"""What receiving and assets say when something that came for a request is taken back at the dock."""

from typing import Literal
from uuid import UUID

from libs.contracts import assets as said
from libs.contracts import receiving
from libs.contracts.values import derived_id


class ToldOfTakingBack:
    """Reversals and returns of what came for one line of a request."""

    request_id: UUID
    line_id: UUID
    order_id: UUID
    order_line_id: UUID
    quantity: int
    assets: list[UUID]

    def reversed(self, quantity: int | None = None, name: object = 1) -> receiving.ReceiptReversed:
        """A receipt of so many units, or all, was a mistake."""
        line = receiving.TakenBackLine(
            order_line_id=self.order_line_id,
            request_id=self.request_id,
            request_line_id=self.line_id,
            accepted=quantity or self.quantity,
        )
        return receiving.ReceiptReversed(
            receipt_id=derived_id("test-reversal", name),
            receipt_number="RCV-000002",
            reverses=derived_id("test-receipt", self.order_line_id),
            order_id=self.order_id,
            reversed_by="dock",
            reason="wrong order",
            lines=(line,),
        )

    def returned(
        self,
        quantity: int | None = None,
        purpose: Literal["replacement", "credit"] = "replacement",
        name: object = 1,
    ) -> receiving.GoodsReturned:
        """So many units, or all, went back to the vendor."""
        line = receiving.ReturnedLine(
            order_line_id=self.order_line_id,
            request_id=self.request_id,
            request_line_id=self.line_id,
            quantity=quantity or self.quantity,
            credited=(quantity or self.quantity) if purpose == "credit" else None,
        )
        return receiving.GoodsReturned(
            return_id=derived_id("test-return", name),
            order_id=self.order_id,
            purpose=purpose,
            returned_by="dock",
            reason="scratched",
            lines=(line,),
        )

    def assignment_to(self, person: str) -> said.AssignAssets:
        """The units are given to somebody, but for those that are taken back meanwhile."""
        return said.AssignAssets(
            person=person,
            request_id=self.request_id,
            asset_ids=tuple(self.assets),
            leave_out_taken_back=True,
        )

    def taken_back(
        self,
        *units: int,
        handover_id: UUID | None = None,
        purpose: said.Purpose = "reversal",
        name: object = 1,
    ) -> said.AssetsTakenBack:
        """These units, counted from 1, or all, are not here any more; a handover of them is undone."""
        chosen = [self.assets[unit - 1] for unit in units] or self.assets
        return said.AssetsTakenBack(
            order_line_id=self.order_line_id,
            order_id=self.order_id,
            request_id=self.request_id,
            request_line_id=self.line_id,
            take_back_id=derived_id("test-reversal", name),
            purpose=purpose,
            units=tuple(said.UnitTakenBack(asset_id=asset, handover_id=handover_id) for asset in chosen),
        )

    def lot_taken_back(self, quantity: int | None = None, receipt: int = 1) -> said.LotTakenBack:
        """So many of the consumable, or all, are not in stock any more."""
        return said.LotTakenBack(
            lot_id=derived_id("test-lot", self.order_line_id),
            order_line_id=self.order_line_id,
            order_id=self.order_id,
            request_id=self.request_id,
            request_line_id=self.line_id,
            take_back_id=derived_id("test-reversal", receipt),
            receipt_id=derived_id("test-receipt", receipt),
            purpose="reversal",
            quantity=quantity or self.quantity,
        )
