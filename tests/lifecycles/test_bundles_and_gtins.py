"""Bundles are made of items, and a GTIN is of one item: what that allows and forbids."""

import pytest

from libs.contracts.catalog import CatalogItemChanged, Pack, SetItemActive
from services.purchasing.catalog import GtinClaim, expanded
from tests.builders_catalog import a_bundle, an_own_offer, refusal, the_item
from tests.builders_desk import LAPTOP, SERVER, STATION, Desk, a_purchasing_desk, an_item

EAN, CARTON, PALLET = "4006381333931", "2000000000015", "2000000000022"


@pytest.fixture
def desk() -> Desk:
    return a_purchasing_desk()


def gtins(desk: Desk) -> dict[str, str]:
    """Whose each GTIN is."""
    return {claim.gtin: claim.sku for claim in desk.all(GtinClaim) if claim.item_id is not None}


# Bundles


def test_a_bundle_is_made_of_items_and_costs_what_they_cost(desk: Desk) -> None:
    ended = desk.hear(a_bundle())

    kit = the_item(desk, "KIT")
    assert (ended.decision.answer["change"], kit.vendor_id, kit.offers) == ("created", None, ())
    assert expanded(kit, 3) == ((LAPTOP, 3), (STATION, 6))
    assert expanded(the_item(desk, LAPTOP), 3) == ((LAPTOP, 3),)
    said = desk.said[-1]
    assert isinstance(said, CatalogItemChanged)
    assert (said.components, said.unit_price, said.vendor_number) == (kit.components, None, None)


def test_a_bundle_stays_one_and_contains_no_other(desk: Desk) -> None:
    desk.hear(a_bundle())

    assert refusal(desk.hear(an_item("KIT"))) == ("bundle_fixed", "components")
    assert refusal(desk.hear(an_own_offer("KIT"))) == ("bundle_fixed", "sku")
    assert refusal(desk.hear(a_bundle("BOX", ("KIT", 1)))) == ("bundle_nested", "components[0].sku")


def test_what_a_bundle_is_made_of_may_be_retired_but_not_put_into_another(desk: Desk) -> None:
    desk.hear(a_bundle(), SetItemActive(sku=STATION, active=False))

    again = desk.hear(a_bundle())
    another = desk.hear(a_bundle("BOX", (STATION, 1)))

    assert again.decision.answer["change"] == "unchanged"
    assert refusal(another) == ("sku_unknown", "components[0].sku")


# GTINs


def test_a_gtin_is_of_one_item_or_of_one_of_its_packs(desk: Desk) -> None:
    desk.hear(an_item(LAPTOP, gtin=EAN, packs=(Pack(gtin=CARTON, units=10, name="Carton"),)))

    own = desk.hear(an_item(SERVER, gtin=f"0{EAN}"))
    pack = desk.hear(an_item(SERVER, packs=(Pack(gtin=PALLET), Pack(gtin=CARTON, units=5))))

    assert refusal(own) == ("gtin_taken", "gtin")
    assert refusal(pack) == ("gtin_taken", "packs[1].gtin")
    assert gtins(desk) == {EAN.zfill(14): LAPTOP, CARTON.zfill(14): LAPTOP}


def test_a_gtin_that_an_item_gives_up_can_be_anothers_and_come_back(desk: Desk) -> None:
    desk.hear(an_item(LAPTOP, gtin=EAN), an_item(LAPTOP), an_item(SERVER, gtin=EAN))
    there = gtins(desk)
    desk.hear(an_item(SERVER, gtin=PALLET), an_item(LAPTOP, gtin=EAN))

    assert there == {EAN.zfill(14): SERVER}
    assert gtins(desk) == {EAN.zfill(14): LAPTOP, PALLET.zfill(14): SERVER}


def test_retiring_an_item_does_not_give_its_gtin_up(desk: Desk) -> None:
    desk.hear(an_item(LAPTOP, gtin=EAN), SetItemActive(sku=LAPTOP, active=False))

    assert refusal(desk.hear(an_item(SERVER, gtin=EAN))) == ("gtin_taken", "gtin")
