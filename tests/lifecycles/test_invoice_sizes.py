"""The largest invoices there can be are recorded like any other."""

from decimal import Decimal

from libs.chassis.output import encoded
from libs.contracts.invoices import (
    DIFFERENCES_SAID_MAX,
    INVOICE_LINES_MAX,
    InvoiceDifferenceFound,
    InvoiceLine,
)
from tests.builders_invoices import an_invoice, an_invoice_desk, the_invoice


def test_what_differs_in_a_very_long_invoice_fits_into_a_message() -> None:
    desk = an_invoice_desk()
    line = InvoiceLine(description="\N{WRENCH}" * 200, quantity=10_000, unit_price=Decimal("1.25"))

    ended = desk.hear(an_invoice(*[line] * INVOICE_LINES_MAX))

    (said,) = desk.facts(InvoiceDifferenceFound)
    assert isinstance(said, InvoiceDifferenceFound)
    found = len(the_invoice(desk).differences)
    assert (ended.verdict, len(said.differences)) == ("accepted", DIFFERENCES_SAID_MAX)
    assert len(said.differences) + said.left_out == found > INVOICE_LINES_MAX
    assert not any(each.within_tolerance for each in said.differences)
    assert encoded(said)
