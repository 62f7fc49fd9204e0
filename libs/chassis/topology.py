"""Exchanges, queues, bindings, policies, users and their rights, all made from what the services declare.

The broker is set up from the result before anything starts; no service may change it. Routing keys are
message types, on replies `<user>.<token>`. The audit stream is bound with the keys of the real listeners, and
with `#` only where all has its place, so that `mandatory` still tells a sender that nobody would have heard.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from libs.chassis import rights
from libs.chassis.envelope import is_a_name
from libs.chassis.rights import (
    EVERYTHING,
    INTEGRATIONS,
    LIMITS,
    NOTHING,
    Integration,
    lane_of,
    one_of,
    open_types,
    password_hash,
    queues_of,
    special_queues,
)
from libs.chassis.service import Service
from libs.contracts.message import Answered, Command, Event, Message

DOORS = ("events", "commands", "inbox", "bulk", "replies", "dead_letters")
"""A service's exchanges: what it says, what strangers and siblings order, imports, answers, dead letters."""

ALL = "#"
AUDIT = "audit"
AUDIT_MAX_AGE = "30D"
DELIVERY_LIMIT = 10_000
"""Only a backstop: who counts deaths and quarantines is the service itself."""
NEVER = 1_000_000_000
INGRESS_BYTES_MAX = 256 * 1024 * 1024
ANSWERS_BYTES_MAX = 64 * 1024 * 1024
COPIES_BYTES_MAX = 1024 * 1024 * 1024
"""A catalog of a million items fits: they are announced faster than most can store them."""


@dataclass(frozen=True, order=True)
class Binding:
    """What is said on `exchange` with a routing key matching `key` is put into `queue`."""

    exchange: str
    key: str
    queue: str


@dataclass(frozen=True)
class Topology:
    """All of it but the users. `queues` maps a name to its arguments: only what a policy cannot set."""

    exchanges: tuple[str, ...]
    queues: Mapping[str, Mapping[str, str]]
    bindings: frozenset[Binding]
    policies: Mapping[str, "Policy"] = field(default_factory=dict)


@dataclass(frozen=True)
class Policy:
    """Settings of the queues with these names; they can be changed while the queues live."""

    queues: tuple[str, ...]
    settings: Mapping[str, str | int]

    @property
    def pattern(self) -> str:
        """Matches these queues and no others."""
        return one_of(self.queues)


def topology(services: Sequence[Service], integrations: Sequence[Integration] = INTEGRATIONS) -> Topology:
    """What the broker must hold so that these services hear each other and strangers can reach them."""
    _refuse_what_cannot_work(services, integrations)
    bindings = {each for service in services for each in expected_bindings(service)}
    bindings |= {
        Binding(f"{service.name}.replies", f"{integration.name}.#", integration.answers)
        for integration in integrations
        for service in services
        if open_types(service)
    }
    bindings |= {Binding(each.copies, ALL, each.copies) for each in integrations}
    bindings |= {Binding(each.exchange, each.key, AUDIT) for each in bindings if _is_audited(each.exchange)}
    bindings |= {Binding(f"{service.name}.events", ALL, AUDIT) for service in services}
    queues = [queue for service in services for queue in queues_of(service)]
    queues += [queue for each in integrations for queue in (each.answers, each.copies)]
    return Topology(
        exchanges=(
            *(f"{service.name}.{door}" for service in services for door in DOORS),
            *(marker(service) for service in services),
            *(integration.copies for integration in integrations),
        ),
        queues={queue: {"x-queue-type": "quorum"} for queue in queues} | {AUDIT: {"x-queue-type": "stream"}},
        bindings=frozenset(bindings),
        policies=dict(_policies(services, integrations)),
    )


def expected_bindings(service: Service) -> frozenset[Binding]:
    """What must be bound before the service may say anything: else what it is told finds no listener."""
    name = service.name
    bindings = {
        Binding(f"{name}.bulk", ALL, f"{name}.bulk"),
        Binding(f"{name}.dead_letters", ALL, f"{name}.dead_letters"),
    }
    lanes = lane_of(service)
    if lanes:
        commands = f"{name}.commands"
        bindings |= {
            Binding(commands, each, f"{name}.{lanes.get(each, 'ingress')}") for each in open_types(service)
        }
    else:
        # Also what nobody obeys: it ends among the dead letters, where somebody sees it.
        bindings.add(Binding(f"{name}.commands", ALL, f"{name}.ingress"))
    for purpose, handlers in service.queues.items():
        for handler in handlers:
            bindings |= {
                Binding(exchange, key, f"{name}.{purpose}") for exchange, key in _heard(service, handler.on)
            }
    return frozenset(bindings)


