"""One process of a service, from its command line to its last acknowledgement.

`python -m services.assets --role worker`. The roles: `all`; `worker` takes messages and fires timers; `api`
serves people; `relay` publishes, which the others do too; `migrate` brings the database up to date and ends (with
`--migrate` the other roles begin with that). Every role but migrate serves /health/live, /health/ready and /metrics.
"""

import argparse
import asyncio
import gc
import os
import signal
import sys

import structlog
import uvloop

from libs.chassis import logs
from libs.chassis.migrations import RevisionChanged, migrate
from libs.chassis.process import NOT_MIGRATED, Process
from libs.chassis.service import Service
from libs.chassis.settings import PREFIX, Settings, SettingsInvalid

ROLES = ("all", "worker", "api", "relay", "migrate")
WITH_API = ("all", "api")
SETTINGS_INVALID = 2
SECOND_SIGNAL = 130

log = structlog.get_logger()


def run(service: Service) -> None:
    """Be the process that the command line asks for, and exit with its status."""
    parser = argparse.ArgumentParser(prog=f"python -m services.{service.name}")
    parser.add_argument("--role", choices=ROLES, default="all", help="what this process does (default: all)")
    parser.add_argument("--migrate", action="store_true", help="bring the database up to date first")
    arguments = parser.parse_args()
    role: str = arguments.role
    try:
        settings = Settings.from_environment()
        if role in WITH_API and not settings.oidc_issuer:
            raise SettingsInvalid(
                f"{PREFIX}OIDC_ISSUER is needed to serve the API: whose tokens are believed?"
            )
    except SettingsInvalid as invalid:
        sys.stderr.write(f"{invalid}\n")
        sys.exit(SETTINGS_INVALID)
    logs.configure(service=service.name, role=role, level=settings.log_level)
    if arguments.migrate or role == "migrate":
        try:
            asyncio.run(migrate(service, settings.database_url))
        except RevisionChanged as changed:
            sys.stderr.write(f"{changed}\n")
            sys.exit(NOT_MIGRATED)
        log.info("migrated")
    if role != "migrate":
        sys.exit(uvloop.run(_live(service, role, settings)))


async def _live(service: Service, role: str, settings: Settings) -> int:
    stopping = asyncio.Event()

    def on_signal() -> None:
        if stopping.is_set():
            os._exit(SECOND_SIGNAL)
        stopping.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    process = Process(service, role, settings)
    _spare_the_collector()
    return await process.live(stopping)


def _spare_the_collector() -> None:
    """Look for cycles among what work leaves behind only, and in larger steps.

    Code and settings live as long as the process, and a batch makes thousands of objects that end by themselves: the
    usual thresholds cost a tenth of the processor time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
