"""What a GTIN stands for: the dock's own copy of the catalog's items, as far as a scanner needs them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from libs.chassis.decision import Cause, Decision, Handler, Handlers, Key, Keys, NamedBy, Record, Records
from libs.contracts.catalog import CatalogItemChanged
from libs.contracts.values import derived_id

GTIN_DIGITS = 14


@dataclass(frozen=True, kw_only=True)
class Item(Record):
    """An item of the catalog and its GTINs as last announced; its id is the item's."""

    sequence: int
    sku: str
    gtins: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ItemGtin(Record):
    """So many units of an item are in what bears this GTIN; its id follows from the GTIN, however many digits it has.

    An item that gives its GTIN up leaves it to the next one: until then it stands for no item.
    """

    gtin: str
    item_id: UUID
    sku: str | None
    units: int


def gtin_id(gtin: str) -> UUID:
    """Where a GTIN leads to its item: written with fewer digits it is the same one."""
    return derived_id("gtin", gtin.zfill(GTIN_DIGITS))


def learn(told: CatalogItemChanged, held: Records, cause: Cause) -> Decision:
    """Keep which GTINs the item has, and how many units each of them stands for."""
    assert cause.sequence is not None  # every fact about a record has one
    units = dict(_units_of(told))
    known = held.find(Item, told.item_id)
    item = Item(
        id=told.item_id,
        version=known.version if known else 0,
        sequence=cause.sequence,
        sku=told.sku,
        gtins=tuple(units),
    )
    given_up = [
        replace(gtin, sku=None)
        for gtin in held.all(ItemGtin, item_id=told.item_id)
        if gtin.gtin not in units and gtin.sku is not None
    ]
    kept = [_kept(held, gtin, told, count) for gtin, count in units.items()]
    return Decision(save=[item, *given_up, *kept])


def _units_of(told: CatalogItemChanged) -> Iterable[tuple[str, int]]:
    """The item's own GTIN and its packs', written with all their digits."""
    if told.gtin is not None:
        yield told.gtin.zfill(GTIN_DIGITS), 1
    for pack in told.packs:
        yield pack.gtin.zfill(GTIN_DIGITS), pack.units


def _kept(held: Records, gtin: str, told: CatalogItemChanged, units: int) -> ItemGtin:
    before = held.find(ItemGtin, gtin_id(gtin))
    version = before.version if before else 0
    return ItemGtin(
        id=gtin_id(gtin), version=version, gtin=gtin, item_id=told.item_id, sku=told.sku, units=units
    )


def _item_and_gtins(told: CatalogItemChanged) -> Keys:
    yield Key(Item, told.item_id, may_be_new=True)
    for gtin, _ in _units_of(told):
        yield Key(ItemGtin, gtin_id(gtin), may_be_new=True)
    yield NamedBy(ItemGtin, by=Item, id=told.item_id, ids=lambda item: map(gtin_id, item.gtins))


HANDLERS: Handlers = (Handler(on=CatalogItemChanged, holds=_item_and_gtins, decide=learn),)