def _heard(service: Service, message: type[Message]) -> Iterator[tuple[str, str]]:
    """Where a message that the service handles comes from, as (exchange, key)."""
    owner = message.owner()
    if issubclass(message, Answered):
        yield f"{owner}.replies", f"{service.name}.#"
    elif issubclass(message, Event):
        yield f"{owner}.events", message.type
    if owner == service.name and not issubclass(message, Answered):
        # Siblings' commands, and what our own timers say to us.
        yield f"{owner}.inbox", message.type


def marker(service: Service) -> str:
    """An exchange whose existence tells that what this release declares about itself has been set up.

    Bindings can only be listed by an administrator, and the audit stream makes every fact routable; but the
    set-up is loaded as a whole, and who may write to an exchange can tell whether it is there.
    """
    hears = [f"{each.exchange} {each.key} {each.queue}" for each in sorted(expected_bindings(service))]
    declared = "\n".join([*hears, *sorted(command.type for command in service.sends)])
    return f"{service.name}.topology.{hashlib.sha256(declared.encode()).hexdigest()[:12]}"


def differences(wanted: Topology, found: Mapping[str, Sequence[Mapping[str, object]]]) -> list[str]:
    """What a broker lacks or has otherwise, in sentences; `found` is what it exports as its definitions."""
    exchanges = {
        str(each["name"]) for each in found["exchanges"] if each["type"] == "topic" and each["durable"]
    }
    queues = {str(each["name"]): each["arguments"] for each in found["queues"] if each["durable"]}
    policies = {str(each["name"]): (each["pattern"], each["definition"]) for each in found["policies"]}
    bindings = {
        Binding(str(each["source"]), str(each["routing_key"]), str(each["destination"]))
        for each in found["bindings"]
        if each["destination_type"] == "queue"
    }
    return [
        *(
            f"the durable topic exchange {name} is missing"
            for name in wanted.exchanges
            if name not in exchanges
        ),
        *(
            f"the queue {name} is missing or not of type {arguments['x-queue-type']}"
            for name, arguments in wanted.queues.items()
            if queues.get(name) != arguments
        ),
        *(
            f"{each.exchange} is not bound to {each.queue} with {each.key}"
            for each in sorted(wanted.bindings - bindings)
        ),
        *(
            f"the policy {name} is missing or other than we need"
            for name, policy in wanted.policies.items()
            if policies.get(name) != (policy.pattern, dict(policy.settings))
        ),
    ]


def definitions(
    services: Sequence[Service],
    vhost: str,
    passwords: Mapping[str, str],
    integrations: Sequence[Integration] = INTEGRATIONS,
) -> dict[str, list[dict[str, object]]]:
    """RabbitMQ's definitions file: everything above, and a user with the least rights for each who connects.

    An empty password makes a user that cannot log in. `admin` exists only if it has a password here.
    """
    wanted = topology(services, integrations)
    users = [service.name for service in services] + [integration.name for integration in integrations]
    granted = {service.name: rights.of_service(service, services, integrations) for service in services}
    granted |= {each.name: rights.of_integration(each, services) for each in integrations}
    if "admin" in passwords:
        users.append("admin")
        granted["admin"] = rights.Rights(EVERYTHING, EVERYTHING, EVERYTHING)
    limited = {integration.name for integration in integrations}
    return {
        "vhosts": [{"name": vhost}],
        "users": [
            {
                "name": user,
                "password_hash": password_hash(passwords.get(user, "")),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": ["administrator"] if user == "admin" else [],
                "limits": LIMITS if user in limited else {},
            }
            for user in users
        ],
        "permissions": [
            {"user": user, "vhost": vhost, "configure": may.configure, "write": may.write, "read": may.read}
            for user, may in granted.items()
        ],
        "topic_permissions": [
            {"user": user, "vhost": vhost, "exchange": exchange, "write": keys, "read": NOTHING}
            for user, may in granted.items()
            for exchange, keys in sorted(may.says.items())
        ],
        "policies": [
            {
                "vhost": vhost,
                "name": name,
                "pattern": policy.pattern,
                "apply-to": "queues",
                "priority": 0,
                "definition": dict(policy.settings),
            }
            for name, policy in wanted.policies.items()
        ],
        "queues": [
            {
                "name": name,
                "vhost": vhost,
                "durable": True,
                "auto_delete": False,
                "arguments": dict(arguments),
            }
            for name, arguments in wanted.queues.items()
        ],
        "exchanges": [
            {
                "name": name,
                "vhost": vhost,
                "type": "topic",
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": {},
            }
            for name in wanted.exchanges
        ],
        "bindings": [
            {
                "source": each.exchange,
                "vhost": vhost,
                "destination": each.queue,
                "destination_type": "queue",
                "routing_key": each.key,
                "arguments": {},
            }
            for each in sorted(wanted.bindings)
        ],
    }


