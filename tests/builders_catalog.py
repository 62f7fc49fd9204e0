"""Definitions of catalog items, and files of them for tests of imports, with faults planted in every so many rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from libs.contracts.catalog import Component, DefineCatalogItem, DefineOffer, Offer
from libs.contracts.values import Kind
from services.purchasing.catalog import CatalogItem
from tests.builders_desk import LAPTOP, STATION, Desk
from tests.builders_dock import Ended

COLUMNS = (
    "sku",
    "name",
    "kind",
    "vendor_number",
    "unit_price",
    "currency",
    "gtin",
    "warranty_months",
    "active",
)
KINDS = ("hardware", "software", "consumable", "service")


def an_offer(vendor: str = "V-1", price: str = "10.00", **changes: Any) -> Offer:
    """What a vendor agreed to."""
    content: dict[str, Any] = {"vendor_number": vendor, "unit_price": Decimal(price), "currency": "EUR"}
    return Offer(**content | changes)


def with_offers(sku: str, *offers: Offer, **changes: Any) -> DefineCatalogItem:
    """An item that is defined with all of its offers."""
    content: dict[str, Any] = {"sku": sku, "name": sku.title(), "kind": Kind.HARDWARE, "offers": offers}
    return DefineCatalogItem(**content | changes)


def a_bundle(sku: str = "KIT", *components: tuple[str, int], **changes: Any) -> DefineCatalogItem:
    """One of a laptop and two stations, if nothing else is said."""
    parts = tuple(Component(sku=sku, quantity=n) for sku, n in components or ((LAPTOP, 1), (STATION, 2)))
    content: dict[str, Any] = {"sku": sku, "name": sku.title(), "kind": Kind.HARDWARE, "components": parts}
    return DefineCatalogItem(**content | changes)


def an_own_offer(sku: str = LAPTOP, vendor: str = "V-1", **changes: Any) -> DefineOffer:
    """An offer that is defined alone."""
    content: dict[str, Any] = {
        "sku": sku,
        "vendor_number": vendor,
        "unit_price": Decimal("5.00"),
        "currency": "EUR",
    }
    return DefineOffer(**content | changes)


def the_item(desk: Desk, sku: str) -> CatalogItem:
    """The item of a SKU, as it is kept."""
    (item,) = desk.all(CatalogItem, sku=sku)
    assert isinstance(item, CatalogItem)
    return item


def refusal(ended: Ended) -> tuple[str | None, str | None]:
    """With which code something was refused, and which field."""
    return ended.code, ended.rejection.field if ended.rejection else None


@dataclass(frozen=True)
class Planted:
    """A row with a fault, and with which code and field it must be rejected."""

    row: int
    code: str
    field: str | None


def check_digit(digits: str) -> str:
    """What a GTIN of these digits ends with."""
    weighted = sum(int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(reversed(digits)))
    return str(-weighted % 10)


def a_gtin(number: int) -> str:
    """A GTIN-13 of its own for every number."""
    digits = f"29{number:010d}"
    return digits + check_digit(digits)


FAULTS: tuple[tuple[dict[str, str], str, str | None], ...] = (
    ({"unit_price": "a lot"}, "invalid_content", "unit_price"),
    ({"unit_price": "-1.00"}, "invalid_content", "unit_price"),
    ({"kind": "furniture"}, "invalid_content", "kind"),
    ({"currency": "euro"}, "invalid_content", "currency"),
    ({"gtin": "4006381333930"}, "invalid_content", "gtin"),
    ({"name": ""}, "invalid_content", "name"),
    ({"warranty_months": "two years"}, "invalid_content", "warranty_months"),
    ({"active": "perhaps"}, "invalid_content", "active"),
    ({"sku": "no such code!"}, "invalid_content", "sku"),
    ({"sku": "CUSTOM-1"}, "invalid_content", "sku"),
    ({"vendor_number": "V-NOBODY"}, "vendor_unknown", "vendor_number"),
    ({"gtin": "the first one's"}, "gtin_taken", "gtin"),
)


@dataclass(frozen=True)
class CatalogFile:
    """A CSV file of so many items, every hundredth row of which is wrong in one way or another.

    Each file has GTINs of its own, from a number on.
    """

    rows: int
    vendor: str
    prefix: str
    gtins_from: int

    @property
    def planted(self) -> list[Planted]:
        """The rows that must be rejected, and why."""
        return [
            Planted(row, *FAULTS[index % len(FAULTS)][1:])
            for index, row in enumerate(range(100, self.rows + 1, 100))
        ]

    def lines(self) -> Iterator[str]:
        """The file, line by line. The first item has the GTIN that others must not claim."""
        yield ",".join(COLUMNS)
        dice = Random(7)
        faulty = {planted.row: index for index, planted in enumerate(self.planted)}
        for row in range(1, self.rows + 1):
            cells = {
                "sku": f"{self.prefix}-{row:06d}",
                "name": f'"Thing {row}, {dice.choice(("small", "large", "odd"))}"',
                "kind": KINDS[row % 4],
                "vendor_number": self.vendor,
                "unit_price": f"{dice.randint(1, 99999)}.{dice.randint(0, 99):02d}",
                "currency": "EUR",
                "gtin": a_gtin(self.gtins_from + row),
                "warranty_months": "24",
                "active": "true",
            }
            if row in faulty:
                cells |= FAULTS[faulty[row] % len(FAULTS)][0]
            if not cells["gtin"].isdigit():
                cells["gtin"] = a_gtin(self.gtins_from + 1)
            yield ",".join(cells[name] for name in COLUMNS)

    def content(self) -> bytes:
        """The whole file."""
        return "\n".join([*self.lines(), ""]).encode()
