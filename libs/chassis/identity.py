"""Who acts: known by a token that an OpenID Connect issuer has signed for us.

Only signatures made with the issuer's private keys are believed: no shared secrets, no keys that a token brings along.
"""

import json
import math
import warnings
from base64 import urlsafe_b64decode
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from time import time
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from pydantic import TypeAdapter, ValidationError

from libs.chassis.decision import Actor, Grant, Rejection
from libs.chassis.envelope import Envelope
from libs.chassis.issuer_keys import IssuerAway, IssuerKeys
from libs.chassis.rights import INTEGRATIONS
from libs.contracts.message import MESSAGES
from libs.contracts.permissions import Role
from libs.contracts.values import PersonId

ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
    "Ed448",
)
LEEWAY_SECONDS = 30
"""How far the issuer's clock may be ahead of ours."""
TOKEN_LENGTH_MAX = 16_384
REMEMBERED_MAX = 2000
"""Verified tokens that are remembered, so that a signature is computed once for many requests."""

_TYPES = (None, "jwt", "at+jwt", "application/at+jwt")
_REFUSED_HEADERS = ("jwk", "jku", "x5u", "x5c", "crit")
_PERSON_ID: TypeAdapter[str] = TypeAdapter(PersonId)
_ROLES = {role.value: role for role in Role}

Grants = Mapping[str, Sequence[Grant]]
"""For whom each integration may act."""


class Identity:
    """Believes tokens of one issuer that are made out for `audience`; `now` is the clock, in seconds."""

    def __init__(
        self,
        issuer: str,
        *,
        audience: str = "quartermaster",
        roles_claim: str = "roles",
        keys: IssuerKeys | None = None,
        now: Callable[[], float] = time,
    ) -> None:
        self.issuer, self._audience, self._roles_claim = issuer, audience, roles_claim
        self._keys = keys or IssuerKeys(issuer)
        self._now = now
        self._remembered: OrderedDict[bytes, tuple[Actor, float]] = OrderedDict()
        self._generation = 0

    async def actor(self, token: str) -> Actor:
        """Whom a token names, with their roles; raises the Rejection that its bearer is told.

        An expired or unbelievable token is refused; where that cannot be found out, `identity_unavailable`.
        """
        if len(token) > TOKEN_LENGTH_MAX:
            raise _refused("it is too long")
        digest = sha256(token.encode("utf-8", "replace")).digest()
        known = self._known(digest)
        if known is not None:
            return known
        claims = await self._verified(token)
        actor, until = self._read(claims)
        self._remembered[digest] = (actor, until)
        if len(self._remembered) > REMEMBERED_MAX:
            self._remembered.popitem(last=False)
        return actor

    def _known(self, digest: bytes) -> Actor | None:
        self._keys.renew_if_old()
        if self._generation != self._keys.generation:
            # A key may have been removed because it was stolen.
            self._generation = self._keys.generation
            self._remembered.clear()
        actor, until = self._remembered.get(digest, (None, 0.0))
        if actor is not None and until <= self._now():
            raise _expired()
        return actor

    async def _verified(self, token: str) -> Mapping[str, Any]:
        """The claims, if one of the issuer's keys has signed them."""
        header = _header(token)
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS:
            raise _refused("it is not signed in a way that is believed")
        if any(name in header for name in _REFUSED_HEADERS):
            raise _refused("it brings its own key along")
        if not isinstance(kid, str | None):
            raise _refused("the name of its key is not a text")
        said = header.get("typ")
        if (said.lower() if isinstance(said, str) else said) not in _TYPES:
            raise _refused("it was made for another purpose")
        try:
            found = await self._keys.find(kid)
        except IssuerAway:
            raise Rejection(
                "identity_unavailable",
                message="The issuer of the token cannot be asked for its key right now.",
            ) from None
        if found is None:
            raise _refused("its issuer has no such key")
        if found.algorithm not in (None, algorithm):
            raise _refused("its key is not for this algorithm")
        try:
            with warnings.catch_warnings():
                # EdDSA is an old name, and still what issuers say.
                warnings.simplefilter("ignore", SecurityWarning)
                return jwt.decode(token, found.key, algorithms=[algorithm]).claims
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            raise _refused("its signature is not right") from None

    def _read(self, claims: Mapping[str, Any]) -> tuple[Actor, float]:
        """Who it is, and until when that is believed."""
        if claims.get("iss") != self.issuer:
            raise _refused("another issuer made it")
        audience = claims.get("aud")
        if self._audience not in (audience if isinstance(audience, list) else [audience]):
            raise _refused("it is made out for somebody else")
        now, until = self._now(), _instant(claims, "exp")
        if until is None:
            raise _refused("it does not say when it expires")
        if until <= now:
            raise _expired()
        for name in ("nbf", "iat"):
            since = _instant(claims, name)
            if since is not None and since > now + LEEWAY_SECONDS:
                raise _refused("it is not valid yet")
        try:
            person = _PERSON_ID.validate_python(claims.get("sub"), strict=True)
        except ValidationError:
            raise _refused("its sub is not an id that we can use") from None
        roles = roles_in(claims, self._roles_claim)
        if Role.INTEGRATION not in roles and is_a_system(person):
            raise _refused("its sub is the name of a system, and it is not one's")
        return Actor(person, roles), until


