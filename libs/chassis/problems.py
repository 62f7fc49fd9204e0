"""What goes wrong over HTTP, said as RFC 9457 problem+json: one shape for every refusal and every failure."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from libs.chassis import tracing
from libs.chassis.decision import Rejection
from libs.chassis.envelope import field_path, innermost
from libs.chassis.outage import Away, Trouble, trouble
from libs.contracts.codes import CODES
from libs.contracts.message import what_is_wrong

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
ERRORS_MAX = 20
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_ANY_PROBLEMS = {401, 403, 404, 422, 500, 503}
_COMMAND_PROBLEMS = {400, 408, 409, 413, 415}
_EDIT_PROBLEMS = {412, 428}
"""Of operations that know If-Match."""
_CODE_OF_STATUS = {400: "body_unparsable", 404: "address_unknown", 405: "method_not_allowed"}


class Breach(BaseModel):
    """One breach of the contract: in the body (a JSON pointer) or in a parameter or header (its name)."""

    detail: str
    pointer: str | None = Field(
        default=None, description="JSON pointer into the body", examples=["#/lines/0/quantity"]
    )
    parameter: str | None = Field(default=None, description="Name of the path, query or header parameter")


class Problem(BaseModel):
    """Why a request was refused or failed (RFC 9457). Programs decide by `code`; people read `detail`."""

    type: str = Field(examples=["/problems/sku_unknown"])
    title: str
    status: int
    detail: str
    code: str
    field: str | None = None
    errors: list[Breach] | None = None
    trace_id: str | None = None


def problem(
    code: str,
    detail: str | None = None,
    *,
    status: int | None = None,
    field: str | None = None,
    errors: Sequence[Breach] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer for a registered error code."""
    usual_status, title = CODES[code]
    content = Problem(
        type=f"/problems/{code}",
        title=title,
        status=status or usual_status,
        detail=detail or title,
        code=code,
        field=field,
        errors=list(errors) or None,
        trace_id=tracing.trace_id_of(tracing.current()),
    )
    headers = dict(headers or {})
    if content.status == 401:
        why = (
            f', error="invalid_token", error_description="{content.detail}"'
            if code != "person_unknown"
            else ""
        )
        headers["WWW-Authenticate"] = f'Bearer realm="quartermaster"{why}'
    if content.status == 503:
        headers.setdefault("Retry-After", str(RETRY_AFTER_SECONDS))
    return Response(to_json(content, exclude_none=True), content.status, headers, MEDIA_TYPE)


def failed(error: Exception) -> Response:
    """What escaped every handler: an outage is 503; else it is our mistake, logged and told to nobody."""
    kind = Trouble.AWAY if isinstance(error, Away) else trouble(error)
    if kind is Trouble.AWAY:
        log.warning("http_unavailable", reason=str(error))
        return problem("unavailable")
    if kind is Trouble.CONFLICT:
        return problem("conflict")
    log.error("http_failed", exc_info=error)
    return problem("internal_error")


def install(app: FastAPI) -> None:
    """Let every error of the framework and of decisions leave in this shape."""
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(Rejection, rejected)


def document(schema: dict[str, Any]) -> None:
    """Write into an OpenAPI document which problems each operation can answer with."""
    components = schema.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem_schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem_schema.pop("$defs") | {"Problem": problem_schema}
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path in schema.get("paths", {}).values():
        for method, operation in path.items():
            statuses = _ANY_PROBLEMS if method == "get" else _ANY_PROBLEMS | _COMMAND_PROBLEMS
            if any(each.get("name", "").lower() == "if-match" for each in operation.get("parameters", ())):
                statuses |= _EDIT_PROBLEMS
            responses = operation["responses"]
            for status in sorted(statuses):
                responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": content}


async def rejected(_: Request, error: Exception) -> Response:
    """What the business denies, or who asks is not let in."""
    assert isinstance(error, Rejection)
    return problem(error.code, error.message, field=error.field)


async def http_error(request: Request, error: Exception) -> Response:
    """What the framework refuses."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_allowed(request))
    code = _CODE_OF_STATUS.get(
        error.status_code, "internal_error" if error.status_code >= 500 else "invalid_content"
    )
    return problem(code, status=error.status_code, headers=headers)


def _allowed(request: Request) -> list[str]:
    """Every method of this address; the framework would name only those of the first route that fits."""

    def fits(method: str) -> bool:
        scope = {**request.scope, "method": method}
        return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)

    return [method for method in _METHODS if fits(method)]


async def invalid(request: Request, error: Exception) -> Response:
    """Content or parameters that break the contract."""
    assert isinstance(error, RequestValidationError)
    found = innermost(error.errors())
    if any(each["type"] == "json_invalid" and each["loc"][0] == "body" for each in found):
        return problem("body_unparsable")
    in_body = any(each["loc"][0] == "body" for each in found)
    if in_body and not _is_json(request.headers.get("content-type")) and await request.body():
        return problem("media_type_unsupported", headers={"Accept": "application/json"})
    breaches = [_breach(each) for each in found[:ERRORS_MAX]]
    return problem(
        "invalid_content", breaches[0].detail, field=field_path(found[0]["loc"][1:]) or None, errors=breaches
    )


def _is_json(content_type: str | None) -> bool:
    media_type = (content_type or "").partition(";")[0].strip().lower()
    return media_type == "application/json" or (
        media_type.startswith("application/") and media_type.endswith("+json")
    )


def _breach(error: Mapping[str, Any]) -> Breach:
    place, *location = error["loc"]
    detail = what_is_wrong(error)[:200]
    if place == "body":
        steps = [str(step).replace("~", "~0").replace("/", "~1") for step in location]
        return Breach(detail=detail, pointer="#" + "".join(f"/{step}" for step in steps))
    return Breach(detail=detail, parameter=field_path(location))
