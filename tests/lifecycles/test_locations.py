"""Locations: defined once, grown ever after, and known at the dock as they were last announced."""

from libs.chassis.decision import Decision
from libs.contracts import assets, purchasing
from libs.contracts.assets import DefineLocation, LocationChanged
from libs.contracts.receiving import RenewCopies
from libs.contracts.values import location_id_of
from services.assets import location
from services.assets.location import Location
from services.receiving import copies, place
from services.receiving.place import Place
from tests.builders_dock import House, a_place

SITE_1 = DefineLocation(code="SITE-1", name="Site 1", storage_spaces=("A-01", "A-02", "A-01"))


def test_a_location_is_created_with_its_storage_spaces() -> None:
    house = House(location.HANDLERS)

    ended = house.hear(SITE_1)

    created = Location(
        id=location_id_of("SITE-1"),
        code="SITE-1",
        name="Site 1",
        storage_spaces=("A-01", "A-02"),
        active=True,
    )
    assert ended.decision == Decision(
        save=[created],
        publish=[
            LocationChanged(
                location_id=created.id,
                code="SITE-1",
                name="Site 1",
                storage_spaces=("A-01", "A-02"),
                active=True,
            )
        ],
        answer={"location_id": str(created.id), "code": "SITE-1"},
    )


def test_storage_spaces_are_added_and_never_removed() -> None:
    house = House(location.HANDLERS)
    house.hear(SITE_1)

    house.hear(DefineLocation(code="SITE-1", name="Main site", storage_spaces=("B-01",), active=False))

    (changed,) = house.all(Location)
    assert (changed.name, changed.storage_spaces, changed.active, changed.version) == (
        "Main site",
        ("A-01", "A-02", "B-01"),
        False,
        2,
    )


def test_saying_the_same_again_changes_nothing() -> None:
    house = House(location.HANDLERS)
    house.hear(SITE_1)

    ended = house.hear(SITE_1)

    assert ended.decision == Decision(answer={"location_id": str(location_id_of("SITE-1")), "code": "SITE-1"})


def test_a_location_has_no_more_storage_spaces_than_one_fact_may_say() -> None:
    house = House(location.HANDLERS)
    full = DefineLocation(code="SITE-1", name="Site 1", storage_spaces=tuple(f"A-{n}" for n in range(500)))
    house.hear(full)

    ended = house.hear(SITE_1)

    assert ended.rejection is not None
    assert (ended.code, ended.rejection.field) == ("invalid_content", "storage_spaces")


def test_every_location_is_said_again_as_it_was_when_the_dock_renews_its_copies() -> None:
    owner, dock = House(location.HANDLERS), House(copies.HANDLERS)
    owner.hear(SITE_1, DefineLocation(code="SITE-1", name="Main site", storage_spaces=("A-01",)))

    asked = dock.hear(RenewCopies())
    assert [type(said) for said in asked.decision.publish] == [assets.AnnounceAll, purchasing.AnnounceAll]
    told = owner.hear(asked.decision.publish[0], sender="receiving")

    (site,) = owner.all(Location)
    (said,) = told.decision.announce
    assert (said.sequence, said.to) == (2, "receiving")
    assert said.fact == LocationChanged(
        location_id=site.id, code="SITE-1", name="Main site", storage_spaces=("A-01", "A-02"), active=True
    )


def test_the_dock_keeps_what_was_last_announced() -> None:
    house = House(place.HANDLERS)
    house.hear(a_place(), sequence=1)

    house.hear(a_place(name="Main site", storage_spaces=("B-01",), active=False), sequence=4)

    assert house.all(Place) == [
        Place(
            id=location_id_of("SITE-1"),
            version=2,
            sequence=4,
            code="SITE-1",
            name="Main site",
            storage_spaces=("B-01",),
            active=False,
        )
    ]
