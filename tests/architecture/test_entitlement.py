"""Every role at every door: a route or a command lets in exactly those whom the table permits what it declares."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.local.definitions import SERVICES
from libs.chassis.acting import actions_of
from libs.chassis.api import whole_app
from libs.chassis.batch import unwelcome
from libs.chassis.decision import Actor
from libs.chassis.identity import Identity
from libs.chassis.inbox import Arrival
from libs.contracts.permissions import PERMISSIONS, Role
from tests.architecture.test_permissions import commands_of, routes_of, the_service
from tests.chassis.said import envelope_of_type

NOWHERE = "postgresql+asyncpg://nobody@127.0.0.1:1/nothing"
ROLES = [None, *Role]
"""Each role alone, and somebody known who has none."""


@dataclass
class Obedient:
    """In the decider's place: whatever reaches it is accepted."""

    verdict: str = "accepted"
    answer: Any = None

    def handler_for(self, _: Arrival) -> None:
        return None

    async def handle(self, arrivals: Sequence[Arrival]) -> list["Obedient"]:
        return [Obedient(answer={"outcome": "accepted"}) for _ in arrivals]


class Believing:
    """In the identity's place: a token is the role of its bearer."""

    async def actor(self, token: str) -> Actor:
        return somebody(Role(token) if token in [*Role] else None)


def somebody(role: Role | None) -> Actor:
    return Actor("person-17", frozenset({role} if role else ()))


@pytest.mark.parametrize("role", ROLES, ids=str)
@pytest.mark.parametrize("service", SERVICES)
async def test_a_route_lets_in_whom_the_table_permits(service: str, role: Role | None) -> None:
    engine = create_async_engine(NOWHERE)
    app = whole_app(
        the_service(service), engine=engine, decider=Obedient(), identity=cast(Identity, Believing())
    )
    let_in, permitted = [], []
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app),
        base_url="http://service",
        headers={"Authorization": f"Bearer {role}"},
    ) as client:
        for named, route in routes_of(service):
            methods, _, path = named.partition(" ")
            if not role_lacks(role, route):
                permitted.append(named)
            for method in methods.split("/"):
                address = re.sub(r"\{[^}]+\}", str(uuid4()), path)
                answer = await client.request(method, address, content=b"{")
                assert answer.status_code != 401
                if answer.status_code != 403:
                    let_in.append(named)
    await engine.dispose()

    assert let_in == permitted


def role_lacks(role: Role | None, route: Any) -> bool:
    return not any(role in PERMISSIONS[action] for action in actions_of(route))


@pytest.mark.parametrize("service", SERVICES)
async def test_nobody_is_let_in_without_a_token(service: str) -> None:
    app = whole_app(
        the_service(service), engine=None, decider=Obedient(), identity=cast(Identity, Believing())
    )
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://service") as client:
        for named, _ in routes_of(service):
            methods, _, path = named.partition(" ")
            address = re.sub(r"\{[^}]+\}", str(uuid4()), path)
            answer = await client.request(methods.split("/")[0], address, content=b"{")

            assert (answer.status_code, answer.json()["code"]) == (401, "person_unknown"), named


@pytest.mark.parametrize("role", ROLES, ids=str)
@pytest.mark.parametrize("service", SERVICES)
def test_a_command_is_taken_from_whom_the_table_permits(service: str, role: Role | None) -> None:
    for command in commands_of(service):
        through = Actor("person-17", somebody(role).roles, through="erp")
        refusal = unwelcome(Arrival("inbox", envelope_of_type(command.type, through)))
        permitted = command.action is not None and role in PERMISSIONS[command.action]

        assert (refusal is None) == permitted, command.type
        assert refusal is None or refusal.code == "not_entitled"


@pytest.mark.parametrize("service", SERVICES)
def test_our_own_services_give_commands_without_a_role(service: str) -> None:
    for command in commands_of(service):
        assert unwelcome(Arrival("inbox", envelope_of_type(command.type, Actor("erp")))) is None
