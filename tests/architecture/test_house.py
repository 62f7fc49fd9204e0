"""The files around the code: commands, lock, settings, and nothing that belongs to one machine only."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from deploy.local.servers import LADDER, OURS
from libs.chassis.settings import PREFIX, READ_ELSEWHERE, documentation
from tests.architecture.source import ROOT

COMMANDS = {
    "demo",
    "up",
    "down",
    "status",
    "token",
    "import",
    "logs",
    "check",
    "test",
    "journeys",
    "bench",
    "volume",
    "docs",
    "format",
    "lock",
    "clean",
    "help",
}
PIN = re.compile(r"^([a-z0-9-]+)(\[[a-z,]+\])?==[0-9.]+$")


def tracked_texts() -> dict[str, str]:
    """Every file that belongs to the project and is text."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    texts = {}
    for name in listed:
        path = ROOT / name
        if path.is_file():
            try:
                texts[name] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
    return texts


def test_make_help_lists_every_command() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert set(re.findall(r"make ([a-z]+)  ", shown)) == COMMANDS


def test_every_direct_dependency_is_pinned_and_locked_with_hashes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project["dependency-groups"].values()
    wanted = [*project["project"]["dependencies"], *(each for group in groups for each in group)]
    lock = (ROOT / "requirements.lock").read_text()

    pins = [each for each in wanted if isinstance(each, str)]

    assert [each for each in pins if not PIN.match(each)] == []
    assert [each for each in pins if not re.search(rf"(?m)^{locked(each)} ", lock)] == []
    assert "==" not in re.sub(r"(?m)^[a-z0-9-]+==\S+( ; .*)? \\\n    --hash=sha256:", "", lock)


def locked(pin: str) -> str:
    """How the lock writes a pin: without extras."""
    return re.escape(re.sub(r"\[.*\]", "", pin))


def test_the_lock_names_no_package_host() -> None:
    assert "://" not in (ROOT / "requirements.lock").read_text()


def test_no_file_names_the_package_host_of_this_machine() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    said += "\n".join(value for name, value in os.environ.items() if "INDEX" in name)
    hosts = {host for host in re.findall(r"https?://(?:[^@/\s'\"]*@)?([^/:\s'\"]+)", said) if "." in host}

    found = {(name, host) for name, text in tracked_texts().items() for host in hosts if host in text}

    assert found == set()


def test_every_setting_is_documented_in_the_example() -> None:
    assert (ROOT / ".env.example").read_text() == documentation()


def test_the_settings_of_the_local_stack_are_known() -> None:
    assert {name.removeprefix(PREFIX) for name in OURS} <= READ_ELSEWHERE.keys()


def test_the_steps_a_setting_names_are_those_of_the_ladder() -> None:
    kinds = dict.fromkeys(step.kind for steps in LADDER.values() for step in steps)

    assert READ_ELSEWHERE["STACK"].partition(": ")[2] == ", ".join(kinds)


def test_continuous_integration_runs_the_one_test_command() -> None:
    script = ROOT / ".ci" / "run"

    assert os.access(script, os.X_OK)
    assert Path(script).read_text().splitlines()[-1] == "make test"