def _policies(
    services: Sequence[Service], integrations: Sequence[Integration]
) -> Iterator[tuple[str, Policy]]:
    for service in services:
        name = service.name
        # At-least-once dead-lettering wants a queue that would reject, even where no length limit makes it.
        dies: dict[str, str | int] = {
            "delivery-limit": DELIVERY_LIMIT,
            "dead-letter-exchange": f"{name}.dead_letters",
            "dead-letter-strategy": "at-least-once",
            "overflow": "reject-publish",
        }
        ours = tuple(f"{name}.{purpose}" for purpose in ("inbox", "bulk", *special_queues(service)))
        yield f"{name}.ours", Policy(ours, dies)
        strangers = tuple(f"{name}.{purpose}" for purpose in ("ingress", *sorted(service.lanes)))
        yield f"{name}.ingress", Policy(strangers, dies | {"max-length-bytes": INGRESS_BYTES_MAX})
        yield f"{name}.dead_letters", Policy((f"{name}.dead_letters",), {"delivery-limit": NEVER})
    for integration in integrations:
        for queue, bytes_max in (
            (integration.answers, ANSWERS_BYTES_MAX),
            (integration.copies, COPIES_BYTES_MAX),
        ):
            bounded: dict[str, str | int] = {
                "delivery-limit": NEVER,
                "max-length-bytes": bytes_max,
                "overflow": "drop-head",
            }
            yield queue, Policy((queue,), bounded)
    yield AUDIT, Policy((AUDIT,), {"max-age": AUDIT_MAX_AGE})


def _is_audited(exchange: str) -> bool:
    """Not what strangers say: a person's token may be in it, which is kept nowhere.

    Who said what is in `chassis.audit`, and the answers are here.
    """
    return exchange.endswith((".inbox", ".replies"))


def _refuse_what_cannot_work(services: Sequence[Service], integrations: Sequence[Integration]) -> None:
    """Mistakes in the declarations that would otherwise show as messages nobody hears."""
    names = [service.name for service in services] + [integration.name for integration in integrations]
    if len({*names, "admin", AUDIT}) != len(names) + 2 or not all(map(is_a_name, names)):
        raise RuntimeError(f"names of services and integrations must be different plain words: {names}")
    obeyed: dict[str, str] = {}
    for service in services:
        for purpose, handlers in service.queues.items():
            if purpose in {"ingress", "bulk", "dead_letters", "http", *DOORS} - {"inbox"}:
                raise RuntimeError(
                    f"{service.name}: {purpose} is not a name for a queue with its own handlers"
                )
            for message in (handler.on for handler in handlers):
                if not issubclass(message, Command):
                    continue
                if message.owner() != service.name:
                    raise RuntimeError(f"{service.name} cannot obey {message.type}: it is not its own")
                if (
                    obeyed.setdefault(message.type, f"{service.name}.{purpose}")
                    != f"{service.name}.{purpose}"
                ):
                    raise RuntimeError(f"{message.type} would be obeyed twice")
        for lane, handlers in service.lanes.items():
            if lane in {*service.queues, "ingress", "bulk", "dead_letters", "http", *DOORS}:
                raise RuntimeError(f"{service.name}: {lane} is not a name for a lane")
            if not set(map(id, handlers)) <= set(map(id, service.queues["inbox"])):
                raise RuntimeError(f"{service.name}: what comes by the lane {lane} is handled in the inbox")
    together = {service.name for service in services}
    for service in services:
        for command in service.sends:
            if command.owner() in together and command.type not in obeyed:
                raise RuntimeError(f"{service.name} sends {command.type}, which nobody obeys")
