"""What the company is before anything is asked for: people, places, vendors, a catalog and, perhaps, strict rules."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

from libs.chassis.decision import Actor
from libs.contracts import assets, catalog
from libs.contracts.message import Command
from libs.contracts.people import DefineCostCentre, DefinePerson
from libs.contracts.permissions import Role
from libs.contracts.purchasing import DefinePurchasingPolicy
from libs.contracts.values import AssetCreation, Destination, DestinationKind, Kind, Money
from tests.builders_approval import a_policy, a_rule, a_step, by_person, by_role
from tests.properties.company import Company

BUYERS, KEEPERS = Role.PROCUREMENT_MANAGER, Role.ASSET_MANAGER
WORKS_AS: Mapping[str, frozenset[Role]] = {
    "person-1": frozenset({Role.REQUESTER}),
    "person-2": frozenset({BUYERS, KEEPERS}),
    "person-3": frozenset({BUYERS}),
    "person-4": frozenset({KEEPERS}),
    "person-5": frozenset({Role.ASSET_ADMINISTRATOR}),
    "person-6": frozenset({BUYERS, KEEPERS}),
    "person-7": frozenset({KEEPERS}),
    "person-8": frozenset({BUYERS}),
    "person-9": frozenset({BUYERS}),
}
PEOPLE = tuple(WORKS_AS)
ADMINISTRATOR = Actor("person-5", WORKS_AS["person-5"])
BUYER = Actor("person-3", WORKS_AS["person-3"])
SITE, SPACES, CENTRE = "SITE-1", ("A-01", "A-02"), "CC-1"
VENDORS = ("V-1", "V-2")
REQUESTS_MAX = 4

ITEMS: Mapping[str, tuple[Kind, str, str, AssetCreation]] = {
    "STATION": (Kind.HARDWARE, "V-2", "149.50", AssetCreation.ON_SUBMISSION),
    "CABLE": (Kind.CONSUMABLE, "V-1", "0.55", AssetCreation.ON_SUBMISSION),
    "LAPTOP": (Kind.HARDWARE, "V-1", "999.90", AssetCreation.ON_SUBMISSION),
    "LICENCE": (Kind.SOFTWARE, "V-2", "80.00", AssetCreation.ON_SUBMISSION),
    "SUPPORT": (Kind.SERVICE, "V-1", "200.00", AssetCreation.ON_SUBMISSION),
    "SERVER": (Kind.HARDWARE, "V-1", "12000.00", AssetCreation.ON_RECEIPT),
    "MOUSE": (Kind.HARDWARE, "V-2", "9.99", AssetCreation.NEVER),
    "PAPER": (Kind.CONSUMABLE, "V-2", "3.00", AssetCreation.ON_RECEIPT),
}
CUSTOM = (
    (Kind.HARDWARE, "90.00"),
    (Kind.SERVICE, "300.00"),
    (Kind.SOFTWARE, "45.00"),
    (Kind.CONSUMABLE, "0.10"),
)
DESTINATIONS = (
    None,
    Destination(kind=DestinationKind.STOCK),
    None,
    Destination(kind=DestinationKind.LOCATION, name=SITE),
    Destination(kind=DestinationKind.PERSON, name="person-4"),
    Destination(kind=DestinationKind.FINANCIAL_OWNER, name=CENTRE),
)
PRICES = ("1.00", "0.50", "1.10", "3.00", "100.00")
"""What a price becomes, as a factor."""
POLICY = a_policy(
    a_rule(
        a_step(remind_after_hours=24, escalate_after_hours=48, escalate_to=(by_person("person-4"),)),
        a_step(by_role(KEEPERS), quorum=2, expire_after_hours=72),
        name="dear",
        total_at_least=Decimal(5000),
    ),
    a_rule(
        a_step(by_role(BUYERS), quorum=2, remind_after_hours=24), name="more", total_at_least=Decimal(500)
    ),
    a_rule(name="little"),
)

T = TypeVar("T")


@cache
def _opened(strict: bool, policy: DefinePurchasingPolicy | None = None) -> Company:
    company = Company()
    company.say(assets.DefineLocation(code=SITE, name=SITE, storage_spaces=SPACES), ADMINISTRATOR)
    for number in VENDORS:
        company.say(catalog.DefineVendor(number=number, name=number, currency="EUR"), BUYER)
    for sku in ITEMS:
        company.say(item(sku), BUYER)
    for person, roles in WORKS_AS.items():
        company.say(DefinePerson(person_id=person, name=person, roles=tuple(sorted(roles))), ADMINISTRATOR)
    company.say(DefineCostCentre(code=CENTRE, name=CENTRE, owned_by="person-2"), ADMINISTRATOR)
    if strict:
        company.say(POLICY, ADMINISTRATOR)
    if policy is not None:
        company.say(policy, ADMINISTRATOR)
    assert {answer.outcome for answer in company.answers} == {"accepted"}, company.answers
    company.drain()
    company.past.clear()
    return company


def opened(strict: bool) -> Company:
    """A company with a catalog, people and places, where nothing was asked for yet; strict if small sums need two."""
    return _opened(strict).fork()


def opened_to_change(strict: bool, mood: int) -> Company:
    """Such a company where buyers combine, split and amend orders: drafts may all wait for them, large orders for an
    approval, and orders for their invoices, as the mood says."""
    policy = DefinePurchasingPolicy(
        submits_by_itself=not mood & 32,
        approve_orders_from=Money(amount=Decimal(600), currency="EUR") if mood & 64 else None,
        uses_invoices=not mood & 128,
    )
    return _opened(strict, policy).fork()


def item(sku: str, factor: str = "1.00", **changes: Any) -> catalog.DefineCatalogItem:
    """An item of the catalog, at so many times its usual price."""
    kind, vendor, price, creation = ITEMS[sku]
    values: dict[str, Any] = {
        "sku": sku,
        "name": sku.title(),
        "kind": kind,
        "vendor_number": vendor,
        "unit_price": Decimal(price) * Decimal(factor),
        "currency": "EUR",
        "asset_creation": creation,
    }
    return catalog.DefineCatalogItem(**values | changes)


def pick(choices: Sequence[T], index: int) -> T | None:
    """One of these, if there are any."""
    return choices[index % len(choices)] if choices else None


def say(company: Company, command: Command, actor: Actor, odd: int) -> None:
    """Most people use a page, where they are answered at once; the others' commands take a while."""
    company.say(command, actor, at_once=bool(odd % 4))


def actor(person: str) -> Actor:
    """Somebody, with their roles."""
    return Actor(person, WORKS_AS[person])
