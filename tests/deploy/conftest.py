"""For tests of the local stack: a machine that says nothing, a folder open to all, programs of our own."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.servers import OURS


@pytest.fixture(autouse=True)
def _no_settings_of_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OURS:
        monkeypatch.delenv(name, raising=False)


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
