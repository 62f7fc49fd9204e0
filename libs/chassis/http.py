"""A service's API: an endpoint turns a request into a command and has it obeyed, a batch of one.

A route declares what one must be permitted, `dependencies=[needs(Action.SEE_ORDERS)]`, and takes what it needs as
`obey: Obeying`, `read: Reading`, who acts as `actor: Person`, and its body as `JsonBody[SubmitOrder]`.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Protocol, TypeVar
from uuid import UUID, uuid4

import structlog
from fastapi import APIRouter, Depends, FastAPI, Header, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import GetCoreSchemaHandler, TypeAdapter
from pydantic_core import PydanticSerializationError, core_schema, to_json, to_jsonable_python
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from starlette.routing import Router as BaseRouter

from libs.chassis import acting, metrics, problems, tracing
from libs.chassis.acting import ACT_AS as ACT_AS
from libs.chassis.acting import Forbidden as Forbidden
from libs.chassis.acting import Person as Person
from libs.chassis.acting import actions_of, origin_of
from libs.chassis.acting import needs as needs
from libs.chassis.decision import Actor, Early, Handler
from libs.chassis.edge import Edge
from libs.chassis.envelope import Envelope, canonical_hash
from libs.chassis.identity import Grants, Identity
from libs.chassis.inbox import CONSUMER_HTTP, Arrival
from libs.chassis.outage import READ_ONLY
from libs.chassis.service import Service
from libs.contracts.message import Command
from libs.contracts.values import derived_id

API = "/api/v1"
MESSAGE_ID = "Quartermaster-Message-Id"
CORRELATION_ID = "Quartermaster-Correlation-Id"
COMMANDS_AT_ONCE = 200
TRIES_MAX = 3
"""From the third try on a decision waits for records that are busy instead of skipping them."""

log = structlog.get_logger()

T = TypeVar("T")


class Ending(Protocol):
    """How a message ended, as far as HTTP must know: the decider's outcome."""

    @property
    def verdict(self) -> str: ...
    @property
    def answer(self) -> Mapping[str, Any] | None: ...


class Decides(Protocol):
    """What decides messages: `libs.chassis.batch.Decider`."""

    def handler_for(self, arrival: Arrival) -> Handler[Any] | None: ...
    async def handle(self, arrivals: Sequence[Arrival]) -> Sequence[Ending]: ...


class _AsJson:
    """Contracts are strict, and ids, dates and tuples are strings and lists in JSON: read it as JSON."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        adapter: TypeAdapter[Any] = TypeAdapter(source)

        def read(value: Any) -> Any:
            try:
                return adapter.validate_json(to_json(value))
            except PydanticSerializationError:
                raise ValueError("text must not contain lone surrogates") from None

        return core_schema.no_info_before_validator_function(read, handler(source))


JsonBody = Annotated[T, _AsJson()]
"""A request body under the same rules as a message's content on a queue."""


