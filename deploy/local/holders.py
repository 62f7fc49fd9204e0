"""Who uses the servers of one home: the last to leave stops them, and the dead do not count."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import psutil

from deploy.local.process import is_running

# Not a process: the user, who asked for servers that stay.
STAYING = "staying"


@asynccontextmanager
async def locked(
    home: Path,
    say: Callable[[str], None] = lambda _: None,
    *,
    name: str = "lock",
    busy: str = "another run is starting or stopping the servers here; waiting for it",
) -> AsyncIterator[None]:
    """One run at a time changes what runs in `home`; another says that it is `busy` and waits here."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / name).open("w") as file:
        waiting = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not waiting:
                    say(busy)
                    waiting = True
                await asyncio.sleep(0.05)
        yield


def hold(home: Path, *, staying: bool = False) -> None:
    """Count this process (or the user) among those who need the servers; once per call."""
    folder = home / "holders"
    folder.mkdir(exist_ok=True)
    if staying:
        (folder / STAYING).touch()
        return
    mine = f"{os.getpid()}-{psutil.Process().create_time()}"
    for number in count():
        try:
            (folder / f"{mine}-{number}").touch(exist_ok=False)
            return
        except FileExistsError:
            continue


def release(home: Path) -> None:
    """Take back one `hold` of this process."""
    for mine in sorted((home / "holders").glob(f"{os.getpid()}-*"), reverse=True):
        mine.unlink()
        return


def release_everyone(home: Path) -> None:
    for each in (home / "holders").glob("*"):
        each.unlink()


def staying(home: Path) -> bool:
    return (home / "holders" / STAYING).exists()


def living(home: Path) -> list[int]:
    """Process ids of those who hold; what the dead left behind is removed."""
    found = []
    for each in (home / "holders").glob("*-*"):
        pid, started, _ = each.name.split("-")
        if is_running(int(pid), float(started)):
            found.append(int(pid))
        else:
            each.unlink(missing_ok=True)
    return found


def needed(home: Path) -> bool:
    return staying(home) or bool(living(home))
