"""Labels of units that are still to come: sheets of A4 as PDF, and ZPL for label printers.

A label bears the unit's tag as QR code, as Code 128 and in letters, the item's name, and the order's number.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

from reportlab.graphics.barcode.code128 import Code128
from reportlab.graphics.barcode.qrencoder import QRCode, QRErrorCorrectLevel
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfgen.canvas import Canvas

from libs.chassis.printing import BOLD, REGULAR, printable, register_fonts

COLUMNS, ROWS = 3, 8
LABELS_PER_SHEET = COLUMNS * ROWS
_WIDTH, _HEIGHT = A4[0] / COLUMNS, A4[1] / ROWS
_MARGIN = 5 * mm
_QR = 17 * mm
_TEXT = _MARGIN + _QR + 3.5 * mm
_BARS, _BARS_HEIGHT = _WIDTH - 2 * _MARGIN, 7.5 * mm
_MODULE_MAX = 0.38 * mm


@dataclass(frozen=True, kw_only=True)
class Label:
    """What stands on a unit's label."""

    tag: str
    name: str
    order_number: str


class Sheets:
    """A PDF file of labels, filled a sheet at a time; the same labels make the same bytes."""

    def __init__(self, title: str) -> None:
        register_fonts()
        self._out = BytesIO()
        self._canvas = Canvas(self._out, pagesize=A4, invariant=1, pageCompression=1)
        self._canvas.setTitle(title)
        self._canvas.setAuthor("Quartermaster")

    def add(self, labels: Sequence[Label]) -> None:
        """One sheet, filled row by row."""
        for place, label in enumerate(labels[:LABELS_PER_SHEET]):
            row, column = divmod(place, COLUMNS)
            self._canvas.saveState()
            self._canvas.translate(column * _WIDTH, A4[1] - (row + 1) * _HEIGHT)
            self._draw(label)
            self._canvas.restoreState()
        self._canvas.showPage()

    def finished(self) -> bytes:
        """The file."""
        self._canvas.save()
        return self._out.getvalue()

    def _draw(self, label: Label) -> None:
        self._draw_qr(label.tag)
        self._write(label)
        bars = Code128(label.tag, barWidth=1, barHeight=_BARS_HEIGHT, quiet=False)
        module = min(_MODULE_MAX, _BARS / bars.width)
        bars = Code128(label.tag, barWidth=module, barHeight=_BARS_HEIGHT, quiet=False)
        bars.drawOn(self._canvas, (_WIDTH - bars.width) / 2, 4 * mm)

    def _draw_qr(self, tag: str) -> None:
        code = QRCode(None, QRErrorCorrectLevel.M)
        code.addData(tag)
        code.make()
        modules = code.getModuleCount()
        size, top = _QR / modules, _HEIGHT - _MARGIN
        path = self._canvas.beginPath()
        for row in range(modules):
            for first, length in _dark(code, row, modules):
                path.rect(_MARGIN + first * size, top - (row + 1) * size, length * size, size)
        self._canvas.drawPath(path, stroke=0, fill=1)

    def _write(self, label: Label) -> None:
        canvas, room = self._canvas, _WIDTH - _TEXT - 3 * mm
        size = 11.0
        while size > 5 and canvas.stringWidth(label.tag, BOLD, size) > room:
            size -= 0.5
        canvas.setFont(BOLD, size)
        canvas.drawString(_TEXT, _HEIGHT - 9 * mm, label.tag)
        canvas.setFont(REGULAR, 7)
        name = simpleSplit(printable(label.name), REGULAR, 7, room)
        for place, line in enumerate(name[:2]):
            cut = _fitting(line + ("…" if place == 1 and len(name) > 2 else ""), canvas, room)
            canvas.drawString(_TEXT, _HEIGHT - (13 + 3.2 * place) * mm, cut)
        canvas.drawString(_TEXT, _HEIGHT - 21 * mm, _fitting(printable(label.order_number), canvas, room))


def _dark(code: QRCode, row: int, modules: int) -> Iterator[tuple[int, int]]:
    """The runs of dark modules in a row: where each begins, and how many they are."""
    first = None
    for column in range(modules + 1):
        if column < modules and code.isDark(row, column):
            first = column if first is None else first
        elif first is not None:
            yield first, column - first
            first = None


def _fitting(text: str, canvas: Canvas, room: float) -> str:
    while len(text) > 1 and canvas.stringWidth(text, REGULAR, 7) > room:
        text = text[:-2] + "…"
    return text


def zpl(labels: Iterable[Label]) -> str:
    """The same labels for a printer that understands ZPL, of 203 dots an inch and 70 mm by 37 mm."""
    return "".join(
        "^XA^CI28^PW560^LL296\n"
        f"^FO30,24^BQN,2,6^FH^FDMA,{_field(label.tag)}^FS\n"
        f"^FO190,30^A0N,36,36^FH^FD{_field(label.tag)}^FS\n"
        f"^FO190,76^A0N,22,22^FB340,2,0,L^FH^FD{_field(printable(label.name)[:80])}^FS\n"
        f"^FO190,136^A0N,22,22^FH^FD{_field(printable(label.order_number)[:30])}^FS\n"
        f"^FO60,196^BY2^BCN,70,N,N,N^FH^FD{_field(label.tag)}^FS\n"
        "^XZ\n"
        for label in labels
    )


def _field(text: str) -> str:
    """Text that a printer takes for nothing else; `^FH` tells it that `_5E` is a sign."""
    return "".join(f"_{ord(sign):02X}" if sign in "^~_\\>" else sign for sign in text)
