"""A deployment's room on shared servers: whole, fenced, and gone without a trace."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import aio_pika
import aiormq
import asyncpg
import httpx2
import pytest

from deploy.local.definitions import SERVICES, USERS
from deploy.local.provision import provision, unprovision
from deploy.local.servers import Servers


def users_only(vhost: str, passwords: Mapping[str, str]) -> Mapping[str, Any]:
    """Definitions without a topology: what is tested here does not depend on it."""
    nothing = {"vhost": vhost, "configure": "", "write": "", "read": ""}
    return {
        "users": [{"name": each, "password": password, "tags": []} for each, password in passwords.items()],
        "permissions": [{"user": each, **nothing} for each in passwords],
    }


async def test_every_service_gets_a_database_and_a_login_and_integrations_a_login_only(
    servers: Servers,
) -> None:
    made = await provision(servers, name="whole", define=users_only)

    await unprovision(servers, "whole")
    assert {name: sorted(settings) for name, settings in made.items()} == {
        **{each: ["QUARTERMASTER_BROKER_URL", "QUARTERMASTER_DATABASE_URL"] for each in SERVICES},
        "erp": ["QUARTERMASTER_BROKER_URL"],
    }


async def test_a_second_time_changes_nothing(servers: Servers) -> None:
    first = await provision(servers, name="twice", define=users_only)
    connection = await asyncpg.connect(first["assets"]["QUARTERMASTER_DATABASE_URL"])
    await connection.execute("CREATE TABLE kept ()")
    await connection.close()

    second = await provision(servers, name="twice", define=users_only)

    connection = await asyncpg.connect(second["assets"]["QUARTERMASTER_DATABASE_URL"])
    kept = await connection.fetchval("SELECT to_regclass('kept') IS NOT NULL")
    await connection.close()
    await unprovision(servers, "twice")
    assert (second, kept) == (first, True)


async def test_no_login_opens_the_database_of_another_service(servers: Servers) -> None:
    made = await provision(servers, name="fenced", define=users_only)
    own = made["receiving"]["QUARTERMASTER_DATABASE_URL"]
    database = urlsplit(made["assets"]["QUARTERMASTER_DATABASE_URL"]).path

    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(urlsplit(own)._replace(path=database).geturl())
    finally:
        await unprovision(servers, "fenced")


async def test_every_user_may_enter_its_virtual_host_and_no_other(servers: Servers) -> None:
    made = await provision(servers, name="entered", define=users_only)
    entered = []
    for user in USERS:
        async with await aio_pika.connect(made[user]["QUARTERMASTER_BROKER_URL"]):
            entered.append(user)

    root = urlsplit(made["erp"]["QUARTERMASTER_BROKER_URL"])._replace(path="/").geturl()
    with pytest.raises((aiormq.exceptions.AMQPError, ConnectionError)):
        await aio_pika.connect(root)

    await unprovision(servers, "entered")
    assert entered == list(USERS)


async def test_removing_one_deployment_leaves_its_neighbour(servers: Servers) -> None:
    for name in ("goes", "stays"):
        made = await provision(servers, name=name, define=users_only)

    await unprovision(servers, "goes")

    connection = await asyncpg.connect(made["requests"]["QUARTERMASTER_DATABASE_URL"])
    databases = await connection.fetch("SELECT datname FROM pg_database WHERE datname LIKE 'goes%'")
    await connection.close()
    async with httpx2.AsyncClient(base_url=servers.rabbitmq_management_url) as client:
        hosts = {each["name"] for each in (await client.get("/api/vhosts")).json()}
    await unprovision(servers, "stays")
    assert (databases, "goes" in hosts, "stays" in hosts) == ([], False, True)


async def test_a_name_that_would_need_quoting_is_refused(servers: Servers) -> None:
    with pytest.raises(ValueError, match="cannot name a deployment"):
        await provision(servers, name='x"; DROP DATABASE postgres; --', define=users_only)
