"""`make demo` as people use it: two at once, interrupted, on top of what runs, kept; and the examples' README."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aio_pika
import httpx2
import psutil
import pytest
import pytest_asyncio

from deploy.local import holders, process
from deploy.local.process import Process
from deploy.local.servers import OURS, ROOT, stop_servers
from deploy.local.supervisor import Supervisor
from tests.deploy.machine import eventually, running_with

DEMO = [sys.executable, "-m", "deploy.demo", "--home"]


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*OURS, "KEEP"):
        monkeypatch.delenv(name, raising=False)


@pytest_asyncio.fixture
async def home(tmp_path: Path) -> AsyncIterator[Path]:
    """A home of the test's own; however it ends, nothing runs there afterwards."""
    yield tmp_path
    await Supervisor.recorded(tmp_path).stop()
    await stop_servers(tmp_path, everyone=True)


@pytest.fixture
def demos(home: Path) -> Iterator["Demos"]:
    started = Demos(home)
    yield started
    for each in started.all:
        each.send(signal.SIGKILL)


class Demos:
    """Demos in `home`, each with its log."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.all: list[Process] = []

    def start(self, **environment: str) -> Process:
        log = self._home / f"demo-{len(self.all)}.log"
        demo = process.start(
            "demo", [*DEMO, self._home], log=log, environment=os.environ | environment, folder=ROOT
        )
        self.all.append(demo)
        return demo


async def says(demo: Process, text: str, *, within: float = 100) -> None:
    def said_or_ended() -> bool:
        return text in demo.last_words(200) or not demo.running

    await eventually(said_or_ended, within=within)
    assert text in demo.last_words(200), demo.last_words(200)


def record(home: Path, **pids: int) -> None:
    """What `make up` would have written down, had it started these processes."""
    records = {
        name: Process(name, pid, psutil.Process(pid).create_time(), home / "log").record()
        | {"url": "http://"}
        for name, pid in pids.items()
    }
    process.save_private(home / "services.json", records)
    (home / "holders").mkdir(exist_ok=True)
    holders.hold(home, staying=True)


async def test_a_second_demo_waits_and_refuses_services_of_which_one_has_ended(
    home: Path, demos: Demos
) -> None:
    with subprocess.Popen(["sleep", "60"]) as theirs:
        async with holders.locked(home, name="demo.lock"):
            demo = demos.start()
            await says(demo, "another demo runs here; waiting for it")
            # Only now: what runs must be looked at when it is its turn.
            record(home, requests=theirs.pid, purchasing=theirs.pid, receiving=theirs.pid)
        await demo.wait(30)
        untouched = theirs.poll() is None
        theirs.kill()

    assert (demo.exit_status, untouched, (home / "servers.json").exists()) == (1, True, False)
    assert "assets has ended; run: make up" in demo.last_words()


@pytest.mark.parametrize(
    ("keep", "refused"), [("1", False), ("On", False), ("no", False), ("", False), ("maybe", True)]
)
async def test_keep_is_a_yes_or_a_no(keep: str, refused: bool, home: Path, demos: Demos) -> None:
    async with holders.locked(home, name="demo.lock"):
        demo = demos.start(KEEP=keep)
        await says(demo, "KEEP is maybe; it can be" if refused else "another demo runs here")
        if not refused:
            demo.send(signal.SIGINT)
        await demo.wait(30)

    assert demo.exit_status == (2 if refused else 130)


async def test_an_interrupted_demo_keeps_nothing_although_told_to(home: Path, demos: Demos) -> None:
    demo = demos.start(KEEP="1")
    await says(demo, "publishing 300 requests")

    await demo.stop(signal.SIGINT, patience=90)

    assert (demo.exit_status, demo.last_words(1)) == (130, "· stopped")
    assert not holders.staying(home)
    await eventually(lambda: not running_with(str(home)))


@pytest.mark.timeout(400)
async def test_what_a_demo_keeps_can_be_used_as_it_says_and_as_the_examples_say(
    home: Path, demos: Demos
) -> None:
    demo = demos.start(KEEP="yes")
    await demo.wait(300)
    said = demo.last_words(200)
    assert demo.exit_status == 0, said

    addresses = re.findall(r"http://\S+", said)
    async with httpx2.AsyncClient() as client:
        answers = [(await client.get(address)).status_code for address in addresses]
    assert answers == [200] * 4, said

    (broker,) = re.findall(r"amqp://erp@(\S+)", said)
    password = json.loads((home / "passwords.json").read_text())["erp.broker"]
    await (await aio_pika.connect(f"amqp://erp:{password}@{broker}")).close()

    results = await asyncio.to_thread(follow_the_examples, home)
    assert [result.returncode for result in results] == [0] * len(results), results
    assert results[0].stdout.count('"rejected":0') == 6, results[0].stdout
    assert json.loads(results[1].stdout)["outcome"] == "accepted"
    assert not [each for each in results if each.stderr]


def follow_the_examples(home: Path) -> list[subprocess.CompletedProcess[str]]:
    """Run the commands of the examples' README word by word, except those that start and stop."""
    folder = home / "checkout"
    folder.mkdir()
    (folder / ".local").symlink_to(home)
    for name in (".venv", "deploy", "examples", "libs"):
        (folder / name).symlink_to(ROOT / name)
    text = (ROOT / "examples" / "README.md").read_text()
    return [
        subprocess.run(["bash", "-ec", block], cwd=folder, capture_output=True, text=True, check=False)
        for block in re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        if "make " not in block
    ]
