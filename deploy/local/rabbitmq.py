"""A RabbitMQ of our own: data, cookie, ports and Erlang port mapper apart from any other on the machine."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
from pathlib import Path
from time import monotonic
from urllib.parse import quote, urlsplit

import httpx2

from deploy.local import ports, process, rabbitmq_programs
from deploy.local.process import Process, ProgramFailed
from deploy.local.rabbitmq_programs import Programs

START_SECONDS = 90
PORTS = ("port", "management_port", "distribution_port", "epmd_port")
USER = "admin"


class PrivateRabbitMQ:
    """One node in `home`/rabbitmq. Starting again keeps its data and its ports, also after `kill`.

    `programs` says which RabbitMQ (default: the machine's own, else fetched); `free` lets it outlive us.
    """

    def __init__(self, home: Path, *, programs: Programs | None = None, free: bool = False) -> None:
        self.home = home.resolve() / "rabbitmq"
        self._programs = programs
        self._free = free
        self._state = self.home / "state.json"
        known = json.loads(self._state.read_text()) if self._state.exists() else {}
        self._ports: dict[str, int] = known.get("ports", {})
        self._password: str = known.get("password") or secrets.token_urlsafe(16)
        self._node = Process.recorded(known["node"]) if "node" in known else None
        self._epmd = Process.recorded(known["epmd"]) if "epmd" in known else None

    @property
    def pid(self) -> int:
        """Of the Erlang machine that is the broker."""
        if self._node is None:
            raise RuntimeError("RabbitMQ has not been started")
        return self._node.pid

    @property
    def port(self) -> int:
        return self._port("port")

    @property
    def management_port(self) -> int:
        return self._port("management_port")

    @property
    def url(self) -> str:
        """As its administrator, to the virtual host `/`."""
        return f"amqp://{USER}:{quote(self._password)}@127.0.0.1:{self.port}/"

    @property
    def management_url(self) -> str:
        return f"http://{USER}:{quote(self._password)}@127.0.0.1:{self.management_port}"

    @property
    def running(self) -> bool:
        return self._node is not None and self._node.running

    async def start(self) -> None:
        """Start it, unless it runs, and wait until it speaks AMQP and its management API answers."""
        if self.running:
            return
        programs = self._programs or await find_programs()
        if self._epmd is not None:
            await self._epmd.kill()
        for last_attempt in (False, False, True):
            if not self._ports or not all(ports.is_free(each) for each in self._ports.values()):
                self._ports = dict(zip(PORTS, ports.free_ports(len(PORTS)), strict=True))
            self._configure()
            await self._launch(programs)
            if await self._answers():
                return
            assert self._node is not None
            words = self._node.last_words()
            await self.kill()
            if last_attempt or all(ports.is_free(each) for each in self._ports.values()):
                raise ProgramFailed(f"RabbitMQ did not start:\n{words}")

    async def stop(self) -> None:
        """Let it close its queues and exit; its port mapper goes with it."""
        if self._node is not None:
            await self._node.stop(signal.SIGTERM, patience=20)
        if self._epmd is not None:
            await self._epmd.kill()

    async def kill(self) -> None:
        """As a power cut would: SIGKILL. Confirmed messages must be there after the next `start`."""
        for each in (self._node, self._epmd):
            if each is not None:
                await each.kill()

    def _port(self, name: str) -> int:
        if name not in self._ports:
            raise RuntimeError("RabbitMQ has not been started")
        return self._ports[name]

    def _configure(self) -> None:
        """Everything on loopback; the administrator is made when the node first starts."""
        self.home.mkdir(parents=True, exist_ok=True)
        lines = (
            f"listeners.tcp.1 = 127.0.0.1:{self.port}",
            "management.tcp.ip = 127.0.0.1",
            f"management.tcp.port = {self.management_port}",
            f"default_user = {USER}",
            f"default_pass = {self._password}",
            "log.console = true",
            "log.console.level = info",
            # A node for one machine: a tenth of the usual memory for what quorum queues have not written yet.
            "raft.wal_max_size_bytes = 67108864",
        )
        config = self.home / "rabbitmq.conf"
        config.touch(mode=0o600)
        config.write_text("\n".join(lines) + "\n")
        (self.home / "enabled_plugins").write_text("[rabbitmq_management].\n")
        (self.home / "advanced.config").write_text("[].\n")

    async def _launch(self, programs: Programs) -> None:
        environment = self._environment(programs)
        log = self.home / "rabbitmq.log"
        mapper = str(self._ports["epmd_port"])
        # Ours from the start, for Erlang would leave the one it starts behind.
        self._epmd = process.start(
            "Erlang port mapper",
            [programs.epmd, "-address", "127.0.0.1", "-port", mapper],
            log=log, environment=environment, free=self._free, folder=self.home,
        )  # fmt: skip
        await _listening(self._ports["epmd_port"], self._epmd)
        self._node = process.start(
            "RabbitMQ", [programs.server],
            log=log, environment=environment, free=self._free, folder=self.home,
        )  # fmt: skip
        state = {"ports": self._ports, "password": self._password}
        process.save_private(self._state, state | {"node": self._node.record(), "epmd": self._epmd.record()})

    def _environment(self, programs: Programs) -> dict[str, str]:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("RABBITMQ_", "ERL_"))
        }
        return inherited | programs.environment | {
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "ERL_EPMD_PORT": str(self._ports["epmd_port"]),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(self._ports["distribution_port"]),
            "RABBITMQ_NODENAME": "quartermaster@localhost",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(self.home / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.home / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.home / "enabled_plugins"),
            # Another version could not read it.
            "RABBITMQ_MNESIA_BASE": str(self.home / f"data-{programs.version}"),
            "RABBITMQ_LOG_BASE": str(self.home / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_PID_FILE": str(self.home / "pid"),
            # Makes the script become the Erlang machine instead of waiting beside it.
            "RUNNING_UNDER_SYSTEMD": "true",
            # No thread of an idle broker spins.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none"
            ),
        }  # fmt: skip

    async def _answers(self) -> bool:
        """True once both doors are open; False when the node has ended instead."""
        assert self._node is not None
        deadline = monotonic() + START_SECONDS
        while self._node.running and monotonic() < deadline:
            if await why_silent(self.url, self.management_url) is None:
                return True
            await asyncio.sleep(0.05)
        return False


async def find_programs() -> Programs:
    """The machine's own, else fetched ones."""
    try:
        return rabbitmq_programs.installed()
    except rabbitmq_programs.NoRabbitMQ:
        return rabbitmq_programs.fetched() or await rabbitmq_programs.fetch()


async def why_silent(url: str, management_url: str, *, timeout: float = 3) -> str | None:
    """None when the broker greets and its management API lets us in within `timeout` seconds, else why."""
    try:
        async with asyncio.timeout(timeout):
            await _greeting(url)
            async with httpx2.AsyncClient(timeout=timeout) as client:
                answer = await client.get(f"{management_url.rstrip('/')}/api/overview")
    except (OSError, EOFError, TimeoutError, httpx2.HTTPError, ValueError) as failure:
        return f"{type(failure).__name__}: {failure}".strip(": ")
    if answer.status_code != 200:
        return f"its management API answers {answer.status_code}"
    return None


async def _greeting(url: str) -> None:
    """The first words of AMQP 0-9-1; a port that is merely open does not know them."""
    parts = urlsplit(url)
    secure = parts.scheme == "amqps"
    reader, writer = await asyncio.open_connection(
        parts.hostname, parts.port or (5671 if secure else 5672), ssl=secure or None
    )
    try:
        writer.write(b"AMQP\x00\x00\x09\x01")
        frame = await reader.readexactly(11)
        if frame[:1] != b"\x01" or frame[7:11] != b"\x00\x0a\x00\x0a":
            raise ValueError("what listens there does not speak AMQP 0-9-1")
    finally:
        writer.close()


async def _listening(port: int, by: Process) -> None:
    deadline = monotonic() + 10
    while ports.is_free(port):
        if not by.running or monotonic() > deadline:
            raise ProgramFailed(f"{by.name} did not start:\n{by.last_words()}")
        await asyncio.sleep(process.POLL_SECONDS)
