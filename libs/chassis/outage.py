"""What a database error means: the server is away, somebody else was in the way, or the data is wrong."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import cast

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError


class Trouble(Enum):
    """The three kinds, by what follows."""

    AWAY = "hold the messages and try again: an outage never dead-letters"
    CONFLICT = "run the transaction again"
    DATA = "find the message whose data it is"


class Away(Exception):
    """The database or the broker cannot be reached; nothing was decided."""


class Stuck(Away):
    """Not even the verdict on a message could be kept, although the database answers: somebody must look."""


# Class 08 connection, 28 login, 3D no such database, 53 resources, 57P shutdown and crash, 25006 read-only standby.
READ_ONLY = "25006"
_AWAY = ("08", "28", "3D", "53", "57P", READ_ONLY)
_CONFLICT = ("40001", "40P01", "55P03")
_UNIQUE = "23505"


def trouble(error: BaseException) -> Trouble:
    """Which kind of trouble a failed transaction met."""
    if isinstance(error, OSError | TimeoutError | PoolTimeoutError):
        return Trouble.AWAY
    if not isinstance(error, DBAPIError):
        return (
            Trouble.AWAY
            if isinstance(error, SQLAlchemyError) and "connection" in str(error)
            else Trouble.DATA
        )
    state = getattr(error.orig, "sqlstate", None) or ""
    if error.connection_invalidated or not state or state.startswith(_AWAY):
        return Trouble.AWAY if error.connection_invalidated or state else _without_state(error)
    if state in _CONFLICT or (state == _UNIQUE and (constraint_of(error) or "").endswith("_pkey")):
        return Trouble.CONFLICT
    return Trouble.DATA


def constraint_of(error: BaseException) -> str | None:
    """The name of the constraint that refused the data, if one did."""
    cause = getattr(getattr(error, "orig", None), "__cause__", None)
    return getattr(cause, "constraint_name", None)


def _without_state(error: DBAPIError) -> Trouble:
    # asyncpg raises InterfaceError both for a lost connection and for a value it cannot encode.
    cause = getattr(error.orig, "__cause__", None)
    lost = isinstance(cause, OSError) or "connection" in str(cause).lower()
    return Trouble.AWAY if lost else Trouble.DATA


class Outage:
    """The circuit breaker of a process: while the database is away nobody handles anything, one task asks for it."""

    def __init__(self, probe: Callable[[], Awaitable[None]]) -> None:
        self._probe = probe
        self._probing: asyncio.Task[None] | None = None

    @property
    def lasts(self) -> bool:
        """Whether the database is known to be away right now."""
        return self._probing is not None and not self._probing.done()

    async def over(self, *, within: float | None = None) -> bool:
        """Wait until a probe succeeds; False if that takes longer than so many seconds."""
        if not self.lasts:
            self._probing = asyncio.create_task(self._until_it_answers())
        probing = cast("asyncio.Task[None]", self._probing)
        done, _ = await asyncio.wait({probing}, timeout=within)
        return bool(done)

    async def _until_it_answers(self) -> None:
        pause = 0.1
        while True:
            try:
                async with asyncio.timeout(5):
                    await self._probe()
                return
            except Exception as error:
                if trouble(error) is not Trouble.AWAY:
                    raise
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  # jitter
            pause = min(pause * 2, 5)
