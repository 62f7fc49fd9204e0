"""A wire between a process and one of its servers that a test can cut, block, slow down and mend.

async with FaultProxy("127.0.0.1", port).listening() as wire:
    connect to wire.port …
    wire.freeze()      nothing passes any more and nobody is told, as when a cable is pulled
    wire.cut()         every connection is reset (RST), as when a firewall forgets them
    wire.refuse()      the same, and new connections are reset too, as when the host is gone
    wire.delay(0.2)    every piece takes so many seconds longer
    wire.lose_answers_to(b"COMMIT")   what says so arrives, then its connection is reset instead of answered
    wire.resume()      all is well again; what was blocked passes now
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

PIECE_BYTES = 65_536
# On, with no time to linger: closing sends RST instead of FIN.
RESET = struct.pack("ii", 1, 0)


class FaultProxy:
    """Passes bytes on in both directions between `port` and the server at the given address."""

    def __init__(self, host: str, port: int) -> None:
        self.port = 0
        self.connections = 0
        self._target = host, port
        self._passing = asyncio.Event()
        self._passing.set()
        self._refusing = False
        self._delay_seconds = 0.0
        self._unanswered = b""
        self._open: set[asyncio.Task[None]] = set()

    def freeze(self) -> None:
        """From now on nothing gets through, and neither side is told; new connections hang."""
        self._passing.clear()

    def delay(self, seconds: float) -> None:
        """From now on every piece is held back so long, in its order."""
        self._delay_seconds = seconds

    def lose_answers_to(self, words: bytes) -> None:
        """From now on whoever has said this finds the connection reset, although it was heard."""
        self._unanswered = words

    def cut(self) -> None:
        """Reset every connection there is."""
        for task in self._open:
            task.cancel()

    def refuse(self) -> None:
        """Reset every connection there is, and whatever comes."""
        self._refusing = True
        self.cut()

    def resume(self) -> None:
        """Pass everything again, at once, and take connections."""
        self._refusing = False
        self._delay_seconds = 0.0
        self._unanswered = b""
        self._passing.set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["FaultProxy"]:
        """Takes connections on `port` of this machine for as long as this lasts."""
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.cut()
            await asyncio.gather(*self._open, return_exceptions=True)

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            _reset(writer)
            return
        self.connections += 1
        task = asyncio.create_task(self._connect(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Both ways until both have ended in peace; anything else resets both sides."""
        ends = [writer]
        try:
            await self._passing.wait()
            their_reader, theirs = await asyncio.open_connection(*self._target)
            ends.append(theirs)
            unanswered = asyncio.Event()
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pass(reader, theirs, unanswered))
                ways.create_task(self._answer(their_reader, writer, unanswered))
            for end in ends:
                end.close()
        except (asyncio.CancelledError, OSError, ExceptionGroup):
            # A cut is no failure of ours: it ends here.
            for end in ends:
                _reset(end)

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, unanswered: asyncio.Event
    ) -> None:
        while piece := await reader.read(PIECE_BYTES):
            await self._hold_back()
            if self._unanswered and self._unanswered in piece:
                unanswered.set()
            writer.write(piece)
            await writer.drain()
        await self._end(writer)

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, unanswered: asyncio.Event
    ) -> None:
        while piece := await reader.read(PIECE_BYTES):
            await self._hold_back()
            if unanswered.is_set():
                raise ConnectionResetError("the answer is lost")
            writer.write(piece)
            await writer.drain()
        await self._end(writer)

    async def _hold_back(self) -> None:
        if self._delay_seconds:
            await asyncio.sleep(self._delay_seconds)
        await self._passing.wait()

    async def _end(self, writer: asyncio.StreamWriter) -> None:
        await self._passing.wait()
        with contextlib.suppress(OSError):
            writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
