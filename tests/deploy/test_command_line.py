"""The commands as people type them: from a fresh copy, as anybody, interrupted at any moment."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import process
from deploy.local.servers import ROOT, stop_servers
from tests.deploy.machine import eventually, running_with

NOBODY = 65534
UP = [sys.executable, "-m", "deploy.local", "up", "--no-services", "--home"]


def a_fresh_copy(folder: Path) -> Path:
    """What a clone would hold, the changes not yet committed included."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.mark.timeout(400)
def test_an_ordinary_user_gets_real_servers_from_a_fresh_copy_and_leaves_nothing(public_folder: Path) -> None:
    copy = a_fresh_copy(public_folder / "copy")
    home = public_folder / "home"
    home.mkdir()
    as_user: list[str] = []
    if os.geteuid() == 0:
        as_user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        for each in (copy, home, *copy.rglob("*")):
            os.chown(each, NOBODY, NOBODY)
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_", "SSL_"))}
    environment = kept | {"HOME": str(home), "PATH": "/usr/bin:/bin"}

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*as_user, *command], cwd=copy, env=environment, capture_output=True, text=True, check=False
        )

    prepared = run("deploy/bootstrap")
    up = run(".venv/bin/python", "-m", "deploy.local", "up", "--no-services")
    down = run("make", "down")

    assert (prepared.returncode, prepared.stderr) == (0, "")
    assert (up.returncode, down.returncode) == (0, 0), up.stdout + up.stderr + down.stderr
    assert "postgres: programs at hand" in up.stdout
    assert running_with(str(copy)) == []
    assert {each.name for each in home.iterdir()} <= {".cache", ".local", ".config"}


@pytest.mark.parametrize("reached", ["postgres", "rabbitmq"])
async def test_an_interrupted_start_leaves_nothing_running(reached: str, tmp_path: Path) -> None:
    starting = process.start("up", [*UP, tmp_path], log=tmp_path / "log", folder=ROOT)
    await eventually((tmp_path / reached / "state.json").exists, within=60)

    try:
        await starting.stop(signal.SIGINT, patience=60)

        assert (starting.exit_status, starting.last_words(1)) == (130, "· stopped")
        await eventually(lambda: not running_with(str(tmp_path)), within=20)
    finally:
        await stop_servers(tmp_path, everyone=True)


async def test_a_start_killed_midway_leaves_nothing_running(tmp_path: Path) -> None:
    starting = process.start("up", [*UP, tmp_path], log=tmp_path / "log", folder=ROOT)
    await eventually((tmp_path / "rabbitmq" / "state.json").exists, within=60)

    await starting.kill()

    await eventually(lambda: not running_with(str(tmp_path)), within=40)


@pytest.mark.parametrize("workers", ["0", "-1"])
def test_a_dock_without_workers_is_refused(workers: str, tmp_path: Path) -> None:
    asked = subprocess.run(
        [*UP, str(tmp_path)],
        cwd=ROOT, env=os.environ | {"RECEIVING_WORKERS": workers}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (asked.returncode, list(tmp_path.iterdir())) == (2, [])
    assert "RECEIVING_WORKERS" in asked.stderr


def test_status_says_how_to_start_when_nothing_runs(tmp_path: Path) -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "deploy.local", "status", "--home", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (asked.returncode, asked.stdout) == (1, "Nothing runs here. Start it: make up\n")
