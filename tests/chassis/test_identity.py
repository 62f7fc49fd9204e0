"""Only what the issuer has signed for us is believed, and who has been believed stays so while it is away."""

import asyncio
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from time import time
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from libs.chassis import identity as identity_module
from libs.chassis import issuer_keys
from libs.chassis.decision import Actor, Rejection
from libs.chassis.identity import Identity, roles_in
from libs.chassis.issuer_keys import IssuerKeys
from libs.contracts.permissions import Role
from tests.tokens import Issuer, a_key

BUYER = Role.PROCUREMENT_MANAGER


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    """An issuer for one test, which may be asked again at once."""
    monkeypatch.setattr(issuer_keys, "PAUSE_SECONDS", 0.05)
    issuer = Issuer()
    yield issuer
    issuer.stop()


async def refusal_of(identity: Identity, token: str) -> Rejection:
    with pytest.raises(Rejection) as refused:
        await identity.actor(token)
    return refused.value


def encoded(part: dict[str, Any] | bytes) -> str:
    content = part if isinstance(part, bytes) else json.dumps(part).encode()
    return urlsafe_b64encode(content).rstrip(b"=").decode()


async def test_a_token_names_a_person_and_their_roles(issuer: Issuer) -> None:
    token = issuer.token("person-17", BUYER, Role.REQUESTER)

    assert await issuer.identity().actor(token) == Actor("person-17", frozenset({BUYER, Role.REQUESTER}))


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"exp": 1}, "token_expired"),
        ({"exp": None}, "token_invalid"),
        ({"exp": "tomorrow"}, "token_invalid"),
        ({"exp": True}, "token_invalid"),
        ({"exp": 10**310}, "token_invalid"),
        ({"nbf": [1]}, "token_invalid"),
        ({"aud": "payroll"}, "token_invalid"),
        ({"aud": ["payroll", "travel"]}, "token_invalid"),
        ({"aud": None}, "token_invalid"),
        ({"aud": {"quartermaster": 1}}, "token_invalid"),
        ({"iss": "https://elsewhere.example"}, "token_invalid"),
        ({"iss": None}, "token_invalid"),
        ({"sub": None}, "token_invalid"),
        ({"sub": ""}, "token_invalid"),
        ({"sub": "not a person"}, "token_invalid"),
        ({"sub": 17}, "token_invalid"),
        ({"sub": "x" * 129}, "token_invalid"),
        ({"sub": "erp"}, "token_invalid"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_claims_that_are_not_for_us_or_not_for_now_are_refused(
    issuer: Issuer, claims: dict[str, Any], code: str
) -> None:
    assert (await refusal_of(issuer.identity(), issuer.token("person-17", BUYER, **claims))).code == code


@pytest.mark.parametrize(
    ("claim", "seconds", "code"),
    [
        ("exp", -1, "token_expired"),
        ("nbf", 60, "token_invalid"),
        ("iat", 60, "token_invalid"),
        ("nbf", 20, None),
        ("iat", 20, None),
    ],
)
async def test_a_token_counts_from_its_time_to_its_time_and_clocks_may_differ_a_little(
    issuer: Issuer, claim: str, seconds: int, code: str | None
) -> None:
    claims: dict[str, Any] = {claim: time() + seconds}
    identity, token = issuer.identity(), issuer.token("person-17", BUYER, **claims)

    if code is None:
        assert (await identity.actor(token)).id == "person-17"
    else:
        assert (await refusal_of(identity, token)).code == code


async def test_we_may_be_one_audience_of_several(issuer: Issuer) -> None:
    assert (await issuer.identity().actor(issuer.token(aud=["payroll", "quartermaster"]))).id == "person-17"


@pytest.mark.parametrize("trailing", ["/", ""])
async def test_the_issuers_name_is_compared_exactly(issuer: Issuer, trailing: str) -> None:
    token = issuer.token(iss=issuer.url + trailing)

    if trailing:
        assert (await refusal_of(issuer.identity(), token)).code == "token_invalid"
    else:
        await issuer.identity().actor(token)


async def test_a_forged_signature_is_refused(issuer: Issuer) -> None:
    head, claims, signature = issuer.token("person-17", BUYER).split(".")
    other = issuer.token("person-17", BUYER, key=ECKey.generate_key("P-256", {"kid": "first"}))
    forged = encoded(json.dumps({"sub": "person-1"}).encode())
    identity = issuer.identity()

    for token in (f"{head}.{forged}.{signature}", other, f"{head}.{claims}.", f"{head}.{claims}.AAAA"):
        assert (await refusal_of(identity, token)).code == "token_invalid"


async def test_nothing_unsigned_and_no_shared_secret_is_believed(issuer: Issuer) -> None:
    claims = issuer.token("person-17", BUYER).split(".")[1]
    key = issuer.keys[0]
    assert isinstance(key, ECKey)
    public = key.as_pem(private=False)
    as_json = json.dumps(issuer.keys[0].as_dict(private=False)).encode()
    identity = issuer.identity()

    tokens = [f"{encoded({'alg': alg, 'kid': 'first'})}.{claims}." for alg in ("none", "None", "NONE", "")]
    for secret in (public, as_json, b""):
        for alg, digest in (("HS256", "sha256"), ("HS512", "sha512")):
            signed = f"{encoded({'alg': alg, 'kid': 'first'})}.{claims}"
            tokens.append(f"{signed}.{encoded(hmac.new(secret, signed.encode(), digest).digest())}")
    for token in tokens:
        assert (await refusal_of(identity, token)).code == "token_invalid"


@pytest.mark.parametrize("name", ["jwk", "jku", "x5u", "x5c", "crit"])
async def test_a_key_that_a_token_brings_along_is_refused(issuer: Issuer, name: str) -> None:
    mine = a_key("mine")
    brought = {"jwk": mine.as_dict(private=False), "crit": ["b64"], "x5c": ["MII="]}.get(
        name, "https://x.example"
    )
    claims = issuer.token().split(".")[1]
    token = f"{encoded({'alg': 'ES256', 'kid': 'first', name: brought})}.{claims}.AAAA"

    assert (await refusal_of(issuer.identity(), token)).code == "token_invalid"


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "e30.e30.e30",
        "\udce9.x.x",
        "é.é.é",
        "x" * 20_000,
        "[]." * 2,
        "W10.e30.",
    ],
)
async def test_what_is_no_token_at_all_is_refused(issuer: Issuer, token: str) -> None:
    assert (await refusal_of(issuer.identity(), token)).code == "token_invalid"