@dataclass(frozen=True)
class Obeyed:
    """How one command of a request ended. `message_id` is what the inbox knows it by."""

    message_id: UUID
    correlation_id: str
    verdict: str
    answer: Mapping[str, Any]

    @property
    def accepted(self) -> bool:
        """Whether it was done, now or (a repeat) the first time."""
        return (self.answer.get("original") or self.answer.get("outcome")) == "accepted"

    def response(self, status: int) -> Response:
        """The numbers and ids of what was accepted, or the problem; a repeat gives what the first one got."""
        headers = {MESSAGE_ID: str(self.message_id), CORRELATION_ID: self.correlation_id}
        if self.accepted:
            result = to_jsonable_python(self.answer.get("result") or {})
            # Sorted, because a repeat reads it from a column that does not keep the order.
            content = json.dumps(result, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
            return Response(content, status, headers, media_type="application/json")
        if self.verdict == "waiting":
            # Kept, and decided as soon as what it names exists.
            return JSONResponse({}, 202, headers)
        if "code" in self.answer:
            code, sentence, field = (self.answer.get(name) for name in ("code", "message", "field"))
            return problems.problem(str(code), sentence, field=field, headers=headers)
        return problems.problem("conflict" if self.verdict == "busy" else "internal_error", headers=headers)


def _obeyed(arrival: Arrival, ending: Ending) -> Obeyed:
    envelope, answer = arrival.envelope, ending.answer or {}
    metrics.MESSAGES_HANDLED.labels(envelope.type, ending.verdict).inc()
    if ending.verdict not in {"accepted", "duplicate"}:
        log.info(
            f"command_{ending.verdict}",
            type=envelope.type,
            message_id=str(envelope.message_key),
            correlation_id=envelope.correlation_id,
            code=answer.get("code"),
        )
    return Obeyed(envelope.message_key, envelope.correlation_id, ending.verdict, answer)


class Obey:
    """Has a request's commands obeyed in the name of `actor`, if the command's action is permitted to it.

    With an Idempotency-Key a repeat gets the original response, and other content is refused; keys are kept
    30 days, each person's and each command's apart.
    """

    def __init__(self, decider: Decides, *, actor: Actor, key: str | None, origin: str) -> None:
        self.actor, self._decider, self._key, self._origin = actor, decider, key, origin

    @property
    def person(self) -> str:
        """The id of who acts."""
        return self.actor.id

    async def __call__(self, command: Command, *, status: int = 201) -> Response:
        """The response of one command: `status` and its answer's numbers and ids, or a problem."""
        (obeyed,) = await self.many([command])
        return obeyed.response(status)

    async def many(
        self, commands: Sequence[Command], *, numbers: Sequence[int] | None = None
    ) -> list[Obeyed]:
        """Several commands, a few hundred to a transaction; each ends for itself.

        `numbers` tell those of one key apart where they are not given all at once.
        """
        for command in commands:
            self._check(command)
        numbered = zip(numbers or range(len(commands)), commands, strict=True)
        arrivals = [self._arrival(command, number) for number, command in numbered]
        obeyed: list[Obeyed] = []
        for first in range(0, len(arrivals), COMMANDS_AT_ONCE):
            obeyed += await self._decided(arrivals[first : first + COMMANDS_AT_ONCE])
        return obeyed

    def _check(self, command: Command) -> None:
        if command.action is None:
            raise RuntimeError(f"{command.type} declares no action: only our own services may give it")
        if not self.actor.may(command.action):
            raise Forbidden(self.actor, command.action, command)

    async def _decided(self, arrivals: Sequence[Arrival]) -> list[Obeyed]:
        endings = list(await self._decider.handle(arrivals))
        for _ in range(TRIES_MAX):
            busy = [number for number, ending in enumerate(endings) if ending.verdict == "busy"]
            if not busy:
                break
            for number in busy:
                arrivals[number].tries += 1
            again = await self._decider.handle([arrivals[number] for number in busy])
            for number, ending in zip(busy, again, strict=True):
                endings[number] = ending
        return [_obeyed(arrival, ending) for arrival, ending in zip(arrivals, endings, strict=True)]

    def _arrival(self, command: Command, number: int) -> Arrival:
        arrival = Arrival(CONSUMER_HTTP, self._envelope(command, number), command)
        handler = self._decider.handler_for(arrival)
        # A person is told at once what a queue would have waited ten minutes for.
        arrival.waited_out = handler is not None and handler.early is Early.WAIT_10_MINUTES
        return arrival

    def _envelope(self, command: Command, number: int) -> Envelope:
        # No key has a space in it: none that a system chooses for itself is one of a person it acts for.
        sender, acts_for = (
            (self.actor.through, f" {self.actor.id}") if self.actor.through else (self.actor.id, "")
        )
        said_id = f"{command.type}:{number}:{self._key}{acts_for}" if self._key else str(uuid4())
        key = derived_id("message", sender, said_id)
        body = command.model_dump_json().encode()
        subject = command.subject_id()
        return Envelope(
            id=key,
            said_id=said_id,
            message_key=key,
            stranger=True,
            type=command.type,
            sender=sender,
            source="/http",
            subject=str(subject) if subject else None,
            time=None,
            sequence=None,
            correlation_id=str(key),
            causation_id=None,
            traceparent=tracing.current(),
            tracestate=None,
            reply_to=None,
            exchange=CONSUMER_HTTP,
            redelivered=False,
            body=body,
            body_hash=canonical_hash(body),
            actor=self.actor,
            actas=None,
            origin=self._origin,
        )


_Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[!-~]{1,200}$",
        description="Makes a retry safe: the same key with the same content gets the original response.",
    ),
]


