"""Which requests, and which of their lines, a fact about an order concerns: one, several or none."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar
from uuid import UUID

from libs.chassis.decision import Cause, Decision, Records, joined
from libs.contracts.orders import AmendmentAwaited, AmendmentRefused
from libs.contracts.purchasing import (
    OrderAmended,
    OrderCancelled,
    OrderDrafted,
    OrderReceived,
    OrderSubmitted,
)
from libs.contracts.receiving import GoodsReceived, GoodsReturned, ReceiptReversed
from services.requests.process import Lines
from services.requests.process_line import ProcessLine, Share

TakenBack = ReceiptReversed | GoodsReturned
OrderFact = (
    OrderDrafted | OrderSubmitted | OrderAmended | OrderCancelled | OrderReceived | GoodsReceived | TakenBack
)
News = OrderFact | AmendmentAwaited | AmendmentRefused
F = TypeVar("F", bound=News)


class OfOrderLine(Protocol):
    """What is told of an order line, and of the request line that it serves, if any."""

    @property
    def order_line_id(self) -> UUID:
        """The order line."""

    @property
    def request_line_id(self) -> UUID | None:
        """The request line."""

    @property
    def request_id(self) -> UUID | None:
        """Its request; not always told where the order serves only one."""


T = TypeVar("T", bound=OfOrderLine)


def concerned(fact: News) -> Sequence[UUID]:
    """The requests that the order serves: its own, or, if it serves several, those that its lines name."""
    if isinstance(fact, AmendmentAwaited | AmendmentRefused):
        return fact.request_ids
    if (only := _only_request(fact)) is not None:
        return (only,)
    if isinstance(fact, OrderReceived):
        return fact.request_ids
    named = {line.request_id for line in fact.lines}
    if isinstance(fact, OrderAmended):
        named |= {line.request_id for line in fact.added}
    return sorted(request_id for request_id in named if request_id is not None)


def _only_request(fact: OrderFact) -> UUID | None:
    """The one request that the whole order serves, as far as that is told; the dock tells of lines alone."""
    return None if isinstance(fact, TakenBack) else fact.request_id


def mine(lines: Iterable[T], fact: OrderFact, request_id: UUID) -> list[T]:
    """Those of a fact's lines that serve this request."""
    return [line for line in lines if (line.request_id or _only_request(fact)) == request_id]


def shares_of(lines: Lines, told: Iterable[T]) -> Iterator[tuple[T, ProcessLine, Share]]:
    """What is told of each order line, with the line of the process that it serves and what is known of it by now."""
    for each in told:
        if (line := lines.get(each.request_line_id)) is not None:
            yield each, line, line.share(each.order_line_id)


def for_each(
    decide: Callable[[F, UUID, Records, Cause], Decision],
    also: Callable[[F, Records, Cause], Decision] | None = None,
) -> Callable[[F, Records, Cause], Decision]:
    """Decide for every request that the order serves, and `also` for the order."""

    def decide_for_all(fact: F, held: Records, cause: Cause) -> Decision:
        decisions = [decide(fact, request_id, held, cause) for request_id in concerned(fact)]
        if also is not None:
            decisions.append(also(fact, held, cause))
        return joined(*decisions)

    return decide_for_all
