"""`python -m deploy.demo`: start what is needed, run the journey, check the laws, stop what was started."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from rich.console import Console

from deploy.demo.api import Api, Refused
from deploy.demo.board import Board
from deploy.demo.erp import Answer, Erp, checked
from deploy.demo.laws import LAWS, Evidence, Lists, in_detail, look, sentence_of
from deploy.demo.loading import OWNERS, TooLate, load
from deploy.demo.people import APPROVERS, Approver, Dock
from deploy.demo.repeating import law_5_repeats_change_nothing
from deploy.demo.vendors import Vendors
from deploy.local import holders
from deploy.local.definitions import SERVICES
from deploy.local.process import ProgramFailed
from deploy.local.provision import Environments, NotOurs, provision
from deploy.local.servers import ROOT, NoServer, start_servers, stop_servers
from deploy.local.supervisor import Supervisor

HOME = ROOT / ".local"
EXAMPLES = ROOT / "examples"
JOURNEY_SECONDS_MAX = 180
SETTLE_SECONDS_MAX = 30
VIOLATIONS_SHOWN = 5
INTERRUPTED = 130
KEEP = dict.fromkeys(("", "0", "no", "false", "off"), False) | dict.fromkeys(("1", "yes", "true", "on"), True)
EXPECTED = (NoServer, NotOurs, ProgramFailed, Refused, TooLate)

Said = Sequence[tuple[Mapping[str, Any], Answer]]
console = Console(highlight=False, soft_wrap=True)


def say(text: str) -> None:
    console.print(f"· {text}", markup=False)


async def demo(home: Path, *, keep: bool) -> bool:
    """True when every request was fulfilled and every law holds."""
    # The answers to all demos arrive in one queue.
    async with holders.locked(home, say, name="demo.lock", busy="another demo runs here; waiting for it"):
        return await _demo(home, keep=keep)


async def _demo(home: Path, *, keep: bool) -> bool:
    began = monotonic()
    async with running(home, keep=keep) as (supervisor, environments):
        say(f"ready after {monotonic() - began:.1f} s")
        run = f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
        with_people = Api(supervisor.urls, token=supervisor.token("person-demo", "asset_administrator"))
        erp = Erp(environments["erp"]["QUARTERMASTER_BROKER_URL"], run)
        async with with_people as api, erp, asyncio.TaskGroup() as group:
            watching = group.create_task(supervisor.watch())
            await load(api, {name: _example(f"{name}.csv") for name in OWNERS})
            board, dock, said = await journey(supervisor, api, erp, run)
            say(
                f"{board.fulfilled} requests fulfilled in {board.seconds:.1f} s ({board.rate:.1f} a second);"
                f" {dock.over_http} deliveries taken over HTTP, {dock.by_queue} by queue,"
                f" {dock.in_two_parts} orders in two parts"
            )
            await invoices(supervisor, api, erp, said)
            lawful = await the_laws_hold(api, erp, said)
            watching.cancel()
        if keep:
            show_where(supervisor, environments)
            say("left running; stop it with: make down")
        say(f"{'all is well' if lawful else 'laws were broken'} after {monotonic() - began:.1f} s")
    return lawful


@asynccontextmanager
async def running(home: Path, *, keep: bool) -> AsyncIterator[tuple[Supervisor, Environments]]:
    """The servers and the services: those of `make up` if they run, else our own until we have finished.

    To `keep` them is for a run that came to its end: one that did not stops what it has started.
    """
    supervisor = Supervisor.recorded(home)
    ended = supervisor.ended()
    # Without the user's wish that they stay, they are what is left of a run that was killed.
    theirs = holders.staying(home) and any(each.running for each in supervisor.processes.values())
    if theirs and ended:
        raise ProgramFailed(f"{' and '.join(f'{name} has ended' for name in ended)}; run: make up")
    servers = await start_servers(home, say=say)
    try:
        environments = await provision(servers)
        if theirs:
            say("the services are running already: using them")
        else:
            await supervisor.stop()
            supervisor = Supervisor(environments, home=home, free=keep)
            say("migrating and starting the four services")
            await supervisor.start()
        stays = theirs
        try:
            yield supervisor, environments
            if keep:
                holders.hold(home, staying=True)
                stays = True
        finally:
            if not stays:
                await supervisor.stop()
    finally:
        await stop_servers(home)


async def journey(supervisor: Supervisor, api: Api, erp: Erp, run: str) -> tuple[Board, Dock, Said]:
    """Publish the example requests and play the people until all are fulfilled."""
    ours: set[str] = set()
    events = example_requests(run)
    board = Board(api, console, run=run, wanted=len(events))
    await board.begin()
    say(f"publishing {len(events)} requests as the external system erp")
    roles_of = {person: role for role, person in APPROVERS.items()} | {"person-dock": "mobile_asset_manager"}
    people = [Api(supervisor.urls, token=supervisor.token(person, role)) for person, role in roles_of.items()]
    *managers, at_dock = people
    dock = Dock(at_dock, erp, ours)
    try:
        async with asyncio.timeout(JOURNEY_SECONDS_MAX), asyncio.TaskGroup() as group:
            working = [
                group.create_task(Approver(theirs, role, ours).work())
                for theirs, role in zip(managers, APPROVERS, strict=True)
            ]
            working.append(group.create_task(dock.work()))
            publishing = group.create_task(publish(erp, events, ours))
            await board.show()
            answers = await publishing
            for task in working:
                task.cancel()
    except TimeoutError:
        raise TooLate(
            f"after {JOURNEY_SECONDS_MAX} s only {board.fulfilled} of {len(events)} requests are fulfilled"
        ) from None
    finally:
        for person in people:
            await person.close()
    return board, dock, list(zip(events, answers, strict=True))


async def publish(erp: Erp, events: Sequence[Mapping[str, Any]], ours: set[str]) -> list[Answer]:
    """Say every request, as fast as the answers come; the ids they got join `ours`."""

    async def one(event: Mapping[str, Any]) -> Answer:
        answer = await erp.ask_event(event)
        ours.add(str(checked(answer)["request_id"]))
        return answer

    return await asyncio.gather(*(one(event) for event in events))


async def invoices(supervisor: Supervisor, api: Api, erp: Erp, said: Said) -> None:
    """The vendors send theirs; a procurement manager sees to what differs."""
    ours = {str(answer["result"]["request_id"]) for _, answer in said}
    orders = [order for order in await api.all("purchasing", "/orders") if order["request_id"] in ours]
    role = "procurement_manager"
    async with Api(supervisor.urls, token=supervisor.token(APPROVERS[role], role)) as buyer:
        vendors = Vendors(buyer, erp)
        await vendors.bill(orders)
    say(
        f"{vendors.sent} invoices matched by queue, {vendors.accepted} of them dearer and accepted; all orders closed"
    )


async def the_laws_hold(api: Api, erp: Erp, said: Said) -> bool:
    """Check every law and print what was found."""
    request_ids = [str(answer["result"]["request_id"]) for _, answer in said]
    before = await settled(api, request_ids)
    evidence = await in_detail(api, before)
    repeated = await law_5_repeats_change_nothing(erp, said)
    if await look(api, request_ids) != before:
        repeated.append("what the services show is not the same as before the repetitions")
    outcomes = [(sentence_of(law), law(evidence)) for law in LAWS]
    outcomes.append((sentence_of(law_5_repeats_change_nothing), repeated))
    console.print()
    for sentence, violations in outcomes:
        console.print("[green]holds[/] " if not violations else "[red]BROKEN[/]", sentence)
        for violation in violations[:VIOLATIONS_SHOWN]:
            console.print(f"         {violation}", markup=False)
        if len(violations) > VIOLATIONS_SHOWN:
            console.print(f"         and {len(violations) - VIOLATIONS_SHOWN} more")
    console.print()
    say(_figures(evidence))
    return not any(violations for _, violations in outcomes)


async def settled(api: Api, request_ids: Sequence[str]) -> Lists:
    """What the services show once nothing is under way: only then must they agree with each other."""
    deadline = monotonic() + SETTLE_SECONDS_MAX
    before = await look(api, request_ids)
    while (seen := await look(api, request_ids)) != before:
        if monotonic() > deadline:
            raise TooLate(f"{SETTLE_SECONDS_MAX} s after the last request was fulfilled things still change")
        before = seen
    return seen


def example_requests(run: str) -> list[dict[str, Any]]:
    """The requests of the examples, with ids and references that no earlier run has used."""
    events = [json.loads(line) for line in _example("requests.jsonl").splitlines()]
    for event in events:
        event["id"] = f"{run}-{event['id']}"
        event["data"]["external_reference"] = f"{run}-{event['data']['external_reference']}"
    return events


def show_where(supervisor: Supervisor, environments: Environments) -> None:
    for service in SERVICES:
        say(f"{service:<10} {supervisor.urls[service]}/api/v1/openapi.json")
    address = environments["erp"]["QUARTERMASTER_BROKER_URL"].rpartition("@")[2]
    say(f"broker     amqp://erp@{address}")


def _figures(seen: Evidence) -> str:
    return (
        f"{len(seen.requests)} requests, {len(seen.orders)} orders, {len(seen.receipts)} receipts,"
        f" {sum(len(order['invoices']) for order in seen.invoiced)} invoices,"
        f" {len(seen.assets)} assets, {sum(len(request['steps']) for request in seen.requests)} steps"
    )


def _example(name: str) -> str:
    return (EXAMPLES / name).read_text(encoding="utf-8")


async def _until_told_to_stop(home: Path, *, keep: bool) -> bool:
    """SIGTERM stops us as Ctrl-C does: once drains."""
    running_demo = asyncio.current_task()
    assert running_demo is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running_demo.cancel)
    return await demo(home, keep=keep)


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m deploy.demo", description=__doc__)
    arguments.add_argument("--home", type=Path, default=HOME, help="where data, logs and secrets are kept")
    home: Path = arguments.parse_args().home
    keep = KEEP.get(os.environ.get("KEEP", "").strip().lower())
    if keep is None:
        arguments.error(f"KEEP is {os.environ['KEEP']}; it can be 1, yes, true, on or 0, no, false, off")
    try:
        return 0 if asyncio.run(_until_told_to_stop(home, keep=keep)) else 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        say("stopped")
        return INTERRUPTED
    except Exception as failure:
        reasons = list(_leaves(failure))
        if not all(isinstance(each, EXPECTED) for each in reasons):
            raise
        for each in reasons:
            console.print(f"\n{each}\n", style="red", markup=False)
        return 1


def _leaves(failure: BaseException) -> Iterator[BaseException]:
    if isinstance(failure, BaseExceptionGroup):
        for each in failure.exceptions:
            yield from _leaves(each)
    else:
        yield failure


if __name__ == "__main__":
    sys.exit(main())
