"""Bringing a service's database to what its code expects: the runtime's tables first, then the service's own.

Runs as `python -m services.<name> --role migrate`, as often as one likes; processes refuse to work on less.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import structlog
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import (
    ColumnClause,
    Connection,
    MetaData,
    NullPool,
    String,
    Table,
    column,
    select,
    table,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from libs.chassis import schema
from libs.chassis.outage import Trouble, trouble
from libs.chassis.service import Service
from libs.chassis.settings import sqlalchemy_url

HERE = Path(__file__).resolve().parent
SERVICES = HERE.parents[2] / "services"
SCHEMA = "chassis"
# Behind a long query an ALTER TABLE would stop everybody else: better to give up and come again.
LOCK_TIMEOUT = "3s"
ATTEMPTS_MAX = 10
ONE_AT_A_TIME = 0x5175_6172_7465_726D

log = structlog.get_logger()


class RevisionChanged(Exception):
    """A database was made by other words of a revision than the code has now; the message says what to do."""


@dataclass(frozen=True)
class History:
    """One line of revisions with its own version table: the runtime's or a service's."""

    name: Literal["chassis", "service"]
    revisions: Path
    metadata: MetaData

    @property
    def version_table(self) -> str:
        """The table in schema chassis that says how far it is."""
        return f"{self.name}_revision"

    @property
    def version(self) -> ColumnClause[str]:
        """Its only column."""
        return table(self.version_table, column("version_num", String), schema=SCHEMA).c.version_num

    def config(self) -> Config:
        """What Alembic needs to know of it; `env.py` reads the rest from `attributes`."""
        config = Config()
        config.set_main_option("script_location", str(HERE))
        config.set_main_option("version_locations", str(self.revisions))
        config.set_main_option("path_separator", "newline")
        config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        config.attributes["history"] = self
        return config

    def head(self) -> str | None:
        """The newest revision in the code."""
        return (
            ScriptDirectory.from_config(self.config()).get_current_head() if self.revisions.exists() else None
        )

    def digests(self, up_to: str | None) -> dict[str, str]:
        """What the revisions up to this one say, as digests of their files."""
        scripts = ScriptDirectory.from_config(self.config()).iterate_revisions(up_to, "base") if up_to else ()
        return {each.revision: sha256(Path(each.path).read_bytes()).hexdigest() for each in scripts}

    def options(self, connection: Connection) -> dict[str, Any]:
        """How Alembic looks at this history's part of the database."""
        partitions = set(connection.execute(_PARTITIONS).scalars())
        # Alembic opens a transaction of its own for each revision only where none is open.
        connection.rollback()
        ours = SCHEMA if self.name == "chassis" else None

        def include_name(name: str | None, kind: str, _: Mapping[str, str | None]) -> bool:
            if kind == "schema":
                return name == ours
            return kind != "table" or (name not in partitions and not (name or "").endswith("_revision"))

        return {
            "connection": connection,
            "target_metadata": self.metadata,
            "version_table": self.version_table,
            "version_table_schema": SCHEMA,
            "include_schemas": True,
            "include_name": include_name,
            "compare_server_default": True,
            "transaction_per_migration": True,
        }


def histories(service: Service, revisions: Path | None = None) -> tuple[History, History]:
    """The two histories of a service's database; `revisions`: where its own are, if elsewhere than usual."""
    return (
        History("chassis", HERE / "versions", schema.METADATA),
        History("service", revisions or SERVICES / service.name / "migrations", service.storage.metadata),
    )


async def migrate(service: Service, database_url: str, *, revisions: Path | None = None) -> None:
    """Bring the database to the newest revisions; a second caller waits and then finds nothing to do."""
    engine = create_async_engine(sqlalchemy_url(database_url), poolclass=NullPool, hide_parameters=True)
    try:
        async with engine.connect() as guard:
            await guard.execution_options(isolation_level="AUTOCOMMIT")
            await guard.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ONE_AT_A_TIME})
            for attempt in range(1, ATTEMPTS_MAX + 1):
                try:
                    return await _upgrade(engine, service, histories(service, revisions))
                except DBAPIError as error:
                    if trouble(error) is not Trouble.CONFLICT or attempt == ATTEMPTS_MAX:
                        raise
                    log.warning("migration_waits", reason="somebody holds a table", attempt=attempt)
                    await asyncio.sleep(attempt)
    finally:
        await engine.dispose()


