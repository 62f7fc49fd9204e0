"""The ladder: which step is taken, which are passed over and why; who shares servers and when they stop."""

import asyncio
import re
import sys
from pathlib import Path

import asyncpg
import httpx2
import pytest

from deploy.local import process
from deploy.local.definitions import SERVICES, USERS
from deploy.local.provision import NotOurs, provision, unprovision
from deploy.local.servers import NoServer, Servers, health, running_servers, start_servers, stop_servers
from tests.deploy.conftest import Programs
from tests.deploy.machine import eventually, running_with
from tests.deploy.test_provision import users_only

ENGINE_WITHOUT_IMAGES = """
case "$1" in
  info) echo 28.0.0 ;;
  image) echo "Error: No such image" >&2; exit 1 ;;
  pull) echo "Error response from daemon: no route to host" >&2; exit 1 ;;
esac
"""


def name_servers(monkeypatch: pytest.MonkeyPatch, servers: Servers) -> None:
    monkeypatch.setenv("QUARTERMASTER_POSTGRES_URL", servers.postgres_url)
    monkeypatch.setenv("QUARTERMASTER_RABBITMQ_URL", servers.rabbitmq_url)
    monkeypatch.setenv("QUARTERMASTER_RABBITMQ_MANAGEMENT_URL", servers.rabbitmq_management_url)


async def test_servers_that_were_named_are_used_and_never_stopped(
    servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_servers(monkeypatch, servers)

    named = await start_servers(tmp_path)
    await stop_servers(tmp_path)

    assert named.origins == {"postgres": "named in the environment", "rabbitmq": "named in the environment"}
    assert await health(servers) == {"postgres": None, "rabbitmq": None}


async def test_a_deployment_on_named_servers_is_removed_without_a_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = await start_servers(tmp_path / "theirs", durable=False)
    before = await everything_on(theirs)
    name_servers(monkeypatch, theirs)
    named = await start_servers(tmp_path / "ours")

    await provision(named, name="guest", define=users_only)
    during = await everything_on(theirs)
    await unprovision(named, "guest")

    await stop_servers(tmp_path / "ours")
    after = await everything_on(theirs)
    await stop_servers(tmp_path / "theirs")
    assert (after, len(during - before)) == (before, len(SERVICES) * 2 + len(USERS) + 1)


async def test_users_that_others_made_on_a_named_broker_are_left_alone(
    servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await provision(servers, name="others", define=users_only)
    before = of_others(await everything_on(servers))
    name_servers(monkeypatch, servers)
    named = await start_servers(tmp_path)

    with pytest.raises(NotOurs, match="already has a user requests"):
        await provision(named, name="others_guest", define=users_only)

    await stop_servers(tmp_path)
    after = of_others(await everything_on(servers))
    await unprovision(servers, "others")
    assert after == before


def of_others(everything: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """What could have been taken over; other tests have rooms of their own on the same servers meanwhile."""
    return {
        (kind, name) for kind, name in everything if name.startswith("others") or name.split()[0] in USERS
    }


async def everything_on(servers: Servers) -> set[tuple[str, str]]:
    """Databases, logins, virtual hosts and users, with the users' passwords as the broker keeps them."""
    connection = await asyncpg.connect(servers.postgres_url)
    databases = await connection.fetch(
        "SELECT 'database', datname FROM pg_database UNION SELECT 'login', rolname FROM pg_roles"
    )
    await connection.close()
    async with httpx2.AsyncClient(base_url=servers.rabbitmq_management_url) as client:
        hosts = (await client.get("/api/vhosts")).json()
        users = (await client.get("/api/users")).json()
    return {
        *((kind, name) for kind, name in databases),
        *(("virtual host", each["name"]) for each in hosts),
        *(("user", f"{each['name']} {each['password_hash']}") for each in users),
    }


async def test_a_named_server_that_is_away_is_an_error_and_not_passed_over(
    servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_servers(monkeypatch, servers)
    monkeypatch.setenv("QUARTERMASTER_POSTGRES_URL", "postgresql://postgres@127.0.0.1:1/postgres")

    with pytest.raises(
        NoServer, match="QUARTERMASTER_POSTGRES_URL is set, but cannot be used: ConnectionRefusedError"
    ):
        await start_servers(tmp_path)


async def test_a_silent_named_server_is_given_up_after_three_seconds(
    servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)
        writer.close()

    name_servers(monkeypatch, servers)
    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    monkeypatch.setenv("QUARTERMASTER_RABBITMQ_URL", f"amqp://guest:guest@127.0.0.1:{port}/")

    with pytest.raises(NoServer, match="QUARTERMASTER_RABBITMQ_URL is set, but cannot be used: TimeoutError"):
        await asyncio.wait_for(start_servers(tmp_path), 8)
    silent.close()


async def test_an_engine_without_images_is_passed_over(tmp_path: Path, first_on_path: Programs) -> None:
    first_on_path.add("docker", ENGINE_WITHOUT_IMAGES)
    said: list[str] = []

    found = await start_servers(tmp_path, durable=False, say=said.append)

    await stop_servers(tmp_path)
    assert "postgres: not Docker: the image postgres:18 is not here and cannot be pulled" in "\n".join(said)
    assert found.origins["postgres"].startswith("programs at hand")


async def test_when_nothing_can_be_had_the_message_says_what_was_tried_and_what_to_type(
    tmp_path: Path, first_on_path: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_on_path.add("docker", ENGINE_WITHOUT_IMAGES)
    monkeypatch.setenv("QUARTERMASTER_STACK", "docker")

    with pytest.raises(NoServer) as failure:
        await start_servers(tmp_path)

    text = str(failure.value)
    assert re.search(r"Docker: the image postgres:18 is not here and cannot be pulled: .*no route", text)
    assert "docker pull postgres:18" in text
    assert len(text.splitlines()) < 24


async def test_the_last_run_to_leave_stops_the_servers(tmp_path: Path) -> None:
    first = await start_servers(tmp_path, durable=False)
    second = await start_servers(tmp_path, durable=False)
    await stop_servers(tmp_path)
    between = await health(second)

    await stop_servers(tmp_path)

    assert (first, between) == (second, {"postgres": None, "rabbitmq": None})
    assert running_with(str(tmp_path)) == []
    assert running_servers(tmp_path) is None


async def test_the_servers_of_a_killed_run_are_stopped(tmp_path: Path) -> None:
    run = process.start("run", [sys.executable, "-c", RUN, tmp_path], log=tmp_path / "log", folder=Path.cwd())
    await eventually((tmp_path / "started").exists, within=60)

    await run.kill()

    await eventually(lambda: not running_with(str(tmp_path)), within=30)


async def test_a_run_with_other_wishes_does_not_disturb_the_one_before(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUARTERMASTER_STACK", "local")

    with pytest.raises(NoServer, match="Another run uses the servers"):
        await start_servers(servers.home, durable=True)


RUN = """
import asyncio, sys
from pathlib import Path
from deploy.local.servers import start_servers

async def main(home):
    await start_servers(home, durable=False)
    (home / "started").touch()
    await asyncio.Event().wait()

asyncio.run(main(Path(sys.argv[1])))
"""
