"""A relay in a process of its own, to be killed; its arguments are the URLs of database and broker."""

import asyncio
import sys

from libs.chassis.departures import Limits
from libs.chassis.relay import Relay
from tests.chassis.declared import PURCHASING


async def main(database_url: str, broker_url: str) -> None:
    """Relay until killed."""
    limits = Limits(window=100, publish_timeout_seconds=5)
    await Relay(PURCHASING, database_url=database_url, broker_url=broker_url, limits=limits).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