async def behind(service: Service, engine: AsyncEngine, *, revisions: Path | None = None) -> list[str]:
    """What the database lacks, as `chassis: 0001, code has 0002`; nothing when it may be worked on."""
    lacks = []
    async with engine.connect() as connection:
        for history in histories(service, revisions):
            newest, current = history.head(), None
            if (await connection.execute(_EXISTS, {"name": f"{SCHEMA}.{history.version_table}"})).scalar():
                current = (await connection.execute(select(history.version))).scalar()
            if current != newest:
                lacks.append(f"{history.name}: {current or 'nothing'}, the code needs {newest or 'nothing'}")
    return lacks


def how_to_migrate(service: Service) -> str:
    """What an operator must type when a database is behind."""
    return f"run python -m services.{service.name} --role migrate"


async def _upgrade(engine: AsyncEngine, service: Service, both: tuple[History, History]) -> None:
    async with engine.connect() as connection:
        await connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        await connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
        await connection.commit()
        for history in both:
            if history.head() is not None:
                await _refuse_changed(connection, service, history)
                await connection.run_sync(_run, history.config())
                await connection.commit()
                await _remember(connection, history)
        await _add_what_the_code_declares(connection, service)
        await connection.commit()


async def _refuse_changed(connection: AsyncConnection, service: Service, history: History) -> None:
    """What was applied once is never edited: upgrading from it would end somewhere nobody has tried."""
    await connection.execute(_APPLIED)
    current = None
    if (await connection.execute(_EXISTS, {"name": f"{SCHEMA}.{history.version_table}"})).scalar():
        current = (await connection.execute(select(history.version))).scalar()
    rows = await connection.execute(_KNOWN, {"history": history.name})
    known: dict[str, str] = {row.revision: row.digest for row in rows}
    await connection.commit()
    for revision, digest in history.digests(current).items():
        if known.get(revision) != digest:
            raise RevisionChanged(
                f"{service.name}: its database was made by an earlier draft of {history.name} revision {revision}."
                " Before the first release there is no way from a draft to the next:"
                " empty the database (in a checkout `make clean`) and begin again."
            )


async def _remember(connection: AsyncConnection, history: History) -> None:
    for revision, digest in history.digests(history.head()).items():
        applied = {"history": history.name, "revision": revision, "digest": digest}
        await connection.execute(_APPLY, applied)
    await connection.commit()


def _run(connection: Connection, config: Config) -> None:
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def _add_what_the_code_declares(connection: AsyncConnection, service: Service) -> None:
    """Number sequences, the guards of append-only tables, and the first inbox partitions."""
    quote = connection.dialect.identifier_preparer.quote
    for name in service.sequences:
        await connection.execute(text(f"CREATE SEQUENCE IF NOT EXISTS {quote(name)}"))
    for record, kept_in in service.storage.tables.items():
        if record.APPEND_ONLY:
            await _guard(connection, kept_in)
    await connection.execute(text("SELECT chassis.make_partitions()"))


async def _guard(connection: AsyncConnection, append_only: Table) -> None:
    name = {"name": append_only.fullname}
    exists = (await connection.execute(_EXISTS, name)).scalar()
    if not exists or (await connection.execute(_GUARDED, name)).scalar():
        return
    quoted = connection.dialect.identifier_preparer.format_table(append_only)
    await connection.execute(
        text(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {quoted}"
            " FOR EACH STATEMENT EXECUTE FUNCTION chassis.refuse_change()"
        )
    )


_PARTITIONS = text("SELECT relname FROM pg_class WHERE relispartition AND relkind IN ('r', 'p')")
_EXISTS = text("SELECT to_regclass(:name) IS NOT NULL")
_GUARDED = text("SELECT 1 FROM pg_trigger WHERE tgrelid = to_regclass(:name) AND tgname = 'refuse_change'")
_APPLIED = text(
    "CREATE TABLE IF NOT EXISTS chassis.applied_revision"
    " (history text, revision text, digest text NOT NULL, PRIMARY KEY (history, revision))"
)
_KNOWN = text("SELECT revision, digest FROM chassis.applied_revision WHERE history = :history")
_APPLY = text(
    "INSERT INTO chassis.applied_revision VALUES (:history, :revision, :digest) ON CONFLICT DO NOTHING"
)
