"""Who acts over HTTP, and whether they may: every route declares its action and is refused to everybody else."""

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException
from starlette.responses import Response

from libs.chassis import audit, problems
from libs.chassis.decision import Actor, Rejection
from libs.chassis.identity import Identity, acting_for, with_grants
from libs.contracts.message import Command
from libs.contracts.permissions import Action

ACT_AS = "Quartermaster-Act-As"


class Forbidden(Rejection):
    """Somebody known may not do this."""

    def __init__(
        self,
        actor: Actor,
        action: Action | None,
        command: Command | None = None,
        *,
        because: Rejection | None = None,
    ) -> None:
        message = because.message if because else f"{actor.id} lacks a role that may do this: {action}."
        super().__init__("not_entitled", field=because.field if because else None, message=message)
        self.actor, self.action, self.command = actor, action, command


async def actor_of(request: Request) -> Actor:
    """Whom the request's token names; or the person for whom a system acts that the token names."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Rejection(
            "person_unknown", message="The header Authorization carries a bearer token of who acts."
        )
    identity: Identity | None = request.app.state.identity
    if identity is None:
        raise Rejection("identity_unavailable", message="This process knows no issuer of tokens.")
    actor = with_grants(await identity.actor(token.strip()), request.app.state.act_as)
    person = request.headers.get(ACT_AS)
    if person is None:
        return actor
    try:
        return acting_for(actor, person)
    except Rejection as refused:
        actions = actions_of(route) if isinstance(route := request.scope.get("route"), APIRoute) else ()
        raise Forbidden(actor, actions[0] if actions else None, because=refused) from None


_token = HTTPBearer(
    scheme_name="token",
    bearerFormat="JWT",
    description="An access token of the OpenID Connect issuer for the person or system that acts.",
    auto_error=False,
)


async def _acting(
    request: Request,
    _: Annotated[HTTPAuthorizationCredentials | None, Security(_token)],
    __: Annotated[
        str | None, Header(alias=ACT_AS, description="The person for whom a system acts that may do so.")
    ] = None,
) -> Actor:
    return await actor_of(request)


Person = Annotated[Actor, Depends(_acting)]
"""Who acts, with their roles; without a token that is believed the request is refused (401)."""


class _Needs:
    """Lets pass whoever may do any of these."""

    def __init__(self, actions: tuple[Action, ...]) -> None:
        self.actions = actions

    async def __call__(self, actor: Person) -> None:
        self.check(actor)

    def check(self, actor: Actor) -> None:
        """Refuse everybody else."""
        if not any(map(actor.may, self.actions)):
            raise Forbidden(actor, self.actions[0])


def needs(action: Action, *others: Action) -> Any:
    """A route's declaration of what it does: only who may do any of these gets further (403)."""
    return Depends(_Needs((action, *others)))


def actions_of(route: APIRoute) -> tuple[Action, ...]:
    """What a route declares to do; nothing for one that forgot."""
    return tuple(action for each in _needs_of(route) for action in each.actions)


def _needs_of(route: APIRoute) -> list[_Needs]:
    return [each.dependency for each in route.dependencies if isinstance(each.dependency, _Needs)]


def origin_of(request: Request) -> str:
    """Where a request comes from, in words for the audit."""
    return f"http {request.client.host}" if request.client else "http"


def install(app: FastAPI) -> None:
    """Let nobody learn what is wrong with their content before it is clear that they may send any."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Forbidden, _forbidden)


async def _invalid(request: Request, error: Exception) -> Response:
    return await _refusal(request) or await problems.invalid(request, error)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    refusal = await _refusal(request) if error.status_code == 400 else None
    return refusal or await problems.http_error(request, error)


async def _refusal(request: Request) -> Response | None:
    """The framework parses a body before it asks who sent it; here is asked first."""
    route = request.scope.get("route")
    try:
        for each in _needs_of(route) if isinstance(route, APIRoute) else ():
            each.check(await actor_of(request))
    except Forbidden as forbidden:
        return await _forbidden(request, forbidden)
    except Rejection as refused:
        return await problems.rejected(request, refused)
    return None


async def _forbidden(request: Request, error: Exception) -> Response:
    assert isinstance(error, Forbidden)
    command, route = error.command, request.scope.get("route")
    await audit.note_refusal(
        request.app.state.engine,
        error.actor,
        error.action,
        command.type if command else f"{request.method} {getattr(route, 'path', '')}",
        origin=origin_of(request),
        about=command.subject_id() if command else None,
    )
    return await problems.rejected(request, error)