@pytest.mark.parametrize(
    ("key", "algorithms"),
    [
        (RSAKey.generate_key(2048, {"kid": "rsa"}), ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
        (ECKey.generate_key("P-384", {"kid": "ec"}), ("ES384",)),
        (ECKey.generate_key("P-521", {"kid": "ec"}), ("ES512",)),
        (OKPKey.generate_key("Ed25519", {"kid": "okp"}), ("Ed25519",)),
    ],
    ids=["RSA", "P-384", "P-521", "Ed25519"],
)
async def test_every_usual_way_to_sign_is_believed(
    issuer: Issuer, key: Any, algorithms: tuple[str, ...]
) -> None:
    issuer.keys.append(key)
    identity = issuer.identity()

    for algorithm in algorithms:
        assert (await identity.actor(issuer.token(algorithm=algorithm))).id == "person-17"


async def test_a_key_is_used_for_its_algorithm_alone(issuer: Issuer) -> None:
    rsa = RSAKey.generate_key(2048, {"kid": "rsa", "alg": "RS256"})
    issuer.keys.append(rsa)
    identity = issuer.identity()

    await identity.actor(issuer.token(algorithm="RS256"))
    ps = issuer.token(key=RSAKey.import_key({**rsa.as_dict(private=True), "alg": "PS256"}), algorithm="PS256")

    assert (await refusal_of(identity, ps)).code == "token_invalid"


# Keys


async def test_a_key_nobody_publishes_is_refused_and_looked_for_once_at_a_time(issuer: Issuer) -> None:
    identity = issuer.identity()
    tokens = [issuer.token(key=a_key(f"unknown {number}")) for number in range(20)]

    refusals = await asyncio.gather(*(refusal_of(identity, token) for token in tokens))

    assert {refusal.code for refusal in refusals} == {"token_invalid"}
    # Those who came when the first fetch was under way had to know whether it came too early for them.
    assert issuer.asked["/keys"] <= 2


async def test_a_rotation_is_survived_and_the_new_key_fetched_once(issuer: Issuer) -> None:
    identity, old = issuer.identity(), issuer.token("person-1")
    await identity.actor(old)
    issuer.keys.append(a_key("second"))
    new = [issuer.token(f"person-{number}") for number in range(2, 12)]

    known = await asyncio.gather(*map(identity.actor, new))

    assert [actor.id for actor in known] == [f"person-{number}" for number in range(2, 12)]
    assert (await identity.actor(old)).id == "person-1"
    assert issuer.asked["/keys"] == 2


async def test_a_key_that_was_removed_is_believed_no_longer(issuer: Issuer) -> None:
    identity, old = issuer.identity(), issuer.token("person-1")
    await identity.actor(old)
    issuer.keys = [a_key("second")]

    await identity.actor(issuer.token("person-2"))

    assert (await refusal_of(identity, old)).code == "token_invalid"


async def test_removed_keys_are_noticed_without_a_new_one(issuer: Issuer) -> None:
    identity = issuer.identity(keys=IssuerKeys(issuer.url, renewal_seconds=0))
    issuer.keys.append(a_key("second"))
    stolen = issuer.token("person-1", key=issuer.keys[0])
    await identity.actor(stolen)
    issuer.keys = issuer.keys[1:]

    async with asyncio.timeout(10):
        while (await asyncio.gather(identity.actor(stolen), return_exceptions=True))[0] == Actor("person-1"):
            await asyncio.sleep(0)

    assert (await refusal_of(identity, stolen)).code == "token_invalid"


async def test_while_the_issuer_is_away_only_unseen_keys_wait_for_it(issuer: Issuer) -> None:
    identity, seen = issuer.identity(), issuer.token("person-1")
    await identity.actor(seen)
    unseen = issuer.token("person-2", key=a_key("unseen"))
    later = issuer.token("person-3")
    issuer.stop()

    refusal = await refusal_of(identity, unseen)

    assert refusal.code == "identity_unavailable"
    assert ((await identity.actor(seen)).id, (await identity.actor(later)).id) == ("person-1", "person-3")


async def test_a_slow_issuer_is_not_waited_for_long(issuer: Issuer) -> None:
    answered = asyncio.get_running_loop().time()
    issuer.changed = issuer.slowly
    identity = issuer.identity(keys=IssuerKeys(issuer.url, fetch_seconds_max=0.2))

    refusals = await asyncio.gather(*(refusal_of(identity, issuer.token(f"person-{n}")) for n in range(5)))

    assert {refusal.code for refusal in refusals} == {"identity_unavailable"}
    assert asyncio.get_running_loop().time() - answered < 3
    issuer.changed = lambda _, usual: usual


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"<html>",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"keys": 5}',
        b'{"keys": []}',
        b'{"keys": [5, null, "x", {}, {"kty": ["RSA"]}, {"kty": "EC", "crv": {}, "kid": "first"}]}',
        b'{"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "first"}]}',
        b'{"keys": [{"kty": "oct", "k": "AAAA", "kid": "first"}]}',
        b"[" * 100_000,
        b'{"keys": "' + b"x" * 2_000_000 + b'"}',
    ],
    ids=lambda garbage: repr(garbage[:60]),
)
async def test_garbage_for_keys_is_an_issuer_that_is_away(issuer: Issuer, garbage: bytes) -> None:
    identity, seen = issuer.identity(), issuer.token("person-1")
    unseen = issuer.token("person-2", key=a_key("unseen"))
    issuer.changed = lambda path, usual: garbage if path == "/keys" else usual

    first = await refusal_of(identity, seen)
    issuer.changed = lambda _, usual: usual
    await asyncio.sleep(0.06)
    await identity.actor(seen)
    issuer.changed = lambda path, usual: garbage if path == "/keys" else usual

    assert first.code == (await refusal_of(identity, unseen)).code == "identity_unavailable"
    assert (await identity.actor(seen)).id == "person-1"


