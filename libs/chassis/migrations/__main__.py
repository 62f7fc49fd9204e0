"""Write a service's next revision from its tables: `python -m libs.chassis.migrations assets "repairs"`.

QUARTERMASTER_DATABASE_URL names a scratch database, which is migrated first. Read what was written.
"""

import asyncio
import importlib
import os
import sys
from pathlib import Path

from alembic import command
from sqlalchemy import Connection, NullPool
from sqlalchemy.ext.asyncio import create_async_engine

from libs.chassis.migrations import History, histories, migrate
from libs.chassis.service import Service
from libs.chassis.settings import sqlalchemy_url


async def draft(
    service: Service, database_url: str, message: str, *, of: str = "service", revisions: Path | None = None
) -> None:
    """Put a revision file, numbered on from the last, into the history of the service or of the chassis."""
    await migrate(service, database_url, revisions=revisions)
    (history,) = (each for each in histories(service, revisions) if each.name == of)
    history.revisions.mkdir(exist_ok=True)
    engine = create_async_engine(sqlalchemy_url(database_url), poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_write, history, message)
    await engine.dispose()


def _write(connection: Connection, history: History, message: str) -> None:
    config = history.config()
    config.attributes["connection"] = connection
    number = int(history.head() or 0) + 1
    command.revision(
        config, message, autogenerate=True, rev_id=f"{number:04}", version_path=str(history.revisions)
    )


if __name__ == "__main__":
    name, words = sys.argv[1:3]
    module = importlib.import_module(f"services.{'requests' if name == 'chassis' else name}.__main__")
    scratch = os.environ["QUARTERMASTER_DATABASE_URL"]
    asyncio.run(draft(module.SERVICE, scratch, words, of="chassis" if name == "chassis" else "service"))
