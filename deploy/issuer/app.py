"""The issuer over HTTP: discovery, keys, the page where one picks who to be, and tokens."""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from pathlib import Path
from secrets import compare_digest, token_urlsafe
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from deploy.issuer.keys import ALGORITHM, AUDIENCE, TOKEN_SECONDS, Keys
from deploy.local.definitions import INTEGRATIONS
from libs.chassis.settings import is_loopback
from libs.contracts.permissions import Role

CODE_SECONDS = 60
CODES_MAX = 1000
PERSONS = tuple(role for role in Role if role is not Role.INTEGRATION)
_ASKED = ("client_id", "redirect_uri", "state", "nonce", "code_challenge")
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class _Promise:
    """What a code will be exchanged for, by whoever knows what the challenge was made of."""

    person: str
    roles: tuple[str, ...]
    asked: Mapping[str, str]
    until: float


class Wrong(Exception):
    """Why there is no token, in the words of OAuth 2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.description, self.status = error, description, status


def issuer_app(url: str, home: Path) -> FastAPI:
    """The issuer called `url`, with its keys and the integrations' passwords in `home`."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    keys = Keys(home)
    promises: dict[str, _Promise] = {}

    @app.exception_handler(Wrong)
    async def refuse(_: Request, wrong: Wrong) -> Response:
        content = {"error": wrong.error, "error_description": wrong.description}
        return JSONResponse(content, wrong.status, {"Cache-Control": "no-store"})

    @app.get("/health/ready")
    async def ready() -> Mapping[str, Mapping[str, str]]:
        return {"checks": {}}

    @app.get("/.well-known/openid-configuration")
    async def discover() -> Mapping[str, Any]:
        return {
            "issuer": url,
            "authorization_endpoint": f"{url}/authorize",
            "token_endpoint": f"{url}/token",
            "jwks_uri": f"{url}/keys",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "client_credentials"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "scopes_supported": ["openid"],
        }

    @app.get("/keys")
    async def publish() -> Mapping[str, Any]:
        return {"keys": keys.published()}

    @app.get("/authorize")
    async def pick(request: Request) -> Response:
        return HTMLResponse(_page(_asked(request.query_params)), headers=_PAGE_HEADERS)

    @app.post("/authorize")
    async def picked(request: Request) -> Response:
        form = await _form(request)
        asked = _asked({name: values[0] for name, values in form.items()})
        person, roles = form.get("person", [""])[0].strip(), form.get("roles", [])
        if not person or not set(roles) <= set(PERSONS):
            raise Wrong("invalid_request", "pick an id and roles of the list")
        now = monotonic()
        for old in [code for code, promise in promises.items() if promise.until < now]:
            del promises[old]
        if len(promises) >= CODES_MAX:
            raise Wrong("temporarily_unavailable", "too many codes wait to be used", 503)
        code = token_urlsafe(32)
        promises[code] = _Promise(person, tuple(roles), asked, now + CODE_SECONDS)
        answer = urlencode({"code": code, **({"state": asked["state"]} if asked.get("state") else {})})
        uri = asked["redirect_uri"]
        return RedirectResponse(
            f"{uri}{'&' if '?' in uri else '?'}{answer}", 303, {"Cache-Control": "no-store"}
        )

    @app.post("/token")
    async def exchange(request: Request) -> Response:
        form = {name: values[0] for name, values in (await _form(request)).items()}
        match form.get("grant_type"):
            case "client_credentials":
                client = _client(home, request.headers.get("authorization", ""), form)
                content = {"access_token": keys.token(url, client, [Role.INTEGRATION], client_id=client)}
            case "authorization_code":
                promise = _kept(promises.pop(form.get("code", ""), None), form)
                client = promise.asked["client_id"]
                nonce = {"nonce": promise.asked["nonce"]} if promise.asked.get("nonce") else {}
                content = {
                    "access_token": keys.token(url, promise.person, promise.roles, client_id=client),
                    "id_token": keys.token(url, promise.person, promise.roles, aud=client, **nonce),
                }
            case _:
                raise Wrong("unsupported_grant_type", "authorization_code or client_credentials")
        answer = {**content, "token_type": "Bearer", "expires_in": TOKEN_SECONDS}
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    return app


def _asked(given: Mapping[str, str]) -> dict[str, str]:
    """What a client wants, as far as we give it: a code for PKCE, to a place on this machine."""
    asked = {name: given[name] for name in _ASKED if given.get(name)}
    if given.get("response_type") != "code" or given.get("code_challenge_method") != "S256":
        raise Wrong("invalid_request", "response_type is code, code_challenge_method is S256")
    missing = [name for name in ("client_id", "redirect_uri", "code_challenge") if name not in asked]
    if missing:
        raise Wrong("invalid_request", f"missing: {', '.join(missing)}")
    there = urlsplit(asked["redirect_uri"])
    if there.scheme not in ("http", "https") or not is_loopback(there.hostname) or there.fragment:
        raise Wrong("invalid_request", "redirect_uri must lead to this machine")
    return asked


def _kept(promise: _Promise | None, form: Mapping[str, str]) -> _Promise:
    """The promise, if it is asked for in time by whoever it was made to."""
    if promise is None or promise.until < monotonic():
        raise Wrong("invalid_grant", "the code is unknown, used or too old")
    made_of = sha256(form.get("code_verifier", "").encode()).digest()
    challenge = urlsafe_b64encode(made_of).rstrip(b"=").decode()
    same = all(form.get(name) == promise.asked[name] for name in ("client_id", "redirect_uri"))
    if not same or not compare_digest(challenge.encode(), promise.asked["code_challenge"].encode()):
        raise Wrong("invalid_grant", "client_id, redirect_uri or code_verifier is not the one of the request")
    return promise


def _client(home: Path, authorization: str, form: Mapping[str, str]) -> str:
    """The integration that knows its password of the broker."""
    client, secret = form.get("client_id", ""), form.get("client_secret", "")
    if authorization.lower().startswith("basic "):
        try:
            client, _, secret = b64decode(authorization[6:], validate=True).decode().partition(":")
        except ValueError:
            raise Wrong("invalid_client", "the credentials are not readable", 401) from None
        client, secret = unquote(client), unquote(secret)
    path = home / "passwords.json"
    passwords: Mapping[str, str] = json.loads(path.read_text()) if path.exists() else {}
    known = passwords.get(f"{client}.broker", "") if client in INTEGRATIONS else ""
    if not known or not compare_digest(known.encode(), secret.encode()):
        raise Wrong("invalid_client", "no such client, or another secret", 401)
    return client


async def _form(request: Request) -> Mapping[str, Sequence[str]]:
    body = await request.body()
    try:
        return parse_qs(body.decode(), max_num_fields=50)
    except ValueError:
        raise Wrong("invalid_request", "the form is not readable") from None


def _page(asked: Mapping[str, str]) -> str:
    hidden = {**asked, "response_type": "code", "code_challenge_method": "S256"}
    fields = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in hidden.items()
    )
    boxes = "".join(
        f'<label><input type="checkbox" name="roles" value="{role}"> {role.replace("_", " ")}</label><br>'
        for role in PERSONS
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Who are you today?</title>'
        "<style>body{font:16px sans-serif;max-width:30em;margin:4em auto}</style></head><body>"
        f"<h1>Who are you today?</h1><p>Development only. For {escape(AUDIENCE)}.</p>"
        f'<form method="post" action="/authorize">{fields}'
        '<p><label>Person <input name="person" value="person-17" required maxlength="128"></label></p>'
        f"<p>{boxes}</p><p><button>Go on</button></p></form></body></html>"
    )
