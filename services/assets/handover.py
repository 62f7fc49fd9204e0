"""Handing assets over: what is in stock goes to a person, a location or a financial owner, who may acknowledge it."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from libs.chassis.decision import (
    Cause,
    Decision,
    Handler,
    Handlers,
    Key,
    Keys,
    Many,
    Record,
    Records,
    Rejection,
    Via,
)
from libs.contracts.assets import AcknowledgeHandover, AssetsAssigned, AssignAssets, HandoverAcknowledged
from libs.contracts.values import Destination, DestinationKind
from services.assets.asset import Asset, Status, parts_of
from services.assets.holder import check_holder, holder_read
from services.assets.ordered_line import OrderedLine
from services.assets.stock import InventoryTransaction, Movement, balances


@dataclass(frozen=True, kw_only=True)
class Handover(Record):
    """Assets that went to a person, a location or a financial owner together; which ones is in the ledger."""

    holder_kind: DestinationKind
    holder: str
    request_id: UUID | None
    quantity: int
    assigned_by: str
    assigned_at: datetime
    acknowledged_at: datetime | None = None


def assign(command: AssignAssets, held: Records, cause: Cause) -> Decision:
    """Give assets to whom or what they are for, all of them or none; each leaves the storage space it was in.

    What was ordered for a request is handed over for that request, which would wait for it in vain otherwise; what
    was ordered for stock is for whoever needs it. What was taken back meanwhile can be left out.
    """
    assets = [_asset(held, asset_id, of=f"asset_ids[{at}]") for at, asset_id in enumerate(command.asset_ids)]
    earlier = _earlier_handover(command, assets)
    if earlier:
        return Decision(duplicate=True, answer={"handover_id": str(earlier)})
    if command.leave_out_taken_back:
        assets = [asset for asset in assets if asset.is_here and not _is_given(asset, command)]
        if not assets:
            return Decision(answer={"handover_id": None})
    for at, asset in enumerate(assets):
        if asset.status is not Status.IN_STOCK:
            raise Rejection(
                "asset_not_in_stock",
                field=f"asset_ids[{at}]",
                message=f"Asset {asset.tag} is {asset.status}; only what is in stock can be assigned.",
            )
        line = held.find(OrderedLine, asset.order_line_id)
        bought_for = line.request_id if line is not None and not line.is_for_stock else None
        if bought_for is not None and bought_for != command.request_id:
            raise Rejection(
                "asset_for_other_request",
                field=f"asset_ids[{at}]",
                message=f"Asset {asset.tag} was ordered for request {bought_for}; name that one.",
            )
    check_holder(held, command.holder, of="to")
    assets = list({asset.id: asset for asset in assets}.values())
    handover = Handover(
        id=cause.id("handover"),
        holder_kind=command.holder.kind,
        holder=command.holder.name or "",
        request_id=command.request_id,
        quantity=len(assets),
        assigned_by=cause.actor.id or cause.sender,
        assigned_at=cause.at,
    )
    moved = [_out_of_stock(asset, handover, cause, index) for index, asset in enumerate(assets)]
    handed_over = [
        asset.become(
            Status.ASSIGNED,
            assigned_for=handover.request_id,
            handover_id=handover.id,
            storage_space=None,
            **_whereabouts(command.holder),
        )
        for asset in assets
    ]
    assigned = AssetsAssigned(
        handover_id=handover.id,
        person=handover.holder if handover.holder_kind is DestinationKind.PERSON else None,
        to=command.holder,
        request_id=handover.request_id,
        asset_ids=tuple(asset.id for asset in assets),
    )
    return Decision(
        save=[handover, *handed_over, *moved],
        add=balances(moved),
        publish=[assigned],
        answer={"handover_id": str(handover.id)},
    )


def acknowledge(command: AcknowledgeHandover, held: Records, cause: Cause) -> Decision:
    """The person to whom assets were handed over has them: from now on the dock does not take these back.

    What was taken back before is not among them.
    """
    handover = held.find(Handover, command.handover_id)
    if handover is None:
        message = f"There is no handover {command.handover_id}."
        raise Rejection("handover_unknown", field="handover_id", message=message)
    if handover.holder_kind is not DestinationKind.PERSON or handover.holder != cause.actor.id:
        message = "Only the person to whom it went can acknowledge a handover."
        raise Rejection("handover_not_mine", field="handover_id", message=message)
    answer = {"handover_id": str(handover.id)}
    if handover.acknowledged_at is not None:
        return Decision(duplicate=True, answer=answer)
    assets = held.all(Asset, handover_id=handover.id)
    if not assets:
        message = "All that was handed over was taken back."
        raise Rejection("handover_undone", field="handover_id", message=message)
    said = [
        HandoverAcknowledged(
            handover_id=handover.id, person=handover.holder, asset_ids=tuple(asset.id for asset in part)
        )
        for part in parts_of(assets)
    ]
    acknowledged = [replace(asset, acknowledged=True) for asset in assets]
    return Decision(
        save=[replace(handover, acknowledged_at=cause.at), *acknowledged], publish=said, answer=answer
    )


def _whereabouts(holder: Destination) -> dict[str, str | None]:
    """The asset's fields that say to whom or what it was given."""
    return {
        "custodian": holder.name if holder.kind is DestinationKind.PERSON else None,
        "location": holder.name if holder.kind is DestinationKind.LOCATION else None,
        "financial_owner": holder.name if holder.kind is DestinationKind.FINANCIAL_OWNER else None,
    }


