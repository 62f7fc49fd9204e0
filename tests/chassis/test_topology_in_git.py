"""The definitions kept in git are those of the services as they are, and hold no secret."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from deploy.local.definitions import INTEGRATIONS, SERVICES, broker_definitions
from libs.chassis.rights import INTEGRATIONS as KNOWN_INTEGRATIONS
from tests.conftest import ROOT

KEPT = ROOT / "deploy" / "definitions.json"


def test_the_file_in_git_is_current() -> None:
    made = broker_definitions("quartermaster", {})

    assert json.loads(KEPT.read_text()) == made, "run: python -m deploy.definitions > deploy/definitions.json"


def test_nobody_can_log_in_with_what_is_in_git() -> None:
    users = json.loads(KEPT.read_text())["users"]

    assert [(user["name"], user["password_hash"]) for user in users] == [
        (name, "") for name in (*SERVICES, *INTEGRATIONS)
    ]
    assert tuple(each.name for each in KNOWN_INTEGRATIONS) == INTEGRATIONS


def test_passwords_from_a_file_let_their_users_in(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords.json"
    passwords.write_text(json.dumps({"requests": "word", "admin": "another word"}))
    command = [sys.executable, "-m", "deploy.definitions", "--vhost", "here", "--passwords", str(passwords)]

    made: Any = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)

    assert {user["name"] for user in made["users"] if user["password_hash"]} == {"requests", "admin"}
    assert made["vhosts"] == [{"name": "here"}]
