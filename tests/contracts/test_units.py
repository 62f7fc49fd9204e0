"""Which units of an order line are to come, as its amendments and cancellations follow each other."""

from libs.contracts.units import pool_amended, to_come, wanted


def test_the_lowest_numbers_are_wanted_as_many_as_are_ordered() -> None:
    assert list(wanted((), 3)) == [1, 2, 3]


def test_a_larger_quantity_makes_new_numbers() -> None:
    assert pool_amended((), wanted_before=3, wanted_now=5, made_before=3, made_now=5) == ()


def test_numbers_that_were_taken_away_are_not_wanted_again() -> None:
    pool = pool_amended((), wanted_before=3, wanted_now=5, made_before=5, made_now=7)

    assert list(wanted(pool, 5)) == [1, 2, 3, 6, 7]
    assert list(wanted(pool, 4)) == [1, 2, 3, 6]


def test_all_units_were_taken_away_before_more_were_ordered() -> None:
    pool = pool_amended((), wanted_before=0, wanted_now=2, made_before=5, made_now=7)

    assert list(wanted(pool, 2)) == [6, 7]


def test_a_unit_that_nobody_wanted_any_more_stands_for_the_highest_wanted_one() -> None:
    assert to_come((), 4, missing={1, 2, 3, 4}, still_open=2) == {1, 2}
