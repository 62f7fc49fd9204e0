"""Work that is never finished: steps repeated for as long as the process lives, through any outage."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable

import structlog

from libs.chassis.outage import Away, Trouble, trouble

_log = structlog.get_logger()


class Loop:
    """Repeats `step`: at once while it returns True (there may be more), else every `seconds` or when woken."""

    def __init__(self, name: str, step: Callable[[], Awaitable[bool]], *, seconds: float) -> None:
        self.name, self._step, self._seconds = name, step, seconds
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """There is something to do."""
        self._wake.set()

    async def run(self) -> None:
        """Run until cancelled. An outage is waited out with growing pauses; a bug is logged and tried again."""
        pause = self._seconds
        while True:
            self._wake.clear()
            try:
                if await self._step():
                    pause = self._seconds
                    continue
                pause = self._seconds
            except asyncio.CancelledError:
                raise
            except Exception as error:
                away = isinstance(error, Away) or trouble(error) is Trouble.AWAY
                _log.warning(f"{self.name}_failed", away=away, error=str(error)[:500], exc_info=not away)
                pause = min(max(pause, 0.1) * 2, 5) * random.uniform(0.5, 1)  # noqa: S311  # jitter
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()
