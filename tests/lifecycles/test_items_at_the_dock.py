"""What a GTIN stands for at the dock, as the catalog tells it."""

from typing import Any

from libs.contracts.catalog import CatalogItemChanged, Pack
from libs.contracts.values import Kind, derived_id
from services.receiving import item
from services.receiving.item import Item, ItemGtin, gtin_id
from tests.builders_dock import House

GTIN, CARTON = "4006381333931", "14006381333938"


def an_item(number: int = 1, **changes: Any) -> CatalogItemChanged:
    values: dict[str, Any] = {
        "item_id": derived_id("test-item", number),
        "sku": f"SKU-{number}",
        "name": "An item",
        "kind": Kind.CONSUMABLE,
        "gtin": GTIN,
        "packs": (Pack(gtin=CARTON, units=10),),
        "active": True,
    }
    return CatalogItemChanged(**values | changes)


def stands_for(house: House, gtin: str) -> tuple[str | None, int]:
    """The item of a GTIN, and how many units of it."""
    (found,) = [each for each in house.all(ItemGtin) if each.id == gtin_id(gtin)]
    return found.sku, found.units


def test_an_items_gtin_stands_for_one_unit_and_a_cartons_for_what_is_in_it() -> None:
    house = House(item.HANDLERS)

    house.hear(an_item())

    assert stands_for(house, GTIN) == ("SKU-1", 1)
    assert stands_for(house, CARTON) == ("SKU-1", 10)


def test_a_gtin_is_the_same_one_however_many_digits_it_is_written_with() -> None:
    house = House(item.HANDLERS)

    house.hear(an_item(gtin="036000291452"))

    assert stands_for(house, "0036000291452") == stands_for(house, "00036000291452") == ("SKU-1", 1)


def test_a_gtin_that_an_item_gave_up_stands_for_none() -> None:
    house = House(item.HANDLERS)

    house.hear(an_item(), an_item(packs=()))

    assert stands_for(house, GTIN) == ("SKU-1", 1)
    assert stands_for(house, CARTON)[0] is None


def test_a_gtin_is_the_next_items_whichever_of_both_is_heard_of_first() -> None:
    for later in ([an_item(gtin=None), an_item(2)], [an_item(2), an_item(gtin=None, packs=())]):
        house = House(item.HANDLERS)

        house.hear(an_item(), *later)

        assert stands_for(house, GTIN) == ("SKU-2", 1)


def test_an_item_that_is_told_again_with_another_pack_is_the_same_one() -> None:
    house = House(item.HANDLERS)

    house.hear(an_item(), an_item(packs=(Pack(gtin=CARTON, units=12),)))

    assert stands_for(house, CARTON) == ("SKU-1", 12)
    assert len(house.all(Item)) == 1
