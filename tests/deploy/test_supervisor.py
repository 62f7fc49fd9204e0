"""Services as processes: started in order, watched, drained, and told apart when one fails."""

import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local.definitions import SERVICES
from deploy.local.process import ProgramFailed
from deploy.local.servers import OURS
from deploy.local.supervisor import Supervisor

# Ready at once; says when it drains; writes down what it was given.
SERVICE = """
import http.server, os, signal, sys

role = sys.argv[1]
if "--migrate" in sys.argv:
    print("migrated", flush=True)

class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health/ready" else 404)
        self.end_headers()

    def log_message(self, *_):
        pass

def drain(*_):
    print("drained", flush=True)
    os._exit(0)

signal.signal(signal.SIGTERM, drain)
print(role, *sorted(name for name in os.environ if name.startswith("QUARTERMASTER_")), flush=True)
if "ENDS_WITH" in os.environ:
    print("I cannot go on", flush=True)
    os._exit(int(os.environ["ENDS_WITH"]))
http.server.HTTPServer(("127.0.0.1", int(os.environ["QUARTERMASTER_HTTP_PORT"])), Ready).serve_forever()
"""


GIVEN = [f"QUARTERMASTER_{name}" for name in ("ACT_AS", "ENVIRONMENT", "HTTP_PORT", "OIDC_ISSUER")]
ISSUER = "http://127.0.0.1:9"


def a_service(_name: str, role: str) -> list[str]:
    return [sys.executable, "-c", SERVICE, role]


def a_supervisor(home: Path, **settings: str) -> Supervisor:
    return Supervisor(
        {each: {} for each in SERVICES}, home=home, settings=settings, issuer=ISSUER, command=a_service
    )


@pytest_asyncio.fixture
async def running(tmp_path: Path) -> AsyncIterator[Supervisor]:
    supervisor = a_supervisor(tmp_path)
    await supervisor.start()
    yield supervisor
    await supervisor.kill()


async def test_every_service_is_migrated_then_started_and_ready(running: Supervisor) -> None:
    log = (running.logs / "assets.log").read_text().splitlines()

    assert set(running.processes) == set(running.urls) == set(SERVICES)
    assert [await running.readiness(name) for name in SERVICES] == ["ready"] * 4
    assert log == ["migrated", f"all {' '.join(GIVEN)}"]


async def test_services_do_not_inherit_the_settings_of_the_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in OURS:
        monkeypatch.setenv(name, "something")
    supervisor = a_supervisor(tmp_path)

    await supervisor.start()

    await supervisor.kill()
    assert "QUARTERMASTER_POSTGRES_URL" not in supervisor.processes["assets"].last_words()


async def test_receiving_can_have_more_workers(tmp_path: Path) -> None:
    supervisor = Supervisor(
        {each: {} for each in SERVICES}, home=tmp_path, receiving_workers=3, command=a_service
    )

    await supervisor.start()

    roles = {name: each.last_words().split()[0] for name, each in supervisor.processes.items()}
    await supervisor.kill()
    assert roles["receiving-worker-1"] == roles["receiving-worker-2"] == "worker"


async def test_stopping_lets_every_service_drain(running: Supervisor) -> None:
    await running.stop()

    assert {each.exit_status for each in running.processes.values()} == {0}
    assert {each.last_words(1) for each in running.processes.values()} == {"drained"}


async def test_a_service_that_does_not_start_is_named_with_its_last_words(tmp_path: Path) -> None:
    supervisor = a_supervisor(tmp_path, ENDS_WITH="3")

    with pytest.raises(ProgramFailed, match=r"(?s)has ended.*I cannot go on"):
        await supervisor.start()

    assert [each for each in supervisor.processes.values() if each.running] == []


async def test_a_service_that_dies_later_is_noticed(running: Supervisor) -> None:
    os.kill(running.processes["purchasing"].pid, signal.SIGKILL)

    with pytest.raises(ProgramFailed, match=r"purchasing has ended \(killed by SIGKILL\)"):
        await running.watch()


async def test_one_service_can_be_killed_and_started_again_with_more_in_its_environment(
    running: Supervisor,
) -> None:
    await running.processes["receiving"].kill()

    again = running.start_one("receiving", extra={"QUARTERMASTER_CRASH_AT": "checked:1"})
    await running.wait_ready("receiving")

    assert "QUARTERMASTER_CRASH_AT" in again.last_words(1)


async def test_services_left_running_are_found_again(tmp_path: Path) -> None:
    first = Supervisor({each: {} for each in SERVICES}, home=tmp_path, free=True, command=a_service)
    await first.start()

    found = Supervisor.recorded(tmp_path)
    states = [await found.readiness(name) for name in SERVICES]
    await found.stop()

    assert (states, found.urls) == (["ready"] * 4, first.urls)
    assert [each for each in first.processes.values() if each.running] == []
