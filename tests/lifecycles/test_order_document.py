"""The document of an order: what can be read of it, and that it is the same wherever it is made."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from io import BytesIO
from typing import Any
from uuid import UUID

import pypdfium2
import pytest
import zxingcpp
from pypdf import PdfReader

from libs.contracts.orders import Contract
from libs.contracts.values import AssetCreation, Kind
from services.purchasing.api.order_document import OrderDocument, pdf
from services.purchasing.catalog import Vendor
from services.purchasing.policy import POLICY_ID, PurchasingPolicy
from services.purchasing.purchase_order import OrderLine, PurchaseOrder, Status
from tests.architecture.source import ROOT

ORDER = UUID(int=1)


def an_order(**changes: Any) -> PurchaseOrder:
    values: dict[str, Any] = {
        "id": ORDER,
        "ordinal": 7,
        "requisition_number": "PR-000007",
        "purchase_order_number": "PO-2026-77",
        "status": Status.SUBMITTED,
        "status_since": datetime(2026, 3, 31, tzinfo=UTC),
        "submitted_at": datetime(2026, 3, 31, tzinfo=UTC),
        "revision": 3,
        "request_id": None,
        "vendor_id": UUID(int=2),
        "vendor_number": "V-1",
        "vendor_name": "Vendor & Sons <Ltd>",
        "deliver_to": "SITE-1",
        "currency": "EUR",
        "payment_terms": "30 days net",
        "freight": Decimal("12.50"),
        "total": Decimal("1999.80"),
        "tax": Decimal("379.96"),
        "expected_cost": Decimal("2392.26"),
    }
    return PurchaseOrder(**values | changes)


def a_line(position: int = 1, **changes: Any) -> OrderLine:
    values: dict[str, Any] = {
        "id": UUID(int=100 + position),
        "order_id": ORDER,
        "request_id": None,
        "request_line_id": None,
        "position": position,
        "item_id": None,
        "catalog_version": None,
        "sku": "LAPTOP-14",
        "name": "Laptop 14",
        "kind": Kind.HARDWARE,
        "asset_creation": AssetCreation.ON_SUBMISSION,
        "warranty_months": 0,
        "ordered": 2,
        "units_made": 2,
        "approved_unit_price": None,
        "unit_price": Decimal("999.90"),
        "line_total": Decimal("1999.80"),
        "tax_percent": Decimal("19.0000"),
    }
    return OrderLine(**values | changes)


POLICY = PurchasingPolicy(
    id=POLICY_ID,
    version=1,
    company="Example Works",
    address="1 Main Street\n12345 Town",
    terms="Pay in time.",
)
VENDOR = Vendor(
    id=UUID(int=2),
    version=4,
    number="V-1",
    name="Vendor & Sons <Ltd>",
    currency="EUR",
    contact_email="orders@vendor.invalid",
    lead_time_days=5,
    active=True,
)


def a_document(*lines: OrderLine, policy: PurchasingPolicy = POLICY, **changes: Any) -> OrderDocument:
    return OrderDocument(an_order(**changes), lines or (a_line(),), VENDOR, policy)


def text_of(content: bytes) -> list[str]:
    """What stands on each page."""
    return [page.extract_text() for page in PdfReader(BytesIO(content)).pages]


def barcodes_on(content: bytes) -> list[str]:
    """What a scanner reads of the first page."""
    page = pypdfium2.PdfDocument(content)[0]
    return [found.text for found in zxingcpp.read_barcodes(page.render(scale=3).to_pil())]


def test_everything_that_was_agreed_stands_on_it() -> None:
    contract = Contract(number="K-42", vendor="Vendor")
    (page,) = text_of(pdf(a_document(a_line(contract=contract, expected_on=date(2026, 4, 5)))))

    for expected in (
        "Example Works",
        "12345 Town",
        "PO-2026-77",
        "PR-000007",
        "2026-03-31",
        "30 days net",
        "Vendor & Sons <Ltd>",
        "orders@vendor.invalid",
        "SITE-1",
        "LAPTOP-14",
        "Laptop 14",
        "999.90",
        "1,999.80",
        "Contract K-42, Vendor",
        "Expected 2026-04-05",
        "12.50",
        "379.96",
        "2,392.26 EUR",
        "Pay in time.",
        "Page 1 of 1",
        "revision 3",
    ):
        assert expected in page


def test_its_barcode_is_the_orders_number() -> None:
    assert barcodes_on(pdf(a_document())) == ["PO-2026-77"]


def test_an_order_without_a_number_of_its_own_goes_by_its_requisition_number() -> None:
    assert barcodes_on(pdf(a_document(purchase_order_number=None))) == ["PR-000007"]


def test_the_longest_number_can_be_scanned() -> None:
    number = "PO/" + "A1b2-" * 12

    assert barcodes_on(pdf(a_document(purchase_order_number=number))) == [number]


def test_a_long_order_goes_on_over_pages_with_its_head_on_each() -> None:
    pages = text_of(pdf(a_document(*(a_line(position) for position in range(1, 101)))))

    assert len(pages) == 3
    for number, page in enumerate(pages, start=1):
        assert f"Page {number} of {len(pages)}" in page
        assert "Unit price" in page or number == len(pages)


@pytest.mark.parametrize(
    ("status", "mark"),
    [
        (Status.DRAFT, "DRAFT"),
        (Status.AWAITING_APPROVAL, "DRAFT"),
        (Status.CANCELLED, "CANCELLED"),
        (Status.SUBMITTED, None),
        (Status.RECEIVED, None),
    ],
)
def test_what_must_not_be_overlooked_is_marked(status: Status, mark: str | None) -> None:
    document = a_document(status=status)

    (page,) = text_of(pdf(document))

    assert [each for each in ("DRAFT", "CANCELLED") if each in page] == ([mark] if mark else [])
    assert document.edition == "3-1-4" + (f"-{mark.lower()}" if mark else "")


def test_a_draft_that_knows_neither_vendor_nor_price_has_a_document() -> None:
    order = an_order(
        status=Status.DRAFT, vendor_id=None, vendor_number=None, vendor_name=None, submitted_at=None
    )
    document = OrderDocument(
        order, [a_line(unit_price=None, line_total=Decimal(0))], None, PurchasingPolicy(id=POLICY_ID)
    )

    (page,) = text_of(pdf(document))

    assert "not decided yet" in page
    assert "open" in page


@pytest.mark.parametrize(
    "name",
    ["Ноутбук", "ноут\u0007бук \u202e", "笔记本电脑", "مفكرة", "<b>x & y</b>", "X" * 200, "\U0001f4bb", " "],
)
def test_whatever_people_write_stands_on_it(name: str) -> None:
    policy = replace(POLICY, address="\n" * 1_999, terms="\n" * 1_999 + name)

    assert text_of(pdf(a_document(a_line(name=name), policy=policy, name=name)))


def test_letters_that_the_font_has_can_be_read_back() -> None:
    (page,) = text_of(pdf(a_document(a_line(name="Ноутбук Ω ñ"))))

    assert "Ноутбук Ω ñ" in page


SAME = (
    "from hashlib import sha256; from tests.lifecycles.test_order_document import a_document, pdf;"
    " print(sha256(pdf(a_document())).hexdigest())"
)


def test_two_processes_make_the_same_bytes() -> None:
    made = {
        subprocess.run(
            [sys.executable, "-c", SAME],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }

    assert made == {sha256(pdf(a_document())).hexdigest()}


def test_another_revision_is_another_document() -> None:
    document, amended = a_document(), a_document(revision=4)

    assert pdf(document) != pdf(amended)
    assert document.edition != amended.edition
