"""Files of vendors and catalog items for tests of imports, with faults planted in every so many rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

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
