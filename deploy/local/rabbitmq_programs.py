"""Finds RabbitMQ's programs on this machine, or fetches them without root and without installing anything."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FETCHED = Path(__file__).resolve().parents[2] / ".local" / "programs" / "rabbitmq"
INSTALLED = ("/usr/lib/rabbitmq/bin", "/usr/local/lib/rabbitmq/bin", "/opt/rabbitmq/sbin", "/usr/local/sbin")
FETCH_SECONDS = 240
DPKG_STATUS = Path("/var/lib/dpkg/status")


class NoRabbitMQ(RuntimeError):
    """RabbitMQ's programs are not to be had this way; the message says why."""


@dataclass(frozen=True)
class Programs:
    """Where `rabbitmq-server` and its Erlang are, and what the environment must say to run them."""

    server: Path
    epmd: Path
    environment: dict[str, str]

    @property
    def version(self) -> str:
        """Major and minor, as the folder of the release names them."""
        found = re.search(r"rabbitmq_server-(\d+\.\d+)", str(self.server))
        return found[1] if found else "unknown"


def installed() -> Programs:
    """Those on the machine, called directly: Debian's wrapper in /usr/sbin insists on root."""
    forced = os.environ.get("QUARTERMASTER_RABBITMQ_BIN")
    folders = [forced] if forced else [*INSTALLED, *os.environ.get("PATH", "").split(os.pathsep)]
    for folder in folders:
        server = Path(folder) / "rabbitmq-server"
        if server.exists() and "su rabbitmq" not in server.read_text(errors="replace"):
            erl, epmd = shutil.which("erl"), shutil.which("epmd")
            if erl and epmd:
                return Programs(server.resolve(), Path(epmd), {})
            raise NoRabbitMQ(f"{server} is here, but Erlang (erl, epmd) is not on PATH")
    looked = forced or "/usr/lib/rabbitmq, /opt/rabbitmq and PATH"
    raise NoRabbitMQ(f"rabbitmq-server is not in {looked}")


def fetched() -> Programs | None:
    """Those fetched by an earlier run, made to work from where they are now; None when there are none."""
    root = FETCHED / "root"
    server = root / "usr/lib/rabbitmq/bin/rabbitmq-server"
    if not server.exists():
        return None
    erlang = root / "usr/lib/erlang"
    # Debian's scripts know only the place of an installed Erlang and would silently use that one.
    for script in (erlang / "bin/erl", erlang / "bin/start"):
        text = script.read_text()
        moved = re.sub(r"(?m)^(\s*)ROOTDIR=/.*$", lambda found: f"{found[1]}ROOTDIR={_quoted(erlang)}", text)
        if moved != text:
            script.write_text(moved)
    libraries = [str(each) for each in (root / "usr/lib").glob("*-linux-gnu*") if each.is_dir()]
    environment = {
        "PATH": os.pathsep.join((str(erlang / "bin"), os.environ.get("PATH", "/usr/bin:/bin"))),
        "LD_LIBRARY_PATH": os.pathsep.join((*libraries, os.environ.get("LD_LIBRARY_PATH", ""))).strip(
            os.pathsep
        ),
    }
    return Programs(server.resolve(), erlang / "bin/epmd", environment)


async def fetch() -> Programs:
    """Download Debian's packages with apt's state in a folder of ours, and unpack them there."""
    if not shutil.which("apt-get") or not shutil.which("dpkg") or not DPKG_STATUS.exists():
        raise NoRabbitMQ("packages can be fetched without root only on Debian and Ubuntu (no apt-get here)")
    return await asyncio.to_thread(_fetch)


async def install() -> Programs:
    """Install the system's package with service starts denied, then use its programs privately."""
    if os.geteuid() != 0:
        raise NoRabbitMQ("installing the system's package needs root")
    if not shutil.which("apt-get"):
        raise NoRabbitMQ("installing is known only for apt-get, which is not here")
    await asyncio.to_thread(_install)
    return installed()


def _fetch() -> Programs:
    FETCHED.mkdir(parents=True, exist_ok=True)
    with (FETCHED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        earlier = fetched()
        if earlier is not None:
            return earlier
        packages = FETCHED / "packages"
        shutil.rmtree(packages, ignore_errors=True)
        packages.mkdir()
        try:
            # The machine's own package lists first; they may be missing, or older than the mirror.
            try:
                _download(packages, _apt(lists=None))
            except NoRabbitMQ:
                own = _apt(lists=FETCHED / "apt" / "lists")
                _run([*own, "update"], FETCHED)
                _download(packages, own)
            unfinished = FETCHED / "unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            for package in sorted(packages.glob("*.deb")):
                _run(["dpkg", "-x", str(package), str(unfinished)], FETCHED)
            shutil.rmtree(FETCHED / "root", ignore_errors=True)
            unfinished.rename(FETCHED / "root")
        finally:
            for leftover in ("packages", "apt", "unfinished"):
                shutil.rmtree(FETCHED / leftover, ignore_errors=True)
        programs = fetched()
        if programs is None:
            raise NoRabbitMQ("the packages fetched hold no rabbitmq-server")
        return programs


def _apt(lists: Path | None) -> list[str]:
    state = FETCHED / "apt"
    own_lists = lists or state / "lists"
    for folder in (own_lists / "partial", state / "cache" / "archives" / "partial", state / "log"):
        folder.mkdir(parents=True, exist_ok=True)
    status = state / "status"
    # Without an Erlang that is installed here: the one fetched must be whole.
    stanzas = DPKG_STATUS.read_text(errors="replace").split("\n\n")
    kept = (each for each in stanzas if not re.match(r"Package: (erlang-|rabbitmq-server)", each.lstrip()))
    status.write_text("\n\n".join(kept))
    options = {
        "Dir::State": state,
        "Dir::State::lists": own_lists if lists else "/var/lib/apt/lists",
        "Dir::State::status": status,
        "Dir::Cache": state / "cache",
        "Dir::Log": state / "log",
        "Debug::NoLocking": "1",
        "Acquire::Languages": "none",
        "Acquire::Retries": "2",
        "Acquire::http::Timeout": "20",
        "Acquire::https::Timeout": "20",
        # Root would otherwise hand the download to a user who cannot write into our folder.
        "APT::Sandbox::User": "root",
    }
    return [
        "apt-get",
        "-qq",
        *(part for name, value in options.items() for part in ("-o", f"{name}={value}")),
    ]


def _download(packages: Path, apt: list[str]) -> None:
    plan = _run([*apt, "-s", "install", "--no-install-recommends", "rabbitmq-server"], packages)
    names = re.findall(r"(?m)^Inst (\S+)", plan)
    if "rabbitmq-server" not in names:
        raise NoRabbitMQ("the package lists of this machine do not know rabbitmq-server")
    _run([*apt, "download", *names], packages)


def _install() -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with service_starts_denied():
        _run(["apt-get", "-qq", "update"], Path("/"), environment)
        command = ["apt-get", "-qq", "install", "--yes", "--no-install-recommends", "rabbitmq-server"]
        _run(command, Path("/"), environment)


@contextmanager
def service_starts_denied(policy: Path = Path("/usr/sbin/policy-rc.d")) -> Iterator[None]:
    """While this lasts, packages being installed may not start their services; an existing policy is kept."""
    if policy.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


def _run(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment or os.environ | {"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=FETCH_SECONDS,
            check=False,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        raise NoRabbitMQ(f"{command[0]} took more than {FETCH_SECONDS} s") from None
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise NoRabbitMQ(f"{command[0]} failed: {words[-1] if words else done.returncode}")
    return done.stdout


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "'\\''") + "'"
