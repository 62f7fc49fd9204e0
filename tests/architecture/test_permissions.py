"""Nothing is let in by mistake: every route and every command says what one must be permitted."""

import re
from collections.abc import Iterator
from importlib import import_module

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from deploy.local.definitions import SERVICES
from libs.chassis import http
from libs.chassis.acting import actions_of
from libs.chassis.api import whole_app
from libs.chassis.service import Service
from libs.contracts.message import Command
from libs.contracts.permissions import PERMISSIONS, Action, Role, permitted
from tests.architecture.source import ROOT

ONLY_OURS = {
    "assets.announce_all.v1",
    "purchasing.create_order.v1",
    "purchasing.match_invoices.v1",
    "purchasing.match_recorded_invoices.v1",
    "receiving.receive_scans.v1",
    "requests.announce_all.v1",
    "requests.approve_order.v1",
    "requests.approve_spending.v1",
}
"""Commands that our own services give to each other, and nobody else may."""


def the_service(name: str) -> Service:
    service: Service = import_module(f"services.{name}.__main__").SERVICE
    return service


def routes_of(name: str) -> Iterator[tuple[str, APIRoute]]:
    """Every route of a service by its methods and path, the runtime's own among them."""
    app = whole_app(the_service(name), engine=None, decider=None, identity=None)
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute):
            yield f"{'/'.join(sorted(route.methods or ()))} {context.path}", route


def commands_of(name: str) -> set[type[Command]]:
    return {
        handler.on
        for handlers in the_service(name).queues.values()
        for handler in handlers
        if issubclass(handler.on, Command)
    }


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_declares_its_action(service: str) -> None:
    declared = {path: actions_of(route) for path, route in routes_of(service)}

    assert len(declared) > 8
    assert [path for path, actions in declared.items() if not actions] == []


def asked_by(dependant: Dependant) -> Iterator[object]:
    """Everything that is called for a route before it."""
    for each in dependant.dependencies:
        yield each.call
        yield from asked_by(each)


@pytest.mark.parametrize("service", SERVICES)
def test_no_route_holds_a_connection_while_its_command_waits_for_another(service: str) -> None:
    """As many of its callers as there are connections would wait for each other."""
    both = [
        path
        for path, route in routes_of(service)
        if {http._reading, http._obeying} <= set(asked_by(route.dependant))
    ]

    assert both == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_command_declares_its_action_but_those_only_our_services_give(service: str) -> None:
    without = {command.type for command in commands_of(service) if command.action is None}

    assert without == {command for command in ONLY_OURS if command.startswith(f"{service}.")}


def test_every_action_is_asked_about_somewhere() -> None:
    table = ROOT / "libs/contracts/permissions.py"
    sources = [
        path for folder in ("libs", "services") for path in (ROOT / folder).rglob("*.py") if path != table
    ]
    asked = set(re.findall(r"Action\.([A-Z_]+)", "\n".join(path.read_text() for path in sources)))

    assert [action.name for action in Action if action.name not in asked] == []


def test_whoever_has_no_role_may_do_nothing() -> None:
    assert not any(permitted([], action) for action in Action)
    assert set(PERMISSIONS) == set(Action)


@pytest.mark.parametrize(
    ("more", "less"),
    [
        (Role.ASSET_ADMINISTRATOR, Role.ASSET_MANAGER),
        (Role.ASSET_MANAGER, Role.PROCUREMENT_MANAGER),
        (Role.ASSET_MANAGER, Role.STORAGE_MANAGER),
        (Role.STORAGE_MANAGER, Role.MOBILE_ASSET_MANAGER),
    ],
)
def test_a_greater_role_may_do_all_that_a_lesser_may(more: Role, less: Role) -> None:
    lacks = [action for action, roles in PERMISSIONS.items() if less in roles and more not in roles]

    assert lacks == []


def test_who_takes_deliveries_with_a_phone_may_do_nothing_else() -> None:
    allowed = {action for action, roles in PERMISSIONS.items() if Role.MOBILE_ASSET_MANAGER in roles}

    assert allowed == {Action.SEE_DELIVERIES, Action.TAKE_DELIVERY, Action.SEE_LOCATIONS}
