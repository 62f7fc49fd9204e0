"""The document of an order: what goes to its vendor, as PDF.

The same order at the same revision makes the same bytes, wherever and whenever they are made: nothing in them but the
order, its vendor and the policy. A draft, and an order that was cancelled, are marked as such on every page.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from reportlab.graphics.barcode.code128 import Code128
from reportlab.graphics.shapes import Drawing, Polygon, Rect, String
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle
from reportlab.platypus.flowables import Flowable

from libs.chassis.printing import BOLD, REGULAR, printable, register_fonts
from libs.contracts.values import line_total
from services.purchasing.catalog import Vendor
from services.purchasing.policy import PurchasingPolicy
from services.purchasing.purchase_order import UNSUBMITTED, OrderLine, PurchaseOrder, Status

INK, FAINT, RULE = HexColor("#1f2933"), HexColor("#616e7c"), HexColor("#cbd2d9")
WIDTH, MARGIN = A4[0] - 36 * mm, 18 * mm
MODULE_MAX = 0.38 * mm
ADDRESS_LINES_MAX = 8
COLUMNS = (10 * mm, 30 * mm, 54 * mm, 14 * mm, 24 * mm, 14 * mm, 28 * mm)


@dataclass(frozen=True)
class OrderDocument:
    """An order with all that stands on its document."""

    order: PurchaseOrder
    lines: Sequence[OrderLine]
    vendor: Vendor | None
    policy: PurchasingPolicy

    @property
    def number(self) -> str:
        """What the order is called outside: its purchase-order number, if it has one."""
        return self.order.purchase_order_number or self.order.requisition_number

    @property
    def mark(self) -> str | None:
        """What whoever holds it must not overlook."""
        if self.order.status in UNSUBMITTED:
            return "DRAFT"
        return "CANCELLED" if self.order.status is Status.CANCELLED else None

    @property
    def edition(self) -> str:
        """Another one has other bytes: the order's revision, and those of what else stands on it."""
        versions = [self.order.revision, self.policy.version, self.vendor.version if self.vendor else 0]
        return "-".join([*map(str, versions), *([self.mark.lower()] if self.mark else [])])


def pdf(document: OrderDocument) -> bytes:
    """The document as a PDF file."""
    register_fonts()
    out = BytesIO()
    pages = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=16 * mm,
        bottomMargin=20 * mm,
        invariant=1,
        title=f"Purchase order {document.number}",
        author=document.policy.company or "Quartermaster",
        subject=f"Revision {document.order.revision}",
    )
    pages.build(list(_story(document)), canvasmaker=_canvas_of(document))
    return out.getvalue()


def _story(document: OrderDocument) -> Iterable[Flowable]:
    yield _head(document)
    yield Spacer(0, 4 * mm)
    yield _barcode(document.number)
    yield Spacer(0, 5 * mm)
    yield _parties(document)
    yield Spacer(0, 6 * mm)
    yield _lines(document)
    yield Spacer(0, 3 * mm)
    yield _totals(document)
    if document.policy.terms:
        yield Spacer(0, 8 * mm)
        yield _text("Terms", _style(8, bold=True))
        for paragraph in document.policy.terms.splitlines():
            yield _text(paragraph, _style(7.5))


def _head(document: OrderDocument) -> Table:
    policy, order = document.policy, document.order
    sender = [_text(policy.company or "", _style(11, bold=True)), *_block(policy.address)]
    title = "Purchase order" + (f" ({document.mark.lower()})" if document.mark else "")
    facts = [
        ("Number", document.number),
        ("Requisition", order.requisition_number if document.number != order.requisition_number else ""),
        ("Name", order.name or ""),
        ("Revision", str(order.revision)),
        ("Date", order.submitted_at.date().isoformat() if order.submitted_at else ""),
        ("Currency", order.currency),
        ("Payment terms", order.payment_terms or ""),
    ]
    told = [[_text(name, _style(8, FAINT)), _text(value, _style(8))] for name, value in facts if value]
    right = [_text(title, _style(14, bold=True)), Spacer(0, 2 * mm), _grid(told, (26 * mm, 50 * mm))]
    return _grid([[_logo(), sender, right]], (16 * mm, WIDTH - 92 * mm, 76 * mm))


def _parties(document: OrderDocument) -> Table:
    order, vendor = document.order, document.vendor
    contact = (vendor.contact_name, vendor.contact_email, vendor.contact_phone) if vendor else ()
    to = [
        _text("Vendor", _style(8, FAINT)),
        _text(order.vendor_name or "not decided yet", _style(10, bold=True)),
        *(_text(each, _style(8)) for each in (order.vendor_number, *contact) if each),
    ]
    where = [_text("Deliver to", _style(8, FAINT)), _text(order.deliver_to, _style(10, bold=True))]
    return _grid([[to, where]], (WIDTH / 2, WIDTH / 2))


def _lines(document: OrderDocument) -> Table:
    head = ("Pos.", "SKU", "Description", "Qty", "Unit price", "Tax %", "Line total")
    rows: list[list[Any]] = [[_cell(name, right=at > 2, bold=True) for at, name in enumerate(head)]]
    for line in document.lines:
        rows.append(  # noqa: PERF401  # a row reads better as one
            [
                _cell(str(line.position)),
                _cell(line.sku),
                [_cell(line.name), *(_text(note, _style(7, FAINT)) for note in _notes(line))],
                _cell(str(line.ordered), right=True),
                _cell(_price(line.unit_price, document.order.currency), right=True),
                _cell(_plain(line.tax_percent), right=True),
                _cell(_amount(line.line_total, document.order.currency), right=True),
            ]
        )
    table = Table(rows, colWidths=COLUMNS, repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 2),
                ("RIGHTPADDING", (0, 0), (-1, -1), 2),
                ("BACKGROUND", (0, 0), (-1, 0), HexColor("#f0f4f8")),
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE),
            ]
        )
    )
    return table


