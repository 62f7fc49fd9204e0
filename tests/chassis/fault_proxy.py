"""A wire that can be cut or frozen: between a process and one of its servers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class FaultProxy:
    """Passes bytes on in both directions. Frozen, it keeps connections open and passes nothing."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._open: set[asyncio.Task[None]] = set()
        self.port = 0

    def freeze(self) -> None:
        """From now on nothing gets through, and nobody is told."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Go on where it stopped."""
        self._flowing.set()

    def cut(self) -> None:
        """Close every connection."""
        for task in self._open:
            task.cancel()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["FaultProxy"]:
        """Takes connections on `port` for as long as this lasts."""
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.cut()
            await asyncio.gather(*self._open, return_exceptions=True)

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._connect(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            their_reader, their_writer = await asyncio.open_connection(*self._target)
            ways = (self._pass(reader, their_writer), self._pass(their_reader, writer))
            try:
                await asyncio.wait(
                    [asyncio.create_task(way) for way in ways], return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                writer.transport.abort()
                their_writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while some := await reader.read(65536):
                await self._flowing.wait()
                writer.write(some)
                await writer.drain()
