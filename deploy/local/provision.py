"""Gives a deployment its own room on the servers: databases, logins, a virtual host, its users."""

from __future__ import annotations

import asyncio
import fcntl
import json
import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
import httpx2

from deploy.local import holders, process
from deploy.local.definitions import SERVICES, USERS, broker_definitions
from deploy.local.servers import Servers

SETTLING_SECONDS = 10
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
Environments = Mapping[str, Mapping[str, str]]


class NotOurs(RuntimeError):
    """Something of the same name is there already, made by somebody else; it is left as it is."""


async def provision(
    servers: Servers,
    *,
    name: str = "quartermaster",
    define: Callable[[str, Mapping[str, str]], Mapping[str, Any]] = broker_definitions,
) -> Environments:
    """Make what the deployment `name` needs, as far as it is missing; give each service its settings.

    Databases and logins are called `name`_service, the virtual host `name`. No service's login can open
    another's database. Broker users are the same for all deployments of one home; permissions are per
    virtual host.
    """
    _checked(name)
    passwords = _passwords(
        servers.home, [f"{each}.database" for each in SERVICES] + [f"{each}.broker" for each in USERS]
    )
    # One at a time: whether a user on the broker is ours shows only once its maker has noted it.
    async with holders.locked(servers.home / "provisioning"):
        await _refuse_strangers(servers, name)
        await asyncio.gather(
            _databases(servers, name, passwords), _virtual_host(servers, name, passwords, define)
        )
        _note(servers.home, name)
    return environments(servers, name, passwords)


async def unprovision(servers: Servers, name: str) -> None:
    """Remove the deployment's databases, logins and virtual host, and nothing else."""
    _checked(name)
    async with holders.locked(servers.home / "provisioning"):
        if name not in _known(servers.home):
            return
        async with _database(servers) as connection:
            for service in SERVICES:
                await connection.execute(f'DROP DATABASE IF EXISTS "{name}_{service}" WITH (FORCE)')
                await connection.execute(f'DROP ROLE IF EXISTS "{name}_{service}"')
        last = _note(servers.home, name, gone=True)
        async with _management(servers) as client:
            await _ask(client, "DELETE", f"/vhosts/{name}", missing_is_fine=True)
            # A broker of our own keeps its users; somebody else's gets rid of them.
            if last and servers.borrowed["rabbitmq"]:
                for user in USERS:
                    await _ask(client, "DELETE", f"/users/{user}", missing_is_fine=True)


def environments(servers: Servers, name: str, passwords: Mapping[str, str]) -> Environments:
    found: dict[str, Mapping[str, str]] = {}
    for user in USERS:
        broker = _with(servers.rabbitmq_url, user, passwords[f"{user}.broker"], name)
        found[user] = {"QUARTERMASTER_BROKER_URL": broker}
        if user in SERVICES:
            role = f"{name}_{user}"
            database = _with(servers.postgres_url, role, passwords[f"{user}.database"], role)
            found[user] = {"QUARTERMASTER_DATABASE_URL": database, **found[user]}
    return found


async def _refuse_strangers(servers: Servers, name: str) -> None:
    """On servers that others run, what has our names but was not made by us must not be taken over."""
    ours = _known(servers.home)
    if servers.borrowed["postgres"] and name not in ours:
        roles = [f"{name}_{service}" for service in SERVICES]
        async with _database(servers) as connection:
            theirs = await connection.fetchval("SELECT rolname FROM pg_roles WHERE rolname = ANY($1)", roles)
        if theirs:
            raise NotOurs(
                f"The PostgreSQL you named already has a login {theirs} that was not made from here."
                f"\nRemove it (DROP DATABASE {theirs}; DROP ROLE {theirs}) or name another server."
            )
    if servers.borrowed["rabbitmq"] and not ours:
        async with _management(servers) as client:
            for user in USERS:
                if await _ask(client, "GET", f"/users/{user}", missing_is_fine=True):
                    raise NotOurs(
                        f"The RabbitMQ you named already has a user {user} that was not made from here."
                        f"\nRemove it (rabbitmqctl delete_user {user}) or name another broker."
                    )


