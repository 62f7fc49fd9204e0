"""One running program: started tied to us or free of us, recognised later, asked to stop, made to stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import psutil

LEASH = Path(__file__).with_name("leash.py")
POLL_SECONDS = 0.02


class ProgramFailed(RuntimeError):
    """A program ended although it should be running, or refused to end; the message shows its last words."""


@dataclass(eq=False)
class Process:
    """A program by its process id and the moment it started, so that a recycled id is never taken for it."""

    name: str
    pid: int
    started: float
    log: Path
    _popen: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def running(self) -> bool:
        if self._popen is not None:
            return self._popen.poll() is None
        return is_running(self.pid, self.started)

    @property
    def exit_status(self) -> int | None:
        """What it ended with; None while it runs, and for one that was started free of us."""
        return self._popen.poll() if self._popen is not None else None

    def send(self, number: signal.Signals) -> None:
        if self.running:
            os.kill(self.pid, number)

    async def wait(self, timeout: float) -> bool:
        """True once it has ended, False when `timeout` seconds were not enough."""
        deadline = monotonic() + timeout
        while self.running:
            if monotonic() > deadline:
                return False
            await asyncio.sleep(POLL_SECONDS)
        return True

    async def stop(self, first: signal.Signals = signal.SIGTERM, *, patience: float = 10) -> None:
        """Ask with `first`; after `patience` seconds kill it and everything it started."""
        if not self.running:
            return
        self.send(first)
        # A frozen program cannot hear anything but this.
        self.send(signal.SIGCONT)
        if not await self.wait(patience):
            await self.kill()

    async def kill(self) -> None:
        """SIGKILL, and wait until it and everything it started are gone."""
        family = descendants(self.pid, self.started)
        self.send(signal.SIGKILL)
        if not await self.wait(10):
            raise ProgramFailed(f"{self.name} (process {self.pid}) does not die")
        # Children notice the loss themselves; what does not within a second never will.
        deadline = monotonic() + 1
        while any(is_running(*each) for each in family) and monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)
        for pid, started in family:
            if is_running(pid, started):
                os.kill(pid, signal.SIGKILL)

    def last_words(self, lines: int = 15) -> str:
        return last_lines(self.log, lines)

    def record(self) -> dict[str, str | int | float]:
        return {"name": self.name, "pid": self.pid, "started": self.started, "log": str(self.log)}

    @classmethod
    def recorded(cls, record: Mapping[str, str | int | float]) -> Process:
        return cls(
            name=str(record["name"]),
            pid=int(record["pid"]),
            started=float(record["started"]),
            log=Path(str(record["log"])),
        )


def is_running(pid: int, started: float) -> bool:
    try:
        process = psutil.Process(pid)
        # The kernel counts in hundredths of a second; psutil derives the rest.
        same = abs(process.create_time() - started) < 0.05
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def descendants(pid: int, started: float) -> list[tuple[int, float]]:
    if not is_running(pid, started):
        return []
    try:
        children = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [(each.pid, each.create_time()) for each in children]


def start(
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    free: bool = False,
    on_orphaned: signal.Signals = signal.SIGTERM,
    folder: Path | None = None,
) -> Process:
    """Start a program with its output appended to `log`: tied to us, or `free` to outlive us."""
    log.parent.mkdir(parents=True, exist_ok=True)
    leash = [sys.executable, "-I", "-S", str(LEASH)]
    leash += ["free"] if free else ["tied", on_orphaned.name]
    with log.open("ab") as output:
        popen = subprocess.Popen(
            [*leash, *map(str, command)],
            env=dict(os.environ if environment is None else environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if free else output,
            stderr=output,
            start_new_session=not free,
        )
    if not free:
        return Process(name, popen.pid, psutil.Process(popen.pid).create_time(), log, popen)
    answer, _ = popen.communicate(timeout=10)
    pid = int(answer)
    try:
        return Process(name, pid, psutil.Process(pid).create_time(), log)
    except psutil.NoSuchProcess:
        raise ProgramFailed(f"{name} ended at once:\n{last_lines(log)}") from None


def last_lines(log: Path, lines: int = 15) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 32_768))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return "(it said nothing)"
    return "\n".join(text.splitlines()[-lines:]) or "(it said nothing)"


def save_private(path: Path, content: object) -> None:
    """Write JSON that only the owner may read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with open(
        os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as file:
        json.dump(content, file, indent=1)
    unfinished.replace(path)
