"""`python -m deploy.imports catalog.csv`: import vendors, items, offers or shipments; watch it being carried out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from deploy.local.servers import ROOT
from deploy.local.supervisor import Supervisor

HOME = ROOT / ".local"
PART_BYTES = 256 * 1024
LOOK_SECONDS = 0.2
NOTHING_RUNS, NOT_TAKEN, SOME_REJECTED = 1, 2, 3
MEDIA_TYPES = {".csv": "text/csv", ".json": "application/json", ".jsonl": "application/x-ndjson"}
ENDED = ("done", "refused", "cut_off")

console = Console(highlight=False, soft_wrap=True)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)


class Kind(StrEnum):
    """What a file is about."""

    VENDORS = "vendors"
    CATALOG = "catalog"
    OFFERS = "offers"
    SHIPMENTS = "shipments"

    @property
    def service(self) -> str:
        """Who takes such a file."""
        return "receiving" if self is Kind.SHIPMENTS else "purchasing"


class NotTaken(RuntimeError):
    """The service did not take the file; the message says why."""


@app.command()
def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV, JSON or JSON lines.")],
    kind: Annotated[
        Kind | None, typer.Option(help="What it is about, if its name does not begin with that.")
    ] = None,
    rejected: Annotated[
        Path | None, typer.Option(help="Where to keep the rejected rows; else beside the file.")
    ] = None,
    url: Annotated[str, typer.Option(help="The service that takes it; else the one that runs here.")] = "",
    token: Annotated[
        str, typer.Option(help="Of whoever imports; made for the one that runs here.", envvar="TOKEN")
    ] = "",
    home: Annotated[Path, typer.Option(help="Where the local stack keeps its data.")] = HOME,
) -> None:
    """Import a file and watch. Exit status 3 when rows were rejected, 2 when the file was not taken."""
    kind = kind or next((each for each in Kind if file.name.startswith(each)), Kind.CATALOG)
    if not url:
        local = Supervisor.recorded(home)
        if kind.service not in local.urls:
            console.print("Nothing runs here. Start it: [bold]make up[/]")
            raise typer.Exit(NOTHING_RUNS)
        url = local.urls[kind.service]
        token = token or local.token("person-17", "procurement_manager")
    kept = rejected or file.with_name(f"{file.stem}.rejected{file.suffix}")
    try:
        last = asyncio.run(_import(url, token, kind, file, kept))
    except NotTaken as refused:
        console.print(str(refused), style="red", markup=False)
        raise typer.Exit(NOT_TAKEN) from None
    except KeyboardInterrupt:
        console.print("no longer watching; what was taken is carried out all the same")
        raise typer.Exit(130) from None
    if last["rejected"]:
        raise typer.Exit(SOME_REJECTED)


async def _import(url: str, token: str, kind: Kind, file: Path, kept: Path) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(base_url=f"{url}/api/v1", timeout=60, headers=headers) as client:
        with _bar() as progress:
            task = progress.add_task("uploading", total=file.stat().st_size)
            media_type = MEDIA_TYPES.get(file.suffix.lower(), "text/csv")
            answer = await client.post(
                f"/imports/{kind}/files",
                params={"name": file.name},
                content=_parts(file, lambda size: progress.advance(task, size)),
                headers={"Content-Type": media_type},
            )
            taken = _checked(answer)
            last = await _watch(client, taken["import_id"], progress, task)
        if last["state"] != "done":
            raise NotTaken(f"{file.name}: {last['reason'] or last['state']}")
        console.print(
            f"{last['rows_done']:,} rows: {last['accepted']:,} accepted, {last['unchanged']:,} unchanged,"
            f" {last['rejected']:,} rejected (import {last['import_id']})"
        )
        if last["rejected"]:
            await _keep_rejected(client, last["import_id"], kept)
            console.print(f"what was rejected, and why: {kept}", markup=False)
    return last


async def _watch(client: httpx2.AsyncClient, id: str, progress: Progress, task: Any) -> dict[str, Any]:
    while True:
        seen: dict[str, Any] = _checked(await client.get(f"/imports/{id}"))
        if seen["rows_done"] or seen["state"] == "carrying_out":
            progress.update(task, description="rows", completed=seen["rows_done"], total=seen["rows_read"])
        else:
            progress.update(task, description="checking", completed=seen["rows_checked"], total=None)
        if seen["state"] in ENDED:
            return seen
        await asyncio.sleep(LOOK_SECONDS)


async def _keep_rejected(client: httpx2.AsyncClient, id: str, kept: Path) -> None:
    async with client.stream("GET", f"/imports/{id}/rejected") as answer:
        with kept.open("wb") as file:
            async for part in answer.aiter_bytes():
                file.write(part)


async def _parts(file: Path, sent: Any) -> AsyncIterator[bytes]:
    with file.open("rb") as content:
        while part := content.read(PART_BYTES):
            yield part
            sent(len(part))


def _bar() -> Progress:
    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console)


def _checked(answer: httpx2.Response) -> dict[str, Any]:
    if answer.is_error:
        raise NotTaken(f"{answer.status_code}: {answer.text[:500]}")
    content: dict[str, Any] = answer.json()
    return content


if __name__ == "__main__":
    app()
