"""`python -m deploy.local up|down|status|logs`: the servers and the services, on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from time import monotonic
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.table import Table

from deploy.local import docker
from deploy.local.logs import follow, recent
from deploy.local.process import ProgramFailed
from deploy.local.provision import NotOurs, provision
from deploy.local.servers import ROOT, NoServer, Servers, health, running_servers, start_servers, stop_servers
from deploy.local.supervisor import Supervisor

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Quartermaster on this machine.",
)
console = Console(highlight=False, soft_wrap=True)
Home = Annotated[Path, typer.Option(help="Where data, logs and secrets are kept.")]
HOME = ROOT / ".local"


@app.command()
def up(
    home: Home = HOME,
    workers: Annotated[int, typer.Option(help="Receiving processes.", envvar="RECEIVING_WORKERS", min=1)] = 1,
    services: Annotated[bool, typer.Option(help="Or only the servers.")] = True,
) -> None:
    """Start the servers and the services, and leave them running."""
    raise typer.Exit(_run(home, _up(home, workers, services)))


@app.command()
def down(
    home: Home = HOME,
    forget: Annotated[bool, typer.Option(help="Remove Docker's volumes too.")] = False,
) -> None:
    """Stop everything that was started here. The data stays."""
    raise typer.Exit(_run(home, _down(home, forget)))


@app.command()
def status(home: Home = HOME) -> None:
    """Show what runs, where, and whether it is ready; exit status 1 when something is not."""
    raise typer.Exit(_run(home, _status(home)))


@app.command()
def logs(
    home: Home = HOME,
    lines: Annotated[int, typer.Option(help="Lines of each to begin with.")] = 20,
    keep: Annotated[bool, typer.Option("--follow/--no-follow", help="Go on until Ctrl-C.")] = True,
) -> None:
    """Print what the services say."""
    if not any((home / "logs").glob("*.log")):
        console.print("There are no logs yet. Start the services: [bold]make up[/]")
        return
    try:
        for name, line in follow(home / "logs", lines) if keep else recent(home / "logs", lines):
            console.print(f"[cyan]{name:<18}[/] ", end="")
            console.out(line, highlight=False)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


async def _up(home: Path, workers: int, services: bool) -> int:
    began = monotonic()
    earlier = running_servers(home)
    servers = await start_servers(home, staying=True, say=say)
    try:
        if services:
            await Supervisor.recorded(home).stop()
            supervisor = Supervisor(await provision(servers), home=home, receiving_workers=workers, free=True)
            say(f"services: migrating and starting, logs in {supervisor.logs}")
            await supervisor.start()
    except BaseException:
        if earlier is None:
            await stop_servers(home, everyone=True)
        raise
    say(f"ready after {monotonic() - began:.1f} s")
    return await _status(home)


async def _down(home: Path, forget: bool) -> int:
    await Supervisor.recorded(home).stop()
    await stop_servers(home, everyone=True)
    if forget:
        await docker.forget(home.resolve())
    say("stopped")
    return 0


async def _status(home: Path) -> int:
    servers, services = running_servers(home), Supervisor.recorded(home)
    if servers is None:
        console.print("Nothing runs here. Start it: [bold]make up[/]")
        return 1
    table = Table("what", "state", "process", "address", box=None, pad_edge=False)
    silent = await health(servers)
    for server, address in (("postgres", servers.postgres_url), ("rabbitmq", servers.rabbitmq_url)):
        table.add_row(server, _colour(silent[server] or "ready"), "", _address(address))
    table.add_row("rabbitmq pages", "", "", _address(servers.rabbitmq_management_url))
    states = await asyncio.gather(*(services.readiness(name) for name in services.processes))
    for (name, process), state in zip(services.processes.items(), states, strict=True):
        table.add_row(name, _colour(state), str(process.pid), services.urls[name])
    console.print(table)
    _origins(servers)
    well = not any(silent.values()) and all(state == "ready" for state in states)
    return 0 if well else 1


def _origins(servers: Servers) -> None:
    console.print()
    for server, origin in servers.origins.items():
        console.print(f"{server}: {origin.split('; ')[0]}", style="dim", markup=False)
    console.print(f"passwords: {servers.home}/servers.json and passwords.json", style="dim", markup=False)


def _address(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port}"


def _colour(state: str) -> str:
    return f"[green]{state}[/]" if state == "ready" else f"[red]{state}[/]"


def say(text: str) -> None:
    console.print(f"· {text}", markup=False)


def _run(home: Path, work: Coroutine[Any, Any, int]) -> int:
    try:
        return asyncio.run(work)
    except (NoServer, NotOurs, ProgramFailed) as failure:
        console.print(f"\n{failure}\n", style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        say("stopped" if running_servers(home) is None else "interrupted; see what runs: make status")
        return 130


if __name__ == "__main__":
    app()
