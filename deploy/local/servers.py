"""A PostgreSQL and a RabbitMQ, wherever they can be had: a ladder of steps, each with its reason."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from deploy.local import docker, holders, postgres, process, rabbitmq, rabbitmq_programs
from deploy.local.postgres import NoPostgres, PrivatePostgres
from deploy.local.process import ProgramFailed
from deploy.local.rabbitmq import PrivateRabbitMQ
from deploy.local.rabbitmq_programs import NoRabbitMQ

ROOT = Path(__file__).resolve().parents[2]
# Read by the local stack alone; the services, which refuse settings they do not know, must not inherit these.
OURS = (
    "QUARTERMASTER_STACK",
    "QUARTERMASTER_POSTGRES_URL",
    "QUARTERMASTER_POSTGRES_BIN",
    "QUARTERMASTER_POSTGRES_IMAGE",
    "QUARTERMASTER_RABBITMQ_URL",
    "QUARTERMASTER_RABBITMQ_MANAGEMENT_URL",
    "QUARTERMASTER_RABBITMQ_BIN",
    "QUARTERMASTER_RABBITMQ_IMAGE",
)
Say = Callable[[str], None]
Found = dict[str, str]


@dataclass(frozen=True)
class Servers:
    """Where the two servers are, as their administrators, and how each came to be chosen."""

    home: Path
    postgres_url: str
    rabbitmq_url: str
    rabbitmq_management_url: str
    origins: Mapping[str, str]
    # True for servers that somebody else runs: nothing is removed there but what we made.
    borrowed: Mapping[str, bool]


class NoServer(RuntimeError):
    """A server could not be had; the message says what was tried and what would help."""


class _PassedOver(Exception):
    """Not an error: the next step is tried, and the reason told."""


@dataclass(frozen=True)
class _Step:
    kind: str
    title: str
    take: Callable[[Path, bool], Awaitable[Found]]


async def start_servers(
    home: Path, *, durable: bool = True, staying: bool = False, say: Say = lambda _: None
) -> Servers:
    """Find or start both servers and hold them until `stop_servers`, or until this process is gone.

    Runs that share a `home` share its servers. `durable=False` gives up safety against power cuts, for tests;
    `staying` leaves them running without us.
    """
    home = home.resolve()
    async with holders.locked(home, say):
        used = holders.needed(home)
        # Held and watched before anything starts: whatever ends us midway, nothing stays behind.
        holders.hold(home)
        _post_keeper(home)
        try:
            recorded = await _reused_or_started(home, durable, used, say)
        except BaseException:
            holders.release(home)
            if not holders.needed(home):
                await _stop(home, at_once=True)
                await _dismiss_keeper(home)
            raise
        if staying:
            holders.hold(home, staying=True)
            holders.release(home)
    return _servers(home, recorded)


async def _reused_or_started(home: Path, durable: bool, used: bool, say: Say) -> dict[str, Any]:
    wish = {"durable": durable, **{name: os.environ.get(name, "") for name in OURS}}
    recorded = _recorded(home)
    well = recorded is not None and await _healthy(recorded)
    if recorded is not None and well and recorded["wish"] == wish:
        say("the servers of an earlier run are still there: using them")
        return recorded
    if well and used:
        raise NoServer(
            f"Another run uses the servers in {home}, started with other settings."
            "\nWait for it, or stop it: make down"
        )
    await _stop(home)
    if not durable:
        _forget(home)
    return await _climb(home, wish, durable, say)


async def stop_servers(home: Path, *, everyone: bool = False) -> None:
    """Give up our hold and stop the servers unless another run needs them; `everyone`: regardless."""
    home = home.resolve()
    if not home.exists():
        return
    async with holders.locked(home):
        if everyone:
            holders.release_everyone(home)
        else:
            holders.release(home)
        if not holders.needed(home):
            await _stop(home)
            await _dismiss_keeper(home)


async def stop_unneeded(home: Path) -> None:
    """Stop the servers if nobody holds them any more."""
    async with holders.locked(home):
        if not holders.needed(home):
            await _stop(home)


@asynccontextmanager
async def shared_servers(
    home: Path, *, durable: bool = False, say: Say = lambda _: None
) -> AsyncIterator[Servers]:
    """For a test session: workers that name the same `home` share one pair; the last one out stops it."""
    servers = await start_servers(home, durable=durable, say=say)
    try:
        yield servers
    finally:
        await stop_servers(home)


def running_servers(home: Path) -> Servers | None:
    """What an earlier run recorded, whether or not it still answers; None when nothing is recorded."""
    recorded = _recorded(home.resolve())
    return None if recorded is None else _servers(home.resolve(), recorded)


async def health(servers: Servers) -> dict[str, str | None]:
    """Per server None when it answers, else the reason it does not."""
    first, second = await asyncio.gather(
        postgres.why_silent(servers.postgres_url),
        rabbitmq.why_silent(servers.rabbitmq_url, servers.rabbitmq_management_url),
    )
    return {"postgres": first, "rabbitmq": second}


# The steps.


async def _postgres_named(_home: Path, _durable: bool) -> Found:
    url = os.environ.get("QUARTERMASTER_POSTGRES_URL")
    if not url:
        raise _PassedOver("QUARTERMASTER_POSTGRES_URL is not set")
    reason = await postgres.why_silent(url)
    if reason is None:
        reason = await _lacking_rights(url)
    if reason is not None:
        raise NoServer(f"QUARTERMASTER_POSTGRES_URL is set, but cannot be used: {reason}")
    return {"url": url}


async def _lacking_rights(url: str) -> str | None:
    connection = await asyncpg.connect(url, timeout=3)
    try:
        allowed = await connection.fetchval(
            "SELECT rolsuper OR (rolcreatedb AND rolcreaterole) FROM pg_roles WHERE rolname = current_user"
        )
    finally:
        await connection.close()
    return None if allowed else "its user may not create databases and roles"


async def _rabbitmq_named(_home: Path, _durable: bool) -> Found:
    url = os.environ.get("QUARTERMASTER_RABBITMQ_URL")
    management_url = os.environ.get("QUARTERMASTER_RABBITMQ_MANAGEMENT_URL")
    if not url and not management_url:
        raise _PassedOver("QUARTERMASTER_RABBITMQ_URL is not set")
    if not url or not management_url:
        raise NoServer(
            "QUARTERMASTER_RABBITMQ_URL and QUARTERMASTER_RABBITMQ_MANAGEMENT_URL go together; one is missing"
        )
    reason = await rabbitmq.why_silent(url, management_url)
    if reason is not None:
        raise NoServer(f"QUARTERMASTER_RABBITMQ_URL is set, but cannot be used: {reason}")
    return {"url": url, "management_url": management_url}


async def _postgres_container(home: Path, durable: bool) -> Found:
    return await docker.start_postgres(home, durable=durable)


async def _rabbitmq_container(home: Path, durable: bool) -> Found:
    return await docker.start_rabbitmq(home, durable=durable)


async def _postgres_private(home: Path, durable: bool) -> Found:
    _, why = postgres.find_programs()
    server = PrivatePostgres(home, durable=durable, free=True)
    await server.start()
    return {"url": server.url, "why": f"{why}, on port {server.port}"}


async def _rabbitmq_installed(home: Path, _durable: bool) -> Found:
    return await _rabbitmq_private(home, rabbitmq_programs.installed(), "run privately")


async def _rabbitmq_fetched(home: Path, _durable: bool) -> Found:
    programs = rabbitmq_programs.fetched()
    why = "fetched by an earlier run"
    if programs is None:
        programs = await rabbitmq_programs.fetch()
        why = "Debian's packages unpacked under .local, nothing installed"
    return await _rabbitmq_private(home, programs, why)


async def _rabbitmq_from_packages(home: Path, _durable: bool) -> Found:
    return await _rabbitmq_private(home, await rabbitmq_programs.install(), "installed for it, run privately")


async def _rabbitmq_private(home: Path, programs: rabbitmq_programs.Programs, why: str) -> Found:
    server = PrivateRabbitMQ(home, programs=programs, free=True)
    await server.start()
    return {
        "url": server.url,
        "management_url": server.management_url,
        "why": f"{why}, on port {server.port}",
    }


LADDER: Mapping[str, tuple[_Step, ...]] = {
    "postgres": (
        _Step("env", "named in the environment", _postgres_named),
        _Step("docker", "Docker", _postgres_container),
        _Step("local", "programs at hand", _postgres_private),
    ),
    "rabbitmq": (
        _Step("env", "named in the environment", _rabbitmq_named),
        _Step("docker", "Docker", _rabbitmq_container),
        _Step("local", "programs on this machine", _rabbitmq_installed),
        _Step("local", "fetched without root", _rabbitmq_fetched),
        _Step("local", "installed as root", _rabbitmq_from_packages),
    ),
}
HELP: Mapping[str, str] = {
    "postgres": """Any one of these is enough:
  export QUARTERMASTER_POSTGRES_URL=postgresql://user:password@host:5432/postgres
  docker pull postgres:18
  apt-get install postgresql            (as root; its own server may stay stopped)""",
    "rabbitmq": """Any one of these is enough:
  export QUARTERMASTER_RABBITMQ_URL=amqp://user:password@host:5672/ \\
         QUARTERMASTER_RABBITMQ_MANAGEMENT_URL=http://user:password@host:15672
  docker pull rabbitmq:4-management
  apt-get install rabbitmq-server       (as root; its own server may stay stopped)""",
}


async def _climb(home: Path, wish: Mapping[str, Any], durable: bool, say: Say) -> dict[str, Any]:
    outcomes = await asyncio.gather(
        *(_first_step_that_holds(server, home, durable, say) for server in LADDER), return_exceptions=True
    )
    recorded: dict[str, Any] = {"wish": wish}
    recorded |= {
        server: found for server, found in zip(LADDER, outcomes, strict=True) if isinstance(found, dict)
    }
    process.save_private(home / "servers.json", recorded)
    failures = [each for each in outcomes if isinstance(each, BaseException)]
    if failures:
        raise failures[0]
    return recorded


async def _first_step_that_holds(server: str, home: Path, durable: bool, say: Say) -> Found:
    forced = os.environ.get("QUARTERMASTER_STACK")
    if forced not in (None, "", "env", "docker", "local"):
        raise NoServer(f"QUARTERMASTER_STACK is {forced}; it can be env, docker or local")
    passed_over: list[str] = []
    for step in LADDER[server]:
        if forced and step.kind != forced:
            continue
        try:
            found = await step.take(home, durable)
        except (_PassedOver, docker.NoDocker, NoPostgres, NoRabbitMQ, ProgramFailed) as reason:
            passed_over.append(f"{step.title}: {reason}")
            say(f"{server}: not {step.title}: {str(reason).splitlines()[0]}")
            continue
        why = f"{step.title} ({found.pop('why')})" if "why" in found else step.title
        say(f"{server}: {why}")
        return found | {
            "kind": step.kind,
            "origin": "; ".join([why, *(f"not {each}" for each in passed_over)]),
        }
    tried = "\n".join(f"  - {each}" for each in passed_over)
    raise NoServer(f"No {server} could be had.\n\nWhat was tried:\n{tried}\n\n{HELP[server]}")


def _servers(home: Path, recorded: Mapping[str, Any]) -> Servers:
    return Servers(
        home=home,
        postgres_url=recorded["postgres"]["url"],
        rabbitmq_url=recorded["rabbitmq"]["url"],
        rabbitmq_management_url=recorded["rabbitmq"]["management_url"],
        origins={server: recorded[server]["origin"] for server in LADDER},
        borrowed={server: recorded[server]["kind"] == "env" for server in LADDER},
    )


def _recorded(home: Path) -> dict[str, Any] | None:
    try:
        recorded: dict[str, Any] = json.loads((home / "servers.json").read_text())
    except FileNotFoundError:
        return None
    return recorded if all(server in recorded for server in LADDER) else None


async def _healthy(recorded: Mapping[str, Any]) -> bool:
    found = await health(_servers(Path(), recorded))
    return all(reason is None for reason in found.values())


async def _stop(home: Path, *, at_once: bool = False) -> None:
    """Stop what we started, as far as any run got; what somebody else runs is left alone.

    `at_once` asks for no farewell: what was confirmed is safe without it.
    """
    record = home / "servers.json"
    recorded = json.loads(record.read_text()) if record.exists() else {}
    for server in LADDER:
        if recorded.get(server, {}).get("kind") == "docker":
            await docker.stop(home, server)
    database, broker = PrivatePostgres(home), PrivateRabbitMQ(home)
    if at_once or (recorded and not recorded["wish"]["durable"]):
        await asyncio.gather(database.stop(at_once=True), broker.kill())
    else:
        await asyncio.gather(database.stop(), broker.stop())
    record.unlink(missing_ok=True)


def _forget(home: Path) -> None:
    """What a careless run left: nobody counts on it, and a test begins with nothing."""
    for what in ("postgres", "rabbitmq"):
        shutil.rmtree(home / what, ignore_errors=True)
    for what in ("passwords.json", "deployments.json"):
        (home / what).unlink(missing_ok=True)


def _post_keeper(home: Path) -> None:
    """At most one stays; another finds the first and goes."""
    keeper = process.start(
        "keeper",
        [sys.executable, "-m", "deploy.local.keeper", str(home)],
        log=home / "keeper.log",
        free=True,
        folder=ROOT,
    )
    process.save_private(home / "keepers" / str(keeper.pid), keeper.record())


async def _dismiss_keeper(home: Path) -> None:
    for record in (home / "keepers").glob("[0-9]*"):
        await process.Process.recorded(json.loads(record.read_text())).stop()
        record.unlink(missing_ok=True)
