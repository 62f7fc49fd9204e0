"""People decide, change what they want, keep silent, and have no right to."""

from tests.properties.sequences import APPROVALS, ends_well

test_however_people_decide_and_change_what_they_want_the_laws_hold = ends_well(APPROVALS, examples=2_000)
