"""Prices change, drafts are completed and placed, and somebody must approve what it costs now."""

from tests.properties.sequences import SPENDING, ends_well

test_however_prices_change_no_more_is_spent_than_was_approved_and_the_laws_hold = ends_well(
    SPENDING, examples=2_000
)
