"""The four services as processes of this machine: migrated, started, watched, drained."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from time import monotonic

import httpx2

from deploy.local import ports, process
from deploy.local.definitions import ACT_AS, SERVICES
from deploy.local.process import Process, ProgramFailed
from deploy.local.servers import OURS, ROOT

READY_SECONDS = 120
ISSUER = "issuer"
# More than the services allow themselves.
DRAIN_SECONDS = 25


def service_command(service: str, role: str) -> list[str]:
    return [sys.executable, "-m", f"services.{service}", "--role", role]


class Supervisor:
    """Runs the services with the settings `provision` gave; `settings` are added for all of them.

    Processes are named after their service; extra dock workers are `receiving-worker-1` and on. Tied
    processes die with us; `free` ones stay and are found again by `Supervisor.recorded`. The services believe the
    tokens of `issuer`; without one, a development issuer is started beside them.
    """

    def __init__(
        self,
        environments: Mapping[str, Mapping[str, str]],
        *,
        home: Path,
        receiving_workers: int = 1,
        settings: Mapping[str, str] | None = None,
        issuer: str | None = None,
        free: bool = False,
        command: Callable[[str, str], Sequence[str]] = service_command,
    ) -> None:
        self.home = home.resolve()
        self.logs = self.home / "logs"
        self.processes: dict[str, Process] = {}
        self.urls: dict[str, str] = {}
        self._environments = environments
        self._receiving_workers = receiving_workers
        self._settings = dict(settings or {})
        self._issuer = issuer
        self._free = free
        self._command = command

    @classmethod
    def recorded(cls, home: Path) -> Supervisor:
        """The processes an earlier run left running in `home`; none when there was no such run."""
        found = cls({}, home=home)
        path = found.home / "services.json"
        for name, record in json.loads(path.read_text()).items() if path.exists() else ():
            found.processes[name] = Process.recorded(record)
            found.urls[name] = record["url"]
        return found

    def ended(self) -> list[str]:
        """Those that should run and do not."""
        wanted = dict.fromkeys([*SERVICES, *self.processes])
        return [name for name in wanted if name not in self.processes or not self.processes[name].running]

    async def start(self) -> None:
        """Start every process, its database migrated first, and return once all of them are ready."""
        try:
            if self._issuer is None:
                await self._start_issuer()
            for service in SERVICES:
                self.start_one(service, migrate=True)
            await asyncio.gather(*(self.wait_ready(name) for name in SERVICES))
            extra = [f"receiving-worker-{number}" for number in range(1, self._receiving_workers)]
            for name in extra:
                self.start_one("receiving", role="worker", name=name)
            await asyncio.gather(*(self.wait_ready(name) for name in extra))
        except BaseException:
            await self.kill()
            raise

    def start_one(
        self,
        service: str,
        *,
        role: str = "all",
        name: str | None = None,
        extra: Mapping[str, str] | None = None,
        migrate: bool = False,
    ) -> Process:
        """Start one process, with `extra` in its environment; it may not be ready yet.

        With `migrate` it brings its database to the newest schema before anything else.
        """
        name = name or service
        ours = {
            **self._environments[service],
            "QUARTERMASTER_OIDC_ISSUER": self._issuer or "",
            "QUARTERMASTER_ACT_AS": json.dumps(ACT_AS),
            **self._settings,
            **(extra or {}),
        }
        return self._start(name, [*self._command(service, role), *(["--migrate"] if migrate else [])], ours)

    async def _start_issuer(self) -> None:
        self._start(ISSUER, [sys.executable, "-m", "deploy.issuer", "--home", str(self.home)], {})
        self._issuer = self.urls[ISSUER]
        await self.wait_ready(ISSUER)

    def _start(self, name: str, command: Sequence[str], settings: Mapping[str, str]) -> Process:
        (port,) = ports.free_ports(1)
        inherited = {key: value for key, value in os.environ.items() if key not in OURS}
        ours = {"QUARTERMASTER_ENVIRONMENT": "development", "QUARTERMASTER_HTTP_PORT": str(port)}
        started = process.start(
            name,
            command,
            log=self.logs / f"{name}.log",
            environment={**inherited, **ours, **settings},
            free=self._free,
            folder=ROOT,
        )
        self.processes[name] = started
        self.urls[name] = f"http://127.0.0.1:{port}"
        self._record()
        return started

    def token(self, person: str, *roles: str) -> str:
        """A token of the issuer that runs beside the services, to be somebody with."""
        # Here, because it brings cryptography along, and most commands have no need of it.
        keys = import_module("deploy.issuer.keys").Keys(self.home)
        return str(keys.token(self.urls[ISSUER], person, roles))

    async def wait_ready(self, name: str, *, timeout: float = READY_SECONDS) -> None:
        """Return once the process says that it is ready; raise when it ended or takes longer."""
        deadline = monotonic() + timeout
        answer = "no answer yet"
        async with httpx2.AsyncClient(base_url=self.urls[name], timeout=3) as client:
            while monotonic() < deadline:
                if not self.processes[name].running:
                    raise self._failed(name, "has ended")
                try:
                    response = await client.get("/health/ready")
                    if response.status_code == 200:
                        return
                    answer = f"{response.status_code} {response.text[:500]}"
                except httpx2.TransportError as failure:
                    answer = f"{type(failure).__name__} {failure}"
                await asyncio.sleep(0.05)
        raise self._failed(name, f"is not ready after {timeout:g} s ({answer})")

    async def readiness(self, name: str) -> str:
        """`ready`, or in a few words why not."""
        if not self.processes[name].running:
            return "ended"
        try:
            async with httpx2.AsyncClient(base_url=self.urls[name], timeout=3) as client:
                response = await client.get("/health/ready")
        except httpx2.TransportError as failure:
            return f"silent ({type(failure).__name__})"
        return "ready" if response.status_code == 200 else f"not ready: {response.text[:200]}"

    async def watch(self) -> None:
        """Raise, with its last words, as soon as one of the processes has ended by itself."""
        while True:
            for name, each in self.processes.items():
                if not each.running:
                    raise self._failed(name, f"has ended ({_ending(each)})")
            await asyncio.sleep(0.2)

    async def stop(self) -> None:
        """Let all of them drain at once. Interrupted while waiting, or out of patience, kill what is left."""
        try:
            await asyncio.gather(
                *(each.stop(signal.SIGTERM, patience=DRAIN_SECONDS) for each in self.processes.values())
            )
        finally:
            await self.kill()

    async def kill(self) -> None:
        """SIGKILL for whatever still runs."""
        for each in self.processes.values():
            each.send(signal.SIGKILL)
        await asyncio.gather(*(each.kill() for each in self.processes.values()))
        (self.home / "services.json").unlink(missing_ok=True)

    def _record(self) -> None:
        records = {name: each.record() | {"url": self.urls[name]} for name, each in self.processes.items()}
        process.save_private(self.home / "services.json", records)

    def _failed(self, name: str, what: str) -> ProgramFailed:
        return ProgramFailed(
            f"{name} {what}. Its last words ({self.processes[name].log}):\n"
            f"{self.processes[name].last_words()}"
        )


def _ending(ended: Process) -> str:
    status = ended.exit_status
    if status is None:
        return "unknown status"
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
