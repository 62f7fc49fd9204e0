"""The tables every service has in schema `chassis`: what was handled, what must go out, what waits, what died."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

METADATA = MetaData(schema="chassis")
SHARDS = 16
"""The outbox is divided into so many shards; each has one owning relay at a time."""

_INSTANT = DateTime(timezone=True)


def _handled(name: str) -> Table:
    """Which message of whom was handled by which consumer, and how it ended; partitioned by bucket (a day)."""
    return Table(
        name,
        METADATA,
        Column("message_id", Uuid, primary_key=True),
        Column("consumer", Text, primary_key=True),
        Column("sender", Text, primary_key=True),
        Column("bucket", Date, primary_key=True),
        Column("body_hash", LargeBinary, nullable=False),
        Column(
            "outcome", Text, nullable=False
        ),  # accepted, rejected, duplicate, done, skipped, waiting, dead
        Column("answer", JSONB),
        Column("received_at", _INSTANT, nullable=False),
        postgresql_partition_by="RANGE (bucket)",
    )


inbox = _handled("inbox")
"""Messages of our own services: the bucket is the day inside the message id; kept 30 days."""

stranger_inbox = _handled("stranger_inbox")
"""Messages of everybody else, HTTP included: the bucket is the generation's first day; kept 30 to 60 days."""

outbox = Table(
    "outbox",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("shard", SmallInteger, nullable=False),
    Column("ordering_key", Uuid, nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("exchange", Text, nullable=False),
    Column("routing_key", Text, nullable=False),
    Column("headers", JSONB, nullable=False),  # everything of libs.chassis.envelope.Outgoing but the body
    Column("body", LargeBinary, nullable=False),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("created_at", _INSTANT, nullable=False, server_default=text("clock_timestamp()")),
)

outbox_parked = Table(
    "outbox_parked",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("ordering_key", Uuid, nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("exchange", Text, nullable=False),
    Column("routing_key", Text, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("parked_at", _INSTANT, nullable=False, server_default=text("clock_timestamp()")),
)

waiting = Table(
    "waiting",
    METADATA,
    Column("id", Uuid, primary_key=True),  # derives from consumer, sender and message id
    Column("kind", Text, nullable=False),  # the record's table
    Column("key", Uuid, nullable=False),
    Column("due_at", _INSTANT),  # when a command stops waiting and is decided without the record
    Column("since", _INSTANT, nullable=False),
    Column("consumer", Text, nullable=False),
    Column("envelope", JSONB, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("waiting_for", "kind", "key"),
    Index("waiting_until", "due_at"),
    Index("waiting_since", "since"),
)

dead_letters = Table(
    "dead_letters",
    METADATA,
    Column("id", Uuid, primary_key=True),  # derives from consumer, sender and message id
    Column("status", Text, nullable=False, server_default=text("'open'")),  # open, replayed, discarded
    Column(
        "reason", Text, nullable=False
    ),  # undecodable, unknown_type, not_entitled, too_large, bug, poison …
    Column("detail", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),  # equal for letters that died of the same thing
    Column("type", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("consumer", Text, nullable=False),
    Column("envelope", JSONB, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("died_at", _INSTANT, nullable=False),
    Column("deaths", Integer, nullable=False, server_default=text("1")),
    Index("dead_letters_by_fingerprint", "status", "fingerprint"),
)

dead_letter_audit = Table(
    "dead_letter_audit",
    METADATA,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("dead_letter_id", Uuid, nullable=False, index=True),
    Column("action", Text, nullable=False),  # replayed, edited, discarded
    Column("actor", Text, nullable=False),
    Column("at", _INSTANT, nullable=False, server_default=text("clock_timestamp()")),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'")),
)

audit = Table(
    "audit",
    METADATA,
    Column("at", _INSTANT, primary_key=True),
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("actor", Text, nullable=False),
    Column("through", Text),  # the system that acted for the person
    Column("action", Text),
    Column("type", Text, nullable=False),  # of the command, or what was asked for without one
    Column("about", Uuid),
    Column("outcome", Text, nullable=False),  # accepted, rejected, duplicate, dead
    Column("code", Text),
    Column("origin", Text, nullable=False),
    Column("message_id", Text),
    Column("correlation_id", Text),
    Index("audit_by_actor", "actor", "at", "id"),
    Index("audit_by_action", "action", "at", "id"),
    Index("audit_by_about", "about", "at", "id", postgresql_where=text("about IS NOT NULL")),
    Index("audit_of_the_unusual", "outcome", "at", "id", postgresql_where=text("outcome <> 'accepted'")),
)
"""What persons and other systems did; append-only. Our own services leave no row."""

imports = Table(
    "imports",
    METADATA,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("file_name", Text),
    Column("format", Text, nullable=False),  # csv, json
    Column("header", JSONB, nullable=False),  # the columns of a CSV file
    Column("state", Text, nullable=False),  # receiving, checking, carrying_out, done, refused, cut_off
    Column("reason", Text),
    Column("bytes", BigInteger, nullable=False),
    Column("rows_read", BigInteger, nullable=False),
    Column("rows_checked", BigInteger, nullable=False),
    Column("rows_done", BigInteger, nullable=False),
    Column("accepted", BigInteger, nullable=False),
    Column("unchanged", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("roles", JSONB, nullable=False),
    Column("through", Text),
    Column("created_at", _INSTANT, nullable=False),
    Column("changed_at", _INSTANT, nullable=False),
    Column("ended_at", _INSTANT),
    Index("imports_latest", "created_at", "id"),
    Index("imports_under_way", "state", postgresql_where=text("ended_at IS NULL")),
)
"""Files that were uploaded to be carried out row by row, and how far they are; kept 90 days."""

import_chunks = Table(
    "import_chunks",
    METADATA,
    Column("import_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
"""A file's bytes in parts, until it is done with."""

import_verdicts = Table(
    "import_verdicts",
    METADATA,
    Column("import_id", Uuid, primary_key=True),
    Column("row", BigInteger, primary_key=True),
    Column("outcome", Text, nullable=False),  # accepted, unchanged, rejected
    Column("code", Text),
    Column("field", Text),
    Column("message", Text),
    Column("content", Text),  # of a rejected row, as JSON
    Index("import_verdicts_rejected", "import_id", "row", postgresql_where=text("outcome = 'rejected'")),
)
"""How each row of a file ended."""

timers = Table(
    "timers",
    METADATA,
    Column("id", Uuid, primary_key=True),  # derives from the record and the timer's name
    Column("due_at", _INSTANT, nullable=False, index=True),
    Column("ordering_key", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("traceparent", Text),
    Column("body", LargeBinary, nullable=False),
)

deliveries_under_suspicion = Table(
    "suspects",
    METADATA,
    Column("id", Uuid, primary_key=True),  # derives from consumer, sender and message id
    Column("begun", SmallInteger, nullable=False),
    Column("last_at", _INSTANT, nullable=False),
)

clock = Table("clock", METADATA, Column("ahead", Interval, nullable=False))
"""At most one row: how far tests have moved `chassis.app_now()` ahead of the database's clock."""
