"""Goods arrive, are handed over by the workflow, and by people who are faster."""

from tests.properties.sequences import HANDOVERS, ends_well

test_whoever_hands_over_what_arrived_it_is_given_once_and_the_laws_hold = ends_well(HANDOVERS, examples=2_000)
