"""`python -m bench.baseline requests`: one application in one process, on uvloop, as `faststream run`."""

import sys
from importlib import import_module

import uvloop
from faststream import FastStream

from bench.baseline.plumbing import broker, engine, events

APPLICATIONS = ("requests", "purchasing", "receiving", "assets")


async def run(application: str) -> None:
    import_module(f"bench.baseline.{application}_app")

    async def declare_own_facts() -> None:
        await broker.declare_exchange(events(application))

    try:
        await FastStream(broker, logger=None, after_startup=[declare_own_facts]).run()
    finally:
        await engine.dispose()


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in APPLICATIONS:
        sys.exit(f"usage: python -m bench.baseline {{{'|'.join(APPLICATIONS)}}}")
    uvloop.run(run(sys.argv[1]))
