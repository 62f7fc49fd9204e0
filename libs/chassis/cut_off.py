"""Told that we were cancelled when it was the connection: the broker's client does that to whoever waits for it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from aio_pika.exceptions import AMQPError, ChannelInvalidStateError

CONNECTION_LOST = (AMQPError, ChannelInvalidStateError, OSError, TimeoutError)
"""What the broker's client raises when the connection, or a channel on it, is gone."""


@contextmanager
def cut_off_is_an_error() -> Iterator[None]:
    """Raise `ConnectionError` where a lost connection shows as a cancellation that nobody asked for.

    Left as it is, it would end work that must go on, without a word: a task that is cancelled raises no alarm.
    """
    try:
        yield
    except asyncio.CancelledError as cancelled:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise ConnectionError("the connection was lost") from cancelled
