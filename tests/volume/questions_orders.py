"""What people and systems ask of the purchasing service, in every way that can be slow."""

from collections.abc import Iterator
from hashlib import md5
from uuid import UUID

from services.purchasing.purchase_order import Status
from tests.volume.questions import ERP, MANAGER, Question, ask

ASKING = (MANAGER, ERP)


WORDS = (
    *(
        "laptop",
        "projector",
        "microscope",
        "oscilloscope",
        "theodolite",
        "tablet",
        "word17",
        "nothing-like-it",
    ),
    *("laptop projector", "tablet microscope", '"order of desk"', "laptop -projector", "REQ-17"),
)


def questions(orders: int) -> list[Question]:
    """All of them, for a database with so many orders."""
    return [*_lists(orders), *_found(orders), *_of_one(orders), *_catalog()]


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


def _found(orders: int) -> Iterator[Question]:
    deep = f"PR-{orders * 3 // 4:06d}"
    filters: tuple[dict[str, object], ...] = (
        {"differs": True},
        {"differs": False},
        {"differs": True, "status": Status.CLOSED.value},
        {"overdue": True},
        {"overdue": True, "vendor": "V-0017"},
        {"currency": "EUR"},
        {"currency": "USD"},
        {"submitted_from": "2020-01-01", "submitted_to": "2020-01-02"},
        {"submitted_from": "2020-01-01"},
        {"vendor": "V-0007", "currency": "USD"},
        {"status": [Status.DRAFT.value, Status.AWAITING_APPROVAL.value]},
        {"number": f"PO-{orders // 3}"},
        {"number": "PO-NONE"},
    )
    for wanted in filters:
        for order in ("oldest", "newest"):
            yield ask("sifted page", MANAGER, "/orders", **wanted, order=order)
            yield ask("sifted page", MANAGER, "/orders", **wanted, order=order, after=deep)
    for words in WORDS:
        for order in ("oldest", "newest"):
            yield ask("search", MANAGER, "/orders", search=words, order=order)
            yield ask("search", MANAGER, "/orders", search=words, order=order, after=deep)
        yield ask("search", MANAGER, "/orders", search=words, status=Status.DRAFT.value)
        yield ask("search", MANAGER, "/orders", search=words, vendor="V-0007")
    yield ask("counts", MANAGER, "/orders/summary")


def _of_one(orders: int) -> Iterator[Question]:
    numbers = (f"PR-{orders // 3:06d}", f"PR-{orders * 99 // 100:06d}", f"PR-{orders * 2:06d}")
    for reference in (*numbers, _key("order", orders // 3)):
        yield ask("one", MANAGER, f"/orders/{reference}")


def _catalog() -> Iterator[Question]:
    filters: tuple[dict[str, object], ...] = (
        {},
        {"kind": "hardware"},
        {"kind": "service"},
        {"active": True},
        {"active": False},
        {"vendor": "V-0007"},
        {"vendor": "V-NONE"},
        {"search": "chair"},
        {"search": "laptop 17"},
        {"search": "theodolite"},
        {"search": "SKU-777"},
        {"search": "nothing-like-it"},
    )
    combined: tuple[dict[str, object], ...] = (
        {"kind": "hardware", "active": False},
        {"kind": "service", "active": True},
        {"vendor": "V-0007", "active": False},
        {"search": "chair", "kind": "service"},
        {"search": "chair", "vendor": "V-0007"},
    )
    for place in ({}, {"after": "SKU-77"}):
        for wanted in filters:
            kind = "search" if "search" in wanted or "vendor" in wanted else "page"
            yield ask(kind, MANAGER, "/catalog-items", **wanted, **place)
        for wanted in combined:
            yield ask("search", MANAGER, "/catalog-items", **wanted, **place)
    for reference in ("SKU-777", "SKU-NONE"):
        yield ask("one", MANAGER, f"/catalog-items/{reference}")
    yield ask("page", MANAGER, "/vendors")
    yield ask("one", MANAGER, "/vendors/V-0007")
