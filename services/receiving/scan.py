"""What a scanner reads: a tag, a GTIN, GS1 element strings, a package's SSCC, or plain text such as a serial number."""

import re
from dataclasses import dataclass
from functools import lru_cache

import biip
from biip.gs1_messages import GS1Message
from biip.gtin import Gtin
from biip.sscc import Sscc

from libs.contracts.assets import ISSUED_TAG_PREFIX
from services.receiving.item import GTIN_DIGITS

# A scanner may put before a code which symbology it was printed in (ISO/IEC 15424); these always carry GS1 elements.
_SYMBOLOGY = re.compile(r"^\][A-Za-z][0-9]")
_GS1_SYMBOLOGIES = frozenset({"]C1", "]d2", "]e0", "]e1", "]e2", "]J1", "]Q3"})
_SEPARATOR = "\x1d"
_SERIAL = re.compile(r"^[!-~]{1,64}$")
# A date that does not exist on a label is no reason not to know the thing.
_TOLERANT = biip.ParseConfig(gs1_element_strings_verify_date=False, rcn_verify_variable_measure=False)
PARSED_MAX = 20_000


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a code says by itself. A GTIN has 14 digits here, however it was printed.

    `text` is the whole of it where it may be something that only who knows it can tell: a tag, a serial number, the
    number of an order or shipment.
    """

    text: str | None = None
    gtin: str | None = None
    serial: str | None = None
    lot: str | None = None
    sscc: str | None = None

    @property
    def is_our_tag(self) -> bool:
        """Whether it is one of the tags that we print."""
        return self.text is not None and self.text.startswith(ISSUED_TAG_PREFIX)

    @property
    def plain_serial(self) -> str | None:
        """The text, if it can be a serial number."""
        return self.text if self.text and not self.is_our_tag and _SERIAL.match(self.text) else None


@lru_cache(maxsize=PARSED_MAX)
def parse(code: str) -> Reading:
    """What a code says by itself.

    A serial number can look like GS1 elements by chance. So these are believed where the scanner says that they are
    (by the symbology, or a separator), where they are printed for people, with parentheses, or where they begin with a
    GTIN or an SSCC, whose check digits are right.
    """
    text = code.strip(" ")
    symbology = _SYMBOLOGY.match(text)
    is_gs1 = symbology is not None and symbology[0] in _GS1_SYMBOLOGIES
    if symbology:
        text = text[3:]
    elements = _elements(text)
    is_gs1 = is_gs1 or _SEPARATOR in text or text.startswith("(")
    if elements and (is_gs1 or _gtin(elements.get("01", "")) or _sscc(elements.get("00", ""))):
        return Reading(
            gtin=_gtin(elements.get("01", "")),
            serial=elements.get("21"),
            lot=elements.get("10"),
            sscc=_sscc(elements.get("00", "")),
        )
    text = text.replace(_SEPARATOR, "")
    return Reading(text=text or None, gtin=_gtin(text), sscc=_sscc(text))


def _elements(text: str) -> dict[str, str]:
    """The GS1 elements of a code by their application identifiers; none if it has not the form."""
    try:
        if text.startswith("("):
            message = GS1Message.parse_hri(text, config=_TOLERANT)
        else:
            message = GS1Message.parse(text.strip(_SEPARATOR), config=_TOLERANT)
    except biip.BiipException:
        return {}
    return {element.ai.ai: element.value for element in message.element_strings}


def _gtin(text: str) -> str | None:
    try:
        return Gtin.parse(text, config=_TOLERANT).value.zfill(GTIN_DIGITS) if text.isdigit() else None
    except biip.BiipException:
        return None


def _sscc(text: str) -> str | None:
    try:
        return Sscc.parse(text).value if text.isdigit() else None
    except biip.BiipException:
        return None
