"""A hundred thousand rows with a thousand faults: they are found, memory stays flat, and a kill changes nothing."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest_asyncio
from rich.console import Console

from deploy.local.servers import Servers
from tests.builders_catalog import CatalogFile, Planted
from tests.conftest import eventually
from tests.journeys.system import APPROVER, System, as_person, the_system

ROWS = int(os.environ.get("IMPORTED") or 100_000)
GROWTH_BYTES_MAX = 48 * 1024 * 1024
"""Between a tenth and all of the rows; the file alone is a fifth of that, its rows as objects ten times as much."""
SECONDS_MAX = 1800
ENDED = ("done", "refused", "cut_off")
console = Console(highlight=False, soft_wrap=True)


@pytest_asyncio.fixture(scope="module")
async def system(servers: Servers, tmp_path_factory: Any) -> AsyncIterator[System]:
    async with the_system(servers, tmp_path_factory.mktemp("import")) as system:
        yield system


async def upload(system: System, file: CatalogFile) -> str:
    async with system.client("purchasing") as client:
        answer = await client.post(
            "/imports/catalog/files",
            content=file.content(),
            headers=as_person(APPROVER) | {"Content-Type": "text/csv"},
        )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["import_id"])


def memory(system: System) -> int:
    """What the purchasing process has in memory, in bytes."""
    pages = Path(f"/proc/{system.supervisor.processes['purchasing'].pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


async def shown(system: System, import_id: str) -> dict[str, Any]:
    found: dict[str, Any] = await system.api.get("purchasing", f"/imports/{import_id}")
    return found


async def rejected(system: System, import_id: str) -> list[Planted]:
    verdicts = await system.api.all("purchasing", f"/imports/{import_id}/verdicts", outcome="rejected")
    return [Planted(each["row"], each["code"], each["field"]) for each in verdicts]


async def test_a_hundred_thousand_rows_are_imported_in_flat_memory_and_a_kill_changes_nothing(
    system: System,
) -> None:
    file = CatalogFile(ROWS, vendor="V-001", prefix="BULK", gtins_from=5_000_000_000)
    wrong = len(file.planted)
    begun = monotonic()
    import_id = await upload(system, file)
    samples: list[tuple[int, int]] = []

    async def watch() -> dict[str, Any]:
        seen = await shown(system, import_id)
        samples.append((seen["rows_done"], memory(system)))
        return seen

    await eventually(watch, lambda seen: seen["rows_done"] >= ROWS // 2, within=SECONDS_MAX)
    await system.kill("purchasing")
    before_kill = list(samples)
    samples.clear()
    last = await eventually(watch, lambda seen: seen["state"] in ENDED, within=SECONDS_MAX)
    first, most = before_kill[0][1], max(used for _, used in [*before_kill, *samples])
    console.print(
        f"\n{ROWS:,} rows in {monotonic() - begun:.0f} s, {first >> 20} MiB at first, {most >> 20} at most",
        markup=False,
    )

    assert last["state"] == "done"
    assert (last["rows_read"], last["rows_done"]) == (ROWS, ROWS)
    assert (last["accepted"], last["unchanged"], last["rejected"]) == (ROWS - wrong, 0, wrong)
    assert await rejected(system, import_id) == file.planted
    for halves in (before_kill, samples):
        early = [used for done, used in halves if done >= ROWS // 10]
        assert max(early) - early[0] < GROWTH_BYTES_MAX, halves

    again = await upload(system, file)
    last = await eventually(
        lambda: shown(system, again), lambda seen: seen["state"] in ENDED, within=SECONDS_MAX
    )

    assert (last["accepted"], last["unchanged"], last["rejected"]) == (0, ROWS - wrong, wrong)
    assert await rejected(system, again) == file.planted
