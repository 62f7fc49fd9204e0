"""What people and systems ask of the requests service, in every way that can be slow, and what that may cost."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from libs.contracts.permissions import Role
from services.requests.process import Stage
from services.requests.purchase_request import Status

BLOCKS_MAX = {
    "one": 200,
    "page": 2_000,
    "sifted page": 20_000,
    "inbox": 4_000,
    "sifted inbox": 12_000,
    "search": 20_000,
    "counts": 13_000,
    "people": 2_500,
    "a thousand": 300_000,
}
"""How many blocks of 8 KiB all statements of one question may look at together. A sifted page is one for which rows
are looked at that are not wanted, up to the number that the service allows itself."""

Asking = tuple[str, Role]
"""Who asks, and as what they work."""

MANAGER = ("person-8", Role.PROCUREMENT_MANAGER)
ADMINISTRATOR = ("person-1", Role.ASSET_ADMINISTRATOR)
ERP = ("erp", Role.INTEGRATION)
DEPUTY = ("person-9", Role.REQUESTER)
"""person-8 has delegated to them."""
FEW_SEATS = ("person-12", Role.REQUESTER)
WITH_ONE, WITH_FEW, WITH_MANY = (
    (name, Role.REQUESTER) for name in ("person-with-one", "person-with-few", "person-with-many")
)
ASKING = (MANAGER, WITH_ONE, WITH_FEW, WITH_MANY, ERP)

FILTERS: tuple[dict[str, str], ...] = (
    {"requester": "person-17"},
    {"requester": "person-with-many"},
    {"requester": "person-with-one"},
    {"requester": "person-nobody"},
    {"on_behalf_of": "person-17"},
    {"cost_centre": "CC-117"},
    {"source": "erp"},
    {"source": "person-17"},
    {"external_reference": "ERP-1000"},
    {"needed_until": "2020-01-01"},
    {"needed_until": "2026-01-01"},
    {"needed_until": "2035-01-01"},
)
SEARCHES = (
    "laptop",
    "projector",
    "microscope",
    "oscilloscope",
    "theodolite",
    "tablet",
    "absent",
    "word17",
    "projector microscope",
    '"for the new office"',
    '"office new"',
    "laptop -chair",
    "-laptop",
    "req",
)
RARE, WAITING, USUAL, OTHER = Status.SUBMITTED, Status.AWAITING_APPROVAL, Status.FULFILLED, Status.REJECTED
STATUSES = (RARE, WAITING, USUAL, OTHER)


@dataclass(frozen=True)
class Question:
    """Who asks what; `kind` is what bounds it."""

    kind: str
    who: Asking
    path: str
    wanted: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return f"{self.who[0]} {self.path}?{urlencode(self.wanted, doseq=True)}"


def questions(requests: int) -> list[Question]:
    """All of them, for a database with so many requests."""
    return [
        *_lists(requests),
        *_searches(requests),
        *_of_one(requests),
        *_inboxes(requests),
        *_processes(),
        *_audits(),
        *_people(),
    ]


def ask(kind: str, who: Asking, path: str, /, **wanted: Any) -> Question:
    """A question, its wishes as keyword arguments."""
    return Question(kind, who, path, tuple(wanted.items()))


def _lists(requests: int) -> Iterator[Question]:
    deep = f"REQ-{requests * 3 // 4:06d}"
    for who in ASKING:
        yield ask("counts", who, "/summary")
        for order in ("oldest", "newest"):
            yield ask("page", who, "/requests", order=order)
            yield ask("page", who, "/requests", order=order, after=deep)
            for wanted in FILTERS:
                kind = "page" if who is MANAGER and "needed_until" not in wanted else "sifted page"
                yield ask(kind, who, "/requests", **wanted, order=order)
            for statuses in (*([each.value] for each in Status), [RARE.value, OTHER.value]):
                kind = "page" if who is MANAGER else "sifted page"
                yield ask(kind, who, "/requests", status=statuses, order=order)
    for order in ("oldest", "newest"):
        for wanted in FILTERS:
            for status in STATUSES:
                kind = "page" if "source" in wanted else "sifted page"
                yield ask(kind, MANAGER, "/requests", **wanted, status=status, order=order)
            kind = "page" if "needed_until" not in wanted else "sifted page"
            yield ask(kind, MANAGER, "/requests", **wanted, order=order, after=deep)
        for status in STATUSES:
            yield ask("page", MANAGER, "/requests", status=status, order=order, after=deep)


def _searches(requests: int) -> Iterator[Question]:
    deep = f"REQ-{requests * 3 // 4:06d}"
    for search in SEARCHES:
        for order in ("oldest", "newest"):
            for who in ASKING:
                yield ask("search", who, "/requests", search=search, order=order)
            yield ask("search", MANAGER, "/requests", search=search, order=order, after=deep)
            for status in STATUSES:
                yield ask("search", MANAGER, "/requests", search=search, status=status, order=order)
            for wanted in ({"source": "erp"}, {"cost_centre": "CC-117"}, {"requester": "person-with-many"}):
                yield ask("search", MANAGER, "/requests", search=search, **wanted, order=order)


def _of_one(requests: int) -> Iterator[Question]:
    for reference in (
        f"REQ-{requests // 3:06d}",
        f"REQ-{requests * 99 // 100:06d}",
        f"REQ-{requests * 2:06d}",
    ):
        for what in ("", "/units", "/revisions", "/approvals", "/process"):
            yield ask("one", MANAGER, f"/requests/{reference}{what}")
        yield ask("one", FEW_SEATS, f"/requests/{reference}")
        yield ask("one", FEW_SEATS, f"/requests/{reference}/approvals")


def _inboxes(requests: int) -> Iterator[Question]:
    pages: tuple[dict[str, str], ...] = ({}, {"after": f"{requests * 9 // 10}.1"})
    for after in pages:
        for who in (MANAGER, FEW_SEATS, WITH_ONE, WITH_MANY, DEPUTY):
            yield ask("inbox", who, "/approvals", **after)
        yield ask("inbox", DEPUTY, "/approvals", acting_for="person-8", **after)
        yield ask("inbox", MANAGER, "/approvals", all=True, **after)
        for purpose in ("request", "spending"):
            yield ask("sifted inbox", MANAGER, "/approvals", purpose=purpose, **after)
            yield ask("inbox", MANAGER, "/approvals", all=True, purpose=purpose, **after)
        for requester in ("person-17", "person-with-many", "person-nobody"):
            yield ask("sifted inbox", MANAGER, "/approvals", requester=requester, **after)
            yield ask("sifted inbox", MANAGER, "/approvals", all=True, requester=requester, **after)
        for approver in ("role:procurement_manager", "group:TEAM-12", "person:person-12", "person:nobody"):
            yield ask("inbox", MANAGER, "/approvals", all=True, approver=approver, **after)


def _processes() -> Iterator[Question]:
    yield ask("counts", MANAGER, "/processes/summary")
    yield ask("page", MANAGER, "/processes")
    yield ask("page", MANAGER, "/processes", after="80000000-0000-0000-0000-000000000000")
    for stage in Stage:
        yield ask("page", MANAGER, "/processes", stage=stage)
        yield ask("page", MANAGER, "/processes", stage=stage, after="80000000-0000-0000-0000-000000000000")


def _audits() -> Iterator[Question]:
    filters: tuple[dict[str, str], ...] = (
        {},
        {"since": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"},
        {"actor": "erp"},
        {"actor": "person-17"},
        {"actor": "nobody"},
        {"action": "requests.decide_approvals"},
        {"action": "requests.cancel"},
        {"about": "00000000-0000-0000-0000-000000000000"},
        {"outcome": "accepted"},
        {"outcome": "rejected"},
        {"outcome": "dead"},
        {"since": "2030-01-01T00:00:00Z"},
        {"until": "2020-01-01T00:00:00Z"},
        {"actor": "erp", "outcome": "dead"},
        {"actor": "erp", "outcome": "rejected"},
        {"actor": "person-17", "action": "requests.submit"},
        {"actor": "person-8", "action": "requests.submit"},
        {"actor": "erp", "action": "requests.cancel"},
    )
    for wanted in filters:
        yield ask("page", ADMINISTRATOR, "/audit", **wanted)


def _people() -> Iterator[Question]:
    filters: tuple[dict[str, Any], ...] = (
        {},
        {"search": "person-17"},
        {"search": "PERSON 19"},
        {"search": "nobody"},
        {"search": "p"},
        {"active": False},
        {"answers_for": "role:procurement_manager"},
        {"answers_for": "role:requester"},
        {"answers_for": "group:TEAM-12"},
        {"answers_for": "cost_centre:CC-117"},
        {"answers_for": "person:person-17"},
        {"after": "person-7000"},
    )
    for wanted in filters:
        yield ask("people", MANAGER, "/people", **wanted)
    yield ask("people", MANAGER, "/people/person-17")
    yield ask("people", MANAGER, "/cost-centres", owned_by="person-17")
    yield ask("people", MANAGER, "/groups", search="team")
    for wanted in ({}, {"status": "ended"}, {"everyone": True}, {"person": "person-8"}):
        yield ask("people", ADMINISTRATOR, "/delegations", **wanted)