def _notes(line: OrderLine) -> Iterable[str]:
    """What else the vendor should know of a line."""
    if line.contract:
        vendor = line.contract.vendor
        yield f"Contract {line.contract.number}" + (f", {vendor}" if vendor else "")
    if line.expected_on:
        yield f"Expected {line.expected_on.isoformat()}"
    if line.starts_on or line.ends_on:
        days = (day.isoformat() if day else "…" for day in (line.starts_on, line.ends_on))
        yield "Term {} to {}".format(*days)


def _totals(document: OrderDocument) -> Table:
    order = document.order
    figures = [("Net", order.total), ("Freight", order.freight), ("Tax", order.tax)]
    rows = [[_cell(name), _cell(_amount(amount, order.currency), right=True)] for name, amount in figures]
    total = f"{_amount(order.expected_cost, order.currency)} {order.currency}"
    rows.append([_cell("Total", bold=True), _cell(total, right=True, bold=True)])
    table = Table(rows, colWidths=(30 * mm, 46 * mm), hAlign="RIGHT")
    table.setStyle(TableStyle([("LINEABOVE", (0, -1), (-1, -1), 0.8, INK)]))
    return table


def _barcode(number: str) -> Code128:
    """As wide as scanners like it, but never wider than the page; each sign takes eleven modules."""
    module = min(MODULE_MAX, WIDTH / (11 * (len(number) + 3) + 22))
    code = Code128(number, barWidth=module, barHeight=12 * mm, humanReadable=False, quiet=True)
    code.hAlign = "RIGHT"
    return code


def _logo() -> Drawing:
    """A crate with a Q: ours, until the company has another one configured."""
    drawing = Drawing(14 * mm, 14 * mm)
    drawing.add(Polygon([0, 28, 20, 38, 40, 28, 20, 18], fillColor=HexColor("#829ab1"), strokeColor=None))
    drawing.add(Rect(0, 0, 40, 28, fillColor=HexColor("#243b53"), strokeColor=None))
    letter = String(
        20, 7, "Q", fontName=BOLD, fontSize=20, textAnchor="middle", fillColor=HexColor("#ffffff")
    )
    drawing.add(letter)
    return drawing


def _grid(rows: list[list[Any]], widths: tuple[float, ...]) -> Table:
    table = Table(rows, colWidths=widths)
    plain = [("LEFTPADDING", 0), ("RIGHTPADDING", 0), ("TOPPADDING", 0), ("BOTTOMPADDING", 1)]
    commands = [(name, (0, 0), (-1, -1), value) for name, value in plain]
    table.setStyle(TableStyle([*commands, ("VALIGN", (0, 0), (-1, -1), "TOP")]))
    return table


def _block(text: str) -> list[Paragraph]:
    return [_text(each, _style(8)) for each in text.splitlines()[:ADDRESS_LINES_MAX]]


def _cell(text: str, *, right: bool = False, bold: bool = False) -> Paragraph:
    return _text(text, _style(8, bold=bold, right=right))


def _text(text: str, style: ParagraphStyle) -> Paragraph:
    """Text as people wrote it, whatever signs are in it; those that the font lacks are shown as boxes."""
    return Paragraph(escape(printable(text)), style)


@cache
def _style(size: float, color: Color = INK, *, bold: bool = False, right: bool = False) -> ParagraphStyle:
    return ParagraphStyle(
        f"{size}{bold}{right}",
        fontName=BOLD if bold else REGULAR,
        fontSize=size,
        leading=size * 1.3,
        textColor=color,
        alignment=TA_RIGHT if right else 0,
        splitLongWords=1,
    )


def _amount(amount: Decimal, currency: str) -> str:
    return f"{line_total(amount, 1, currency):,}"


def _price(price: Decimal | None, currency: str) -> str:
    """A unit price with all the decimals it has, and at least those of its currency."""
    if price is None:
        return "open"
    rounded = line_total(price, 1, currency)
    return f"{rounded:,}" if rounded == price else f"{price.normalize():,f}"


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _canvas_of(document: OrderDocument) -> type[Canvas]:
    """Pages that say how many there are, which is known only after the last."""
    order = document.order

    class Pages(Canvas):  # type: ignore[misc]  # it publishes no types
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._kept: list[dict[str, Any]] = []
            day = order.submitted_at.strftime("%Y%m%d") if order.submitted_at else "20000101"
            self.setDateFormatter(lambda *_: f"D:{day}000000+00'00'")

        def showPage(self) -> None:
            self._kept.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for kept in self._kept:
                self.__dict__.update(kept)
                self._finish()
                super().showPage()
            super().save()

        def _finish(self) -> None:
            self.setFont(REGULAR, 7)
            self.setFillColor(FAINT)
            self.drawString(MARGIN, 10 * mm, f"{document.number} · revision {order.revision}")
            pages = f"Page {self.getPageNumber()} of {len(self._kept)}"
            self.drawRightString(A4[0] - MARGIN, 10 * mm, pages)
            if document.mark:
                self.saveState()
                self.translate(A4[0] / 2, A4[1] / 2)
                self.rotate(45)
                self.setFont(BOLD, 80)
                self.setFillColor(FAINT, alpha=0.15)
                self.drawCentredString(0, 0, document.mark)
                self.restoreState()

    return Pages
