"""What a service declares about itself; topology, permissions, consumers and API are built from this."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi import APIRouter

from libs.chassis.decision import Handlers
from libs.chassis.import_files import ImportKind
from libs.chassis.storage import Storage
from libs.contracts.message import Command, RenewCopies


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service.

    `queues` maps a queue's purpose to what is handled there: `inbox` for what siblings say and (through the ingress)
    what strangers command, others such as `fulfilment` for work that scales alone. `sends` are the commands it gives
    to siblings. `sequences` are its number sequences, `imports` what files can define, `renews` the command by which it
    asks for what it keeps copies of; it gives that to itself when its database is new.

    `lanes` are handlers of the inbox whose commands strangers give through a queue of its own name, beside the ingress:
    a flood of these stands in nobody else's way.
    """

    name: str
    queues: Mapping[str, Handlers]
    storage: Storage
    routes: APIRouter
    sends: tuple[type[Command], ...] = ()
    sequences: tuple[str, ...] = ()
    lanes: Mapping[str, Handlers] = field(default_factory=dict)
    imports: tuple[ImportKind, ...] = ()
    renews: type[RenewCopies] | None = None