def _asset(held: Records, asset_id: UUID, *, of: str) -> Asset:
    asset = held.find(Asset, asset_id)
    if asset is None:
        raise Rejection("asset_unknown", field=of, message=f"No asset has the id {asset_id}.")
    return asset


def _earlier_handover(command: AssignAssets, assets: list[Asset]) -> UUID | None:
    """The one handover that gave all of these to this holder for this request, if they were given already."""
    handovers = {asset.handover_id if _is_given(asset, command) else None for asset in assets}
    return handovers.pop() if len(handovers) == 1 else None


def _is_given(asset: Asset, command: AssignAssets) -> bool:
    """Whether this holder has it for this request already."""
    whereabouts = _whereabouts(command.holder)
    return (
        asset.status is Status.ASSIGNED
        and whereabouts == {name: getattr(asset, name) for name in whereabouts}
        and asset.assigned_for == command.request_id
    )


def _out_of_stock(asset: Asset, handover: Handover, cause: Cause, index: int) -> InventoryTransaction:
    assert asset.location is not None  # what is in stock is somewhere
    assert asset.storage_space is not None
    return InventoryTransaction(
        id=cause.id("transaction", index),
        movement=Movement.ASSIGNED,
        asset_id=asset.id,
        sku=asset.sku,
        location=asset.location,
        storage_space=asset.storage_space,
        change=-1,
        at=cause.at,
        handover_id=handover.id,
    )


def _the_assets(command: AssignAssets) -> Keys:
    return [Key(Asset, asset_id, may_be_new=True) for asset_id in command.asset_ids]


def _what_was_given(command: AcknowledgeHandover) -> Keys:
    return (
        Many(Asset, by="handover_id", value=command.handover_id),
        Key(Handover, command.handover_id, may_be_new=True),
    )


def _their_lines(command: AssignAssets) -> Keys:
    for asset_id in command.asset_ids:
        yield Key(OrderedLine, Via(Asset, asset_id, "order_line_id"), may_be_new=True)
    yield from holder_read(command.holder)


HANDLERS: Handlers = (
    Handler(
        on=AssignAssets,
        holds=_the_assets,
        reads=_their_lines,
        decide=assign,
        weight=lambda command: len(command.asset_ids),
    ),
    Handler(on=AcknowledgeHandover, holds=_what_was_given, decide=acknowledge),
)