async def _obeying(request: Request, actor: Person, key: _Key = None) -> Obey:
    return Obey(request.app.state.decider, actor=actor, key=key, origin=origin_of(request))


async def _reading(request: Request) -> AsyncIterator[AsyncConnection]:
    engine: AsyncEngine = request.app.state.engine
    async with engine.connect() as connection:
        try:
            yield await connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) == READ_ONLY:
                raise RuntimeError("this endpoint writes while it shows") from error
            raise


async def _writing(request: Request) -> AsyncIterator[AsyncConnection]:
    engine: AsyncEngine = request.app.state.engine
    async with engine.begin() as connection:
        yield connection


Obeying = Annotated[Obey, Depends(_obeying)]
"""For endpoints that command: `return await obey(command)`."""

Reading = Annotated[AsyncConnection, Depends(_reading)]
"""For endpoints that show: one consistent picture of the service's database, read only."""


# Committed before the answer leaves.
Writing = Annotated[AsyncConnection, Depends(_writing, scope="function")]
"""For the runtime's own endpoints that change something below all decisions: dead letters, parked messages."""


class Api(FastAPI):
    """FastAPI whose OpenAPI document names the problems of every operation."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made once."""
        if self.openapi_schema is None:
            problems.document(super().openapi())
        return super().openapi()


def create_app(
    service: Service,
    *,
    engine: AsyncEngine,
    decider: Decides,
    identity: Identity | None,
    act_as: Grants = MappingProxyType({}),
    body_bytes_max: int = 4 * 1024 * 1024,
    upload_bytes_max: int = 64 * 1024 * 1024,
    request_seconds_max: float = 30,
    with_routes: bool = True,
) -> FastAPI:
    """The HTTP side of one process. A service's routes live under /api/v1; roles without API lack them.

    Without an `identity` nobody is known, and all that needs a permission is refused. Documentation pages are off:
    they would load scripts from elsewhere.
    """
    app = Api(
        title=f"Quartermaster {service.name}",
        version="1",
        openapi_url=f"{API}/openapi.json" if with_routes else None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        # Ours go through the queues as well; the framework's would stop at the door.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.engine, app.state.decider = engine, decider
    app.state.identity, app.state.act_as = identity, act_as
    app.state.upload_bytes_max = upload_bytes_max
    problems.install(app)
    acting.install(app)
    app.add_middleware(Edge, body_bytes_max=body_bytes_max, request_seconds_max=request_seconds_max)
    if with_routes:
        include(app, service.routes)
    return app


def include(app: FastAPI, router: APIRouter) -> None:
    """Serve these routes too; one that declares no action, or a strict body as something else, is a mistake."""
    _check(router)
    app.include_router(router, prefix=API)


def _check(router: BaseRouter) -> None:
    for route in router.routes:
        if isinstance(route, APIRoute):
            if not actions_of(route):
                raise TypeError(f"{route.path}: declare what it needs, dependencies=[needs(Action.…)]")
            for body in route.dependant.body_params:
                strict = getattr(body.field_info.annotation, "model_config", {}).get("strict")
                if strict and not any(isinstance(each, _AsJson) for each in body.field_info.metadata):
                    raise TypeError(f"{route.path}: declare the body as JsonBody[…], its contract is strict")
        elif isinstance(inner := getattr(route, "original_router", None), BaseRouter):
            _check(inner)
