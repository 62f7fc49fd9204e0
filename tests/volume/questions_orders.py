"""What people and systems ask of the purchasing service, in every way that can be slow."""

from collections.abc import Iterator
from hashlib import md5
from uuid import UUID

from services.purchasing.purchase_order import Status
from tests.volume.questions import ERP, MANAGER, Question, ask

ASKING = (MANAGER, ERP)


def questions(orders: int) -> list[Question]:
    """All of them, for a database with so many orders."""
    return [*_lists(orders), *_of_one(orders)]


def _key(kind: str, number: int) -> str:
    return str(UUID(md5(f"{kind}{number}".encode(), usedforsecurity=False).hexdigest()))


def _lists(orders: int) -> Iterator[Question]:
    deep = f"PR-{orders * 3 // 4:06d}"
    filters = (
        {"vendor_id": _key("vendor", 7)},
        {"vendor_id": _key("vendor", 17)},
        {"vendor_id": _key("vendor", 2_000)},
        {"vendor_id": _key("vendor", 9_999)},
        {"request_id": _key("request", orders // 3)},
    )
    for who in ASKING:
        yield ask("page", who, "/orders")
        yield ask("page", who, "/orders", after=deep)
        for wanted in filters:
            yield ask("page", who, "/orders", **wanted)
            yield ask("page", who, "/orders", **wanted, after=deep)
        for status in Status:
            yield ask("page", who, "/orders", status=status.value)
            yield ask("page", who, "/orders", status=status.value, after=deep)
            for wanted in filters:
                yield ask("sifted page", who, "/orders", **wanted, status=status.value)


def _of_one(orders: int) -> Iterator[Question]:
    numbers = (f"PR-{orders // 3:06d}", f"PR-{orders * 99 // 100:06d}", f"PR-{orders * 2:06d}")
    for reference in (*numbers, _key("order", orders // 3)):
        yield ask("one", MANAGER, f"/orders/{reference}")
