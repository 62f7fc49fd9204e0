"""The people, policies and wishes that the laws of approval are tried with, and what a model knows of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from libs.contracts.permissions import Role
from libs.contracts.requests import (
    CustomItem,
    RequestedLine,
)
from libs.contracts.values import Kind
from tests.builders_approval import (
    OWNER,
    a_step,
    by_group,
    by_person,
    by_role,
)
from tests.builders_desk import STATION

BUYERS, KEEPERS = Role.PROCUREMENT_MANAGER, Role.ASSET_MANAGER
PEOPLE = [f"person-{number}" for number in range(6)]
WORKS_AS: Mapping[str, frozenset[Role]] = {
    "person-0": frozenset({BUYERS}),
    "person-1": frozenset({BUYERS, KEEPERS}),
    "person-2": frozenset({KEEPERS}),
    "person-3": frozenset({BUYERS}),
}
FINANCE, CENTRE = "FINANCE", "CC-1"
STEPS = (
    a_step(remind_after_hours=1, expire_after_hours=30),
    a_step(by_role(BUYERS), by_group(FINANCE), quorum=2, remind_after_hours=2),
    a_step(by_group(FINANCE), escalate_after_hours=3, escalate_to=(by_role(KEEPERS), OWNER)),
    a_step(OWNER, expire_after_hours=50),
    a_step(by_person("person-4"), by_person("person-5"), by_role(KEEPERS), quorum=3),
    a_step(by_role(KEEPERS), quorum=2, escalate_after_hours=4, escalate_to=(by_group(FINANCE),)),
)
LINES = (
    RequestedLine(sku=STATION, quantity=1),
    RequestedLine(sku=STATION, quantity=3),
    RequestedLine(item=CustomItem(name="Chair", kind=Kind.HARDWARE, unit_price=Decimal(90)), quantity=1),
    RequestedLine(item=CustomItem(name="Chair", kind=Kind.HARDWARE, unit_price=Decimal(90)), quantity=9),
    RequestedLine(item=CustomItem(name="Care", kind=Kind.SERVICE, unit_price=Decimal(50)), quantity=1),
)
person = st.sampled_from(PEOPLE)
some_lines = st.lists(st.sampled_from(LINES), min_size=1, max_size=3).map(tuple)
some_steps = st.lists(st.sampled_from(STEPS), max_size=3).map(tuple)


@dataclass(frozen=True)
class Seen:
    """What an approver saw when they said yes."""

    total: Decimal
    currency: str
    vendors: frozenset[str | None]
    kinds: frozenset[Kind]

    def covers(self, other: "Seen") -> bool:
        """Whether the other asks for nothing that was not seen."""
        return (
            other.total <= self.total
            and other.currency == self.currency
            and other.vendors <= self.vendors
            and other.kinds <= self.kinds
        )


@dataclass
class World:
    """Who people are, apart from what the service knows."""

    finance: frozenset[str] = frozenset()
    owner: str = "person-4"
    delegations: list[tuple[str, str, date, date]] = field(default_factory=list)

    def authority(self, person: str) -> set[str]:
        """Every key that somebody may decide as."""
        keys = {f"person:{person}", *(f"role:{role}" for role in WORKS_AS.get(person, ()))}
        if person in self.finance:
            keys.add(f"group:{FINANCE}")
        if person == self.owner:
            keys.add(f"cost_centre:{CENTRE}")
        return keys

    def may_act(self, delegator: str, delegate: str, on: date) -> bool:
        """Whether one has delegated to the other directly."""
        return any(
            (one, other) == (delegator, delegate) and first <= on <= last
            for one, other, first, last in self.delegations
        )
