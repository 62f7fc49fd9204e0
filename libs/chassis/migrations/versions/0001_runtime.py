"""The runtime's tables, its clock, and the guard of what may not change."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

INSTANT = sa.DateTime(timezone=True)
NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    """Forward only: a mistake is mended by another revision."""
    _clock()
    _guard()
    for name in ("inbox", "stranger_inbox"):
        _inbox(name)
    _partitions()
    _outgoing()
    _kept()
    _letters()
    _audit()


def _clock() -> None:
    op.create_table("clock", sa.Column("ahead", sa.Interval(), nullable=False), schema="chassis")
    # The only clock that matters; tests, and nobody else, put a row into chassis.clock.
    op.execute(
        "CREATE FUNCTION chassis.app_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$"
        " SELECT clock_timestamp() + coalesce((SELECT ahead FROM chassis.clock LIMIT 1), interval '0') $$"
    )


def _guard() -> None:
    op.execute(
        "CREATE FUNCTION chassis.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION '% is append-only', tg_table_name USING ERRCODE = 'integrity_constraint_violation';"
        " END $$"
    )


def _inbox(name: str) -> None:
    op.create_table(
        name,
        sa.Column("message_id", sa.Uuid(), primary_key=True),
        sa.Column("consumer", sa.Text(), primary_key=True),
        sa.Column("sender", sa.Text(), primary_key=True),
        sa.Column("bucket", sa.Date(), primary_key=True),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("answer", JSONB()),
        sa.Column("received_at", INSTANT, nullable=False),
        schema="chassis",
        postgresql_partition_by="RANGE (bucket)",
    )


def _partitions() -> None:
    # What our services say: a day per partition, 30 days back and 7 ahead. What strangers say: 30 days per
    # partition, counted from 0001-01-01 as libs.chassis.inbox does; the one before, this one, the next.
    # Made apart, then attached: made as a partition at once, it would wait for every transaction under way,
    # and hold up all that come after.
    op.execute("""
        CREATE FUNCTION chassis.make_partition(parent text, first date, days int) RETURNS void
        LANGUAGE plpgsql AS $$
        DECLARE
            name text := parent || '_' || to_char(first, 'YYYYMMDD');
        BEGIN
            IF to_regclass('chassis.' || name) IS NULL THEN
                EXECUTE format('CREATE TABLE chassis.%I (LIKE chassis.%I INCLUDING ALL)', name, parent);
                EXECUTE format(
                    'ALTER TABLE chassis.%I ATTACH PARTITION chassis.%I FOR VALUES FROM (%L) TO (%L)',
                    parent, name, first, first + days);
            END IF;
        END $$""")
    op.execute("""
        CREATE FUNCTION chassis.make_partitions() RETURNS void LANGUAGE plpgsql AS $$
        DECLARE
            today date := (chassis.app_now() AT TIME ZONE 'UTC')::date;
            generation date := today - (today - date '0001-01-01' + 1) % 30;
        BEGIN
            PERFORM chassis.make_partition('inbox', today + day, 1) FROM generate_series(-30, 7) AS day;
            PERFORM chassis.make_partition('stranger_inbox', generation + 30 * step, 30)
                FROM generate_series(-1, 1) AS step;
        END $$""")


def _what_is_sent() -> list[sa.Column[Any]]:
    return [
        sa.Column("ordering_key", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("routing_key", sa.Text(), nullable=False),
        sa.Column("headers", JSONB(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    ]


def _outgoing() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("shard", sa.SmallInteger(), nullable=False),
        *_what_is_sent(),
        sa.Column("attempts", sa.SmallInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column("created_at", INSTANT, nullable=False, server_default=NOW),
        schema="chassis",
    )
    op.create_table(
        "outbox_parked",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        *_what_is_sent(),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("parked_at", INSTANT, nullable=False, server_default=NOW),
        schema="chassis",
    )
    # Every row lives for milliseconds: without eager vacuuming the relay wades through the dead ones.
    op.execute(
        "ALTER TABLE chassis.outbox SET ("
        "autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,"
        " autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000,"
        " autovacuum_vacuum_cost_delay = 0)"
    )


def _kept() -> None:
    op.create_table(
        "waiting",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Uuid(), nullable=False),
        sa.Column("due_at", INSTANT),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("envelope", JSONB(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        schema="chassis",
    )
    op.create_index("waiting_for", "waiting", ["kind", "key"], schema="chassis")
    op.create_index("waiting_until", "waiting", ["due_at"], schema="chassis")
    op.create_index("waiting_since", "waiting", ["since"], schema="chassis")
    op.create_table(
        "timers",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("ordering_key", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("correlation_id", sa.Text(), nullable=False),
        sa.Column("traceparent", sa.Text()),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        schema="chassis",
    )
    op.create_index("ix_chassis_timers_due_at", "timers", ["due_at"], schema="chassis")
    op.create_table(
        "suspects",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("begun", sa.SmallInteger(), nullable=False),
        sa.Column("last_at", INSTANT, nullable=False),
        schema="chassis",
    )


def _letters() -> None:
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("status", sa.Text(), nullable=False, server_default=sa.text("'open'")),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("envelope", JSONB(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("died_at", INSTANT, nullable=False),
        sa.Column("deaths", sa.Integer(), nullable=False, server_default=sa.text("1")),
        schema="chassis",
    )
    op.create_index(
        "dead_letters_by_fingerprint", "dead_letters", ["status", "fingerprint"], schema="chassis"
    )
    op.create_table(
        "dead_letter_audit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("dead_letter_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False, server_default=NOW),
        sa.Column("detail", JSONB(), nullable=False, server_default=sa.text("'{}'")),
        schema="chassis",
    )
    op.create_index(
        "ix_chassis_dead_letter_audit_dead_letter_id",
        "dead_letter_audit",
        ["dead_letter_id"],
        schema="chassis",
    )
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON chassis.dead_letter_audit"
        " FOR EACH STATEMENT EXECUTE FUNCTION chassis.refuse_change()"
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("at", INSTANT, primary_key=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("through", sa.Text()),
        sa.Column("action", sa.Text()),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("about", sa.Uuid()),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("code", sa.Text()),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text()),
        sa.Column("correlation_id", sa.Text()),
        schema="chassis",
    )
    for name, column, only in (
        ("audit_by_actor", "actor", None),
        ("audit_by_action", "action", None),
        ("audit_by_about", "about", "about IS NOT NULL"),
        ("audit_of_the_unusual", "outcome", "outcome <> 'accepted'"),
    ):
        where = None if only is None else sa.text(only)
        op.create_index(name, "audit", [column, "at", "id"], schema="chassis", postgresql_where=where)
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON chassis.audit"
        " FOR EACH STATEMENT EXECUTE FUNCTION chassis.refuse_change()"
    )
