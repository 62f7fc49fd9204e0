"""Vendors and catalog items in full: offers and their days, retiring, saying it again, and every refusal."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from libs.contracts.catalog import (
    CatalogItemChanged,
    Component,
    Pack,
    SetItemActive,
    SetVendorActive,
    VendorChanged,
)
from libs.contracts.message import Command
from services.purchasing.catalog import (
    Vendor,
    item_id_of,
    vendor_id_of,
    words_in,
)
from tests.builders_catalog import a_bundle, an_offer, an_own_offer, refusal, the_item, with_offers
from tests.builders_desk import LAPTOP, STATION, Desk, a_purchasing_desk, a_vendor, an_item
from tests.builders_dock import NOON

EAN, CARTON, PALLET = "4006381333931", "2000000000015", "2000000000022"
TODAY = NOON.date()
DAY = timedelta(days=1)


@pytest.fixture
def desk() -> Desk:
    return a_purchasing_desk()


# Vendors


def test_a_vendor_is_kept_with_all_that_is_said_of_them(desk: Desk) -> None:
    said: dict[str, Any] = {
        "contact_name": "Sales",
        "contact_email": "sales@vendor.invalid",
        "contact_phone": "+1 555 0100",
        "payment_terms": "30 days net",
        "lead_time_days": 5,
        "strategic": True,
    }

    desk.hear(a_vendor("V-9", **said))

    (vendor,) = desk.all(Vendor, number="V-9")
    assert {name: getattr(vendor, name) for name in said} == said
    assert desk.said[-1] == VendorChanged(
        vendor_id=vendor_id_of("V-9"),
        number="V-9",
        name="Vendor V-9",
        currency="EUR",
        payment_terms="30 days net",
        lead_time_days=5,
        strategic=True,
        active=True,
    )


def test_a_vendor_is_retired_and_comes_back_and_is_announced_each_time(desk: Desk) -> None:
    ends = desk.hear(a_vendor("V-9", strategic=True))
    for active, change in ((False, "changed"), (False, "unchanged"), (True, "changed")):
        ends = desk.hear(SetVendorActive(number="V-9", active=active))
        assert ends.decision.answer["change"] == change

    changes = [said for said in desk.said if isinstance(said, VendorChanged) and said.number == "V-9"]
    assert [(said.active, said.strategic) for said in changes] == [(True, True), (False, True), (True, True)]


def test_who_says_what_they_have_seen_changes_only_that(desk: Desk) -> None:
    seen = the_item(desk, LAPTOP).version
    desk.hear(an_item(LAPTOP, name="Laptop, newer", expected_version=seen))

    late = desk.hear(an_item(LAPTOP, name="Laptop, other", expected_version=seen))
    new = desk.hear(a_vendor("V-9", expected_version=1))

    assert refusal(late) == refusal(new) == ("precondition_failed", "expected_version")
    assert (the_item(desk, LAPTOP).name, the_item(desk, LAPTOP).version) == ("Laptop, newer", seen + 1)
    assert desk.all(Vendor, number="V-9") == []


def test_nobody_retires_a_vendor_or_an_item_that_is_not_there(desk: Desk) -> None:
    assert refusal(desk.hear(SetVendorActive(number="V-0", active=False))) == ("no_such_vendor", "number")
    assert refusal(desk.hear(SetItemActive(sku="NOTHING", active=False))) == ("no_such_catalog_item", "sku")


# Offers


def test_a_second_vendor_is_approved_beside_the_first_and_can_be_preferred(desk: Desk) -> None:
    desk.hear(an_item(LAPTOP, vendor_number="V-2", unit_price=Decimal("950.00"), preferred=False))
    before = the_item(desk, LAPTOP)
    desk.hear(an_item(LAPTOP, vendor_number="V-2", unit_price=Decimal("950.00")))

    assert before.vendor_number == "V-1"
    assert before.offers == (an_offer("V-1", "999.90"), an_offer("V-2", "950.00"))
    assert the_item(desk, LAPTOP).offers == before.offers
    assert the_item(desk, LAPTOP).vendor_id == vendor_id_of("V-2")


def test_a_price_holds_from_its_day_to_its_last_and_the_one_that_began_last_counts(desk: Desk) -> None:
    desk.hear(
        with_offers(
            "BEAMER",
            an_offer("V-1", "10.00"),
            an_offer("V-1", "9.00", valid_from=TODAY - DAY, valid_to=TODAY),
            an_offer("V-1", "12.00", valid_from=TODAY + 3 * DAY),
        )
    )

    item = the_item(desk, "BEAMER")
    prices = {
        days: offer.unit_price if (offer := item.preferred_on(TODAY + days * DAY)) else None
        for days in (-2, -1, 0, 1, 2, 3)
    }

    assert prices == {
        -2: Decimal("10.00"),
        -1: Decimal("9.00"),
        0: Decimal("9.00"),
        1: Decimal("10.00"),
        2: Decimal("10.00"),
        3: Decimal("12.00"),
    }
    said = desk.said[-1]
    assert isinstance(said, CatalogItemChanged)
    assert (said.unit_price, len(said.offers)) == (Decimal("9.00"), 3)


def test_an_item_without_a_price_today_is_said_without_one(desk: Desk) -> None:
    desk.hear(with_offers("BEAMER", an_offer("V-1", valid_from=TODAY + DAY)))

    said = desk.said[-1]

    assert isinstance(said, CatalogItemChanged)
    assert (said.vendor_number, said.unit_price, said.currency) == ("V-1", None, None)


def test_an_offer_takes_the_place_of_the_one_of_the_same_vendor_and_day(desk: Desk) -> None:
    desk.hear(an_own_offer(valid_from=TODAY), an_own_offer(valid_from=TODAY, unit_price=Decimal("6.00")))

    assert the_item(desk, LAPTOP).offers == (
        an_offer("V-1", "999.90"),
        an_offer("V-1", "6.00", valid_from=TODAY),
    )


def test_all_offers_named_are_all_there_are(desk: Desk) -> None:
    desk.hear(an_own_offer(LAPTOP, "V-2"))
    desk.hear(with_offers(LAPTOP, an_offer("V-2", "5.00")))

    assert the_item(desk, LAPTOP).offers == (an_offer("V-2", "5.00"),)
    assert the_item(desk, LAPTOP).vendor_number == "V-2", "who was preferred has no offer any more"


def test_of_all_offers_named_the_preferred_vendor_is_named_or_stays_or_is_the_first(desk: Desk) -> None:
    both = (an_offer("V-2", "5.00"), an_offer("V-1", "6.00"))

    preferred = []
    for vendor in (None, "V-1", None):
        desk.hear(with_offers("BEAMER", *both, vendor_number=vendor))
        preferred.append(the_item(desk, "BEAMER").vendor_number)

    assert preferred == ["V-2", "V-1", "V-1"]


def test_an_offer_alone_leaves_all_else_of_the_item(desk: Desk) -> None:
    before = the_item(desk, LAPTOP)

    desk.hear(an_own_offer(LAPTOP, "V-2", lead_time_days=3))
    after = the_item(desk, LAPTOP)
    desk.hear(an_own_offer(LAPTOP, "V-2", lead_time_days=3, preferred=True))

    assert (after.vendor_number, after.name, after.gtin) == ("V-1", before.name, before.gtin)
    assert after.offer_of("V-2", TODAY) == an_offer("V-2", "5.00", lead_time_days=3)
    assert the_item(desk, LAPTOP).vendor_number == "V-2"


def test_what_was_agreed_with_a_vendor_stays_when_they_are_retired(desk: Desk) -> None:
    desk.hear(SetVendorActive(number="V-1", active=False))

    same = desk.hear(an_item(LAPTOP))
    renamed = desk.hear(an_item(LAPTOP, name="Renamed"))
    dearer = desk.hear(an_item(LAPTOP, unit_price=Decimal("1.00")))
    back = desk.hear(an_own_offer(LAPTOP, "V-2", preferred=True), an_item(LAPTOP))

    assert [ended.decision.answer.get("change") for ended in (same, renamed)] == ["unchanged", "changed"]
    assert refusal(dearer) == ("vendor_unknown", "vendor_number")
    assert refusal(back) == ("vendor_unknown", "vendor_number"), "who is retired is not preferred again"


def test_who_is_approved_is_among_the_words_an_item_is_found_by(desk: Desk) -> None:
    desk.hear(an_own_offer(LAPTOP, "V-2"), an_item("BEAMER", name="Größe_5 (rot)", gtin=EAN))

    assert set(the_item(desk, LAPTOP).words.split()) == {"laptop", "14", ":V-1", ":V-2"}
    assert set(the_item(desk, "BEAMER").words.split()) == {
        "beamer",
        "größe",
        "5",
        "rot",
        EAN,
        EAN.zfill(14),
        ":V-1",
    }
    assert words_in(["LAPTOP-14", None, "laptop"]) == ["laptop", "14"]


@pytest.mark.parametrize(
    ("command", "code", "field"),
    [
        (an_item("CUSTOM-1"), "invalid_content", "sku"),
        (an_item("X", vendor_number="V-0"), "vendor_unknown", "vendor_number"),
        (with_offers("X", an_offer(), an_offer("V-0")), "vendor_unknown", "offers[1].vendor_number"),
        (with_offers("X", an_offer(), an_offer(price="2.00")), "offer_repeated", "offers[1].vendor_number"),
        (with_offers("X", an_offer(), vendor_number="V-2"), "offer_missing", "vendor_number"),
        (an_own_offer("NOTHING"), "no_such_catalog_item", "sku"),
        (an_own_offer(LAPTOP, "V-0"), "vendor_unknown", "vendor_number"),
        (a_bundle("KIT", ("NOTHING", 1)), "sku_unknown", "components[0].sku"),
        (a_bundle("KIT", (LAPTOP, 1), ("KIT", 1)), "sku_unknown", "components[1].sku"),
        (a_bundle(LAPTOP, (STATION, 1)), "bundle_fixed", "components"),
        (an_item("X", gtin=EAN, packs=(Pack(gtin=EAN, units=5),)), "gtin_repeated", "packs[0].gtin"),
        (
            an_item("X", packs=(Pack(gtin=CARTON), Pack(gtin=f"0{CARTON}", units=5))),
            "gtin_repeated",
            "packs[1].gtin",
        ),
    ],
)
def test_what_cannot_be_defined_is_refused_and_changes_nothing(
    desk: Desk, command: Command, code: str, field: str
) -> None:
    before = desk.fork()

    ended = desk.hear(command)

    assert refusal(ended) == (code, field)
    assert (desk.records, desk.said) == (before.records, before.said)


def test_an_item_has_no_more_offers_than_can_be_said_of_it(desk: Desk) -> None:
    days = [date(2020, 1, 1) + number * DAY for number in range(50)]
    desk.hear(with_offers("BEAMER", *(an_offer(valid_from=day) for day in days)))

    ended = desk.hear(an_own_offer("BEAMER"))

    assert refusal(ended) == ("too_many_offers", "vendor_number")


@pytest.mark.parametrize(
    "content",
    [
        {"vendor_number": None},
        {"currency": None},
        {"offers": ()},
        {"offers": (an_offer(),)},
        {"components": (Component(sku="A"),)},
        {"valid_from": TODAY, "valid_to": TODAY - DAY},
        {"gtin": "4006381333930"},
        {"unit_price": Decimal("-1")},
        {"packs": (Pack(gtin=EAN),) * 21},
    ],
)
def test_content_that_contradicts_itself_is_no_definition(content: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        an_item("X", **content)


def test_a_bundle_contains_each_item_once_and_has_no_price() -> None:
    for content in ({"components": (Component(sku="A"), Component(sku="A"))}, {"vendor_number": "V-1"}):
        with pytest.raises(ValueError, match="a bundle"):
            a_bundle("KIT", **content)


def test_an_offer_ends_after_it_begins() -> None:
    for make in (an_offer, an_own_offer):
        with pytest.raises(ValueError, match="valid_to is before valid_from"):
            make(valid_from=TODAY, valid_to=TODAY - DAY)


# Saying it again


REPEATS: Sequence[Command] = (
    a_vendor("V-1", contact_name="Sales", strategic=True),
    an_item("BEAMER", gtin=EAN, packs=(Pack(gtin=CARTON, units=10),), metric="per seat", term_months=12),
    an_item(LAPTOP, vendor_number="V-2", valid_from=TODAY, preferred=False),
    with_offers("BEAMER", an_offer("V-2", "5.00"), an_offer("V-1", "6.00", valid_to=TODAY)),
    a_bundle(),
    an_own_offer(LAPTOP, "V-2", valid_from=TODAY, preferred=True),
    SetItemActive(sku=LAPTOP, active=False),
    SetVendorActive(number="V-1", active=False),
)


@pytest.mark.parametrize("command", REPEATS, ids=lambda command: type(command).__name__)
def test_saying_it_again_changes_and_announces_nothing(desk: Desk, command: Command) -> None:
    first = desk.hear(command)
    before = desk.fork()

    again = desk.hear(command)

    assert [end.decision.answer["change"] for end in (first, again)][1] == "unchanged"
    assert (desk.records, desk.said) == (before.records, before.said)


def test_an_item_is_retired_and_comes_back_with_all_it_was(desk: Desk) -> None:
    desk.hear(an_item(LAPTOP, gtin=EAN))
    before = the_item(desk, LAPTOP)

    desk.hear(SetItemActive(sku=LAPTOP, active=False), SetItemActive(sku=LAPTOP, active=True))

    changes = [said for said in desk.said if said.subject_id() == item_id_of(LAPTOP)]
    assert [said.active for said in changes if isinstance(said, CatalogItemChanged)][-2:] == [False, True]
    assert the_item(desk, LAPTOP).offers == before.offers