def is_a_system(name: str) -> bool:
    """Whether a system or a service is called so: what it has sent is its own, so no person may have its name."""
    return any(name == each.name for each in INTEGRATIONS) or any(
        name == message.owner() for message in MESSAGES.values()
    )


def roles_in(claims: Mapping[str, Any], path: str) -> frozenset[Role]:
    """All roles that a claim lists and that we know; other systems' roles may stand beside them."""
    found: Any = claims
    # Some issuers have claims whose names are addresses, with dots in them.
    for step in [path] if path in claims else path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    named = [found] if isinstance(found, str) else found if isinstance(found, list) else []
    return frozenset(_ROLES[name] for name in named if isinstance(name, str) and name in _ROLES)


def with_grants(actor: Actor, act_as: Grants) -> Actor:
    """A system in its own name knows for whom it may act."""
    if actor.through is not None or Role.INTEGRATION not in actor.roles:
        return actor
    return replace(actor, grants=tuple(act_as.get(actor.id, ())))


def acting_for(actor: Actor, person: str) -> Actor:
    """The person that a system acts for by a grant; a Rejection where it has none."""
    granted = actor.acting_for(person) if _is_an_id(person) else None
    if granted is None:
        raise Rejection("not_entitled", field="actas", message=f"{actor.id} may not act for {person[:130]}.")
    return granted


async def represented(
    envelope: Envelope, authorization: object, identity: Identity | None, act_as: Grants
) -> Actor:
    """For whom a system acts by queue: for the person whose token it brings, or for one by a grant.

    A Rejection tells the system why it may not.
    """
    system = with_grants(envelope.actor, act_as)
    if authorization is None:
        return acting_for(system, envelope.actas or "")
    said = authorization.decode("latin-1") if isinstance(authorization, bytes) else str(authorization)
    scheme, _, token = said.partition(" ")
    if scheme.lower() != "bearer":
        raise _refused("the header authorization must say Bearer, then a token")
    if identity is None:
        raise Rejection("identity_unavailable", message="This process knows no issuer of tokens.")
    person = await identity.actor(token.strip())
    if Role.INTEGRATION in person.roles:
        raise _refused("it is a system's, not a person's")
    if envelope.actas not in (None, person.id):
        raise Rejection(
            "not_entitled", field="actas", message="The token is not of the person named in actas."
        )
    return replace(person, through=system.id)


def _is_an_id(person: str) -> bool:
    try:
        _PERSON_ID.validate_python(person)
    except ValidationError:
        return False
    return True


def _header(token: str) -> Mapping[str, Any]:
    """What a token says about itself, which is not believed yet."""
    try:
        first = token.split(".", 2)[0]
        header = json.loads(urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict) or token.count(".") != 2:
        raise _refused("it is not a signed token")
    return header


def _instant(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    try:
        instant = math.nan if isinstance(value, bool | str) else float(value)
    except (TypeError, ValueError, OverflowError):
        instant = math.nan
    if not math.isfinite(instant):
        raise _refused(f"its {name} is not a time")
    return instant


def _refused(why: str) -> Rejection:
    return Rejection("token_invalid", message=f"The token is not believed: {why}.")


def _expired() -> Rejection:
    return Rejection("token_expired", message="The token has expired.")
