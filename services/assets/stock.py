"""The ledger of stock: every movement of an asset into or out of a storage space, and what is in each."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from libs.chassis.decision import Delta, Record
from libs.contracts.values import derived_id


class Movement(StrEnum):
    """Why something moved."""

    RECEIVED = "received"
    ASSIGNED = "assigned"
    ISSUED = "issued"
    REVERSED = "reversed"
    RETURNED = "returned"


@dataclass(frozen=True, kw_only=True)
class InventoryTransaction(Record):
    """An asset, or so many of a lot, came into a storage space (+) or left it (-).

    By which receipt line, which handover, which issue, or which reversal or return.
    """

    APPEND_ONLY: ClassVar[bool] = True

    movement: Movement
    asset_id: UUID | None = None
    lot_id: UUID | None = None
    sku: str
    location: str
    storage_space: str
    change: int
    at: datetime
    receipt_line_id: UUID | None = None
    handover_id: UUID | None = None
    issue_id: UUID | None = None
    take_back_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class Balance(Record):
    """How many of an item are in a storage space: the sum of its transactions, never below zero."""

    location: str
    storage_space: str
    sku: str
    quantity: int = 0


def balances(transactions: Iterable[InventoryTransaction]) -> list[Delta]:
    """What these movements add to the balances."""
    changes: Counter[tuple[str, str, str]] = Counter()
    for moved in transactions:
        changes[moved.location, moved.storage_space, moved.sku] += moved.change
    return [
        Delta(
            Balance(id=derived_id("balance", *held), location=held[0], storage_space=held[1], sku=held[2]),
            {"quantity": change},
        )
        for held, change in changes.items()
    ]
