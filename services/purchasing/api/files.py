"""What stands in the files that vendors, catalog items and offers are imported from and exported to.

In CSV an item with several offers has a row for each of them. Packs and components are lists in a cell:
`04006381333931:10:Carton; …` and `CABLE-1M:2; …`.
"""

import json
from collections.abc import Mapping
from typing import Any

from libs.chassis.import_files import Cells, ImportKind, RowInvalid
from libs.contracts.catalog import DefineCatalogItem, DefineOffer, DefineVendor, Offer, Pack
from services.purchasing.catalog import CatalogItem, Vendor

VENDOR_COLUMNS = (
    "number",
    "name",
    "currency",
    "contact_name",
    "contact_email",
    "contact_phone",
    "payment_terms",
    "lead_time_days",
    "strategic",
    "active",
)
OFFER_COLUMNS = ("vendor_number", "unit_price", "currency", "lead_time_days", "valid_from", "valid_to")
ITEM_COLUMNS = (
    "sku",
    "name",
    "kind",
    "unit",
    *OFFER_COLUMNS,
    "preferred",
    "components",
    "manufacturer",
    "model",
    "gtin",
    "packs",
    "warranty_months",
    "metric",
    "term_months",
    "asset_creation",
    "active",
)

_NUMBERS = frozenset({"lead_time_days", "warranty_months", "term_months"})
_SWITCHES = frozenset({"active", "strategic", "preferred"})
_YES_OR_NO: Mapping[str, bool] = {
    "true": True,
    "yes": True,
    "1": True,
    "false": False,
    "no": False,
    "0": False,
}


# Reading


def _content(cells: Cells) -> Mapping[str, Any]:
    """Cells whose numbers, switches and lists are no longer text; the contract refuses what is neither."""
    return {name: _value(name, cell) for name, cell in cells.items()}


def _value(name: str, cell: str) -> object:
    if name in _NUMBERS and cell.isascii() and cell.isdigit() and len(cell) < 10:
        return int(cell)
    if name in _SWITCHES:
        return _YES_OR_NO.get(cell.lower(), cell)
    if name in ("packs", "components"):
        return _list(name, cell)
    return cell


def _list(name: str, cell: str) -> object:
    if cell.startswith("["):
        try:
            return json.loads(cell)
        except ValueError:
            raise RowInvalid(name, "The list begins like JSON and is none.") from None
    read = _pack if name == "packs" else _component
    return [read(each.strip()) for each in cell.split(";") if each.strip()]


def _pack(written: str) -> Mapping[str, object]:
    gtin, *rest = written.split(":", 2)
    units = rest[0] if rest and rest[0] else "1"
    return {"gtin": gtin.strip(), "units": _number("packs", units), **({"name": rest[1]} if rest[1:] else {})}


def _component(written: str) -> Mapping[str, object]:
    sku, _, quantity = written.partition(":")
    return {"sku": sku.strip(), "quantity": _number("components", quantity or "1")}


def _number(name: str, written: str) -> int:
    written = written.strip()
    if written.isascii() and written.isdigit() and len(written) < 10:
        return int(written)
    raise RowInvalid(name, f"{written[:20]} is not a number.")


VENDORS = ImportKind(
    name="vendors", command=DefineVendor, columns=("number", "name", "currency"), content=_content
)
CATALOG = ImportKind(
    name="catalog",
    command=DefineCatalogItem,
    columns=("sku", "name", "kind", "vendor_number", "unit_price", "currency"),
    content=_content,
)
OFFERS = ImportKind(
    name="offers",
    command=DefineOffer,
    columns=("sku", "vendor_number", "unit_price", "currency"),
    content=_content,
)


# Writing


def vendor_cells(vendor: Vendor) -> list[list[str]]:
    """A vendor as a row of a CSV file."""
    return [[_cell(getattr(vendor, name)) for name in VENDOR_COLUMNS]]


def vendor_object(vendor: Vendor) -> Mapping[str, Any]:
    """A vendor as their definition says it."""
    return {name: getattr(vendor, name) for name in VENDOR_COLUMNS}


def item_cells(item: CatalogItem) -> list[list[str]]:
    """An item as rows of a CSV file, one for each offer, those of the preferred vendor first."""
    first = sorted(item.offers, key=lambda offer: offer.vendor_number != item.vendor_number)
    return [_row(item, offer) for offer in first or (None,)]


def _row(item: CatalogItem, offer: Offer | None) -> list[str]:
    cells: dict[str, Any] = {name: getattr(item, name, None) for name in ITEM_COLUMNS}
    cells |= {name: getattr(offer, name, None) for name in OFFER_COLUMNS}
    cells["preferred"] = None if offer is None else offer.vendor_number == item.vendor_number
    cells["packs"] = _written([_written_pack(pack) for pack in item.packs], item.packs)
    cells["components"] = "; ".join(f"{each.sku}:{each.quantity}" for each in item.components)
    return [_cell(cells[name]) for name in ITEM_COLUMNS]


def item_object(item: CatalogItem) -> Mapping[str, Any]:
    """An item as its definition says it."""
    said = {name: getattr(item, name) for name in ITEM_COLUMNS if hasattr(item, name)}
    if item.is_bundle:
        return {name: value for name, value in said.items() if name != "vendor_number"}
    return said | {"offers": item.offers}


def _written_pack(pack: Pack) -> str:
    return f"{pack.gtin}:{pack.units}" + (f":{pack.name}" if pack.name else "")


def _written(short: list[str], packs: tuple[Pack, ...]) -> str:
    """A name can have in it what the short way of writing lists means something by."""
    if any(";" in (pack.name or "") for pack in packs):
        return json.dumps([pack.model_dump(exclude_none=True) for pack in packs])
    return "; ".join(short)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
