"""The values that messages are made of: text, money, quantities, references, and ids that derive from natural keys."""

from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Annotated
from uuid import UUID

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from libs.contracts.message import Value

# PostgreSQL text cannot hold NUL; lone surrogates are refused by the JSON decoder itself.
_WITHOUT_NUL = r"^[^\x00]*$"
Text = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=_WITHOUT_NUL, strip_whitespace=True)
]
LongText = Annotated[str, StringConstraints(max_length=2000, pattern=_WITHOUT_NUL)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/+-]{0,63}$")]
PersonId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@|:-]{0,127}$")]
Serial = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


def checked_digits(number: str) -> str:
    """The number, if its last digit is what the others say (GS1: GTIN, SSCC)."""
    digits = [int(digit) for digit in reversed(number)]
    if sum(digit * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10:
        raise ValueError("the last digit is not the check digit of the others")
    return number


QUANTITY_MAX = 10_000
"""More units than this of one thing on one line is a slip of the keyboard."""
Gtin = Annotated[str, StringConstraints(pattern=r"^([0-9]{8}|[0-9]{12,14})$"), AfterValidator(checked_digits)]
Quantity = Annotated[int, Field(ge=1, le=QUANTITY_MAX)]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]


def _written_exactly(amount: object) -> object:
    if isinstance(amount, float | int):
        raise ValueError('an amount is written as a string, for example "12.50"')
    return amount


ExchangeRate = Annotated[
    Decimal,
    BeforeValidator(_written_exactly),
    Field(strict=False, max_digits=19, decimal_places=10, gt=0),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,10})?$", "examples": ["0.92"]}),
]
Amount = Annotated[
    Decimal,
    BeforeValidator(_written_exactly),
    Field(strict=False, max_digits=19, decimal_places=4),
    WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]{1,15}(\.[0-9]{1,4})?$", "examples": ["12.50"]}),
]
UnitPrice = Annotated[
    Decimal,
    BeforeValidator(_written_exactly),
    Field(strict=False, max_digits=19, decimal_places=6, ge=0),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,13}(\.[0-9]{1,6})?$", "examples": ["12.50"]}),
]


PositiveAmount = Annotated[Amount, Field(ge=0)]
Percent = Annotated[
    Decimal,
    BeforeValidator(_written_exactly),
    Field(strict=False, max_digits=7, decimal_places=4, ge=0, le=100),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]{1,4})?$", "examples": ["19"]}),
]


class Money(Value):
    """An exact amount in one currency. Shape: `{"amount": "12.50", "currency": "EUR"}`; never a float."""

    amount: Amount
    currency: Currency


class Kind(StrEnum):
    """What is bought, which decides what happens when it arrives."""

    HARDWARE = "hardware"
    SOFTWARE = "software"
    CONSUMABLE = "consumable"
    SERVICE = "service"


class AssetCreation(StrEnum):
    """When an order line makes its assets."""

    ON_SUBMISSION = "on_submission"
    ON_RECEIPT = "on_receipt"
    NEVER = "never"


class DestinationKind(StrEnum):
    """What something bought can be for."""

    PERSON = "person"
    LOCATION = "location"
    FINANCIAL_OWNER = "financial_owner"
    STOCK = "stock"


class Destination(Value):
    """Whom or what something is bought for; `name` is the person's id, the location's or the cost centre's code.

    Stock has no name: what is bought for stock stays where it is put.
    """

    kind: DestinationKind
    name: PersonId | Code | None = None

    @model_validator(mode="after")
    def is_named(self) -> "Destination":
        """Everything but stock has a name."""
        if (self.name is None) != (self.kind is DestinationKind.STOCK):
            raise ValueError("a destination other than stock is named, and stock is not")
        return self


MINOR_UNITS = dict.fromkeys(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ],
    0,
)
MINOR_UNITS |= dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3)
"""How many decimals amounts have in those ISO 4217 currencies that have not two."""


def line_total(unit_price: Decimal, quantity: int, currency: str) -> Decimal:
    """Unit price × quantity, rounded half up to the currency's minor unit (law 6: per line, so totals are exact)."""
    minor_unit = Decimal(1).scaleb(-MINOR_UNITS.get(currency, 2))
    return (unit_price * quantity).quantize(minor_unit, rounding=ROUND_HALF_UP)


def money(amount: Decimal, currency: str) -> Money:
    """This amount as money, rounded half up to the currency's minor unit."""
    return Money(amount=line_total(amount, 1, currency), currency=currency)


def derived_id(kind: str, *natural_key: object) -> UUID:
    """The one id that this natural key will ever have (UUIDv8 over SHA-256): repeated decisions repeat their ids."""
    digest = sha256("\x1f".join((kind, *map(str, natural_key))).encode()).digest()
    return versioned_uuid(int.from_bytes(digest[:16], "big"))


def versioned_uuid(bits: int) -> UUID:
    """Stamp version 8 and the RFC 9562 variant into 128 bits."""
    bits = bits & ~(0xF << 76) | (8 << 76)
    return UUID(int=bits & ~(0x3 << 62) | (0x2 << 62))


def asset_id_of(order_line_id: UUID, unit_number: int) -> UUID:
    """A unit's id from its order until its disposal; anyone who knows the order line can tell it."""
    return derived_id("asset", order_line_id, unit_number)


def location_id_of(code: str) -> UUID:
    """A location's id follows from its code, so that a receipt that names the code leads to the location."""
    return derived_id("location", code)


UNITS_PER_FACT = 500
"""A fact about units carries at most this many; more are said in chunks."""

MESSAGE_BYTES_MAX = 256 * 1024
"""No message is larger."""
