"""The issuer's keys, in a private file of the checkout; the newest signs, the older ones are believed for a while."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import time
from typing import Any
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import ECKey

from deploy.local import process

ALGORITHM = "ES256"
AUDIENCE = "quartermaster"
TOKEN_SECONDS = 12 * 3600


class Keys:
    """What `home` holds. Read anew each time: a rotation is noticed without a restart."""

    def __init__(self, home: Path) -> None:
        self._path = home.resolve() / "issuer" / "keys.json"

    def published(self) -> list[Mapping[str, Any]]:
        """The public halves, as a key set lists them."""
        return [
            {**ECKey.import_key(each["key"]).as_dict(private=False), "use": "sig", "alg": ALGORITHM}
            for each in self._all()
        ]

    def rotate(self) -> str:
        """Sign with a new key from now on; its id. Keys whose last token has expired are forgotten."""
        now = time()
        kept = [each for each in self._kept() if each["retired_at"] is None or not _over(each, now)]
        for each in kept:
            each["retired_at"] = each["retired_at"] or now
        kid = uuid4().hex[:8]
        key = ECKey.generate_key("P-256", {"kid": kid}).as_dict(private=True)
        process.save_private(self._path, [{"key": key, "retired_at": None}, *kept])
        return kid

    def token(self, issuer: str, person: str, roles: Sequence[str], **claims: object) -> str:
        """A token that names a person or a system, with these roles."""
        key, now = ECKey.import_key(self._all()[0]["key"]), int(time())
        content = {
            "iss": issuer,
            "aud": AUDIENCE,
            "sub": person,
            "roles": [*roles],
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "jti": uuid4().hex,
            **claims,
        }
        return jwt.encode({"alg": ALGORITHM, "kid": key.kid}, content, key, algorithms=[ALGORITHM])

    def _all(self) -> list[dict[str, Any]]:
        if not self._path.exists():
            self.rotate()
        return self._kept()

    def _kept(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self._path.read_text()) if self._path.exists() else []
        return found


def _over(key: Mapping[str, Any], now: float) -> bool:
    return bool(now - key["retired_at"] > TOKEN_SECONDS)
