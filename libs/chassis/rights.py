"""What each broker user may do: the least that lets it work.

A service configures nothing, writes to its own exchanges and, with the commands it declares to send, to its
siblings' inboxes, and reads its own queues. An integration gives commands that declare an action, and reads its
answers and what it asked to have said again; which of them it may give is for the service to decide, because an
integration can act for a person.
"""

import hashlib
import os
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from libs.chassis.service import Service
from libs.contracts.message import MESSAGES, AnnounceAll, Command, Event

NOTHING = "^$"
EVERYTHING = ".*"
LIMITS = {"max-connections": 20, "max-channels": 100}
"""Of an integration."""


@dataclass(frozen=True)
class Integration:
    """Another system, with a broker user of its own."""

    name: str

    @property
    def answers(self) -> str:
        """Its queue. Of a reader that stays away the oldest answers are dropped: nobody else is held up."""
        return f"{self.name}.answers"

    @property
    def copies(self) -> str:
        """Its exchange, and the queue behind it, for what it asks to have said again; also bounded."""
        return f"{self.name}.bulk"


INTEGRATIONS = (Integration("erp"),)


@dataclass(frozen=True)
class Rights:
    """Patterns of names to configure, write to and read from; `says` limits routing keys by exchange.

    Who is limited there may also not bind the exchange to anything: reading its topics is refused.
    """

    configure: str
    write: str
    read: str
    says: Mapping[str, str] = field(default_factory=dict)


def of_service(
    service: Service, services: Sequence[Service], integrations: Sequence[Integration] = ()
) -> Rights:
    """Its own exchanges and what it sends; its markers, to learn that they exist; what it announces again.

    That goes into the bulk exchanges of those who ask for it.
    """
    name = service.name
    own_types = rf"^{name}\.[a-z0-9_]+\.v[0-9]+$"
    says = {f"{name}.{door}": own_types for door in ("events", "inbox", "bulk")}
    says[f"{name}.replies"] = r"^[A-Za-z0-9_-]+\..+$"
    for owner in sorted({command.owner() for command in service.sends}):
        says[f"{owner}.inbox"] = one_of(
            sorted(command.type for command in service.sends if command.owner() == owner)
        )
    for sibling in services:
        if any(issubclass(command, AnnounceAll) and command.owner() == name for command in sibling.sends):
            says[f"{sibling.name}.bulk"] = one_of(_copied(sibling, name))
    if announces_to_others(service):
        says |= {integration.copies: one_of(_announced(name)) for integration in integrations}
    return Rights(
        configure=NOTHING,
        write=one_of(says, rf"{name}\.topology\.[0-9a-f]+"),
        read=one_of(queues_of(service)),
        says=says,
    )


def _copied(service: Service, owner: str) -> list[str]:
    """The facts of this owner that a service keeps copies from."""
    heard = {handler.on for handler in service.queues["inbox"] if handler.on.owner() == owner}
    return sorted(fact.type for fact in heard if issubclass(fact, Event) and fact.carries == "state")


def announces_to_others(service: Service) -> bool:
    """Whether other systems may ask it to say everything again."""
    return any(
        issubclass(handler.on, AnnounceAll) and handler.on.action is not None
        for handler in service.queues["inbox"]
    )


def _announced(owner: str) -> list[str]:
    """The facts of this owner from which copies can be kept."""
    owned = (message for message in MESSAGES.values() if message.owner() == owner)
    return sorted(fact.type for fact in owned if issubclass(fact, Event) and fact.carries == "state")


def of_integration(integration: Integration, services: Sequence[Service]) -> Rights:
    """Only commands that declare their action, only to the services that obey them; it reads what is for it."""
    says = {
        f"{service.name}.commands": one_of(types) for service in services if (types := open_types(service))
    }
    return Rights(
        configure=NOTHING,
        write=one_of(says),
        read=one_of([integration.answers, integration.copies]),
        says=says,
    )


def one_of(names: Iterable[str], *patterns: str) -> str:
    """A pattern matching exactly these names (and what the patterns match)."""
    return f"^({'|'.join([*map(re.escape, names), *patterns])})$"


def password_hash(password: str, salt: bytes | None = None) -> str:
    """As RabbitMQ stores it: salt, then SHA-256. An empty password has none and opens no door."""
    if not password:
        return ""
    salt = os.urandom(4) if salt is None else salt
    return b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def open_types(service: Service) -> list[str]:
    """The commands that other systems may give to this service."""
    return sorted(
        {
            handler.on.type
            for handlers in service.queues.values()
            for handler in handlers
            if issubclass(handler.on, Command) and handler.on.action is not None
        }
    )


def queues_of(service: Service) -> tuple[str, ...]:
    """The names of a service's queues; each has a consumer of its own."""
    always = ("ingress", "inbox", "bulk", "dead_letters")
    purposes = (*always, *special_queues(service), *sorted(service.lanes))
    return tuple(f"{service.name}.{purpose}" for purpose in purposes)


def lane_of(service: Service) -> dict[str, str]:
    """The purpose of the queue that each open command comes by, where that is not the ingress."""
    return {
        handler.on.type: lane
        for lane, handlers in service.lanes.items()
        for handler in handlers
        if issubclass(handler.on, Command) and handler.on.action is not None
    }


def special_queues(service: Service) -> list[str]:
    """Purposes of queues with handlers of their own, beside those every service has."""
    return sorted(service.queues.keys() - {"inbox"})
