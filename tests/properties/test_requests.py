"""Whatever happens to the requests of a company."""

from tests.properties.sequences import EVERYTHING, ends_well

test_whatever_happens_in_whatever_order_every_request_ends_and_the_laws_hold = ends_well(
    EVERYTHING, examples=2_000
)
