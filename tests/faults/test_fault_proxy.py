"""The wire itself: what it passes, and how each of its faults looks from both ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from time import monotonic

import pytest

from tests.fault_proxy import FaultProxy

SILENCE_SECONDS = 0.15


@asynccontextmanager
async def a_wire_to_an_echo() -> AsyncIterator[FaultProxy]:
    """A wire, and at its end a server that says back whatever it hears."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while said := await reader.read(1024):
                writer.write(said)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    try:
        async with FaultProxy("127.0.0.1", server.sockets[0].getsockname()[1]).listening() as wire:
            yield wire
    finally:
        server.close()


class Caller:
    """One end of the wire."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def say(self, words: bytes) -> None:
        self.writer.write(words)

    async def hears(self, words: bytes) -> bool:
        async with asyncio.timeout(5):
            return await self.reader.readexactly(len(words)) == words

    async def hears_nothing(self) -> bool:
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                await self.reader.read(1)
        except TimeoutError:
            return True
        return False


@asynccontextmanager
async def a_caller(wire: FaultProxy) -> AsyncIterator[Caller]:
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    try:
        yield Caller(reader, writer)
    finally:
        writer.transport.abort()


async def test_what_is_said_comes_back_whole() -> None:
    words = bytes(range(256)) * 4_000

    async with a_wire_to_an_echo() as wire, a_caller(wire) as caller:
        caller.say(words)

        assert await caller.hears(words)


async def test_the_end_of_what_is_said_is_passed_on_too() -> None:
    async with a_wire_to_an_echo() as wire, a_caller(wire) as caller:
        caller.say(b"goodbye")
        caller.writer.write_eof()

        async with asyncio.timeout(5):
            assert await caller.reader.read() == b"goodbye"


async def test_a_frozen_wire_is_silent_and_passes_everything_once_resumed() -> None:
    async with a_wire_to_an_echo() as wire, a_caller(wire) as caller:
        wire.freeze()
        caller.say(b"anybody there?")
        assert await caller.hears_nothing()

        wire.resume()

        assert await caller.hears(b"anybody there?")


async def test_a_connection_made_while_frozen_hangs_until_resumed() -> None:
    async with a_wire_to_an_echo() as wire:
        wire.freeze()
        async with a_caller(wire) as caller:
            caller.say(b"hello")
            assert await caller.hears_nothing()

            wire.resume()

            assert await caller.hears(b"hello")


@pytest.mark.parametrize("frozen", [False, True], ids=["flowing", "frozen"])
async def test_a_cut_resets_the_connection_and_the_next_one_works(frozen: bool) -> None:
    async with a_wire_to_an_echo() as wire:
        async with a_caller(wire) as caller:
            caller.say(b"hello")
            assert await caller.hears(b"hello")
            if frozen:
                wire.freeze()

            wire.cut()

            with pytest.raises(ConnectionResetError):
                async with asyncio.timeout(5):
                    await caller.reader.read(1)
        wire.resume()
        async with a_caller(wire) as again:
            again.say(b"hello")
            assert await again.hears(b"hello")
        assert wire.connections == 2


async def test_a_refusing_wire_resets_newcomers_until_resumed() -> None:
    async with a_wire_to_an_echo() as wire:
        wire.refuse()
        with pytest.raises(ConnectionResetError):
            async with a_caller(wire) as caller, asyncio.timeout(5):
                await caller.reader.read(1)

        wire.resume()

        async with a_caller(wire) as caller:
            caller.say(b"hello")
            assert await caller.hears(b"hello")


async def test_a_slow_wire_holds_every_piece_back_both_ways() -> None:
    async with a_wire_to_an_echo() as wire, a_caller(wire) as caller:
        caller.say(b"hello")
        assert await caller.hears(b"hello")
        wire.delay(0.1)
        began = monotonic()

        caller.say(b"slowly")

        assert await caller.hears(b"slowly")
        assert monotonic() - began >= 0.2


async def test_what_was_said_is_heard_although_its_answer_is_lost() -> None:
    heard = asyncio.Queue[bytes]()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while said := await reader.read(1024):
                heard.put_nowait(said)
                writer.write(said)
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with (
        FaultProxy("127.0.0.1", server.sockets[0].getsockname()[1]).listening() as wire,
        a_caller(wire) as caller,
        asyncio.timeout(5),
    ):
        wire.lose_answers_to(b"COMMIT")
        caller.say(b"hello")
        assert await caller.hears(b"hello")

        caller.say(b"COMMIT;")

        with pytest.raises(ConnectionResetError):
            await caller.reader.read(1)
        assert [await heard.get(), await heard.get()] == [b"hello", b"COMMIT;"]
    server.close()
