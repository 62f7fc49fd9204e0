"""Reads whatever the broker lets through: a message that the client library cannot read must not cut the connection.

The broker passes on timestamps beyond the year 9999, text that is not UTF-8 and tables in tables in tables. pamqp
raises there, the connection is given up, the message comes again: one integration could stop a service for good.
Here such text gets replacement characters and the rest is left out; the checks of the envelope decide what follows.
"""

from datetime import datetime
from typing import Any

from aio_pika import DeliveryMode
from pamqp import common, decode

# The originals, whatever is installed later.
_timestamp, _field_table = decode.timestamp, decode.field_table


def read_strangers_messages() -> None:
    """Make the client library read such messages, everywhere in this process."""
    decode.METHODS |= {"shortstr": _short_text, "timestamp": _instant, "table": _headers}
    decode.TABLE_MAPPING |= {b"T": _instant, b"F": _table}
    # Newer brokers let any number through; the library knows two and would drop the message, never acknowledged.
    DeliveryMode._missing_ = classmethod(lambda cls, _: cls.NOT_PERSISTENT)  # type: ignore[assignment]


def _short_text(data: bytes) -> tuple[int, str]:
    end = data[0] + 1
    return end, data[1:end].decode(errors="replace")


def _instant(data: bytes) -> tuple[int, datetime | None]:
    """None for an instant that Python cannot say; nothing depends on it."""
    try:
        return _timestamp(data)
    except (ValueError, OverflowError, OSError):
        return 8, None


def _headers(data: bytes) -> tuple[int, common.FieldTable]:
    """The headers of a message; none if they go too deep."""
    try:
        return _table(data)
    except RecursionError:
        return 4 + int.from_bytes(data[:4], "big"), {}


def _table(data: bytes) -> tuple[int, common.FieldTable]:
    try:
        return _field_table(data)
    except UnicodeDecodeError:
        return _table_of_broken_names(data)


def _table_of_broken_names(data: bytes) -> tuple[int, common.FieldTable]:
    end = 4 + int.from_bytes(data[:4], "big")
    table, at = dict[str, Any](), 4
    while at < end:
        length, name = _short_text(data[at:])
        at += length
        length, table[name] = decode.embedded_value(data[at:])
        at += length
    return end, table
