"""The keys of the issuer whose tokens are believed: fetched when one is needed, kept while the issuer is away.

A key that is not known yet has them fetched again, by one fetch at a time and at most one a second; who asks
meanwhile waits for it. So a new key is believed at once, and a removed one no longer than until the next fetch.
After a fetch that took long and failed nobody waits for a while: others' messages stand behind whoever does.
"""

import asyncio
import json
import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import httpx2
import structlog
from joserfc.errors import SecurityWarning
from joserfc.jwk import JWKRegistry, Key

FETCH_SECONDS_MAX = 3.0
PAUSE_SECONDS = 1.0
PAUSE_AFTER_SLOWNESS = 5
"""After a fetch that was waited for in vain there is none for so many times as long."""
RENEWAL_SECONDS = 600.0
"""So long a key is believed after the issuer stopped publishing it, as long as the issuer answers."""
BYTES_MAX = 512 * 1024
KEYS_MAX = 100

_PUBLIC = ("kty", "n", "e", "crv", "x", "y")
_CURVES = {"EC": {"P-256", "P-384", "P-521"}, "OKP": {"Ed25519", "Ed448"}}

log = structlog.get_logger()


class IssuerAway(Exception):
    """The issuer was asked for a key in vain; whether there is such a key is not known."""


class _Unusable(Exception):
    """The issuer answers something else than it should."""


@dataclass(frozen=True)
class IssuerKey:
    """A public key; `algorithm` is the only one that it may be used with, where the issuer says so."""

    key: Key
    algorithm: str | None


class IssuerKeys:
    """The signing keys that an issuer publishes, by their ids. `generation` counts how often they changed."""

    def __init__(
        self,
        issuer: str,
        *,
        fetch_seconds_max: float = FETCH_SECONDS_MAX,
        renewal_seconds: float = RENEWAL_SECONDS,
    ) -> None:
        self.issuer, self.generation = issuer, 0
        self._fetch_seconds_max, self._renewal_seconds = fetch_seconds_max, renewal_seconds
        self._published: dict[str | None, dict[str, Any]] = {}
        self._keys: dict[str | None, IssuerKey] = {}
        self._began, self._not_before, self._failed = -math.inf, -math.inf, False
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, kid: str | None) -> IssuerKey | None:
        """The key of this id, or None if the issuer publishes none; raises `IssuerAway`.

        A token need not name its key if there is only one.
        """
        asked = monotonic()
        self.renew_if_old()
        while True:
            known = self._known(kid)
            if known is not None:
                return known
            if self._fetching is not None:
                await asyncio.wait({self._fetching})
            elif self._began >= asked:
                break
            elif (pause := self._not_before - monotonic()) > 0:
                if self._failed:
                    break
                await asyncio.sleep(pause)
            else:
                self._fetch()
        if self._failed:
            raise IssuerAway(f"{self.issuer} could not be asked for the key")
        return None

    def renew_if_old(self) -> None:
        """See, besides, whether the issuer has removed a key since; nobody waits for that."""
        if self._keys and self._fetching is None and monotonic() - self._began > self._renewal_seconds:
            self._fetch()

    def _known(self, kid: str | None) -> IssuerKey | None:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid)

    def _fetch(self) -> None:
        self._began = monotonic()
        self._not_before = self._began + PAUSE_SECONDS
        self._fetching = asyncio.create_task(self._fetched())

    async def _fetched(self) -> None:
        try:
            async with asyncio.timeout(self._fetch_seconds_max):
                published = await self._asked()
            keys = {kid: key for kid, jwk in published.items() if (key := _usable(jwk)) is not None}
            if not keys:
                raise _Unusable("it publishes no key that tokens can be checked with")
        except Exception as error:
            # Whatever it is, nobody who has shown a good token before may suffer from it.
            self._failed, took = True, monotonic() - self._began
            if took > self._fetch_seconds_max / 2:
                self._not_before = monotonic() + PAUSE_AFTER_SLOWNESS * took
            log.warning("issuer_away", issuer=self.issuer, reason=f"{type(error).__name__}: {error}"[:300])
        else:
            self._failed = False
            if published != self._published:
                self._published, self._keys = published, keys
                self.generation += 1
        finally:
            self._fetching = None

    async def _asked(self) -> dict[str | None, dict[str, Any]]:
        """What is published now, by key id; the discovery document is read each time, so that it may move."""
        async with httpx2.AsyncClient(timeout=self._fetch_seconds_max) as client:
            told = await _read(client, f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
            if told.get("issuer") != self.issuer:
                raise _Unusable(f"it calls itself {str(told.get('issuer'))[:200]!r}")
            address = told.get("jwks_uri")
            if not isinstance(address, str) or not _as_safe(address, self.issuer):
                raise _Unusable(f"its keys must not be fetched from {str(address)[:200]!r}")
            listed = (await _read(client, address)).get("keys")
        if not isinstance(listed, list):
            raise _Unusable("its key set has no list of keys")
        return {
            kid: jwk
            for jwk in listed[:KEYS_MAX]
            if isinstance(jwk, dict)
            and jwk.get("use", "sig") == "sig"
            and isinstance(kid := jwk.get("kid"), str | None)
        }


async def _read(client: httpx2.AsyncClient, address: str) -> Mapping[str, Any]:
    """A JSON object of bearable size."""
    content = bytearray()
    async with client.stream("GET", address) as response:
        if response.status_code != 200:
            raise _Unusable(f"{address} answers {response.status_code}")
        async for part in response.aiter_bytes():
            content += part
            if len(content) > BYTES_MAX:
                raise _Unusable(f"{address} says more than {BYTES_MAX} bytes")
    said = json.loads(content)
    if not isinstance(said, dict):
        raise _Unusable(f"{address} is not a JSON object")
    return said


def _as_safe(address: str, issuer: str) -> bool:
    """Over https, or, where the issuer itself is not, from the same place."""
    theirs, its = urlsplit(address), urlsplit(issuer)
    return theirs.scheme == "https" or (theirs.scheme, theirs.netloc) == (its.scheme, its.netloc)


def _usable(jwk: Mapping[str, Any]) -> IssuerKey | None:
    """The public part of a key for signatures; None for anything else, or too weak."""
    try:
        kind, operations = jwk.get("kty"), jwk.get("key_ops", ["verify"])
        if kind not in ("RSA", "EC", "OKP") or jwk.get("use", "sig") != "sig" or "verify" not in operations:
            return None
        if kind in _CURVES and jwk.get("crv") not in _CURVES[kind]:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("error", SecurityWarning)
            key = JWKRegistry.import_key({name: jwk[name] for name in _PUBLIC if name in jwk})
            key.public_key  # noqa: B018  # only now is it seen whether the numbers make a key
    except Exception as error:
        log.warning("issuer_key_unusable", kid=str(jwk.get("kid"))[:100], reason=str(error)[:200])
        return None
    algorithm = jwk.get("alg")
    return IssuerKey(key, algorithm if isinstance(algorithm, str) else None)
