"""The broker's definitions of a deployment, from the services' own declarations."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from libs.chassis.topology import definitions

SERVICES = ("requests", "purchasing", "receiving", "assets")
# The example integration: an ERP system that sends requests and hears what becomes of them.
INTEGRATIONS = ("erp",)
USERS = (*SERVICES, *INTEGRATIONS)


def broker_definitions(vhost: str, passwords: Mapping[str, str]) -> Mapping[str, Any]:
    """What RabbitMQ imports: users, permissions, exchanges, queues, bindings and policies in `vhost`."""
    services = [import_module(f"services.{name}.__main__").SERVICE for name in SERVICES]
    return definitions(services, vhost, passwords)
