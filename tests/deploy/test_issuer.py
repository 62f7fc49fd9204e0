"""The development issuer: anybody on this machine becomes whoever they like, and nobody elsewhere anybody."""

import asyncio
import json
import os
import re
import stat
import subprocess
import sys
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import pytest_asyncio

from deploy.issuer.app import issuer_app
from deploy.issuer.keys import Keys
from deploy.local import ports, process
from libs.chassis.decision import Actor
from libs.chassis.identity import Identity
from libs.contracts.permissions import Role
from tests.conftest import ROOT, eventually

URL = "http://127.0.0.1:8080"
VERIFIER = "a secret of the client that only it knows"
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
WISH = {
    "response_type": "code",
    "client_id": "pages",
    "redirect_uri": "http://127.0.0.1:9000/back?from=issuer",
    "state": 's"><script>',
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
ROLES = ["requester", "procurement_manager"]


@pytest_asyncio.fixture
async def browser(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody at the issuer's door; the integration erp has the password `secret`."""
    (tmp_path / "passwords.json").write_text(json.dumps({"erp.broker": "se:cret", "assets.broker": "x"}))
    transport = httpx2.ASGITransport(app=issuer_app(URL, tmp_path))
    async with httpx2.AsyncClient(transport=transport, base_url=URL) as client:
        yield client


async def a_code(browser: httpx2.AsyncClient, **changes: str) -> str:
    form = {**WISH, "person": "person-17", "roles": ROLES, **changes}
    back = await browser.post("/authorize", data=form)
    assert back.status_code == 303, back.text
    return parse_qs(urlsplit(back.headers["location"]).query)["code"][0]


async def exchanged(browser: httpx2.AsyncClient, code: str, **changes: str) -> httpx2.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": WISH["client_id"],
        "redirect_uri": WISH["redirect_uri"],
        "code_verifier": VERIFIER,
    }
    return await browser.post("/token", data=form | changes)


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


async def test_who_picks_an_id_and_roles_gets_a_token_of_them(browser: httpx2.AsyncClient) -> None:
    page = await browser.get("/authorize", params=WISH)
    back = await browser.post("/authorize", data={**WISH, "person": "person-17", "roles": ROLES})
    answer = parse_qs(urlsplit(back.headers["location"]).query)
    tokens = (await exchanged(browser, answer["code"][0])).json()

    assert page.status_code == 200
    assert "<script" not in page.text
    assert not re.search(r'(src|href)="', page.text)
    assert back.headers["location"].startswith("http://127.0.0.1:9000/back?from=issuer&")
    assert answer["state"] == [WISH["state"]]
    claims = claims_of(tokens["access_token"])
    assert (claims["iss"], claims["aud"], claims["sub"], claims["roles"]) == (
        URL,
        "quartermaster",
        "person-17",
        ROLES,
    )
    assert claims_of(tokens["id_token"])["aud"] == "pages"


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://elsewhere.example/back"},
        {"redirect_uri": "http://127.0.0.1.elsewhere.example/"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": ""},
        {"code_challenge": ""},
        {"code_challenge_method": "plain"},
        {"response_type": "token"},
        {"client_id": ""},
    ],
    ids=str,
)
async def test_nobody_is_sent_elsewhere_nor_without_a_challenge(
    browser: httpx2.AsyncClient, changes: Mapping[str, str]
) -> None:
    asked = await browser.get("/authorize", params={**WISH, **changes})
    picked = await browser.post("/authorize", data={**WISH, **changes, "person": "person-17", "roles": ROLES})

    assert (asked.status_code, picked.status_code) == (400, 400)


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "guessed"},
        {"client_id": "other"},
        {"redirect_uri": "http://127.0.0.1/"},
        {"code": "x"},
    ],
    ids=str,
)
async def test_a_code_is_for_whoever_asked_for_it(
    browser: httpx2.AsyncClient, changes: dict[str, str]
) -> None:
    given = {"code": await a_code(browser), **changes}
    refused = await exchanged(browser, **given)

    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


async def test_a_code_is_used_once(browser: httpx2.AsyncClient) -> None:
    code = await a_code(browser)

    first, second = await exchanged(browser, code), await exchanged(browser, code)

    assert (first.status_code, second.status_code) == (200, 400)