async def test_one_broken_key_does_not_spoil_the_others(issuer: Issuer) -> None:
    weak = {"kty": "RSA", "n": encoded(b"\xff" * 64), "e": "AQAB", "kid": "weak"}
    broken: list[Any] = [{"kty": "EC", "kid": "broken"}, {"kty": "NEW", "kid": "new"}, weak, 5]
    issuer.changed = lambda path, usual: {"keys": broken + usual["keys"]} if path == "/keys" else usual

    assert (await issuer.identity().actor(issuer.token())).id == "person-17"


@pytest.mark.parametrize(
    "told",
    [
        {"issuer": "https://elsewhere.example"},
        {"jwks_uri": "http://elsewhere.example/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": None},
    ],
    ids=str,
)
async def test_an_issuer_that_points_elsewhere_is_not_followed(issuer: Issuer, told: dict[str, Any]) -> None:
    issuer.changed = lambda _, usual: usual | told

    assert (await refusal_of(issuer.identity(), issuer.token())).code == "identity_unavailable"
    assert issuer.asked["/keys"] == 0


async def test_a_token_need_not_name_the_only_key(issuer: Issuer) -> None:
    assert (await issuer.identity().actor(issuer.token(header={"kid": None}))).id == "person-17"


# What is remembered


async def test_a_token_is_remembered_until_it_expires_and_no_longer(issuer: Issuer) -> None:
    clock = time()
    identity, token = issuer.identity(now=lambda: clock), issuer.token(exp=int(time()) + 10)
    await identity.actor(token)

    clock += 9
    await identity.actor(token)
    clock += 2

    assert (await refusal_of(identity, token)).code == "token_expired"


