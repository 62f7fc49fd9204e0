"""The four services together, in short: tests/properties plays ten thousand sequences like these."""

from tests.properties.sequences import EVERYTHING, ends_well

test_whatever_happens_in_whatever_order_every_request_ends_and_the_laws_hold = ends_well(
    EVERYTHING, examples=200, steps=30
)