async def _databases(servers: Servers, name: str, passwords: Mapping[str, str]) -> None:
    async with _database(servers) as connection:
        superuser = await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        for service in SERVICES:
            role, password = f"{name}_{service}", passwords[f"{service}.database"]
            exists = await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role)
            verb = "ALTER" if exists else "CREATE"
            await connection.execute(f"{verb} ROLE \"{role}\" LOGIN PASSWORD '{password}'")
            if not superuser:
                await connection.execute(f'GRANT "{role}" TO current_user')
            if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", role):
                await connection.execute(f'CREATE DATABASE "{role}" OWNER "{role}"')
            await connection.execute(f'REVOKE ALL ON DATABASE "{role}" FROM PUBLIC')


async def _virtual_host(
    servers: Servers,
    name: str,
    passwords: Mapping[str, str],
    define: Callable[[str, Mapping[str, str]], Mapping[str, Any]],
) -> None:
    broker_passwords = {user: passwords[f"{user}.broker"] for user in USERS}
    async with _management(servers) as client:
        await _ask(client, "PUT", f"/vhosts/{name}", {})
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        administrator = urlsplit(servers.rabbitmq_url).username or "guest"
        await _ask(client, "PUT", f"/permissions/{name}/{administrator}", everything)
        await _ask(client, "POST", "/definitions", define(name, broker_passwords))


async def _ask(
    client: httpx2.AsyncClient,
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    missing_is_fine: bool = False,
) -> bool:
    """True when it was done, False when what it is about is not there (and that is fine).

    A broker that has just started answers before its queues have leaders, and cannot do everything yet.
    """
    deadline = monotonic() + SETTLING_SECONDS
    while True:
        answer = await client.request(method, f"/api{path}", json=body)
        if answer.status_code == 404 and missing_is_fine:
            return False
        if not answer.is_error:
            return True
        if answer.status_code in (401, 403) or monotonic() > deadline:
            raise RuntimeError(f"RabbitMQ refuses {method} {path}: {answer.status_code} {answer.text[:2000]}")
        await asyncio.sleep(0.3)


@asynccontextmanager
async def _database(servers: Servers) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(servers.postgres_url, timeout=60)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def _management(servers: Servers) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=servers.rabbitmq_management_url, timeout=60) as client:
        yield client


def _checked(name: str) -> None:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot name a deployment: lower-case letters, digits and _, at most 40")


def _with(url: str, user: str, password: str, path: str) -> str:
    """The same server, another login, another database or virtual host."""
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return urlunsplit((parts.scheme, f"{login}@{address}", f"/{quote(path, safe='')}", parts.query, ""))


def _passwords(home: Path, wanted: list[str]) -> dict[str, str]:
    """Made once per home, and known to its owner alone."""
    with _kept(home, "passwords") as passwords:
        for each in wanted:
            passwords.setdefault(each, secrets.token_urlsafe(16))
        return {each: str(passwords[each]) for each in wanted}


def _note(home: Path, name: str, *, gone: bool = False) -> bool:
    """Remember that `name` is ours, or no longer; True when nothing is ours any more."""
    with _kept(home, "deployments") as ours:
        if gone:
            ours.pop(name, None)
        else:
            ours[name] = True
        return not ours


def _known(home: Path) -> set[str]:
    with _kept(home, "deployments") as ours:
        return set(ours)


@contextmanager
def _kept(home: Path, what: str) -> Iterator[dict[str, Any]]:
    """A small file of `home`, read and written by one process at a time."""
    path = home / f"{what}.json"
    with (home / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        content: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        before = dict(content)
        yield content
        if content != before:
            process.save_private(path, content)
