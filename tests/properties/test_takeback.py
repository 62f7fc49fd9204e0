"""Receipts are reversed, goods go back, people acknowledge what they have; facts about that arrive in any order."""

from tests.properties.sequences import TAKING_BACK, ends_well

test_whatever_is_taken_back_and_comes_again_the_laws_hold = ends_well(TAKING_BACK, examples=1_000)
