"""The servers as containers, where an engine answers and has the images or can get them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from deploy.local import ports, postgres, process, rabbitmq

ANSWER_SECONDS = 2
PULL_SECONDS = 60
START_SECONDS = 90


class NoDocker(RuntimeError):
    """Docker cannot give this server; the message says why."""


@dataclass(frozen=True)
class Image:
    """A server's image: the variable that overrides it, the ports inside, and where it keeps its data."""

    server: str
    name: str
    override: str
    ports: tuple[int, ...]
    data: str

    @property
    def reference(self) -> str:
        return os.environ.get(self.override, self.name)


# postgres:18 refuses a volume one level deeper.
POSTGRES = Image("postgres", "postgres:18", "QUARTERMASTER_POSTGRES_IMAGE", (5432,), "/var/lib/postgresql")
RABBITMQ = Image(
    "rabbitmq", "rabbitmq:4-management", "QUARTERMASTER_RABBITMQ_IMAGE", (5672, 15672), "/var/lib/rabbitmq"
)


async def start_postgres(home: Path, *, durable: bool) -> dict[str, str]:
    await _available(POSTGRES.reference)
    password = _password(home)
    settings = postgres.CARELESS if not durable else {}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    (port,) = await _start(home, POSTGRES, durable, {"POSTGRES_PASSWORD": password}, options)
    url = f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
    await _ready(home, POSTGRES, lambda: postgres.why_silent(url))
    return {"url": url}


async def start_rabbitmq(home: Path, *, durable: bool) -> dict[str, str]:
    await _available(RABBITMQ.reference)
    password = _password(home)
    login = {"RABBITMQ_DEFAULT_USER": rabbitmq.USER, "RABBITMQ_DEFAULT_PASS": password}
    port, management = await _start(home, RABBITMQ, durable, login, [])
    url = f"amqp://{rabbitmq.USER}:{password}@127.0.0.1:{port}/"
    management_url = f"http://{rabbitmq.USER}:{password}@127.0.0.1:{management}"
    await _ready(home, RABBITMQ, lambda: rabbitmq.why_silent(url, management_url))
    return {"url": url, "management_url": management_url}


async def stop(home: Path, server: str) -> None:
    """Remove the container; its volume keeps the data."""
    await _docker("rm", "--force", container(home, server), within=60)


async def forget(home: Path) -> None:
    """Remove the volumes too."""
    for image in (POSTGRES, RABBITMQ):
        await _docker("volume", "rm", "--force", container(home, image.server), within=60)


def container(home: Path, server: str) -> str:
    """One name per checkout, so that two of them do not share a server."""
    return f"quartermaster-{hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:8]}-{server}"


async def _start(
    home: Path, image: Image, durable: bool, secret: Mapping[str, str], options: list[str]
) -> list[int]:
    name = container(home, image.server)
    await stop(home, image.server)
    chosen = ports.free_ports(len(image.ports))
    published = [
        part
        for outside, inside in zip(chosen, image.ports, strict=True)
        for part in ("--publish", f"127.0.0.1:{outside}:{inside}")
    ]
    # By name only: what stands on a command line can be read by everyone on the machine.
    secrets_by_name = [part for variable in secret for part in ("--env", variable)]
    volume = ["--volume", f"{name}:{image.data}"] if durable else []
    answer = await _docker(
        "run", "--detach", "--name", name, "--hostname", "quartermaster", *published, *secrets_by_name,
        *volume, image.reference, *options, within=60, environment=secret,
    )  # fmt: skip
    if answer.status:
        raise NoDocker(f"the container did not start: {answer.words}")
    return chosen


async def _available(reference: str) -> None:
    if not shutil.which("docker"):
        raise NoDocker("docker is not installed")
    engine = await _docker("info", "--format", "{{.ServerVersion}}", within=ANSWER_SECONDS)
    if engine.status:
        raise NoDocker(f"its engine does not answer: {engine.words}")
    if (await _docker("image", "inspect", reference, within=10)).status == 0:
        return
    pulled = await _docker("pull", "--quiet", reference, within=PULL_SECONDS)
    if pulled.status:
        raise NoDocker(f"the image {reference} is not here and cannot be pulled: {pulled.words}")


async def _ready(home: Path, image: Image, why_silent: Callable[[], Awaitable[str | None]]) -> None:
    name = container(home, image.server)
    deadline = monotonic() + START_SECONDS
    while (reason := await why_silent()) is not None:
        state = await _docker("inspect", "--format", "{{.State.Running}}", name, within=10)
        if state.words == "false" or monotonic() > deadline:
            said = await _docker("logs", "--tail", "5", name, within=10)
            await stop(home, image.server)
            raise NoDocker(
                f"the container of {image.reference} is not ready ({reason}); it said: {said.words}"
            )
        await asyncio.sleep(0.2)


@dataclass(frozen=True)
class _Answer:
    status: int
    words: str


async def _docker(*arguments: str, within: float, environment: Mapping[str, str] | None = None) -> _Answer:
    try:
        running = await asyncio.create_subprocess_exec(
            "docker", *arguments,
            env=os.environ | dict(environment or {}),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
    except OSError as failure:
        return _Answer(127, str(failure))
    try:
        output, _ = await asyncio.wait_for(running.communicate(), within)
    except TimeoutError:
        return _Answer(124, f"no answer within {within:g} s")
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()
    lines = output.decode(errors="replace").strip().splitlines()
    return _Answer(running.returncode or 0, lines[-1] if lines else "")


def _password(home: Path) -> str:
    """Kept, because a volume remembers the first one it was given."""
    path = home / "docker.json"
    if not path.exists():
        process.save_private(path, {"password": secrets.token_urlsafe(16)})
    return str(json.loads(path.read_text())["password"])
