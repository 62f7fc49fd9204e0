"""The fonts of what is printed: they come with us, so that a document has the same bytes wherever it is made."""

from functools import cache
from pathlib import Path

from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFont

REGULAR, BOLD = "DejaVuSans", "DejaVuSans-Bold"
_FONTS = Path(__file__).parent / "fonts"


@cache
def register_fonts() -> None:
    """Have both fonts ready."""
    for name in (REGULAR, BOLD):
        registerFont(TTFont(name, _FONTS / f"{name}.ttf"))


def printable(text: str) -> str:
    """Text as people wrote it, in one line; signs that the fonts lack are shown as boxes."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
