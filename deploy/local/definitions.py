"""The broker's definitions of a deployment, from the services' own declarations."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

SERVICES = ("requests", "purchasing", "receiving", "assets")
# The example integration: an ERP system that sends requests and hears what becomes of them.
INTEGRATIONS = ("erp",)
USERS = (*SERVICES, *INTEGRATIONS)
# The ERP system passes on what any of its users asks for.
ACT_AS = {"erp": [{"persons": ["*"], "roles": ["requester"]}]}


def broker_definitions(vhost: str, passwords: Mapping[str, str]) -> Mapping[str, Any]:
    """What RabbitMQ imports: users, permissions, exchanges, queues, bindings and policies in `vhost`."""
    # Here, because they bring every library along, and most commands have no need of them.
    topology = import_module("libs.chassis.topology")
    services = [import_module(f"services.{name}.__main__").SERVICE for name in SERVICES]
    defined: Mapping[str, Any] = topology.definitions(services, vhost, passwords)
    return defined