async def test_only_so_many_tokens_are_remembered(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity_module, "REMEMBERED_MAX", 3)
    identity = issuer.identity()

    for number in range(10):
        await identity.actor(issuer.token(f"person-{number}"))

    assert len(identity._remembered) == 3


@pytest.mark.parametrize(
    ("claims", "path", "roles"),
    [
        ({"roles": ["requester", "procurement_manager"]}, "roles", {Role.REQUESTER, BUYER}),
        ({"roles": ["requester", "king", 5, None, ["x"]]}, "roles", {Role.REQUESTER}),
        ({"roles": "requester"}, "roles", {Role.REQUESTER}),
        ({"realm_access": {"roles": ["requester"]}}, "realm_access.roles", {Role.REQUESTER}),
        ({"https://x.example/roles": ["requester"]}, "https://x.example/roles", {Role.REQUESTER}),
        ({"realm_access": ["requester"]}, "realm_access.roles", set()),
        ({"roles": {"requester": True}}, "roles", set()),
        ({}, "roles", set()),
    ],
    ids=["several", "unknown ones", "a text", "dotted", "an address", "no object", "no list", "none"],
)
def test_all_known_roles_of_the_claim_count_and_no_others(
    claims: dict[str, Any], path: str, roles: set[Role]
) -> None:
    assert roles_in(claims, path) == roles