async def test_nobody_makes_themselves_a_system(browser: httpx2.AsyncClient) -> None:
    picked = await browser.post("/authorize", data={**WISH, "person": "person-17", "roles": ["integration"]})

    assert picked.status_code == 400


@pytest.mark.parametrize("how", ["basic", "post"])
async def test_an_integration_gets_a_token_for_its_password(browser: httpx2.AsyncClient, how: str) -> None:
    form, headers = {"grant_type": "client_credentials"}, {}
    if how == "basic":
        headers["Authorization"] = f"Basic {b64encode(b'erp:se%3Acret').decode()}"
    else:
        form |= {"client_id": "erp", "client_secret": "se:cret"}

    answer = await browser.post("/token", data=form, headers=headers)

    claims = claims_of(answer.json()["access_token"])
    assert (claims["sub"], claims["roles"]) == ("erp", ["integration"])


@pytest.mark.parametrize(
    ("client", "secret"), [("erp", "wrong"), ("erp", ""), ("assets", "x"), ("nobody", ""), ("", "")]
)
async def test_other_passwords_open_nothing(browser: httpx2.AsyncClient, client: str, secret: str) -> None:
    form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}

    answer = await browser.post("/token", data=form)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_garbage_is_refused_politely(browser: httpx2.AsyncClient) -> None:
    for content in (b"", b"\xff\xfe", b"grant_type=password", b"&" * 5000):
        assert (await browser.post("/token", content=content)).status_code == 400


def test_its_keys_are_private_and_old_ones_are_published_for_a_while(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    (first,) = keys.published()

    second = keys.rotate()

    assert [key["kid"] for key in keys.published()] == [second, first["kid"]]
    assert not any("d" in key for key in keys.published())
    (file,) = (tmp_path / "issuer").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "command", [[], ["rotate"], ["token", "--person", "person-17", "--role", "requester"]]
)
def test_in_production_it_refuses_to_do_anything(tmp_path: Path, command: list[str]) -> None:
    environment = os.environ | {"QUARTERMASTER_ENVIRONMENT": "production"}
    refused = subprocess.run(
        [sys.executable, "-m", "deploy.issuer", "--home", str(tmp_path), *command],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert (refused.returncode, refused.stdout) == (2, "")
    assert "refuses to start in production" in refused.stderr
    assert not (tmp_path / "issuer").exists()


def test_it_serves_only_where_it_is_said_to_be_a_developer_s_machine(tmp_path: Path) -> None:
    unsaid = {name: value for name, value in os.environ.items() if name != "QUARTERMASTER_ENVIRONMENT"}
    refused = subprocess.run(
        [sys.executable, "-m", "deploy.issuer", "--home", str(tmp_path)],
        env=unsaid,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert refused.returncode == 2
    assert "QUARTERMASTER_ENVIRONMENT=development" in refused.stderr


async def test_services_believe_its_tokens_also_after_a_rotation(tmp_path: Path) -> None:
    (port,) = ports.free_ports(1)
    url, identity = f"http://127.0.0.1:{port}", Identity(f"http://127.0.0.1:{port}")
    command = [sys.executable, "-m", "deploy.issuer", "--home", str(tmp_path), "--port", str(port)]
    development = {**os.environ, "QUARTERMASTER_ENVIRONMENT": "development"}
    issuer = process.start("issuer", command, log=tmp_path / "log", folder=ROOT, environment=development)

    async def answers() -> bool:
        assert issuer.running, issuer.last_words()
        try:
            async with httpx2.AsyncClient() as client:
                return (await client.get(f"{url}/health/ready")).status_code == 200
        except httpx2.TransportError:
            return False

    async def ask(*words: str) -> str:
        asked = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deploy.issuer", *words, "--home", str(tmp_path)),
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        said, _ = await asked.communicate()
        return said.decode().strip()

    try:
        await eventually(answers)
        wanted = (
            "token",
            "--issuer",
            url,
            "--person",
            "person-17",
            "--role",
            "requester",
            "--role",
            "asset_manager",
        )
        before = await ask(*wanted)
        await identity.actor(before)
        await ask("rotate")
        after = await ask(*wanted)

        both = [await identity.actor(token) for token in (before, after)]
    finally:
        await issuer.stop()

    assert both == [Actor("person-17", frozenset({Role.REQUESTER, Role.ASSET_MANAGER}))] * 2
