"""The services' logs as one stream, each line with the name of the process that wrote it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from deploy.local.process import last_lines

POLL_SECONDS = 0.2


def recent(folder: Path, lines: int) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.glob("*.log")):
        for line in last_lines(path, lines).splitlines():
            yield path.stem, line


def follow(folder: Path, lines: int) -> Iterator[tuple[str, str]]:
    """What was said last, then everything as it is said, processes that join later included."""
    read: dict[Path, int] = {path: path.stat().st_size for path in folder.glob("*.log")}
    yield from recent(folder, lines)
    while True:
        for path in sorted(folder.glob("*.log")):
            with path.open("rb") as file:
                file.seek(read.get(path, 0))
                whole, _, _ = file.read().rpartition(b"\n")
            if whole:
                read[path] = read.get(path, 0) + len(whole) + 1
                for line in whole.decode(errors="replace").split("\n"):
                    yield path.stem, line
        time.sleep(POLL_SECONDS)
