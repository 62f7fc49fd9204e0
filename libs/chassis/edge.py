"""Around every HTTP request: its trace, limits and metrics, and a problem for what nobody else caught."""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

from opentelemetry.trace import SpanKind
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.chassis import metrics, problems, tracing

LINGER_SECONDS = 5
LINGER_BODIES = 16
"""How long, and how many times the largest body allowed, the rest of one too large is still read, and dropped."""


STREAMED = re.compile(r"^/api/v1/(imports/[a-z-]+/files|imports/[0-9a-f-]+/rejected|exports/[a-z-]+)$")
"""Addresses of files, which come and go in parts, however large: whoever serves them sees to their limits."""


class _BodyTooLarge(Exception):
    pass


class _CallerLeft(Exception):
    pass


class Edge:
    """ASGI middleware. A body is read, up to its limit, before anything looks at it."""

    def __init__(self, app: ASGIApp, *, body_bytes_max: int, request_seconds_max: float) -> None:
        self.app, self._body_bytes_max, self._request_seconds_max = app, body_bytes_max, request_seconds_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = perf_counter()
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-content-type-options", b"nosniff")]
            await send(message)

        parent = dict(scope["headers"]).get(b"traceparent", b"").decode("latin-1")
        with tracing.span(f"HTTP {scope['method']}", parent, kind=SpanKind.SERVER):
            arrived = False
            try:
                if STREAMED.match(scope["path"]):
                    arrived = True
                    await self.app(scope, self._in_time(receive), self._in_time(sending))
                else:
                    async with asyncio.timeout(self._request_seconds_max):
                        receive = await self._with_body(scope, receive)
                        arrived = True
                        await self.app(scope, receive, sending)
            except _CallerLeft:
                return
            except Exception as error:
                if status:
                    # Half an answer is out: the connection must break, so that nobody takes it for whole.
                    raise
                answer = self._problem(error, arrived)
                too_large = isinstance(error, _BodyTooLarge)
                await answer(scope, receive, self._lingering(receive, sending) if too_large else sending)
        route = getattr(scope.get("route"), "path", "other")
        metrics.HTTP_REQUESTS.labels(scope["method"], route, status).inc()
        metrics.HTTP_REQUEST_SECONDS.labels(scope["method"], route).observe(perf_counter() - begun)

    def _in_time(self, passing: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """Each part of a file has the time that elsewhere a whole request has."""

        async def part(*message: Message) -> Any:
            async with asyncio.timeout(self._request_seconds_max):
                return await passing(*message)

        return part

    def _problem(self, error: Exception, arrived: bool) -> ASGIApp:
        if isinstance(error, _BodyTooLarge):
            sentence = f"The body may have at most {self._body_bytes_max} bytes."
            return problems.problem("body_too_large", sentence, headers={"Connection": "close"})
        if isinstance(error, TimeoutError) and not arrived:
            return problems.problem("body_too_slow", headers={"Connection": "close"})
        return problems.failed(error)

    async def _with_body(self, scope: Scope, receive: Receive) -> Receive:
        """The same `receive`, its body collected already; Content-Length is neither needed nor trusted."""
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"")
        if not length and b"transfer-encoding" not in headers:
            return receive
        if length.isdigit() and int(length) > self._body_bytes_max:
            raise _BodyTooLarge
        chunks, size, more = [], 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _CallerLeft
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > self._body_bytes_max:
                raise _BodyTooLarge
            chunks.append(chunk)
            more = message.get("more_body", False)
        whole: Message | None = {"type": "http.request", "body": b"".join(chunks), "more_body": False}

        async def receive_collected() -> Message:
            nonlocal whole
            given, whole = whole, None
            return given or await receive()

        return receive_collected

    def _lingering(self, receive: Receive, send: Send) -> Send:
        """Answer, but keep the connection until the caller has said what was on its way.

        Closed with something unread it is reset, and the caller sees a broken connection instead of the answer.
        """

        async def sending(message: Message) -> None:
            if message["type"] != "http.response.body":
                await send(message)
                return
            await send({**message, "more_body": True})
            left = LINGER_BODIES * self._body_bytes_max
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LINGER_SECONDS):
                    while left > 0 and (dropped := await receive()).get("more_body"):
                        left -= len(dropped.get("body", b""))
            await send({"type": "http.response.body", "body": b""})

        return sending
