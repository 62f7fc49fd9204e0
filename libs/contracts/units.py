"""Which units of an order line are to come: whoever follows an order tells the same from what purchasing says of it.

Units are numbered from 1. An amendment that wants more makes new numbers; one that wants less, and a cancellation, take
the highest wanted ones; no number is ever used for another unit. So the wanted units are the lowest of a pool of
numbers, as many as are ordered and not cancelled. The units still to come are the lowest of the pool that are not here,
as many as are open: a unit that is here although it was not wanted any more stands for the highest wanted one.

Units that nobody ordered, and that were accepted all the same, are numbered below zero: they are never in the pool.
"""

from collections.abc import Collection, Iterator
from itertools import islice
from uuid import UUID

from libs.contracts.values import derived_id

Pool = tuple[int, ...]
"""Unit numbers as first, last, first, last …, ascending; empty as long as it is every number there is."""


def amendment_id(order_id: UUID, amendment: int) -> UUID:
    """Where an amendment of an order is noted as taken: the following one waits for that."""
    return derived_id("amendment", order_id, amendment)


def wanted(pool: Pool, count: int) -> Iterator[int]:
    """The wanted units, lowest first, of which there are so many."""
    runs = zip(pool[::2], pool[1::2], strict=True) if pool else [(1, count)]
    return islice((number for first, last in runs for number in range(first, last + 1)), count)


def to_come(
    pool: Pool, made: int, missing: Collection[int], still_open: int, given_back: Collection[int] = ()
) -> frozenset[int]:
    """The units still to come, as many as are open; `missing` are the numbers of those that are not here.

    Of these `given_back` went back to the vendor for credit: they come again only where nothing else is left to come.
    """
    numbers = [number for number in wanted(pool, made) if number in missing]
    numbers.sort(key=lambda number: number in given_back)
    return frozenset(islice(numbers, still_open))


def pool_amended(pool: Pool, *, wanted_before: int, wanted_now: int, made_before: int, made_now: int) -> Pool:
    """The pool after an amendment that made the numbers up to `made_now`.

    Of the older units only those can be wanted that were wanted until now.
    """
    if made_now <= made_before:
        return pool
    kept = min(wanted_before, max(0, wanted_now - (made_now - made_before)))
    runs: list[int] = []
    for number in [*wanted(pool, kept), *range(made_before + 1, made_now + 1)]:
        if runs and number == runs[-1] + 1:
            runs[-1] = number
        else:
            runs += (number, number)
    return () if runs[0] == 1 and len(runs) == 2 else tuple(runs)
