"""Real servers for the tests of the local stack: one shared pair, and a room to start others in."""

import os
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local.servers import OURS, ROOT, Servers, shared_servers


@pytest.fixture(autouse=True)
def _no_settings_of_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OURS:
        monkeypatch.delenv(name, raising=False)


@pytest_asyncio.fixture(scope="session")
async def servers() -> AsyncIterator[Servers]:
    """One pair for all workers of the run, on this machine whatever else it offers."""
    before = {name: os.environ.pop(name) for name in OURS if name in os.environ}
    os.environ["QUARTERMASTER_STACK"] = "local"
    try:
        async with shared_servers(ROOT / ".local" / "test-deploy") as shared:
            del os.environ["QUARTERMASTER_STACK"]
            os.environ.update(before)
            yield shared
    finally:
        os.environ.pop("QUARTERMASTER_STACK", None)


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder every user of the machine can reach, unlike the checkout, perhaps."""
    folder = Path(tempfile.mkdtemp(prefix="quartermaster-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def first_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Programs":
    return Programs(tmp_path / "bin", monkeypatch)


class Programs:
    """Puts small programs of our own before the machine's."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        folder.mkdir()
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def add(self, name: str, script: str) -> None:
        program = self.folder / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
