"""Requests and orders are cancelled at every point, and the dock has taken some of it already."""

from tests.properties.sequences import CANCELLATIONS, ends_well

test_wherever_a_request_is_cancelled_nothing_is_left_on_order_and_the_laws_hold = ends_well(
    CANCELLATIONS, examples=2_000
)
