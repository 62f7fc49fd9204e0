"""Tokens for tests: an issuer within the test process, its keys, and whoever it says somebody is.

issuer = the_issuer()                                   one for the whole process, listening on loopback
a_token("person-17", Role.REQUESTER)                    a token of it; further claims by name, None leaves one out
bearer("person-17", Role.REQUESTER)                     the same as a header
issuer.identity()                                       what `create_app` needs to believe it
issuer.settings()                                       the same as environment variables, for a process
"""

import json
import threading
from collections import Counter
from collections.abc import Callable
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, Key

from libs.chassis.identity import Identity
from libs.contracts.permissions import Role

AUDIENCE = "quartermaster"
PERSONS = tuple(role for role in Role if role is not Role.INTEGRATION)
"""Somebody who holds all of these may do everything that any person may."""


class Issuer:
    """Publishes `keys`; what it answers can be changed, what it was asked is counted by path."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self._stopped = threading.Event()
        self.changed: Callable[[str, dict[str, Any]], bytes | dict[str, Any]] = lambda _, usual: usual
        self.keys: list[Key] = [a_key("first")]
        issuer = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer = issuer.answer(self.path)
                content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, path: str) -> bytes | dict[str, Any]:
        """What is published at this path."""
        self.asked[path] += 1
        usual: dict[str, Any] = (
            {"keys": [key.as_dict(private=False) for key in self.keys]}
            if path == "/keys"
            else {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        )
        return self.changed(path, usual)

    def slowly(self, _: str, usual: dict[str, Any]) -> dict[str, Any]:
        """Keep whoever asks waiting, until it stops."""
        self._stopped.wait(5)
        return usual

    def stop(self) -> None:
        """Be away from now on."""
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def token(
        self,
        person: str = "person-17",
        *roles: Role,
        key: Key | None = None,
        algorithm: str = "ES256",
        header: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """Signed with the newest key, valid for an hour; a claim that is None is left out."""
        key, now = key or self.keys[-1], int(time())
        usual = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": person,
            "roles": [*roles],
            "iat": now,
            "exp": now + 3600,
        }
        content = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        said = {"alg": algorithm, "kid": key.kid, **(header or {})}
        said = {name: value for name, value in said.items() if value is not None}
        return jwt.encode(said, content, key, algorithms=[algorithm])

    def identity(self, **settings: Any) -> Identity:
        """What believes this issuer."""
        return Identity(self.url, **settings)

    def settings(self) -> dict[str, str]:
        """What makes a process believe this issuer; only for processes in development."""
        return {"QUARTERMASTER_OIDC_ISSUER": self.url, "QUARTERMASTER_ENVIRONMENT": "development"}


def a_key(kid: str) -> Key:
    """A new key that signs ES256."""
    return ECKey.generate_key("P-256", {"kid": kid})


@cache
def the_issuer() -> Issuer:
    """The one that everything in this process believes which does not want another."""
    return Issuer()


def a_token(person: str = "person-17", *roles: Role, **claims: Any) -> str:
    """A token of `the_issuer`; without roles its bearer may do nothing."""
    return the_issuer().token(person, *roles, **claims)


def bearer(person: str = "person-17", *roles: Role, **claims: Any) -> dict[str, str]:
    """The header that says who acts."""
    return {"Authorization": f"Bearer {a_token(person, *roles, **claims)}"}
