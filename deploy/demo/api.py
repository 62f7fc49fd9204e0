"""The four services as people meet them: over HTTP, each with a token that says who they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any, Self, TypeVar

import httpx2

PAGE_SIZE = 500
AT_ONCE = 8
T = TypeVar("T")
R = TypeVar("R")


class Refused(RuntimeError):
    """A service answered a request with a problem; the message is the problem."""


class Api:
    """Asks and commands the services at `urls` as whoever the token names."""

    def __init__(self, urls: Mapping[str, str], *, token: str) -> None:
        self._clients = {
            service: httpx2.AsyncClient(
                base_url=f"{url}/api/v1", timeout=30, headers={"Authorization": f"Bearer {token}"}
            )
            for service, url in urls.items()
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Hang up."""
        for client in self._clients.values():
            await client.aclose()

    async def get(self, service: str, path: str, **wanted: str | int | bool) -> Any:
        """What is at this address."""
        return _content(await self._clients[service].get(path, params=wanted))

    async def all(
        self, service: str, path: str, *, beyond: str | None = None, **wanted: str | int | bool
    ) -> list[dict[str, Any]]:
        """A whole list, page after page, or what of it comes after the key `beyond`."""
        return [each async for each in self._pages(service, path, beyond, wanted)]

    async def post(self, service: str, path: str, content: Mapping[str, Any], *, key: str) -> Any:
        """Give a command; repeating it with the same key changes nothing."""
        client = self._clients[service]
        return _content(await client.post(path, json=content, headers={"Idempotency-Key": key}))

    async def post_csv(self, service: str, path: str, text: str) -> Any:
        """Import a file."""
        content = text.encode()
        return _content(
            await self._clients[service].post(path, content=content, headers={"Content-Type": "text/csv"})
        )

    async def _pages(
        self, service: str, path: str, beyond: str | None, wanted: Mapping[str, str | int | bool]
    ) -> AsyncIterator[dict[str, Any]]:
        after = {} if beyond is None else {"after": beyond}
        while True:
            page = await self.get(service, path, limit=PAGE_SIZE, **wanted, **after)
            for item in page["items"]:
                yield item
            if page["next"] is None:
                return
            after = {"after": page["next"]}


async def each_of(items: Iterable[T], work: Callable[[T], Awaitable[R]]) -> list[R]:
    """The work done for every item, a few at once; the results are in the items' order."""
    turnstile = asyncio.Semaphore(AT_ONCE)

    async def one(item: T) -> R:
        async with turnstile:
            return await work(item)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(item)) for item in items]
    return [task.result() for task in tasks]


def _content(response: httpx2.Response) -> Any:
    if response.is_error:
        request = response.request
        raise Refused(f"{request.method} {request.url.path}: {response.status_code} {response.text[:500]}")
    return response.json()
