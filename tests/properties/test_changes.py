"""Orders serve several requests, requests are spread over several orders, and amendments change them all the while."""

from tests.properties.sequences import CHANGES, ends_well

test_however_orders_are_split_combined_and_amended_all_services_count_the_same_units = ends_well(
    CHANGES, examples=2_000
)
