"""A connection that is lost is an error, to be stopped is not: only the first may look like the other."""

import asyncio

import pytest

from libs.chassis.cut_off import cut_off_is_an_error


async def test_what_the_client_cancels_is_an_error() -> None:
    answer = asyncio.get_running_loop().create_future()
    answer.cancel()

    with pytest.raises(ConnectionError), cut_off_is_an_error():
        await answer


async def test_who_is_stopped_while_waiting_stops() -> None:
    async def wait() -> None:
        with cut_off_is_an_error():
            await asyncio.Event().wait()

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_who_waits_too_long_is_told_so() -> None:
    async def wait() -> None:
        async with asyncio.timeout(0.01):
            with cut_off_is_an_error():
                await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await wait()
