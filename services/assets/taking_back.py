"""What the dock takes back: receipts that were a mistake, and goods that go back to their vendor.

A unit is a template again if it is to come again; else it is cancelled, or returned to the vendor. An assignment that
nobody has acknowledged is undone in the same step. What cannot be taken back stays as it is, and the dock is told.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

from libs.chassis.decision import (
    Cause,
    Decision,
    Early,
    Handler,
    Handlers,
    Key,
    Keys,
    Many,
    NamedBy,
    Records,
)
from libs.contracts.assets import AssetsTakenBack, Purpose, ReversalConflictFound, UnitTakenBack
from libs.contracts.message import Message
from libs.contracts.receiving import GoodsReturned, ReceiptReversed, ReturnedLine, TakenBackLine
from services.assets import lot
from services.assets.arrival import TakeBack, TakenGoods
from services.assets.asset import GONE, TEMPLATES, Asset, Status, parts_of, templates_of, together
from services.assets.lot import LotReceipt, TakenFromLot, lot_and_spaces, lot_id_of
from services.assets.ordered_line import OrderedLine
from services.assets.standing import templates_stand
from services.assets.stock import InventoryTransaction, Movement, balances

MOVEMENTS: dict[str, Movement] = {
    "reversal": Movement.REVERSED,
    "replacement": Movement.RETURNED,
    "credit": Movement.RETURNED,
}


class _Told(NamedTuple):
    """What the dock took back of one order line."""

    order_line_id: UUID
    quantity: int
    credited: int
    asset_ids: tuple[UUID, ...]
    places: frozenset[tuple[str | None, str | None]]


def take_back(fact: ReceiptReversed | GoodsReturned, held: Records, cause: Cause) -> Decision:
    """What is here of it leaves; what was acknowledged, issued or disposed of stays, and that is said."""
    if held.find(TakeBack, _id_of(fact)) is not None:
        return Decision()
    noted = TakeBack(id=_id_of(fact), order_id=fact.order_id)
    done = [Decision(save=[noted])]
    for told in _by_line(fact.lines):
        line: OrderedLine = held[OrderedLine, told.order_line_id]
        line = replace(line, credited=line.credited + told.credited)
        if line.makes_assets:
            done.append(_units(line, told, fact, held, cause))
        elif line.makes_lot:
            done.append(_quantity(line, told, fact, held, cause))
        else:
            done.append(Decision(save=[replace(line, kept=line.kept - told.quantity)]))
    return together(done)


def _units(
    line: OrderedLine, told: _Told, fact: ReceiptReversed | GoodsReturned, held: Records, cause: Cause
) -> Decision:
    purpose = _purpose_of(fact)
    units = list(_meant(told.asset_ids, fact, held))
    leaving = [asset for asset in units if _can_leave(asset)]
    staying = [asset.id for asset in units if asset.is_here and not _can_leave(asset)]
    line = replace(line, kept=line.kept - len(leaving))
    moved = [_out_of_stock(asset, fact, cause) for asset in leaving if asset.storage_space is not None]
    stands = templates_stand(line, held, came_back=[_emptied(asset, line, purpose) for asset in leaving])
    said: list[Message] = [
        AssetsTakenBack(
            order_line_id=line.id,
            order_id=line.order_id,
            request_id=line.request_id,
            request_line_id=line.request_line_id,
            take_back_id=_id_of(fact),
            purpose=purpose,
            units=tuple(UnitTakenBack(asset_id=asset.id, handover_id=asset.handover_id) for asset in part),
        )
        for part in parts_of(leaving)
    ]
    said += [_conflict(line, fact, asset_ids=tuple(ids)) for ids in parts_of(staying)]
    return Decision(save=[line, *stands.save, *moved], add=balances(moved), publish=[*said, *stands.publish])


def _meant(
    asset_ids: Iterable[UUID], fact: ReceiptReversed | GoodsReturned, held: Records
) -> Iterator[Asset]:
    """The assets that the dock means: what it knows as one unit may have become another asset, with its receipt."""
    beside: dict[str, str] = {}
    for goods in fact.goods:
        taken = held.find(TakenGoods, goods)
        beside |= taken.beside if taken is not None else {}
    for asset_id in asset_ids:
        asset = held.find(Asset, UUID(beside.get(str(asset_id), str(asset_id))))
        if asset is not None:
            yield asset


def _can_leave(asset: Asset) -> bool:
    """Whether it is in stock, or with somebody who has not acknowledged that."""
    return asset.status is Status.IN_STOCK or (asset.status is Status.ASSIGNED and not asset.acknowledged)


def _emptied(asset: Asset, line: OrderedLine, purpose: Purpose) -> Asset:
    """The unit as it is once it left. Whether it comes again is found with all that are not here."""
    gone = Status.RETURNED_TO_VENDOR if purpose == "credit" else Status.CANCELLED
    return asset.become(
        gone,
        tag=asset.issued_tag,
        cost=line.unit_price,
        serial=None,
        receipt_id=None,
        receipt_line_id=None,
        warranty_until=None,
        location=None,
        storage_space=None,
        custodian=None,
        financial_owner=None,
        assigned_for=None,
        handover_id=None,
        given_back=purpose == "credit",
    )


def _out_of_stock(asset: Asset, fact: ReceiptReversed | GoodsReturned, cause: Cause) -> InventoryTransaction:
    assert asset.location is not None  # what is in a space is somewhere
    assert asset.storage_space is not None
    return InventoryTransaction(
        id=cause.id(f"transaction of {asset.id}"),
        movement=MOVEMENTS[_purpose_of(fact)],
        asset_id=asset.id,
        sku=asset.sku,
        location=asset.location,
        storage_space=asset.storage_space,
        change=-1,
        at=cause.at,
        take_back_id=_id_of(fact),
    )


def _quantity(
    line: OrderedLine, told: _Told, fact: ReceiptReversed | GoodsReturned, held: Records, cause: Cause
) -> Decision:
    known = held.find(lot.Lot, lot_id_of(line.id))
    leaving = min(told.quantity, known.in_stock) if known is not None else 0
    line = replace(line, kept=line.kept - leaving)
    done = [Decision(save=[line])]
    if known is not None and leaving:
        purpose = _purpose_of(fact)
        receipts = frozenset(held[TakenGoods, goods].receipt_id for goods in fact.goods)
        taken = TakenFromLot(leaving, receipts, told.places, MOVEMENTS[purpose], purpose, _id_of(fact))
        done.append(lot.take_back(line, known, taken, held, cause))
    elif known is not None:
        done.append(lot.follow(line, held))
    if leaving < told.quantity:
        done.append(Decision(publish=[_conflict(line, fact, quantity=told.quantity - leaving)]))
    return together(done)


def _conflict(line: OrderedLine, fact: ReceiptReversed | GoodsReturned, **what: Any) -> ReversalConflictFound:
    units = "acknowledged or disposed of" if what.get("asset_ids") else "issued"
    return ReversalConflictFound(
        order_line_id=line.id,
        order_id=line.order_id,
        take_back_id=_id_of(fact),
        purpose=_purpose_of(fact),
        reason=f"It was {units} before.",
        **what,
    )


def _id_of(fact: ReceiptReversed | GoodsReturned) -> UUID:
    """The reversal or the return."""
    return fact.receipt_id if isinstance(fact, ReceiptReversed) else fact.return_id


def _purpose_of(fact: ReceiptReversed | GoodsReturned) -> Purpose:
    return "reversal" if isinstance(fact, ReceiptReversed) else fact.purpose


def _by_line(lines: Sequence[TakenBackLine | ReturnedLine]) -> Iterator[_Told]:
    """What is told of each order line, which may stand there once for each storage space."""
    by_line: dict[UUID, list[TakenBackLine | ReturnedLine]] = {}
    for line in lines:
        by_line.setdefault(line.order_line_id, []).append(line)
    for order_line_id, told in by_line.items():
        yield _Told(
            order_line_id=order_line_id,
            quantity=sum(
                each.accepted if isinstance(each, TakenBackLine) else each.quantity for each in told
            ),
            credited=sum((each.credited or 0) for each in told if isinstance(each, ReturnedLine)),
            asset_ids=tuple(asset_id for each in told for asset_id in each.asset_ids),
            places=frozenset((each.location, each.storage_space) for each in told),
        )


def _what_it_takes(fact: ReceiptReversed | GoodsReturned) -> Keys:
    for goods in fact.goods:
        yield Key(TakenGoods, goods)
        yield NamedBy(
            Asset, by=TakenGoods, id=goods, ids=lambda taken: [UUID(id) for id in taken.beside.values()]
        )
    yield Key(TakeBack, _id_of(fact), may_be_new=True)
    for line in fact.lines:
        yield Key(OrderedLine, line.order_line_id)
        for asset_id in line.asset_ids:
            yield Key(Asset, asset_id, may_be_new=True)
        if line.asset_ids:
            yield from templates_of(line.order_line_id, *TEMPLATES, *GONE)
            continue
        yield from lot_and_spaces(line.order_line_id)
        # What was issued of it can leave as part of what came with another receipt.
        yield Many(LotReceipt, by="lot_id", value=lot_id_of(line.order_line_id))


HANDLERS: Handlers = (
    Handler(
        on=ReceiptReversed,
        holds=_what_it_takes,
        early=Early.WAIT,
        decide=take_back,
        weight=lambda fact: max(1, sum(line.accepted for line in fact.lines)),
    ),
    Handler(
        on=GoodsReturned,
        holds=_what_it_takes,
        early=Early.WAIT,
        decide=take_back,
        weight=lambda fact: max(1, sum(line.quantity for line in fact.lines)),
    ),
)
